"""The quantities of one step at any layer: the content of the table.

Left out: their rows in a network (`table.py`), the functions that a network is made of
(`functions.py`), and formulas entry by entry (`formula.py`).
"""

from collections.abc import Iterator
from functools import lru_cache, reduce
from math import ceil
from operator import mul
from typing import Any

from conformance.model import update_kinds as updates
from conformance.model.functions import ACTIVATIONS, COSTS, ROUTES, Activation, Cost
from conformance.model.row import Other, Quantity
from conformance.model.update_kinds import SGD
from reference.step import STATE
from reference.updates import UPDATES


@lru_cache(maxsize=64)
def quantities(cost: str, activation: str, update: str = SGD) -> tuple[Quantity, ...]:
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
