"""The pool of readers: whatever a file does to its reader, it costs that file only."""

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
from gateway.sandbox.prober import ProbeLimits, Prober
from tests.samples import png_bomb, slow_to_unpack_nifti, truncate

IMAGE, NIFTI, TEXT = StorageItemType.IMAGE, StorageItemType.NIFTI, StorageItemType.PLAIN_TEXT


def readers(of: int) -> set[int]:
    """The process ids of this process's readers."""
    found = set()
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
            if parent == of and b"gateway.sandbox.probe_child" in Path(f"/proc/{entry}/cmdline").read_bytes():
                found.add(int(entry))
    return found


def mine() -> set[int]:
    """The readers that this test has."""
    return readers(os.getpid())


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Until it holds.

    Raises:
        AssertionError: it did not.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


async def busy() -> int:
    """The one reader, as soon as it is at work."""
    await asyncio.to_thread(wait_for, mine)
    (reader,) = mine()
    start = ticks(reader)
    await asyncio.to_thread(wait_for, lambda: ticks(reader) > start + 5)
    return reader


def ticks(pid: int) -> int:
    """Hundredths of a second that a process has run."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))


def open_files(pid: int) -> set[int]:
    """The numbers of what a process has open."""
    return {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}


@pytest.fixture
def unrelated(tmp_path: Path) -> Iterator[IO[bytes]]:
    """A file that is none of a reader's business."""
    with (tmp_path / "unrelated").open("w+b") as file:
        yield file


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    """Two readers; none is left behind."""
    pool = Prober(ProbeLimits(children=2))
    yield pool
    await pool.close()
    assert not mine()


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A picture."""
    path = tmp_path / "good"
    path.write_bytes(samples.png(width=33))
    return path


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A good file that takes many seconds to read."""
    path = tmp_path_factory.mktemp("media") / "slow"
    path.write_bytes(slow_to_unpack_nifti())
    yield path
    path.unlink()


async def width(prober: Prober, path: Path) -> int | None:
    """Of the picture."""
    return (await prober.probe(path, IMAGE, "good.png")).width


async def test_facts_and_refusals(prober: Prober, good: Path, tmp_path: Path) -> None:
    """ENC-ITEM-17 to 30 come back whole; a refusal is the probe's own; the reader serves on."""
    assert await width(prober, good) == 33
    reader = mine()
    broken = tmp_path / "broken"
    broken.write_bytes(truncate(samples.png()))
    with pytest.raises(MediaError, match=r"^the file is truncated: it has \d+ of \d+ bytes$"):
        await prober.probe(broken, IMAGE, "broken.png")
    assert await width(prober, good) == 33
    assert mine() == reader


async def test_missing_file(prober: Prober, tmp_path: Path) -> None:
    """A file that cannot be reached is not its owner's fault."""
    with pytest.raises(OSError, match="FileNotFoundError"):
        await prober.probe(tmp_path / "nowhere", IMAGE, "x.png")


