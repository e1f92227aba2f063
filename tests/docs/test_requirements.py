"""The locked requirements: complete, with digests, and without addresses of package indexes."""

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.house.sources import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked_versions(name: str) -> dict[str, set[Version]]:
    """Return the versions that a lock file has for each package: several if they depend on Python's version."""
    versions: dict[str, set[Version]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", (ROOT / name).read_text(), re.M):
        versions.setdefault(package.lower(), set()).add(Version(version))
    return versions


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_have_digests_and_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    entries = re.split(r"^(?=\w)", text, flags=re.M)[1:]
    assert len(entries) > 50
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)


def test_lock_files_satisfy_the_project() -> None:
    run, dev = map(locked_versions, LOCKS)
    for wanted, lock in (("dependencies", run), ("dependencies", dev), ("dev", dev)):
        requirements = PROJECT["project"].get(wanted) or PROJECT["dependency-groups"][wanted]
        for requirement in map(Requirement, requirements):
            versions = lock[requirement.name.lower()]
            assert all(requirement.specifier.contains(version) for version in versions), requirement
    assert all(dev[package] == versions for package, versions in run.items()), "tests run with what users get"
