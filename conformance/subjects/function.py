"""A function `step(weights, biases, x, y, eta) -> dict` as a subject: anything plugs in so.

It shows as many quantities as it likes, by their names (`z2`, `delta3`, `nabla_w2`, …). How it lays
out and scales them is recognised once, on a trial. Left out: names that it spells in another way,
its lines of code, and the exact lane.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from io import StringIO
from itertools import product
from typing import Any

import numpy as np

from conformance.causality import TAGS, field_of
from conformance.compare import malformed
from conformance.corpus.case import Case
from conformance.errors import SubjectError, UsageError
from conformance.oracle import expectations
from conformance.subjects import Subject
from conformance.subjects.conventions import SAMPLES
from conformance.subjects.observation import Observation
from conformance.watching.sighting import alike
from reference.equations import COSTS
from reference.step import Array, Batch, Parameters, causal_order, split

Quantities = dict[str, Array]

TRIAL = Case("trial", (5, 4, 6, 2), "quadratic", 0.75, 0.0, 7, "float64", ((0, 1, 2),), "", ())
NAMES = causal_order(TRIAL.layers)
CLOSE = 1e-6  # of the largest entry; for recognising, not for judging


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

    def ours(self, shown: Quantities, m: int) -> Quantities:
        """Quantities of the function in the project's layout and scale."""
        return {
            name: self._scaled(name, self._laid(name, array), m) for name, array in shown.items()
        }

    def _laid(self, name: str, array: Array) -> Array:
        form = self.forms.get(split(name)[0])
        if form == "turned" and array.ndim == 2:  # noqa: PLR2004 - a matrix
            return array.T
        flat = array.ndim == 1 or array.shape[:1] == (1,)
        return array.reshape(-1, 1) if form == "flat" and flat else array

    def _scaled(self, name: str, array: Array, m: int) -> Array:
        quantity = split(name)[0]
        if quantity == "delta" and self.divided:
            return np.asarray(array * m)
        summed = self.total if quantity == "cost" else self.summed and quantity.startswith("nabla")
        return np.asarray(array / m) if summed else array


@dataclass(frozen=True)
class FunctionSubject(Subject):
    """A subject that runs freely only if it returns its new parameters."""

    returns_parameters: bool = True

    def runs_freely(self, case: Case) -> bool:
        """Whether its own parameters can be followed through the steps of a case."""
        return self.returns_parameters and super().runs_freely(case)


def function_subject(
    function: Callable[..., Any], name: str, cost: str | None = None
) -> FunctionSubject:
    """The subject of a function that takes one step; its conventions are recognised on a trial.

    Args:
        function: called as `function(weights, biases, x, y, eta)` with copies: lists of
            (n_l, n_{l-1}) and (n_l, 1), x (n_1, m), y (n_L, m), η; and with `lmbda`, `n`, `cost`
            as keywords where it names them. It gives a dict of arrays or nested lists.
        name: for messages.
        cost: the one that it has; if not given and not chosen by keyword, the one that its `cost`
            equals, else quadratic.

    Raises:
        UsageError: there is no such cost.
        SubjectError: what it returns is no dict of numbers.
    """
    if cost not in (None, *COSTS):
        raise UsageError(f"cost {cost!r}: give {' or '.join(COSTS)}")
    called = CalledFunction(function, name)
    chosen = "cost" in called.taken
    found, shown = _recognised(called, replace(TRIAL, cost=cost or TRIAL.cost), cost or chosen)
    called.conventions = found
    costs = tuple(COSTS) if chosen and cost is None else (found.cost,)
    returns = shown is None or {each for each in NAMES if each[0] in "bw"} <= set(shown)
    start = partial(FunctionSession, called)
    said = found.said() if returns else (*found.said(), "shows no new parameters: no free run")
    return FunctionSubject(
        name,
        start,
        conventions=said,
        costs=costs,
        dtypes=found.dtypes,
        decays=called.decays,
        returns_parameters=returns,
    )


