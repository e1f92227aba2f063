"""A small schema with every kind of success and failure, whose resolvers record what they do on a stage."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from uuid import UUID, uuid5

import strawberry
from strawberry.scalars import JSON as JSONScalar
from strawberry.types import Info

from gateway.auth.live_credential import INVALID, LiveCredential
from gateway.auth.viewer import Viewer
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.kinds.enums import SiteRole

NAMESPACE = UUID("00000000-0000-7000-8000-000000000000")
SECRET = "secret: a password"


@dataclass(frozen=True)
class NamedViewer(Viewer):
    name: str


@dataclass
class Stage:
    """State that tests inspect and change while an application runs."""

    users: set[str] = field(default_factory=lambda: {"ada", "bob"})
    live: set[object] = field(default_factory=set)
    produced: int = 0
    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    broken: bool = False
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    credentials: list[LiveCredential] = field(default_factory=list)

    async def authenticate(self, credential: str | None) -> LiveCredential:
        if self.broken:
            raise RuntimeError(SECRET)
        scheme, _, name = (credential or "").partition(" ")
        if scheme.lower() != "bearer" or name not in self.users:
            raise DomainError(ErrorCode.UNAUTHENTICATED, "Say who you are.")
        live = LiveCredential(NamedViewer(uuid5(NAMESPACE, name), SiteRole.MEMBER, name))
        self.credentials.append(live)
        return live

    def revoke(self, name: str) -> None:
        """Accept the credential of a user no longer, and end it where it is in use."""
        self.users.remove(name)
        for live in self.credentials:
            if live.viewer.user_uuid == uuid5(NAMESPACE, name):
                live.end(DomainError(ErrorCode.UNAUTHENTICATED, INVALID))


@dataclass
class Context:
    stage: Stage
    viewer: Viewer
    request_id: str
    uses: int = 0


ToyInfo = Info[Context, None]


@strawberry.input(one_of=True)
class Key:
    id: strawberry.Maybe[int]
    path: strawberry.Maybe[str]


@strawberry.input
class Part:
    number: int
    note: strawberry.Maybe[str]


@strawberry.input
class Rename:
    name: str
    parts: list[Part] = strawberry.field(default_factory=list)


@strawberry.type
class Folder:
    name: str

    @strawberry.field
    def parent(self) -> "Folder":
        return Folder(name=f"{self.name}/..")

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def lost(self) -> str | None:
        raise DomainError(ErrorCode.FORBIDDEN, "Not yours.", ("input", "folders", 3))

    @strawberry.field
    def too_long(self) -> int | None:
        return 2**40


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"Hello, {name}!"

    @strawberry.field
    def viewer(self, info: ToyInfo) -> str:
        assert isinstance(info.context.viewer, NamedViewer)
        return info.context.viewer.name

    @strawberry.field
    def request_id(self, info: ToyInfo) -> str:
        return info.context.request_id

    @strawberry.field
    def folder(self) -> Folder | None:
        return Folder(name="root")

    @strawberry.field
    def find(self, key: Key) -> str:
        return "by id" if key.id else "by path"

    @strawberry.field
    def count(self, numbers: list[int]) -> int:
        return len(numbers)

    @strawberry.field
    def echo(self, value: JSONScalar) -> JSONScalar:
        return value

    @strawberry.field
    def unencodable(self) -> JSONScalar:
        return JSONScalar({"value": 2**80})

    @strawberry.field
    async def sleep(self, info: ToyInfo, seconds: float) -> str:
        info.context.stage.started.append("sleep")
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            info.context.stage.stopped.append("sleep")
            raise
        return "rested"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def rename(self, info: ToyInfo, input: Rename) -> str:
        if input.name == "taken":
            raise bad_input("That name is taken.", "input", "name")
        info.context.stage.renamed.append(input.name)
        return input.name


@strawberry.type
class Event:
    number: int

    @strawberry.field
    def use_of_context(self, info: ToyInfo) -> int:
        info.context.uses += 1
        return info.context.uses

    @strawberry.field
    async def nap(self, seconds: float) -> bool:
        await asyncio.sleep(seconds)
        return True

    @strawberry.field
    def payload(self, size: int) -> str:
        return "x" * size


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def events(self, info: ToyInfo, steps: int = 1_000_000, pause: float = 0.0) -> AsyncGenerator[Event]:
        token = object()
        stage = info.context.stage
        stage.live.add(token)
        try:
            for number in range(steps):
                await asyncio.sleep(pause)
                stage.produced += 1
                yield Event(number=number)
        finally:
            stage.live.discard(token)

    @strawberry.subscription
    async def stumble(self) -> AsyncGenerator[int]:
        yield 1
        raise RuntimeError(SECRET)

    @strawberry.subscription
    async def forbidden(self, info: ToyInfo) -> AsyncGenerator[int]:
        if info.context.viewer:
            raise DomainError(ErrorCode.FORBIDDEN, "Not yours.")
        yield 1


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)
