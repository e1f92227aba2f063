"""The page without a browser: its headers, its files, and the content of a wheel built with and without npm."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import httpx

from tests.browser.conftest import LiveServer

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE", ".gitignore", "gateway", "schema", "resolvers")
STATIC = "gateway/http/graphiql/static"


def test_page_allows_no_inline_script_and_no_other_host(live_server: LiveServer) -> None:
    answer = httpx.get(f"{live_server.url}/graphql", headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not re.search(r"unsafe|https?:|\*", " ".join(policy.values()))
    assert not re.search(r"<script(?![^>]* src=)|<style|\bon\w+=|https?://", answer.text)


def test_every_file_of_the_page_is_cacheable_for_ever(live_server: LiveServer) -> None:
    page = httpx.get(f"{live_server.url}/graphql", headers={"Accept": "text/html"})
    types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
    addresses = set(re.findall(r'(?:src|href)="([^"]+)"', page.text))
    assert len(addresses) == 8
    for address in addresses:
        answer = httpx.get(f"{live_server.url}/{address}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, types[address.rsplit(".")[-1]])
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    folder = address.rsplit("/", 1)[0]
    for wrong in (f"{folder}/page.py", f"{folder}/..%2fpage.py", f"{folder}/../page.js", "graphql/static/0/page.js"):
        assert httpx.get(f"{live_server.url}/{wrong}").status_code == 404


def wheel_without_npm(tree: Path) -> list[str]:
    """Return the names in a wheel that is built where npm is not available."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "built"]
    subprocess.run(command, cwd=tree, env={"PATH": ""}, check=True)
    [wheel] = (tree / "built").glob("*.whl")
    with ZipFile(wheel) as archive:
        return archive.namelist()


def copy_sources(tree: Path) -> None:
    for name in SOURCES:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tree / name)


def test_wheel_holds_graphiql_with_its_licences(tmp_path: Path) -> None:
    copy_sources(tmp_path)
    names = wheel_without_npm(tmp_path)
    assert {f"{STATIC}/graphiql.min.js", f"{STATIC}/LICENSES.txt", "gateway/http/graphiql/page.js"} <= set(names)


def test_wheel_without_npm_has_a_page_that_says_what_to_do(tmp_path: Path) -> None:
    copy_sources(tmp_path)
    shutil.rmtree(tmp_path / STATIC)
    names = wheel_without_npm(tmp_path)
    assert not [name for name in names if name.startswith(STATIC)]
    script = "from gateway.http.graphiql.page import page; print(page())"
    page = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert "GraphiQL was not built" in page
    assert "python -m gateway.http.graphiql.build" in page
