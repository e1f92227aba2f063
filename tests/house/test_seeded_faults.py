"""Misspelt names of rows, columns, payloads, stored specs and task arguments do not get past the checks."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.sources import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@dataclass(frozen=True)
class Fault:
    """A misspelling in one file: `right` occurs there and becomes `wrong`."""

    file: str
    right: str
    wrong: str


FAULTS = {
    "payload": Fault(
        "resolvers/mutations/items.py", "UpdateStorageItemOutcome(item_uuid=", "UpdateStorageItemOutcome(item_uid="
    ),
    "row": Fault(
        "gateway/catalog/ledger/mirror_datasets.py", '"item_uuid": row.item_uuid', '"item_uuid": row.item_uid'
    ),
    "column": Fault("resolvers/items.py", "ToOne(users, items.c.owner_uuid)", "ToOne(users, items.c.owner_uid)"),
    "spec": Fault("gateway/catalog/ingestion/unit_plan.py", 'spec.get("facts", {})', 'spec.get("fact", {})'),
    "task": Fault("gateway/catalog/ingestion/batches.py", "turn=batch", "trn=batch"),
    "unit": Fault(
        "gateway/catalog/ingestion/begin_units.py", "batch = {unit.uuid.hex: unit", "batch = {unit.uid.hex: unit"
    ),
}
BY_TYPES = ("payload", "row", "spec", "task", "unit")
BY_TESTS = ("column",)


def copy_with(directory: Path, *names: str) -> Path:
    """Copy the tree and seed faults in it."""
    tree = directory / "tree"
    skipped = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info", "storegraph-data", "node_modules")
    shutil.copytree(ROOT, tree, ignore=skipped)
    for fault in (FAULTS[name] for name in names):
        text = (tree / fault.file).read_text()
        assert fault.right in text, f"{fault.file} no longer has {fault.right}: seed its counterpart"
        (tree / fault.file).write_text(text.replace(fault.right, fault.wrong, 1))
    return tree


def run(tree: Path, *command: str) -> str:
    """Run a module of Python in a tree; return what it prints. It must fail."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


def test_each_fault_is_reported(tmp_path: Path) -> None:
    """One run of mypy reports most of them, and the house tests the rest."""
    types = run(copy_with(tmp_path / "types", *BY_TYPES), "mypy", "-p", "gateway", "-p", "schema", "-p", "resolvers")
    reported = {line.partition(":")[0] for line in types.splitlines() if ": error: " in line}
    assert reported == {FAULTS[name].file for name in BY_TYPES}, types
    tests = run(copy_with(tmp_path / "tests", *BY_TESTS), "pytest", "-q", "-n", "0", "tests/house/test_schema.py")
    assert "owner_uid" in tests, tests
