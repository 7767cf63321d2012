"""A dry run: of what other people's code writes nothing is kept, and it may begin no processes.

Left out: what it may read, and its own process (`isolate.py`).
"""

import builtins
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

WRITING = frozenset(
    ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink",
     "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen",
     "shutil.rmtree", "socket.connect", "socket.bind", "webbrowser.open")
)  # fmt: skip
"""What a run that is a trial may not do: it changes more than its own process."""

WATCHED = WRITING | {"open"}

FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_trials: list[bool] = []


@contextmanager
def writing_nothing() -> Iterator[None]:
    """Let nothing be written but by this process's own streams, to the end of the block."""
    if not _trials:
        sys.addaudithook(_refuse)
        _trials.append(False)
    before, _trials[0] = _trials[0], True
    plain = builtins.open
    builtins.open = partial(_opened, plain)
    try:
        yield
    finally:
        builtins.open = plain
        _trials[0] = before


def _opened(plain: Callable[..., Any], file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
    """A file; nothing is kept of what is written into it."""
    writes = isinstance(file, str | bytes | os.PathLike) and not {*"wax+"}.isdisjoint(mode)
    return plain(os.devnull if writes else file, mode.replace("x", "w"), *args, **named)


def _refuse(event: str, args: Any) -> None:
    """Refuse what changes files, or begins other processes, in a trial.

    Raises:
        PermissionError: it is asked for.
    """
    if event not in WATCHED or not _trials[0]:  # most is none of these, such as each `id(…)`
        return
    writes = event == "open" and isinstance(args[2], int) and args[2] & FOR_WRITING
    if (writes and args[0] != os.devnull) or event in WRITING:
        raise PermissionError(f"a trial does not {event}")
