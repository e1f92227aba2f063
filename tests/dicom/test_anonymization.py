"""Anonymized DICOM files, as pydicom reads them, compared with the table of the profile."""

import io
import struct
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.datadict import dictionary_has_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from gateway.dicom.anonymization import (
    STATEMENTS,
    AnonymizationOptions,
    Longitudinal,
    SafePrivate,
    TagAction,
    plan,
)
from gateway.dicom.documents import Document
from gateway.dicom.profile import ProfileAction, is_identifying, rule_of
from gateway.dicom.pseudonyms import Pseudonyms
from gateway.dicom.rewriting.anonymizing import BurnedInText, anonymize, patient_of
from gateway.media.dicom_source import open_source
from gateway.media.errors import MediaError
from tests.dicom.test_rewriting import UNDEFINED, any_object, end, length_of_meta, parsed, values_of
from tests.media.test_dicom_elements import bare, explicit, item
from tests.media.test_probe_dicom import DATA, written

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of pydicom, for values in its own files

SECRET = bytes(range(32))
CREATOR, SAFE, UNSAFE = 0x00190010, 0x0019100C, 0x0019100D
SAFE_PRIVATE = SafePrivate(0x0019, "SIEMENS MR HEADER", 0x0C)


def anonymized(data: bytes, secret: bytes = SECRET, **options: Any) -> bytes:
    """Return the bytes of an anonymized file."""
    output = io.BytesIO()
    chosen = AnonymizationOptions(**{"allow_burned_in": True} | options)
    anonymize(io.BytesIO(data), len(data), output, chosen, Pseudonyms(secret))
    return output.getvalue()


def document_of(data: bytes) -> Document:
    source = open_source(io.BytesIO(data), len(data))
    return source.reader().read(source.start)


def tag(keyword: str) -> int:
    known = tag_for_keyword(keyword)
    assert known is not None
    return known


def all_elements(dataset: Dataset) -> Iterator[pydicom.DataElement]:
    """Return the elements at every depth, but for those that say how the object was anonymized."""
    for element in dataset:
        if element.tag in STATEMENTS:
            continue
        yield element
        if element.VR == "SQ":
            for inner in element.value:
                yield from all_elements(inner)


def texts_of(value: Any) -> list[str]:
    values = value if isinstance(value, MultiValue | list) else [value]
    return [str(value).strip() for value in values if value is not None and str(value).strip()]


@any_object
def test_every_element_is_as_the_table_demands(path: Path) -> None:
    """Pixels are as they were, and so are all elements that the table does not mention."""
    data = path.read_bytes()
    before, after = parsed(data), parsed(anonymized(data))
    old_uids = {uid for _, vr, value in values_of(before) if vr == "UI" for uid in texts_of(value)}
    for element in all_elements(after):
        rule = rule_of(element.tag)
        assert not element.tag.is_private
        assert dictionary_has_tag(element.tag) or not element.tag.element
        if rule is None:
            continue
        assert set(rule.basic) != {ProfileAction.REMOVE}, element
        texts = [] if element.VR == "SQ" else texts_of(element.value)
        if element.tag == tag("PatientID"):
            assert all(text.startswith("ANON-") for text in texts)
        elif ProfileAction.NEW_UID in rule.basic and element.VR == "UI":
            assert not {uid for uid in texts if not uid.startswith("1.2.840.10008")} & old_uids
        elif ProfileAction.DUMMY in rule.basic and element.VR not in ("UI", "SQ"):
            assert len(texts) < 2
            assert set(texts) <= {"ANONYMIZED", "19000101", "000000", "0", "0.0", str(bytes(8))}
        elif ProfileAction.NEW_UID not in rule.basic:
            assert not texts
    assert before.get("PixelData") == after.get("PixelData")
    for element in before:
        is_listed = rule_of(element.tag) or element.tag in STATEMENTS or element.tag.group >> 8 == 0x60
        if not is_listed and element.tag.element and element.VR not in ("UI", "SQ", "PN"):
            assert str(after[element.tag].value) == str(element.value)


