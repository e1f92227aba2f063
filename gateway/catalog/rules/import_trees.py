"""Trees of files to import: relative paths, and the directories that they are in."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.catalog.rules.names import validate_name
from gateway.catalog.rules.paths import in_nfc, read_path
from gateway.errors import DomainError, bad_input

Branch = tuple[str, ...]
"""Names of nested directories in form NFC; empty for the folder into which a tree is imported."""


@dataclass(frozen=True, slots=True)
class EntryPath:
    """The path of an entry: its names, and whether it is a directory."""

    names: tuple[str, ...]
    is_directory: bool

    @property
    def branch(self) -> Branch:
        """The names, whatever the form of their letters."""
        return tuple(map(in_nfc, self.names))


@dataclass(slots=True)
class Directory:
    """A directory of a tree; `files` and `named_by` are positions of entries in the request.

    Attributes:
        is_listed: whether an entry of its own says that it is a folder.
    """

    name: str
    named_by: int
    files: list[int] = field(default_factory=list)
    has_directories: bool = False
    is_listed: bool = False

    @property
    def is_leaf(self) -> bool:
        """Whether it contains files and nothing else."""
        return bool(self.files) and not (self.has_directories or self.is_listed)


def read_entry_path(path: str, *at: str | int) -> EntryPath:
    """Return the names in a relative path, which are written as in any path.

    Raises:
        DomainError: at `at`.
    """
    if path.startswith("/"):
        raise bad_input("The path must be relative: it begins with a name.", *at)
    names = read_path(f"/{path}", *at)
    for name in names:
        validate_name(name, *at)
    return EntryPath(tuple(names), path.endswith("/"))


def read_tree(
    paths: Sequence[EntryPath], *at: str | int
) -> tuple[dict[Branch, Directory], list[DomainError]]:
    """Return the directories of a tree, outer ones first, and what is wrong with entries.

    Errors are at the positions of the entries below `at`.
    """
    places = [path.branch for path in paths]
    directories: dict[Branch, Directory] = {(): Directory("", -1)}
    first: dict[Branch, int] = {}
    errors: list[DomainError] = []
    for index, (path, branch) in enumerate(zip(paths, places, strict=True)):
        if branch in first and not (path.is_directory and paths[first[branch]].is_directory):
            other = "/".join(paths[first[branch]].names)
            message = f"The path is that of another entry, {other}, once its letters are composed."
            errors.append(bad_input(message, *at, index, "path"))
            continue
        first.setdefault(branch, index)
        for depth in range(1, len(branch) + path.is_directory):
            above = directories[branch[: depth - 1]]
            if branch[:depth] not in directories:
                directories[branch[:depth]] = Directory(path.names[depth - 1], index)
                above.has_directories = True
        if path.is_directory:
            directories[branch].is_listed = True
        else:
            directories[branch[:-1]].files.append(index)
    for index, (path, branch) in enumerate(zip(paths, places, strict=True)):
        if not path.is_directory and branch in directories:
            message = "The path is that of a file, and others are below it."
            errors.append(bad_input(message, *at, index, "path"))
    ordered = sorted(directories, key=len)
    return {branch: directories[branch] for branch in ordered}, errors
