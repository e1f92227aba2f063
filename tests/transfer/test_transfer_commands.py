"""`storegraph upload` and `storegraph download` as people and programs run them."""

import asyncio
import hashlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from gateway.transfer.site import Site as Client
from gateway.transfer.site import SiteError
from tests.commands.test_command_line import environment
from tests.fixtures.sites import Site
from tests.house.sources import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


async def run(site: Site, directory: Path, *arguments: str, key: str | None = None) -> tuple[int, str, str]:
    """Run a `storegraph` command to its end; return exit code, output and errors."""
    process = await begin(site, directory, *arguments, key=key)
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def begin(site: Site, directory: Path, *arguments: str, key: str | None = None) -> asyncio.subprocess.Process:
    """Start a `storegraph` command."""
    given = {"STOREGRAPH_API_KEY": site.keys["admin"] if key is None else key, "STOREGRAPH_URL": site.url}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *arguments),
        stdout=pipe,
        stderr=pipe,
        cwd=directory,
        env={**environment(directory, given), "PYTHONPATH": str(ROOT)},
    )


def make_tree(top: Path, files: int) -> dict[str, str]:
    """Create small files in directories, and return their digests by path below `top`'s parent."""
    digests = {}
    for number in range(files):
        path = top / f"d{number % 7}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = os.urandom(50)
        path.write_bytes(content)
        digests[str(path.relative_to(top.parent))] = hashlib.sha256(content).hexdigest()
    return digests


def digests_of(top: Path) -> dict[str, str]:
    """Return the digests of files by path below `top`'s parent."""
    return {
        str(path.relative_to(top.parent)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in top.rglob("*")
        if path.is_file()
    }


async def test_a_tree_is_uploaded_and_downloaded(site: Site, tmp_path: Path) -> None:
    digests = make_tree(tmp_path / "Tree", 20)
    (tmp_path / "Tree" / "link").symlink_to("/etc")
    await site.folder("by command")
    code, output, errors = await run(site, tmp_path, "upload", "Tree", "--to", "/by command")
    assert (code, output) == (0, "")
    assert "20 sent, 1 skipped; 1,000 bytes." in errors
    code, output, errors = await run(site, tmp_path, "download", "/by command/Tree", "back")
    assert code == 0
    assert "20 fetched; 1,000 bytes." in errors
    assert digests_of(tmp_path / "back" / "Tree") == digests


async def test_events_are_json(site: Site, tmp_path: Path) -> None:
    make_tree(tmp_path / "Tree", 3)
    await site.folder("with json")
    code, output, errors = await run(site, tmp_path, "upload", "Tree", "--to", "/with json", "--json")
    events = [json.loads(line) for line in output.splitlines()]
    assert (code, errors) == (0, "")
    assert events[-1] == {"event": "end", "counts": {"sent": 3}, "bytes": 150}
    assert sorted(each["path"] for each in events if each["event"] == "file") == [
        "Tree/d0/0.txt",
        "Tree/d1/1.txt",
        "Tree/d2/2.txt",
    ]


async def test_failures_are_listed_and_end_with_status_1(site: Site, tmp_path: Path) -> None:
    make_tree(tmp_path / "Tree", 2)
    (tmp_path / "Tree" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    await site.folder("failing")
    code, output, errors = await run(site, tmp_path, "upload", "Tree", "--to", "/failing")
    assert (code, output) == (1, "")
    assert "failed: Tree/broken.png: " in errors
    assert "2 sent" in errors


@pytest.mark.parametrize(
    ("arguments", "key", "sentence"),
    [
        (["upload", "Tree", "--to", "/nowhere"], None, "There is no folder or item /nowhere."),
        (["upload", "Tree", "--to", "/nowhere"], "", "Set STOREGRAPH_API_KEY to an API key."),
        (["download", "/nowhere", "there"], "sg_wrong", "This credential is invalid"),
        (["download", "nowhere", "there"], None, "A path consists of names"),
    ],
)
async def test_mistakes_end_with_a_sentence(
    site: Site, tmp_path: Path, arguments: list[str], key: str | None, sentence: str
) -> None:
    (tmp_path / "Tree").mkdir()
    code, output, errors = await run(site, tmp_path, *arguments, key=key)
    assert code in (1, 2)
    assert output == ""
    assert sentence in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "key", "sentence"),
    [
        (["upload", "Tree", "--to", "/nowhere"], None, "There is no folder or item /nowhere."),
        (["upload", "Tree", "--to", "/nowhere"], "sg_wrong", "This credential is invalid"),
        (["upload", "Tree", "--to", "/x", "--metadata", "Tree/bad.json"], None, "Tree/bad.json is not JSON"),
        (["download", "/nowhere", "there"], "", "Set STOREGRAPH_API_KEY to an API key."),
    ],
)
async def test_mistakes_end_the_events(
    site: Site, tmp_path: Path, arguments: list[str], key: str | None, sentence: str
) -> None:
    (tmp_path / "Tree").mkdir()
    (tmp_path / "Tree" / "bad.json").write_text("{")
    code, output, errors = await run(site, tmp_path, *arguments, "--json", key=key)
    [event] = [json.loads(line) for line in output.splitlines()]
    assert code in (1, 2)
    assert (event["event"], event["counts"], event["bytes"]) == ("end", {}, 0)
    assert event["error"].startswith(sentence)
    assert sentence in errors