async def test_no_start(prober: Prober, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that cannot be started at all is no file's fault either; once it can be, all is well."""
    with monkeypatch.context() as broken:
        broken.setattr("gateway.sandbox.child_process.SINGLE_THREADED", {"PYTHONHOME": "/nowhere"})
        with pytest.raises(OSError, match="does not start"):
            await width(prober, good)
    assert not mine()
    assert await width(prober, good) == 33


async def test_lazy(prober: Prober, good: Path) -> None:
    """No reader before the first file, one for files that come one after the other."""
    assert not mine()
    for _ in range(3):
        await width(prober, good)
    assert len(mine()) == 1


async def test_crash(prober: Prober, good: Path, slow: Path) -> None:
    """A reader that dies takes its own file with it, not the one beside it, nor the next."""
    unlucky = asyncio.create_task(prober.probe(slow, NIFTI, "slow.nii.gz"))
    victim = await busy()
    beside = asyncio.create_task(width(prober, good))
    await beside
    os.kill(victim, signal.SIGSEGV)
    with pytest.raises(MediaError, match=r"^the file could not be read: the process that read it crashed$"):
        await unlucky
    assert await beside == await width(prober, good) == 33
    assert victim not in mine()


async def test_second_chance(prober: Prober, good: Path, tmp_path: Path) -> None:
    """A reader that served other files before may have been hurt by them: the file gets a fresh one, once."""
    path = tmp_path / "volume"
    path.write_bytes(slow_to_unpack_nifti(gigabytes=2))
    await width(prober, good)
    probe = asyncio.create_task(prober.probe(path, NIFTI, "volume.nii.gz"))
    os.kill(await busy(), signal.SIGKILL)
    assert (await probe).frame_count == 4


async def test_idle_reader_dies(prober: Prober, good: Path) -> None:
    """A reader that dies between two files costs none."""
    await width(prober, good)
    (reader,) = mine()
    os.kill(reader, signal.SIGKILL)
    await asyncio.to_thread(wait_for, lambda: not mine())
    assert await width(prober, good) == 33


async def test_time(slow: Path) -> None:
    """A file that takes too long is given up, its reader is killed."""
    prober = Prober(ProbeLimits(seconds=1.5, children=1))
    began = time.monotonic()
    with pytest.raises(MediaError, match=r"^reading it took longer than 1\.5 s$"):
        await prober.probe(slow, NIFTI, "slow.nii.gz")
    assert time.monotonic() - began < 10
    assert not mine()
    await prober.close()


async def test_memory(good: Path, tmp_path: Path) -> None:
    """A file that needs too much memory is refused, and its reader replaced."""
    large = tmp_path / "large"
    large.write_bytes(png_bomb(12_200, 12_200))
    prober = Prober(ProbeLimits(memory=16 << 20, children=1))
    await width(prober, good)
    before = mine()
    with pytest.raises(MediaError, match=r"^reading it needed more than 16 MB of memory$"):
        await prober.probe(large, IMAGE, "large.png")
    assert await width(prober, good) == 33
    assert not mine() & before
    await prober.close()


async def test_many(prober: Prober, tmp_path: Path) -> None:
    """200 files at once, good and bad: each gets its own answer, and two readers do."""
    paths = [tmp_path / str(number) for number in range(200)]
    for number, path in enumerate(paths):
        path.write_bytes(samples.png(width=number + 1) if number % 4 else b"")
    most = 0

    async def read(path: Path) -> object:
        nonlocal most
        with contextlib.suppress(MediaError):
            return await width(prober, path)
        most = max(most, len(mine()))
        return None

    answers = await asyncio.gather(*map(read, paths))
    assert answers == [number + 1 if number % 4 else None for number in range(200)]
    assert most == 2


async def test_cancel(prober: Prober, good: Path, slow: Path) -> None:
    """Cancelling a probe ends its reader at once, and frees the place."""
    for _ in range(3):
        probe = asyncio.create_task(prober.probe(slow, NIFTI, "slow.nii.gz"))
        await busy()
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert not mine()
    assert await width(prober, good) == 33


async def test_cancel_in_the_queue(good: Path, slow: Path) -> None:
    """A probe that waits for its turn can be cancelled too."""
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
    """Closing ends busy readers; what they read is not blamed; nothing starts after it."""
    prober = Prober(ProbeLimits(children=2))
    await width(prober, good)
    probe = asyncio.create_task(prober.probe(slow, NIFTI, "slow.nii.gz"))
    await asyncio.sleep(0.3)
    await prober.close()
    assert not mine()
    for late in (probe, width(prober, good)):
        with pytest.raises(RuntimeError, match="closed"):
            await late
    await prober.close()


async def test_close_at_the_start(good: Path) -> None:
    """A reader that is only just being started does not escape."""
    prober = Prober(ProbeLimits(children=1))
    probes = [asyncio.create_task(width(prober, good)) for _ in range(3)]
    await asyncio.sleep(0)
    await prober.close()
    assert not mine()
    for probe in probes:
        with pytest.raises(RuntimeError, match="closed"):
            await probe


async def test_confinement(prober: Prober, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader knows no secrets, has no files open, leaves no core, and cannot fill memory or disk."""
    monkeypatch.setenv("STOREGRAPH_SECRET", "sesame")
    await width(prober, good)
    (reader,) = mine()
    home = Path(f"/proc/{reader}")
    assert b"sesame" not in (home / "environ").read_bytes()
    assert open_files(reader) <= {0, 1, 2, 3}
    limits = " ".join((home / "limits").read_text().split())
    assert "Max core file size 0 " in limits
    assert f"Max file size {1 << 20} " in limits
    assert f"Max address space {LIBRARIES + (1 << 30)} " in limits


async def test_replacement(prober: Prober, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that has served its number of files makes room for a fresh one."""
    monkeypatch.setattr("gateway.sandbox.prober.FILES_PER_CHILD", 2)
    seen = []
    for _ in range(4):
        await width(prober, good)
        seen.append(frozenset(mine()))
    assert seen[1] == seen[3] == frozenset()
    assert len(seen[0]) == len(seen[2]) == 1
    assert seen[0] != seen[2]


def test_death_of_the_parent(tmp_path: Path, slow: Path) -> None:
    """Readers do not outlive a gateway that is killed, not even in the middle of a file."""
    program = (
        "import asyncio; from pathlib import Path; from gateway.kinds.item_kinds import StorageItemType;"
        "from gateway.sandbox.prober import Prober;"
        f"asyncio.run(Prober().probe(Path({str(slow)!r}), StorageItemType.NIFTI, 'slow.nii.gz'))"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}
    ) as gateway:
        wait_for(lambda: readers(gateway.pid))
        (reader,) = readers(gateway.pid)
        wait_for(lambda: ticks(reader) > 20)
        gateway.kill()
    wait_for(lambda: not Path(f"/proc/{reader}").exists(), seconds=5)


def test_on_uvloop(good: Path, unrelated: IO[bytes]) -> None:
    """The server's own loop, which lets children inherit what they like."""

    async def once() -> int | None:
        prober = Prober(ProbeLimits(children=1))
        try:
            found = await width(prober, good)
            assert open_files(mine().pop()) <= {0, 1, 2, 3}
        finally:
            await prober.close()
        return found

    os.set_inheritable(unrelated.fileno(), True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(once()) == 33
    assert not mine()
