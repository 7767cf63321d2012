"""`conformance.check` in a program with threads of its own."""

import sys
import threading
import time
from typing import Any

from conformance import api


def test_checks_in_several_threads_take_turns_and_give_stdout_back() -> None:
    inside: list[int] = []
    most: list[int] = []

    def step(weights: Any, biases: Any, x: Any, y: Any, eta: float) -> dict[str, Any]:  # noqa: ARG001 - a subject
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.001)
        inside.pop()
        return {"z2": weights[0] @ x + biases[0]}

    def checked() -> None:
        reports.append(api.check(step, case="hand-2-3-1"))

    stdout, reports = sys.stdout, list[Any]()
    threads = [threading.Thread(target=checked) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found, sys.stdout = sys.stdout, stdout
    assert found is stdout
    assert max(most) == 1
    assert [each.ok for each in reports] == [True] * 3
