"""The conventions of a function, recognised on one trial step.

Layout is told by shapes; scale by the equations that hold between what is shown, ours where they
hold in ours. Left out: what the conventions mean (`function_conventions.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product

import numpy as np

from conformance.arithmetic.formats import SHORT
from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.model.table import tag_of
from conformance.running.tracebacks import headline
from conformance.subjects.book.book_conventions import SAMPLES
from conformance.subjects.function.function_conventions import (
    CalledFunction,
    FunctionConventions,
    Quantities,
    forms_of,
)
from conformance.subjects.function.traced import FunctionTrace, TracedFunction, function_run
from conformance.subjects.generic import LAYERS, trial_numbers
from conformance.subjects.near import alike
from conformance.subjects.pattern import Patterns
from conformance.verdict.oracle import expectations
from reference.equations import COSTS
from reference.step import Batch, Parameters, split

TRIALS = tuple(
    Case("trial", sizes, "quadratic", 0.75, 0.0, 7, "float64", ((0, 1, 2),), "", ())
    for sizes in ((5, 4, 6, 2), (5, 4, 2))
)
"""The steps that are tried until the function takes one: it may be written for one hidden layer."""

CLOSE = 1e-6  # of the largest entry; for recognising, not for judging
MANY = 4  # names that are listed
TRIAL_DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Recognised:
    """What the trials tell of a function.

    Attributes:
        conventions: how it lays out and scales its arrays.
        moves: whether it shows all new parameters, or nothing is known of what it shows.
        stops: how it stops on networks of some numbers of layers, if it is written for others.
    """

    conventions: FunctionConventions
    moves: bool = True
    stops: Mapping[int, str] = field(default_factory=dict)


def recognised(called: CalledFunction, cost: str | None, *, given: bool) -> Recognised:
    """What the trials tell of a function.

    Args:
        called: the function.
        cost: the one that it has, if it is given.
        given: whether the cost is given or chosen; if not, it is recognised too.

    Raises:
        SubjectError: in every layout it failed, and once by what it returned; or it shows what is
            no quantity.
    """
    for trial in (replace(each, cost=cost or each.cost) for each in TRIALS):
        layout, shown = _layout(called, trial)
        if shown is not None:
            found = _conventions(called, trial, (layout, shown), given=given)
            return Recognised(
                found, _updates_all(trial, shown), _stops(called, found, trial, shown)
            )
    # Not a layout but a mistake: the cases will show it, each in its own way.
    plain = FunctionConventions(dtypes=TRIAL_DTYPES, cost=cost or TRIALS[0].cost)
    square = replace(TRIALS[0], sizes=(2,) * TRIALS[0].layers)
    seen, _ = _tried(called, plain, square)
    return Recognised(plain, seen is None or _updates_all(square, seen))


def _updates_all(trial: Case, shown: Quantities) -> bool:
    """Whether all new parameters are shown."""
    return {each for each in trial.rows if each[0] in "bw"} <= set(shown)


def _stops(
    called: CalledFunction, found: FunctionConventions, trial: Case, shown: Quantities
) -> dict[int, str]:
    """How it stops on networks of some numbers of layers, by that number.

    All their layers are of one size, so that a product of the wrong matrices stops none: that is a
    mistake, and the cases will show it. A function that takes the first layers alone shows nothing
    of the last one.
    """
    last = _layers(shown) == trial.layers
    stopped = {}
    for n in (each for each in LAYERS if each != trial.layers):
        seen, problem = _tried(called, found, replace(trial, sizes=(2,) * n))
        silent = f"it shows nothing of layer {n}" if last and _layers(seen or ()) != n else ""
        if problem or silent:
            stopped[n] = problem or silent
    return stopped


def _tried(
    called: CalledFunction, found: FunctionConventions, trial: Case
) -> tuple[Quantities | None, str]:
    """What it shows of a trial, or how it stops."""
    try:
        returned, _ = called.raw(found, trial, *_start(trial))
        return called.numbers(returned, trial.dtype), ""
    except Exception as error:  # noqa: BLE001 - it may stop in any way
        return None, headline(error)


def _layers(shown: Iterable[str]) -> int:
    """The number of the last layer of which something is shown."""
    return max((split(name)[1] or 0 for name in shown), default=0)


def _conventions(
    called: CalledFunction,
    trial: Case,
    seen: tuple[FunctionConventions, Quantities],
    *,
    given: bool,
) -> FunctionConventions:
    """The conventions of a function, from its layout and what it showed in it."""
    layout, shown = seen
    _check_names(called.name, shown, trial)
    layout = replace(layout, dtypes=_dtypes(called, layout, trial))
    known = {name: array for name, array in layout.ours(shown, 1).items() if name in shapes(trial)}
    cost = trial.cost if given else _cost(trial, known)
    layout, trial = replace(layout, cost=cost), replace(trial, cost=cost)

    @cache
    def traced(summed: bool) -> FunctionTrace:
        program = TracedFunction(called, replace(layout, summed=summed))
        ours = program.conventions.ours(shown, len(trial.batches[0]))
        return FunctionTrace(program, Patterns(program, function_run), trial, _start(trial), ours)

    return _scaled(trial, known, layout, traced)


def _scaled(
    trial: Case,
    known: Quantities,
    layout: FunctionConventions,
    traced: Callable[[bool], FunctionTrace],
) -> FunctionConventions:
    """The scales in which the fewest equations are wrong; ours, where an equation holds in them.

    So a mixture, in which one gradient is a mean and the other a sum, is no convention. What is not
    shown, but found in the trace, is counted too; of it only the scale of ∇ leaves a choice, and δ
    that would hold the 1/m, but that nothing divides by m, speaks for sums.
    """
    shown = {tag_of(name, trial.layers) for name in known}
    first = "BP1" if "BP1" in shown else "BP2"  # of the errors that are shown
    wrong: dict[tuple[bool, bool, bool], set[str]] = {}
    for divided, summed, total in product((False, True), repeat=3):
        c = replace(layout, divided=divided, summed=summed, total=total)
        plain = wrong.get((False, False, False), set())
        held = shown & {"BP3", "BP4"} - wrong.get((divided, False, False), set())
        unfounded = (divided and first not in plain) or (summed and held)
        if not unfounded and not (total and ("C" not in plain or not summed)):
            ours = replace(c, forms={}).ours(known, len(trial.batches[0]))
            wrong[divided, summed, total] = _wrong(trial, {**traced(summed).unnamed(), **ours})

    def order(scale: tuple[bool, bool, bool]) -> tuple[int, bool, bool, int]:
        both = {"BP3", "BP4"} <= wrong[scale]
        return len(wrong[scale]), both, traced(scale[1]).never_divided(), sum(scale)

    divided, summed, total = min(wrong, key=order)
    return replace(layout, divided=divided, summed=summed, total=total)


def _layout(called: CalledFunction, trial: Case) -> tuple[FunctionConventions, Quantities | None]:
    """The first layout in which the function runs and shows the fewest misshapen arrays."""
    best: tuple[int, FunctionConventions, Quantities] | None = None
    problem: SubjectError | None = None
    for transposed, bias, rows in product((False, True), SAMPLES, (False, True)):
        layout = FunctionConventions(rows, bias, transposed)
        try:
            returned, _ = called.raw(layout, trial, *_start(trial))
            shown = called.numbers(returned, trial.dtype)
        except SubjectError as error:
            problem = problem or error
            continue
        except Exception:  # noqa: BLE001, S112 - any layout may fail in any way
            continue
        laid = replace(layout, forms=forms_of(shown, shapes(trial), transposed=transposed))
        right, ours = shapes(trial), laid.ours(shown, 1)
        odd = sum(ours[name].shape != right[name] for name in shown if name in right)
        if best is None or odd < best[0]:
            best = odd, laid, shown
        if not odd:
            break
    if best is None and problem is not None:
        raise problem
    return best[1:] if best is not None else (FunctionConventions(), None)


def _check_names(name: str, shown: Quantities, trial: Case) -> None:
    """Check that everything that is shown is a quantity.

    Raises:
        SubjectError: something is not.
    """
    unknown = [repr(each) for each in shown if each not in shapes(trial)]
    if unknown:
        more = f" and {len(unknown) - MANY} more" if len(unknown) > MANY else ""
        raise SubjectError(
            f"{name} showed {', '.join(unknown[:MANY])}{more}, which is no quantity; those are "
            "z2 a2 … cost … delta2 nabla_b2 nabla_w2 … b2 w2 …, with the number of the layer"
        )


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
        if array.shape == shapes(trial)[name] and np.isfinite(array).all()
    }
    right = expectations(trial, *_start(replace(trial, dtype="float64")), usable)
    return {
        tag_of(name, trial.layers)
        for name, array in shown.items()
        if name not in usable or not alike(array, right[name].value, CLOSE)
    }


def _dtypes(called: CalledFunction, layout: FunctionConventions, trial: Case) -> tuple[str, ...]:
    """The dtypes in which the function computes, by what it makes of either."""
    kinds = _kinds(called, layout, trial)
    if len(kinds) == 1 and kinds <= {"float32", *SHORT}:
        return (*kinds,)
    try:
        kinds = _kinds(called, layout, replace(trial, dtype="float32"))
    except Exception:  # noqa: BLE001 - then it cannot
        return ("float64",)
    return TRIAL_DTYPES if kinds == {"float32"} else ("float64",)


def _kinds(called: CalledFunction, layout: FunctionConventions, trial: Case) -> set[str]:
    """The dtypes of what it shows; if nothing has one, float32 where every number fits in it."""
    returned, _ = called.raw(layout, trial, *_start(trial))
    with_dtype = {key: value for key, value in returned.items() if hasattr(value, "dtype")}
    if with_dtype:
        return {str(array.dtype) for array in called.numbers(with_dtype, trial.dtype).values()}
    arrays = called.numbers(returned, "float64").values()
    with np.errstate(over="ignore"):
        fit = all(np.array_equal(each, each.astype(np.float32)) for each in arrays)
    return {"float32" if fit else "float64"} if arrays else set()


def _start(trial: Case) -> tuple[Parameters, Batch]:
    """The numbers of the trial."""
    return trial_numbers(trial.sizes, len(trial.batches[0]), trial.dtype)


def shapes(trial: Case) -> Mapping[str, tuple[int, ...]]:
    """The shape of each quantity of a trial, by its name."""
    return _shapes(trial.sizes)


@cache
def _shapes(sizes: tuple[int, ...]) -> Mapping[str, tuple[int, ...]]:
    trial = replace(TRIALS[0], sizes=sizes)
    return {name: each.value.shape for name, each in expectations(trial, *_start(trial)).items()}
