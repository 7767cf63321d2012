"""With which arguments a file itself calls its `torch.autograd.Function`s.

The file is run as a program, as far as it takes to see a call of each; what is under
`if __name__ == "__main__"` is run too. Left out: arguments for those that it never calls
(`shapes/fitting.py`).
"""

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from runpy import run_path
from typing import Any, cast

import torch

from conformance.custom.context import Function, is_function
from conformance.running.quiet import TooLongError, limited
from conformance.running.tracebacks import headline

SECONDS = 10.0
MOST = 20_000  # numbers in the arguments of a call

Calls = dict[str, tuple[Any, ...]]
"""The arguments of a call of each function, by its name."""


class _SeenError(BaseException):
    """A call of each function was seen; it is none of the program's own errors."""


def calls_of(place: str, names: Collection[str]) -> tuple[Calls, str]:
    """The first call of each function that is not too large, and how the file stopped, if it did.

    Args:
        place: the file.
        names: of its functions.
    """
    found: Calls = {}
    stopped = ""
    waiting = set(names)

    def note(kind: type[Function], args: Sequence[Any]) -> None:
        name = kind.__qualname__
        if name not in waiting or kind.__module__ != "__main__" or not is_function(kind):
            return
        if sum(each.numel() for each in args if isinstance(each, torch.Tensor)) <= MOST:
            waiting.discard(name)
            found[name] = tuple(map(_kept, args))
        if not waiting:
            raise _SeenError

    quiet = StringIO()
    with _as_program(place), redirect_stdout(quiet), redirect_stderr(quiet), _noting(note):
        try:
            with limited(SECONDS), torch.random.fork_rng():
                torch.manual_seed(0)  # so that it is the same call each time
                run_path(place, run_name="__main__")
        except (_SeenError, SystemExit):
            stopped = ""
        except TooLongError:
            stopped = f"its own run was ended after {SECONDS:g} s"
        except Exception as error:  # noqa: BLE001 - a program may stop in any way
            stopped = f"its own run stops: {headline(error)}"
    return found, stopped


def _kept(value: Any) -> Any:
    """An argument as it is now."""
    if not isinstance(value, torch.Tensor):
        return value
    return value.detach().clone().requires_grad_(value.requires_grad)


@contextmanager
def _noting(note: Any) -> Iterator[None]:
    """Tell of each call of a function, until the end of the block."""
    own, patched = Function.__dict__["apply"], cast(Any, Function)

    def apply(kind: type[Function], *args: Any, **kwargs: Any) -> Any:
        note(kind, args)
        return own.__get__(None, kind)(*args, **kwargs)

    patched.apply = classmethod(apply)
    try:
        yield
    finally:
        patched.apply = own


@contextmanager
def _as_program(place: str) -> Iterator[None]:
    """The command line and the folder of a file that is run as a program."""
    before, path = sys.argv, list(sys.path)
    sys.argv, sys.path[:] = [place], [str(Path(place).resolve().parent), *path]
    try:
        yield
    finally:
        sys.argv, sys.path[:] = before, path
