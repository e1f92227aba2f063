"""Manifests of folders: every file below, for programs that download them all."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.visibility import sees_folder
from gateway.catalog.tree_files import FileCursor, TreeFile, files_below
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.database.tree import ancestors
from gateway.error_texts import between
from gateway.errors import bad_input
from gateway.execution.declarations import batch
from gateway.execution.pagination import DEFAULT_SIZE, MAX_SIZE, fingerprint_of
from gateway.json_values import unstorable_character
from gateway.kinds.downloads import SignedUrlDisposition
from gateway.models.folders import FolderRecord, folders
from gateway.stores.base import SignedRequest
from gateway.tree_names import safe_name
from resolvers.signed_files import ServedFile, sign_files
from resolvers.signed_urls import Lifetime

First = Annotated[
    int | None,
    strawberry.argument(
        description=f"Files on the page: {DEFAULT_SIZE} by default, at most 1,000."
    ),
]
After = Annotated[
    str | None,
    strawberry.argument(description="Return the files after this cursor, of an earlier page."),
]


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file of a manifest: where it is in the tree, and what signs its URL."""

    cursor: str
    path: str
    folder_uuids: list[UUID]
    item_uuid: UUID
    file_size: int | None
    sha256: str | None
    served: ServedFile

    @property
    def node(self) -> "ManifestFile":
        """The file itself, as the entry of a page."""
        return self


@dataclass(frozen=True, slots=True)
class ManifestPage:
    """A page of a manifest."""

    nodes: list[ManifestFile]
    has_next_page: bool
    has_previous_page: bool

    @property
    def edges(self) -> list[ManifestFile]:
        """The files, each with its cursor."""
        return self.nodes

    @property
    def start_cursor(self) -> str | None:
        """The cursor of the first file."""
        return self.nodes[0].cursor if self.nodes else None

    @property
    def end_cursor(self) -> str | None:
        """The cursor of the last file."""
        return self.nodes[-1].cursor if self.nodes else None


@batch(folders.c.uuid, folders.c.path, listed=lambda given: size_of(given.get("first")))
async def download_manifest_of(
    context: Context,
    keys: list[tuple[UUID, str]],
    *,
    first: First = None,
    after: After = None,
) -> list[ManifestPage]:
    """Load a page of the files of folders and of all folders below them."""
    size = DEFAULT_SIZE if first is None else first
    if not 0 <= size <= MAX_SIZE:
        raise bad_input(between("first", 0, MAX_SIZE, size), "first")
    pages = []
    for uuid, path in keys:
        cursor = None if after is None else _read_cursor(after, uuid, path)
        found = await files_below(context.database, context.viewer, path, cursor, size + 1)
        shown = found[:size]
        ways = await _ways(context, path, shown)
        nodes = [
            ManifestFile(
                _write_cursor(uuid, path, file.cursor),
                "/".join(map(safe_name, [*ways[file.folder_path].values(), *file.names])),
                [*ways[file.folder_path]],
                file.item_uuid,
                file.file_size,
                file.sha256,
                _served(file),
            )
            for file in shown
        ]
        pages.append(ManifestPage(nodes, len(found) > size, cursor is not None))
    return pages


def size_of(first: Any) -> int:
    """Return the number of files of a page, given its argument."""
    return min(max(first, 1), MAX_SIZE) if isinstance(first, int) else DEFAULT_SIZE


def _served(file: TreeFile) -> ServedFile:
    return ServedFile(
        file.object_key,
        file.url,
        file.name,
        file.item_type,
        file.mime_type,
        None,
        file.is_lost,
        file.integration_uuid,
        file.is_restricted,
    )


async def _ways(
    context: Context, top: str, files: Sequence[TreeFile]
) -> dict[str, dict[UUID, str]]:
    """Return the names of the folders on the way from a folder to files, by their folders' paths.

    Folders on the way that the viewer does not see are left out.
    """
    paths = {file.folder_path for file in files}
    steps = {path: ancestors(path.removeprefix(top))[::-1] for path in paths}
    uuids = {uuid for way in steps.values() for uuid in way}
    names: dict[UUID, str] = {}
    if uuids:
        seen = sa.select(folders.c.uuid, folders.c.name).where(
            in_keys(folders.c.uuid, uuids), sees_folder(context.viewer)
        )
        rows = await context.database.rows(seen, FolderRecord)
        names = {row.uuid: row.name for row in rows}
    return {
        path: {uuid: names[uuid] for uuid in way if uuid in names} for path, way in steps.items()
    }


def _write_cursor(uuid: UUID, top: str, cursor: FileCursor) -> str:
    below = cursor.folder_path.removeprefix(top)
    parts = [_fingerprint(uuid), below, cursor.name_key, cursor.item_uuid.hex, cursor.position]
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(text: str, uuid: UUID, top: str) -> FileCursor:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        origin, below, name_key, item, position = parts
        is_text = type(below) is type(name_key) is str and not unstorable_character(
            below + name_key
        )
        if (
            origin == _fingerprint(uuid)
            and is_text
            and type(position) is int
            and 0 <= position < 2**31
        ):
            return FileCursor(top + below, name_key, UUID(hex=item), position)
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass  # reported below like a cursor of another list
    raise bad_input(
        "Invalid cursor. Cursors are valid for the folder that they come from.", "after"
    )


def _fingerprint(uuid: UUID) -> str:
    return fingerprint_of("downloadManifest", uuid)


@batch("served", work=5)
async def signed_url_of_file(
    context: Context, keys: list[ServedFile], *, lifetime: Lifetime = None
) -> Sequence[SignedRequest | None]:
    """Sign URLs of the files of a manifest; None for a file that cannot be downloaded."""
    return await sign_files(context, keys, lifetime, SignedUrlDisposition.ATTACHMENT)
