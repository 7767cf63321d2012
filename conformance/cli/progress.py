"""A console, and a bar on a terminal when something takes long."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import NoReturn, TypeVar

from rich.console import Console
from rich.progress import Progress

T = TypeVar("T")

PATIENCE = 2.0  # seconds without a progress bar


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Leave it to `main`: rich would exit with status 1, which is a verdict here."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output, 80 columns wide where it is no terminal."""
    return _Console(width=None if sys.stdout.isatty() else 80)


def progress(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """The items, with a bar on a terminal once it has taken two seconds."""
    with bar(what, total) as done:
        for item in items:
            yield item
            done()


@contextmanager
def bar(what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """A function to be called after each item; it shows a bar on a terminal after two seconds."""
    started = monotonic()
    errors = Console(stderr=True)
    hidden = not errors.is_terminal  # where a bar would leave an empty line
    with Progress(console=errors, transient=True, auto_refresh=False, disable=hidden) as bar:
        task = bar.add_task(what, total=total, visible=False)

        def done() -> None:
            late = monotonic() - started > PATIENCE and bar.console.is_terminal
            bar.update(task, advance=1, visible=late, refresh=late)

        yield done
