"""Settings of a site that says which documents it runs, and what it says about its schema."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import NotConfigured
from gateway.trusted_documents import load_trusted_documents
from tests.fixtures.sites import Site, serve_embedded
from tests.transports.serving import GRAPHQL_JSON

VIEWER = "query Viewer { viewer { siteRole } }"
ROLE = {"data": {"viewer": {"siteRole": "ADMIN"}}}
MANIFESTS = {
    "relay": {"md5-of-the-text": VIEWER},
    "codegen": {"sha1-of-the-text": VIEWER},
    "apollo": {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{"id": "id-of-apollo", "name": "Viewer", "type": "query", "body": VIEWER}],
    },
}


async def post(site: Site, body: dict[str, Any]) -> Any:
    headers = {**site.headers(), "accept": GRAPHQL_JSON}
    return (await site.client.post(f"{site.url}/graphql", json=body, headers=headers)).json()


async def test_a_directory_of_documents_is_all_that_a_site_runs(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    directory = tmp_path / "documents"
    directory.mkdir()
    digest = hashlib.sha256(VIEWER.encode()).hexdigest()
    (directory / f"{digest}.graphql").write_text(VIEWER)
    (directory / "apollo.json").write_text(json.dumps(MANIFESTS["apollo"]))
    (directory / "README").write_text("Not a document.")
    settings = {"trusted_documents": directory, "only_trusted_documents": True}
    async with serve_embedded(request, tmp_path, **settings) as site:
        by_hash = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
        for body in (by_hash, {"documentId": "id-of-apollo"}, {"query": VIEWER}):
            assert await post(site, body) == ROLE
        [error] = (await post(site, {"query": "{ viewer { id } }"}))["errors"]
        assert error["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"


@pytest.mark.parametrize("tool", sorted(MANIFESTS))
def test_manifests_of_tools_are_read(tmp_path: Path, tool: str) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(MANIFESTS[tool]))
    assert list(load_trusted_documents(manifest).values()) == [VIEWER]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a manifest"),
        ("{}", "has no documents"),
        ('{"id": 1}', "is not a manifest"),
        ('{"format": "apollo-persisted-query-manifest", "operations": [{}]}', "is not a manifest"),
        ('{"format": "apollo-persisted-query-manifest", "operations": 1}', "is not a manifest"),
        (None, "No such file"),
    ],
)
def test_files_that_are_no_manifests_are_refused(tmp_path: Path, text: str | None, complaint: str) -> None:
    manifest = tmp_path / "manifest.json"
    if text is not None:
        manifest.write_text(text)
    with pytest.raises(NotConfigured, match=f"STOREGRAPH_TRUSTED_DOCUMENTS: .*{complaint}"):
        load_trusted_documents(manifest)


def test_an_id_belongs_to_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"x": VIEWER}))
    (tmp_path / "x.graphql").write_text("{ __typename }")
    with pytest.raises(NotConfigured, match="Two documents have the id x"):
        load_trusted_documents(tmp_path)


async def test_introspection_and_graphiql_can_be_turned_off(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with serve_embedded(request, tmp_path, introspection=False, graphiql=False) as site:
        for query in (
            "{ __schema { queryType { name } } }",
            '{ viewer { siteRole } __type(name: "Query") { name } }',
            "{ ...Hidden } fragment Hidden on Query { alias: __schema { description } }",
        ):
            body = await post(site, {"query": query})
            assert [error["extensions"]["code"] for error in body["errors"]] == ["INTROSPECTION_DISABLED"]
            assert "data" not in body
        assert (await post(site, {"query": "{ __typename viewer { __typename } }"}))["data"]["__typename"] == "Query"
        for path in ("/", "/graphiql", "/graphiql/", "/graphql/schema.graphql"):
            assert (await site.client.get(f"{site.url}{path}")).status_code == 404, path
        page = await site.client.get(f"{site.url}/graphql", headers={"accept": "text/html"})
        assert page.status_code == 406


async def test_they_are_on_by_default(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with serve_embedded(request, tmp_path) as site:
        schema = await post(site, {"query": "{ __schema { queryType { name } } }"})
        assert schema == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
        for path in ("/", "/graphiql"):
            assert (await site.client.get(f"{site.url}{path}", follow_redirects=False)).status_code == 307, path
        assert (await site.client.get(f"{site.url}/graphql/schema.graphql")).status_code == 200
