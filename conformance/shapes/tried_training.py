"""The updates of functions of a file that train: they are called, and judged as a script's are.

Nothing is said of one that does not run so. Left out: how it is called (`training_functions.py`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.errors import ConformanceError
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.running.tracebacks import is_ours
from conformance.script_outcome import Ran
from conformance.shapes.example_data import M
from conformance.shapes.function_sources import returned_parts
from conformance.shapes.training_functions import TrainingCall, training_calls
from conformance.shapes.tried_updates import UNSEEN, is_right
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

STEPS = 3
LONGEST = 5.0
"""Seconds that a function may run while it is recorded."""


@dataclass(frozen=True)
class TriedTraining:
    """What is known of a function that trains.

    Attributes:
        ran: of its updates.
        used: the names of the functions of the file that took part.
        again: what is known of its updates as its code is then, without the line to blame.
    """

    ran: Ran
    used: frozenset[str]
    again: Callable[[], Ran | None]


def tried_training(
    place: str, function: FunctionType, functions: Sequence[FunctionType], module: ModuleType
) -> TriedTraining | None:
    """What is known of the updates of a function; None if nothing is.

    It is right if it is with one form of its data: another may be one that it is not written for.

    Args:
        place: of its file.
        function: it.
        functions: those of its file.
        module: of the file.
    """
    name = f"{place}:{function.__name__}"
    wrong: TriedTraining | None = None
    for each in training_calls(function, functions):
        found = _tried(name, each, functions, module)
        if found is not None and is_right(found.ran):
            return found
        if found is not None and not found.ran.examined.ok:
            wrong = wrong or found
    return wrong


def _tried(
    name: str,
    call: TrainingCall,
    functions: Sequence[FunctionType],
    module: ModuleType,
    *,
    blame: bool = True,
) -> TriedTraining | None:
    from conformance.script.program_recorder import ProgramRecorder  # here: most files have none

    recorder = ProgramRecorder(name, STEPS, blame=blame)
    given = {key: np.float64(e) if type(e) is float else e for key, e in call.given.items()}
    given = {key: e.copy() if isinstance(e, np.ndarray) else e for key, e in given.items()}
    try:
        with (
            quiet(),
            np.errstate(all="ignore"),
            recorder.within([given, vars(module)]),
            suppress(TooLongError),
            limited(LONGEST),
        ):
            for _ in range(1 if call.counts else STEPS):
                _step(call, given, functions)
        with quiet():
            ran = recorder.ran
    except Exception as error:  # a program may refuse to be called so in any way
        if is_ours(error) and not isinstance(error, ConformanceError):
            raise
        return None
    if _is_stretched(recorder.trace, call):
        return None
    unmoved = any(each.cause.kind in UNSEEN for each in ran.examined.accused)
    moved = [e for e in call.parameters if ran.examined.ok or _differ(given[e], call.given[e])]
    if unmoved or len(ran.parameters) < len(moved):
        return None  # a parameter is moved by what no gradient is
    frames = (frame for node in recorder.trace.nodes for frame in node.frames)

    def again() -> Ran | None:
        made = _tried(name, call, functions, module, blame=False)
        return None if made is None else made.ran

    return TriedTraining(ran, frozenset(each.function for each in frames), again)


def _step(call: TrainingCall, given: dict[str, Any], functions: Sequence[FunctionType]) -> None:
    """Call a function, after the loss of what it is given, and keep what it made of parameters."""
    stated = None if call.counts else call.loss(functions)
    if stated is not None:
        loss, names = stated
        given["loss"] = loss(**{name: given[own] for name, own in names.items()})
    result = call.function(**{key: given[key] for key in call.given})
    parts = [part for _, part in returned_parts(call.function, result)]
    given |= {key: parts[i] for key, i in call.parameters.items()}


def _differ(one: Any, other: Any) -> bool:
    """Whether a parameter is another after some steps."""
    return not np.array_equal(np.asarray(one, float), np.asarray(other, float))


def _is_stretched(trace: Trace, call: TrainingCall) -> bool:
    """Whether a number a sample meets more than that: outputs of several units, such as classes."""
    given = [e for e in call.given.values() if isinstance(e, np.ndarray) and e.size == M]
    for node in trace.nodes:
        if node.operation in ("subtract", "multiply", "add") and np.size(node.value) > M:
            sides = [each.value if type(each) is Node else each for each in node.args]
            if any(np.array_equal(e, one) for e in sides for one in given):
                return True
    return False
