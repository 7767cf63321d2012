"""A report as blocks of lines, and how they are shortened to fit a screen.

Left out: what the lines say (`terminal.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text

from conformance.report.sentence import pluralize


@dataclass(frozen=True)
class Block:
    """Lines of a report that stand together, with an empty line before the next block.

    Attributes:
        lines: each as it is printed.
        least: how many of them stay where the report has to be short; None: all of them.
        rank: which block gives way first, the lowest.
        noun: what a line of it is.
    """

    lines: Sequence[Text]
    least: int | None = None
    rank: int = 0
    noun: str = "line"

    def height(self, width: int) -> int:
        """How many lines of a terminal it takes, with the empty one before it."""
        return sum(max(1, -(-cell_len(each.plain) // width)) for each in self.lines) + 1

    def shortened(self, over: int, width: int) -> "Block":
        """The block with so many lines of the terminal fewer, as far as it gives way."""
        least = len(self.lines) if self.least is None else self.least
        for kept in range(len(self.lines) - 1, least - 1, -1):
            left = len(self.lines) - kept
            note = Text(f"… {pluralize(left, self.noun)} more: -v shows all", "dim")
            shorter = replace(self, lines=[*self.lines[:kept], note] if kept else [])
            if self.height(width) - shorter.height(width) >= over or kept == least:
                return shorter
        return self


def fitted(blocks: Iterable[Block], most: int, width: int) -> list[Block]:
    """The blocks in so many lines of a terminal, as far as they give way."""
    fitting = [each for each in blocks if each.lines]
    for i in sorted(range(len(fitting)), key=lambda i: fitting[i].rank):
        over = sum(each.height(width) for each in fitting) - 1 - most
        if over > 0:
            fitting[i] = fitting[i].shortened(over, width)
    return [each for each in fitting if each.lines]


def lines_of(blocks: Iterable[Block]) -> Iterator[Text]:
    """The lines of blocks, with an empty one between them."""
    for i, block in enumerate(each for each in blocks if each.lines):
        yield from [Text("")] * (i > 0)
        yield from block.lines