@any_object
def test_no_identifying_value_is_left_in_the_bytes(path: Path) -> None:
    """Values that other elements also have, such as the manufacturer's name, are searched for in those that go."""
    data = path.read_bytes()
    copy = anonymized(data)
    before = parsed(data)
    elements = [element for element in all_elements(before) if element.VR != "SQ"]
    other = " ".join(
        str(element.value)
        for element in [*elements, *before.file_meta]
        if not is_identifying(element.tag)
        and element.VR not in ("OB", "OW", "UN")
        and not (element.VR == "UI" and rule_of(element.tag))
    )
    searched = 0
    for element in elements:
        rule = rule_of(element.tag)
        if rule is None or element.VR in ("OB", "OW", "UN", "SQ", "US", "UL", "FD", "FL", "SS", "SL"):
            continue
        for text in texts_of(element.value):
            if len(text) >= 6 and text not in other and text != "000000" and not text.startswith("1.2.840.10008"):
                searched += 1
                assert text.encode("latin-1", "replace") not in copy, element
                assert text.encode() not in copy, element
    assert searched >= 3


@any_object
def test_a_plan_is_what_happens(path: Path) -> None:
    data = path.read_bytes()
    before, after = document_of(data), document_of(anonymized(data))
    actions = dict(plan(before, AnonymizationOptions()))
    assert {key for key in before if actions[key] is not TagAction.REMOVE} | {
        f"{tag:08X}" for tag in STATEMENTS
    } == set(after)
    for key, action in actions.items():
        if ":" not in key and action is TagAction.KEEP and before[key].get("vr") not in ("SQ", "UN"):
            assert before[key] == after[key]


@any_object
def test_every_option_writes_files_that_pydicom_reads(path: Path) -> None:
    data = path.read_bytes()
    before = parsed(data)
    after = parsed(
        anonymized(
            data,
            retain_uids=True,
            retain_device=True,
            retain_institution=True,
            retain_patient_characteristics=True,
            retain_longitudinal=Longitudinal.FULL,
        )
    )
    kept = ("StudyInstanceUID", "StudyDate", "StudyTime", "StationName", "InstitutionName", "PatientSex", "PatientAge")
    for keyword in kept:
        assert before.get(keyword) == after.get(keyword), keyword
    assert not after.get("PatientName")
    assert after.LongitudinalTemporalInformationModified == "UNMODIFIED"
    assert len(after.DeidentificationMethodCodeSequence) == 6


def test_the_object_says_how_it_was_anonymized() -> None:
    """The codes are those of CID 7050, in the names that pydicom has for them."""
    data = (DATA / "test_files" / "CT_small.dcm").read_bytes()
    every: dict[str, Any] = {
        "retain_uids": True,
        "retain_device": True,
        "retain_institution": True,
        "retain_patient_characteristics": True,
        "retain_safe_private": [SAFE_PRIVATE],
    }
    stated = []
    for times in (Longitudinal.FULL, Longitudinal.MODIFIED):
        dataset = parsed(anonymized(data, **every, retain_longitudinal=times, keep=[tag("StudyDescription")]))
        assert dataset.PatientIdentityRemoved == "YES"
        assert dataset.DeidentificationMethod[0] == "DICOM PS3.15 2026d Table E.1-1 Basic Profile"
        assert dataset.DeidentificationMethod[-1] == "With exceptions by tag"
        stated += [(code.CodeValue, code.CodeMeaning) for code in dataset.DeidentificationMethodCodeSequence]
    known = {code.value: code.meaning for code in (getattr(codes.cid7050, name) for name in codes.cid7050.dir())}
    assert {code: known[code] for code, _ in stated} == dict(stated)
    assert len(dict(stated)) == 8


def test_dates_of_a_patient_are_shifted_alike() -> None:
    def file(patient: str, *days: str) -> bytes:
        return bare(
            explicit(0x00080020, "DA", days[0].encode()),
            explicit(0x0008002A, "DT", f"{days[1]}101112.5+0100 ".encode()),
            explicit(0x00080030, "TM", b"101112"),
            explicit(0x00100020, "LO", patient.encode()),
            explicit(0x00100030, "DA", b"19800101"),
        )

    def shift(patient: str, first: str, second: str, secret: bytes = SECRET) -> int:
        copy = parsed(anonymized(file(patient, first, second), secret, retain_longitudinal=Longitudinal.MODIFIED))
        days = [date.fromisoformat(day) for day in (first, second)]
        shifted = [date.fromisoformat(str(day)[:8]) for day in (copy.StudyDate, copy.AcquisitionDateTime)]
        assert days[1] - days[0] == shifted[1] - shifted[0]
        assert str(copy.AcquisitionDateTime)[8:] == "101112.5+0100"
        assert (copy.StudyTime, copy.PatientBirthDate) == ("101112", "")
        return (days[0] - shifted[0]).days

    shifts = [shift("A1", "20260131", "20260301"), shift("A1", "20200229", "20260301")]
    assert shifts[0] == shifts[1] > 0
    assert len({shift("A1", "20260131", "20260131"), shift("A2", "20260131", "20260131")}) == 2
    assert shift("A1", "20260131", "20260131", bytes(32)) != shifts[0]


