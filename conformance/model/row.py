"""A quantity of one step of gradient descent, its row in the table, and a walk through rows.

A row says from what its quantity is computed, by which equation of `reference.equations`, and how
it is written. `run` walks rows in any arithmetic; whoever evaluates a row decides what the later
ones are given. Left out: which rows there are (`table.py`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from conformance.model.functions import Activation
from reference.step import Batch, Parameters, split
from reference.updates import OLD

GIVEN = ("x", "y", "eta", "decay", "mu", "rho", "epsilon", "counts")
"""What a step is given beside the parameters.

`decay` is λ/n; `mu`, `rho` and `epsilon` are of an update; `counts` are the m_r of R.
"""

WHOLE = (*GIVEN, "t", "old_t")
"""What no layer has of its own."""

PARTS = "parts_"
"""Begins the names of the gradients of all processes, which R is given: `parts_w2`."""

MASK = "mask"
"""What a layer with dropout is given: (n_l, m), 0 where a neuron is left out."""

REDUCED = "reduced_"
"""Begins the names of what R gives: `reduced_w2`."""

AXES = {"n": "neuron", "below": "from neuron", "m": "sample"}
"""What the axes of a quantity count: n neurons, those of the layer below, m samples."""

T = TypeVar("T")


@dataclass(frozen=True)
class Other:
    """A function of other inputs than those of the equation; of names as in `Quantity.inputs`."""

    inputs: tuple[str, ...]
    function: Callable[..., Any]


@dataclass(frozen=True)
class Quantity:
    """A quantity of the step at any layer l.

    Attributes:
        name: such as `delta`.
        symbol: as it is written, such as δ.
        tag: of its equation, such as BP2.
        field: the equation, a field of `reference.equations.Equations`, or a function of
            `reference.updates`.
        inputs: its arguments in their order, `delta+1` being that of the layer above.
        shape: of n, below, m and 1; see `AXES`.
        part: of the step.
        about: what it is, in words with {layer}.
        code: the equation as NumPy code of the inputs without their offsets, m, and of f′ as
            `prime`.
        scaled: whether programs may put the 1/m elsewhere in what they show of it.
        recomputed: inputs that a program may compute again by itself, from z.
        loosened: gives the result, its first argument, room for other ways to compute it.
        function: the equation, if it is no field of `Equations`.
        formula: then, as it is written.
    """

    name: str
    symbol: str
    tag: str
    field: str
    inputs: tuple[str, ...]
    shape: tuple[str, ...]
    part: str
    about: str
    code: str
    scaled: bool = False
    recomputed: tuple[str, ...] = ()
    loosened: Other | None = None
    function: Callable[..., Any] | None = None
    formula: str = ""


@dataclass(frozen=True)
class Row:
    """A quantity at its layer, None for the cost, in a network of some number of layers.

    Attributes:
        function: the equation.
        of_own: the same with a^l in the place of z^l, and f′ made of it; None if it has no f′ or a
            mask.
        activation: of the layer.
    """

    quantity: Quantity
    layer: int | None
    layers: int
    function: Callable[..., Any]
    of_own: Callable[..., Any] | None
    activation: Activation

    @cached_property
    def name(self) -> str:
        """Of the quantity, such as `delta2`."""
        return f"{self.quantity.name}{self.layer or ''}"

    @property
    def tag(self) -> str:
        """Of the equation, such as BP2."""
        return self.quantity.tag

    @property
    def field(self) -> str:
        """The equation, a field of `Equations`."""
        return self.quantity.field

    @property
    def formula(self) -> str:
        """The equation as the book writes it."""
        said = self.quantity.formula or (self.function.__doc__ or self.field).splitlines()[0]
        symbol = self.activation.symbol
        return said.replace("σ", symbol).replace("f′", f"{symbol}′")

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of its arguments: `w2` and `b2` are those before the step."""
        return self.placed(self.quantity.inputs)

    @cached_property
    def names(self) -> dict[str, str]:
        """The names of its arguments, by those without layers: `delta3` by `delta`."""
        bare = (each.rstrip("+-1") for each in self.quantity.inputs)
        return dict(zip(bare, self.inputs, strict=True))

    @cached_property
    def made(self) -> tuple[str, ...]:
        """Those inputs that the step computes."""
        return tuple(each for each in self.inputs if not is_given(each))

    @property
    def axes(self) -> tuple[str, ...]:
        """What its axes count, in words."""
        return tuple(AXES[each] for each in self.quantity.shape if each in AXES)

    def shape(self, sizes: Sequence[int], m: int) -> tuple[int, ...]:
        """Its shape in a network of these sizes, of m samples."""
        layer = self.layer or self.layers
        lengths = {"n": sizes[layer - 1], "below": sizes[layer - 2], "m": m, "1": 1}
        return tuple(lengths[each] for each in self.quantity.shape)

    def placed(self, inputs: Iterable[str]) -> tuple[str, ...]:
        """The names at this layer: a1, the layer below the first, is x."""
        layer = self.layer or self.layers
        names = []
        for each in inputs:
            quantity, offset = (each[:-2], int(each[-2:])) if each[-1].isdigit() else (each, 0)
            at = layer + offset
            first = quantity == "a" and at == 1
            names.append("x" if first else each if each in WHOLE else f"{quantity}{at}")
        return tuple(names)


Rows = Mapping[str, Row]


def is_given(name: str) -> bool:
    """Whether an input is what a step starts from, and not what it computes."""
    if name in GIVEN or name.startswith((OLD, PARTS)):
        return True
    return split(name)[0] in ("w", "b", MASK)


@dataclass(frozen=True, eq=False)
class PartBatch(Batch):
    """A mini-batch of several processes, or what one of them has of it, and what else is known.

    Attributes:
        known: more of what a step is given, by its name.
    """

    known: Mapping[str, Any] = field(default_factory=dict)


def given(
    parameters: Parameters, batch: Batch, eta: Any, decay: Any, constants: Mapping[str, Any] = {}
) -> dict[str, Any]:
    """What a step starts from, by the names that the inputs of rows have."""
    old = {f"{OLD}{name}": array for name, array in parameters.state.items()}
    rates = {"eta": eta, "decay": decay, **constants}
    known = batch.known if isinstance(batch, PartBatch) else {}
    return {**dict(parameters.named()), **old, **of_batch(batch), **rates, **known}


def of_batch(batch: Batch) -> dict[str, Any]:
    """The arrays of a mini-batch by the names that the inputs of rows have."""
    masks = {f"{MASK}{layer}": array for layer, array in enumerate(batch.masks, 2)}
    return {"x": batch.x, "y": batch.y, **masks}


def run(
    rows: Iterable[Row], evaluate: Callable[[Row, tuple[T, ...]], T], values: Mapping[str, T]
) -> dict[str, T]:
    """Walk the rows of a step.

    Args:
        rows: in causal order.
        evaluate: gives what later rows are to start from, of a row and its arguments.
        values: what is given: it stands before what is computed under the same name.

    Returns:
        What was evaluated, by the names of the rows.
    """
    made: dict[str, T] = {}
    for row in rows:
        arguments = tuple(values[name] if name in values else made[name] for name in row.inputs)
        made[row.name] = evaluate(row, arguments)
    return made
