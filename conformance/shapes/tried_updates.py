"""What of a class may move its parameters, beside the gradients that it returns: told, or blamed.

If the gradients are right, it is called some times, or told to take so many steps, with what gives
the gradients before it. By its trace it is judged as the updates of a script are; nothing is said
of one that does not run so. Else it is blamed for what no data can be the reason of: it does
nothing, or it stops at a name that its file nowhere sets. Left out: updates that are all there is
(`update_findings.py`).
"""

import ast
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.findings import ADDS, UPDATES, Accused, Cause, Line
from conformance.backward.source import lines_of
from conformance.backward.syntax import attributes, function_around, tree, without, written
from conformance.errors import ConformanceError
from conformance.programs.vocabulary import bare, is_role, kinds_of, names_gradients
from conformance.running.missing_names import lacks_a_name
from conformance.running.quiet import quiet
from conformance.running.tracebacks import headline, is_ours
from conformance.script.judgement import has_single_error
from conformance.script.source_around import raises_at_once
from conformance.script_outcome import RULES, Ran
from conformance.shapes.arguments import kinds_taken, needed, scope_of, several_samples, taken
from conformance.shapes.attempt import begin, called_in_a_way, share
from conformance.shapes.attempts import Attempt, Call, UnfitError
from conformance.shapes.found import Found
from conformance.shapes.function_sources import definition_of
from conformance.shapes.gradients_of_updates import handed_back
from conformance.shapes.holders import TIME, is_number, number_of
from conformance.shapes.other_settings import ACTIVATIONS
from conformance.shapes.plans import takes_gradients, takes_inputs
from conformance.shapes.reading import PlainRun, Reading
from conformance.shapes.recorded_updates import (
    is_right,
    is_uneven,
    with_wrong_output,
    wrong_in,
    wrong_sums,
)
from conformance.shapes.search import Searched
from conformance.shapes.update_findings import is_linear
from conformance.tracing.frames import raised_in
from conformance.tracing.long import LongTrace
from reference.step import Array

STEPS = 3
SPREAD = 0.75
CHOOSES = {"where", "select", "sign", "maximum", "minimum", "max", "min", "clip", "heaviside"}
SAME = 1e-9
"""So far apart, as parts of them, are numbers that were moved and set back."""


@dataclass(frozen=True)
class Tried:
    """A method that was called, and recorded.

    Attributes:
        moves: whether it moves parameters.
        ran: what is known of its updates; None if nothing is.
    """

    moves: bool = False
    ran: Ran | None = None


def tried_update(
    reading: Reading, name: str, targets: Array | None = None, samples: int | None = None
) -> Tried:
    """What is known of some updates by a method.

    Args:
        reading: of the program, which returns its gradients.
        name: of the method.
        targets: in the place of its own.
        samples: how many there are said to be, if not how many there are.
    """
    from conformance.script.program_recorder import ProgramRecorder  # here: most have none

    plan, data = reading.plan, replace(reading.data, rounds=STEPS)
    if targets is not None:
        data = replace(data, y=targets)
    scope = scope_of(data)
    scope.kinds["m"] = samples or scope.kinds["m"]
    run = Attempt(plan, data, scope)
    recorder = ProgramRecorder(plan.said, STEPS)
    made = Tried()
    try:
        with quiet(), np.errstate(all="ignore"):
            run.roots = plan.make(data, scope)
            calls = _calls(reading, name)
            loops = "count" in kinds_taken(_function(run, calls[-1]))
            begin(run, _begun(reading))
            scope.kinds["pairs"] = several_samples(data)
            own = [vars(run.roots["self"])] if "self" in run.roots else [run.roots, scope.names]
            with recorder.within([*own, scope.kinds, vars(plan.module)]):
                for step in range(1, 2 if loops else STEPS + 1):
                    for i, call in enumerate(calls):
                        with _numbered(run, call, step):
                            called_in_a_way(run, call, i, None)
                    moved = dict(handed_back(run))
                    run.roots.update(moved)
                    share(run, moved)
            made = Tried(_moved(run, reading))
            return replace(made, ran=_downhill(recorder.ran, recorder.trace))
    except Exception as error:  # a program may refuse to be called so in any way
        if is_ours(error) and not isinstance(error, ConformanceError | UnfitError):
            raise
        return made