class CalledFunction:
    """A function and how to call it."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        """Look at the keywords that it names."""
        self.function, self.name = function, name
        self.taken = {"lmbda", "n", "cost"} & set(inspect.signature(function).parameters)
        self.decays = {"lmbda", "n"} <= self.taken
        self.conventions = FunctionConventions()

    def raw(self, case: Case, parameters: Parameters, batch: Batch) -> tuple[Any, Batch]:
        """What the function returns, and the samples as it left them.

        Raises:
            SubjectError: it returned no dict.
        """
        c = self.conventions
        w = [np.array(each.T if c.transposed else each, order="C") for each in parameters.w]
        b = [np.array(each).reshape(SAMPLES[c.bias]) for each in parameters.b]
        x, y = (np.array(each.T if c.rows else each, order="C") for each in (batch.x, batch.y))
        lmbda = case.lmbda if self.decays else 0.0
        known = {"lmbda": lmbda, "n": case.n, "cost": case.cost}
        keywords = {key: known[key] for key in self.taken}
        with redirect_stdout(StringIO()), np.errstate(all="ignore"):
            returned = self.function(w, b, x, y, case.eta, **keywords)
        if not isinstance(returned, Mapping):
            raise SubjectError(
                f"{self.name} returned a {type(returned).__name__}, expected a dict of quantities "
                "by their names (`z2`, `delta3`, `nabla_w2`, …)"
            )
        return returned, Batch(x.T, y.T) if c.rows else Batch(x, y)

    def numbers(self, returned: Mapping[Any, Any], dtype: str) -> Quantities:
        """What it returned as arrays; a list or a plain number, which has no dtype, gets this one.

        Raises:
            SubjectError: a value is no array of real numbers.
        """
        return {key: self._numbers(key, value, dtype) for key, value in returned.items()}

    def _numbers(self, key: object, value: Any, dtype: str) -> Array:
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


class FunctionSession:
    """A function in training: it is given the parameters that it returned."""

    def __init__(self, called: CalledFunction, case: Case, parameters: Parameters) -> None:
        """Start from the parameters of a case."""
        self.called, self.case, self.parameters = called, case, parameters
        self.first = True

    def step(self, batch: Batch) -> Observation:
        """Take one step and show what the function shows, in the project's conventions."""
        shown, after = self._call(batch)
        remarks = [
            f"{self.called.name} overwrites its {each}"
            for each in ("x", "y")
            if not np.array_equal(getattr(after, each), getattr(batch, each))
        ]
        if self.first and not _same(shown, self._call(batch)[0]):
            remarks.append("a second call with the same arguments gives other numbers")
        self.first = False
        self.parameters = _after(shown, self.parameters)
        if self.case.lmbda and not self.called.decays:
            shown = {key: array for key, array in shown.items() if split(key)[0] != "w"}
        return Observation(shown, remarks=tuple(remarks))

    def _call(self, batch: Batch) -> tuple[Quantities, Batch]:
        returned, after = self.called.raw(self.case, self.parameters, batch)
        numbers = self.called.numbers(returned, self.case.dtype)
        return self.called.conventions.ours(numbers, batch.m), after


def _recognised(
    called: CalledFunction, trial: Case, given: object
) -> tuple[FunctionConventions, Quantities | None]:
    """The conventions, and what was shown in the trial if the function ran.

    Raises:
        SubjectError: in every layout it failed, and once by what it returned.
    """
    layout, shown = _layout(called, trial)
    if shown is None:  # not a layout but a mistake: the cases will show it, each in its own way
        return FunctionConventions(dtypes=TRIAL_DTYPES, cost=trial.cost), None
    called.conventions = layout
    layout = replace(layout, dtypes=_dtypes(called, trial))
    known = {name: array for name, array in layout.ours(shown, 1).items() if name in NAMES}
    cost = trial.cost if given else _cost(trial, known)
    return _scaled(replace(trial, cost=cost), known, replace(layout, cost=cost)), shown


TRIAL_DTYPES = ("float32", "float64")


def _scaled(trial: Case, known: Quantities, layout: FunctionConventions) -> FunctionConventions:
    """The scales in which the fewest equations are wrong; ours, where an equation holds in them.

    So a mixture, in which one gradient is a mean and the other a sum, is no convention.
    """
    shown = {TAGS[field_of(name, trial.layers)] for name in known}
    wrong: dict[tuple[bool, bool, bool], set[str]] = {}
    for divided, summed, total in product((False, True), repeat=3):
        c = replace(layout, divided=divided, summed=summed, total=total)
        ours = replace(c, forms={}).ours(known, len(trial.batches[0]))
        plain = wrong.get((False, False, False), set())
        held = shown & {"BP3", "BP4"} - wrong.get((divided, False, False), set())
        unfounded = (divided and "BP1" not in plain) or (summed and held)
        if not unfounded and not (total and ("C" not in plain or not summed)):
            wrong[divided, summed, total] = _wrong(trial, ours)

    def order(scale: tuple[bool, bool, bool]) -> tuple[int, bool, int]:
        return len(wrong[scale]), {"BP3", "BP4"} <= wrong[scale], sum(scale)

    divided, summed, total = min(wrong, key=order)
    return replace(layout, divided=divided, summed=summed, total=total)


