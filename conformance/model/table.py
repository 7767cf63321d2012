"""One step of gradient descent as a table: a row a quantity, in causal order.

A row says from what its quantity is computed, by which equation of `reference.equations`, and how
it is written. `run` walks the rows in any arithmetic; whoever evaluates a row decides what the
later ones are given. A test holds the table to `reference.backprop.step`. Left out: the
functions that a network is made of (`functions.py`), and formulas entry by entry (`formula.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from math import ceil
from types import MappingProxyType
from typing import Any, TypeVar

from conformance.model.functions import ACTIVATIONS, COSTS, ROUTES, Activation, Cost
from reference.equations import BOOK, Equations, reduced_gradient
from reference.families import behind, with_activation
from reference.step import Batch, Parameters, split

GIVEN = ("x", "y", "eta", "decay", "counts")
"""What a step is given beside the parameters; `decay` is λ/n, `counts` are the m_r of R."""

PARTS = {"nabla_b": "parts_b", "nabla_w": "parts_w"}
"""The names of the gradients of all processes or micro-batches, which are given to R."""

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
        field: the equation, a field of `reference.equations.Equations`.
        inputs: its arguments in their order, `delta+1` being that of the layer above.
        shape: of n, below, m and 1; see `AXES`.
        part: of the step.
        about: what it is, in words with {layer}.
        code: the equation as NumPy code of the inputs without their offsets, m, and of f′ as
            `prime`.
        scaled: whether programs may put the 1/m elsewhere in what they show of it.
        recomputed: inputs that a program may compute again by itself, from z.
        loosened: gives the result, its first argument, room for other ways to compute it.
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


@dataclass(frozen=True)
class Row:
    """A quantity at its layer, None for the cost, in a network of some number of layers.

    Attributes:
        function: the equation.
        of_own: the same with a^l in the place of z^l, and f′ made of it; None if it has no f′.
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
        said = (self.function.__doc__ or self.field).splitlines()[0]
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
            names.append("x" if first else each if each in GIVEN else f"{quantity}{at}")
        return tuple(names)


Rows = Mapping[str, Row]


def is_given(name: str) -> bool:
    """Whether an input is what a step starts from, and not what it computes."""
    return name in GIVEN or split(name)[0] in ("w", "b", *PARTS.values())


@dataclass(frozen=True, eq=False)
class PartBatch(Batch):
    """A mini-batch of several processes, or what one of them has of it; with what else is known.

    Attributes:
        known: more of what a step is given, by its name.
    """

    known: Mapping[str, Any] = field(default_factory=dict)


def given(parameters: Parameters, batch: Batch, eta: Any, decay: Any) -> dict[str, Any]:
    """What a step starts from, by the names that the inputs of rows have."""
    known = batch.known if isinstance(batch, PartBatch) else {}
    named = {"x": batch.x, "y": batch.y, "eta": eta, "decay": decay}
    return {**dict(parameters.named()), **named, **known}


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


def equations(cost: str = "quadratic", activation: str = "sigmoid") -> Equations:
    """The equations of a layer: the book's, with its activation and, at the output, its cost."""
    f, c = ACTIVATIONS[activation].book, COSTS[cost]
    at_output = behind(f, c.book) if activation in c.outputs else c.book
    return with_activation(BOOK.with_cost(at_output), f)


def of_layers(cost: str, activations: Iterable[str]) -> tuple[Equations, ...]:
    """The equations of each layer from 2 to L, of these activations."""
    return tuple(equations(cost, each) for each in activations)


def _of_own(cost: str, activation: str) -> Equations | None:
    """The same with f′ made of a in the place of z; None if it has no f′."""
    f, c = ACTIVATIONS[activation], COSTS[cost]
    if f.prime_of_a is None:
        return None
    own = f.book._replace(prime=f.prime_of_a)
    at_output = behind(own, c.book) if activation in c.outputs and c.sloped(activation) else c.book
    return with_activation(BOOK.with_cost(at_output), own)