def _begun(reading: Reading) -> dict[str, Any]:
    """The numbers with which the parameters began of which the gradients are known, by path."""
    known = {each.parameter for each in reading.places.goals}
    own = {path for path, (_, node) in reading.run.start.items() if node in known}
    return {path: each for path, each in reading.run.begun.items() if path in own}


def _moved(run: Attempt, reading: Reading) -> bool:
    """Whether parameters of which the gradients are known are not what they were."""
    began = _begun(reading)
    held = {each.path: each.value for each in run.end() if each.path in began}
    return any(not np.allclose(began[path], each, rtol=SAME) for path, each in held.items())


def _calls(reading: Reading, name: str) -> tuple[Call, ...]:
    """What gives the gradients, and a method that moves parameters after it, if it does not."""
    plan, moved = reading.plan, reading.places.updates
    around = (function_around(line) for each in moved for line in lines_of(each.node))
    called = {getattr(each.function, "__name__", each.function) for each in plan.calls}
    if name in called | {each.name for each in around if each is not None}:
        return plan.calls
    methods = any(isinstance(each.function, str) for each in plan.calls)
    more = Call("update", name) if methods else Call("train", getattr(plan.module, name))
    return (*(each for each in plan.calls if each.role != "update"), more)


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


ROLES = ("update", "train")


def with_untried(searched: Searched, found: Found) -> Found:
    """The verdict on a class that returns its gradients; what else may move parameters is told.

    Where an update was called with the gradients, of the others those without data alone are tried.
    """
    taken = found.recognised
    calls = [each.partition("(")[0] for each in taken.calls]
    giving = calls[taken.backward]
    if taken.source != "returned":
        return _trained(found, giving)
    kind = getattr(searched.module, taken.made.partition("(")[0], None)
    if not isinstance(kind, type):
        return _with_functions(searched, found, calls)
    own = list(_functions(kind))
    moving = [each.__name__ for each in own if _moves(each, found)]
    idle = [each for each in own if each.__name__ in calls and _is_empty(each)]
    if idle and not moving:
        at = Line(idle[0].__code__.co_filename, idle[0].__code__.co_firstlineno)
        return _blamed(found, _accused(Cause("idle", names=(idle[0].__name__, "")), at))
    stopped = _crash(searched.refusal.crashes)
    roles = [(role, name) for role in ROLES for _, name in searched.roles[role]]
    unsaid = {e for role, e in roles if role == "update" and is_role(str(e), role) is None}
    named = [e for _, e in roles if type(e) is str and (e in calls or e not in unsaid)]
    beside = (giving, stopped.cause.names[0] if stopped else "")
    names = [*dict.fromkeys(each for each in (*named, *moving) if each not in beside)]
    called = [name for name in names if name in calls]
    if called:
        found = _unblamed(found, called)
        names = called if found.examined.ok else []
    maybe = [each.__name__ for each in own if _takes_no_data(each)]
    found, wrong = _tried(found, names, [each for each in maybe if each not in (*names, *calls)])
    blamed = stopped or wrong
    return found if blamed is None else _blamed(found, blamed)


def _with_functions(searched: Searched, found: Found, calls: Sequence[str]) -> Found:
    """The verdict on functions of a file, with those that move parameters by what they compute."""
    again, giving = found.again, calls[found.recognised.backward]
    every = (each for role in ROLES for name, each in searched.roles[role] if name != giving)
    own = [e for e in every if isinstance(e, FunctionType) and not takes_gradients(e)]
    own = [e for e in own if isinstance(again, PlainRun) and _has_one_rate(again.reading, e)]
    names = [*dict.fromkeys(each.__name__ for each in own if each.__name__ not in calls)]
    found, wrong = _tried(found, [], names)
    return found if wrong is None else _blamed(found, wrong)


