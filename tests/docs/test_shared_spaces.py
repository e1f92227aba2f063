"""The walk of `docs/shared-spaces.md` leads from an empty site to a community with a shared item and an archive."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import blocks_of, text_of
from tests.docs.test_commands import as_bash, run_bash
from tests.fixtures.demo import KEY, DemoSite, answers
from tests.house.sources import ROOT
from tests.processes import free_ports, run_server

PAGE = "docs/shared-spaces.md"
GONE = """mutation ($uuid: UUID!) {
  deleteStorageFolder(input: {folderUuid: $uuid, recursive: true}) { userErrors { code message } }
}"""
GONE_UUID = "018f0000-0000-7000-8000-000000000000"
COMMUNITY = """{ community(by: {name: "mouse atlas"}) { uuid visibility folder { uuid subfolders(first: 5) { nodes {
  uuid name visibility items(first: 5) { nodes { name folders { name } } } } } } } }"""


@pytest.fixture
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSite]:
    """Site that the page starts: without a demo, and open to viewers without a credential."""
    assert "`STOREGRAPH_ANONYMOUS=read storegraph serve`" in text_of(PAGE)
    directory = tmp_path_factory.mktemp("empty")
    port = free_ports(1)[0]
    site = DemoSite(f"http://127.0.0.1:{port}", KEY, directory / "server.log")
    command = [sys.executable, "-m", "gateway", "serve", "--port", str(port)]
    settings = {
        "PYTHONPATH": str(ROOT),
        "STOREGRAPH_ADMIN_KEY": KEY,
        "STOREGRAPH_ANONYMOUS": "read",
        "STOREGRAPH_MIN_FREE_BYTES": "0",
    }

    with run_server(command, lambda: answers(site.url), directory=directory, env=settings):
        assert (directory / "storegraph-data").is_dir()
        yield site


def test_the_walk_makes_a_public_community(empty_site: DemoSite, tmp_path: Path) -> None:
    """The script at the end of the page sends nothing again."""
    blocks = [*blocks_of(PAGE, "A walk"), *blocks_of(PAGE, "Trees from scripts")]
    script = "".join(map(as_bash, blocks))
    for written, real in {"http://127.0.0.1:8000": empty_site.url, "sg_your_key": empty_site.key}.items():
        assert script.count(written) == 1
        script = script.replace(written, real)
    output = run_bash(script, tmp_path)
    assert output.count('"userErrors": []') == 3, output
    assert "first\n" in output
    assert "\nseen/Mouse Atlas/Published/points.csv\nnot for strangers\n" in output
    published = '"name":"Published","items":{"nodes":[{"name":"points.csv","revisionNumber":1}]}'
    assert f'{{"community":{{"folder":{{"subfolders":{{"nodes":[{{{published}}}]}}}}}}}}\n' in output
    for name in ("Work/atlas/slices/notes.txt", "Published/points.csv"):
        assert name in output
    assert "{<FileOutcome.UNCHANGED: 'unchanged'>: 2} {}" in output
    community = empty_site.ask(COMMUNITY)["community"]
    assert community["visibility"] == "PUBLIC"
    folders = {folder["name"]: folder for folder in community["folder"]["subfolders"]["nodes"]}
    assert {name: folder["visibility"] for name, folder in folders.items()} == {
        "Work": "PRIVATE",
        "Published": "PUBLIC",
    }
    assert folders["Published"]["items"]["nodes"] == [
        {"name": "points.csv", "folders": [{"name": "atlas"}, {"name": "Published"}]}
    ]


def test_the_walk_stops_at_errors(empty_site: DemoSite, tmp_path: Path) -> None:
    """Each with its reason, whether the operation or the mutation is refused."""
    first = blocks_of(PAGE, "A walk")[0].text
    define = first[first.index("ask() {") : first.index("ask 'mutation")]
    given = {"STOREGRAPH_URL": empty_site.url, "STOREGRAPH_API_KEY": empty_site.key}
    for document, reason in (
        ("{ nothing }", "Cannot query field"),
        (
            'mutation { deleteStorageFolder(input: {folderUuid: "' + GONE_UUID + '"}) { userErrors { message } } }',
            GONE_UUID,
        ),
    ):
        script = f"{define}\nif ask '{document}' 2>&1; then exit 1; fi"
        output = run_bash(script, tmp_path, **given)
        assert reason in output
        assert "null" not in output


def test_folders_are_created_and_copied(demo_site: DemoSite) -> None:
    [create] = blocks_of(PAGE, "Paths and names")
    [copy] = blocks_of(PAGE, "Copies")
    made = 'mutation { createStorageFolder(input: {name: "project"}) { folder { uuid } userErrors { message } } }'
    project = demo_site.ask(made)["createStorageFolder"]["folder"]["uuid"]
    for outcome in ("AS_GIVEN", "REUSED"):
        created = demo_site.ask(create.text, {"project": project})["createStorageFolders"]
        assert created["userErrors"] == []
        assert [each["nameOutcome"] for each in created["results"]] == [outcome] * 2
    target = demo_site.ask(made)["createStorageFolder"]["folder"]["uuid"]
    for name in ("project", "project (1)"):
        copied = demo_site.ask(copy.text, {"folder": project, "target": target})["copyStorageFolder"]
        assert copied["userErrors"] == []
        assert copied["folder"]["name"] == name
    for uuid in (project, target):
        assert demo_site.ask(GONE, {"uuid": uuid})["deleteStorageFolder"]["userErrors"] == []


def test_a_directory_is_uploaded_as_the_readme_says(demo_site: DemoSite, tmp_path: Path) -> None:
    [block] = [block for block in blocks_of("README.md", "Upload") if block.language == "bash"]
    script = block.text.replace("sg_your_key", demo_site.key).replace(".venv/bin/", "")
    (tmp_path / "docs" / "inner").mkdir(parents=True)
    (tmp_path / "docs" / "page.md").write_text("A page.")
    (tmp_path / "docs" / "inner" / "note.txt").write_text("A note.")
    run_bash(f"{script}diff -r docs copy/docs", tmp_path, STOREGRAPH_URL=demo_site.url)
    document = '{ resourceByPath(path: "/Street scenes/docs") { ... on StorageFolder { uuid } } }'
    folder = demo_site.ask(document)["resourceByPath"]["uuid"]
    assert demo_site.ask(GONE, {"uuid": folder})["deleteStorageFolder"]["userErrors"] == []
