"""A child process: its records, its ends, and that nothing of it is left."""

import operator
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any, NoReturn

import pytest

from conformance.api import check
from conformance.backward import factor
from conformance.errors import SubjectError, UnjudgedError, UsageError
from conformance.running import isolate, tracebacks
from conformance.running.isolate import Send, Work, isolated
from conformance.running.tracebacks import own_traceback
from conformance.tests.networks import book

LONG = 20.0  # seconds; a test that waits so long fails
SHORT = 0.2

Subject = Callable[[str], Work]


@pytest.fixture(autouse=True)
def nothing_remains() -> Iterator[None]:
    """No child, no zombie and no open descriptor is left by a test."""
    before = descriptors()
    yield
    assert not active_children()
    assert descriptors() == before


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """From the source of a file that defines f(send) to a work that calls it."""

    def work_of(source: str) -> Work:
        path = tmp_path / "subject.py"
        path.write_text(source)
        names: dict[str, Any] = {}
        exec(compile(source, path, "exec"), names)  # noqa: S102 - the tests' own source
        return names["f"]  # type: ignore[no-any-return]

    return work_of


def descriptors() -> set[str]:
    """The open file descriptors."""
    return {path.name for path in Path("/dev/fd").iterdir()}


def failure(work: Work, timeout: float = LONG) -> list[str]:
    """The lines of the message on a child that fails."""
    with pytest.raises(SubjectError) as caught:
        list(isolated(work, timeout))
    return str(caught.value).splitlines()


def gone(pid: object) -> bool:
    """Whether a process has ended and been reaped."""
    assert isinstance(pid, int)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def own_pid_then_sleep(send: Send) -> None:
    send(os.getpid())
    time.sleep(LONG)


def test_records_arrive_in_order_and_as_they_were() -> None:
    sent = [1, "δ", None, {"w2": [0.1, -1e-300]}, []]

    def work(send: Send) -> None:
        for each in sent:
            send(each)

    assert list(isolated(work, LONG)) == sent


def test_a_record_arrives_before_the_work_is_done() -> None:
    assert next(isolated(own_pid_then_sleep, LONG)) != os.getpid()


def test_a_work_that_sends_nothing_is_done() -> None:
    assert list(isolated(lambda _send: None, LONG)) == []


def test_a_record_larger_than_the_pipe() -> None:
    assert list(isolated(lambda send: send("x" * 10**6), LONG)) == ["x" * 10**6]


def test_nothing_runs_before_the_first_record_is_asked_for() -> None:
    isolated(lambda send: send(1), LONG)
    assert not active_children()


def test_what_the_child_changes_is_not_changed_here() -> None:
    here = [1]
    list(isolated(lambda _send: here.clear(), LONG))
    assert here == [1]


def test_a_slow_consumer_is_no_hang(subject: Subject) -> None:
    work = subject(f"import time\ndef f(send):\n  send(1)\n  time.sleep({SHORT})\n  send(2)\n")
    got = []
    for record in isolated(work, SHORT * 1.5):
        time.sleep(SHORT * 2)
        got.append(record)
    assert got == [1, 2]


def test_the_time_limit_is_of_silence_and_not_of_the_whole(subject: Subject) -> None:
    source = "import time\ndef f(send):\n  for n in range(4):\n    time.sleep(0.1)\n    send(n)\n"
    assert list(isolated(subject(source), 0.3)) == [0, 1, 2, 3]


def _sends_for_ever(send: Send) -> None:
    while True:
        send(1)
        time.sleep(0.02)


def test_what_follows_the_first_record_has_a_limit_of_its_own() -> None:
    with pytest.raises(SubjectError, match="no result"):
        list(isolated(_sends_for_ever, LONG, later=0.1))


def test_a_spawned_child_sends_too() -> None:
    def work(send: Send) -> None:  # in a child, with which the tracker that spawn starts ends
        isolate.CONTEXT = get_context("spawn")
        for record in isolated(operator.methodcaller("__call__", 7), LONG):
            send(record)

    assert list(isolated(work, LONG)) == [7]


def test_a_hang_is_ended_and_its_line_shown(subject: Subject, tmp_path: Path) -> None:
    work = subject("def f(send):\n  g()\ndef g():\n  while True:\n    pass\n")
    (line,) = failure(work, SHORT)
    expected = f"no result for {SHORT} s: it hangs, or needs a longer time limit"
    assert line.partition(", in ")[0] == expected
    assert line.partition(", in ")[2] in {f"{tmp_path}/subject.py:{n} g" for n in (4, 5)}


