"""Methods that move parameters, called some times with what gives the gradients before them.

They are told to take so many steps, if they can be, and recorded. Left out: what is said of them
(`tried_updates.py`, `trained_updates.py`).
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from conformance.backward.findings import ADDS, Accused, Cause
from conformance.backward.source import lines_of
from conformance.backward.syntax import function_around, is_call_of, tree
from conformance.errors import ConformanceError
from conformance.programs.held_state import doubles, short
from conformance.programs.vocabulary import bare, kinds_of
from conformance.running.quiet import quiet
from conformance.running.tracebacks import is_ours
from conformance.script.source_around import raises_at_once
from conformance.script_outcome import Ran
from conformance.shapes.arguments import RATE, kinds_taken, needed, scope_of, several_samples, taken
from conformance.shapes.attempt import begin, called_in_a_way, share
from conformance.shapes.attempts import Attempt, Call, UnfitError
from conformance.shapes.draws import Draws, held
from conformance.shapes.function_sources import definition_of
from conformance.shapes.gradients_of_updates import handed_back
from conformance.shapes.holders import TIME, number_of
from conformance.shapes.lost_updates import after
from conformance.shapes.places import Places
from conformance.shapes.plans import methods, takes_inputs
from conformance.shapes.reading import Reading
from conformance.shapes.update_findings import SETS_BACK
from conformance.tracing.long import LongTrace
from conformance.tracing.substitute import traced_program
from reference.step import Array

T = TypeVar("T")
STEPS = 3
SAME = 1e-9
"""So far apart, as parts of them, are numbers that were moved and set back."""


@dataclass(frozen=True)
class Tried:
    """A method that was called, and recorded.

    Attributes:
        moves: whether it moves parameters.
        still: the names of those that it does not move.
        ran: what is known of its updates; None if nothing is.
    """

    moves: bool = False
    still: tuple[str, ...] = ()
    ran: Ran | None = None


def tried_update(
    reading: Reading,
    name: str,
    targets: Array | None = None,
    samples: int | None = None,
    owner: Callable[[Attempt], Any] | None = None,
    without: str = "update",
) -> Tried:
    """What is known of some updates by a method.

    Args:
        reading: of the program, which returns its gradients.
        name: of the method.
        targets: in the place of its own.
        samples: how many there are said to be, if not how many there are.
        owner: makes the object of which it is a method of what has begun; else the program has it.
        without: the roles of what is not called, with an `owner`.
    """
    from conformance.script.program_recorder import ProgramRecorder  # here: most have none

    steps = STEPS if owner is None else STEPS + 1  # else the last may be needed to tell the rule
    plan, data = reading.plan, replace(reading.data, rounds=steps)
    if targets is not None:
        data = replace(data, y=targets)
    scope = scope_of(data)
    scope.kinds["m"] = samples or scope.kinds["m"]
    run = Attempt(plan, data, scope)
    recorder = ProgramRecorder(plan.said, steps)
    made, before = Tried(), list[Callable[[], Any]]()
    try:
        with quiet(), np.errstate(all="ignore"):
            run.roots = plan.make(data, scope)
            begin(run, _begun(reading))
            calls, own = _calls(reading, name), _own(run)
            if owner is not None:
                made_of = owner(run)
                calls = (*_without(plan.calls, without), Call("update", getattr(made_of, name)))
                own.append(getattr(made_of, "__dict__", {}))
                before = [*_setting_back(made_of), *_setting_back(run.roots.get("self"))]
            loops = "count" in kinds_taken(_function(run, calls[-1]))
            scope.kinds["pairs"] = several_samples(data)
            draws = Draws(held(run)) if plan.redraws else None
            with recorder.within([*own, scope.kinds, vars(plan.module)]):
                for step in range(1, 2 if loops else steps + 1):
                    for each in before:
                        each()
                    for i, call in enumerate(calls):
                        if draws is not None:
                            draws.again()
                        with _numbered(run, call, step):
                            called_in_a_way(run, call, i, None)
                    moved = dict(handed_back(run))
                    run.roots.update(moved)
                    share(run, moved)
            kept = _kept(run, reading)
            made = Tried(not all(kept.values()), tuple(name for name in kept if kept[name]))
            return replace(made, ran=_downhill(recorder.ran, recorder.trace))
    except Exception as error:  # a program may refuse to be called so in any way
        if is_ours(error) and not isinstance(error, ConformanceError | UnfitError):
            raise
        return made


def _setting_back(thing: Any) -> Iterator[Callable[[], Any]]:
    """The methods of an object that set its gradients back, by their names."""
    for name, _ in methods(type(thing)):
        named = SETS_BACK.fullmatch(bare(name)) and "grad" in bare(name)
        if named and not needed(getattr(thing, name)):
            yield getattr(thing, name)


def after_update(reading: Reading, name: str) -> Places | None:
    """What an update makes of the gradients that a program returns or keeps; None if not known."""
    calls = _calls(reading, name)
    more = calls[-1] if calls != reading.plan.calls else None
    return _gone_on(reading, lambda _: more, _left)


def _left(run: Attempt, found: Places, _since: int) -> Places | None:
    return after(run, found) if found.direct else None


def computes_of_gradients(reading: Reading, name: str, owner: Callable[[Attempt], Any]) -> bool:
    """Whether a method of what is made of a run computes something of its gradients."""
    more = partial(_of_owner, name, owner)
    return bool(_gone_on(reading, more, _is_made_of_gradients))


def _of_owner(name: str, owner: Callable[[Attempt], Any], run: Attempt) -> Call:
    return Call("update", getattr(owner(run), name))


def _is_made_of_gradients(run: Attempt, found: Places, since: int) -> bool:
    gradients = [each.node for each in found.direct]
    return any(any(map(each.depends_on, gradients)) for each in run.recorded.nodes[since:])


def _gone_on(
    reading: Reading,
    more: Callable[[Attempt], Call | None],
    told: Callable[[Attempt, Places, int], T],
) -> T | None:
    """What is told of a run that goes on with an update; None if it refuses that.

    Args:
        reading: of the program.
        more: what is called then, if something is.
        told: of the run, what it left before, and the number of the first node after that.
    """
    try:
        again = reading.beginning_with(reading.run.begun)
        run, since = again.run, len(again.run.recorded.nodes)
        with quiet(), np.errstate(all="ignore"), doubles(), traced_program(run.recorded):
            call = more(run)
            if call is not None:
                with _numbered(run, call, 1):
                    called_in_a_way(run, call, len(run.results), None)
            return told(run, again.places, since)
    except Exception as error:  # as in `tried_update`
        if is_ours(error) and not isinstance(error, ConformanceError | UnfitError):
            raise
        return None


def _begun(reading: Reading) -> dict[str, Any]:
    """The numbers with which the parameters began of which the gradients are known, by path."""
    known = {each.parameter for each in reading.places.goals}
    own = {path for path, (_, node) in reading.run.start.items() if node in known}
    return {path: each for path, each in reading.run.begun.items() if path in own}


def _kept(run: Attempt, reading: Reading) -> dict[str, bool]:
    """Whether the parameters of which the gradients are known are what they were, by name."""
    began = _begun(reading)
    held = {each.path: each.value for each in run.end() if each.path in began}
    return {short(e): np.allclose(began[e], value, rtol=SAME) for e, value in held.items()}


def _calls(reading: Reading, name: str) -> tuple[Call, ...]:
    """What gives the gradients, and a method that moves parameters after it, if it does not."""
    plan, moved = reading.plan, reading.places.updates
    around = (function_around(line) for each in moved for line in lines_of(each.node))
    called = {getattr(each.function, "__name__", each.function) for each in plan.calls}
    if name in called | {each.name for each in around if each is not None}:
        return plan.calls
    methods = any(isinstance(each.function, str) for each in plan.calls)
    more = Call("update", name) if methods else Call("train", getattr(plan.module, name))
    return (*_without(plan.calls, "update"), more)


def _without(calls: Sequence[Call], roles: str) -> Iterator[Call]:
    return (each for each in calls if each.role not in roles.split())


def _own(run: Attempt) -> list[dict[str, Any]]:
    """What holds the parameters and states of a program, by their names."""
    return [vars(run.roots["self"])] if "self" in run.roots else [run.roots, run.scope.names]


def _function(run: Attempt, call: Call) -> Callable[..., Any]:
    """What is called, with its object."""
    given = call.function
    return getattr(run.roots["self"], given) if isinstance(given, str) else given


@contextmanager
def _numbered(run: Attempt, call: Call, step: int) -> Iterator[None]:
    """Let an update be given the numbers of its rule, and which it is, by their names."""
    names = run.scope.names
    if call.role == "update":
        function = _function(run, call)
        definition = definition_of(function)
        others = (e.name for e in needed(function) if "penalty" not in kinds_of(e.name))
        asked = {each: number_of(each, None) for each in others}  # a decay is that of the loss
        with_data = takes_inputs(function)  # then `t` is the targets
        times = (e.name for e in taken(function) if not with_data and TIME.fullmatch(bare(e.name)))
        asked |= {name: step - raises_at_once(definition, name) for name in times}
        asked |= _handed(run, function)
        run.scope.names = names | {name: e for name, e in asked.items() if e is not None}
    yield
    run.scope.names = names


def _handed(run: Attempt, function: Callable[..., Any]) -> dict[str, Any]:
    """What an update is handed of gradients that were returned, as the file hands them to it.

    One argument beside them is a rate, if its name tells nothing.
    """
    rest = [e.name for e in needed(function) if not run.scope.value(e.name)[0]]
    if not (run.results and rest):
        return {}
    _, giving, result = run.results[-1]
    whole = tree(function.__code__.co_filename) or ast.Pass()
    names = [*_names_of(whole, giving.__name__)]
    calls = [each for each in ast.walk(whole) if isinstance(each, ast.Call)]
    calls = [each for each in calls if is_call_of(each, function.__name__)]
    if len(names) != 1 or len(calls) != 1:
        return {}
    given = dict(zip(names[0], result if type(result) is tuple else [result], strict=False))
    said = zip(
        (each.name for each in taken(function)), map(ast.unparse, calls[0].args), strict=False
    )
    handed = {name: given[e] for name, e in said if name in rest and e in given}
    others = [name for name in rest if name not in handed]
    return handed | dict.fromkeys(others if handed and len(others) == 1 else (), RATE)


def _names_of(whole: ast.AST, giving: str) -> Iterator[list[str]]:
    """What a file calls the parts of what a function returns, each time that it calls it."""
    for each in ast.walk(whole):
        if isinstance(each, ast.Assign) and is_call_of(each.value, giving):
            target = each.targets[0]
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            yield [ast.unparse(part) for part in parts]


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
