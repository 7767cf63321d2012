"""The updates of a class that returns right gradients: they are called, and recorded.

Each is called some times, or told to take so many steps, with what gives the gradients before it.
By its trace it is judged as the updates of a script are. Nothing is said of one that does not run
so. Left out: which methods may be updates (`untried.py`).
"""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.backward.findings import ADDS, UPDATES, Accused, Cause, Examined
from conformance.backward.source import lines_of
from conformance.backward.syntax import tree, without
from conformance.errors import ConformanceError
from conformance.programs.vocabulary import bare, kinds_of
from conformance.running.quiet import quiet
from conformance.running.tracebacks import is_ours
from conformance.script.judgement import has_single_error
from conformance.script.source_around import raises_at_once
from conformance.script_outcome import RULES, Ran
from conformance.shapes.arguments import needed, scope_of, taken
from conformance.shapes.attempt import begin, called_in_a_way
from conformance.shapes.attempts import Attempt, Call, Plan, UnfitError
from conformance.shapes.function_sources import definition_of
from conformance.shapes.holders import TIME, number_of
from conformance.shapes.other_settings import ACTIVATIONS
from conformance.shapes.plans import takes_inputs
from conformance.shapes.reading import Reading
from conformance.tracing.long import LongTrace
from reference.step import Array

STEPS = 3
SPREAD = 0.75
CHOOSES = {"where", "select", "sign", "maximum", "minimum", "max", "min", "clip", "heaviside"}
SAME = 1e-9
"""So far apart, as parts of them, are numbers that were moved and set back."""
UNSEEN = {
    "aside",
    "still",
    "unkept",
    "stops",
    "idle",
}  # causes that an update has which is not followed


@dataclass(frozen=True)
class Tried:
    """A method that was called, and recorded.

    Attributes:
        moves: whether it moves parameters.
        ran: what is known of its updates; None if nothing is.
    """

    moves: bool = False
    ran: Ran | None = None


def tried_update(reading: Reading, name: str, targets: Array | None = None) -> Tried:
    """What is known of some updates by a method.

    Args:
        reading: of the program, which returns its gradients.
        name: of the method.
        targets: in the place of its own.
    """
    from conformance.script.program_recorder import ProgramRecorder  # here: most have none

    plan, data = reading.plan, replace(reading.data, rounds=STEPS)
    if targets is not None:
        data = replace(data, y=targets)
    scope = scope_of(data)
    run = Attempt(plan, data, scope)
    recorder = ProgramRecorder(plan.said, STEPS)
    made = Tried()
    try:
        with quiet(), np.errstate(all="ignore"):
            run.roots = plan.make(data, scope)
            calls = _calls(plan, name)
            loops = any("count" in kinds_of(each.name) for each in taken(_function(run, calls[-1])))
            begin(run, reading.run.begun)
            own = [vars(run.roots["self"])] if "self" in run.roots else [run.roots, scope.names]
            with recorder.within([*own, scope.kinds, vars(plan.module)]):
                for step in range(1, 2 if loops else STEPS + 1):
                    for i, call in enumerate(calls):
                        with _numbered(run, call, step):
                            called_in_a_way(run, call, i, None)
            made = Tried(_moved(run, reading))
            return replace(made, ran=_downhill(recorder.ran, recorder.trace))
    except Exception as error:  # a program may refuse to be called so in any way
        if is_ours(error) and not isinstance(error, ConformanceError | UnfitError):
            raise
        return made


def _moved(run: Attempt, reading: Reading) -> bool:
    """Whether parameters of which the gradients are known are not what they were."""
    known = {each.parameter for each in reading.places.goals}
    began = {path: node.value for path, (_, node) in reading.run.start.items() if node in known}
    held = {each.path: each.value for each in run.end() if each.path in began}
    return any(not np.allclose(began[path], each, rtol=SAME) for path, each in held.items())


