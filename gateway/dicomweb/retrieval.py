"""Responses with the bytes of objects, frames and bulk data (WADO-RS), and redirects (WADO-URI)."""

import re
from collections.abc import AsyncIterator, Iterable

from starlette.responses import RedirectResponse, Response

from gateway.catalog.rules.dicom_values import check_uid
from gateway.dicomweb.endpoint import Exchange, NotAcceptable
from gateway.dicomweb.file_elements import PIXELS, FileElements, UnreadableFile
from gateway.dicomweb.frames import Frame, FrameReader
from gateway.dicomweb.instances import Instance, find_instances
from gateway.dicomweb.media_types import (
    DICOM,
    EXPLICIT_LITTLE_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    MULTIPART,
    OCTETS,
    accepted,
    accepts_objects,
    accepts_single,
    covers,
    frame_type,
)
from gateway.dicomweb.multipart import PART_END, closing, new_boundary, part_start
from gateway.dicomweb.scope import Target, find_scope
from gateway.dicomweb.stored_files import StoredFile, chunks_of, files_of
from gateway.errors import bad_input, conflict, not_found

MAX_FRAMES = 1_000
_FRAMES = re.compile(r"[1-9][0-9]{0,8}(,[1-9][0-9]{0,8})*", re.ASCII)
_STEP = re.compile(r"[0-9A-Fa-f]{8}(/[0-9]{1,6}/[0-9A-Fa-f]{8}){0,16}", re.ASCII)
_REDIRECTED = "Only single instances are available here, as application/dicom without parts."


async def retrieve_objects(exchange: Exchange) -> Response:
    """Respond with the files of instances, or redirect to that of one."""
    instances = await _instances(exchange, exchange.target)
    is_single = exchange.target.instance_uid is not None
    wants_single = accepts_single(exchange.accept) or (
        not exchange.sends_bytes and any(each.name == "*/*" for each in accepted(exchange.accept))
    )
    if is_single and wants_single:
        return await redirect_to(exchange, instances[0])
    if not exchange.sends_bytes:
        raise NotAcceptable(_REDIRECTED)
    syntaxes = {each.transfer_syntax_uid for each in instances}
    if not accepts_objects(exchange.accept, syntaxes):
        stored = ", ".join(sorted(filter(None, syntaxes)))
        raise NotAcceptable(f'Available as multipart/related; type="{DICOM}" in {stored}.')
    exchange.charge(len(instances))
    files = await files_of(exchange.context, instances)
    parts = (
        (
            f"{DICOM}; transfer-syntax={instance.transfer_syntax_uid}",
            instance.url(exchange.base),
            chunks_of(file, 0, file.size),
        )
        for instance, file in zip(instances, files, strict=True)
    )
    return await _respond(exchange, DICOM, parts)


async def retrieve_frames(exchange: Exchange) -> Response:
    """Respond with frames in the transfer syntax in which they are stored."""
    _check_bytes(exchange)
    text = exchange.request.path_params["frames"]
    if not _FRAMES.fullmatch(text):
        raise bad_input("Expected numbers of frames from 1, divided by commas.", "frames")
    numbers = [int(number) for number in text.split(",")]
    if len(numbers) > MAX_FRAMES:
        raise bad_input(f"At most {MAX_FRAMES:,} frames can be requested at once.", "frames")
    exchange.charge(len(numbers))
    instance = (await _instances(exchange, exchange.target))[0]
    [file] = await files_of(exchange.context, [instance])
    syntax = instance.transfer_syntax_uid
    if syntax == IMPLICIT_LITTLE_ENDIAN:  # which says nothing of pixels
        syntax = EXPLICIT_LITTLE_ENDIAN
    available = frame_type(exchange.accept, syntax)
    if available is None or (not available[1] and len(numbers) > 1):
        raise NotAcceptable(f"Frames are available in parts, and in {syntax} only.")
    media_type, is_multipart = available
    try:
        reader = await FrameReader.open(file)
        if max(numbers) > reader.count:
            raise not_found("frame", max(numbers), "frames")
        frames = [await reader.frame(number) for number in numbers]
    except UnreadableFile as error:
        raise conflict(f"The frames of this file cannot be sent: {error}.") from None
    part_type = f"{media_type}; transfer-syntax={syntax}"
    if not is_multipart:
        return await exchange.stream(_content(file, frames[0]), part_type)
    url = f"{instance.url(exchange.base)}/frames"
    parts = (
        (part_type, f"{url}/{number}", _content(file, frame))
        for number, frame in zip(numbers, frames, strict=True)
    )
    return await _respond(exchange, media_type, parts)


