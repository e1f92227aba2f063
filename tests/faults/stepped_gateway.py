"""The gateway's commands with a wall clock that tests step: python -m tests.faults.stepped_gateway FILE COMMAND …

The file has the seconds by which the clock differs from the machine's.
"""

import sys
import threading
import time
from pathlib import Path

from gateway import clock
from gateway.__main__ import cli


def main() -> None:
    """Run a command of the gateway, and look at the file ten times a second."""
    file = Path(sys.argv.pop(1))
    step = 0.0

    def follow() -> None:
        nonlocal step
        while True:
            try:
                step = float(file.read_text())
            except (OSError, ValueError):
                pass  # the file does not exist yet, or is being written
            time.sleep(0.1)

    threading.Thread(target=follow, daemon=True).start()
    clock.wall_time = lambda: time.time() + step
    cli()


if __name__ == "__main__":
    main()
