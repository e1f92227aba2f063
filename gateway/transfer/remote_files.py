"""The files of a folder or item of a site, page by page, each with a URL that is signed again."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from gateway.transfer.local_files import MAX_LEVELS
from gateway.transfer.local_tree import SiteDirectory, Way
from gateway.transfer.site import Site, SiteError

_PAGE = 500
RESOURCE = """
query ($path: String!) {
  resourceByPath(path: $path) {
    __typename
    ... on StorageFolder { uuid name path }
    ... on StorageItem { uuid name isDirectory }
  }
}
"""
_NO_RESOURCE = frozenset({"NOT_FOUND", "BAD_USER_INPUT"})
"""Errors of names that nothing has, and that nothing can have."""
_FOLDERS = """
query ($uuid: UUID!, $after: String) {
  storageFolder(uuid: $uuid) {
    descendantFolders(first: 1000, after: $after) {
      nodes { uuid parentUuid name }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
_MANIFEST = """
query ($uuid: UUID!, $first: Int!, $after: String) {
  storageFolder(uuid: $uuid) {
    downloadManifest(first: $first, after: $after) {
      edges {
        cursor
        node { path folderUuids fileSize sha256 signedUrl { url } item { uuid name } }
      }
      pageInfo { hasNextPage }
    }
  }
}
"""
_BITSTREAMS = """
query ($uuid: UUID!, $revision: Int, $after: String) {
  storageItem(uuid: $uuid) {
    isDirectory
    revision(number: $revision) { fileCount }
    bitstreams(revision: $revision, first: 500, after: $after) {
      nodes { uuid name fileSize sha256 }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
_BITSTREAM = "query ($uuid: UUID!) { bitstream(uuid: $uuid) { signedUrl { url } } }"


@dataclass(slots=True)
class RemoteEntry:
    """A file of a site, with the directories that it goes to.

    Attributes:
        stored_name: its name in the site as far as that is known; it may not be one for a local
            file.
    """

    way: Way
    stored_name: str
    size: int | None
    sha256: str | None
    signer: "ManifestSigner | BitstreamSigner"


class ManifestSigner:
    """Signs the URL of an entry of a manifest: the first one came with it."""

    def __init__(self, site: Site, uuid: str, before: str | None, url: str | None) -> None:
        self._site = site
        self._uuid = uuid
        self._before = before
        self._url = url

    async def __call__(self) -> str | None:
        """Return a URL; None if the file has none."""
        if url := self._url:
            self._url = None
            return url
        page = await manifest_page(self._site, self._uuid, self._before, 1)
        return _url_of(page["edges"][0]["node"]) if page["edges"] else None


class BitstreamSigner:
    """Signs the URL of a file of an item."""

    def __init__(self, site: Site, uuid: str) -> None:
        self._site = site
        self._uuid = uuid

    async def __call__(self) -> str | None:
        """Return a URL; None if the file has none."""
        file = (await self._site.query(_BITSTREAM, uuid=self._uuid))["bitstream"]
        return _url_of(file) if file else None


async def find_resource(site: Site, path: str) -> dict[str, Any]:
    """Return the folder or item at a path, with its `__typename`, `uuid` and `name`.

    Raises:
        SiteError: there is none that the user can see.
    """
    resource = (await site.query(RESOURCE, path=path))["resourceByPath"]
    if resource is None or "uuid" not in resource:
        raise SiteError(f"There is no folder or item {path}.", "NOT_FOUND")
    found: dict[str, Any] = resource
    return found


async def find_below(site: Site, destination: str, path: str) -> dict[str, Any] | None:
    """Return the folder or item at a local path below a folder of the site; None if there is none.

    Raises:
        SiteError: the site cannot be asked.
    """
    names = path.replace("\\", r"\\")
    try:
        return await find_resource(site, f"{destination.rstrip('/')}/{names}")
    except SiteError as error:
        if error.code in _NO_RESOURCE:
            return None
        raise


def names_in(path: str) -> tuple[str, ...]:
    r"""Return the names in a path, in which `\/` stands for a slash and `\\` for a backslash."""
    parts = re.findall(r"/((?:[^/\\]|\\.)+)", path)
    return tuple(re.sub(r"\\(.)", r"\1", part) for part in parts)


async def ways_below(site: Site, uuid: str) -> list[Way]:
    """Return the ways from a folder to those below it: outer ones first, then by their creation.

    What is below a folder that the user cannot see is left out.
    """
    folders: dict[str, tuple[str | None, SiteDirectory]] = {}
    after = None
    while True:
        folder = (await site.query(_FOLDERS, uuid=uuid, after=after))["storageFolder"]
        page = _present(folder)["descendantFolders"]
        for node in page["nodes"]:
            folders[node["uuid"]] = node["parentUuid"], SiteDirectory(node["uuid"], node["name"])
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    ways: list[Way] = []
    for each in folders:
        way: list[SiteDirectory] = []
        above: str | None = each
        # Folders that are moved meanwhile could seem to be in each other.
        while above in folders and len(way) < MAX_LEVELS:
            above, directory = folders[above]
            way.insert(0, directory)
        if above == uuid:
            ways.append(tuple(way))
    return sorted(ways, key=lambda way: (len(way), way[-1].key))


async def manifest_page(site: Site, uuid: str, after: str | None, first: int) -> dict[str, Any]:
    """Return a page of the files below a folder."""
    folder = (await site.query(_MANIFEST, uuid=uuid, after=after, first=first))["storageFolder"]
    page: dict[str, Any] = _present(folder)["downloadManifest"]
    return page


async def files_of_folder(site: Site, uuid: str) -> AsyncIterator[RemoteEntry]:
    """Yield every file below a folder."""
    after = None
    while True:
        page = await manifest_page(site, uuid, after, _PAGE)
        for edge in page["edges"]:
            node = edge["node"]
            names, keys = node["path"].split("/"), node["folderUuids"]
            way = tuple(map(SiteDirectory, keys, names))
            # It may have been deleted meanwhile.
            item = node["item"] or {"uuid": "", "name": names[len(keys)]}
            has_directory = len(names) > len(keys) + 1
            if has_directory:
                way = (*way, SiteDirectory(item["uuid"], item["name"]))
            name = names[-1] if has_directory else item["name"]
            signer = ManifestSigner(site, uuid, after, _url_of(node))
            size = None if node["fileSize"] is None else int(node["fileSize"])
            yield RemoteEntry(way, name, size, node["sha256"], signer)
            after = edge["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return


async def files_of_item(
    site: Site, uuid: str, name: str, revision: int | None
) -> AsyncIterator[RemoteEntry]:
    """Yield the files of an item: one by its own name, others in a directory of that name.

    Raises:
        SiteError: the item has no such revision.
    """
    after = None
    while True:
        item = _present(
            (await site.query(_BITSTREAMS, uuid=uuid, revision=revision, after=after))[
                "storageItem"
            ]
        )
        if item["revision"] is None:
            raise SiteError(f"The item has no revision {revision}." if revision else "It is empty.")
        is_file = item["revision"]["fileCount"] == 1 and not item["isDirectory"]
        page = item["bitstreams"]
        for node in page["nodes"]:
            way = () if is_file else (SiteDirectory(uuid, name),)
            signer = BitstreamSigner(site, node["uuid"])
            size = None if node["fileSize"] is None else int(node["fileSize"])
            stored_name = name if is_file else node["name"]
            yield RemoteEntry(way, stored_name, size, node["sha256"], signer)
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def _present(resource: dict[str, Any] | None) -> dict[str, Any]:
    if resource is None:
        raise SiteError("It was deleted meanwhile.", "NOT_FOUND")
    return resource


def _url_of(file: dict[str, Any]) -> str | None:
    url: str | None = file["signedUrl"] and file["signedUrl"]["url"]
    return url
