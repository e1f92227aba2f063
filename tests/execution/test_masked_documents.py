"""No answer to a viewer who sees no identities holds any of the identifying values of masked studies."""

import re
from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.dicom.documents import Document, pack
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.dicom import dicom_series, dicom_studies, dicom_study_places, dicom_tags
from gateway.models.folders import folder_grants, folders
from gateway.models.items import items
from tests.execution.item_views import SERIES
from tests.execution.test_edges import CORE, ITEM, NODE, documents, ids_of
from tests.execution.test_same import DOCUMENTS, variables_of
from tests.execution.world import Both

SECRET = "quokka7"
IDENTIFYING = {
    dicom_studies: (
        *("patient_id", "patient_id_issuer", "patient_name", "name_key", "patient_birth_date", "patient_sex"),
        *("study_date", "study_time", "accession_number", "study_id", "description", "referring_physician_name"),
    ),
    dicom_study_places: ("study_date", "patient_name_key"),
    dicom_series: ("description",),
}
DOCUMENT: Document = {
    "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
    "00080060": {"vr": "CS", "Value": ["CT"]},
    "0008103E": {"vr": "LO", "Value": [SECRET]},
    "00081140": {
        "vr": "SQ",
        "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}, "00100020": {"vr": "LO", "Value": [SECRET]}}],
    },
    "00090010": {"vr": "LO", "Value": [SECRET]},
    "00091010": {"vr": "LO", "Value": [SECRET]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": f"{SECRET}^x"}]},
    "00200013": {"vr": "IS", "Value": [1]},
}
LISTED = """query($o: DicomStudyOrder, $f: DicomStudyFilter, $first: Int, $after: String, $last: Int, $before: String) {
  dicomStudies(orderBy: $o, filter: $f, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { uuid: id patientId studyDate } } pageInfo { startCursor endCursor } totalCount } }"""
FOUND = [
    *({name: f"{SECRET}*"} for name in ("patientId", "patientIdIssuer", "accessionNumber", "studyId", "description")),
    *({name: ""} for name in ("patientId", "patientIdIssuer", "accessionNumber", "studyId", "description")),
    *({name: pattern} for name in ("patientName", "referringPhysicianName") for pattern in ("", "*", f"{SECRET}*")),
    {"search": SECRET},
    {"studyDate": {"from": "1000-01-01"}},
    {"patientBirthDate": {"to": "9999-12-31"}},
]
"""Filters that match studies by what identifies their patients."""


async def mask(pair: Both) -> None:
    """Give all studies identifying values that nothing else has, and mask all folders."""
    async with pair.services.database.writing() as transaction:
        for table, names in IDENTIFYING.items():
            key = sa.cast(table.c.study_uuid if table is dicom_study_places else table.c.uuid, sa.Text)
            values = {name: sa.literal(f"{SECRET}^").concat(key) for name in names}
            await transaction.execute(sa.update(table).values(values))
        packed = pack(DOCUMENT)
        tags = {"document": packed.data, "document_size": packed.size}
        await transaction.execute(sa.update(dicom_tags).values(tags))
        await transaction.execute(sa.update(items).values(probe_warnings=[SECRET]))
        series = {**SERIES, "columns": [{"name": SECRET, "kind": "TEXT"}]}
        is_series = items.c.item_type == StorageItemType.TIMESERIES
        await transaction.execute(sa.update(items).where(is_series).values(time_series=series))
        corrected = {"patient_name": f"{SECRET}^corrected"}
        await transaction.execute(sa.update(dicom_studies).values(corrections=corrected))
        await transaction.execute(sa.update(folders).values(is_masked=True, phi_policy="MASKED"))
        await transaction.execute(sa.update(folder_grants).values(sees_phi=False))
    admin = pair.world.viewers["admin"]
    pair.world.viewers["admin without phi"] = replace(admin, sees_phi=False)


def shown(body: bytes) -> str:
    """Return an answer with its cursors decoded."""
    text = body.decode()
    cursors = re.findall(r'"\w*[cC]ursor":"([^"]+)"', text)
    return text + "".join(urlsafe_b64decode(cursor + "==").decode(errors="replace") for cursor in cursors)


async def test_no_document_shows_identifying_values(pair: Both) -> None:
    """Every field of every object, and the documents of clients, in both executors."""
    await mask(pair)
    ids, counts = await ids_of(pair), dict.fromkeys(("admin", "member", "admin without phi"), 0)
    asked: list[tuple[str, dict[str, Any]]] = []
    for type_ in [ITEM, *CORE.get_possible_types(NODE)]:
        variables = {"ids": ids["StorageItem" if type_ is ITEM or ITEM in type_.interfaces else type_.name]}
        asked += [(text, variables) for text in documents(type_)]
    texts = [document.read_text() for document in DOCUMENTS]
    asked += [(text, variables) for text in texts for variables in variables_of(text, pair.world)]
    for text, variables in asked:
        for who in counts:
            for body in await pair.bodies(text, variables, who):
                counts[who] += SECRET in shown(body)
    assert counts["admin"] > 5
    assert (counts["member"], counts["admin without phi"]) == (0, 0)


async def test_masked_values_match_nothing_and_sort_last(pair: Both) -> None:
    """Studies are found by neither value nor absence; pages in any order show and hold no value."""
    await mask(pair)
    orders = [{"field": field, "direction": way} for field in ("STUDY_DATE", "PATIENT_NAME") for way in ("ASC", "DESC")]
    for who, finds in (("admin", True), ("member", False), ("admin without phi", False)):
        for filter in FOUND:
            quick, slow = await pair.bodies(LISTED, {"f": filter}, who)
            assert quick == slow
            total = orjson.loads(slow)["data"]["dicomStudies"]["totalCount"]
            if SECRET in str(filter):
                assert (total > 0) == finds, (who, filter)
            assert finds or total == 0, (who, filter)
        for order in [None, *orders]:
            quick, slow = await pair.bodies(LISTED, {"o": order, "first": 100}, who)
            assert quick == slow
            assert (SECRET in shown(slow)) == finds, (who, order)
            whole = [edge["node"]["uuid"] for edge in orjson.loads(slow)["data"]["dicomStudies"]["edges"]]
            assert whole
            for size, at, end in (("first", "after", "endCursor"), ("last", "before", "startCursor")):
                walked: list[str] = []
                variables: dict[str, Any] = {"o": order, size: 2}
                while True:
                    quick, slow = await pair.bodies(LISTED, variables, who)
                    assert quick == slow
                    page = orjson.loads(slow)["data"]["dicomStudies"]
                    uuids = [edge["node"]["uuid"] for edge in page["edges"]]
                    if not uuids:
                        break
                    walked = walked + uuids if size == "first" else uuids + walked
                    variables[at] = page["pageInfo"][end]
                assert walked == whole, (who, order, size)
    assert not pair.compiled.outcomes["deoptimized"]


async def test_conflicts_of_masked_values_are_not_told(pair: Both) -> None:
    """Neither by their tags nor by the filter, which matches as if there were none."""
    await mask(pair)
    text = """query($f: DicomStudyFilter) { dicomStudies(filter: $f, first: 100) {
      nodes { uuid: id conflicts { tags } series { nodes { conflicts } } } totalCount } }"""
    answers: list[list[bytes]] = []
    for _ in range(2):
        asked = [
            await pair.bodies(text, {"f": filter}, who)
            for who in ("member", "admin without phi", "admin")
            for filter in ({"hasConflicts": True}, {"hasConflicts": False}, {})
        ]
        assert all(quick == slow for quick, slow in asked)
        answers.append([slow for _, slow in asked])
        async with pair.services.database.writing() as transaction:
            for table in (dicom_studies, dicom_series):
                await transaction.execute(sa.update(table).values(conflicts=[]))
    with_conflicts, without = answers
    assert with_conflicts[:6] == without[:6]
    assert all(one != other for one, other in zip(with_conflicts[6:], without[6:], strict=True))


async def test_masked_studies_come_after_the_others(pair: Both) -> None:
    """Where a viewer sees both; one masked part masks a study, also if the viewer does not see that part."""
    async with pair.services.database.writing() as transaction:
        await transaction.execute(sa.update(folder_grants).values(sees_phi=False))
        await transaction.execute(sa.update(dicom_study_places).values(study_date="2026-01-01"))
        await transaction.execute(sa.update(dicom_studies).values(study_date="2026-01-01"))
    masked = (
        sa.select(dicom_study_places.c.study_uuid)
        .join(folders, folders.c.uuid == dicom_study_places.c.folder_uuid)
        .where(folders.c.is_masked)
    )
    rows = await pair.services.database.rows(masked, sa.Row)
    hidden = {row.study_uuid for row in rows}
    pair.world.viewers["admin without phi"] = replace(pair.world.viewers["admin"], sees_phi=False)
    text = "{ dicomStudies(first: 100) { nodes { id studyDate } } }"
    for direction in ("admin without phi", "member"):
        _, body = await pair.bodies(text, {}, direction)
        dates = [node["studyDate"] for node in orjson.loads(body)["data"]["dicomStudies"]["nodes"]]
        assert sorted(dates, key=lambda date: date is None) == dates
        if direction != "member":
            assert dates.count(None) == len(hidden) > 0
            assert len(dates) > len(hidden)
