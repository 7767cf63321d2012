"""The first recorded run of a program, as long as its step is, or why it leaves no gradients.

Left out: the run with other numbers that is judged (`search.py`).
"""

from pathlib import Path

from conformance.shapes.attempt import attempt
from conformance.shapes.example_data import Data
from conformance.shapes.places import Places, places
from conformance.shapes.run import OPERATIONS, Attempt, Plan, UnfitError
from conformance.tracing.trace import Trace

MOST = 20_000
"""Operations of one run that are recorded."""


def first_run(plan: Plan, data: Data, penalty: float) -> tuple[Attempt, Places, int]:
    """A run of as many operations as a step takes, its gradients, and how many that are.

    Raises:
        UnfitError: it leaves no gradients, or its step does not end.
    """
    limits = (OPERATIONS, MOST) if plan.calls[-1].role == "train" else (MOST,)
    for most in limits:
        run = attempt(plan, data, penalty, trace=Trace(sites=True, most=most))
        found = places(run)
        whole = len(run.recorded.nodes) < most or found.several
        if whole or (found.goals and not (found.still or found.unfound)):
            break
    if not found.goals:
        raise _without_gradients(run)
    if (found.still or found.unfound) and not whole:
        raise UnfitError(f"{MOST} operations move only a part of its parameters", len(run.results))
    return run, found, most


class EmptyError(UnfitError):
    """What is to go backward computes nothing and returns nothing."""


def _without_gradients(run: Attempt) -> UnfitError:
    """Why a run gives no gradients."""
    stage = len(run.results) + 1
    for call, function, result in run.results:
        code = getattr(function, "__code__", None)
        if call.role != "backward" or result is not None or code is None:
            continue
        frames = (frame for node in run.recorded.nodes for frame in node.frames)
        empty = all(frame.function != code.co_name for frame in frames)
        what = "computes nothing and returns nothing" if empty else "returns nothing"
        where = f"{Path(code.co_filename).name}:{code.co_firstlineno}"
        words = f"{where}: {code.co_name} {what}, and no gradient is found that it keeps"
        return (EmptyError if empty else UnfitError)(words, stage)
    return UnfitError("it gives no gradients", stage)
