"""The messages of graphql-transport-ws: which a client may send, in what form, and how a socket ends that breaks it."""

from enum import IntEnum
from typing import Any

import orjson

from gateway.json_values import parse_json

PROTOCOL = "graphql-transport-ws"
LONGEST_ID = 256
LONGEST_REASON = 123  # bytes, by RFC 6455

Message = dict[str, Any]


class CloseCode(IntEnum):
    """Why a socket was closed."""

    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY = 4429


class SocketClosed(Exception):
    """The socket must be closed, with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:LONGEST_REASON].decode(errors="ignore")


def parse(frame: str) -> Message:
    """The message in a text frame, with `payload` and `id` in the form that its type asks for; raises Ended."""
    try:
        message = parse_json(frame)
    except orjson.JSONDecodeError:
        raise _invalid("A message must be JSON") from None
    if not isinstance(message, dict):
        raise _invalid("A message must be an object")
    match message.get("type"):
        case "connection_init" | "ping" | "pong":
            _check_payload(message, dict | None)
        case "subscribe":
            _check_id(message)
            _check_payload(message, dict)
        case "complete":
            _check_id(message)
        case _:
            raise _invalid("Unknown message type")
    return message


def encode(message: Message) -> str:
    """A message as a text frame; raises TypeError for what JSON cannot hold."""
    return orjson.dumps(message).decode()


def next_frame(id_: str, payload: str) -> str:
    """The text frame of a `next` message whose payload is JSON text already."""
    return f'{{"id":{orjson.dumps(id_).decode()},"type":"next","payload":{payload}}}'


def _check_id(message: Message) -> None:
    id_ = message.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= LONGEST_ID:
        raise _invalid(f"An id must be a string of 1 to {LONGEST_ID} characters")


def _check_payload(message: Message, type_: Any) -> None:
    if not isinstance(message.get("payload"), type_):
        raise _invalid("The payload must be an object")


def _invalid(reason: str) -> SocketClosed:
    return SocketClosed(CloseCode.BAD_MESSAGE, reason)
