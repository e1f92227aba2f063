"""A directory that receives files: nothing leaves it, whatever the names of the files are."""

from pathlib import Path
from typing import NamedTuple

from gateway.tree_names import UsedNames


class SiteDirectory(NamedTuple):
    """A folder or item of a site that becomes a directory.

    Attributes:
        key: what tells it from others of its name next to it.
    """

    key: str
    name: str


Way = tuple[SiteDirectory, ...]
"""Directories that are in one another, the outermost first."""


class LocalTree:
    """Local paths of the files and folders of a site.

    Names that a file system does not accept are changed, and those that others have already, or
    that differ from them in case only, get numbers. The same directories and names, given in the
    same order, lead to the same paths.
    """

    def __init__(self, root: Path, *, creates: bool = True) -> None:
        """Begin a tree in a directory; unless it `creates` directories, nothing is written."""
        self.root = root
        self._creates = creates
        self._folders: dict[tuple[str, ...], tuple[Path, UsedNames]] = {(): (root, UsedNames())}

    def folder(self, way: Way) -> Path:
        """Return the local path of a directory, and create it.

        One that is refused stays so: files below it are put nowhere else.

        Raises:
            OSError: it cannot be created; there is a file or a symbolic link in its way.
        """
        keys = _keys(way)
        if keys not in self._folders:
            self.folder(way[:-1])
            above, used = self._folders[keys[:-1]]
            self._folders[keys] = above / used.add(way[-1].name), UsedNames()
        path, _ = self._folders[keys]
        if way and path.is_symlink():
            # It could lead out of the directory.
            raise NotADirectoryError(f"{path} is a symbolic link.")
        if path.exists() and not path.is_dir():
            raise NotADirectoryError(f"{path} is not a directory.")
        if self._creates:
            path.mkdir(parents=True, exist_ok=True)
        return path

    def file(self, way: Way, name: str) -> Path:
        """Return the path of one more file of a directory, which is created.

        Raises:
            OSError: as above.
        """
        path = self.folder(way)
        return path / self._folders[_keys(way)][1].add(name)


def _keys(way: Way) -> tuple[str, ...]:
    return tuple(each.key for each in way)
