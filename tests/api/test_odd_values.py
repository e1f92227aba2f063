"""Values that cannot be returned unchanged are refused at their path; all others are returned as sent."""

import pytest

from tests.fixtures.files import FileServer
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.uploading import items_by_name, start_manifest_job, upload_manifest, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_values_that_cannot_be_returned_are_refused(fetching_site: Site, file_server: FileServer) -> None:
    """Lone surrogates, NUL and numbers beyond 64 bits fail their entry only."""
    site, folder, url = (fetching_site, await fetching_site.folder("odd"), file_server.add("odd.txt", b"odd"))
    good = r'"title": "\\ud83d \ud83d\ude00 \u00e9", "clientMetadata": {"n": [18446744073709551615, -1e3, 7]}'
    odd = [
        r'"title": "a\ud800b"',
        r'"title": "\\\ude00"',
        r'"clientMetadata": {"a": [{"\udfff": 1}]}',
        r'"clientMetadata": {"a": "\u0000"}',
        r'"clientMetadata": {"a": [18446744073709551616]}',
        r'"clientMetadata": {"a": -9223372036854775809}',
    ]
    entries = ", ".join(f'{{"objectUrl": "{url}", {said}}}' for said in (*odd, good))
    manifest = await upload_manifest(site, folder, b"\xef\xbb\xbf" + f'{{"text": [{entries}]}}'.encode())
    job = await wait_for_job(site, await start_manifest_job(site, folder, manifest, ignoreErrors=True))
    places = [error.partition(":")[0] for error in job["errors"]]
    keys = ("title", "title", "clientMetadata.a[0]", "clientMetadata.a", "clientMetadata.a[0]", "clientMetadata.a")
    assert places == [f"text[{index}].{key}" for index, key in enumerate(keys)]
    assert ["U+D800" in job["errors"][0], "64 bits" in job["errors"][4]] == [True, True]
    [created] = (await items_by_name(site, job)).values()
    assert created["name"] == "\\ud83d \N{GRINNING FACE} \u00e9"
    assert created["clientMetadata"] == {"n": [18446744073709551615, -1000.0, 7]}
    rows = f'itemType,objectUrl,title,clientMetadata\nPLAIN_TEXT,{url},,"{{""a"": 18446744073709551616}}"'
    refused = await site.refused("startUploadJob", {"folderUuid": folder, "manifest": {"csv": rows}})
    assert refused == [("BAD_USER_INPUT", "input.manifest.csv.2.clientMetadata.a")]
    await check_all(site.services)


async def test_whole_numbers_are_returned_unchanged_or_refused(fetching_site: Site) -> None:
    """Numbers beyond 64 bits are refused, in variables and in the document.

    Inventory: ENC-CFOLD-04.
    """
    site = fetching_site
    selection = "folder { clientMetadata }"
    stored = {"a": [18446744073709551615, -9223372036854775808, 1e3, 0.1]}
    wanted = {"name": "numbers", "clientMetadata": stored}
    assert (await site.done("createStorageFolder", wanted, selection))["folder"]["clientMetadata"] == stored
    document = "mutation($input: CreateStorageFolderInput!) { createStorageFolder(input: $input) { __typename } }"
    for number in (18446744073709551616, -9223372036854775809):
        variables = {"input": {"name": "numbers", "clientMetadata": {"a": [number]}}}
        [error] = (await site.body(document, variables))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["extensions"]["inputPath"] == ["input", "clientMetadata"]
        assert "64 bits" in error["message"]
        literal = f'{{name: "n", clientMetadata: {{a: {number}}}}}'
        [error] = (await site.body(f"mutation {{ createStorageFolder(input: {literal}) {{ __typename }} }}"))["errors"]
        assert "64 bits" in error["message"]
