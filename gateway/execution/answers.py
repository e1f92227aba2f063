"""Answers to operations, as all transports send them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from gateway.execution.error_bodies import ErrorBody


@dataclass  # a frozen one takes twice as long to make, and every request makes two
class Answer:
    """A response. It may be kept and sent to several clients, so that nobody changes it.

    An operation that was not `executed` was refused before, and has no `data`. `timing` has the
    seconds that each stage took. `encoded` is the response as JSON, if it was written before.
    `outside_plan` says what of a query did not run as a compiled plan.
    """

    data: dict[str, Any] | None = None
    errors: Sequence[ErrorBody] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
    executed: bool = True
    timing: Mapping[str, float] = field(default_factory=dict)
    encoded: bytes | None = None
    outside_plan: str = ""

    def completed(self, timing: Mapping[str, float], outside_plan: str) -> "Answer":
        """Return the answer with what is known at its end.

        `dataclasses.replace` would take as long as a small statement.
        """
        return Answer(
            self.data,
            self.errors,
            self.extensions,
            self.executed,
            timing,
            self.encoded,
            outside_plan,
        )

    def body(self) -> dict[str, Any]:
        """Return the response as JSON has it: errors first, no `data` if nothing was executed."""
        body: dict[str, Any] = {"errors": self.errors} if self.errors else {}
        if self.executed:
            body["data"] = self.data
        return body | ({"extensions": self.extensions} if self.extensions else {})

    def json(self) -> bytes:
        """Return the response as JSON.

        Raises:
            TypeError: the response holds what JSON cannot represent.
        """
        return orjson.dumps(self.body()) if self.encoded is None else self.encoded

    @cached_property
    def shared_json(self) -> bytes:
        """The response as JSON, written once for all who receive it."""
        return self.json()