def test_dates_that_cannot_be_shifted_go() -> None:
    """Half a date, or none, would stay as it was."""
    data = bare(
        explicit(0x00080020, "DA", b"202601  "),
        explicit(0x0008002A, "DT", b"2026"),
        explicit(0x00080023, "DA", b"Monday"),
    )
    dataset = parsed(anonymized(data, retain_longitudinal=Longitudinal.MODIFIED))
    assert (dataset.StudyDate, str(dataset.AcquisitionDateTime), dataset.ContentDate) == ("", "19000101", "19000101")


def test_pseudonyms_depend_on_nothing_but_the_secret() -> None:
    """The same UID becomes the same in all files of a project, in references, too, and another in others."""
    data = (DATA / "test_files" / "CT_small.dcm").read_bytes()
    one, again, other = (parsed(anonymized(data, secret)) for secret in (SECRET, SECRET, bytes(32)))
    for keyword in ("StudyInstanceUID", "SOPInstanceUID", "PatientID"):
        assert one[keyword].value == again[keyword].value != other[keyword].value
    assert one.StudyInstanceUID.is_valid and len(one.StudyInstanceUID) <= 64
    reference = bare(
        explicit(
            0x00081155, "UI", parsed(data).SOPInstanceUID.encode() + b"\0" * (len(parsed(data).SOPInstanceUID) % 2)
        )
    )
    assert parsed(anonymized(reference)).ReferencedSOPInstanceUID == one.SOPInstanceUID
    with pytest.raises(ValueError, match="16 bytes"):
        Pseudonyms(b"short")


def test_patient_ids_are_the_same_in_every_character_set() -> None:
    latin = bare(explicit(0x00080005, "CS", b"ISO_IR 100"), explicit(0x00100020, "LO", "Zürich".encode("latin-1")))
    unicode = bare(explicit(0x00080005, "CS", b"ISO_IR 192"), explicit(0x00100020, "LO", "Zürich ".encode()))
    assert parsed(anonymized(latin)).PatientID == parsed(anonymized(unicode)).PatientID


def private_file(*more: bytes) -> bytes:
    return bare(
        explicit(CREATOR, "LO", b"SIEMENS MR HEADER "),
        explicit(SAFE, "IS", b"1000"),
        explicit(UNSAFE, "LO", b"Doe^Jane"),
        explicit(0x00191110, "LO", b"Doe^Jane"),  # its block is reserved by nobody
        *more,
    )


def test_private_elements_go_unless_they_are_safe() -> None:
    assert b"SIEMENS" not in anonymized(private_file())
    copy = anonymized(private_file(), retain_safe_private=[SAFE_PRIVATE])
    assert b"Doe^Jane" not in copy
    assert parsed(copy)[SAFE].value == 1000
    assert parsed(copy)[CREATOR].value == "SIEMENS MR HEADER"
    moved = bare(explicit(0x00190011, "LO", b"SIEMENS MR HEADER "), explicit(0x0019110C, "IS", b"1000"))
    assert parsed(anonymized(moved, retain_safe_private=[SAFE_PRIVATE]))[0x0019110C].value == 1000


def test_private_elements_in_items_have_their_own_creators() -> None:
    nested = explicit(0x00081115, "SQ", item(explicit(SAFE, "IS", b"1000"), explicit(0x00100010, "PN", b"Doe^Jane")))
    copy = anonymized(private_file(nested), retain_safe_private=[SAFE_PRIVATE])
    assert copy.count(b"1000") == 1
    assert b"Doe^Jane" not in copy
    actions = dict(plan(document_of(private_file(nested)), AnonymizationOptions(retain_safe_private=[SAFE_PRIVATE])))
    assert actions["0019100C"] is TagAction.KEEP
    assert actions["00081115:0019100C"] is TagAction.REMOVE
    assert actions["00081115:00100010"] is TagAction.EMPTY


