"""Bad input: typed errors that name the field, no internal errors, and no changes."""

import json
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, build_schema, get_named_type, is_leaf_type

from tests.fixtures.clouds import Bucket
from tests.fixtures.dumps import dump
from tests.fixtures.known import known_values
from tests.fixtures.nasty import Case, Sort, cases
from tests.fixtures.sites import Site
from tests.fixtures.syncing import run_sync

SCHEMA = build_schema((Path(__file__).parents[2] / "schema" / "schema.graphql").read_text())
OWNERS = {
    "Query": "query {",
    "DicomStudy": 'query { dicomStudy(folderUuid: "%(folderUuid)s", studyUid: "%(studyUid)s") {',
    "DicomSeries": 'query { dicomStudy(folderUuid: "%(folderUuid)s", studyUid: "%(studyUid)s") { series { nodes {',
    "DicomInstance": 'query { storageItem(uuid: "%(scanUuid)s") { ... on DicomFileItem { instance {',
    "DicomCopyJob": 'query { job(uuid: "%(copyJobUuid)s") { ... on DicomCopyJob {',
    "DeletionJob": 'query { job(uuid: "%(folderDeletionUuid)s") { ... on DeletionJob {',
    "DicomDeletionJob": 'query { job(uuid: "%(deletionJobUuid)s") { ... on DicomDeletionJob {',
    "Mutation": "mutation {",
    "StorageFolder": 'query { storageFolder(uuid: "%(folderUuid)s") {',
    "StorageItem": 'query { storageItem(uuid: "%(itemUuid)s") {',
    "Bitstream": 'query { storageItem(uuid: "%(itemUuid)s") { bitstreams { nodes {',
    "ItemRevision": 'query { storageItem(uuid: "%(itemUuid)s") { revisions { nodes {',
    "DownloadManifestFile": 'query { storageFolder(uuid: "%(folderUuid)s") { downloadManifest { nodes {',
    "StorageItemConnection": 'query { storageFolder(uuid: "%(folderUuid)s") { items {',
    "ReencodeJob": "query { reencodeJobs { nodes {",
    "VideoRendition": 'query { storageItem(uuid: "%(itemUuid)s") { ... on VideoItem { rendition {',
    "CloudSyncJob": 'query { storageFolder(uuid: "%(linkedUuid)s") { cloudSyncs { nodes {',
    "UploadJob": 'query { storageFolder(uuid: "%(folderUuid)s") { uploadJobs { nodes {',
    "Dataset": 'query { dataset(uuid: "%(datasetUuid)s") {',
    "Collection": 'query { collection(uuid: "%(collectionUuid)s") {',
    "MetadataSchema": "query { metadataSchema {",
    "CloudIntegration": 'query { cloudIntegration(uuid: "%(integrationUuid)s") {',
    "FolderPermissions": 'query { storageFolder(uuid: "%(folderUuid)s") { permissions {',
    "MetricProducer": 'query { community(by: {uuid: "%(communityUuid)s"}) { metricProducers { nodes {',
    "MetricTrend": 'query { metricSubmission(uuid: "%(submissionUuid)s") { scalars { nodes { trend {',
    "MetricScalar": 'query { metricSubmission(uuid: "%(submissionUuid)s") { scalars { nodes {',
    "MetricSubmission": 'query { metricSubmission(uuid: "%(submissionUuid)s") {',
    "Community": 'query { community(by: {uuid: "%(communityUuid)s"}) {',
    "Viewer": "query { viewer {",
    "Group": 'query { group(uuid: "%(groupUuid)s") {',
    "User": "query { viewer { user {",
}
"""Path to an object of each type whose fields have arguments."""
OURS = {"INTERNAL_SERVER_ERROR", "TIMEOUT"}
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def site(fetching_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return fetching_site


def fields_of(owner: str) -> dict[str, GraphQLField]:
    """Return the fields of a type that have arguments."""
    kind = SCHEMA.type_map[owner]
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    return {name: field for name, field in kind.fields.items() if field.args}


async def try_all(site: Site, known: dict[str, Any], owner: str, name: str, tried: list[Case]) -> None:
    """Send the cases, ten at a time.

    Cases that are not valid text are sent alone, as they would spoil the others.
    """
    way = OWNERS[owner] % known
    whole, halves = ([case for case in tried if case.is_unicode], [case for case in tried if not case.is_unicode])
    tens = [whole[start : start + 10] for start in range(0, len(whole), 10)]
    for some in [*tens, *([case] for case in halves)]:
        operations = [build_operation(way, name, fields_of(owner)[name], case) for case in some]
        body = json.dumps(operations if len(some) > 1 else operations[0]).encode("ascii")
        headers = {**site.headers(), "Content-Type": "application/json"}
        response = await site.client.post(f"{site.url}/graphql", content=body, headers=headers)
        assert response.status_code < 500, ([str(case) for case in some], response.text)
        answers = response.json() if len(some) > 1 else [response.json()]
        for case, answer in zip(some, answers, strict=True):
            check(case, errors_in(answer))


def build_operation(way: str, name: str, field: GraphQLField, case: Case) -> dict[str, Any]:
    """Return an operation that passes the arguments to a field as variables."""
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in case.arguments)
    passed = ", ".join(f"{argument}: ${argument}" for argument in case.arguments)
    start = way.replace(" {", f" asked({declared}) {{", 1)
    document = f"{start} answer: {name}({passed}) {shortest(field)} {'}' * (way.count('{') - way.count('}'))}"
    return {"query": document, "variables": case.arguments}


