"""The recipes of `docs/operating.md` find what they are for in any log, and it explains all tasks."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import blocks_of, text_of
from tests.docs.test_commands import run_bash
from tests.house.test_tasks import HANDLERS

RECIPES = [
    command.strip()
    for block in blocks_of("docs/operating.md", "Recipes", language="bash")
    for command in re.split(r" \*\.log(?: \| sort)?\n", block.text)
    if command.strip()
]
FOREIGN = ["API key of the first admin, printed only once: sg_x", "42", "", '{"cut off', "Aborted (core dumped)"]
LINES: list[dict[str, Any]] = [
    {"event": "job_created", "job": "WAITS", "user": "u", "kind": "UPLOAD", "units": 3},
    {"event": "job_created", "job": "JOB", "user": "u", "kind": "UPLOAD", "units": 1},
    {"event": "job_ended", "job": "JOB", "outcome": "FAILED", "user": "u", "kind": "UPLOAD"},
    {"event": "unit_failed", "job": "JOB", "error": "the file is empty"},
    {"event": "credential_refused", "reason": "revoked", "key": "k", "client": "10.0.0.1"},
    {"event": "limit_hit", "limit": "cost", "allowed": 1, "found": 2, "viewer": "u"},
    {"event": "too_many_connections", "limit": "connections", "client": "10.0.0.1"},
    {"event": "operation_ended", "status": "errors", "codes": ["FORBIDDEN"]},
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_recipe_finds_its_lines_among_foreign_ones(recipe: str, tmp_path: Path) -> None:
    answers = run_recipe(recipe, tmp_path)
    assert answers and all("2026-01-01T00:00:" in answer for answer in answers)


def test_whose_jobs_wait(tmp_path: Path) -> None:
    [recipe] = [recipe for recipe in RECIPES if "job_created" in recipe]
    [answer] = run_recipe(recipe, tmp_path)
    assert answer.split("\t") == ["2026-01-01T00:00:00Z", "u", "UPLOAD", "WAITS", "waits", "3 units"]


def test_every_task_is_explained() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| [^|]+ \|$", text_of("docs/operating.md"), re.MULTILINE)
    explained = {name for row in rows for name in re.findall(r"\w+", row)}
    assert explained == {task.name for task in HANDLERS}


def run_recipe(recipe: str, directory: Path) -> list[str]:
    """Return the lines that a recipe prints about the logs of two processes."""
    stamped = [json.dumps({"timestamp": f"2026-01-01T00:00:{number:02}Z"} | line) for number, line in enumerate(LINES)]
    (directory / "serve.log").write_text("\n".join([*FOREIGN[:2], *stamped[:2], *FOREIGN[2:], *stamped[2:], ""]))
    (directory / "work.log").write_text("\n".join(FOREIGN))
    return run_bash(f"{recipe} *.log", directory).splitlines()