def test_lengths_of_groups_go_with_their_groups() -> None:
    """Where they are in an item, its length and that of its sequence follow."""
    private = explicit(0x00090000, "UL", struct.pack("<I", 16)) + explicit(0x00091001, "LO", b"Doe^Jane")
    nested = explicit(0x00081115, "SQ", item(explicit(0x00080060, "CS", b"CT"), private))
    copy = parsed(anonymized(bare(nested, private, explicit(0x00100010, "PN", b"Doe^Jane"))))
    assert [element.tag for element in copy[0x00081115].value[0]] == [0x00080060]
    assert 0x00090000 not in copy
    assert copy.PatientName == ""


def test_sequences_without_lengths_and_of_unknown_representation_are_anonymized() -> None:
    name = explicit(0x00100010, "PN", b"Doe^Jane")
    implicit = struct.pack("<HHI", 0x0010, 0x0010, 8) + b"Doe^Jane"
    data = bare(
        explicit(0x00081115, "SQ", item(name, length=UNDEFINED) + end(), UNDEFINED),
        explicit(0x00081199, "UN", item(implicit)),
        explicit(0x00091110, "UN", item(implicit) + end()[8:], UNDEFINED),
        explicit(0x00400275, "SQ", item(name)),
        explicit(0x00409096, "UN", b"Doe^Jane"),  # a sequence that cannot be read
        explicit(0x00281234, "LO", b"Doe^Jane"),  # not in the dictionary
        explicit(0x00082218, "OB", b"Doe^Jane"),  # the dictionary has it as a sequence
        struct.pack("<HH2sHI", 0x0008, 0x1190, b"UR", 0, 28) + b"https://example.com/Doe^Jane",
        explicit(0x60000010, "US", b"\1\0"),
        explicit(0x60003000, "OW", b"Doe^Jane"),
    )
    copy = anonymized(data)
    assert b"Doe" not in copy
    assert set(parsed(copy).keys()) - STATEMENTS == {0x00080008, 0x00081115, 0x00081199}


def test_preamble_and_meta_information_hold_nothing() -> None:
    dataset = parsed((DATA / "test_files" / "CT_small.dcm").read_bytes())
    dataset.preamble = b"II*\0" + b"Doe^Jane" * 15 + b"1234"
    dataset.file_meta.SourceApplicationEntityTitle = "DOE_CLINIC"
    dataset.file_meta.PrivateInformationCreatorUID = UID("1.2.3.4")
    dataset.file_meta.PrivateInformation = b"Doe^Jane"
    copy = anonymized(written(dataset))
    assert copy.startswith(bytes(128) + b"DICM")
    assert b"DOE" not in copy.upper()
    after = parsed(copy)
    assert {element.keyword for element in after.file_meta} == {
        "FileMetaInformationGroupLength",
        "FileMetaInformationVersion",
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "TransferSyntaxUID",
        "ImplementationClassUID",
        "ImplementationVersionName",
    } & {element.keyword for element in dataset.file_meta}
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
    assert after.file_meta.FileMetaInformationGroupLength == length_of_meta(copy)


def test_tags_are_replaced_kept_and_removed() -> None:
    data = (DATA / "test_files" / "CT_small.dcm").read_bytes()
    dataset = parsed(
        anonymized(
            data,
            replace={tag("PatientName"): ["Müller^名"], tag("BodyPartExamined"): ["HEAD"]},
            keep=[tag("StudyDescription"), tag("StudyInstanceUID"), tag("Modality")],
            remove=[tag("Modality"), tag("Manufacturer")],
        )
    )
    before = parsed(data)
    assert (dataset.PatientName, dataset.BodyPartExamined) == ("Müller^名", "HEAD")
    assert dataset.StudyDescription == before.StudyDescription
    assert dataset.StudyInstanceUID == before.StudyInstanceUID
    assert {"Modality", "Manufacturer"} & {element.keyword for element in dataset} == set()
    assert dataset.SpecificCharacterSet == "ISO_IR 192"


def test_objects_with_text_in_their_pixels_are_refused_unless_allowed() -> None:
    data = bare(explicit(0x00080060, "CS", b"US"))
    assert anonymized(data)
    with pytest.raises(BurnedInText):
        anonymized(data, allow_burned_in=False)


def test_patients_without_an_id_are_told_apart_by_their_studies() -> None:
    assert patient_of({"00100020": {"vr": "LO"}, "0020000D": {"vr": "UI", "Value": ["1.2"]}}) == "1.2"
    assert patient_of({}) == ""


def test_broken_files_are_refused() -> None:
    with pytest.raises(MediaError):
        anonymized(bare(explicit(0x00081115, "SQ", item(explicit(0x00100010, "PN", b"Doe", 900)))))
