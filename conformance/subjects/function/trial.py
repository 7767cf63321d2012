"""The conventions of a function, recognised on one trial step.

Layout is told by shapes; scale by the equations that hold between what is shown, ours where they
hold in ours. Left out: what the conventions mean (`conventions.py`).
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

import numpy as np

from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.model.table import tag_of
from conformance.subjects.book.conventions import SAMPLES
from conformance.subjects.function.call import CalledFunction
from conformance.subjects.function.conventions import FunctionConventions, Quantities
from conformance.verdict.oracle import expectations
from conformance.watching.nearness import alike
from reference.equations import COSTS
from reference.step import Array, Batch, Parameters, causal_order, split

TRIAL = Case("trial", (5, 4, 6, 2), "quadratic", 0.75, 0.0, 7, "float64", ((0, 1, 2),), "", ())
NAMES = causal_order(TRIAL.layers)
CLOSE = 1e-6  # of the largest entry; for recognising, not for judging
MANY = 4  # names that are listed
TRIAL_DTYPES = ("float32", "float64")


def recognised(
    called: CalledFunction, trial: Case, given: bool
) -> tuple[FunctionConventions, Quantities | None]:
    """The conventions, and what was shown in the trial if the function ran.

    Args:
        called: the function.
        trial: `TRIAL`, with the cost that the function has if the cost is given.
        given: whether the cost is given; if not, it is recognised too.

    Raises:
        SubjectError: in every layout it failed, and once by what it returned; or it shows what is
            no quantity.
    """
    layout, shown = _layout(called, trial)
    if shown is None:  # not a layout but a mistake: the cases will show it, each in its own way
        return FunctionConventions(dtypes=TRIAL_DTYPES, cost=trial.cost), None
    _check_names(called.name, shown)
    layout = replace(layout, dtypes=_dtypes(called, layout, trial))
    known = {name: array for name, array in layout.ours(shown, 1).items() if name in NAMES}
    cost = trial.cost if given else _cost(trial, known)
    return _scaled(replace(trial, cost=cost), known, replace(layout, cost=cost)), shown


def _scaled(trial: Case, known: Quantities, layout: FunctionConventions) -> FunctionConventions:
    """The scales in which the fewest equations are wrong; ours, where an equation holds in them.

    So a mixture, in which one gradient is a mean and the other a sum, is no convention.
    """
    shown = {tag_of(name, trial.layers) for name in known}
    first = "BP1" if "BP1" in shown else "BP2"  # of the errors that are shown
    wrong: dict[tuple[bool, bool, bool], set[str]] = {}
    for divided, summed, total in product((False, True), repeat=3):
        c = replace(layout, divided=divided, summed=summed, total=total)
        ours = replace(c, forms={}).ours(known, len(trial.batches[0]))
        plain = wrong.get((False, False, False), set())
        held = shown & {"BP3", "BP4"} - wrong.get((divided, False, False), set())
        unfounded = (divided and first not in plain) or (summed and held)
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
        layout = FunctionConventions(rows, bias, transposed)
        try:
            returned, _ = called.raw(layout, trial, *_start(trial.dtype))
            shown = called.numbers(returned, trial.dtype)
        except SubjectError as error:
            problem = problem or error
            continue
        except Exception:  # noqa: BLE001, S112 - any layout may fail in any way
            continue
        laid = replace(layout, forms=_forms(shown, transposed=transposed))
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


def _check_names(name: str, shown: Quantities) -> None:
    """Check that everything that is shown is a quantity.

    Raises:
        SubjectError: something is not.
    """
    unknown = [repr(each) for each in shown if each not in NAMES]
    if unknown:
        more = f" and {len(unknown) - MANY} more" if len(unknown) > MANY else ""
        raise SubjectError(
            f"{name} showed {', '.join(unknown[:MANY])}{more}, which is no quantity; those are "
            "z2 a2 … cost … delta2 nabla_b2 nabla_w2 … b2 w2 …, with the number of the layer"
        )


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
        tag_of(name, trial.layers)
        for name, array in shown.items()
        if name not in usable or not alike(array, right[name].value, CLOSE)
    }


def _dtypes(called: CalledFunction, layout: FunctionConventions, trial: Case) -> tuple[str, ...]:
    """The dtypes in which the function computes, by what it makes of either."""
    if _kinds(called, layout, trial) == {"float32"}:
        return ("float32",)
    try:
        kinds = _kinds(called, layout, replace(trial, dtype="float32"))
    except Exception:  # noqa: BLE001 - then it cannot
        return ("float64",)
    return TRIAL_DTYPES if kinds == {"float32"} else ("float64",)


def _kinds(called: CalledFunction, layout: FunctionConventions, trial: Case) -> set[str]:
    """The dtypes of what it shows; if nothing has one, float32 where every number fits in it."""
    returned, _ = called.raw(layout, trial, *_start(trial.dtype))
    with_dtype = {key: value for key, value in returned.items() if hasattr(value, "dtype")}
    if with_dtype:
        return {str(array.dtype) for array in called.numbers(with_dtype, trial.dtype).values()}
    arrays = called.numbers(returned, "float64").values()
    with np.errstate(over="ignore"):
        fit = all(np.array_equal(each, each.astype(np.float32)) for each in arrays)
    return {"float32" if fit else "float64"} if arrays else set()


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


SHAPES = {name: each.value.shape for name, each in expectations(TRIAL, *_start("float64")).items()}