def test_a_hang_in_a_library_shows_the_line_of_the_subject(
    subject: Subject, tmp_path: Path
) -> None:
    source = "import threading\ndef f(send):\n  threading.Event().wait()\n"
    assert failure(subject(source), SHORT)[0].endswith(f", in {tmp_path}/subject.py:3 f")


def test_a_hang_after_the_last_record_is_a_hang() -> None:
    records = isolated(own_pid_then_sleep, SHORT)
    pid = next(records)
    with pytest.raises(SubjectError, match="hangs"):
        next(records)
    assert gone(pid)


def test_a_hang_that_ignores_signals_is_ended(subject: Subject) -> None:
    source = """
import signal
def f(send):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    while True: pass
"""
    assert "hangs" in failure(subject(source), SHORT)[0]


def test_a_stopped_child_is_ended(subject: Subject) -> None:
    source = "import os, signal\ndef f(send):\n  os.kill(os.getpid(), signal.SIGSTOP)\n"
    assert "hangs" in failure(subject(source), SHORT)[0]


@pytest.mark.parametrize("ending", ["return", "while True: pass", "1 / 0", "os._exit(3)"])
def test_the_childs_own_children_end_with_it(subject: Subject, ending: str) -> None:
    reader, writer = os.pipe()
    child = f"import os, time\ndef f(send):\n  if os.fork() == 0: time.sleep({LONG})\n  {ending}\n"
    try:
        list(isolated(subject(child), SHORT))
    except SubjectError:
        assert ending != "return"
    os.close(writer)
    assert os.read(reader, 1) == b""  # every process that had the other end has gone
    os.close(reader)


def test_an_exit_is_noticed_although_a_grandchild_holds_the_pipes(subject: Subject) -> None:
    source = f"import os, time\ndef f(send):\n  if os.fork(): os._exit(3)\n  time.sleep({LONG})\n"
    started = time.monotonic()
    assert failure(subject(source)) == ["exited with status 3 before it was done"]
    assert time.monotonic() - started < LONG / 2


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGABRT"])
def test_a_death_by_a_signal_is_named(subject: Subject, name: str) -> None:
    work = subject(f"import os, signal\ndef f(send):\n  os.kill(os.getpid(), signal.{name})\n")
    assert failure(work)[0].partition(", in ")[0] == f"died by {name}"


def test_a_signal_without_a_name(subject: Subject) -> None:
    number = signal.SIGRTMIN + 3
    work = subject(f"import os\ndef f(send):\n  os.kill(os.getpid(), {number})\n")
    assert failure(work) == [f"died by signal {number}"]


def test_a_crash_in_native_code_shows_the_line_of_the_subject(
    subject: Subject, tmp_path: Path
) -> None:
    work = subject("import ctypes\ndef f(send):\n  ctypes.string_at(0)\n")
    assert failure(work) == [f"died by SIGSEGV, in {tmp_path}/subject.py:3 f"]


def test_records_before_a_crash_are_kept(subject: Subject) -> None:
    records = isolated(subject("import os\ndef f(send):\n  send(1)\n  os.abort()\n"), LONG)
    assert next(records) == 1
    with pytest.raises(SubjectError, match="SIGABRT"):
        next(records)


@pytest.mark.parametrize(
    ("statement", "status"),
    [("sys.exit(5)", 5), ("sys.exit()", 0), ("os._exit(0)", 0), ("os._exit(7)", 7)],
)
def test_an_exit_before_the_end_is_named(subject: Subject, statement: str, status: int) -> None:
    work = subject(f"import os, sys\ndef f(send):\n  {statement}\n")
    assert failure(work)[0] == f"exited with status {status} before it was done"


def test_an_exit_by_an_exception_shows_the_frames_of_the_subject(
    subject: Subject, tmp_path: Path
) -> None:
    work = subject("def f(send):\n  raise SystemExit(5)\n")
    assert failure(work)[1:] == [
        "Traceback (most recent call last):",
        f'  File "{tmp_path}/subject.py", line 2, in f',
        "    raise SystemExit(5)",
        "SystemExit: 5",
    ]


