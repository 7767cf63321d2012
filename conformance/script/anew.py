"""Values that a loop begins anew in each of its rounds, as the states of a recurrence.

Such is `h` where the steps of a forward pass add to it, or an error that goes back through time.
They are moved as parameters are, and so may be taken for some until the parameters themselves are
moved. Left out: what is carried on (`parameters.py`).
"""

import ast
from collections.abc import Sequence

from conformance.backward.findings import Line
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.syntax import Loop, loops_around, statement, stored
from conformance.errors import ConformanceError
from conformance.script.counting import function_around
from conformance.script.parameters import Parameter
from conformance.script.results import all_judged
from conformance.tracing.frames import Frame
from conformance.tracing.trace import Trace


def begun_anew(parameter: Parameter) -> bool:
    """Whether what moves a value stands in a loop around which another one begins it anew.

    The other loop may be that around a call, if the function itself begins it.
    """
    frames = parameter.values[-1].frames
    made = statement(frames[0].file, frames[0].line) if frames else None
    names = stored(made) if isinstance(made, ast.Assign | ast.AugAssign) else set()
    kept = _appended_to(made)
    loops = loops_around(_line(frames[0])) if names or kept else []
    if not loops:
        return False
    outer: list[ast.AST] = [*loops[1:]]
    function = function_around(_line(frames[0]))
    if function is not None and (kept or any(loops_around(_line(each)) for each in frames[1:])):
        outer.append(function)
    return any(all(_begins(each, loops[0], name) for name in names | kept) for each in outer)


def _appended_to(made: ast.stmt | None) -> set[str]:
    """The list that a statement appends what it computes to, as to a trajectory."""
    match made:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "append"))):
            return {name}
    return set()


def is_right(trace: Trace, found: Sequence[Parameter]) -> bool:
    """Whether the first update of some values is one by right gradients of a loss or known cost."""
    names = [f"{i}" for i, _ in enumerate(found)]
    try:
        made = all_judged(trace, found, names, 1)
        return all(each.ok and each.examined.cost != "unknown" for each in made)
    except (NotAGradientError, ConformanceError):
        return False


def _line(at: Frame) -> Line:
    return Line(at.file, at.line)


def _begins(whole: ast.AST, inner: Loop, name: str) -> bool:
    """Whether a loop or function gives a name a new value before a loop in it."""
    before = (e for e in ast.walk(whole) if getattr(e, "lineno", inner.lineno) < inner.lineno)
    return any(
        (isinstance(each, ast.arg) and each.arg == name)
        or (
            isinstance(each, ast.Assign)
            and name in stored(each)
            and not any(isinstance(e, ast.Name) and e.id == name for e in ast.walk(each.value))
        )
        for each in before
    )
