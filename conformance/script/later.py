"""Another training after the one that is judged, before which a script is ended.

Left out: several trainings by the same lines, of which the first is judged (`parameters.py`).
"""

import ast
from collections.abc import Iterator, Sequence

from conformance.backward.findings import Line
from conformance.backward.syntax import Loop, loops_around, tree
from conformance.script.counting import function_around
from conformance.script.parameters import Parameter


def training_after(found: Sequence[Parameter]) -> Line | None:
    """The first line of a loop after that of some parameters which takes a product off another one.

    Args:
        found: the parameters, as they were moved.
    """
    for frame in (e for each in found for e in each.values[-1].frames):
        line = Line(frame.file, frame.line)
        for loop in loops_around(line)[-1:]:
            known = {name for name, _ in _steps(loop)}
            steps = (step for other in _loops_after(loop, line) for step in _steps(other))
            later = [number for name, number in steps if name not in known]
            if later:
                return Line(frame.file, min(later))
    return None


def _loops_after(loop: Loop, line: Line) -> Iterator[Loop]:
    """The loops after another one, in the same function."""
    scope = function_around(line)
    loops = (e for e in ast.walk(scope or tree(line.file) or ast.Pass()) if isinstance(e, Loop))
    for each in loops:
        own = function_around(Line(line.file, each.lineno)) is scope
        if own and each.lineno > (loop.end_lineno or 0):
            yield each


def _steps(loop: Loop) -> Iterator[tuple[str, int]]:
    """What is moved by `w -= lr * g` or `w = w - lr * g` in a loop, each with its line."""
    for each in ast.walk(loop):
        match each:
            case ast.AugAssign(target, ast.Sub(), step):
                yield from _of_product(target, step)
            case ast.Assign([target], ast.BinOp(old, ast.Sub(), step)):
                if ast.unparse(old) == ast.unparse(target):
                    yield from _of_product(target, step)


def _of_product(target: ast.expr, step: ast.expr) -> Iterator[tuple[str, int]]:
    if isinstance(step, ast.BinOp) and isinstance(step.op, ast.Mult):
        yield ast.unparse(target), target.lineno