def _layout(called: CalledFunction, trial: Case) -> tuple[FunctionConventions, Quantities | None]:
    """The first layout in which the function runs and shows the fewest misshapen arrays."""
    best: tuple[int, FunctionConventions, Quantities] | None = None
    problem: SubjectError | None = None
    for transposed, bias, rows in product((False, True), SAMPLES, (False, True)):
        called.conventions = FunctionConventions(rows, bias, transposed)
        try:
            returned, _ = called.raw(trial, *_start(trial.dtype))
            shown = called.numbers(returned, trial.dtype)
        except SubjectError as error:
            problem = problem or error
            continue
        except Exception:  # noqa: BLE001, S112 - any layout may fail in any way
            continue
        laid = replace(called.conventions, forms=_forms(shown, transposed=transposed))
        odd = sum(laid.ours(shown, 1)[name].shape != SHAPES[name] for name in _known(shown))
        if best is None or odd < best[0]:
            best = odd, laid, shown
        if not odd:
            break
    if best is None and problem is not None:
        raise problem
    return best[1:] if best is not None else (FunctionConventions(), None)


def _forms(shown: Quantities, *, transposed: bool) -> dict[str, str]:
    """How each quantity is laid out, from the shapes alone; a mixture has no form."""
    names = list(_known(shown))
    forms = dict.fromkeys(("w", "nabla_w"), "turned") if transposed else {}
    samples = [name for name in names if split(name)[0] in ("z", "a", "delta")]
    if samples and all(shown[name].shape == SHAPES[name][::-1] for name in samples):
        forms |= dict.fromkeys(("z", "a", "delta"), "turned")
    for quantity in ("b", "nabla_b"):
        arrays = [
            (shown[name].shape, SHAPES[name][0]) for name in names if split(name)[0] == quantity
        ]
        if arrays and all(shape in ((n,), (1, n)) for shape, n in arrays):
            forms[quantity] = "flat"
    return forms


def _known(shown: Iterable[str]) -> Iterable[str]:
    return (name for name in shown if name in NAMES)


def _cost(trial: Case, known: Quantities) -> str:
    """The cost that the value which is shown is, as a mean or a sum; quadratic if it is none."""
    for cost in COSTS:
        for m in (1, len(trial.batches[0])):
            scaled = {**known, **({"cost": known["cost"] / m} if "cost" in known else {})}
            if "cost" in known and "C" not in _wrong(replace(trial, cost=cost), scaled):
                return cost
    return trial.cost


def _wrong(trial: Case, shown: Quantities) -> set[str]:
    """The equations that do not hold between the quantities that are shown."""
    usable = {
        name: array.astype(np.float64)
        for name, array in shown.items()
        if array.shape == SHAPES[name] and np.isfinite(array).all()
    }
    right = expectations(trial, *_start("float64"), usable)
    return {
        TAGS[field_of(name, trial.layers)]
        for name, array in shown.items()
        if name not in usable or not alike(array, right[name].value, CLOSE)
    }


def _dtypes(called: CalledFunction, trial: Case) -> tuple[str, ...]:
    """The dtypes in which the function computes, by what it makes of either."""
    if _kinds(called, trial) == {"float32"}:
        return ("float32",)
    try:
        kinds = _kinds(called, replace(trial, dtype="float32"))
    except Exception:  # noqa: BLE001 - then it cannot
        return ("float64",)
    return TRIAL_DTYPES if kinds == {"float32"} else ("float64",)


def _kinds(called: CalledFunction, trial: Case) -> set[str]:
    returned, _ = called.raw(trial, *_start(trial.dtype))
    with_dtype = {key: value for key, value in returned.items() if hasattr(value, "dtype")}
    return {str(array.dtype) for array in called.numbers(with_dtype, trial.dtype).values()}


def _start(dtype: str) -> tuple[Parameters, Batch]:
    """The numbers of the trial: no two are alike, and no layer is saturated."""

    def drawn(shape: tuple[int, ...], seed: int) -> Array:
        numbers: Array = np.sin(7.0 * np.arange(1, 1 + np.prod(shape)) + seed)
        return numbers.reshape(shape).astype(dtype)

    pairs = list(zip(TRIAL.sizes[1:], TRIAL.sizes[:-1], strict=True))
    w = tuple(drawn(shape, i) for i, shape in enumerate(pairs))
    b = tuple(drawn((n, 1), 10 + i) for i, (n, _) in enumerate(pairs))
    m = len(TRIAL.batches[0])
    x, y = drawn((TRIAL.sizes[0], m), 20), drawn((TRIAL.sizes[-1], m), 21)
    return Parameters(w, b), Batch(x, (1 + y) / 2)


def _after(shown: Quantities, before: Parameters) -> Parameters:
    """The parameters that a function returned, those before the step where it returned none."""

    def own(name: str, array: Array) -> Array:
        seen = shown.get(name)
        if seen is None or malformed(seen, array.shape, array.dtype):
            return array
        return seen if np.isfinite(seen).all() else array

    return Parameters.of({name: own(name, array) for name, array in before.named()})


def _same(first: Quantities, second: Quantities) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(array, second[name], equal_nan=True) for name, array in first.items()
    )


SHAPES = {name: each.value.shape for name, each in expectations(TRIAL, *_start("float64")).items()}
