"""Search the schema for the documents that take longest of those that the limits accept.

python -m tests.fairness sqlite 100000 --seconds 25 --seed 1
"""

import argparse
import asyncio
import time
from random import Random

from tests.fairness.arena import Arena, open_arena
from tests.fairness.candidates import Candidates
from tests.speed.databases import prepare_database


async def search(arena: Arena, seconds: float, seed: int) -> list[tuple[float, str]]:
    """Run candidates alone, one after the other, for some seconds; return them with their times, the slowest first."""
    timed, end = [], time.monotonic() + seconds
    for document in Candidates(Random(seed)):
        if time.monotonic() > end:
            break
        took, answer = await arena.run(document)
        code = "" if "data" in answer else answer["errors"][0]["extensions"]["code"]
        assert code in ("", "TIMEOUT", "BAD_USER_INPUT"), (document, answer)
        if code != "BAD_USER_INPUT":  # a search across folders that has no condition
            timed.append((took, document))
    return sorted(timed, reverse=True)


async def main(url: str, seconds: float, seed: int) -> None:
    """Print the slowest documents."""
    async with open_arena(url) as arena:
        timed = await search(arena, seconds, seed)
    print(f"{len(timed)} documents")
    for took, document in timed[:8]:
        print(f"{took:.2f} s  {document}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", choices=("sqlite", "postgresql"))
    parser.add_argument("items", type=int)
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with prepare_database(given.database, given.items) as filled:
        asyncio.run(main(filled.url, given.seconds, given.seed))