def _has_one_rate(reading: Reading, function: FunctionType) -> bool:
    """Whether a right update is as large, however many samples all are said to be."""
    told = any(scope_of(reading.data).kind(each.name) == "m" for each in needed(function))
    ran = [tried_update(reading, function.__name__, samples=n).ran for n in (2, 3) if told]
    right = [dict(each.rule.numbers) for each in ran if each is not None and is_right(each)]
    return len({round(each.get("η", 0.0), 9) for each in right}) <= 1


def _trained(found: Found, name: str) -> Found:
    """The verdict on what moves parameters itself, by several updates if one does not tell all.

    They show what is kept from one to the next, and say better what is wrong.
    """
    taken, again = found.recognised, found.again
    if not isinstance(again, PlainRun):
        return found
    reading, wrong = again.reading, not found.examined.ok
    born = not any(each.parameter.given for each in reading.places.goals)  # as its states may be
    keeps = bool(reading.run.states) or (born and wrong)
    unknown = found.examined.cost == "unknown"  # which the first update alone may be right by
    if not keeps and (wrong or not unknown):
        return found if wrong else _by_one_factor(found, reading, name)
    ran = tried_update(reading, name).ran
    if ran is not None and is_right(ran):
        known = ran.examined.cost != "unknown" or ran.rule.kind != "plain"  # no gradients alone
        examined = ran.examined if wrong and known else found.examined
        taken = replace(taken, rule=(_said(name, ran),))
        return replace(found, recognised=taken, examined=examined)
    told = ran is not None and not ran.examined.ok and not (unknown and is_uneven(ran))
    if born and wrong:  # where nothing is kept, one update tells as much
        told = told and ran is not None and ran.rule.kind != "plain"
    if ran is not None and told and (wrong or unknown or wrong_in(ran) is not None):
        return replace(found, examined=ran.examined)
    if not keeps:
        return found
    off = (*taken.off, *([] if wrong else [f"{name} after its first update"]))
    return replace(found, recognised=replace(taken, off=off))


def _by_one_factor(found: Found, reading: Reading, name: str) -> Found:
    """The verdict on right gradients, each of a single error: one of it is any other's multiple."""
    known = found.examined.cost not in ("own", "unknown")
    for targets in targets_of_errors(reading) if known else ():
        ran = tried_update(reading, name, targets).ran
        if ran is not None and is_uneven(ran):
            return replace(found, examined=with_wrong_output(found.examined, ran.examined))
    return found


def _unblamed(found: Found, names: Sequence[str]) -> Found:
    """The verdict, where several updates are those of a rule, and the first alone seemed wrong."""
    again, known = found.again, found.examined
    if not isinstance(again, PlainRun) or {e.cause.kind for e in known.accused} != {"update"}:
        return found
    ran = [tried_update(again.reading, name).ran for name in names]
    if not all(each is not None and is_right(each) for each in ran):
        return found
    right = tuple(replace(each, ok=True) for each in known.gradients)
    return replace(found, examined=replace(known, gradients=right, accused=()))


def _said(name: str, ran: Ran) -> str:
    return f"{name}: {RULES[ran.rule.kind]}"


def _tried(
    found: Found, names: Sequence[str], maybe: Sequence[str]
) -> tuple[Found, Accused | None]:
    """The verdict with what is known of each update; and what is wrong with the first that is.

    Args:
        found: the verdict.
        names: of the updates.
        maybe: of methods that are updates if they move parameters.
    """
    taken, again = found.recognised, found.again
    tried = dict[str, Tried]()
    if found.examined.ok and isinstance(again, PlainRun):
        tried = {name: tried_update(again.reading, name) for name in (*names, *maybe)}
    told = {name: e.ran for name, e in tried.items() if e.ran is not None and e.moves}
    wrongs = {
        name: wrong_in(ran) or wrong_sums(found, name, ran, STEPS) for name, ran in told.items()
    }
    blamed = {name: each for name, each in wrongs.items() if each is not None}
    wrong = next(iter(blamed.values()), None)
    right = [name for name, ran in told.items() if is_right(ran)]
    plain = _called_and_plain(found)
    judged = (*right, *blamed, *plain)
    unruled = tuple(name for name, e in tried.items() if e.moves and name not in judged)
    left = [name for name in names if name not in (*judged, *unruled)]
    off = (*taken.off, *left)
    rule = tuple(_said(name, told[name]) for name in right if name not in plain)
    used = (*found.used, *right, *blamed, *unruled)
    recognised = replace(taken, off=off, rule=rule, unruled=unruled)
    found = replace(found, recognised=recognised, used=used)
    return found, None if wrong is None else replace(wrong, lines=wrong.lines[:1])


