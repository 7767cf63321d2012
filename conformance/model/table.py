"""One step of gradient descent as a table: a row a quantity, in causal order.

A row says from what its quantity is computed, by which equation of `reference.equations`, and how
it is written. `run` walks the rows in any arithmetic; whoever evaluates a row decides what the
later ones are given. A test holds the table to `reference.backprop.step`. Left out: the
functions that a network is made of (`functions.py`), and formulas entry by entry (`formula.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, reduce
from math import ceil
from operator import mul
from types import MappingProxyType
from typing import Any, TypeVar

from conformance.model import updates
from conformance.model.functions import ACTIVATIONS, COSTS, ROUTES, Activation, Cost
from conformance.model.updates import SGD
from reference.equations import BOOK, Equations
from reference.families import behind, with_activation, with_dropout
from reference.step import STATE, Batch, Parameters, split
from reference.updates import OLD, UPDATES

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


def equations(cost: str = "quadratic", activation: str = "sigmoid") -> Equations:
    """The equations of a layer: the book's, with its activation and, at the output, its cost."""
    f, c = ACTIVATIONS[activation].book, COSTS[cost]
    at_output = behind(f, c.book) if activation in c.outputs else c.book
    made = with_activation(BOOK.with_cost(at_output), f)
    return with_dropout(made) if ACTIVATIONS[activation].masked else made


def of_layers(cost: str, activations: Iterable[str]) -> tuple[Equations, ...]:
    """The equations of each layer from 2 to L, of these activations."""
    return tuple(equations(cost, each) for each in activations)


def _of_own(cost: str, activation: str) -> Equations | None:
    """The same with f′ made of a in the place of z; None if it has no f′, or a is masked."""
    f, c = ACTIVATIONS[activation], COSTS[cost]
    if f.prime_of_a is None or f.masked:
        return None
    own = f.book._replace(prime=f.prime_of_a)
    at_output = behind(own, c.book) if activation in c.outputs and c.sloped(activation) else c.book
    return with_activation(BOOK.with_cost(at_output), own)


@lru_cache(maxsize=64)
def rows(
    layers: int,
    cost: str = "quadratic",
    activation: str | tuple[str, ...] = "sigmoid",
    update: str = SGD,
) -> Rows:
    """The rows of one step, by their names, in causal order.

    Args:
        layers: L, the input layer counted.
        cost: a name in `COSTS`.
        activation: a name in `ACTIVATIONS`, or those of the layers 2 … L.
        update: a name in `UPDATES`.
    """
    names = (activation,) * (layers - 1) if isinstance(activation, str) else activation

    def placed(layer: int | None, *tags: str) -> Iterator[Row]:
        name = names[(layer or layers) - 2]
        book, own = equations(cost, name), _of_own(cost, name)
        found = _quantities(cost, name, update)
        for quantity in (each for tag in tags for each in found if each.tag == tag):
            if quantity.tag == "V" and (quantity.name == "t") != (layer is None):
                continue
            of_own = getattr(own, quantity.field) if own and "prime" in quantity.code else None
            function = quantity.function or getattr(book, quantity.field)
            yield Row(quantity, layer, layers, function, of_own, ACTIVATIONS[name])

    upwards = range(2, layers + 1)
    found = [
        *(row for layer in upwards for row in placed(layer, "Z", "A")),
        *placed(None, "C"),
        *placed(layers, "BP1"),
        *(row for layer in reversed(upwards[:-1]) for row in placed(layer, "BP2")),
        *(row for layer in upwards for row in placed(layer, "BP3", "BP4")),
        *placed(None, "V"),
        *(row for layer in upwards for row in placed(layer, "V")),
        *(row for layer in upwards for row in placed(layer, "B", "W")),
    ]
    return MappingProxyType({row.name: row for row in found})


@lru_cache(maxsize=1024)
def tag_of(name: str, layers: int) -> str:
    """The tag of the equation that gives the quantity of this name."""
    quantity = split(name)[0]
    if quantity in STATE or quantity.startswith(REDUCED):
        return "R" if quantity.startswith(REDUCED) else "V"
    return rows(layers)[name].tag