def test_the_last_words_on_stderr_are_shown(subject: Subject) -> None:
    lines = failure(subject("import sys\ndef f(send):\n  sys.exit('no data δ')\n"))
    assert [lines[0], *lines[-2:]] == [
        "exited with status 1 before it was done",
        "its last output:",
        "  | no data δ",
    ]


def test_the_last_words_are_few(subject: Subject) -> None:
    source = "import os\ndef f(send):\n  for n in range(99): print(n)\n  os._exit(1)\n"
    lines = failure(subject(source))
    assert (len(lines), lines[-1]) == (2 + isolate.SHOWN, "  | 98")


def test_a_flood_of_output_fills_neither_memory_nor_time(subject: Subject) -> None:
    source = (
        "import os\ndef f(send):\n  for _ in range(800): os.write(1, bytes(1 << 16))\n  1 / 0\n"
    )
    assert failure(subject(source))[0].startswith("raised ZeroDivisionError")


def test_a_flood_without_end_is_a_hang(subject: Subject) -> None:
    lines = failure(subject("def f(send):\n  while True: print('y' * 40)\n"), SHORT)
    assert lines[0].startswith("no result for")
    assert lines[-1] == "  | " + "y" * 40


def test_a_flood_without_lines_is_cut(subject: Subject) -> None:
    written = f"b'a' * 20000 + b'b' * {isolate.TAIL}"
    lines = failure(subject(f"import os\ndef f(send):\n  os.write(2, {written})\n  os._exit(1)\n"))
    assert lines[-1] == "  | " + "b" * tracebacks.WIDTH


def test_what_the_child_prints_does_not_reach_our_streams(
    subject: Subject, capfd: pytest.CaptureFixture[str]
) -> None:
    source = """
import os, sys
def f(send):
    print("x", flush=True)
    print("x", file=sys.stderr, flush=True)
    os.system("echo x; echo x >&2")
"""
    assert list(isolated(subject(source), LONG)) == []
    assert capfd.readouterr() == ("", "")


def test_a_child_that_asks_is_told_that_nobody_answers(subject: Subject) -> None:
    assert failure(subject("def f(send):\n  send(input())\n"))[0].startswith("raised EOFError")


def test_the_child_does_not_read_our_input() -> None:
    def work(send: Send) -> None:  # a parent whose standard input has something to say
        reader, writer = os.pipe()
        os.write(writer, b"ours")
        os.dup2(reader, 0)
        for heard in isolated(lambda send: send(os.read(0, 4).decode()), LONG):
            send(heard)

    assert list(isolated(work, LONG)) == [""]


def test_an_exception_shows_the_frames_of_the_subject_alone(
    subject: Subject, tmp_path: Path
) -> None:
    assert failure(subject("def f(send):\n  raise KeyError('w2')\n")) == [
        "raised KeyError: 'w2'",
        "Traceback (most recent call last):",
        f'  File "{tmp_path}/subject.py", line 2, in f',
        "    raise KeyError('w2')",
        "KeyError: 'w2'",
    ]


def test_a_long_traceback_is_cut(subject: Subject) -> None:
    names = "".join(f"def f{n}(send): f{n + 1}(send)\n" for n in range(30))
    lines = failure(subject(f"{names}def f(send): f0(send)\n"))
    assert (len(lines), lines[2]) == (1 + tracebacks.LINES, "  ...")


def test_an_interrupt_that_the_subject_raises_is_its_own(subject: Subject) -> None:
    work = subject("def f(send):\n  raise KeyboardInterrupt\n")
    assert failure(work)[0] == "raised KeyboardInterrupt"


def test_an_exception_that_cannot_be_printed(subject: Subject) -> None:
    source = "class E(Exception):\n  def __str__(self): 1 / 0\ndef f(send):\n  raise E\n"
    assert failure(subject(source))[0] == "raised E: <exception str() failed>"


@pytest.mark.parametrize("kind", [UsageError, SubjectError])
def test_an_error_of_ours_stays_what_it_is(kind: type[Exception]) -> None:
    def work(_send: Send) -> NoReturn:
        raise kind("there is no file x.py")

    with pytest.raises(kind, match=r"^there is no file x\.py$"):
        list(isolated(work, LONG))