def _called_and_plain(found: Found) -> tuple[str, ...]:
    """The updates that were called with the gradients, and judged: they take off multiples."""
    again = found.again
    if not isinstance(again, PlainRun) or not is_linear(again.reading.places):
        return ()
    calls = again.reading.plan.calls
    updates = (each.function for each in calls if each.role == "update")
    return tuple(each for each in updates if isinstance(each, str))


def _takes_no_data(function: FunctionType) -> bool:
    """Whether a method is given numbers at most, reads gradients and writes something."""
    definition = definition_of(function)
    given = [each.name for each in needed(function)[len(("self",)) :]]
    if definition is None or not all(map(is_number, given)):
        return False
    used = [e for e in ast.walk(definition) if isinstance(e, ast.Attribute | ast.Name)]
    read = [e for e in used if isinstance(e.ctx, ast.Load)]
    names = {e.attr if isinstance(e, ast.Attribute) else e.id for e in read}
    return any(map(names_gradients, names)) and bool([*written(definition)] or "setattr" in names)


def _blamed(found: Found, wrong: Accused) -> Found:
    """The verdict on a class whose gradients are right, with what is to move its parameters.

    Those of them that it names, if that are some, are moved wrongly; else all are.
    """
    if not found.examined.ok:
        return found
    names = tuple(each.name for each in found.examined.gradients)
    some = tuple(each for each in names if each in wrong.gradients)
    accused = (replace(wrong, gradients=some or names),)
    moved = wrong.cause.kind in UPDATES
    given = tuple(replace(e, ok=moved or e.name not in some) for e in found.examined.gradients)
    return replace(found, examined=replace(found.examined, gradients=given, accused=accused))


def _accused(cause: Cause, line: Line) -> Accused:
    """A line because of which nothing moves any parameter as it has to."""
    return Accused((), (line,), cause, mends=False)


def _crash(crashes: dict[str, list[BaseException]]) -> Accused | None:
    """The first exception that no data is the reason of, and its line; None if there is none."""
    for name, errors in crashes.items():
        for each in errors:
            lines = raised_in(each)
            if lines and lacks_a_name(each, lines[0].file):
                at = Line(lines[0].file, lines[0].line)
                return _accused(Cause("stops", names=(name, headline(each))), at)
    return None


def _functions(kind: type) -> Iterator[FunctionType]:
    """The methods of a class, those of its bases too."""
    for name in dir(kind):
        value = inspect.getattr_static(kind, name)
        if isinstance(value, FunctionType) and not name.startswith("__"):
            yield value


def _moves(function: FunctionType, found: Found) -> bool:
    """Whether a method that takes something writes into parameters what is made of them."""
    held = {each.partition("[")[0].partition(".")[0] for each in found.recognised.parameters}
    definition = definition_of(function)
    if definition is None or len(needed(function)) <= len(("self",)):
        return False
    return any(
        attributes(target) & held & (attributes(value) | set(augmented))
        for target, value, augmented in written(definition)
    )


def _is_empty(function: FunctionType) -> bool:
    """Whether an update that takes a rate has no statement that does something."""
    definition = definition_of(function)
    takes_rate = any("rate" in kinds_of(each.name) for each in needed(function))
    if definition is None or not takes_rate:
        return False
    return all(
        isinstance(each, ast.Pass)
        or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        for each in definition.body
    )
