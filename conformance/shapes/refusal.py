"""Why no reading of a program fits: what stopped the one that came farthest.

Left out: the readings (`search.py`).
"""

import os
from dataclasses import dataclass, field

from conformance.shapes.attempts import UnfitError
from conformance.shapes.places import EmptyError
from conformance.tracing.frames import raised_in

SURE = 8
"""The stage of what no data are the reason of: only what ran to its end comes farther."""


@dataclass
class Refusal:
    """How far the readings of a program came that did not fit; whether it has parameters.

    Attributes:
        reached: of the one that came farthest, the stage and the line where it stopped.
        words: why it stopped.
        made: whether what holds the parameters was made.
        empty: whether what is to go backward computes nothing, and no other way would tell more.
        failed: whether a loss was given where what goes backward raised an error.
        crashes: what methods raised that were to update the parameters.
    """

    reached: tuple[int, int] = (-1, 0)
    words: str = "it has none of the names that are known"
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

    def note(self, error: UnfitError) -> None:
        """Keep what came farthest."""
        self.tried += 1
        lines = raised_in(error.__cause__) if error.__cause__ is not None else ()
        stage = error.stage if error.of_no_data is None else SURE
        reached = stage, lines[0].line if lines else 0
        if reached > self.reached:
            self.reached, self.words = reached, f"{error}{_place(error)}"
            self.empty = isinstance(error, EmptyError)


def _place(error: UnfitError) -> str:
    """Where the program itself raised an error, if it did."""
    causes = [each for each in (error.of_no_data, error.__cause__, *error.raised) if each]
    lines = [line for each in causes[:1] for line in raised_in(each)]
    return f", in {os.path.relpath(lines[0].file)}:{lines[0].line}" if lines else ""
