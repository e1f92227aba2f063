"""The pool of prober processes: whatever a file does to its process, only that file is affected."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
import uvloop

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from gateway.media.errors import MediaError
from gateway.sandbox.child_runtime import LIBRARIES
from gateway.sandbox.child_slots import ALONE
from gateway.sandbox.prober import PROBE_CHILD, ProbeLimits, Prober
from tests.fixtures.children import children_of
from tests.samples import png_bomb, slow_to_unpack_nifti, truncate

IMAGE, NIFTI, TEXT = StorageItemType.IMAGE, StorageItemType.NIFTI, StorageItemType.PLAIN_TEXT


def own_processes() -> set[int]:
    """Return the prober processes that this test started."""
    return children_of(os.getpid(), PROBE_CHILD)


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until a condition is true.

    Raises AssertionError after the timeout.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


async def busy() -> int:
    """Return the only prober process as soon as it is busy."""
    await asyncio.to_thread(wait_for, own_processes)
    (reader,) = own_processes()
    start = ticks(reader)
    await asyncio.to_thread(wait_for, lambda: ticks(reader) > start + 5)
    return reader


def ticks(pid: int) -> int:
    """Return the CPU time of a process in hundredths of a second."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))


def open_files(pid: int) -> set[int]:
    """Return the descriptors that a process has open."""
    return {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}


@pytest.fixture
def unrelated(tmp_path: Path) -> Iterator[IO[bytes]]:
    """Return an open file that a prober must not inherit."""
    with (tmp_path / "unrelated").open("w+b") as file:
        yield file


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    """Yield a pool of two processes; check that none remains."""
    pool = Prober(ProbeLimits(children=2))
    yield pool
    await pool.close()
    assert not own_processes()


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Return an image."""
    path = tmp_path / "good"
    path.write_bytes(samples.png(width=33))
    return path


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a valid file that takes many seconds to read."""
    path = tmp_path_factory.mktemp("media") / "slow"
    path.write_bytes(slow_to_unpack_nifti())
    yield path
    path.unlink()


async def width(prober: Prober, path: Path) -> int | None:
    """Return the width of the image."""
    return (await prober.probe(path, IMAGE, "good.png")).width


async def test_facts_and_refusals(prober: Prober, good: Path, tmp_path: Path) -> None:
    """ENC-ITEM-17 to 30 are returned complete; errors come from the probe; the process continues."""
    assert await width(prober, good) == 33
    reader = own_processes()
    broken = tmp_path / "broken"
    broken.write_bytes(truncate(samples.png()))
    with pytest.raises(MediaError, match=r"^the file is truncated: it has \d+ of \d+ bytes$"):
        await prober.probe(broken, IMAGE, "broken.png")
    assert await width(prober, good) == 33
    assert own_processes() == reader


async def test_missing_file(prober: Prober, tmp_path: Path) -> None:
    """A file that cannot be reached is not reported as a fault of the file."""
    with pytest.raises(OSError, match="FileNotFoundError"):
        await prober.probe(tmp_path / "nowhere", IMAGE, "x.png")


