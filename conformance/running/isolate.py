"""A function in a child process, whose crash, hang or exit is one line of ours.

The child leads a process group of its own, or on Windows a job, writes JSON to a pipe and its last
words to another; it is killed with its group in every case. Left out: what the function does, a
sandbox (the child may touch files and the network), and grandchildren that leave the group.
"""

import faulthandler
import gc
import io
import json
import os
import re
import select
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import dropwhile, takewhile
from math import inf
from multiprocessing import get_all_start_methods, get_context, parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import monotonic
from typing import Any

from conformance.errors import (
    ConformanceError,
    CorpusError,
    InternalError,
    NothingTrainedError,
    OtherFamilyError,
    StoppedError,
    SubjectError,
    UnjudgedError,
    UnknownSubjectError,
    UsageError,
)
from conformance.running.group import Group
from conformance.running.signals import forget
from conformance.running.tracebacks import (
    WIDTH,
    headline,
    internal,
    is_ours,
    is_raised_by_us,
    is_subject,
    own_traceback,
)

Send = Callable[[object], None]
Work = Callable[[Send], None]

INTERNAL = InternalError.__name__

SHARE = 0.9  # of the memory of the machine, that a process may take

FEW_COLLECTIONS = 200_000  # objects made between two


def run_child(
    work: Work, records: Connection, output: Connection, stack: Connection, *, shown: bool = False
) -> None:
    """Do the work, and tell how it ended.

    Args:
        work: what is to be done.
        records: where what it sends goes.
        output: where what it prints goes.
        stack: where it says where it is, should it hang.
        shown: whether what it prints goes where its parent prints instead.
    """
    gc.freeze()  # to look through what the parent has would copy each page of it
    gc.set_threshold(FEW_COLLECTIONS)  # to the end of the process: a trace is many objects
    _detach(None if shown else output, stack)
    most = _limit_memory()

    def tell(kind: str, content: object) -> None:
        records.send_bytes(json.dumps([kind, content]).encode())

    try:
        work(lambda record: tell("record", record))
    except SystemExit as error:
        tell("left", own_traceback(error))
        raise
    except InternalError as error:
        tell(INTERNAL, [str(error), error.traceback])
    except ConformanceError as error:
        tell(type(error).__name__, str(error))
    except BaseException as error:  # noqa: BLE001 - whatever it is
        if isinstance(error, MemoryError) and is_raised_by_us(error):
            why = f"to judge it takes more than {most / 2**30:.1f} GB of memory; give it less data"
            tell(UnjudgedError.__name__, why)
        elif is_ours(error):
            ours = internal(error)
            tell(INTERNAL, [str(ours), ours.traceback])
        else:
            tell("raised", f"raised {headline(error)}\n{own_traceback(error)}")
    else:
        tell("done", None)


def _limit_memory() -> int:
    """Let this process take no more memory than the machine has, on Linux; how much that is.

    Else the kernel would end this process, or another one.
    """
    if sys.platform != "linux":
        return 0
    resource: Any = import_module("resource")  # Windows has none
    most = int(SHARE * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    known = [int(each) for each in (soft, hard) if each != resource.RLIM_INFINITY]
    least = min([most, *known])
    resource.setrlimit(resource.RLIMIT_DATA, (least, hard))
    return least


class _Sent(io.RawIOBase):
    """Bytes that are sent over a connection, where it is no descriptor."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Send some bytes."""
        self.connection.send_bytes(data)
        return len(data)


def sent_text(connection: Connection) -> io.TextIOWrapper:
    """A stream of text that is sent over a connection, line by line."""
    raw = io.BufferedWriter(_Sent(connection))
    return io.TextIOWrapper(raw, "utf-8", errors="backslashreplace", line_buffering=True)


def heard(connection: Connection) -> bytes:
    """Some bytes that a child has printed; none if it has ended."""
    if sys.platform == "win32":
        try:
            return connection.recv_bytes()
        except (EOFError, OSError):
            return b""
    return os.read(connection.fileno(), 1 << 16)


def _has_answers() -> bool:
    """Whether there is something to read on stdin, which is no terminal."""
    try:
        return not os.isatty(0) and bool(select.select([0], [], [], 0)[0])
    except (OSError, ValueError):
        return False


def _detach(output: Connection | None, stack: Connection) -> None:
    """Leave the parent's group, streams and, should it die, life."""
    if sys.platform == "win32":  # it is in the job of its parent (`group.py`)
        if output is not None:
            sys.stdout = sys.stderr = sent_text(output)
        return
    forget()
    os.setsid()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    parent = parent_process()
    if parent is not None and os.getppid() != parent.pid:
        os._exit(1)
    if output is None and _has_answers():
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as it runs
    else:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if output is not None:
        for number in (1, 2):
            os.dup2(output.fileno(), number)
    coding = "utf-8" if output is not None else sys.stdout.encoding  # of who reads it
    sys.stdout, sys.stderr = (
        open(number, "w", 1, coding, "backslashreplace", closefd=False)  # noqa: SIM115
        for number in (1, 2)
    )
    faulthandler.enable(stack.fileno(), all_threads=False)
    faulthandler.register(signal.SIGUSR1, stack.fileno(), all_threads=False)


CONTEXT: Any = get_context("fork" if get_all_start_methods()[0] == "fork" else "spawn")
"""How a child is started: by a fork where that is Python's own way, else anew.

A fork server is none of them, since its children are not ours.
"""

TAIL = 4096  # bytes of the child's output that are kept
SHOWN = 8  # lines of it in a message
LARGEST = 1 << 28  # bytes of one record
TICK = 0.05  # seconds until a death is noticed that the pipes do not tell
GRACE = 0.2  # seconds for a hanging child to say where it is

_ERRORS = {
    each.__name__: each
    for each in (
        ConformanceError,
        CorpusError,
        NothingTrainedError,
        UnjudgedError,
        OtherFamilyError,
        UnknownSubjectError,
        UsageError,
    )
}
_LIBRARY = re.compile(rf"^{re.escape(str(Path(os.__file__).parent))}|site-packages")
_FRAME = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.*)')


