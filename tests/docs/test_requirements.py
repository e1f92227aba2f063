"""The locked requirements: complete, with digests, and without a word about where packages were fetched from."""

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.house.sources import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(name: str) -> dict[str, set[Version]]:
    """The versions that a lock names for each package: more than one where Python's own version decides."""
    found: dict[str, set[Version]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", (ROOT / name).read_text(), re.M):
        found.setdefault(package.lower(), set()).add(Version(version))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_locks_name_digests_and_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    entries = re.split(r"^(?=\w)", text, flags=re.M)[1:]
    assert len(entries) > 50
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)


def test_locks_hold_what_the_project_asks_for() -> None:
    run, dev = map(locked, LOCKS)
    for wanted, lock in (("dependencies", run), ("dependencies", dev), ("dev", dev)):
        requirements = PROJECT["project"].get(wanted) or PROJECT["dependency-groups"][wanted]
        for requirement in map(Requirement, requirements):
            versions = lock[requirement.name.lower()]
            assert all(requirement.specifier.contains(version) for version in versions), requirement
    assert all(dev[package] == versions for package, versions in run.items()), "tests run with what users get"
