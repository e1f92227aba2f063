"""The DICOM files of a generated site: items, instances and their tags."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from gateway.catalog.ingestion.unit_plan import OBJECT_URL
from gateway.dicom.documents import pack
from gateway.dicom.headers import HEADER_TAGS
from gateway.generate.people import People, TableRows
from gateway.generate.rng import Rng, name_columns
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold, natural_key, new_row
from gateway.models.dicom import (
    DicomInstanceRecord,
    DicomTagsRecord,
    dicom_instances,
    dicom_tags,
)
from gateway.models.items import ItemRecord, StoredObjectRecord, items, stored_objects

_CT_IMAGE, _EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"
_REPRESENTATIONS = {
    "patient_name": "PN",
    "patient_birth_date": "DA",
    "patient_sex": "CS",
    "study_date": "DA",
    "study_time": "TM",
    "accession_number": "SH",
    "study_id": "SH",
    "referring_physician_name": "PN",
    "modality": "CS",
    "series_number": "IS",
    "body_part": "CS",
}
"""Value representations of the attributes of a header; those of the others are LO."""
_IMAGE: Mapping[str, Any] = {
    "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
    "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY", "AXIAL"]},
    "00080016": {"vr": "UI", "Value": [_CT_IMAGE]},
    "00080070": {"vr": "LO", "Value": ["Example Devices"]},
    "00080080": {"vr": "LO", "Value": ["Example Hospital"]},
    "00081090": {"vr": "LO", "Value": ["Scanner 64"]},
    "00180050": {"vr": "DS", "Value": [1.25]},
    "00180060": {"vr": "DS", "Value": [120.0]},
    "00181020": {"vr": "LO", "Value": ["12.4.1"]},
    "00181151": {"vr": "IS", "Value": [220]},
    "00181210": {"vr": "SH", "Value": ["STANDARD"]},
    "00185100": {"vr": "CS", "Value": ["HFS"]},
    "00200037": {"vr": "DS", "Value": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]},
    "00280002": {"vr": "US", "Value": [1]},
    "00280004": {"vr": "CS", "Value": ["MONOCHROME2"]},
    "00280010": {"vr": "US", "Value": [512]},
    "00280011": {"vr": "US", "Value": [512]},
    "00280030": {"vr": "DS", "Value": [0.703125, 0.703125]},
    "00280100": {"vr": "US", "Value": [16]},
    "00280101": {"vr": "US", "Value": [12]},
    "00280102": {"vr": "US", "Value": [11]},
    "00280103": {"vr": "US", "Value": [0]},
    "00281050": {"vr": "DS", "Value": [40.0]},
    "00281051": {"vr": "DS", "Value": [400.0]},
    "00281052": {"vr": "DS", "Value": [-1024.0]},
    "00281053": {"vr": "DS", "Value": [1.0]},
    "7FE00010": {"vr": "OW"},
}
"""The elements that all images have alike."""


def item_row(
    rng: Rng, people: People, folder_uuid: UUID, study_uid: str, series_uid: str, number: int
) -> dict[str, Any]:
    """Return the item of the next file of a series."""
    moment, key = rng.next_moment(), rng.object_key()
    name = f"{series_uid}.{number:05}.dcm"
    return new_row(
        ItemRecord,
        uuid=rng.uuid(moment),
        folder_uuid=folder_uuid,
        item_type=StorageItemType.DICOM_FILE,
        owner_uuid=rng.choice(people.users),
        created_at=moment,
        last_edited_at=moment,
        **name_columns(name),
        natural_key=natural_key(fold(name)),
        object_key=key,
        url=OBJECT_URL + key,
        sha256=rng.sha256(),
        file_size=200_000 + rng.below(400_000),
        mime_type="application/dicom",
        width=512,
        height=512,
        frame_count=1,
        dicom_study_uid=study_uid,
        dicom_series_uid=series_uid,
        dicom_instance_uid=f"{series_uid}.{number}",
    )


def file_rows(
    item_rows: Sequence[dict[str, Any]],
    header: Mapping[str, Any],
    series_uuid: UUID,
    header_digest: str,
) -> Iterator[TableRows]:
    """Yield the items of a series with their objects, instances and tags."""
    objects = [
        new_row(
            StoredObjectRecord,
            key=row["object_key"],
            sha256=row["sha256"],
            crc32=int(row["sha256"][:8], 16),
            file_size=row["file_size"],
            created_at=row["created_at"],
        )
        for row in item_rows
    ]
    yield stored_objects, objects
    yield items, list(item_rows)
    instances = [
        new_row(
            DicomInstanceRecord,
            item_uuid=row["uuid"],
            series_uuid=series_uuid,
            header_digest=header_digest,
            sop_instance_uid=row["dicom_instance_uid"],
            sop_class_uid=_CT_IMAGE,
            transfer_syntax_uid=_EXPLICIT,
            number=number,
            frames=1,
            rows=row["height"],
            columns=row["width"],
            file_size=row["file_size"],
            has_pixels=True,
            is_current=True,
        )
        for number, row in enumerate(item_rows, 1)
    ]
    yield dicom_instances, instances
    shared = {**_IMAGE, **elements_of(header)}
    yield dicom_tags, [tags_row(row, number, shared) for number, row in enumerate(item_rows, 1)]


def tags_row(item: Mapping[str, Any], number: int, shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tags of a file: those that its series shares, and its own."""
    position = 1.25 * number
    document = {
        **shared,
        "00080018": {"vr": "UI", "Value": [item["dicom_instance_uid"]]},
        "0020000D": {"vr": "UI", "Value": [item["dicom_study_uid"]]},
        "0020000E": {"vr": "UI", "Value": [item["dicom_series_uid"]]},
        "00200013": {"vr": "IS", "Value": [number]},
        "00200032": {"vr": "DS", "Value": [-180.0, -180.0, position]},
        "00201041": {"vr": "DS", "Value": [position]},
    }
    packed = pack(document)
    return new_row(
        DicomTagsRecord, item_uuid=item["uuid"], document=packed.data, document_size=packed.size
    )


def elements_of(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the elements of a header, as a file would have them."""
    elements = {}
    for name, value in header.items():
        representation = _REPRESENTATIONS.get(name, "LO")
        if representation == "PN":
            value = {"Alphabetic": value}
        elif representation in ("DA", "TM"):
            value = value.replace("-", "").replace(":", "")
        elements[HEADER_TAGS[name]] = {"vr": representation, "Value": [value]}
    return elements