@pytest.mark.skipif(sys.platform != "linux", reason="only there is memory limited")
def test_a_judgement_takes_no_more_memory_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        isolate, "SHARE", 2**31 / os.sysconf("SC_PHYS_PAGES") / os.sysconf("SC_PAGE_SIZE")
    )
    with pytest.raises(UnjudgedError, match=r"more than 2\.0 GB of memory; give it less data"):
        list(isolated(_grow, LONG))


def _grow(_send: Send) -> None:
    factor.LENGTHS = 10**6
    factor.conventions(range(2, 10**4))  # 3^n numbers


def test_nonsense_in_the_pipe_is_an_error(subject: Subject) -> None:
    source = "import json\ndef f(send):\n  json.dumps = lambda _: '{]'\n  send(1)\n"
    assert failure(subject(source)) == ["it wrote into the pipe of its results"]


def test_a_child_that_closes_every_descriptor_is_an_error(subject: Subject) -> None:
    work = subject("import os\ndef f(send):\n  os.closerange(0, 256)\n  send(1)\n")
    assert failure(work)[0].startswith("exited with status 1")


def test_a_consumer_that_stops_early_leaves_nothing() -> None:
    pids = []
    for pid in isolated(own_pid_then_sleep, LONG):
        pids.append(pid)
        break
    assert gone(*pids)


def test_an_interrupt_of_ours_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    records = isolated(own_pid_then_sleep, LONG)
    pid = next(records)

    def interrupted(*_arguments: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(isolate, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(records)
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of such a death")
def test_a_parent_that_is_killed_takes_the_child_with_it() -> None:
    reader, writer = os.pipe()

    def parent(_send: Send) -> None:
        records = isolated(own_pid_then_sleep, LONG)
        next(records)
        os.kill(os.getpid(), signal.SIGKILL)

    started = time.monotonic()
    assert failure(parent) == ["died by SIGKILL"]
    os.close(writer)
    assert os.read(reader, 1) == b""  # the child has gone, and not because it had slept enough
    assert time.monotonic() - started < LONG / 2
    os.close(reader)


def test_a_child_starts_beside_other_threads_without_a_warning() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")  # as an error, Python loses this one
        assert list(isolated(lambda send: send(1), LONG)) == [1]
    done.set()
    thread.join()
    assert not warned


def test_two_children_at_a_time() -> None:
    first, second = (isolated(own_pid_then_sleep, LONG) for _ in range(2))
    pids = next(first), next(second)
    del first, second
    assert all(gone(pid) for pid in set(pids))


def test_a_traceback_shows_the_cause_without_the_frames_to_skip(tmp_path: Path) -> None:
    own, ours = tmp_path / "own.py", tmp_path / "ours" / "ours.py"
    names: dict[str, Any] = {}
    exec(compile("def f():\n  1 / 0\n", ours, "exec"), names)  # noqa: S102
    source = "def g():\n  try: f()\n  except Exception as error: raise KeyError from error\n"
    exec(compile(source, own, "exec"), names)  # noqa: S102
    with pytest.raises(KeyError) as caught:
        names["g"]()
    text = own_traceback(caught.value, ours.parent)
    assert text.count("own.py") == 2
    assert "direct cause" in text
    assert "ours.py" not in text


def test_a_traceback_of_frames_to_skip_is_the_exception_alone() -> None:
    with pytest.raises(ValueError, match="literal") as caught:
        int("x")
    expected = "ValueError: invalid literal for int() with base 10: 'x'"
    assert own_traceback(caught.value, Path("/")) == expected


def test_a_hang_after_the_last_case_loses_no_verdict(tmp_path: Path) -> None:
    """It hangs in the smallest networks, whose outputs are fewer than those of the case."""
    source = Path(book.__file__).read_text(encoding="utf-8")
    right = "delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp"
    hang = "        while len(self.biases[-1]) < 2 and len(self.biases) > 1:\n"
    hang += "            __import__('time').sleep(0.1)\n"
    line = "        nabla_b = [np.zeros(b.shape) for b in self.biases]\n"
    for old, new in ((right, right.removesuffix(" * sp")), (line, line + hang)):
        assert old in source
        source = source.replace(old, new, 1)
    path = tmp_path / "hanging.py"
    path.write_text(source, "utf-8")
    report = check(f"{path}:Network", case="contracting-5-4-3-2", timeout=4.0)
    assert [each.mistakes for each in report.causes] == [("bp2-no-sigma-prime",)]
    assert "hangs, or needs a longer time limit" in report.exact[0].left
