"""Which of several processes failed, and how it is said.

Left out: the processes (`workers.py`, `commands.py`).
"""

from collections.abc import Sequence
from pathlib import Path

from conformance.errors import Line, SubjectError, UsageError
from conformance.running.process import Ended

GLOO = "gloo"  # stands in what is raised where another process does not take part
DIED, RAISED, WAITED = range(3)  # the first is told before the others
TAIL = 4096  # bytes of what a process printed


class Failure(Exception):  # noqa: N818 - one of several, of which one is told
    """What one process failed by: the kind of an exception, or nothing if it died."""

    def __init__(self, kind: str, words: str, line: Line | None = None) -> None:
        """Keep what is told of it."""
        super().__init__(words)
        self.kind, self.words, self.line = kind, words, line

    @property
    def order(self) -> int:
        """What dies, or raises by itself, stands before what only waits for it in vain."""
        if GLOO in self.words:
            return WAITED
        return RAISED if self.kind else DIED

    def error(self, done: Sequence[int]) -> SubjectError | UsageError:
        """It as an error, with the processes that had done their part."""
        if self.kind == UsageError.__name__:
            return UsageError(self.words)
        first, *more = self.words.splitlines()
        beside = others(done) if GLOO in first else ""
        return SubjectError("\n".join([first + beside, *more]), self.line)


def can_go_on(failures: Sequence[Failure], done: int, world: int) -> bool:
    """Whether all processes can take another step: all are done, or all raised on one line.

    Then none of them waits for another.

    Args:
        failures: of those that failed.
        done: how many did not.
        world: how many there are.
    """
    raised = {(each.order, each.kind, each.line) for each in failures}
    together = len(failures) == world and len(raised) == 1 and failures[0].order == RAISED
    return done == world or together


def others(done: Sequence[int]) -> str:
    """That some processes had done their part, and so took no part in what others wait for."""
    if not done:
        return ""
    return f" ({_named(done)} had done {'its' if len(done) == 1 else 'their'} step)"


def _named(ranks: Sequence[int]) -> str:
    return " and ".join(f"rank {rank}" for rank in ranks)


def hangs(ranks: Sequence[int], seconds: float) -> str:
    """That some processes do not answer."""
    verb = "does" if len(ranks) == 1 else "do"
    return f"{_named(ranks)} {verb} not answer within {seconds:g} s"


def printed(log: Path) -> str:
    """The last lines that a process printed."""
    return Ended(None, log.read_bytes()[-TAIL:]).said()
