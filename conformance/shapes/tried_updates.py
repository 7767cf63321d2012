"""What of a class may move its parameters, beside the gradients that it returns: told, or blamed.

If the gradients are right, it is called some times, or told to take so many steps, with what gives
the gradients before it. By its trace it is judged as the updates of a script are; nothing is said
of one that does not run so. Else it is blamed for what no data can be the reason of: it does
nothing, or it stops at a name that its file nowhere sets. Left out: updates that are all there is
(`trained_updates.py`), and calling them (`called_updates.py`).
"""

import ast
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import FunctionType

from conformance.backward.findings import UPDATES, Accused, Cause, Line
from conformance.backward.syntax import attributes, written
from conformance.programs.vocabulary import is_role, kinds_of, names_gradients
from conformance.running.missing_names import lacks_a_name
from conformance.running.tracebacks import headline
from conformance.shapes.arguments import needed, scope_of
from conformance.shapes.called_updates import STEPS, Tried, after_update, tried_update
from conformance.shapes.decayed_updates import with_decay_of_updates
from conformance.shapes.found import Found
from conformance.shapes.function_sources import definition_of
from conformance.shapes.holders import is_number
from conformance.shapes.lost_updates import accused
from conformance.shapes.places import Places
from conformance.shapes.plans import takes_gradients
from conformance.shapes.reading import PlainRun, Reading
from conformance.shapes.recorded_updates import is_right, said, wrong_in, wrong_sums
from conformance.shapes.search import Searched
from conformance.shapes.trained_updates import trained
from conformance.shapes.update_findings import is_linear
from conformance.tracing.frames import raised_in

ROLES = ("update", "train")


def with_untried(searched: Searched, found: Found) -> Found:
    """The verdict on a class that returns its gradients; what else may move parameters is told.

    Where an update was called with the gradients, of the others those without data alone are tried.
    """
    taken = found.recognised
    calls = [each.partition("(")[0] for each in taken.calls]
    giving = calls[taken.backward]
    if taken.source != "returned":
        return trained(found, giving)
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
    found = with_decay_of_updates(found, names)
    if called:
        found = _unblamed(found, called)
        names = called if found.examined.ok else []
    maybe = [each.__name__ for each in own if _takes_no_data(each)]
    maybe = [each for each in maybe if each not in (*names, *calls)]
    if not called and _moves_unseen(found):
        maybe = [giving, *maybe]
    found, wrong = _tried(found, names, maybe)
    blamed = stopped or wrong
    return found if blamed is None else _blamed(found, blamed)


def _with_functions(searched: Searched, found: Found, calls: Sequence[str]) -> Found:
    """The verdict on functions of a file, with those that move parameters by what they compute."""
    again, giving = found.again, calls[found.recognised.backward]
    every = (each for role in ROLES for name, each in searched.roles[role] if name != giving)
    own = [e for e in every if isinstance(e, FunctionType) and not takes_gradients(e)]
    own = [e for e in own if isinstance(again, PlainRun) and _has_one_rate(again.reading, e)]
    names = [*dict.fromkeys(each.__name__ for each in own if each.__name__ not in calls)]
    idle = _called_and_idle(found)
    found, wrong = _tried(with_decay_of_updates(found, names), idle, names)
    return found if wrong is None else _blamed(found, wrong)


def _called_and_idle(found: Found) -> list[str]:
    """The updates that were called with right gradients, where no parameter moved."""
    again = found.again
    if not isinstance(again, PlainRun) or again.reading.places.updates or not found.examined.ok:
        return []
    updates = (each for each in again.reading.plan.calls if each.role == "update")
    return [str(getattr(each.function, "__name__", each.function)) for each in updates]


def _has_one_rate(reading: Reading, function: FunctionType) -> bool:
    """Whether a right update is as large, however many samples all are said to be."""
    told = any(scope_of(reading.data).kind(each.name) == "m" for each in needed(function))
    ran = [tried_update(reading, function.__name__, samples=n).ran for n in (2, 3) if told]
    right = [dict(each.rule.numbers) for each in ran if each is not None and is_right(each)]
    return len({round(each.get("η", 0.0), 9) for each in right}) <= 1


def _unblamed(found: Found, names: Sequence[str]) -> Found:
    """The verdict, where the first update alone seems wrong: by several, which tell the rule.

    They are right by it, or say better what is wrong.
    """
    again, known = found.again, found.examined
    if not isinstance(again, PlainRun) or {e.cause.kind for e in known.accused} != {"update"}:
        return found
    ran = [tried_update(again.reading, name).ran for name in names]
    right = tuple(replace(each, ok=True) for each in known.gradients)
    clear = replace(found, examined=replace(known, gradients=right, accused=()))
    if all(each is not None and is_right(each) for each in ran):
        return clear
    wrong = next(filter(None, (wrong_in(each) for each in ran if each is not None)), None)
    return found if wrong is None else _blamed(clear, wrong)


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
    tried, left = dict[str, Tried](), dict[str, Places]()
    if found.examined.ok and isinstance(again, PlainRun):
        tried = {name: tried_update(again.reading, name) for name in (*names, *maybe)}
        made = {name: after_update(again.reading, name) for name in tried}
        left = {name: each for name, each in made.items() if each is not None}
    told = {name: e.ran for name, e in tried.items() if e.ran is not None and e.moves}
    lost = {name: accused(each) for name, each in left.items()}
    blamed = {name: each[0] for name, each in lost.items() if each}
    wrongs = {
        name: wrong_in(ran) or wrong_sums(found, name, ran, STEPS) for name, ran in told.items()
    }
    blamed = {name: each for name, each in wrongs.items() if each is not None} | blamed
    wrong = next(iter(blamed.values()), None)
    right = [name for name, ran in told.items() if is_right(ran) and name not in blamed]
    plain = _called_and_plain(found)
    judged = (*right, *blamed, *plain)
    unruled = tuple(name for name, e in tried.items() if e.moves and name not in judged)
    rest = [name for name in names if name not in (*judged, *unruled)]
    off = (*taken.off, *rest)
    rule = tuple(said(name, told[name]) for name in right if name not in plain)
    used = (*found.used, *right, *blamed, *unruled)
    constant = dict.fromkeys((*taken.constant, *(n for e in left.values() for n in e.constant)))
    recognised = replace(taken, off=off, rule=rule, unruled=unruled, constant=tuple(constant))
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


def _moves_unseen(found: Found) -> bool:
    """Whether what gives the gradients moves parameters, too, and not all by multiples of these."""
    if not isinstance(found.again, PlainRun):
        return False
    places = found.again.reading.places
    moved = {each.goal.name for each in places.updates}
    all_moved = moved >= {each.name for each in places.direct}
    return bool(moved) and not (all_moved and is_linear(places))


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