def _calls(plan: Plan, name: str) -> tuple[Call, ...]:
    """What gives the gradients, and a method that moves parameters after it, if it does not."""
    if any(getattr(each.function, "__name__", each.function) == name for each in plan.calls):
        return plan.calls
    return (*(each for each in plan.calls if each.role != "update"), Call("update", name))


def _function(run: Attempt, call: Call) -> Callable[..., Any]:
    """What is called, with its object."""
    given = call.function
    return getattr(run.roots["self"], given) if isinstance(given, str) else given


@contextmanager
def _numbered(run: Attempt, call: Call, step: int) -> Iterator[None]:
    """Let an update be given the numbers of its rule, and which it is, by their names."""
    names = run.scope.names
    if call.role == "update" and isinstance(call.function, str):
        function = getattr(run.roots["self"], call.function)
        definition = definition_of(function)
        asked = {each.name: number_of(each.name, None) for each in needed(function)}
        with_data = takes_inputs(function)  # then `t` is the targets
        times = (e.name for e in taken(function) if not with_data and TIME.fullmatch(bare(e.name)))
        asked |= {name: step - raises_at_once(definition, name) for name in times}
        run.scope.names = names | {name: e for name, e in asked.items() if e is not None}
    yield
    run.scope.names = names


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


def has_single_error_each(reading: Reading) -> bool:
    """Whether parameters are moved by one sample after another, of a single error each."""
    updates, run = reading.places.updates, reading.run
    moved = [(each.goal.parameter, each.node) for each in updates]
    return reading.places.several and has_single_error(run.recorded, moved)


def targets_of_errors(reading: Reading) -> list[Array]:
    """The targets with which single errors are judged: labels are numbers there.

    An error may be multiplied by a target that is 0 or 1 in each update, so others are given, too.
    None are where the error of a sample may be of one of two cases.
    """
    if not has_single_error_each(reading) or _chooses(reading):
        return []
    y = np.asarray(reading.data.y, dtype=float)
    return [y, SPREAD * y + SPREAD] if np.array_equal(y, np.round(y)) else [y]


def _chooses(reading: Reading) -> bool:
    """Whether a function that took part compares something, unless it is an activation."""
    frames = {f for node in reading.run.recorded.nodes for f in node.frames}
    names = {f.function for f in frames} - ACTIVATIONS
    for each in {f.file for f in frames}:
        for part in ast.walk(tree(each) or ast.Pass()):
            own = isinstance(part, ast.FunctionDef) and part.name in names
            if own and any(map(_is_choice, without(part, ACTIVATIONS))):
                return True
    return False


def _is_choice(node: ast.AST) -> bool:
    match node:
        case ast.Compare(left=ast.BinOp(op=ast.Mod())):  # such as when to print
            return False
        case ast.Compare():
            return True
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in CHOOSES
    return False


def is_uneven(ran: Ran) -> bool:
    """Whether the output error is that of a known cost times another number at each update."""
    return ran.updates > 1 and {each.cause.kind for each in ran.examined.accused} == {"output"}


def with_wrong_output(examined: Examined, uneven: Examined) -> Examined:
    """What is known of gradients by their names, with the blame of an uneven output error."""
    gradients = tuple(replace(each, ok=False) for each in examined.gradients)
    names = tuple(each.name for each in gradients)
    accused = tuple(replace(each, gradients=names) for each in uneven.accused)
    return replace(examined, gradients=gradients, accused=accused)


def is_right(ran: Ran) -> bool:
    """Whether several updates are those of a rule, with right gradients."""
    return ran.updates > 1 and ran.examined.ok and not ran.unjudged and ran.rule.kind in RULES


def wrong_in(ran: Ran) -> Accused | None:
    """What is wrong with the updates, if it is they that move each parameter wrongly."""
    wrong = [each for each in ran.examined.accused if each.cause.kind in UPDATES - UNSEEN]
    blamed = {name for each in wrong for name in each.gradients}
    right = all(each.ok or each.name in blamed for each in ran.examined.gradients)
    told = right and ran.updates and not ran.unjudged
    return wrong[0] if told and wrong and wrong[0].lines else None