async def test_names_are_printed_as_one_line(site: Site, tmp_path: Path) -> None:
    """A name cannot look like another message, nor be reordered."""
    names = ["a\nfailed: all is lost", "b\u202egpj.exe", "c\u3000[red] \u00e4.txt"]
    (tmp_path / "Tree").mkdir()
    for name in names:
        (tmp_path / "Tree" / name).symlink_to("/etc")
    (tmp_path / "Tree" / "d\n.txt").write_text("refused")
    await site.folder("odd names")
    code, _, errors = await run(site, tmp_path, "upload", "Tree", "--to", "/odd names")
    assert code == 1
    assert [line for line in errors.splitlines() if line] == [
        r"skipped: Tree/a\nfailed: all is lost: symbolic link",
        r"skipped: Tree/b\u202egpj.exe: symbolic link",
        "skipped: Tree/c\u3000[red] \u00e4.txt: symbolic link",
        "1 failed, 3 skipped; 0 bytes.",
        r"failed: Tree/d\n.txt: A name cannot contain control characters.",
    ]
    _, output, _ = await run(site, tmp_path, "upload", "Tree", "--to", "/odd names", "--dry-run")
    assert output == "Tree/d\\n.txt\n"
    _, _, errors = await run(site, tmp_path, "upload", "Tree", "--to", "/[red]\u202e")
    assert errors.strip() == r"There is no folder or item /[red]\u202e."


async def test_a_site_that_is_not_ready_is_told_from_none() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Client(url, "key", attempts=2) as client:
        with pytest.raises(SiteError, match=f"The site at {url} is not ready: it answers with HTTP 503."):
            await client.query("{ __typename }")
        assert client.requests_count == 2
    async with Client(url, "key", attempts=1) as client:
        with pytest.raises(SiteError, match="No Storegraph site answers at"):
            await client.query("{ __typename }")


@pytest.mark.parametrize("seconds", [0.8, 1.4])
async def test_killed_transfers_go_on(site: Site, tmp_path: Path, seconds: float) -> None:
    """No file is there twice, and none is missing."""
    digests = make_tree(tmp_path / "Tree", 300)
    folder = await site.folder(f"killed after {seconds}")
    upload = ["upload", "Tree", "--to", f"/killed after {seconds}"]
    killed = await begin(site, tmp_path, *upload)
    await asyncio.sleep(seconds)
    if killed.returncode is None:
        killed.send_signal(signal.SIGKILL)
    await killed.communicate()
    async with asyncio.timeout(60):
        while True:
            code, _, errors = await run(site, tmp_path, *upload)
            assert code == 0, errors
            if "in progress" not in errors:
                break
            await asyncio.sleep(0.5)
    shown = await site.see(
        "storageFolder", folder, "descendantItems(filter: {includePlaceholders: true}) { totalCount }"
    )
    assert shown["descendantItems"]["totalCount"] == len(digests)
    download = ["download", f"/killed after {seconds}/Tree", "back"]
    killed = await begin(site, tmp_path, *download)
    await asyncio.sleep(seconds)
    if killed.returncode is None:
        killed.send_signal(signal.SIGKILL)
    await killed.communicate()
    code, _, errors = await run(site, tmp_path, *download)
    assert code == 0, errors
    assert digests_of(tmp_path / "back" / "Tree") == digests
