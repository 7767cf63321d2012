"""What of a class may move its parameters, beside the gradients that it returns: told, or blamed.

If the gradients are right, it is tried (`tried_updates.py`), and blamed for a wrong rule. Else it
is blamed for what no data can be the reason of: it does nothing, or it stops at a name that its
file nowhere sets. Left out: updates that are all there is (`update_findings.py`).
"""

import ast
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import FunctionType

from conformance.backward.findings import Accused, Cause, Line
from conformance.programs.vocabulary import kinds_of, names_gradients
from conformance.running.missing_names import lacks_a_name
from conformance.running.tracebacks import headline
from conformance.script_outcome import RULES, Ran
from conformance.shapes.arguments import needed
from conformance.shapes.found import Found
from conformance.shapes.function_sources import definition_of
from conformance.shapes.holders import is_number
from conformance.shapes.reading import PlainRun, Reading
from conformance.shapes.search import Searched
from conformance.shapes.tried_updates import (
    Tried,
    is_right,
    is_uneven,
    targets_of_errors,
    tried_update,
    with_wrong_output,
    wrong_in,
)
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
        return _trained(found, giving)
    kind = getattr(searched.module, taken.made.partition("(")[0], None)
    own = list(_functions(kind)) if isinstance(kind, type) else []
    moving = [each.__name__ for each in own if _moves(each, found)]
    idle = [each for each in own if each.__name__ in calls and _is_empty(each)]
    if idle and not moving:
        return _blamed(
            found, _accused(Cause("idle", names=(idle[0].__name__, "")), _place(idle[0]))
        )
    stopped = _crash(searched.refusal.crashes)
    named = [name for role in ROLES for _, name in searched.roles[role] if isinstance(name, str)]
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


def _trained(found: Found, name: str) -> Found:
    """The verdict on what moves parameters itself, by several updates if one does not tell all.

    They show what is kept from one to the next, and say better what is wrong.
    """
    taken, again = found.recognised, found.again
    if not isinstance(again, PlainRun):
        return found
    keeps, wrong = bool(again.reading.run.states), not found.examined.ok
    unknown = found.examined.cost == "unknown"  # which the first update alone may be right by
    if not keeps and (wrong or not unknown):
        return found if wrong else _by_one_factor(found, again.reading, name)
    ran = tried_update(again.reading, name).ran
    if ran is not None and is_right(ran):
        return replace(found, recognised=replace(taken, rule=(_said(name, ran),)))
    told = ran is not None and not ran.examined.ok and not (unknown and is_uneven(ran))
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
    blamed = {name: e for name, ran in told.items() if (e := wrong_in(ran)) is not None}
    wrong = next(iter(blamed.values()), None)
    right = [name for name, ran in told.items() if is_right(ran)]
    plain = _called_and_plain(found)
    judged = (*right, *blamed, *plain)
    unruled = tuple(name for name, e in tried.items() if e.moves and name not in judged)
    left = [name for name in names if name not in (*judged, *unruled)]
    off = (*taken.off, *left)
    rule = tuple(_said(name, told[name]) for name in right if name not in plain)
    found = replace(found, recognised=replace(taken, off=off, rule=rule, unruled=unruled))
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
    return any(map(names_gradients, names)) and bool([*_written(definition)] or "setattr" in names)


def _blamed(found: Found, wrong: Accused) -> Found:
    """The verdict on a class whose gradients are right, with what is to move its parameters.

    Those of them that it names, if that are some, are moved wrongly; else all are.
    """
    if not found.examined.ok:
        return found
    names = tuple(each.name for each in found.examined.gradients)
    some = tuple(each for each in names if each in wrong.gradients)
    accused = (replace(wrong, gradients=some or names),)
    return replace(found, examined=replace(found.examined, accused=accused))


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
        _attributes(target) & held & (_attributes(value) | set(augmented))
        for target, value, augmented in _written(definition)
    )


def _written(definition: ast.FunctionDef) -> Iterator[tuple[ast.expr, ast.expr, set[str]]]:
    """What is written to, what is written, and what is read by that in any case."""
    for each in ast.walk(definition):
        if isinstance(each, ast.AugAssign):
            yield each.target, each.value, _attributes(each.target)
        elif isinstance(each, ast.Assign):
            for target in each.targets:
                yield target, each.value, set()


def _attributes(written: ast.expr) -> set[str]:
    """The attributes in an expression."""
    return {each.attr for each in ast.walk(written) if isinstance(each, ast.Attribute)}


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


def _place(function: FunctionType) -> Line:
    return Line(function.__code__.co_filename, function.__code__.co_firstlineno)
