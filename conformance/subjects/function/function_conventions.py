"""How `step(weights, biases, x, y, eta)` is called, and in which layout and scale it answers.

Left out: how that is recognised (`trial.py`).
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.running.quiet import quiet
from conformance.running.tracebacks import call
from conformance.subjects.book.book_conventions import SAMPLES
from conformance.subjects.near import all_same
from reference.step import Array, Batch, Parameters, split

Quantities = dict[str, Array]


@dataclass(frozen=True)
class FunctionConventions:
    """How a function lays out and scales its arrays; `forms` is by quantity."""

    rows: bool = False  # x is (m, n_1), y is (m, n_L)
    bias: str = "columns"  # a key of SAMPLES
    transposed: bool = False  # weights are (n_{l-1}, n_l)
    forms: Mapping[str, str] = field(default_factory=dict)  # "turned" or "flat"
    summed: bool = False  # nabla over the mini-batch
    total: bool = False  # cost over the mini-batch
    divided: bool = False  # delta holds the 1/m
    dtypes: tuple[str, ...] = ("float64",)
    cost: str = "quadratic"

    def said(self) -> tuple[str, ...]:
        """The conventions that are not the project's, in words."""
        turned = [each for each in ("z", "a", "delta") if self.forms.get(each) == "turned"]
        flat = [each for each in ("nabla_b", "b") if self.forms.get(each) == "flat"]
        departures = {
            "samples as rows": self.rows,
            f"biases as {self.bias}": self.bias != "columns",
            "weights stored as (n_{l-1}, n_l)": self.transposed,
            f"{', '.join(turned)} shown as rows": turned and not self.rows,
            f"{', '.join(flat)} shown flat": flat and self.bias == "columns",
            "nabla summed over the mini-batch": self.summed,
            "cost summed over the mini-batch": self.total,
            "delta holds the 1/m": self.divided,
            "float32": self.dtypes == ("float32",),
            "cross-entropy cost": self.cost != "quadratic",
        }
        return tuple(words for words, departs in departures.items() if departs)

    def theirs(
        self, parameters: Parameters, batch: Batch
    ) -> tuple[list[Array], list[Array], Array, Array]:
        """Copies of weights, biases, x and y as the function takes them."""
        w = [np.array(each.T if self.transposed else each, order="C") for each in parameters.w]
        b = [np.array(each).reshape(SAMPLES[self.bias]) for each in parameters.b]
        x, y = (np.array(each.T if self.rows else each, order="C") for each in (batch.x, batch.y))
        return w, b, x, y

    def ours(self, shown: Quantities, m: int) -> Quantities:
        """Quantities of the function in the project's layout and scale."""
        return {n: self.scaled(n, self.laid(n, array), m) for n, array in shown.items()}

    def laid(self, name: str, array: Array) -> Array:
        """A quantity of the function in the project's layout."""
        form = self.forms.get(split(name)[0])
        if form == "turned" and array.ndim == 2:  # noqa: PLR2004 - a matrix
            return array.T
        flat = array.ndim == 1 or array.shape[:1] == (1,)
        return array.reshape(-1, 1) if form == "flat" and flat else array

    def scaled(self, name: str, array: Array, m: int) -> Array:
        """What the function shows of a quantity in the project's scale."""
        factor = self.factor(name, m)
        if factor == 1:
            return array
        return np.asarray(array / m if factor > 1 else array * m)

    def factor(self, name: str, m: int) -> float:
        """What the function shows is so many times the quantity."""
        quantity = split(name)[0]
        if quantity == "delta" and self.divided:
            return 1 / m
        summed = self.total if quantity == "cost" else self.summed and quantity.startswith("nabla")
        return float(m) if summed else 1.0


def forms_of(
    shown: Quantities, right: Mapping[str, tuple[int, ...]], *, transposed: bool
) -> dict[str, str]:
    """How each quantity is laid out, from the shapes alone; a mixture has no form."""
    names = [name for name in shown if name in right]
    forms = dict.fromkeys(("w", "nabla_w"), "turned") if transposed else {}
    samples = [name for name in names if split(name)[0] in ("z", "a", "delta")]
    if samples and all(shown[name].shape == right[name][::-1] for name in samples):
        forms |= dict.fromkeys(("z", "a", "delta"), "turned")
    for quantity in ("b", "nabla_b"):
        arrays = [
            (shown[name].shape, right[name][0]) for name in names if split(name)[0] == quantity
        ]
        if arrays and all(shape in ((n,), (1, n)) for shape, n in arrays):
            forms[quantity] = "flat"
    return forms


