"""Thumbnails of items: which there are, and requests for those that are not made yet."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.viewer import Viewer
from gateway.catalog.ledger.thumbnails import MAKE_THUMBNAILS, MakeThumbnailsArgs, thumbnail_key
from gateway.catalog.thumbnails import RETRIED, chosen_picture
from gateway.clock import SITE_CLOCK, now
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.errors import bad_input
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import batch
from gateway.execution.keysets import KEYS
from gateway.execution.parent_keys import Key
from gateway.execution.viewer_columns import viewer_column
from gateway.kinds.enums import ThumbnailUnavailableReason
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.kinds.thumbnail_sizes import COVER, ThumbnailSize, fitted, stored_size
from gateway.media.drawing.frames import MIME_TYPE
from gateway.models.base import Key as KeyType
from gateway.models.items import items
from gateway.models.revisions import bitstreams
from gateway.models.thumbnails import ThumbnailRecord, thumbnails
from resolvers.identity import is_restricted
from resolvers.signed_urls import bounds_of, lifetime_of

RETRY_AFTER = timedelta(hours=1)
"""Age of an attempt after which a request starts another."""
_FILE_NAME = "thumbnail.webp"

Size = Annotated[ThumbnailSize, strawberry.argument(description="The size.")]
Frame = Annotated[
    int | None,
    strawberry.argument(
        description="Number of a frame of a video, animation or DICOM file, of a slice of a NIfTI "
        "volume, or of a page of a PDF, counted from 0. By default, the one that represents the "
        "file best. Thumbnails of other frames are made when first requested; the 100 most recent "
        "ones are kept."
    ),
]


@dataclass(frozen=True, slots=True)
class SignedThumbnail:
    """A thumbnail with its signed URL; sizes are in pixels."""

    url: str
    width: int
    height: int
    expires_at: datetime


class DrawnFile(NamedTuple):
    """The columns of an item that decide about its thumbnails.

    Thumbnails of restricted files are not shown to the viewer.
    """

    uuid: UUID
    object_key: str | None
    url: str | None
    item_type: StorageItemType
    is_tombstone: bool
    is_placeholder: bool
    picture_key: str | None
    is_restricted: bool

    @property
    def source(self) -> tuple[str | UUID, StorageItemType]:
        """The file that is drawn, and as what; a picture that was chosen takes precedence."""
        if self.picture_key:
            return self.picture_key, StorageItemType.IMAGE
        return self.object_key or self.uuid, self.item_type


DrawnKey = tuple[UUID, str | None, str | None, StorageItemType, bool, bool, str | None, bool]
State = ThumbnailRecord | ThumbnailUnavailableReason
picture_key = viewer_column(
    items, "picture_key", KeyType, lambda _: chosen_picture(bitstreams.c.object_key)
)
_NEEDS: tuple[Key, ...] = (
    *(items.c[name] for name in DrawnFile._fields[:-2]),
    picture_key,
    is_restricted,
)


@batch(*_NEEDS, work=5)
async def thumbnail_of(
    context: Context,
    keys: list[DrawnKey],
    *,
    size: Size = ThumbnailSize.SMALL,
    frame: Frame = None,
) -> list[SignedThumbnail | None]:
    """Sign the URLs of thumbnails; those that are not made yet are requested."""
    span = lifetime_of(context, None)
    signed: list[SignedThumbnail | None] = []
    for state in await _states(context, [DrawnFile(*key) for key in keys], frame):
        if isinstance(state, ThumbnailUnavailableReason) or not state.width or not state.height:
            signed.append(None)
            continue
        stored = stored_size(state.width, state.height, size)
        key = thumbnail_key(state.object_key, stored)
        request = await context.services.store.sign_get(
            key, _FILE_NAME, MIME_TYPE, span, is_inline=True, bounds=bounds_of(context)
        )
        width, height = fitted(state.width, state.height, stored)
        signed.append(SignedThumbnail(request.url, width, height, request.expires_at))
    return signed


@batch(*_NEEDS)
async def unavailable_reason(
    context: Context,
    keys: list[DrawnKey],
    *,
    frame: Frame = None,
) -> list[ThumbnailUnavailableReason | None]:
    """Load the reasons why items have no thumbnail; None where they have one."""
    states = await _states(context, [DrawnFile(*key) for key in keys], frame)
    return [
        state if isinstance(state, ThumbnailUnavailableReason) else state.unavailable_reason
        for state in states
    ]


async def _states(context: Context, files: Sequence[DrawnFile], frame: int | None) -> list[State]:
    """Return the thumbnails of files, or why there are none. Both fields share one statement."""
    if frame is not None and frame < 0:
        raise bad_input(f"`frame` must be at least 0, not {frame}.", "frame")
    number = COVER if frame is None else frame

    async def load(loaded: list[DrawnFile]) -> list[State]:
        return await _load_states(context, loaded, number)

    loads = (context.loaders.load(("thumbnails", number), file, load) for file in files)
    states: list[State] = await asyncio.gather(*loads)
    return states


@kept_statement(ThumbnailRecord)
def thumbnails_of(_viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the thumbnails of a frame of files, by their keys or items."""
    is_of_file = in_bound_keys(thumbnails.c.source_key, "source_keys")
    is_of_item = in_bound_keys(thumbnails.c.item_uuid, KEYS)
    number = sa.bindparam("frame", required=False, type_=sa.Integer)
    return sa.select(thumbnails).where(is_of_file | is_of_item, thumbnails.c.frame == number)


