"""A step of a program in exact numbers, and where its quantities are.

Left out: the search for them (`subjects/searched.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from conformance.model.functions import SIGMOID, Activation
from conformance.model.row import Row, Rows, given
from conformance.model.row import run as walk_rows
from conformance.model.table import rows
from conformance.model.updates import SGD
from conformance.tracing.index import Index, Location
from reference.step import Array, Batch, Parameters


@dataclass(eq=False)
class Run:
    """A step of a program on a mini-batch, and its exact numbers.

    Attributes:
        index: of the trace.
        start: the parameters from which it started, of exact numbers.
        batch: of exact numbers.
        cost: its name.
        w: the bits of the nodes of w^2 … w^L.
        parameters: those of the weights and biases of each layer.
        samples: the bits of the nodes of each sample.
        targets: the bits of all targets.
        after: the parameters `b2 w2 …` after the step, of exact numbers; those that are known.
        rates: η and λ/n, exact.
        movers: the bits of what each of `after` was computed from.
        rewritten: whether each of `after` was computed, and is not what it was before.
        activations: of the layers 2 … L; sigmoids if none are given.
        update: its name.
        constants: of the update, exact.
        returned: the ∇b of the samples that backprop returned, side by side, by their names; exact.
    """

    index: Index
    start: Parameters
    batch: Batch
    cost: str
    w: Sequence[int]
    parameters: Sequence[int]
    samples: Sequence[int]
    targets: int
    after: Mapping[str, Array] = field(default_factory=dict)
    rates: tuple[Any, Any] = (1, 0)
    movers: Mapping[str, int] = field(default_factory=dict)
    rewritten: Mapping[str, bool] = field(default_factory=dict)
    activations: tuple[str, ...] = ()
    update: str = SGD
    constants: Mapping[str, Any] = field(default_factory=dict)
    returned: Mapping[str, Array] = field(default_factory=dict)

    @cached_property
    def rows(self) -> Rows:
        """The table of the step."""
        return rows(len(self.start.w) + 1, self.cost, self.activations or SIGMOID, self.update)

    @property
    def given(self) -> dict[str, Any]:
        """What the step starts from; see `given` of the table."""
        return given(self.start, self.batch, *self.rates, self.constants)

    def f(self, layer: int) -> Activation:
        """The activation of a layer."""
        return self.rows[f"a{layer}"].activation

    def masks(self, layer: int) -> tuple[Array, ...]:
        """What the activation of a layer takes beside z."""
        return self.batch.masks[layer - 2 : layer - 1]

    def activated(self, layer: int, z: Array) -> Array:
        """a^l of some z^l."""
        a: Array = self.rows[f"a{layer}"].function(z, *self.masks(layer))
        return a

    @property
    def m(self) -> int:
        """The size of the mini-batch."""
        return self.batch.m


@dataclass(eq=False)
class Roles:
    """Where the quantities of a step are.

    Attributes:
        found: where a quantity is, by its name; those that no value holds are not in it. If
            several values are equal to it, it is the last one that its consumers were made of.
        first: the first of those values.
        values: each quantity as the program has it, exact; where it is held nowhere, as the
            equation gives it from what comes before.
        wrong: the names of the quantities that do not follow from what comes before them.
        moved: the ∇ by which the update would have moved each parameter as it did, exact.
        nothing: the names of the ∇ that are 0 because nothing was added up.
    """

    found: dict[str, Location] = field(default_factory=dict)
    first: dict[str, Location] = field(default_factory=dict)
    values: dict[str, Array] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    moved: dict[str, Array] = field(default_factory=dict)
    nothing: list[str] = field(default_factory=list)


def quantities_at(run: Run, found: Mapping[str, Location]) -> Roles:
    """The quantities of a run of which it is known where they are.

    What is nowhere is taken to be what its equation gives of what comes before it.
    """

    def evaluate(row: Row, arguments: tuple[Any, ...]) -> Any:
        at = found.get(row.name)
        if at is None:
            return row.function(*arguments)
        return at.without_factor(at.gather(run.index.numbers, object))

    sought = [row for row in run.rows.values() if row.quantity.name not in ("cost", "b", "w")]
    values = walk_rows(sought, evaluate, run.given)
    return Roles(dict(found), values=values)
