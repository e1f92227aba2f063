"""DICOM studies of a generated site, with their patients and series."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.dicom.headers import digest_of
from gateway.generate.dicom_files import file_rows, item_row
from gateway.generate.people import People, TableRows
from gateway.generate.rng import Rng
from gateway.generate.tree import Place
from gateway.models.base import fold, new_row
from gateway.models.dicom import (
    DicomHeaderRecord,
    DicomSeriesRecord,
    DicomStudyPlaceRecord,
    DicomStudyRecord,
    dicom_headers,
    dicom_series,
    dicom_studies,
    dicom_study_places,
)

FAMILIES = (
    "Adams", "Baker", "Castro", "Diaz", "Eriksen", "Fischer", "Garcia", "Hansen", "Ivanova", "Jansen", "Khan",
    "Lopez", "Müller", "Novak", "Okafor", "Petit", "Quinn", "Rossi", "Silva", "Tanaka", "Ueda", "Virtanen",
    "Wagner", "Xu", "Yilmaz", "Zhang",
)  # fmt: skip
GIVEN = (
    "Anna", "Ben", "Clara", "David", "Elena", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Kenji", "Lucia", "Marta",
    "Noah", "Olga", "Paul", "Rosa", "Samuel", "Tomas", "Vera",
)  # fmt: skip
MODALITIES = ("CT", "CT", "CT", "MR", "MR", "CR", "DX", "US", "PT", "MG")
BODY_PARTS = ("CHEST", "ABDOMEN", "HEAD", "PELVIS", "KNEE", "SPINE")
_ROOT_UID = "1.2.826.0.1.3680043.8.498"
_INSTANCES, _SERIES = 1_000, 6
"""Most instances and series of a study; their numbers are log-uniform."""
_STUDIES_PER_PATIENT = 3
_SECOND_FOLDER = 0.05
"""Share of studies of which the last series lies in another folder of the same root."""


class DicomGenerator:
    """Studies in the folders of a tree; adds their items to the counters of the folders."""

    def __init__(
        self,
        rng: Rng,
        people: People,
        places: Sequence[Place],
        counters: Mapping[UUID, Counter[str]],
    ) -> None:
        self._rng = rng
        self._people = people
        self._places = places
        self._by_root: dict[UUID, list[Place]] = {}
        for place in places:
            self._by_root.setdefault(place.root_folder_uuid, []).append(place)
        self._counters = counters
        self._number = 0

    def rows(self, count: int) -> Iterator[TableRows]:
        """Yield the rows of studies with so many instances in total, referenced tables first."""
        while count:
            size = min(self._rng.log_uniform(1, _INSTANCES), count)
            count -= size
            self._number += 1
            yield from self._study(size)

    def _study(self, size: int) -> Iterator[TableRows]:
        moment, place = self._rng.next_moment(), self._rng.choice(self._places)
        study_uid = f"{_ROOT_UID}.{self._number}"
        header = self._study_header(moment)
        study = new_row(
            DicomStudyRecord,
            uuid=self._rng.uuid(moment),
            root_folder_uuid=place.root_folder_uuid,
            study_uid=study_uid,
            **{name: value for name, value in header.items() if name != "study_description"},
            description=header["study_description"],
            name_key=fold(header["patient_name"]),
            created_at=moment,
            last_edited_at=moment,
        )
        yield dicom_studies, [study]
        count = min(self._rng.log_uniform(1, _SERIES), size)
        folders = [place] * count
        if count > 1 and self._rng.chance(_SECOND_FOLDER):
            folders[-1] = self._rng.choice(self._by_root[place.root_folder_uuid])
        for number, each in enumerate(folders):
            share = size // count + (number < size % count)
            yield from self._series(study, each.folder_uuid, header, number + 1, share)
        orders = {name: study[name] for name in ("study_date", "created_at", "last_edited_at")}
        yield (
            dicom_study_places,
            [
                new_row(
                    DicomStudyPlaceRecord,
                    uuid=self._rng.uuid(moment),
                    study_uuid=study["uuid"],
                    folder_uuid=folder,
                    patient_name_key=study["name_key"],
                    **orders,
                )
                for folder in dict.fromkeys(each.folder_uuid for each in folders)
            ],
        )

    def _study_header(self, moment: datetime) -> dict[str, Any]:
        patient = self._number // _STUDIES_PER_PATIENT
        family, given = FAMILIES[patient % len(FAMILIES)], GIVEN[patient // 7 % len(GIVEN)]
        born = date(1930, 1, 1) + timedelta(days=patient * 997 % 30_000)
        return {
            "patient_id": f"PAT{patient:07}",
            "patient_id_issuer": "Example Hospital",
            "patient_name": f"{family}^{given}^{patient % 97}",
            "patient_birth_date": born.isoformat(),
            "patient_sex": "FM"[patient % 2],
            "study_date": moment.date().isoformat(),
            "study_time": moment.time().replace(microsecond=0).isoformat(),
            "accession_number": f"A{self._number:08}",
            "study_id": str(self._number),
            "study_description": f"{self._rng.choice(BODY_PARTS).capitalize()} routine",
            "referring_physician_name": f"{self._rng.choice(FAMILIES)}^{self._rng.choice(GIVEN)}",
        }

    def _series(
        self,
        study: Mapping[str, Any],
        folder: UUID,
        attributes: dict[str, Any],
        number: int,
        size: int,
    ) -> Iterator[TableRows]:
        moment = study["created_at"]
        series_uid = f"{study['study_uid']}.{number}"
        header = {
            **attributes,
            "modality": self._rng.choice(MODALITIES),
            "series_number": number,
            "series_description": f"Series {number}",
            "body_part": self._rng.choice(BODY_PARTS),
        }
        series_uuid, digest = self._rng.uuid(moment), digest_of(header)
        item_rows = [
            item_row(self._rng, self._people, folder, study["study_uid"], series_uid, each)
            for each in range(1, size + 1)
        ]
        yield (
            dicom_series,
            [
                new_row(
                    DicomSeriesRecord,
                    uuid=series_uuid,
                    study_uuid=study["uuid"],
                    folder_uuid=folder,
                    series_uid=series_uid,
                    modality=header["modality"],
                    number=number,
                    description=header["series_description"],
                    body_part=header["body_part"],
                    instances=size,
                    frames=size,
                    file_size=sum(row["file_size"] for row in item_rows),
                    created_at=moment,
                    last_edited_at=moment,
                )
            ],
        )
        first = min(row["uuid"] for row in item_rows)
        row = {"series_uuid": series_uuid, "digest": digest, "attributes": header}
        yield dicom_headers, [new_row(DicomHeaderRecord, **row, first_item_uuid=first)]
        yield from file_rows(item_rows, header, series_uuid, digest)
        total = sum(row["file_size"] for row in item_rows)
        delta = Counter(files=size, dicom_files=size, total_size=total)
        self._counters[folder].update(delta)