def isolated(
    work: Work, timeout: float, *, shown: bool = False, later: float | None = None
) -> Iterator[object]:
    """Run `work(send)` in a child process and yield what it sends, as it arrives.

    The child starts with the first record that is asked for, and has ended when the iterator has,
    exhausted or closed. Errors of this package that the work raises are raised here again.

    Args:
        work: called with `send`, which takes any value that JSON can carry. Where Python does not
            fork by itself, it must be picklable.
        timeout: seconds; the longest silence before a record and after the last one.
        shown: whether what it prints goes where we print; else its tail is kept for messages.
        later: seconds after the first record in which all others have to come; None for any.

    Raises:
        StoppedError: the child hung, died by a signal, or exited before it was done.
        SubjectError: it raised.
        InternalError: it raised, in the code of this package.
    """
    child, over = _Child(work, shown=shown), inf
    try:
        child.start()
        while True:
            kind, content = child.receive(min(timeout, over - monotonic()))
            if kind == "done":
                return
            if kind == "record":
                yield content
                over = monotonic() + later if later is not None and over == inf else over
            elif kind == "raised":
                raise SubjectError(content)
            elif kind == INTERNAL:
                raise InternalError(*content)
            else:
                raise _ERRORS.get(kind, SubjectError)(content)
    finally:
        child.end()


class _Child:
    """The parent's view of a running child."""

    def __init__(self, work: Work, *, shown: bool) -> None:
        pipes: list[tuple[Connection, Connection]] = [CONTEXT.Pipe(duplex=False) for _ in "123"]
        self.readers, self.writers = zip(*pipes, strict=True)
        self.records, self.output, self.stack = self.readers
        self.open = {self.records, self.output}
        self.tail, self.left = b"", ""
        arguments = (work, *self.writers)
        self.process = CONTEXT.Process(target=run_child, args=arguments, kwargs={"shown": shown})

    def start(self) -> None:
        """Fork, and leave the writing ends to the child."""
        with warnings.catch_warnings():
            # Python 3.12 and later warn of a fork beside other threads, which may hold a lock for
            # ever in the child. A child that starts so is one that hangs: the time limit ends it.
            warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
            self.process.start()
        self.group = Group(self.process.pid)
        for writer in self.writers:
            writer.close()

    def receive(self, timeout: float) -> tuple[str, Any]:
        """The next message.

        Raises:
            StoppedError: there is none.
        """
        deadline = monotonic() + timeout
        while (left := deadline - monotonic()) > 0:
            ready = set(wait([*self.open, self.process.sentinel], min(left, TICK))) & self.open
            if self.output in ready:
                self._listen()
            if self.records in ready:
                with suppress(EOFError):
                    kind, content = self._read()
                    if kind != "left":
                        return kind, content
                    self.left = f"\n{content}"
                    continue
                self.open.discard(self.records)
            if not ready and self.process.exitcode is not None:
                break
        raise StoppedError(self._end_of_records(timeout))

    def _read(self) -> tuple[str, Any]:
        try:
            kind, content = json.loads(self.records.recv_bytes(LARGEST))
        except EOFError:
            raise
        except (OSError, ValueError) as error:
            raise SubjectError("it wrote into the pipe of its results") from error
        return kind, content

    def _listen(self) -> None:
        said = heard(self.output)
        self.tail = (self.tail + said)[-TAIL:]
        if not said:
            self.open.discard(self.output)

    def _end_of_records(self, timeout: float) -> str:
        code = self.process.exitcode
        if code is None:
            what = f"no result for {timeout:g} s: it hangs, or needs a longer time limit"
        elif code < 0:
            what = f"died by {signal_name(-code)}"
        else:
            what = f"exited with status {code} before it was done"
        lines = self.tail.decode(errors="replace").splitlines()
        last = [f"  | {line[:WIDTH]}" for line in lines if line.strip()][-SHOWN:]
        what += self._where() + self.left
        return "\n".join([what, *(["its last output:", *last] if last else [])])

    def _where(self) -> str:
        """The subject's innermost line, as a crash wrote it or a hanging child is asked for it."""
        if sys.platform == "win32":
            return ""
        patience, dump = 0.0, b""
        if self.process.exitcode is None:
            os.kill(self.process.pid, signal.SIGUSR1)
            patience = GRACE
        while wait([self.stack], patience) and (said := heard(self.stack)):
            patience, dump = min(patience, TICK), dump + said
        lines = dump.decode(errors="replace").splitlines()
        frames = [found for line in lines if (found := _FRAME.match(line))]
        # Innermost first: perhaps frames of ours, the subject's, and ours that called them.
        above = dropwhile(lambda frame: not is_subject(frame["file"]), frames)
        own = list(takewhile(lambda frame: is_subject(frame["file"]), above))
        written = [frame for frame in own if not _LIBRARY.search(frame["file"])]
        return "".join(
            f", in {f['file']}:{f['line']} {f['function']}" for f in (written or own)[:1]
        )

    def end(self) -> None:
        """Kill the child and its group, and leave nothing of them."""
        if self.process.pid is not None:
            self.group.end()
            self.process.kill()
            self.process.join()
        self.process.close()
        for end in self.readers + self.writers:
            end.close()


def signal_name(number: int) -> str:
    """SIGSEGV and the like."""
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
