"""Lists of DICOM studies: pages, filters and visibility, compared with what the rows say."""

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import sqlalchemy as sa

from gateway.models.base import fold, new_row
from gateway.models.dicom import (
    DicomSeriesRecord,
    DicomStudyPlaceRecord,
    DicomStudyRecord,
    dicom_series,
    dicom_studies,
    dicom_study_places,
)
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

STUDIES = 150
LISTED = """query($u: UUID, $o: DicomStudyOrder, $f: DicomStudyFilter, $first: Int, $after: String, $last: Int,
  $before: String) { dicomStudies(folderUuid: $u, orderBy: $o, filter: $f, first: $first, after: $after, last: $last,
  before: $before) { nodes { studyUid } pageInfo { startCursor endCursor hasNextPage } totalCount } }"""
ORDERS = {
    "STUDY_DATE": ("study_date", True),
    "PATIENT_NAME": ("name_key", False),
    "CREATED_AT": ("created_at", True),
    "LAST_EDITED_AT": ("last_edited_at", True),
}
NAMES = [
    None,
    "Doe^John",
    "Doe^Jane^^Dr",
    "DOELY^John",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "a*b^c?d",
    "Straße^[x]",
    "100%^_",
]
START = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass
class Hospital:
    """Studies in folders of two roots: each study has parts in one to three folders of one root."""

    site: Site
    folders: list[str] = field(default_factory=list)
    below: dict[str, set[str]] = field(default_factory=dict)
    studies: list[dict[str, Any]] = field(default_factory=list)
    homes: dict[UUID, set[str]] = field(default_factory=dict)
    series: dict[UUID, list[tuple[str, str | None]]] = field(default_factory=dict)
    viewers: dict[str, set[str]] = field(default_factory=dict)

    def expected(self, who: str, scope: str | None, order: str, wanted: Any = lambda _study: True) -> list[str]:
        """Return the study UIDs that a viewer sees in an order."""
        visible = self.viewers[who] & (self.below[scope] if scope else set(self.folders))
        if scope and scope not in self.viewers[who]:
            visible = set()
        rows = [row for row in self.studies if self.homes[row["uuid"]] & visible and wanted(row)]
        name, descends = ORDERS[order]
        having = sorted(((row[name], row["uuid"]) for row in rows if row[name]), reverse=descends)
        lacking = sorted((row["uuid"] for row in rows if not row[name]), reverse=descends)
        uids = {row["uuid"]: row["study_uid"] for row in rows}
        return [uids[uuid] for _, uuid in having] + [uids[uuid] for uuid in lacking]

    async def page(self, who: str, **given: Any) -> Any:
        return (await self.site.ask(LISTED, given, who))["dicomStudies"]

    async def uids(self, who: str, **given: Any) -> list[str]:
        page = await self.page(who, **given)
        listed = [node["studyUid"] for node in page["nodes"]]
        assert page["totalCount"] == len(listed)
        return listed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hospital(shared_site: Site) -> Hospital:
    """Create two roots with folders, and viewers who see all, a subtree, one folder, and nothing."""
    site, chance = shared_site, random.Random(11)
    made = Hospital(site)
    parents: dict[str, str | None] = {}
    for root in ("north", "south"):
        top = await site.folder(root)
        parents[top] = None
        for number in range(6):
            ward = await site.folder(f"{root} {number}", top)
            parents[ward] = top
            parents[await site.folder(f"{root} {number} below", ward)] = ward
    made.folders = list(parents)
    for folder in made.folders:
        made.below[folder] = {each for each in made.folders if folder in chain(parents, each)}
    roots = [folder for folder, parent in parents.items() if parent is None]
    teams = {"all": roots, "subtree": [made.folders[1], made.folders[2]], "single": [made.folders[4]], "none": []}
    made.viewers["admin"] = set(made.folders)
    for name, granted in teams.items():
        who = await site.newcomer(team := await site.group(name))
        for folder in granted:
            await site.grant(folder, team, "VIEWER")
        made.viewers[who] = set().union(*(made.below[folder] for folder in granted))
    made.studies = [random_study(chance, roots[number % 2], number) for number in range(STUDIES)]
    await insert_studies(made, chance)
    return made