@lru_cache(maxsize=64)
def rows(
    layers: int, cost: str = "quadratic", activation: str | tuple[str, ...] = "sigmoid"
) -> Rows:
    """The rows of one step, by their names, in causal order.

    Args:
        layers: L, the input layer counted.
        cost: a name in `COSTS`.
        activation: a name in `ACTIVATIONS`, or those of the layers 2 … L.
    """
    names = (activation,) * (layers - 1) if isinstance(activation, str) else activation

    def placed(layer: int | None, *tags: str) -> Iterator[Row]:
        name = names[(layer or layers) - 2]
        book, own = equations(cost, name), _of_own(cost, name)
        for quantity in (_quantities(cost, name)[tag] for tag in tags):
            of_own = getattr(own, quantity.field) if own and "prime" in quantity.code else None
            function = getattr(book, quantity.field)
            yield Row(quantity, layer, layers, function, of_own, ACTIVATIONS[name])

    upwards = range(2, layers + 1)
    found = [
        *(row for layer in upwards for row in placed(layer, "Z", "A")),
        *placed(None, "C"),
        *placed(layers, "BP1"),
        *(row for layer in reversed(upwards[:-1]) for row in placed(layer, "BP2")),
        *(row for layer in upwards for row in placed(layer, "BP3", "BP4")),
        *(row for layer in upwards for row in placed(layer, "B", "W")),
    ]
    return MappingProxyType({row.name: row for row in found})


@lru_cache(maxsize=64)
def reduced_rows(
    layers: int, cost: str = "quadratic", activation: str | tuple[str, ...] = "sigmoid"
) -> Rows:
    """As `rows`, with R between BP4 and the update, which takes what R gives."""
    found = list(rows(layers, cost, activation).values())
    first = next(i for i, row in enumerate(found) if row.tag == "B")
    reductions = [
        replace(row, quantity=_REDUCED[row.quantity.name], function=reduced_gradient, of_own=None)
        for row in found[:first]
        if row.quantity.name in _REDUCED
    ]
    updates = [replace(row, quantity=_of_reduced(row.quantity)) for row in found[first:]]
    return MappingProxyType({row.name: row for row in (*found[:first], *reductions, *updates)})


def tag_of(name: str, layers: int) -> str:
    """The tag of the equation that gives the quantity of this name."""
    return reduced_rows(layers)[name].tag


def name_of(tag: str, layer: int) -> str:
    """The name of the quantity that the equation of this tag gives at a layer."""
    return _NAMES[tag] if tag == "C" else f"{_NAMES[tag]}{layer}"


def entry(name: str, index: tuple[int, ...]) -> str:
    """An entry in words: `neuron 2, sample 1`, counted from 0."""
    axes = reduced_rows(split(name)[1] or 2)[name].axes
    return ", ".join(f"{axis} {i}" for axis, i in zip(axes, index, strict=False))


@lru_cache(maxsize=64)
def _quantities(cost: str, activation: str) -> Mapping[str, Quantity]:
    """The quantities of a layer with this activation, the cost behind it, by their tags."""
    f, c = ACTIVATIONS[activation], COSTS[cost]
    found = (*_forward(f, c), *_backward(f, c, sloped=c.sloped(activation)), *_DESCENT)
    return {each.tag: each for each in found}


def _forward(f: Activation, c: Cost) -> Iterator[Quantity]:
    part, shape = "Forward", ("n", "m")
    yield Quantity(
        *("z", "z", "Z", "weighted_input", ("w", "a-1", "b"), shape, part),
        about="the weighted inputs of layer {layer}",
        code="w @ a + b",
        # the sum may begin with the bias
        loosened=Other(("w", "b"), lambda z, w, b: z.loosened(w.shape[1], abs(b))),
    )
    yield Quantity(
        *("a", "a", "A", "activation", ("z",), shape, part),
        about="the activations of layer {layer}",
        code=f.code,
        loosened=Other((), lambda a: a.loosened(f.routes, 1)),
    )
    yield Quantity(
        *("cost", "C", "C", "cost", ("a", "y"), (), part),
        about="the cost",
        code=c.code,
        recomputed=("a",),
        loosened=Other(("z",), c.loosened) if c.loosened else None,
    )