def name_of(tag: str, layer: int) -> str:
    """The name of the quantity that the equation of this tag, but V, gives at a layer."""
    return NAMES[tag] if tag == "C" else f"{NAMES[tag]}{layer}"


def entry(name: str, index: tuple[int, ...]) -> str:
    """An entry in words: `neuron 2, sample 1`, counted from 0."""
    quantity, layer = split(name)
    of_parameter = layer and (quantity in STATE or quantity.startswith(REDUCED))
    like = f"{quantity[-1]}{layer}" if of_parameter else name.replace(MASK, "a")
    axes = () if quantity == "t" else rows(layer or 2)[like].axes
    return ", ".join(f"{axis} {i}" for axis, i in zip(axes, index, strict=False))


@lru_cache(maxsize=64)
def _quantities(cost: str, activation: str, update: str = SGD) -> tuple[Quantity, ...]:
    """The quantities of a layer with this activation, the cost behind it."""
    f, c = ACTIVATIONS[activation], COSTS[cost]
    moved = _DESCENT if update == SGD else tuple(_updated(update))
    return (*_forward(f, c), *_backward(f, c, sloped=c.sloped(activation)), *_GRADIENTS, *moved)


def _updated(update: str) -> Iterator[Quantity]:
    """The state and the parameters after a step by another rule than the book's."""
    shapes: dict[str, tuple[str, ...]] = {"t": (), "b": ("n", "1"), "w": ("n", "below")}
    for name, rule in UPDATES[update].rules.items():
        yield Quantity(
            *(name, updates.SYMBOLS[name], "V" if name in STATE else name.upper()),
            field=rule.function.__name__,
            inputs=rule.inputs,
            shape=shapes[name[-1]],
            part="Update",
            about=updates.ABOUT[name],
            code=updates.code(rule, name),
            loosened=None if name == "t" else Other(*updates.loosened(rule, name)),
            function=rule.function,
            formula=updates.formula(rule, name),
        )


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
        *("a", "a", "A", "activation", ("z", *f.mask), shape, part),
        about="the activations of layer {layer}",
        code=f"({f.code}) * mask" if f.masked else f.code,
        loosened=Other(f.mask, lambda a, *mask: a.loosened(f.routes, *map(abs, mask or (1,)))),
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

    def hidden(delta: Any, w: Any, above: Any, *mask: Any) -> Any:
        return delta.loosened(f.routes, reduce(mul, map(abs, mask), abs(w).T @ abs(above)))

    yield Quantity(
        *("delta", "δ", "BP1", "output_error", ("z", "a", "y"), shape, part),
        about="the error of the output layer, {layer}",
        code=f"({c.gradient_code}) * prime" if sloped else "a - y",
        scaled=True,
        recomputed=("a",),
        loosened=Other(("a", "y"), output) if sloped else None,
    )
    yield Quantity(
        *("delta", "δ", "BP2", "hidden_error", ("w+1", "delta+1", "z", *f.mask), shape, part),
        about="the error of layer {layer}",
        code="(w.T @ delta) * prime" + " * mask" * f.masked,
        scaled=True,
        loosened=Other(("w+1", "delta+1", *f.mask), hidden),
    )


def _loosened_update(updated: Any, before: Any, nabla: Any, eta: Any, x: Any) -> Any:
    """The m gradients of the samples may be subtracted one after another."""
    return updated.loosened(ROUTES + x.shape[1], abs(before) + abs(eta * nabla))


def _loosened_weight(updated: Any, w: Any, nabla: Any, eta: Any, x: Any) -> Any:
    """The same; the decay may be a part of the gradient, and η may enlarge an underflow."""
    loosened = _loosened_update(updated, w, nabla, eta, x)
    return loosened.widened(0, 2 + ceil(float(eta.value)))


_GRADIENTS = (
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
)

_DESCENT = (
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

NAMES = {each.tag: each.name for each in _quantities("quadratic", "sigmoid")}
TAGS = tuple(tag for each in NAMES for tag in (["V", each] if each == "B" else [each]))
"""The tags of all equations of one process, in causal order."""

CAUSAL = (*TAGS[: TAGS.index("V")], "R", *TAGS[TAGS.index("V") :])
"""The same, with R where gradients of several processes are reduced."""
