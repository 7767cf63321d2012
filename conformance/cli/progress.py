"""A console, and a bar on a terminal when something takes long."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, NoReturn, TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from conformance.report.ascii import as_written, encodes

T = TypeVar("T")

PATIENCE = 2.0  # seconds without a progress bar


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Leave it to `main`: rich would exit with status 1, which is a verdict here."""
        raise BrokenPipeError

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; on a terminal, long lines are broken between words and the rest is indented."""
        if options.get("soft_wrap") and self.is_terminal:
            texts = [_written(Text(e) if isinstance(e, str) else e, self) for e in objects]
            objects = tuple(line for each in texts for line in _folded(each, self))
            options["sep"] = "\n"
        super().print(*objects, **options)


def _written(text: Text, console: Console) -> Text:
    """A text as the console shows it, in ASCII where its encoding lacks a sign."""
    if encodes(console.encoding, text.plain):
        return text
    written = Text()
    for i, each in enumerate(text.plain):
        style = text.get_style_at_offset(console, i)
        written.append(as_written(each, console.encoding), style)
    return written


def _folded(text: Text, console: Console) -> Iterator[Text]:
    """A text as lines of a terminal, the later ones of a line indented."""
    for line in text.split("\n", allow_blank=True):
        indent = len(line.plain) - len(line.plain.lstrip()) + 2
        if cell_len(line.plain) <= console.width or indent > console.width // 2:
            yield line
            continue
        first, *others = line.wrap(console, console.width - indent)
        for each in (first, *(Text(" " * indent).append_text(each) for each in others)):
            each.rstrip()
            yield each


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