def _backward(f: Activation, c: Cost, *, sloped: bool) -> Iterator[Quantity]:
    """The errors; `sloped` if that of the output has an f′."""
    part, shape = "Backward", ("n", "m")

    def output(delta: Any, a: Any, y: Any) -> Any:
        return delta.loosened(f.routes, abs(c.gradient(a, y)))

    def hidden(delta: Any, w: Any, above: Any) -> Any:
        return delta.loosened(f.routes, abs(w).T @ abs(above))

    yield Quantity(
        *("delta", "δ", "BP1", "output_error", ("z", "a", "y"), shape, part),
        about="the error of the output layer, {layer}",
        code=f"({c.gradient_code}) * prime" if sloped else "a - y",
        scaled=True,
        recomputed=("a",),
        loosened=Other(("a", "y"), output) if sloped else None,
    )
    yield Quantity(
        *("delta", "δ", "BP2", "hidden_error", ("w+1", "delta+1", "z"), shape, part),
        about="the error of layer {layer}",
        code="(w.T @ delta) * prime",
        scaled=True,
        loosened=Other(("w+1", "delta+1"), hidden),
    )


def _loosened_update(updated: Any, before: Any, nabla: Any, eta: Any, x: Any) -> Any:
    """The m gradients of the samples may be subtracted one after another."""
    return updated.loosened(ROUTES + x.shape[1], abs(before) + abs(eta * nabla))


def _loosened_weight(updated: Any, w: Any, nabla: Any, eta: Any, x: Any) -> Any:
    """The same; the decay may be a part of the gradient, and η may enlarge an underflow."""
    loosened = _loosened_update(updated, w, nabla, eta, x)
    return loosened.widened(0, 2 + ceil(float(eta.value)))


_DESCENT = (
    Quantity(
        *("nabla_b", "∇b", "BP3", "bias_gradient", ("delta",), ("n", "1"), "Gradient"),
        about="the gradient of the biases of layer {layer}",
        code="delta.sum(axis=1, keepdims=True) / m",
        scaled=True,
    ),
    Quantity(
        *("nabla_w", "∇w", "BP4", "weight_gradient", ("delta", "a-1"), ("n", "below"), "Gradient"),
        about="the gradient of the weights into layer {layer}",
        code="delta @ a.T / m",
        scaled=True,
    ),
    Quantity(
        *("b", "b", "B", "updated_bias", ("b", "nabla_b", "eta"), ("n", "1"), "Update"),
        about="the new biases of layer {layer}",
        code="b - eta * nabla_b",
        loosened=Other(("b", "nabla_b", "eta", "x"), _loosened_update),
    ),
    Quantity(
        *("w", "w", "W", "updated_weight", ("w", "nabla_w", "eta", "decay"), ("n", "below")),
        part="Update",
        about="the new weights into layer {layer}",
        code="((1 - eta * lmbda / n) * w if lmbda else w) - eta * nabla_w",
        loosened=Other(("w", "nabla_w", "eta", "x"), _loosened_weight),
    ),
)

_REDUCED = {
    gradient.name: Quantity(
        gradient.name.replace("nabla", "reduced"),
        *(gradient.symbol, "R", "reduced_gradient", (PARTS[gradient.name], "counts")),
        *(gradient.shape, "Gradient"),
        about=f"{gradient.about}, of all processes",
        code=f"(counts * {PARTS[gradient.name]}).sum(axis=0) / counts.sum()",
        scaled=True,
    )
    for gradient in _DESCENT
    if gradient.name in PARTS
}
"""R, by the gradients of the single process."""


def _of_reduced(update: Quantity) -> Quantity:
    """The update from what R gives."""

    def placed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each.replace("nabla", "reduced") for each in names)

    loosened = update.loosened and replace(update.loosened, inputs=placed(update.loosened.inputs))
    code = update.code.replace("nabla", "reduced")
    return replace(update, inputs=placed(update.inputs), code=code, loosened=loosened)


_NAMES = {tag: each.name for tag, each in _quantities("quadratic", "sigmoid").items()}
TAGS = tuple(_NAMES)
"""The tags of all equations, in causal order."""

CAUSAL = (*TAGS[: TAGS.index("B")], "R", *TAGS[TAGS.index("B") :])
"""The same, with R where gradients of several processes are reduced."""