def random_study(chance: random.Random, root: str, number: int) -> dict[str, Any]:
    """Return the row of a study in a root folder."""
    name = chance.choice(NAMES)
    return new_row(
        DicomStudyRecord,
        root_folder_uuid=UUID(root),
        study_uid=f"1.2.{number}",
        patient_id=chance.choice(["", "P1", "p1", "P[2]", "P*3"]),
        patient_id_issuer=chance.choice(["", "Hospital"]),
        patient_name=name,
        name_key=fold(name or ""),
        patient_birth_date=chance.choice([None, "1970-01-01", "1980-02-02"]),
        study_date=chance.choice([None, "2026-01-01", "2026-01-02", f"2025-{1 + number % 12:02}-03"]),
        accession_number=chance.choice([None, f"A{number}", "B_1"]),
        study_id=chance.choice([None, "S1", "S2"]),
        description=chance.choice([None, "Chest CT", "chest", "Knee 100%"]),
        referring_physician_name=chance.choice(NAMES),
        conflicts=chance.choice([[], [], ["00100010"]]),
        created_at=START + timedelta(seconds=chance.randrange(40)),
        last_edited_at=START + timedelta(days=1, seconds=chance.randrange(40)),
    )


async def insert_studies(made: Hospital, chance: random.Random) -> None:
    """Insert the studies, each with parts in up to three folders below its root."""
    places, series = [], []
    for study in made.studies:
        below = sorted(made.below[str(study["root_folder_uuid"])])
        homes = chance.sample(below, chance.choice([1, 1, 2, 3]))
        made.homes[study["uuid"]] = set(homes)
        made.series[study["uuid"]] = [(home, chance.choice([None, "CT", "MR"])) for home in homes]
        order = {key: study[key] for key in ("study_date", "created_at", "last_edited_at")}
        order |= {"study_uuid": study["uuid"], "patient_name_key": study["name_key"] or None}
        for home, modality in made.series[study["uuid"]]:
            places.append(new_row(DicomStudyPlaceRecord, folder_uuid=UUID(home), **order))
            part = {"study_uuid": study["uuid"], "folder_uuid": UUID(home), "modality": modality}
            series.append(new_row(DicomSeriesRecord, series_uid="1.9", instances=1, **part))
    async with made.site.services.database.writing() as transaction:
        await transaction.execute(sa.insert(dicom_studies), made.studies)
        await transaction.execute(sa.insert(dicom_study_places), places)
        await transaction.execute(sa.insert(dicom_series), series)


def chain(parents: dict[str, str | None], folder: str | None) -> list[str]:
    """Return a folder and those above it."""
    return [] if folder is None else [folder, *chain(parents, parents[folder])]


@pytest.mark.parametrize("order", [*ORDERS])
async def test_pages_are_in_order_and_of_visible_parts(hospital: Hospital, order: str) -> None:
    """Each study comes once, for every viewer and folder, forwards and backwards."""
    for who in hospital.viewers:
        for scope in (None, *hospital.folders[:2]):
            expected = hospital.expected(who, scope, order)
            given: dict[str, Any] = {"u": scope, "o": {"field": order}}
            assert (await hospital.page(who, **given, first=1000))["totalCount"] == len(expected)
            assert await hospital.uids(who, **given, first=1000) == expected
            for size in (1, 25):
                listed, cursor, more = [], None, True
                while more:
                    page = await hospital.page(who, **given, first=size, after=cursor)
                    listed += [node["studyUid"] for node in page["nodes"]]
                    cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
                    if size == 1 and len(listed) > 5:
                        break
                assert listed == expected[: len(listed)]
                assert size == 1 or listed == expected
                page = await hospital.page(who, **given, last=size, before=cursor)
                end = max(len(listed) - 1, 0)
                assert [node["studyUid"] for node in page["nodes"]] == expected[max(end - size, 0) : end] or not cursor


def name_matches(name: str | None, pattern: str) -> bool:
    """Return whether a group of a name matches, as a whole or component by component."""
    wanted = fold(pattern)
    for group in fold(name or "").split("="):
        if not group:
            continue
        parts = wanted.split("^")
        given = [*group.split("^"), *[""] * len(parts)]
        if all(not part or wild(given[number], part) for number, part in enumerate(parts)):
            return True
        if len(parts) == 1 and wild(group, wanted):
            return True
    return False


def wild(text: str | None, pattern: str) -> bool:
    return text is not None and fnmatchcase(text, re.sub(r"\[", "[[]", pattern))


def texts(column: str, pattern: str) -> Any:
    return lambda study: wild(study[column], pattern)


def names(column: str, pattern: str) -> Any:
    return lambda study: name_matches(study[column], pattern)


