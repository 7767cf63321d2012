"""What of a class may move its parameters, beside the gradients that it returns: told, or blamed.

If the gradients are right, it is tried (`tried_updates.py`), and blamed for a wrong rule. Else it
is blamed for what no data can be the reason of: it does nothing, or it stops at a name that its
file nowhere sets. Left out: updates that are all there is (`update_findings.py`).
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import replace
from types import FunctionType

from conformance.backward.findings import Accused, Cause, Line
from conformance.programs.vocabulary import kinds_of
from conformance.running.missing_names import lacks_a_name
from conformance.running.tracebacks import headline
from conformance.script_outcome import RULES, Ran
from conformance.shapes.arguments import needed
from conformance.shapes.function_sources import definition_of
from conformance.shapes.judge_readings import Found
from conformance.shapes.plain_runs import PlainRun
from conformance.shapes.search import Searched
from conformance.shapes.tried_updates import is_right, tried_update, wrong_in
from conformance.tracing.frames import raised_in

ROLES = ("update", "train")


def with_untried(searched: Searched, found: Found) -> Found:
    """The verdict on a class that returns its gradients; what else may move parameters is told.

    Nothing is told if one of those was called and does something.
    """
    taken = found.recognised
    calls = [each.partition("(")[0] for each in taken.calls]
    giving = calls[taken.backward]
    if taken.source != "returned":
        return _trained(found, giving)
    kind = getattr(searched.module, taken.made.partition("(")[0], None)
    own = list(_functions(kind)) if isinstance(kind, type) else []
    moving = [each.__name__ for each in own if _moves(each, found)]
    stopped = _crash(searched.refusal.crashes)
    named = [name for role in ROLES for _, name in searched.roles[role] if isinstance(name, str)]
    beside = (giving, stopped.cause.names[0] if stopped else "")
    names = dict.fromkeys(each for each in (*named, *moving) if each not in beside)
    blamed = stopped
    idle = [each for each in own if each.__name__ in calls and _is_empty(each)]
    if names.keys().isdisjoint(calls):
        found, wrong = _tried(found, tuple(names))
        blamed = blamed or wrong
    elif idle and not moving:
        blamed = _accused(Cause("idle", names=(idle[0].__name__, "")), _place(idle[0]))
    return found if blamed is None else _blamed(found, blamed)


def _trained(found: Found, name: str) -> Found:
    """The verdict on what moves parameters itself, by several updates if it keeps something.

    They show what is kept from one to the next, and say better what is wrong.
    """
    taken, again = found.recognised, found.again
    if not isinstance(again, PlainRun) or not again.reading.run.states:
        return found
    ran = tried_update(again.reading, name)
    if ran is not None and is_right(ran):
        return replace(found, recognised=replace(taken, rule=(_said(name, ran),)))
    wrong = not found.examined.ok
    if ran is not None and not ran.examined.ok and (wrong or wrong_in(ran) is not None):
        return replace(found, examined=ran.examined)
    off = (*taken.off, *([] if wrong else [f"{name} after its first update"]))
    return replace(found, recognised=replace(taken, off=off))


def _said(name: str, ran: Ran) -> str:
    return f"{name}: {RULES[ran.rule.kind]}"


def _tried(found: Found, names: tuple[str, ...]) -> tuple[Found, Accused | None]:
    """The verdict with what is known of each update; and what is wrong with the first that is."""
    taken = found.recognised
    told = dict[str, Ran]()
    if found.examined.ok and isinstance(found.again, PlainRun):
        ran = {name: tried_update(found.again.reading, name) for name in names}
        told = {name: each for name, each in ran.items() if each is not None}
    blamed = {name: e for name, ran in told.items() if (e := wrong_in(ran)) is not None}
    wrong = next(iter(blamed.values()), None)
    right = [name for name, ran in told.items() if is_right(ran)]
    left = [name for name in names if name not in (*right, *blamed)]
    off = (*taken.off, *([" or ".join(left)] if left else []))
    rule = tuple(_said(name, told[name]) for name in right)
    found = replace(found, recognised=replace(taken, off=off, rule=rule))
    return found, None if wrong is None else replace(wrong, lines=wrong.lines[:1])


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
    definition = definition_of(function.__code__)
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
    definition = definition_of(function.__code__)
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