def shortest(field: GraphQLField) -> str:
    """Return the smallest selection of a field's type."""
    kind = get_named_type(field.type)
    if is_leaf_type(kind):
        return ""
    if kind.name.endswith("Payload"):
        return "{ userErrors { code message path } }"
    if not kind.name.endswith("Connection"):
        return "{ __typename }"
    assert isinstance(kind, GraphQLObjectType)
    return f"{{ {'totalCount' if 'totalCount' in kind.fields else ''} nodes {{ __typename }} }}"


def errors_in(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all errors of a response, each with `code`, `message` and `path`."""
    top = [
        {
            "code": error["extensions"]["code"],
            "message": error["message"],
            "path": error["extensions"].get("inputPath", []),
        }
        for error in answer.get("errors", ())
    ]
    payload = (answer.get("data") or {}).get("answer")
    errors = payload.get("userErrors", ()) if isinstance(payload, dict) else ()
    return [*top, *errors]


def check(case: Case, errors: list[dict[str, Any]]) -> None:
    """Check that the errors are typed and short.

    Bad values must be reported with their path or one of its parents.
    """
    is_bad = case.sort is not Sort.ODD
    assert errors or not is_bad, str(case)
    for error in errors:
        assert error["code"] not in OURS, (str(case), error)
        assert len(error["message"]) <= 1001, (str(case), error)
        if is_bad and case.is_unicode:
            named = tuple(map(str, error["path"]))
            assert named or error["code"] == "LIMIT_EXCEEDED", (str(case), error)
            shorter = min(len(named), len(case.path))
            assert named[:shorter] == case.path[:shorter], (str(case), error)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(site: Site, customer: Bucket) -> dict[str, Any]:
    """Valid values for everything but the value under test."""
    return await known_values(site, customer)


def distribute(tried: list[Case]) -> list[Case]:
    """Return invalid values distributed over the paths of their type.

    Such values are rejected the same way at every path.
    """
    places: dict[tuple[str, ...], list[Case]] = {}
    for case in tried:
        if case.sort is Sort.UNTYPED:
            places.setdefault(case.path, []).append(case)
    kinds: dict[str, list[list[Case]]] = {}
    for some in places.values():
        kinds.setdefault(repr([case.value for case in some]), []).append(some)
    return [case for alike in kinds.values() for turn, some in enumerate(alike) for case in share(some, turn, alike)]


def share(some: list[Case], turn: int, alike: list[list[Case]]) -> list[Case]:
    """Return the cases for one of several equivalent paths.

    Each path gets at least one case, and together they get all.
    """
    return some[turn :: len(alike)] or [some[turn % len(some)]]


def different(tried: list[Case]) -> list[Case]:
    """Return cases that another database may treat differently, each once per name."""
    return list({(case.path[-1], repr(case.value)[:100]): case for case in tried}.values())


@pytest.mark.parametrize("owner", OWNERS)
async def test_invalid_values_of_every_argument_are_refused(site: Site, known: dict[str, Any], owner: str) -> None:
    """Every path of every input gets every bad value of its type, both read from the schema.

    Values that are rejected before the database is used are tried on one database only.

    Inventory: ENC-ERR, SUB-062, AMB-ERR-43, MID-ERR-09.
    """
    fields = {name: list(cases(field.args, known)) for name, field in fields_of(owner).items()}
    before = await dump(site)
    for name, tried in fields.items():
        if site.services.database.is_embedded:
            await try_all(site, known, owner, name, distribute(tried))
        await try_all(site, known, owner, name, of_sort(site, tried, Sort.BAD))
        assert await dump(site) == before, name
    for name, tried in fields.items():
        await try_all(site, known, owner, name, of_sort(site, tried, Sort.ODD))
        if name == "startCloudFolderSync":
            await run_sync(site, known["linkedUuid"])  # a running sync would look like a change by the next case


def of_sort(site: Site, tried: list[Case], sort: Sort) -> list[Case]:
    """Return the cases of a sort that this site is to be given."""
    some = [case for case in tried if case.sort is sort]
    return some if site.services.database.is_embedded else different(some)


async def test_every_type_with_arguments_is_covered(site: Site) -> None:
    """Types with arguments are all covered. Item types are covered by their common interface."""
    kinds = [kind for kind in SCHEMA.type_map.values() if isinstance(kind, GraphQLObjectType)]
    items = {kind.name for kind in kinds if any(entry.name == "StorageItem" for entry in kind.interfaces)}
    own = {kind.name for kind in kinds if any(field.args for field in kind.fields.values())}
    assert own - items - {"Subscription"} - {name for name in own if name.startswith("__")} == OWNERS.keys() - {
        "StorageItem"
    }
    assert {name for item in items for name in fields_of(item)} == fields_of("StorageItem").keys()


async def test_numbers_that_json_does_not_have_are_refused(site: Site) -> None:
    """Numbers that would be returned as another value are refused.

    Inventory: ENC-CFOLD-04.
    """
    document = (
        'mutation { createStorageFolder(input: {name: "x", clientMetadata: {deep: [1e999]}}) { folder { uuid } } }'
    )
    before = await site.ask("{ storageFolders { totalCount } }")
    answer = await site.body(document)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
    assert await site.ask("{ storageFolders { totalCount } }") == before


async def test_a_refused_literal_is_reported_with_its_location(site: Site) -> None:
    """Custom scalars report literals like the built-in ones."""
    metadata = 'mutation { createStorageFolder(input: {name: "n", clientMetadata: {a: 1e999}}) { __typename } }'
    times = '{ datasets(filter: {createdAfter: "x"}) { totalCount } }'
    requests = [('{ storageFolder(uuid: "nope") { name } }', '"nope"'), (metadata, "{a: "), (times, '"x"')]
    for document, literal in requests:
        [error] = (await site.body(document))["errors"]
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert error["locations"] == [{"line": 1, "column": document.index(literal) + 1}], error