async def retrieve_bulk_data(exchange: Exchange) -> Response:
    """Respond with the value of an element, as it is in the file."""
    _check_bytes(exchange)
    path = exchange.request.path_params["path"]
    if not _STEP.fullmatch(path):
        raise bad_input("Expected the path of an element, as in a BulkDataURI.", "bulkdata")
    steps = [int(step, 10 if index % 2 else 16) for index, step in enumerate(path.split("/"))]
    instance = (await _instances(exchange, exchange.target))[0]
    [file] = await files_of(exchange.context, [instance])
    choice = next((each for each in accepted(exchange.accept) if covers(each.name, OCTETS)), None)
    if choice is None:
        raise NotAcceptable(f"Bulk data is available as {OCTETS}.")
    try:
        extent = await (await FileElements.open(file)).extent(steps)
        if extent is None:
            raise not_found("element", path, "bulkdata")
        if extent.length is None and (len(steps) > 1 or steps[0] not in PIXELS):
            raise UnreadableFile("the element is a sequence")
        frames: list[Frame] = []
        if extent.length is None:
            reader = await FrameReader.open(file)
            frames = [await reader.frame(number) for number in range(1, reader.count + 1)]
    except UnreadableFile as error:
        raise conflict(f"The bulk data of this file cannot be sent: {error}.") from None
    url = f"{instance.url(exchange.base)}/bulkdata/{path}"
    if frames:
        part_type = f"{OCTETS}; transfer-syntax={instance.transfer_syntax_uid}"
        parts = [(part_type, url, _content(file, frame)) for frame in frames]
        return await _respond(exchange, OCTETS, parts)
    value = chunks_of(file, extent.start, extent.start + (extent.length or 0))
    if not choice.is_multipart:
        return await exchange.stream(value, OCTETS)
    return await _respond(exchange, OCTETS, [(OCTETS, url, value)])


async def retrieve_by_uri(exchange: Exchange) -> Response:
    """Redirect to the file of the object that parameters name (WADO-URI)."""
    query = exchange.request.query_params
    if query.get("requestType") != "WADO":
        raise bad_input("Expected requestType to be WADO.", "requestType")
    uids = [check_uid(query.get(name, ""), name) for name in ("studyUID", "seriesUID", "objectUID")]
    types = [text.split(";")[0].strip() for text in query.get("contentType", DICOM).split(",")]
    if not any(covers(text, DICOM) for text in types):
        raise NotAcceptable(f"Objects are available as {DICOM} only.")
    if "anonymize" in query:
        raise bad_input("Objects are not anonymized when they are retrieved.", "anonymize")
    instance = (await _instances(exchange, Target(*uids)))[0]
    if query.get("transferSyntax", "*") not in ("*", instance.transfer_syntax_uid):
        raise NotAcceptable(f"The object is available in {instance.transfer_syntax_uid} only.")
    return await redirect_to(exchange, instance)


async def redirect_to(exchange: Exchange, instance: Instance) -> Response:
    """Redirect to the signed URL of an instance's file."""
    [file] = await files_of(exchange.context, [instance])
    headers = {"cache-control": "no-store"}
    return RedirectResponse(await file.signed_url(), 307, headers)


async def _instances(exchange: Exchange, target: Target) -> list[Instance]:
    scope = await find_scope(exchange.context, exchange.folder_uuid)
    return await find_instances(exchange.context, scope, target)


def _check_bytes(exchange: Exchange) -> None:
    if not exchange.sends_bytes:
        raise NotAcceptable(_REDIRECTED)


async def _respond(
    exchange: Exchange,
    media_type: str,
    parts: Iterable[tuple[str, str, AsyncIterator[bytes]]],
) -> Response:
    """Respond with parts of a media type."""
    boundary = new_boundary()
    content_type = f'{MULTIPART}; type="{media_type}"; boundary={boundary}'
    return await exchange.stream(multipart_body(boundary, parts), content_type)


async def _content(file: StoredFile, frame: Frame) -> AsyncIterator[bytes]:
    for fragment in frame:
        async for chunk in chunks_of(file, fragment.start, fragment.stop):
            yield chunk


async def multipart_body(
    boundary: str, parts: Iterable[tuple[str, str, AsyncIterator[bytes]]]
) -> AsyncIterator[bytes]:
    """Yield a body of parts: their types, locations and contents."""
    for content_type, url, content in parts:
        yield part_start(boundary, {"Content-Type": content_type, "Content-Location": url})
        async for chunk in content:
            yield chunk
        yield PART_END
    yield closing(boundary)