async def _load_states(context: Context, files: Sequence[DrawnFile], frame: int) -> list[State]:
    reasons = {file: _reason_of_item(file) for file in files}
    drawable = [file for file, reason in reasons.items() if reason is None]
    rows: dict[tuple[str | UUID | None, StorageItemType], ThumbnailRecord] = {}
    if drawable:
        sources = [file.source[0] for file in drawable]
        keys = [source for source in sources if isinstance(source, str)]
        elsewhere = [source for source in sources if isinstance(source, UUID)]
        for row in await thumbnails_of.rows(
            context.database, context.viewer, elsewhere, source_keys=keys, frame=frame
        ):
            rows[row.source_key or row.item_uuid, row.item_type] = row
    states: list[State] = []
    wanted: list[UUID] = []
    recent, moment = SITE_CLOCK.long_before(RETRY_AFTER), now()
    for file in files:
        drawn = rows.get(file.source)
        states.append(reasons[file] or drawn or ThumbnailUnavailableReason.PENDING)
        # A time in the future is from before the clock was stepped back.
        is_late = (
            drawn
            and drawn.unavailable_reason in RETRIED
            and not recent <= drawn.attempted_at <= moment
        )
        if reasons[file] is None and (drawn is None or is_late):
            wanted.append(file.uuid)
    if wanted:
        await _request(context, wanted, frame)
    return states


def _reason_of_item(file: DrawnFile) -> ThumbnailUnavailableReason | None:
    """Return why the viewer gets no thumbnail of an item as it is now."""
    if file.is_tombstone:
        return ThumbnailUnavailableReason.TOMBSTONE
    if file.is_placeholder:
        return ThumbnailUnavailableReason.NOT_YET_STORED
    if ITEM_KINDS[file.source[1]].drawer is None:
        return ThumbnailUnavailableReason.NOT_DRAWABLE
    if file.is_restricted:
        return ThumbnailUnavailableReason.PHI_RESTRICTED
    is_stored = file.url is not None or file.picture_key is not None
    return None if is_stored else ThumbnailUnavailableReason.NOT_YET_STORED


async def _request(context: Context, wanted: Sequence[UUID], frame: int) -> None:
    """Enqueue thumbnails, unless they were requested lately: clients ask until they are made."""
    recent = context.services.requested_thumbnails
    new = recent.unknown((uuid, frame) for uuid in wanted)
    if not new:
        return
    args = MakeThumbnailsArgs(items=[uuid.hex for uuid, _ in new], frame=frame)
    async with context.database.writing() as transaction:
        await context.services.queue.enqueue(transaction, MAKE_THUMBNAILS, args)
    recent.note(new)
