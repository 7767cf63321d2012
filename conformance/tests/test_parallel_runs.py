"""Work on several processes."""

import subprocess
import sys
from pathlib import Path

ENDED_AT_WORK = """
from pathlib import Path

from conformance.running.parallel_runs import in_parallel


def work(id_, place):
    return bytes(80_000_000)


if __name__ == "__main__":
    for _ in in_parallel(work, [*"abcdefgh"], Path(), 2):
        raise SystemExit(7)
"""


def test_workers_that_are_ended_in_the_middle_of_a_result_end(tmp_path: Path) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(ENDED_AT_WORK)
    command = [sys.executable, str(driver)]
    assert subprocess.run(command, timeout=30, check=False).returncode == 7  # noqa: S603
