"""Names in the pages exist: files, links, commands, settings; generated tables are current."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, TABLES_PAGE, command_table, prose_of, settings_table, with_tables
from tests.house.sources import ROOT

NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
MAX_README = 150


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").read_text().count("\n") <= MAX_README


def test_tables_are_current() -> None:
    text = TABLES_PAGE.read_text()
    assert text == with_tables(text), "run: python -m tests.docs"


@pytest.mark.parametrize("name", NAMES)
def test_links_resolve(name: str) -> None:
    page = ROOT / name
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose_of(name))
    local = [target for target in targets if not target.startswith("http")]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_named_files_exist(name: str) -> None:
    pattern = (
        r"`((?:\.ci|tests|schema|resolvers|gateway|docs)/[\w./-]*|\w[\w-]*\.(?:txt|yaml|toml|md)|NOTICE|Dockerfile)`"
    )
    paths = re.findall(pattern, prose_of(name))
    assert [path for path in paths if not _exists(path, ROOT / name)] == []


def test_named_commands_and_settings_exist() -> None:
    prose = "\n".join(prose_of(name) for name in NAMES if name != "CHANGELOG.md")
    commands = set(re.findall(r"`storegraph ((?:key )?[a-z][a-z-]*)", prose))
    assert commands == set(re.findall(r"\| `storegraph ((?:key )?[a-z][a-z-]*)", command_table()))
    variables = set(re.findall(r"STOREGRAPH_\w+", prose))
    assert variables == set(re.findall(r"STOREGRAPH_\w+", settings_table() + command_table()))


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("docs/") and name.count("/") == 1])
def test_every_page_is_linked(name: str) -> None:
    linked = "".join((ROOT / page).read_text() for page in NAMES if page != name)
    assert Path(name).name in linked


def _exists(path: str, page: Path) -> bool:
    return any((start / path).exists() for start in (ROOT, page.parent))
