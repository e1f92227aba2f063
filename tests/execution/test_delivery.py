"""Answers that one subscription waited for are delivered to all others for the same thing."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from gateway.database.fair_slots import ON_BEHALF_OF
from gateway.events.streams import Event, Streams
from gateway.execution.subscriptions import Subscriptions, unobserved


class Client(list[str]):
    """A client with the answers that were delivered to it."""

    def deliver(self, answer: str) -> bool:
        """Receive an answer."""
        self.append(answer)
        return True


class Room:
    """Subscriptions to one stream of numbers, which are answered as texts."""

    def __init__(self) -> None:
        self.subscriptions = Subscriptions(limit=10_000)
        self.streams = Streams()
        self.numbers: asyncio.Queue[int | None] = asyncio.Queue()
        self.answered = 0

    async def source(self) -> AsyncGenerator[int]:
        """Yield the numbers that the test provides."""
        while (number := await self.numbers.get()) is not None:
            yield number

    async def follow(self) -> AsyncGenerator[Event]:
        """Follow the numbers, and pass them on as they are."""
        async with (
            self.streams.follow("numbers", self.source) as stream,
            aclosing(stream.events(is_passed_on=lambda _: True)) as events,
        ):
            async for event in events:
                yield event

    async def answer(self, number: int) -> str:
        """Return a number as a text."""
        self.answered += 1
        return str(number)

    async def subscribe(self, viewer: str, deliver: Callable[[str], bool]) -> list[str]:
        """Return all answers that were not delivered."""
        ON_BEHALF_OF.set(viewer)

        async def opens() -> tuple[AsyncGenerator[Any], Callable[[Any], Awaitable[str]]]:
            return self.follow(), self.answer

        answers = self.subscriptions.answers("numbers", 1, opens, str, unobserved, deliver)
        return [each async for each in answers]

    async def send(self, *numbers: int | None) -> None:
        """Let the source yield numbers, and wait until everybody has seen each."""
        for number in numbers:
            self.numbers.put_nowait(number)
            await asyncio.sleep(0.02)


async def test_an_answer_is_made_once_for_a_viewer_and_delivered_to_all() -> None:
    room = Room()
    clients = [("one", Client()), ("one", Client()), ("other", Client())]
    tasks = [asyncio.create_task(room.subscribe(viewer, client.deliver)) for viewer, client in clients]
    await asyncio.sleep(0.02)
    await room.send(1, 2, 3, None)
    async with asyncio.timeout(5):
        yielded = await asyncio.gather(*tasks)
    assert yielded == [["1"]] * 3, "nothing was prepared for the first"
    assert [client for _, client in clients] == [["2", "3"]] * 3
    assert room.answered == 3 * 2, "for two viewers"


async def test_a_delivery_that_fails_concerns_nobody_else() -> None:
    """The subscription wakes, and gets the answer in its own task."""
    room = Room()
    client = Client()

    def fail(_answer: str) -> bool:
        raise TypeError("not serializable")

    tasks = [asyncio.create_task(room.subscribe("one", deliver)) for deliver in (fail, client.deliver)]
    await asyncio.sleep(0.02)
    await room.send(1, 2, None)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*tasks) == [["1", "2"], ["1"]]
    assert client == ["2"]
