"""Tags by which DICOM studies are filtered: site admins add and remove them, a job fills them in."""

from typing import Any

import sqlalchemy as sa

from gateway.models.dicom_indexed_tags import dicom_indexed_tags, dicom_tag_values
from gateway.tasks.worker import background_worker
from tests.fixtures.sites import Site
from tests.fixtures.tagged_files import TaggedFile, add_files, element

LIST = """{ dicomIndexedTags { tag privateCreator keyword vr status unindexedInstancesCount
    job { kind title outcome unitsDoneCount unitsErrorCount unitsPendingCount indexedTag { tag } } } }"""


async def add_tag(site: Site, tag: str, **more: Any) -> dict[str, Any]:
    """Index a tag, and return it."""
    given = {"tag": tag, **more}
    payload = await site.done(
        "addDicomIndexedTag", given, "indexedTag { id tag privateCreator keyword vr status } job { uuid id }"
    )
    indexed: dict[str, Any] = {**payload["indexedTag"], "job": payload["job"]}
    return indexed


async def test_a_job_fills_in_the_values_of_a_tag(idle_site: Site) -> None:
    """Its units are instances; those fail of which a value is not of the representation."""
    site, folder = idle_site, await idle_site.folder("tagged")
    thick, wrong = {"00180050": element("DS", 1.5)}, {"00180050": element("DS", "thick")}
    await add_files(site, folder, *[TaggedFile("2.1", thick)] * 4, TaggedFile("2.2", wrong), TaggedFile("2.2", {}))
    tag = await add_tag(site, "SliceThickness")
    job = tag.pop("job")
    shown = {"tag": "00180050", "privateCreator": None, "keyword": "SliceThickness", "vr": "DS", "status": "FILLING"}
    assert tag == {"id": tag["id"], **shown}
    again = await add_tag(site, "0x00180050", vr="DS")
    assert again == {**tag, "job": job}
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", job["uuid"])
    [listed] = (await site.ask(LIST))["dicomIndexedTags"]
    counts = {"outcome": "SUCCEEDED_WITH_ERRORS", "unitsDoneCount": 5, "unitsErrorCount": 1, "unitsPendingCount": 0}
    named = {"kind": "INDEXING", "title": "00180050", "indexedTag": {"tag": "00180050"}}
    assert listed == {**shown, "status": "READY", "unindexedInstancesCount": 1, "job": {**named, **counts}}
    await site.user("reader@example.org")
    [seen] = (await site.ask(LIST, who="reader@example.org"))["dicomIndexedTags"]
    assert seen == {**shown, "status": "READY", "unindexedInstancesCount": None, "job": None}
    nodes = await site.ask("query($ids: [ID!]!) { nodes(ids: $ids) { __typename } }", {"ids": [tag["id"], job["id"]]})
    assert [node["__typename"] for node in nodes["nodes"]] == ["DicomIndexedTag", "IndexingJob"]


async def test_a_removed_tag_is_gone_at_once(idle_site: Site) -> None:
    """Its job is cancelled, its values are deleted, and it can be added again meanwhile."""
    site, folder = idle_site, await idle_site.folder("tagged")
    await add_files(site, folder, TaggedFile("2.1", {"00190010": element("LO", "ACME"), "0019100C": element("IS", 1)}))
    private = {"tag": "0019,110C", "privateCreator": " ACME"}
    first = await add_tag(site, **private, vr="IS")
    assert (first["tag"], first["privateCreator"], first["keyword"]) == ("0019100C", "ACME", None)
    assert await site.refused("cancelJob", {"jobUuid": first["job"]["uuid"]}) == [("CONFLICT", "input.jobUuid")]
    removed = await site.done("removeDicomIndexedTag", private, "removedId")
    assert removed["removedId"] == first["id"]
    assert (await site.ask(LIST))["dicomIndexedTags"] == []
    assert await site.refused("removeDicomIndexedTag", private) == [("NOT_FOUND", "input.tag")]
    state = await site.see("job", first["job"]["uuid"], "outcome ... on IndexingJob { indexedTag { tag } }")
    assert state == {"outcome": "CANCELLED", "indexedTag": None}
    second = await add_tag(site, **private, vr="LO")
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", second["job"]["uuid"])
        for _ in range(100):
            rows = await site.services.database.rows(sa.select(dicom_indexed_tags), sa.Row)
            if len(rows) == 1:
                break
            await site.see("job", second["job"]["uuid"], "status")
    [row] = rows
    values = await site.services.database.rows(sa.select(dicom_tag_values), sa.Row)
    assert not row.is_removed and {value.indexed_tag_uuid for value in values} <= {row.uuid}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"tag": "SliceThicknes"}, "tag"),
    ({"tag": ""}, "tag"),
    ({"tag": "00081111:"}, "tag"),
    ({"tag": "00180050:00080550"}, "tag"),
    ({"tag": "0019100C:00080550"}, "tag"),
    ({"tag": ":".join(["00081111"] * 8 + ["00080550"])}, "tag"),
    ({"tag": "PixelData"}, "tag"),
    ({"tag": "ReferencedStudySequence"}, "tag"),
    ({"tag": "ReferencedStudySequence", "vr": "LO"}, "tag"),
    ({"tag": "0019100C", "vr": "LO"}, "privateCreator"),
    ({"tag": "0019100C", "vr": "LO", "privateCreator": " "}, "privateCreator"),
    ({"tag": "0019100C", "vr": "LO", "privateCreator": "x" * 65}, "privateCreator"),
    ({"tag": "00190010", "vr": "LO", "privateCreator": "ACME"}, "tag"),
    ({"tag": "00180050", "privateCreator": "ACME"}, "privateCreator"),
    ({"tag": "0019100C", "privateCreator": "ACME"}, "vr"),
    ({"tag": "0019100C", "privateCreator": "ACME", "vr": "SQ"}, "vr"),
    ({"tag": "00180050", "vr": "XX"}, "vr"),
    ({"tag": "00081111:00080550"}, "vr"),
]


async def test_tags_that_cannot_be_indexed_are_refused(idle_site: Site) -> None:
    for given, path in BAD:
        assert await idle_site.refused("addDicomIndexedTag", given) == [("BAD_USER_INPUT", f"input.{path}")], given


async def test_representations_and_numbers_of_tags_are_limited(idle_site: Site) -> None:
    """A tag has one representation, and 64 tags are indexed at most."""
    site = idle_site
    await add_tag(site, "00081111:00081155")
    assert await site.refused("addDicomIndexedTag", {"tag": "00081111:00081155", "vr": "LO"}) == [
        ("CONFLICT", "input.vr")
    ]
    for number in range(63):
        await add_tag(site, f"001910{number:02X}", privateCreator="ACME", vr="LO")
    assert await site.refused("addDicomIndexedTag", {"tag": "SliceThickness"}) == [("LIMIT_EXCEEDED", "input.tag")]
    await site.done("removeDicomIndexedTag", {"tag": "00081111:00081155"}, "removedId")
    await add_tag(site, "SliceThickness")
