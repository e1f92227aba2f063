"""DICOM studies for the small site on which both executors are compared."""

from typing import Any
from uuid import UUID

from gateway.dicom.documents import Document, pack
from gateway.kinds.enums import DicomCopyOperation, DicomJobPhase, DicomJobUnitStatus, JobKind
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold
from gateway.models.dicom import (
    dicom_headers,
    dicom_instances,
    dicom_series,
    dicom_studies,
    dicom_study_places,
    dicom_tags,
    study_attachments,
)
from gateway.models.dicom_indexed_tags import dicom_indexed_tags, dicom_tag_values
from gateway.models.dicom_jobs import dicom_job_units
from gateway.models.items import items
from gateway.models.jobs import jobs

PEOPLE = [None, "Doe^John", "DOE^Jane^^Dr", "Yamada^Tarou=山田^太郎=やまだ^たろう", "Müller^Ä", "a*b?c%d_e[f]\\"]
DATES = [None, "2026-01-31", "2026-01-31", "1999-12-01", "2025-06-15"]

DOCUMENT: Document = {
    "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
    "00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]},
    "00080060": {"vr": "CS", "Value": ["CT"]},
    "00081111": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}, "00091001": {"vr": "UN"}}, {}]},
    "00090010": {"vr": "LO", "Value": ["ACME"]},
    "00091001": {"vr": "UN", "InlineBinary": "AAEC"},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]},
    "0020000D": {"vr": "UI", "Value": ["1.2.0"]},
    "00281050": {"vr": "DS", "Value": [40.0, 1.25]},
    "7FE00010": {"vr": "OW", "BulkDataURI": "7FE00010"},
}

READING = {"is_complete": True, "errors": 1, "omitted": ["00091002"], "character_sets": ["ISO_IR 100"]}


async def create_studies(builder: Any) -> None:
    """Insert studies with series and instances in random folders.

    The folders of a study may belong to several roots here.
    """
    random, put = builder.random, builder.put
    attached = set[UUID]()
    series: list[UUID] = []
    for number in range(14):
        name = random.choice(PEOPLE)
        date, times = random.choice(DATES), {"created_at": builder.moment(), "last_edited_at": builder.moment()}
        study = await put(
            dicom_studies,
            root_folder_uuid=builder.world.folders[number % 2],
            # Documents name the first three by their UIDs alone; others have these in common.
            study_uid=f"1.2.{number if number < 3 else 3 + number // 3}",
            patient_id=random.choice(["", "P1", "p1", f"N{number}"]),
            patient_id_issuer=f"{number}",
            patient_name=name,
            name_key=fold(name or ""),
            patient_birth_date=random.choice(DATES),
            study_date=date,
            accession_number=random.choice([None, "A1", "A*"]),
            description=random.choice([None, "Chest", "chest 2"]),
            referring_physician_name=random.choice(PEOPLE),
            conflicts=random.choice([[], ["00100010"]]),
            corrections=random.choice([{}, {"patient_name": "Roe^Richard", "study_date": None}]),
            phi_version=number % 3,
            **times,
        )
        homes = random.sample(builder.world.folders, number % 4)
        if number < 3 and builder.world.folders[number] not in homes:
            homes.append(builder.world.folders[number])
        for home in homes:
            key = fold(name) if name else None
            order = {"study_date": date, "patient_name_key": key, **times}
            await put(dicom_study_places, study_uuid=study, folder_uuid=home, **order)
            for position in range(1 + random.randrange(2)):
                series.append(await create_series(builder, study, home, position))
        for item in random.sample(builder.world.items, number % 3):
            if item not in attached:
                attached.add(item)
                await put(study_attachments, study_uuid=study, item_uuid=item)
    await index_tags(builder, series)


async def create_series(builder: Any, study: UUID, home: UUID, position: int) -> UUID:
    """Insert a series with some instances, and return its UUID."""
    random, put = builder.random, builder.put
    count = random.randrange(4)
    series: UUID = await put(
        dicom_series,
        study_uuid=study,
        folder_uuid=home,
        series_uid=f"1.3.{position}",
        modality=random.choice([None, "CT", "MR"]),
        number=random.choice([None, 1, 2]),
        conflicts=random.choice([[], ["00080060"]]),
        instances=count,
        superseded=random.randrange(3),
        frames=count,
        file_size=2**40,
    )
    for number in range(count):
        name = f"{number}.dcm"
        item = await put(
            items, folder_uuid=home, item_type=StorageItemType.DICOM_FILE, name=name, name_key=name, description=""
        )
        builder.world.items.append(item)
        await put(
            dicom_instances,
            item_uuid=item,
            series_uuid=series,
            header_digest="",
            sop_instance_uid=f"1.4.{random.randrange(2)}",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            number=random.choice([None, 1, 2]),
            frames=random.choice([None, 3]),
            file_size=5,
            has_pixels=bool(number % 2),
            is_live=True,
            is_current=number == 0,
        )
        if number == 0:
            await put(dicom_headers, series_uuid=series, digest="", attributes={}, first_item_uuid=item)
        if random.random() < 0.8:
            packed = pack(DOCUMENT | {"00200013": {"vr": "IS", "Value": [number]}})
            await put(dicom_tags, item_uuid=item, document=packed.data, document_size=packed.size, **READING)
    return series


async def index_tags(builder: Any, members: list[UUID]) -> None:
    """Insert an indexed tag that series have, with its job, and one that is not ready."""
    done = {"kind": JobKind.INDEXING, "user_uuid": builder.world.users[0], "status": "DONE", "title": "00080060"}
    job = await builder.put(jobs, **done, sequence=9)
    tag = await builder.put(dicom_indexed_tags, tag="00080060", vr="CS", is_filled=True, job_uuid=job)
    await builder.put(dicom_indexed_tags, tag="0019100C", private_creator="ACME", vr="IS")
    for number, series in enumerate(members):
        value = {"value_key": ("CT", "MR", "")[number % 3], "instances": 1}
        await builder.put(dicom_tag_values, series_uuid=series, indexed_tag_uuid=tag, **value)


async def create_study_jobs(builder: Any) -> None:
    """Insert deletions and copies of studies by two users, with units in all states."""
    statuses = list(DicomJobUnitStatus)
    for number in range(4):
        phase = {"dicom_phase": list(DicomJobPhase)[number % 3], "dicom_study_uids": [f"1.2.{number}"]}
        values = {"user_uuid": builder.world.users[number % 2], "status": "DONE", "sequence": 10 + number, **phase}
        kind = JobKind.DICOM_DELETION if number < 2 else JobKind.DICOM_COPY
        target = builder.world.folders[number] if number > 1 else None
        values |= {"target_folder_uuid": target, "dicom_operation": DicomCopyOperation.MERGE if target else None}
        job = await builder.put(jobs, kind=kind, **values)
        for position, item in enumerate(builder.world.items[:5]):
            unit = {"position": position, "item_uuid": item, "source": 0, "sop_instance_uid": f"1.{position}"}
            unit["copy_uuid"] = builder.world.items[-position] if target and position else None
            await builder.put(dicom_job_units, job_uuid=job, status=statuses[position % len(statuses)], **unit)
