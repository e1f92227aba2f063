"""The recipes of `docs/operating.md` find what they are for in logs with lines that are not JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import blocks_of
from tests.docs.test_commands import run_bash

RECIPES = [
    command.strip()
    for block in blocks_of("docs/operating.md", "Recipes", language="bash")
    for command in block.text.split("*.log\n")
    if command.strip()
]
FOREIGN = ["API key of the first admin, printed only once: sg_x", "42", "", '{"cut off', "Aborted (core dumped)"]
LINES: list[dict[str, Any]] = [
    {"event": "job_ended", "job": "JOB", "outcome": "FAILED", "user": "u", "kind": "UPLOAD"},
    {"event": "unit_failed", "job": "JOB", "error": "the file is empty"},
    {"event": "credential_refused", "reason": "revoked", "key": "k", "client": "10.0.0.1"},
    {"event": "limit_hit", "limit": "cost", "allowed": 1, "found": 2, "viewer": "u"},
    {"event": "operation_ended", "status": "errors", "codes": ["FORBIDDEN"]},
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_recipe_finds_its_lines_among_foreign_ones(recipe: str, tmp_path: Path) -> None:
    stamped = [json.dumps({"timestamp": f"2026-01-01T00:00:{number:02}Z"} | line) for number, line in enumerate(LINES)]
    (tmp_path / "serve.log").write_text("\n".join([*FOREIGN[:2], *stamped[:2], *FOREIGN[2:], *stamped[2:], ""]))
    (tmp_path / "work.log").write_text("\n".join(FOREIGN))
    answers = run_bash(f"{recipe} *.log", tmp_path).splitlines()
    assert answers and all("2026-01-01T00:00:" in answer for answer in answers)