async def test_no_start(prober: Prober, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a process that cannot start; once it can, the pool works."""
    with monkeypatch.context() as broken:
        broken.setattr("gateway.sandbox.child_process.SINGLE_THREADED", {"PYTHONHOME": "/nowhere"})
        with pytest.raises(OSError, match="does not start"):
            await width(prober, good)
    assert not own_processes()
    assert await width(prober, good) == 33


async def test_lazy(prober: Prober, good: Path) -> None:
    """No process before the first file, and one for files that are probed one after another."""
    assert not own_processes()
    for _ in range(3):
        await width(prober, good)
    assert len(own_processes()) == 1


async def test_crash(prober: Prober, good: Path, slow: Path) -> None:
    """A process that crashes fails its own file, not one probed beside it, nor the next."""
    unlucky = asyncio.create_task(prober.probe(slow, NIFTI, "slow.nii.gz"))
    victim = await busy()
    beside = asyncio.create_task(width(prober, good))
    await beside
    os.kill(victim, signal.SIGSEGV)
    with pytest.raises(MediaError, match=r"^the file could not be read: the process that read it crashed$"):
        await unlucky
    assert await beside == await width(prober, good) == 33
    assert victim not in own_processes()


async def test_second_chance(prober: Prober, good: Path, tmp_path: Path) -> None:
    """A process that served other files may have been damaged by them: the file gets a new one, once."""
    path = tmp_path / "volume"
    path.write_bytes(slow_to_unpack_nifti(gigabytes=2))
    await width(prober, good)
    probe = asyncio.create_task(prober.probe(path, NIFTI, "volume.nii.gz"))
    os.kill(await busy(), signal.SIGSEGV)
    assert (await probe).frame_count == 4


async def test_alone(prober: Prober, good: Path, slow: Path) -> None:
    """A file that is read alone waits for the others, and those that come later wait for it."""
    first = asyncio.create_task(prober.probe(slow, NIFTI, "slow.nii.gz"))
    await busy()
    ALONE.set(True)
    alone = asyncio.create_task(width(prober, good))
    ALONE.set(False)
    later = asyncio.create_task(width(prober, good))
    await asyncio.sleep(0.5)
    assert not alone.done()
    assert not later.done()
    assert len(own_processes()) == 1
    first.cancel()
    assert await alone == await later == 33


async def test_idle_reader_dies(prober: Prober, good: Path) -> None:
    """A process that dies between two files fails none."""
    await width(prober, good)
    (reader,) = own_processes()
    os.kill(reader, signal.SIGKILL)
    await asyncio.to_thread(wait_for, lambda: not own_processes())
    assert await width(prober, good) == 33


async def test_time(slow: Path) -> None:
    """A file that takes too long is refused, and its process is killed."""
    prober = Prober(ProbeLimits(seconds=1.5, children=1))
    began = time.monotonic()
    with pytest.raises(MediaError, match=r"^reading the file took longer than 1\.5 s$"):
        await prober.probe(slow, NIFTI, "slow.nii.gz")
    assert time.monotonic() - began < 10
    assert not own_processes()
    await prober.close()


async def test_memory(good: Path, tmp_path: Path) -> None:
    """A file that needs too much memory is refused, and its process is replaced."""
    large = tmp_path / "large"
    large.write_bytes(png_bomb(12_200, 12_200))
    prober = Prober(ProbeLimits(memory=16 << 20, children=1))
    await width(prober, good)
    before = own_processes()
    with pytest.raises(MediaError, match=r"^reading the file needed more than 16 MiB of memory$"):
        await prober.probe(large, IMAGE, "large.png")
    assert await width(prober, good) == 33
    assert not own_processes() & before
    await prober.close()


async def test_many(prober: Prober, tmp_path: Path) -> None:
    """200 files concurrently, good and bad: each gets its own result from one of two processes."""
    paths = [tmp_path / str(number) for number in range(200)]
    for number, path in enumerate(paths):
        path.write_bytes(samples.png(width=number + 1) if number % 4 else b"")
    most = 0

    async def read(path: Path) -> object:
        nonlocal most
        with contextlib.suppress(MediaError):
            return await width(prober, path)
        most = max(most, len(own_processes()))
        return None

    answers = await asyncio.gather(*map(read, paths))
    assert answers == [number + 1 if number % 4 else None for number in range(200)]
    assert most == 2


async def test_cancel(prober: Prober, good: Path, slow: Path) -> None:
    """Cancelling a probe ends its process at once, and frees the slot."""
    for _ in range(3):
        probe = asyncio.create_task(prober.probe(slow, NIFTI, "slow.nii.gz"))
        await busy()
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert not own_processes()
    assert await width(prober, good) == 33


async def test_cancel_in_the_queue(good: Path, slow: Path) -> None:
    """A probe that waits for a slot can be cancelled too."""
    prober = Prober(ProbeLimits(children=1))
    first = asyncio.create_task(prober.probe(slow, NIFTI, "slow.nii.gz"))
    second = asyncio.create_task(width(prober, good))
    await asyncio.sleep(0.1)
    for probe in (second, first):
        probe.cancel()
    await asyncio.wait((first, second))
    assert first.cancelled()
    assert second.cancelled()
    assert await width(prober, good) == 33
    await prober.close()


async def test_close(slow: Path, good: Path) -> None:
    """Closing the pool ends busy processes; their files are not blamed; nothing starts afterwards."""
    prober = Prober(ProbeLimits(children=2))
    await width(prober, good)
    probe = asyncio.create_task(prober.probe(slow, NIFTI, "slow.nii.gz"))
    await asyncio.sleep(0.3)
    await prober.close()
    assert not own_processes()
    for late in (probe, width(prober, good)):
        with pytest.raises(RuntimeError, match="closed"):
            await late
    await prober.close()


async def test_close_at_the_start(good: Path) -> None:
    """A process that is just starting is ended too."""
    prober = Prober(ProbeLimits(children=1))
    probes = [asyncio.create_task(width(prober, good)) for _ in range(3)]
    await asyncio.sleep(0)
    await prober.close()
    assert not own_processes()
    for probe in probes:
        with pytest.raises(RuntimeError, match="closed"):
            await probe


async def test_confinement(prober: Prober, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process has no secrets, no open files and no core dumps, and cannot fill memory or disk."""
    monkeypatch.setenv("STOREGRAPH_SECRET", "sesame")
    await width(prober, good)
    (reader,) = own_processes()
    home = Path(f"/proc/{reader}")
    assert b"sesame" not in (home / "environ").read_bytes()
    assert open_files(reader) <= {0, 1, 2, 3}
    limits = " ".join((home / "limits").read_text().split())
    assert "Max core file size 0 " in limits
    assert f"Max file size {1 << 20} " in limits
    assert f"Max address space {LIBRARIES + (1 << 30)} " in limits


async def test_replacement(prober: Prober, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has served its number of files is replaced by a new one."""
    monkeypatch.setattr("gateway.sandbox.prober.FILES_PER_CHILD", 2)
    seen = []
    for _ in range(4):
        await width(prober, good)
        seen.append(frozenset(own_processes()))
    assert seen[1] == seen[3] == frozenset()
    assert len(seen[0]) == len(seen[2]) == 1
    assert seen[0] != seen[2]


async def test_replacement_of_a_process_that_has_grown(
    prober: Prober, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process is replaced if it takes up too much memory between two files, which is not looked at each time."""
    monkeypatch.setattr("gateway.sandbox.prober.FILES_BETWEEN_LOOKS", 2)
    seen = []
    for limit in (1, 1 << 40, 1 << 40, 1):
        monkeypatch.setattr("gateway.sandbox.prober.MAX_IDLE_MEMORY", limit)
        await width(prober, good)
        seen.append(frozenset(own_processes()))
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) == 1
    assert seen[3] == frozenset()


def test_death_of_the_parent(tmp_path: Path, slow: Path) -> None:
    """Prober processes do not outlive a gateway that is killed, not even while they read a file."""
    program = (
        "import asyncio; from pathlib import Path; from gateway.kinds.item_kinds import StorageItemType;"
        "from gateway.sandbox.prober import Prober;"
        f"asyncio.run(Prober().probe(Path({str(slow)!r}), StorageItemType.NIFTI, 'slow.nii.gz'))"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}
    ) as gateway:
        wait_for(lambda: children_of(gateway.pid, PROBE_CHILD))
        (reader,) = children_of(gateway.pid, PROBE_CHILD)
        wait_for(lambda: ticks(reader) > 20)
        gateway.kill()
    wait_for(lambda: not Path(f"/proc/{reader}").exists(), seconds=5)


def test_on_uvloop(good: Path, unrelated: IO[bytes]) -> None:
    """The server's own event loop, by which children can inherit descriptors."""

    async def once() -> int | None:
        prober = Prober(ProbeLimits(children=1))
        try:
            result = await width(prober, good)
            assert open_files(own_processes().pop()) <= {0, 1, 2, 3}
        finally:
            await prober.close()
        return result

    os.set_inheritable(unrelated.fileno(), True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(once()) == 33
    assert not own_processes()
