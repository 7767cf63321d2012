"""Which equation gives a quantity, and from which other quantities.

Left out: the equations themselves (`reference.equations`).
"""

from dataclasses import dataclass

from reference.equations import BOOK, COSTS
from reference.step import split

TAGS = {
    "weighted_input": "Z",
    "activation": "A",
    "cost": "C",
    "output_error": "BP1",
    "hidden_error": "BP2",
    "bias_gradient": "BP3",
    "weight_gradient": "BP4",
    "updated_bias": "B",
    "updated_weight": "W",
}
"""The tag of each field of `Equations`, in causal order."""

_FIELDS = {
    "z": "weighted_input",
    "a": "activation",
    "cost": "cost",
    "nabla_b": "bias_gradient",
    "nabla_w": "weight_gradient",
    "b": "updated_bias",
    "w": "updated_weight",
}
_AXES = {
    "z": ("neuron", "sample"),
    "a": ("neuron", "sample"),
    "delta": ("neuron", "sample"),
    "cost": (),
    "nabla_b": ("neuron",),
    "b": ("neuron",),
    "nabla_w": ("neuron", "from neuron"),
    "w": ("neuron", "from neuron"),
}


@dataclass(frozen=True)
class EquationName:
    """An equation as it is named in messages."""

    tag: str  # BP2
    field: str  # hidden_error, the function in reference/equations.py
    formula: str


def field_of(name: str, layers: int) -> str:
    """The field of `Equations` that gives the quantity of this name."""
    quantity, layer = split(name)
    if quantity == "delta":
        return "output_error" if layer == layers else "hidden_error"
    return _FIELDS[quantity]


def equation_of(name: str, layers: int, cost: str) -> EquationName:
    """The equation that gives the quantity of this name, its formula being that of the cost."""
    field = field_of(name, layers)
    function = getattr(BOOK.with_cost(COSTS[cost]), field)
    return EquationName(TAGS[field], field, (function.__doc__ or field).splitlines()[0])


def inputs(name: str, layers: int) -> tuple[str, ...]:
    """The quantities that enter the equation of this one, besides the batch and the start."""
    quantity, layer = split(name)
    if layer is None:
        return (f"a{layers}",)
    below = (f"a{layer - 1}",) if layer > 2 else ()  # noqa: PLR2004 - a1 is x
    delta = (f"a{layer}",) if layer == layers else (f"delta{layer + 1}",)
    return {
        "z": below,
        "a": (f"z{layer}",),
        "delta": (f"z{layer}", *delta),
        "nabla_b": (f"delta{layer}",),
        "nabla_w": (f"delta{layer}", *below),
        "b": (f"nabla_b{layer}",),
        "w": (f"nabla_w{layer}",),
    }[quantity]


def axes_of(name: str) -> tuple[str, ...]:
    """What the axes of a quantity count, in words."""
    return _AXES[split(name)[0]]


def entry(name: str, index: tuple[int, ...]) -> str:
    """An entry in words: `neuron 2, sample 1`, counted from 0."""
    return ", ".join(f"{axis} {i}" for axis, i in zip(axes_of(name), index, strict=False))
