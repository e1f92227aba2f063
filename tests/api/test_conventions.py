"""Conventions of the whole schema: names, keys, counts, limits and renewed URLs."""

import re
from typing import Any

import pytest

from tests.fixtures.idempotency import expire_idempotency_keys
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, upload
from tests.fixtures.watching import create_still_job

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = """
{ __schema { types { name kind
  fields { name args { name } } inputFields { name } enumValues { name }
} } }
"""
INPUTS = """
{ __schema { mutationType { fields { name args { type { ofType { name inputFields { name } } } } } } } }
"""


async def test_names_are_written_alike(shared_site: Site) -> None:
    """Names are camel case in and out, with no alternatives; enum values are upper case.

    Inventory: ENC-HTTP-13.
    """
    types = (await shared_site.ask(NAMES))["__schema"]["types"]
    for kind in types:
        if kind["name"].startswith("__"):
            continue
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", kind["name"])
        fields = [*(kind["fields"] or []), *(kind["inputFields"] or [])]
        names = [field["name"] for field in fields] + [arg["name"] for field in fields for arg in field.get("args", ())]
        assert not [name for name in names if not re.fullmatch(r"[a-z][A-Za-z0-9]*", name)], kind["name"]
        assert not [entry for entry in kind["enumValues"] or [] if not re.fullmatch(r"[A-Z][A-Z0-9_]*", entry["name"])]
    for wrong in ("{ storage_folders { nodes { uuid } } }", "{ storageFolders(first_: 1) { totalCount } }"):
        (error,) = (await shared_site.body(wrong))["errors"]
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


CREDENTIALS = {"createApiKey", "createSession"}
"""Mutations that create a credential, whose token is shown once."""


async def test_mutations_that_create_or_start_take_an_idempotency_key(shared_site: Site) -> None:
    """Requests that create or start something can be repeated.

    Only a new credential is shown once.

    Inventory: ENC-HTTP-03, SUB-129.
    """
    fields = (await shared_site.ask(INPUTS))["__schema"]["mutationType"]["fields"]
    for field in fields:
        if not re.match("create|start|request|link|migrate", field["name"]) or field["name"] in CREDENTIALS:
            continue
        (argument,) = field["args"]
        names = [entry["name"] for entry in argument["type"]["ofType"]["inputFields"]]
        assert "idempotencyKey" in names, field["name"]


async def test_a_key_is_of_one_user_and_mutation_for_a_day(shared_site: Site) -> None:
    """Others may use the same key, and so may the user for something else, or a day later."""
    site, other = shared_site, await shared_site.newcomer()
    wanted = {"name": "keyed", "idempotencyKey": "the same"}
    folder = (await site.done("createStorageFolder", wanted, "folder { uuid }"))["folder"]["uuid"]
    own = (await site.done("createStorageFolder", wanted, "folder { uuid }", other))["folder"]
    assert own and own["uuid"] != folder
    group = (await site.done("createGroup", wanted, "group { uuid }"))["group"]
    assert group and group["uuid"] != folder
    assert (await site.done("createStorageFolder", wanted, "folder { uuid }"))["folder"]["uuid"] == folder
    await expire_idempotency_keys(site)
    later = {**wanted, "name": "keyed later"}
    assert (await site.done("createStorageFolder", later, "folder { uuid }"))["folder"]["uuid"] != folder


async def test_a_long_job_is_pending(shared_site: Site) -> None:
    """The state of a running job is returned at once, without an error.

    Inventory: ENC-HTTP-11.
    """
    job = await create_still_job(shared_site, "long")
    document = f'{{ uploadJob(uuid: "{job.uuid}") {{ status unitsPendingCount finishedAt }} }}'
    expected = {"status": "PENDING", "unitsPendingCount": 1, "finishedAt": None}
    assert await shared_site.ask(document) == {"uploadJob": expected}


async def test_a_list_has_a_total_count(shared_site: Site) -> None:
    """The total count obeys the filter and ignores the page size.

    Inventory: SUB-006.
    """
    site, folder = shared_site, await shared_site.folder("counted")
    await upload(site, folder, [File(f"{name}.txt", "PLAIN_TEXT", name.encode()) for name in ("one", "two", "too")])
    document = (
        "query($u: UUID!, $f: StorageItemFilter) { storageFolder(uuid: $u) { items(first: 1, filter: $f) { %s } } }"
    )
    for wanted, expected in ((None, 3), ({"search": "t"}, 2), ({"search": "none"}, 0)):
        selected = document.replace("%s", "totalCount nodes { name }")
        data = (await site.ask(selected, {"u": folder, "f": wanted}))["storageFolder"]["items"]
        assert (data["totalCount"], len(data["nodes"])) == (expected, min(expected, 1))


async def test_searches_of_the_organisation_are_limited(shared_site: Site) -> None:
    """Searches need criteria and have a cost limit; a folder's own list needs neither.

    Inventory: SUB-013.
    """
    everything = "{ searchStorageItems(filter: {}) { nodes { name } } }"
    (error,) = (await shared_site.body(everything))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    page = "searchStorageItems(filter: { itemTypes: [VIDEO] }, first: 1000)"
    dear = (
        f"{{ {page} {{ nodes {{ folder {{ items {{ nodes {{ groupsContaining {{ nodes {{ name }} }} }} }} }} }} }} }}"
    )
    (error,) = (await shared_site.body(dear))["errors"]
    assert (error["extensions"]["code"], "cost" in error["message"]) == ("LIMIT_EXCEEDED", True)
    folder = await shared_site.folder("cheap")
    await shared_site.ask(f'{{ storageFolder(uuid: "{folder}") {{ items {{ nodes {{ name }} }} }} }}')


async def test_signed_urls_are_renewed(shared_site: Site) -> None:
    """Each query returns a URL with at least the requested lifetime.

    Inventory: SUB-023.
    """
    site = shared_site
    job = await upload(site, await site.folder("signed"), [File("a.txt", "PLAIN_TEXT", b"signed")])
    item = job["itemsWithNames"][0]["itemUuid"]

    async def expiry(lifetime: int) -> Any:
        document = "query($u: UUID!, $l: Int) { storageItem(uuid: $u) { signedUrl(lifetime: $l) { url expiresAt } } }"
        data: dict[str, Any] = (await site.ask(document, {"u": item, "l": lifetime}))["storageItem"]["signedUrl"]
        assert (await site.client.get(data["url"])).content == b"signed"
        return data["expiresAt"]

    short, long, again = [await expiry(lifetime) for lifetime in (60, 600, 180)]
    assert short < again < long
