"""`storegraph explain` prints plans and, with `--code`, the functions generated for them."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from gateway.__main__ import cli

DOCUMENT = """
query Folder($u: UUID!) {
  storageFolder(uuid: $u) {
    name
    items(first: 2) { nodes { uuid name ... on ImageItem { width } } pageInfo { endCursor } }
  }
}
query Viewer { viewer { user { email } } }
"""


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    """Undo what the command does to logging: it would write to the output that is captured here."""
    config, handlers = structlog.get_config(), [*logging.root.handlers]
    yield
    structlog.configure(**config)
    logging.root.handlers[:] = handlers


def run_explain(tmp_path: Path, text: str, *options: str) -> tuple[int, str]:
    """Return the exit code and the output of the command."""
    file = tmp_path / "document.graphql"
    file.write_text(text)
    environment = {"STOREGRAPH_DATABASE_URL": f"sqlite:///{tmp_path / 'db'}", "STOREGRAPH_DATA_DIR": str(tmp_path)}
    result = CliRunner().invoke(cli, ["explain", str(file), *options], env=environment)
    return result.exit_code, result.output


def test_plans_are_trees_of_statements(tmp_path: Path) -> None:
    code, output = run_explain(tmp_path, DOCUMENT)
    assert code == 0
    assert (
        output.splitlines()[:5]
        == [
            "Folder",
            "look up folders by uuid = $uuid",
            "    columns: name, uuid",
            "    pages of items: items by items.folder_uuid = uuid of the row above (rows, cursors)",
            "        columns: item_type, uuid, name, width",
        ]
        or output
    )
    assert "\n\nViewer\n" in output
    assert "def write" not in output


def test_a_folder_of_many_items_has_its_path_read_once(tmp_path: Path) -> None:
    """What a batch function leaves to each row is no part of its keys."""
    text = "query Paths($u: UUID!) { storageFolder(uuid: $u) { items { nodes { path } } } }"
    code, output = run_explain(tmp_path, text, "--code")
    assert code == 0
    assert "call path_of_item with shown_folder_uuid of all rows above" in output
    assert "= operator.itemgetter(0)" in output
    assert "(m0[c0], c1)" in output


def test_generated_code_is_printed_with_its_constants(tmp_path: Path) -> None:
    code, output = run_explain(tmp_path, DOCUMENT, "--code")
    assert code == 0
    lines = [line.strip() for line in output.splitlines()]
    assert any(line.startswith("| def write(rows") for line in lines)
    assert any(line.startswith("| def keys0(rows):") for line in lines)
    assert any(line.startswith("| k") and " = " in line for line in lines)
    assert "'endCursor': (cursor(*positions[end - 1]) if end > start else None)" in output


@pytest.mark.parametrize("text", ["{", "{ missing }"])
def test_invalid_documents_are_reported(tmp_path: Path, text: str) -> None:
    code, output = run_explain(tmp_path, text, "--code")
    assert code == 1
    assert "def write" not in output
