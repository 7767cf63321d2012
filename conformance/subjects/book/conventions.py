"""The conventions of a network with the book's interface: recognised, said aloud, respected.

How weights and biases are stored is read off the arrays that a new network has; how samples go in
and gradients come out, off a trial on a network whose layers all differ in size. Left out: what
the numbers are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from conformance.errors import SubjectError
from conformance.subjects.real import layers
from reference.step import Array

SAMPLES = {"columns": (-1, 1), "flat arrays": (-1,), "rows": (1, -1)}


@dataclass(frozen=True)
class Conventions:
    """How a network lays out its arrays."""

    transposed: bool = False  # weights are (n_{l-1}, n_l)
    bias: str = "columns"  # a key of SAMPLES
    sample: str = "columns"  # a key of SAMPLES
    weights_first: bool = False  # backprop returns (nabla_w, nabla_b)
    backwards: tuple[str, ...] = ()  # those of nabla_b, nabla_w whose last layer comes first
    dtype: str = "float64"  # of the gradients
    cost: str = "quadratic"

    def said(self) -> list[str]:
        """The conventions that are not the book's, in words."""
        departures = {
            "weights stored as (n_{l-1}, n_l)": self.transposed,
            f"biases as {self.bias}": self.bias != "columns",
            f"samples as {self.sample}": self.sample != "columns",
            "backprop returns (nabla_w, nabla_b)": self.weights_first,
            f"backprop returns {' and '.join(self.backwards)} with the last layer first": bool(
                self.backwards
            ),
            self.dtype: self.dtype != "float64",
            f"{self.cost} cost": self.cost != "quadratic",
        }
        return [words for words, departs in departures.items() if departs]

    def weight_out(self, w: Array) -> Array:
        """A weight array of ours as the network stores it."""
        return w.T.copy() if self.transposed else w

    def weight_in(self, w: Any) -> Any:
        """A weight array, or its gradient, of the network as ours (n_l, n_{l-1})."""
        return w.T if self.transposed else w

    def bias_out(self, b: Array) -> Array:
        """A bias array of ours as the network stores it."""
        return b.reshape(SAMPLES[self.bias])

    def sample_out(self, x: Array) -> Array:
        """A column of ours as the network takes it."""
        return x.reshape(SAMPLES[self.sample])


def storage(
    weights: Sequence[Any], biases: Sequence[Any], sizes: tuple[int, ...]
) -> Conventions | str:
    """How a new network of these sizes stores its parameters, or what does not fit."""
    shapes = [np.shape(w) for w in weights], [np.shape(b) for b in biases]
    below, above = sizes[:-1], sizes[1:]
    straight = [(n, k) for n, k in zip(above, below, strict=True)]
    turned = [shape[::-1] for shape in straight]
    if shapes[0] not in (straight, turned):
        found = f"`weights` have shapes {shapes[0]}, expected {straight} or {turned}"
        return f"{_mixed(shapes[0], straight)}{found}"
    forms = {"columns": [(n, 1) for n in above], "flat arrays": [(n,) for n in above]}
    forms["rows"] = [(1, n) for n in above]
    for name, expected in forms.items():
        if shapes[1] == expected:
            return Conventions(transposed=shapes[0] == turned, bias=name)
    return f"`biases` have shapes {shapes[1]}, expected {forms['columns']} or flat"


def _mixed(shapes: Sequence[tuple[int, ...]], straight: Sequence[tuple[int, ...]]) -> str:
    """Which weights are stored transposed, if it is not all and the others are not."""
    if len(shapes) != len(straight):
        return ""
    pairs = list(enumerate(zip(shapes, straight, strict=True), 2))
    turned = [layer for layer, (shape, right) in pairs if shape != right]
    fits = all(shape in (right, right[::-1]) for _, (shape, right) in pairs)
    which = " and ".join(f"w{layer}" for layer in turned)
    return f"{which} stored transposed, the others not: " if fits and turned else ""


class Pair(NamedTuple):
    """What backprop returns."""

    weights_first: bool = False
    backwards: tuple[str, ...] = ()  # those of nabla_b, nabla_w whose last layer comes first
    problem: str = ""


def pair(returned: Any, sizes: tuple[int, ...]) -> Pair:
    """The order of a gradient pair, or what is wrong with it.

    Raises:
        SubjectError: it is no pair of lists with an array a layer.
    """
    if not isinstance(returned, tuple | list) or len(returned) != 2:  # noqa: PLR2004 - a pair
        raise SubjectError(f"backprop returned {_kind(returned)}, expected (nabla_b, nabla_w)")
    counts = [_counts(part, f"backprop(x, y)[{i}]") for i, part in enumerate(returned)]
    if any(len(count) != len(sizes) - 1 for count in counts):
        raise SubjectError(
            f"backprop returned lists of {' and '.join(str(len(c)) for c in counts)} arrays, "
            f"expected {len(sizes) - 1} each with sizes {list(sizes)}"
        )
    biases = list(sizes[1:])
    weights = [n * k for k, n in pairwise(sizes)]
    for backwards in ((), ("nabla_b", "nabla_w"), ("nabla_b",), ("nabla_w",)):
        b = biases[::-1] if "nabla_b" in backwards else biases
        w = weights[::-1] if "nabla_w" in backwards else weights
        if counts in ([b, w], [w, b]):
            return Pair(counts != [b, w], backwards)
    turned = counts[0] != biases and (counts[0] == weights or counts[1] == biases)
    problem = (
        f"returned arrays with {counts} entries, expected {biases} for nabla_b and {weights} for "
        f"nabla_w with sizes {list(sizes)}"
    )
    return Pair(turned, problem=problem)


def taken_apart(returned: Any) -> Any:
    """What backprop returns as a tuple of lists, if its caller can take it apart to that.

    A dict gives its values, one with a layer as each key in the order of the layers.
    """
    if is_dataclass(returned) and not isinstance(returned, Iterable):
        returned = tuple(getattr(returned, each.name) for each in fields(returned))
    if isinstance(returned, list | tuple | np.ndarray | str) or not isinstance(returned, Iterable):
        pair = returned
    else:
        pair = tuple(returned.values() if isinstance(returned, Mapping) else returned)
    if not isinstance(pair, list | tuple):
        return pair
    return tuple(map(_listed, pair))


def _listed(part: Any) -> Any:
    if isinstance(part, Mapping):
        numbered = all(isinstance(each, int) for each in part)
        return [part[each] for each in (sorted(part) if numbered else part)]
    apart = not isinstance(part, Iterable) or hasattr(part, "dtype") or isinstance(part, str | list)
    return part if apart or isinstance(part, tuple) else list(part)


def _counts(part: Any, what: str) -> list[int]:
    if not isinstance(part, tuple | list | np.ndarray):
        raise SubjectError(f"backprop returned {_kind(part)} among its pair, expected a list")
    return [int(np.size(each)) for each in layers(part, what)]


def _kind(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
