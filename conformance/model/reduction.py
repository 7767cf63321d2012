"""A step of several processes: R between the gradients and the update, which takes what R gives.

Left out: the step of one process (`table.py`).
"""

from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from conformance.model.row import PARTS, REDUCED, Quantity, Row, Rows
from conformance.model.table import rows
from conformance.model.updates import SGD
from reference.equations import reduced_gradient

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
