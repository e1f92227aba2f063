"""A directory that receives files: nothing leaves it, whatever the names of the files are."""

from pathlib import Path

from gateway.tree_names import UsedNames


class LocalTree:
    """Local paths of the files and folders of a site.

    Names that a file system does not accept, or that differ in case only, are changed. The same
    names, given in the same order, lead to the same paths.
    """

    def __init__(self, root: Path) -> None:
        self._folders: dict[tuple[str, ...], tuple[Path, UsedNames]] = {(): (root, UsedNames())}

    def folder(self, names: tuple[str, ...]) -> Path:
        """Return the directory of a folder, and create it.

        One that is refused stays so: files below it are put nowhere else.

        Raises:
            OSError: it cannot be created; there is a file or a symbolic link in its way.
        """
        if names not in self._folders:
            self.folder(names[:-1])
            above, used = self._folders[names[:-1]]
            self._folders[names] = above / used.add(names[-1]), UsedNames()
        path, _ = self._folders[names]
        if names and path.is_symlink():
            # It could lead out of the directory.
            raise NotADirectoryError(f"{path} is a symbolic link.")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(f"{path} is not a directory.") from None
        return path

    def file(self, folder: tuple[str, ...], name: str) -> Path:
        """Return the path of one more file of a folder, whose directory is created.

        Raises:
            OSError: as above.
        """
        path = self.folder(folder)
        return path / self._folders[folder][1].add(name)
