"""PDF documents: pages, and why files are refused."""

import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from tests.media.conftest import Probed, Refusal
from tests.samples import encrypted_pdf, truncate

PDF = StorageItemType.PDF


@pytest.mark.parametrize("pages", [1, 3, 40])
def test_facts(probed: Probed, pages: int) -> None:
    """ENC-ITEM-17, 18 and ENC-MPDF-02: file size, MIME type and pages; a document has no pixels and no frames."""
    data = samples.pdf(pages=pages)
    facts = probed(data, PDF)
    assert (facts.file_size, facts.mime_type, facts.page_count) == (len(data), "application/pdf", pages)
    assert (facts.width, facts.height, facts.frame_count) == (None, None, None)


def test_encrypted(refusal: Refusal) -> None:
    """A file that needs a password is refused."""
    assert refusal(encrypted_pdf(), PDF) == "the PDF is encrypted: it cannot be read without a password"


@pytest.mark.parametrize("keep", [0.95, 0.5])
def test_truncated(refusal: Refusal, keep: float) -> None:
    """PDFium would repair it, and lose pages."""
    assert refusal(truncate(samples.pdf(pages=9), keep), PDF) == "the PDF is truncated: it has no end mark"


def test_broken(refusal: Refusal) -> None:
    """Nothing between header and end mark; or no pages."""
    assert refusal(b"%PDF-1.4\n%%EOF\n", PDF) == "the PDF is broken"
    empty = samples.pdf(pages=1).replace(b"/Kids [4 0 R]", b"/Kids [     ]").replace(b"/Count 1", b"/Count 0")
    assert refusal(empty, PDF) == "the PDF is broken"


@pytest.mark.parametrize(
    "data",
    [
        b"Received: from a scanner\r\n\x01\x02\r\n" + samples.pdf(3),
        samples.pdf(3) + bytes(200_000),
        samples.pdf(3) + b"\r\n" * 5000,
        samples.pdf(3).rstrip().removesuffix(b"%%EOF"),
        samples.pdf(3).rstrip()[:-1],
    ],
    ids=["bytes before", "zeros behind", "lines behind", "without the end mark", "without its last byte"],
)
def test_what_surrounds_a_document_is_no_damage(probed: Probed, data: bytes) -> None:
    facts = probed(data, PDF)
    assert (facts.mime_type, facts.page_count) == ("application/pdf", 3)


def test_text_about_pdf(probed: Probed) -> None:
    """A text that mentions the mark of PDF remains a text."""
    text = b"A file that begins with %PDF-1.7 and ends with %%EOF is a PDF.\n"
    assert probed(text, StorageItemType.PLAIN_TEXT).mime_type == "text/plain"
