"""The conventions of a network with the book's interface: recognised, said aloud, respected.

How weights and biases are stored is read off the arrays that a new network has; how samples go in
and gradients come out, off a trial on a network whose layers all differ in size. Which of the
further parameters of an update are λ and n is told by their names: who names them so promises the
decay. Others are if they do what λ and n do, and what is neither keeps its default. Left out: what
the numbers are.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import pairwise, permutations
from typing import Any, NamedTuple

import numpy as np

from conformance.errors import SubjectError, UsageError
from conformance.subjects.near import alike, layers
from reference.step import Array

SAMPLES = {"columns": (-1, 1), "flat arrays": (-1,), "rows": (1, -1)}


@dataclass(frozen=True)
class Conventions:
    """How a network lays out its arrays."""

    transposed: bool = False  # weights are (n_{l-1}, n_l)
    bias: str = "columns"  # a key of SAMPLES
    sample: str = "columns"  # of backprop, a key of SAMPLES
    batch: str = ""  # of the other methods, a key of SAMPLES; empty if it is that of backprop
    weights_first: bool = False  # backprop returns (nabla_w, nabla_b)
    backwards: tuple[str, ...] = ()  # those of nabla_b, nabla_w whose last layer comes first
    dtype: str = "float64"  # of the gradients
    cost: str = "quadratic"
    stated: bool = True  # else the cost is that of the output error

    def said(self) -> list[str]:
        """The conventions that are not the book's, in words."""
        by_error = ": none is stated, and the output error is a − y"
        departures = {
            "weights stored as (n_{l-1}, n_l)": self.transposed,
            f"biases as {self.bias}": self.bias != "columns",
            f"samples as {self.sample}": self.sample != "columns",
            f"samples of mini-batches as {self.batch}": bool(self.batch),
            "backprop returns (nabla_w, nabla_b)": self.weights_first,
            f"backprop returns {' and '.join(self.backwards)} with the last layer first": bool(
                self.backwards
            ),
            self.dtype: self.dtype != "float64",
            f"{self.cost} cost{'' if self.stated else by_error}": self.cost != "quadratic",
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
        """A column of ours as backprop takes it."""
        return x.reshape(SAMPLES[self.sample])

    def batch_out(self, x: Array) -> Array:
        """A column of ours as feedforward takes it, and as it is in a mini-batch."""
        return x.reshape(SAMPLES[self.batch or self.sample])


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
    forms = {each: [np.empty(n).reshape(s).shape for n in above] for each, s in SAMPLES.items()}
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


LAMBDA = re.compile(r"(la?mb?d?a?|λ|l2|reg|regulari[sz]ation|weight_?decay)(_.*)?")
COUNTS = re.compile(r"n|size|total|(n|num|len|size)_?(of_?)?[a-z]+|[a-z]+_(n|size|len|length)")
TRIED, OTHER = (0.5, 4), 8  # λ and n of a trial, and another n; all quotients are exact
CLOSE = 1e-4  # of the largest entry; for recognising, not for judging


class Moved(NamedTuple):
    """The parameters of a network after an update, and its weights before, in its own layout."""

    before: Sequence[Array]
    w: Sequence[Array]
    b: Sequence[Array]


Trial = Callable[["DecayParameters", float, int], Moved | None]
"""Updates a network with λ and n by η = 1, always from the same start; None if it stops."""


@dataclass(frozen=True)
class DecayParameters:
    """By which keywords an update is given the decay.

    Attributes:
        lmbda: of λ, or of λ/n where there is no n; empty if it does not decay.
        n: of n; empty if it takes none.
        held: whether λ is no keyword, and a number that the network holds under this name.
    """

    lmbda: str = ""
    n: str = ""
    held: bool = False

    def given(self, net: Any, lmbda: float, n: int) -> dict[str, Any]:
        """The keywords of a step with this λ and n; a network that holds λ is given it."""
        keywords = {self.n: n} if self.n else {}
        own = {self.lmbda: lmbda if self.n else lmbda / n} if self.lmbda else {}
        if not self.held:
            return {**own, **keywords}
        for name, value in own.items():
            setattr(net, name, value)
        return keywords

    def said(self) -> Iterator[str]:
        """The departures from the book, in words."""
        name = f"self.{self.lmbda}" if self.held else self.lmbda
        if self.lmbda and (name, self.n) != ("lmbda", "n"):
            yield f"λ as `{name}`, n as `{self.n}`" if self.n else f"λ/n as `{name}`"


def decay_parameters(
    further: Mapping[str, inspect.Parameter], held: Sequence[str], trial: Trial, name: str
) -> DecayParameters:
    """What λ and n are: parameters behind the mini-batch and η, or λ a number that is held.

    Args:
        further: these parameters.
        held: the names of the numbers that a network holds.
        trial: shows what they do.
        name: of the class.

    Raises:
        UsageError: one must be given, and nobody knows what it is.
    """
    found = _of_parameters(further, trial, name)
    own = DecayParameters(_first(LAMBDA, held), found.n or _first(COUNTS, further), held=True)
    return own if not found.lmbda and _acts(own, trial) else found


def _of_parameters(
    further: Mapping[str, inspect.Parameter], trial: Trial, name: str
) -> DecayParameters:
    needed = [key for key, each in further.items() if each.default is inspect.Parameter.empty]
    if (
        needed and trial(DecayParameters(), 0.0, 1) is not None
    ):  # it is wrapped, and takes other arguments than it says
        needed = []
    lmbda = _first(LAMBDA, further)
    n = _first(COUNTS, [key for key in further if key != lmbda])
    unknown = [key for key in needed if key not in (lmbda, n)]
    if lmbda in needed and not n and len(unknown) == 1:
        n, unknown = unknown[0], []
    if not unknown:
        found = DecayParameters(lmbda, n)
        return found if lmbda in needed or _acts(found, trial) else _idle(n, needed)
    pairs = (DecayParameters(*pair) for pair in permutations(needed, 2) if len(needed) == 2)  # noqa: PLR2004 - λ and n
    found_pair = next((pair for pair in pairs if _is_decay(pair, trial)), None)
    if found_pair is None:
        raise UsageError(
            f"{name}: update_mini_batch asks for `{'`, `'.join(unknown)}`, which "
            "is neither λ nor n: give it a default"
        )
    return found_pair


def _first(pattern: re.Pattern[str], names: Sequence[str] | Mapping[str, Any]) -> str:
    return next((each for each in names if pattern.fullmatch(each.lower())), "")


def _idle(n: str, needed: Sequence[str]) -> DecayParameters:
    """No decay; n must be given all the same if it has no default."""
    return DecayParameters("", n if n in needed else "")


def _acts(found: DecayParameters, trial: Trial) -> bool:
    """Whether λ does something; where it stands for λ/n, whether it does just that."""
    if not found.lmbda:
        return False
    without, moved = trial(found, 0.0, TRIED[1]), trial(found, *TRIED)
    if without is None or moved is None:
        return False
    if found.n:
        return not _equal(without.w, moved.w) or not _equal(without.b, moved.b)
    rate = TRIED[0] / TRIED[1]
    arrays = zip(without.w, moved.w, moved.before, strict=True)
    return all(alike(one - other, rate * before, CLOSE) for one, other, before in arrays)


def _is_decay(found: DecayParameters, trial: Trial) -> bool:
    """Whether two parameters act on the weights alone, and the second only beside the first."""
    tried = TRIED, (0.0, TRIED[1]), (0.0, OTHER)
    moved, without, other = (trial(found, *each) for each in tried)
    if moved is None or without is None or other is None:
        return False
    alone = _equal(without.w, other.w) and _equal(without.b, other.b)
    return alone and _equal(moved.b, without.b) and not _equal(moved.w, without.w)


def _equal(first: Sequence[Array], second: Sequence[Array]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
