"""What Accept headers of DICOMweb clients accept."""

import pytest

from gateway.dicomweb.media_types import accepts_objects, accepts_single, frame_type, json_type

LITTLE, JPEG, LOSSLESS = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.80"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "application/dicom+json"),
        ("", "application/dicom+json"),
        ("*/*", "application/dicom+json"),
        ("application/json", "application/json"),
        ("application/dicom+json, application/json;q=0.5", "application/dicom+json"),
        ("application/dicom+json;q=0.1, application/json", "application/json"),
        ('multipart/related; type="application/dicom+xml"', None),
        ("application/dicom+json;q=0", None),
        ("text/html", None),
    ],
)
def test_json(header: str | None, expected: str | None) -> None:
    assert json_type(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, True),
        ("*/*", True),
        ('multipart/related; type="application/dicom"', True),
        ('multipart/related; type="application/dicom"; transfer-syntax=*', True),
        (f'multipart/related; type="application/dicom"; transfer-syntax={LITTLE}', False),
        (f"multipart/related; type=application/dicom; transfer-syntax={JPEG}", True),
        ("multipart/related", True),
        ("application/dicom", False),
        ('multipart/related; type="image/jpeg"', False),
        ('text/html, multipart/related; type="application/dicom"', True),
    ],
)
def test_objects(header: str | None, expected: bool) -> None:
    assert accepts_objects(header, [JPEG]) is expected


def test_single_objects() -> None:
    assert accepts_single("application/dicom")
    assert accepts_single('application/dicom, multipart/related; type="application/dicom";q=0.5')
    assert not accepts_single('multipart/related; type="application/dicom"')
    assert not accepts_single("*/*")


@pytest.mark.parametrize(
    ("header", "syntax", "expected"),
    [
        (None, LITTLE, ("application/octet-stream", True)),
        ('multipart/related; type="application/octet-stream"', LITTLE, ("application/octet-stream", True)),
        ("application/octet-stream", LITTLE, ("application/octet-stream", False)),
        ('multipart/related; type="image/jpeg"', JPEG, ("image/jpeg", True)),
        ('multipart/related; type="image/jpeg"', LOSSLESS, None),
        ('multipart/related; type="image/*"', LOSSLESS, ("image/jls", True)),
        ("multipart/related; type=application/octet-stream", LOSSLESS, ("application/octet-stream", True)),
        ("image/jpeg", "1.2.840.10008.1.2.2", None),
        ("*/*", "1.2.840.10008.1.2.1.99", None),
    ],
)
def test_frames(header: str | None, syntax: str, expected: tuple[str, bool] | None) -> None:
    assert frame_type(header, syntax) == expected