def are_of_layers(returned: Any, arguments: Sequence[Any]) -> bool:
    """Whether a function returned two lists in the shapes of the weights and the biases it took."""
    lists = isinstance(returned, list | tuple) and len(returned) == 2  # noqa: PLR2004 - a pair
    given = sorted(_shapes(part) for part in arguments[:2])
    return lists and all(given) and sorted(_shapes(part) for part in returned) == given


def _shapes(part: Any) -> list[tuple[int, ...]]:
    return [np.shape(each) for each in part] if isinstance(part, list | tuple) else []


def by_names(returned: Any, arguments: Sequence[Any], *, moved: bool = True) -> dict[str, Any]:
    """Two lists, of the weights and the biases or the reverse, by the names of the quantities.

    Args:
        returned: the lists.
        arguments: what the function took.
        moved: whether they are the parameters after the update, and no gradients.
    """
    w, b = returned if _shapes(returned[0]) == _shapes(arguments[0]) else returned[::-1]
    start = "" if moved else "nabla_"
    return {f"{start}{k}{n}": e for k, part in (("w", w), ("b", b)) for n, e in enumerate(part, 2)}


class CalledFunction:
    """A function and how to call it."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        """Look at the keywords that it names."""
        self.function, self.name = function, name
        self.taken = {"lmbda", "n", "cost"} & set(inspect.signature(function).parameters)
        self.decays = {"lmbda", "n"} <= self.taken
        self._moved: bool | None = None  # whether two lists that it returns are new parameters

    def raw(
        self, c: FunctionConventions, case: Case, parameters: Parameters, batch: Batch
    ) -> tuple[Any, Batch]:
        """What the function returns, called in some conventions, and the samples as it left them.

        Raises:
            SubjectError: it returned no dict.
        """
        w, b, x, y = c.theirs(parameters, batch)
        with quiet():
            returned = self.returned(case, (w, b, x, y, case.eta))
        return returned, Batch(x.T, y.T) if c.rows else Batch(x, y)

    def returned(self, case: Case, arguments: tuple[Any, ...]) -> Mapping[Any, Any]:
        """What the function returns of arguments as it takes them.

        Raises:
            SubjectError: it returned no dict.
        """
        lmbda = case.lmbda if self.decays else 0.0
        known = {"lmbda": lmbda, "n": case.n, "cost": case.cost}
        keywords = {key: known[key] for key in self.taken}
        returned = call(self.function, *arguments, **keywords)
        if are_of_layers(returned, arguments):
            if self._moved is None:
                w, b = ([np.array(each) for each in part] for part in arguments[:2])
                still = call(self.function, w, b, *arguments[2:4], 0.0, **keywords)
                self._moved = all_same(by_names(still, arguments), by_names((w, b), arguments))
            returned = by_names(returned, arguments, moved=self._moved)
        if not isinstance(returned, Mapping):
            raise SubjectError(
                f"{self.name} returned a {type(returned).__name__}, expected a dict of quantities "
                "by their names (`z2`, `delta3`, `nabla_w2`, …), or two lists: weights and biases"
            )
        return returned

    def numbers(self, returned: Mapping[Any, Any], dtype: DTypeLike) -> Quantities:
        """What it returned as arrays; a list or a plain number, which has no dtype, gets this one.

        Raises:
            SubjectError: a value is no array of real numbers.
        """
        return {key: self._numbers(key, value, dtype) for key, value in returned.items()}

    def _numbers(self, key: object, value: Any, dtype: DTypeLike) -> Array:
        if not isinstance(key, str):
            raise SubjectError(f"{self.name} returned the key {key!r}, expected names such as `z2`")
        if callable(getattr(value, "detach", None)):  # a tensor in a graph
            value = value.detach()
        kind = f"{self.name} returned `{key}` as a {type(value).__name__}"
        try:
            array = np.array(value)
        except Exception as error:
            raise SubjectError(f"{kind} that makes no array: {error}") from error
        if array.dtype.kind not in "fiu":
            of = f" of {array.dtype}" if isinstance(value, np.ndarray | list | tuple) else ""
            raise SubjectError(f"{kind}{of}, expected an array of real numbers")
        return array if hasattr(value, "dtype") else array.astype(dtype)
