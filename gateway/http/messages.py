"""Messages of the graphql-transport-ws protocol: parsing, encoding, and close codes."""

from enum import IntEnum
from typing import Any

import orjson

from gateway.json_values import parse_json

PROTOCOL = "graphql-transport-ws"
MAX_ID_LENGTH = 256
MAX_REASON_BYTES = 123
"""Bytes of a close frame's reason at most, by RFC 6455."""

Message = dict[str, Any]

END_OF_NEXT = b"}"


class CloseCode(IntEnum):
    """Why a socket was closed; codes from 4400 are those of the protocol."""

    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY = 4429


class SocketClosed(Exception):
    """Raised to close the socket with a code and a reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


def parse(frame: str) -> Message:
    """Return the message in a text frame, its `id` and `payload` as its type requires.

    Raises `SocketClosed` for anything else.
    """
    try:
        message = parse_json(frame)
    except orjson.JSONDecodeError:
        raise _bad_message("A message must be JSON") from None
    if not isinstance(message, dict):
        raise _bad_message("A message must be an object")
    match message.get("type"):
        case "connection_init" | "ping" | "pong":
            _check_payload(message, dict | None)
        case "subscribe":
            _check_id(message)
            _check_payload(message, dict)
        case "complete":
            _check_id(message)
        case _:
            raise _bad_message("Unknown message type")
    return message


def encode(message: Message) -> bytes:
    """Return a message as text; raises TypeError for values that JSON cannot represent."""
    return orjson.dumps(message)


def start_of_next(id_: str) -> bytes:
    """Return the text of a `next` message up to its payload, which `END_OF_NEXT` follows."""
    return b'{"id":%b,"type":"next","payload":' % orjson.dumps(id_)


def _check_id(message: Message) -> None:
    id_ = message.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= MAX_ID_LENGTH:
        raise _bad_message(f"An id must be a string of 1 to {MAX_ID_LENGTH} characters")


def _check_payload(message: Message, type_: Any) -> None:
    if not isinstance(message.get("payload"), type_):
        raise _bad_message("The payload must be an object")


def _bad_message(reason: str) -> SocketClosed:
    return SocketClosed(CloseCode.BAD_MESSAGE, reason)
