"""A client of its own process that reads a page of a folder again and again, and tells how long that took."""

import asyncio
import json
import sys
import time

import httpx

PAUSE = 0.02
PAGE = """query Page($folder: UUID!) {
  storageFolder(uuid: $folder) { name items(first: 50) { nodes { uuid name itemType fileSize createdAt } } }
}"""


async def read_pages(url: str, key: str, folders: list[str], seconds: float) -> list[float]:
    """Return how long each page took, in seconds."""
    latencies: list[float] = []
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, trust_env=False, timeout=60) as client:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            folder = folders[len(latencies) % len(folders)]
            began = time.perf_counter()
            body = {"query": PAGE, "variables": {"folder": folder}}
            answer = (await client.post(f"{url}/graphql", json=body)).json()
            latencies.append(time.perf_counter() - began)
            assert answer["data"]["storageFolder"], answer
            await asyncio.sleep(PAUSE)
    return latencies


if __name__ == "__main__":
    task = json.load(sys.stdin)
    print(json.dumps(asyncio.run(read_pages(**task))))
