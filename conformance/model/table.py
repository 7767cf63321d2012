"""One step of gradient descent as a table: a row a quantity, in causal order.

A test holds the table to `reference.backprop.step`. In a step of several processes R stands between
the gradients and the update, which takes what R gives. Left out: the quantities themselves
(`quantities.py`), and what a row is (`row.py`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from conformance.model.functions import ACTIVATIONS, COSTS
from conformance.model.quantities import quantities
from conformance.model.row import MASK, PARTS, REDUCED, Quantity, Row, Rows
from conformance.model.update_kinds import SGD
from reference.equations import BOOK, Equations, reduced_gradient
from reference.families import behind, with_activation, with_dropout
from reference.step import STATE, split

NABLA = "nabla_"


def part_name(name: str) -> str:
    """The name under which R is given the gradients of all processes: `parts_w2` of `nabla_w2`."""
    return name.replace(NABLA, PARTS)


def reduced_name(name: str) -> str:
    """The name of what R gives of them: `reduced_w2` of `nabla_w2`."""
    return name.replace(NABLA, REDUCED)


@lru_cache(maxsize=64)
def reduced_rows(
    layers: int,
    cost: str = "quadratic",
    activation: str | tuple[str, ...] = "sigmoid",
    update: str = SGD,
) -> Rows:
    """As `rows` of the table, with R between BP4 and the update."""
    found = list(rows(layers, cost, activation, update).values())
    gradients = [row for row in found if row.quantity.name.startswith(NABLA)]
    last = found.index(gradients[-1]) + 1
    updates = (replace(row, quantity=_of_reduced(row.quantity)) for row in found[last:])
    placed = (*found[:last], *map(_reduced, gradients), *updates)
    return MappingProxyType({row.name: row for row in placed})


def _reduced(row: Row) -> Row:
    """R, by the gradient of one process."""
    gradient, parts = row.quantity, part_name(row.quantity.name)
    quantity = Quantity(
        reduced_name(gradient.name),
        *(gradient.symbol, "R", reduced_gradient.__name__, (parts, "counts")),
        *(gradient.shape, gradient.part),
        about=f"{gradient.about}, of all processes",
        code=f"(counts * {parts}).sum(axis=0) / counts.sum()",
        scaled=True,
    )
    return replace(row, quantity=quantity, function=reduced_gradient, of_own=None)


def _of_reduced(update: Quantity) -> Quantity:
    """An update that takes what R gives."""
    loosened = update.loosened and replace(
        update.loosened, inputs=tuple(map(reduced_name, update.loosened.inputs))
    )
    inputs, code = tuple(map(reduced_name, update.inputs)), reduced_name(update.code)
    return replace(update, inputs=inputs, code=code, loosened=loosened)


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
        found = quantities(cost, name, update)
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
        *(row for layer in (None, *upwards) for row in placed(layer, "V")),
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


NAMES = {each.tag: each.name for each in quantities("quadratic", "sigmoid")}
TAGS = tuple(tag for each in NAMES for tag in (["V", each] if each == "B" else [each]))
"""The tags of all equations of one process, in causal order."""

CAUSAL = (*TAGS[: TAGS.index("V")], "R", *TAGS[TAGS.index("V") :])
"""The same, with R where gradients of several processes are reduced."""
