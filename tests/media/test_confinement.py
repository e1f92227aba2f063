"""Children that read media get no new rights, and no network if the kernel allows that."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.sandbox import child_process
from gateway.sandbox.child_process import ChildProcess
from gateway.sandbox.prober import PROBE_CHILD


async def test_a_child_has_no_network_and_gets_no_rights() -> None:
    child = await ChildProcess.start(PROBE_CHILD, 5, 1 << 30, 0, 1 << 20)
    try:
        process = Path(f"/proc/{child.pid}")
        status = dict(line.split(":\t") for line in (process / "status").read_text().splitlines())
        assert status["NoNewPrivs"].strip() == "1"
        if not child.is_isolated:
            pytest.skip("the kernel allows no network namespaces")
        assert os.readlink(process / "ns/net") != os.readlink("/proc/self/ns/net")
        interfaces = (process / "net/dev").read_text().splitlines()[2:]
        assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    finally:
        await child.kill()


def test_a_child_without_isolation_is_logged_once() -> None:
    child_process._note_isolation.cache_clear()
    with capture_logs() as logs:
        for _ in range(3):
            child_process._note_isolation(isolated=False)
    assert [event["event"] for event in logs] == ["children_share_network"]
    child_process._note_isolation.cache_clear()
