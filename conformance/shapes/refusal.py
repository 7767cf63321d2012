"""Why no reading of a program fits: what stopped the one that came farthest.

Left out: the readings (`search.py`).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from conformance.shapes.attempts import EmptyError, UnfitError
from conformance.tracing.frames import Frame, raised_in

SURE = 8
"""The stage of what no data are the reason of: only what ran to its end comes farther."""


@dataclass
class Refusal:
    """How far the readings of a program came that did not fit; whether it has parameters.

    Attributes:
        reached: of the one that came farthest, the stage and the line where it stopped.
        words: why it stopped.
        raised: the lines of the program that led to the error it raised, the innermost first.
        again: runs it again.
        made: whether what holds the parameters was made.
        empty: whether what is to go backward computes nothing, and no other way would tell more.
        failed: whether a loss was given where what goes backward raised an error.
        crashes: what methods raised that were to update the parameters.
    """

    reached: tuple[int, int] = (-1, 0)
    words: str = "it has none of the names that are known"
    raised: Sequence[Frame] = ()
    again: Callable[[], object] | None = None
    tried: int = 0
    made: bool = False
    empty: bool = False
    parameters: bool = False
    failed: bool = False
    until: float = 0.0
    crashes: dict[str, list[BaseException]] = field(default_factory=dict)

    @property
    def unmade(self) -> bool:
        """Whether it was tried to make what holds the parameters, and each way failed."""
        return bool(self.tried) and not self.made

    def note(self, error: UnfitError, again: Callable[[], object] | None = None) -> None:
        """Keep what came farthest, and what runs it again."""
        self.tried += 1
        lines = raised_in(error.__cause__) if error.__cause__ is not None else ()
        stage = error.stage if error.of_no_data is None else SURE
        reached = stage, lines[0].line if lines else 0
        if reached > self.reached:
            self.raised, self.again = _raised(error), again
            self.reached, self.words = reached, f"{error}{_place(self.raised)}"
            self.empty = isinstance(error, EmptyError)


def _raised(error: UnfitError) -> Sequence[Frame]:
    """The lines by which the program itself raised an error, the innermost first, if it did."""
    causes = [each for each in (error.of_no_data, error.__cause__, *error.raised) if each]
    return [line for each in causes[:1] for line in raised_in(each)]


def _place(lines: Sequence[Frame]) -> str:
    """Where that is."""
    return f", in {os.path.relpath(lines[0].file)}:{lines[0].line}" if lines else ""