FILTERS: list[tuple[dict[str, Any], Any]] = [
    ({"studyUids": ["1.2.3", "1.2.4", "9"]}, lambda study: study["study_uid"] in ("1.2.3", "1.2.4")),
    ({"patientId": "P1"}, texts("patient_id", "P1")),
    ({"patientId": "P*"}, texts("patient_id", "P*")),
    ({"patientId": "P[2]"}, texts("patient_id", "P[2]")),
    ({"patientId": "?1"}, texts("patient_id", "?1")),
    ({"patientId": ""}, texts("patient_id", "")),
    ({"patientIdIssuer": "Hosp*"}, texts("patient_id_issuer", "Hosp*")),
    ({"accessionNumber": "A1*"}, texts("accession_number", "A1*")),
    ({"accessionNumber": "B?1"}, texts("accession_number", "B?1")),
    ({"accessionNumber": "B_1"}, texts("accession_number", "B_1")),
    ({"accessionNumber": "B_"}, lambda study: False),
    ({"studyId": "S?"}, texts("study_id", "S?")),
    ({"description": "*hest*"}, texts("description", "*hest*")),
    ({"description": "Knee 100%"}, texts("description", "Knee 100%")),
    ({"description": "Knee %"}, lambda study: False),
    *(
        (
            {"patientName": pattern, "modalities": None},
            names("patient_name", pattern),
        )
        for pattern in (
            "doe*",
            "DOE",
            "doe^john",
            "doe^j*",
            "*^john",
            "^JOHN",
            "*john*",
            "d*^*^*^dr",
            "山田",
            "*ろう",
            "山田^太*",
            "a[*]b",
            "*[x]*",
            "STRASSE^*",
            "100%*",
            "?oe^Ja?e",
            "doe^",
            "*",
        )
    ),
    ({"referringPhysicianName": "doe^j*"}, names("referring_physician_name", "doe^j*")),
    ({"patientBirthDate": {"from": "1975-01-01"}}, lambda study: (study["patient_birth_date"] or "") >= "1975"),
    ({"studyDate": {"to": "2025-12-31"}}, lambda study: (study["study_date"] or "3") < "2026"),
    ({"studyDate": {"from": "2026-01-01", "to": "2026-01-01"}}, lambda study: study["study_date"] == "2026-01-01"),
    ({"createdAfter": "2026-05-01T00:00:20Z"}, lambda study: study["created_at"] > START + timedelta(seconds=20)),
    ({"hasConflicts": True}, lambda study: bool(study["conflicts"])),
    ({"hasConflicts": False}, lambda study: not study["conflicts"]),
    ({"search": "P1"}, lambda study: study["patient_id"] == "P1"),
    ({"search": "ohn"}, names("patient_name", "*ohn*")),
    ({"search": "1.2.7"}, lambda study: study["study_uid"] == "1.2.7"),
    ({"search": "A1*"}, lambda study: wild(study["accession_number"], "A1*")),
]


@pytest.mark.parametrize(("filter", "wanted"), FILTERS, ids=lambda value: str(value) if isinstance(value, dict) else "")
async def test_filters(hospital: Hospital, filter: dict[str, Any], wanted: Any) -> None:
    """Wildcards stand for text, everything else for itself.

    Names match in each of their groups, ignoring case.
    """
    for who in hospital.viewers:
        for order in ("STUDY_DATE", "PATIENT_NAME"):
            expected = hospital.expected(who, None, order, wanted)
            assert await hospital.uids(who, f=filter, o={"field": order}, first=1000) == expected, who


async def test_modalities_are_those_of_visible_series(hospital: Hospital) -> None:
    """A modality that only hidden series have does not match."""
    for who, visible in hospital.viewers.items():

        def wanted(study: Any, visible: set[str] = visible) -> bool:
            return any(home in visible and kind == "CT" for home, kind in hospital.series[study["uuid"]])

        given = {"modalities": ["CT", "XA"], "studyDate": {"from": "2025-06-01"}}
        expected = hospital.expected(
            who, None, "STUDY_DATE", lambda study: wanted(study) and (study["study_date"] or "") >= "2025-06-01"
        )
        assert await hospital.uids(who, f=given, first=1000) == expected


async def test_bad_filters_are_refused(hospital: Hospital) -> None:
    """Malformed UIDs and dates, and texts that are too long, are errors at their path."""
    for filter, path in (
        ({"studyUids": ["1.2", "1..2"]}, ["filter", "studyUids", 1]),
        ({"studyUids": ["1" * 65]}, ["filter", "studyUids", 0]),
        ({"studyUids": ["1.2"] * 1001}, ["filter", "studyUids"]),
        ({"studyDate": {"from": "20260101"}}, ["filter", "studyDate", "from"]),
        ({"studyDate": {"to": "2026-02-30"}}, ["filter", "studyDate", "to"]),
        ({"patientBirthDate": {"to": "today"}}, ["filter", "patientBirthDate", "to"]),
        ({"patientName": "x" * 1001}, ["filter", "patientName"]),
        ({"modalities": ["CT"] * 101}, ["filter", "modalities"]),
    ):
        (error,) = (await hospital.site.body(LISTED, {"f": filter}))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["extensions"]["inputPath"] == path, error
