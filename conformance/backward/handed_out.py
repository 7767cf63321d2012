"""The line that hands out the gradient of one parameter as that of another.

Left out: updates that take another gradient (`shapes/moved.py`, `script`).
"""

import ast
from collections.abc import Iterator, Sequence

from conformance.backward.causes import worst_entry
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.findings import Accused, Cause, Line
from conformance.backward.judge_gradients import Verdict, distance
from conformance.backward.source import own_lines
from conformance.backward.syntax import function_around, gives_alias, statement
from conformance.tracing.frames import Frame


def handed_out(
    verdict: Verdict, found: Sequence[Verdict], returns: Sequence[Frame] = ()
) -> Accused | None:
    """What is to blame for a gradient that is right as that of another parameter; None if not.

    Args:
        verdict: on a gradient that is wrong.
        found: those on all.
        returns: where they are returned.
    """
    given, own = verdict.given, verdict.goal.name
    for other in found:
        same = other is not verdict and given.shape == other.right.shape and given.size > 1
        if same and distance(given, other.right, other.scale) <= HALF_OF_THE_DIGITS:
            made = tuple(own_lines(verdict.goal.node))
            twice = other.goal.node is verdict.goal.node
            handed = [Line(each.file, each.line) for each in returns[:1] if twice]
            lines = tuple(dict.fromkeys((*_named_by(own, made), *handed, *made)))
            why = Cause("another", names=(own, other.goal.name), worst=worst_entry([verdict]))
            return Accused((own,), lines, why, mends=True)
    return None


def _named_by(name: str, made: Sequence[Line]) -> Iterator[Line]:
    """The line that gives an attribute a key which a parameter has: the one of most letters.

    Args:
        name: of the parameter.
        made: the lines that computed what the attribute holds, the innermost first.
    """
    whole = statement(*made[0]) if made else None
    targets = whole.targets if isinstance(whole, ast.Assign) else []
    kept = {each.attr for each in targets if isinstance(each, ast.Attribute)}
    around = function_around(made[-1]) if kept else None
    found = [
        (len(key.value), each.lineno)
        for each in (ast.walk(around) if around is not None else ())
        if isinstance(each, ast.Assign) and getattr(each.value, "attr", "") in kept
        if gives_alias(Line(made[0].file, each.lineno))
        for key in ast.walk(each.targets[0])
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value in name
    ]
    yield from (Line(made[-1].file, line) for _, line in sorted(found, reverse=True)[:1])
