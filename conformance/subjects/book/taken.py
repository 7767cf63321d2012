"""A step that a network in training took, and its trace.

Left out: what is seen of it (`traced_session.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from conformance.subjects.book.returned import Parts
from conformance.subjects.searched import Searched
from conformance.subjects.stepped import Stepped
from conformance.tracing.index import Location
from reference.step import Array, Batch, Parameters


@dataclass(frozen=True, eq=False)
class TracedUpdate:
    """The update of a step, traced.

    Attributes:
        made: the run.
        pattern: where the quantities are in a run like it.
        found: where they are in it.
    """

    made: Stepped
    pattern: Searched
    found: dict[str, Location]

    @property
    def blind(self) -> bool:
        """Whether nothing of its way back could be followed, not even that it adds up nothing."""
        back = (each for each in self.found if each.startswith(("delta", "nabla")))
        return not (any(back) or self.pattern.roles.nothing)


@dataclass(frozen=True, eq=False)
class Taken:
    """A step that was taken.

    Attributes:
        start: the parameters before it.
        batch: its mini-batch.
        parts: gives the gradients that backprop returns of each sample.
        after: the parameters after it.
        traced: the same step, traced, if that can be done and it is the same.
    """

    start: Parameters
    batch: Batch
    parts: Callable[[], Parts]
    after: dict[str, Array]
    traced: TracedUpdate | None = None
