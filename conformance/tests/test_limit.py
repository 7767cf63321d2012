"""A limit on the time of other people's code ends it wherever it happens to be.

Left out: the limit of a whole process (`test_isolate.py`).
"""

import gc
import sys
import time

import pytest

from conformance.running.quiet import TooLongError, limited, within_seconds

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no alarms")


def _computes_for_ever() -> None:
    while True:
        pass


def _collects_for_ever() -> None:
    while True:
        gc.collect(0)
        sum(range(100_000))


def test_code_that_goes_on_is_ended() -> None:
    with pytest.raises(TooLongError), limited(0.02):
        _computes_for_ever()


def test_work_that_goes_on_gives_none() -> None:
    assert within_seconds(0.02, _computes_for_ever) is None


def test_a_limit_that_ends_in_a_callback_of_the_collector_is_raised_after_it() -> None:
    def slow(phase: str, _info: dict[str, int]) -> None:
        over = time.process_time() + 0.05 * (phase == "start")
        while time.process_time() < over:
            pass

    gc.callbacks.append(slow)
    try:
        with pytest.raises(TooLongError), limited(0.02):
            _collects_for_ever()
    finally:
        gc.callbacks.remove(slow)
