"""The updates of a class that returns right gradients: they are called, and recorded.

Each is called some times, or told to take so many steps, with what gives the gradients before it.
By its trace it is judged as the updates of a script are. Nothing is said of one that does not run
so. Left out: which methods may be updates (`untried.py`).
"""

from dataclasses import replace

import numpy as np

from conformance.backward.findings import ADDS, UPDATES, Accused, Cause
from conformance.backward.source import lines_of
from conformance.errors import ConformanceError
from conformance.programs.vocabulary import kinds_of
from conformance.running.quiet import quiet
from conformance.running.tracebacks import is_ours
from conformance.script_outcome import RULES, Ran
from conformance.shapes.arguments import Scope, data_kinds, size_kinds, taken
from conformance.shapes.attempt import begin, called_in_a_way
from conformance.shapes.attempts import Attempt, Call, UnfitError
from conformance.shapes.reading import Reading
from conformance.tracing.long import LongTrace

STEPS = 3
UNSEEN = {
    "aside",
    "still",
    "unkept",
    "stops",
    "idle",
}  # causes that an update has which is not followed


def tried_update(reading: Reading, name: str) -> Ran | None:
    """What is known of some updates by a method; None if nothing is.

    Args:
        reading: of the program, which returns its gradients.
        name: of the method.
    """
    from conformance.script.program_recorder import ProgramRecorder  # here: most have none

    plan, data = reading.plan, replace(reading.data, rounds=STEPS)
    scope = Scope({**size_kinds(data), **data_kinds(data, reading.penalty)}, {**data.settings})
    run = Attempt(plan, data, scope)
    recorder = ProgramRecorder(plan.said, STEPS)
    try:
        with quiet(), np.errstate(all="ignore"):
            run.roots = plan.make(data, scope)
            if "self" not in run.roots:
                return None
            known = any(each.function == name for each in plan.calls)
            calls = plan.calls if known else (*plan.calls, Call("update", name))
            given = taken(getattr(run.roots["self"], name))
            loops = any("count" in kinds_of(each.name) for each in given)
            begin(run, reading.run.begun)
            with recorder.within([vars(run.roots["self"]), scope.kinds, vars(plan.module)]):
                for _ in range(1 if loops else STEPS):
                    for i, call in enumerate(calls):
                        called_in_a_way(run, call, i, None)
            return _downhill(recorder.ran, recorder.trace)
    except Exception as error:  # a program may refuse to be called so in any way
        if is_ours(error) and not isinstance(error, ConformanceError | UnfitError):
            raise
        return None


def _downhill(ran: Ran, trace: LongTrace) -> Ran:
    """The same, where all gradients would have the wrong sign: right ones are added instead."""
    from conformance.script.parameters import parameters

    examined = ran.examined
    kinds = {each.cause.kind for each in examined.accused}
    if kinds != {"negated"} or any(each.ok for each in examined.gradients):
        return ran
    moved = parameters(trace.nodes, cut=trace.forgot)
    lines = dict.fromkeys(line for each in moved for line in lines_of(each.values[1]))
    names = tuple(each.name for each in examined.gradients)
    right = tuple(replace(each, ok=True) for each in examined.gradients)
    added = Accused(names, tuple(lines), Cause(ADDS), mends=True)
    return replace(ran, examined=replace(examined, gradients=right, accused=(added,)))


def is_right(ran: Ran) -> bool:
    """Whether several updates are those of a rule, with right gradients."""
    return ran.updates > 1 and ran.examined.ok and not ran.unjudged and ran.rule.kind in RULES


def wrong_in(ran: Ran) -> Accused | None:
    """What is wrong with the updates, if their gradients are right."""
    wrong = [each for each in ran.examined.accused if each.cause.kind in UPDATES - UNSEEN]
    right = all(each.ok for each in ran.examined.gradients)
    told = right and ran.updates and not ran.unjudged
    return wrong[0] if told and wrong and wrong[0].lines else None
