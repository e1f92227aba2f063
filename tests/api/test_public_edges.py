"""Public folders with private ones inside: live changes, jobs, and lists of DICOM studies."""

import asyncio
from typing import Any

import pytest

from tests.fixtures.dicom_web import Web, dicom, put, value, web_site
from tests.fixtures.sites import Site
from tests.fixtures.watching import Watch, subscribe

__all__ = ["web_site"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
WATCH = """subscription($folder: UUID!, $recursive: Boolean!) {
  storageChanged(folderUuid: $folder, recursive: $recursive) { changes { after } } }"""
STUDIES = "query($f: UUID!) { dicomStudies(folderUuid: $f) { nodes { studyUid counts { series } } totalCount } }"


async def publish(site: Site, folder: str, visibility: str | None = "PUBLIC") -> None:
    """Set the visibility of a folder."""
    given = {"folderUuid": folder, "visibility": visibility}
    await site.done("setStorageFolderVisibility", given, "folder { uuid }")


async def rename(site: Site, folder: str, name: str) -> None:
    """Rename a folder."""
    await site.done("updateStorageFolder", {"folderUuid": folder, "name": name}, "folder { uuid }")


async def partly_public(site: Site) -> tuple[str, str, str]:
    """Create a public folder with a public and a private one."""
    top = await site.folder("top")
    inner, closed = await site.folder("inner", top), await site.folder("closed", top)
    await publish(site, top)
    await publish(site, closed, "PRIVATE")
    return top, inner, closed


def told(watch: Watch) -> str:
    """Return all that a watch of a folder has been told."""
    return str([event["changes"] for event in watch.states])


@pytest.mark.parametrize("recursive", [False, True])
async def test_live_changes_leave_out_private_folders(web_site: Site, recursive: bool) -> None:
    """They end when the folder becomes private (of those who saw it because it was public)."""
    site = web_site
    top, inner, closed = await partly_public(site)
    deep = await site.folder("deep", inner)
    group = await site.group("readers")
    await site.grant(closed, group, "VIEWER")
    given = {"query": WATCH, "variables": {"folder": top, "recursive": recursive}}
    reader, stranger = await site.newcomer(group), await site.newcomer()
    async with subscribe(site, given, stranger) as [watch], subscribe(site, given, reader) as [readers]:
        await asyncio.gather(*(each.until(lambda watch: watch.states) for each in (watch, readers)))
        await rename(site, closed, "secret")
        await site.folder("secret child", closed)
        await rename(site, deep, "deep news")
        await rename(site, inner, "news")
        for each in (watch, readers):
            await each.until(lambda watch: "'news'" in told(watch))
            assert ("deep news" in told(each)) == recursive
        assert "secret" not in told(watch)
        # Whoever sees the private folder itself is told of it there.
        assert ("secret child" in told(readers)) == ("secret" in told(readers)) == recursive
        await publish(site, top, None)
        await rename(site, inner, "private news")
        await asyncio.gather(watch.ended(), readers.ended())
    for each in (watch, readers):
        assert [error["extensions"]["code"] for error in each.errors] == ["NOT_FOUND"]
        assert "private news" not in told(each)


async def test_jobs_of_public_folders(web_site: Site) -> None:
    """Upload jobs are listed as their folder is visible."""
    site = web_site
    top, _, closed = await partly_public(site)
    for number, folder in enumerate((top, closed), 31):
        await put(site, folder, [dicom(study=number)])
    who = await site.newcomer()
    found = await site.ask("{ jobs { nodes { folder { uuid } } } uploadJobs { nodes { folder { uuid } } } }", {}, who)
    for jobs in found.values():
        folders = {job["folder"]["uuid"] for job in jobs["nodes"]}
        assert top in folders and closed not in folders
    shown = await site.see("storageFolder", top, "uploadJobs { totalCount } cloudSyncs { totalCount }", who)
    assert shown == {"uploadJobs": {"totalCount": 1}, "cloudSyncs": {"totalCount": 0}}


async def studies(site: Site, folder: str, who: str) -> dict[str, Any]:
    """Return the number of series by study, of those that a list below a folder has."""
    found = (await site.ask(STUDIES, {"f": folder}, who))["dicomStudies"]
    assert found["totalCount"] == len(found["nodes"])
    return {node["studyUid"]: node["counts"]["series"] for node in found["nodes"]}


async def test_studies_in_private_folders_are_not_listed(web_site: Site) -> None:
    """Of a study that is in a public and in a private folder, only the public part is counted."""
    site = web_site
    top, inner, closed = await partly_public(site)
    await put(site, inner, [dicom(study=1), dicom(study=2, series=1)])
    await put(site, closed, [dicom(study=2, series=2), dicom(study=3)])
    group = await site.group("readers")
    await site.grant(top, group, "VIEWER")
    reader, stranger = await site.newcomer(group), await site.newcomer()
    assert await studies(site, top, stranger) == {"1.2.3.1": 1, "1.2.3.2": 1}
    assert await studies(site, top, reader) == {"1.2.3.1": 1, "1.2.3.2": 2, "1.2.3.3": 1}
    assert await studies(site, closed, stranger) == {}
    one = "query($f: UUID!, $u: String!) { dicomStudy(folderUuid: $f, studyUid: $u) { studyUid } }"
    for who, found in ((stranger, None), (reader, {"studyUid": "1.2.3.3"})):
        assert (await site.ask(one, {"f": top, "u": "1.2.3.3"}, who))["dicomStudy"] == found
    web = Web(site, top)
    for who, uids in ((stranger, {"1.2.3.1", "1.2.3.2"}), (reader, {"1.2.3.1", "1.2.3.2", "1.2.3.3"})):
        assert {value(study, "0020000D") for study in await web.results("/studies", who)} == uids
        series = await web.results("/studies/1.2.3.2/series", who)
        assert {value(each, "0020000E") for each in series} == {"1.2.3.2.1", *(["1.2.3.2.2"] if who == reader else [])}
    assert (await web.get("/studies/1.2.3.3/metadata", stranger)).status_code == 404
    assert len(await web.results("/studies/1.2.3.3/metadata", reader)) == 1
