"""What the source tells about an update: whether it is counted, and of the loops around it.

Adam without its corrections may be meant where nothing is counted. Another training may follow,
before which a script is ended; and a loop may begin a value anew in each of its rounds, as the
states of a recurrence, or an error that goes back through time. Such are moved as parameters are,
and may be taken for some until the parameters themselves are moved. Left out: several trainings by
the same lines, of which the first is judged, and what is carried on (`parameters.py`).
"""

import ast
import re
from collections.abc import Collection, Iterator, Sequence

from conformance.backward.findings import Line
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.syntax import (
    Loop,
    function_around,
    is_repeated,
    loops_around,
    statement,
    stored,
    tree,
)
from conformance.errors import ConformanceError
from conformance.programs.vocabulary import bare
from conformance.script.linear import ancestors, way
from conformance.script.parameters import Parameter
from conformance.script.results import all_judged
from conformance.script.rows import Carried
from conformance.script.rule import rules
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

COUNT = re.compile("t")
"""What nothing else is called that is counted beside an update."""


def counts(definition: ast.AST | None, names: re.Pattern[str] = COUNT) -> bool:
    """Whether a function has a line such as `self.t += 1`, or an argument t.

    Args:
        definition: of the function.
        names: what the count may be called.
    """
    for each in ast.walk(definition or ast.Pass()):
        name = each.arg if isinstance(each, ast.arg) else ""
        if isinstance(each, ast.AugAssign):
            name = ast.unparse(each.target).rpartition(".")[2]
        if name and names.fullmatch(bare(name)):
            return True
    return False


def raises_at_once(definition: ast.AST | None, name: str) -> bool:
    """Whether the first that a function does with an argument is to add to it: `t += 1`."""
    used = (e for e in ast.walk(definition or ast.Pass()) if isinstance(e, ast.Name))
    first = min(
        (e for e in used if e.id == name), key=lambda e: (e.lineno, e.col_offset), default=None
    )
    return first is not None and isinstance(first.ctx, ast.Store)


def training_after(found: Sequence[Parameter], nodes: Sequence[Node]) -> Line | None:
    """The first line of a loop after that of some parameters which takes a product off another one.

    Else that of a loop in a function that the program calls and that has not run.

    Args:
        found: the parameters, as they were moved.
        nodes: of the run.
    """
    for frame in (e for each in found for e in each.values[-1].frames):
        line = Line(frame.file, frame.line)
        for loop in loops_around(line)[-1:]:
            known = {name for name, _ in _steps(loop)}
            after = _loops_after(loop.end_lineno or 0, line)
            steps = (step for other in after for step in _steps(other))
            later = [number for name, number in steps if name not in known]
            if later:
                return Line(frame.file, min(later))
    ran = {frame.function for each in nodes for frame in each.frames}
    files = dict.fromkeys(e.file for each in found for e in each.values[-1].frames)
    return next((e for file in files for e in _called_later(file, ran)), None)


def trains_around(found: Sequence[Parameter]) -> bool:
    """Whether a loop around those that move some values, or one after it, moves others."""
    lines = [_line(frame) for each in found for frame in each.values[-1].frames]
    loops = {line: loops_around(line) for line in lines}
    known = {name for around in loops.values() for each in around[:1] for name, _ in _steps(each)}
    others = [
        other
        for line, around in loops.items()
        for other in (*around[1:], *_loops_after(_end_of(around, line), line))
    ]
    return any(name not in known for each in others for name, _ in _steps(each))


def moves_after(found: Sequence[Parameter]) -> bool:
    """Whether the function whose loops move some values moves another after them, and none yet."""
    values = [e for each in found for e in each.values[1:]]
    seen = {_line(frame) for each in values for frame in each.frames[:1]}
    return any(
        Line(line.file, at) not in seen
        for line in seen
        if isinstance(function := function_around(line), ast.FunctionDef)
        for each in function.body
        if (loops := loops_around(line)) and each.lineno > _end_of(loops, line)
        for _, at in _steps(each)
    )


def makes_data(found: Sequence[Parameter]) -> bool:
    """Whether a later training reads what the loop that moves some values keeps of each round."""
    return all(_makes_data(each.values[-1].frames) for each in found)


def _makes_data(frames: Sequence[Frame]) -> bool:
    names = set[str]()
    for line in map(_line, frames):
        made, around = statement(line.file, line.line), loops_around(line)
        names = stored(made) if names and isinstance(made, ast.Assign) else set()
        for loop in around[-1:]:
            names |= {e for part in ast.walk(loop) for e in _kept_in(part, around[0])}
        end = _end_of(around, line)
        for each in (e for e in _loops_after(end, line) if [*_steps(e)]):
            known = _with_made_of(names, line, end, each.lineno)
            if known & _read_within(each, line.file):
                return True
        function = function_around(line)
        ends = (e for e in ast.walk(function or ast.Pass()) if isinstance(e, ast.Return))
        names &= {name for each in ends for name in _read(each)}
    return False


def _read_within(whole: ast.AST, file: str) -> set[str]:
    """The names that some code reads, or a function of its file that it calls by its name."""
    names = _read(whole)
    functions = (e for e in ast.walk(tree(file) or ast.Pass()) if isinstance(e, ast.FunctionDef))
    return names.union(*(_read(each) for each in functions if each.name in names))


def _with_made_of(names: Collection[str], line: Line, end: int, last: int) -> set[str]:
    """Some names, and those of what is made of them between two lines, as a part of an array."""
    found = {*names}
    scope = function_around(line) or tree(line.file) or ast.Pass()
    made = (each for each in ast.walk(scope) if isinstance(each, ast.Assign))
    for each in sorted(made, key=lambda each: each.lineno):
        if end < each.lineno < last and found & _read(each.value):
            found |= stored(each)
    return found


def _read(whole: ast.AST) -> set[str]:
    """The names that are read, for more than to append to a list."""
    appended = {id(e.value) for e in ast.walk(whole) if isinstance(e, ast.Attribute)}
    names = (e for e in ast.walk(whole) if isinstance(e, ast.Name) and id(e) not in appended)
    return {each.id for each in names if isinstance(each.ctx, ast.Load)}


def _end_of(around: Sequence[Loop], line: Line) -> int:
    """The last line of the outermost loop around a line; this, if there is none."""
    return max((each.end_lineno or 0 for each in around), default=line.line)


def _called_later(file: str, ran: set[str]) -> Iterator[Line]:
    """The lines at which functions move what they begin themselves, if they are called later."""
    module = tree(file) or ast.Pass()
    calls = [each.func for each in ast.walk(module) if isinstance(each, ast.Call)]
    called = {getattr(each, "id", getattr(each, "attr", "")) for each in calls} - ran
    functions = (each for each in ast.walk(module) if isinstance(each, ast.FunctionDef))
    for each in (e for e in functions if e.name in called):
        for loop in (e for e in ast.walk(each) if isinstance(e, Loop)):
            steps = (line for name, line in _steps(loop) if _begins(each, loop, name))
            yield from (Line(file, line) for line in steps)


def _loops_after(end: int, line: Line) -> Iterator[Loop]:
    """The loops after the end of another one, in the function around a line."""
    scope = function_around(line)
    loops = (e for e in ast.walk(scope or tree(line.file) or ast.Pass()) if isinstance(e, Loop))
    for each in loops:
        own = function_around(Line(line.file, each.lineno)) is scope
        if own and each.lineno > end:
            yield each


def _steps(loop: ast.stmt) -> Iterator[tuple[str, int]]:
    """What is moved by `w -= lr * g` or `w = w - lr * g` in a statement, each with its line.

    Or by `w -= v` of a sum of products, as a velocity is.
    """
    made = [e for e in ast.walk(loop) if isinstance(e, ast.Assign)]
    sums = {ast.unparse(e.targets[0]): e.value.left for e in made if isinstance(e.value, ast.BinOp)}
    for each in ast.walk(loop):
        match each:
            case ast.AugAssign(target, ast.Sub(), step):
                yield from _of_product(target, sums.get(ast.unparse(step), step))
            case ast.Assign([target], ast.BinOp(old, ast.Sub(), step)):
                if ast.unparse(old) == ast.unparse(target):
                    yield from _of_product(target, sums.get(ast.unparse(step), step))


def _of_product(target: ast.expr, step: ast.expr) -> Iterator[tuple[str, int]]:
    """What is moved by a product, which may be divided, as by the root of a mean of squares."""
    while isinstance(step, ast.BinOp) and isinstance(step.op, ast.Div):
        step = step.left
    if isinstance(step, ast.BinOp) and isinstance(step.op, ast.Mult):
        yield ast.unparse(target), target.lineno


def begun_anew(one: Carried) -> bool:
    """Whether what moves a value stands in a loop around which another one begins it anew.

    The other loop may be that around a call, if the function itself begins it. What several calls
    of a function move in place is that value still.
    """
    pairs = one.values[:2], one.values[-2:]  # the last may be of a part of a round
    ways = (e.frames for pair in pairs for e in _way(*pair) if e.frames)
    again = one.values[1].calls[:1] != one.values[-1].calls[:1]
    levels = ((each[i:], i) for each in ways for i, _ in enumerate(each))
    return any(_is_begun(each, again=again, handed_to=i > 0) for each, i in levels)


def _way(old: Node, new: Node) -> list[Node]:
    """The values after an old one up to the new one; this alone, if it is not made of the old."""
    within = ancestors(new)
    return way(old, new, within)[1:] if old in within else [new]


def _is_begun(frames: Sequence[Frame], *, again: bool, handed_to: bool) -> bool:
    """Whether a value that is handed from round to round is begun anew in a loop around these.

    Args:
        frames: of an operation that makes it, or of a call that leads to that.
        again: whether several calls of a function make it.
        handed_to: whether it is a call, which has to be handed the value: `x = step(x)`.
    """
    made = statement(frames[0].file, frames[0].line)
    names = stored(made) if isinstance(made, ast.Assign | ast.AugAssign) else set()
    loops = loops_around(_line(frames[0])) if made is not None else []
    kept = _kept_in(made, loops[0]) if loops else set()
    if made is not None and handed_to:
        names, kept = names & _read(made), kept & _read(made)
    if not loops or not names | kept:
        return False
    outer: list[ast.AST] = [*loops[1:]]
    function = function_around(_line(frames[0]))
    repeated = not again if kept else _is_called_in_rounds(frames)
    if function is not None and repeated:
        outer.append(function)
    handed = [{name, *_handed_to(loops[0], name)} for name in names | kept]
    return any(
        all(any(_begins(each, loops[0], name) for name in several) for several in handed)
        for each in outer
    )


def _is_called_in_rounds(frames: Sequence[Frame]) -> bool:
    """Whether a loop calls what runs, or calls the same function elsewhere, as on measured data."""
    if any(is_repeated(_line(each)) for each in frames[1:]):
        return True
    calls = (e for e in ast.walk(tree(frames[0].file) or ast.Pass()) if isinstance(e, ast.Call))
    own = (e for e in calls if isinstance(e.func, ast.Name) and e.func.id == frames[0].function)
    return any(is_repeated(Line(frames[0].file, each.lineno)) for each in own)


def _kept_in(made: ast.AST | None, loop: Loop) -> set[str]:
    """The list or array in which a loop keeps what each round computes, as of a trajectory."""
    turns = stored(loop.target) if isinstance(loop, ast.For) else set[str]()
    match made:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "append"))):
            return {name}
        case ast.Assign([ast.Subscript(ast.Name(name), at)]) | ast.AugAssign(
            ast.Subscript(ast.Name(name), at)
        ):
            used = {each.id for each in ast.walk(at) if isinstance(each, ast.Name)}
            return {name} if used & turns else set()
    return set()


def _handed_to(inner: Loop, name: str) -> Iterator[str]:
    """The names that a loop gives the value of another: `level, slope = new_level, new_slope`."""
    for each in ast.walk(inner):
        match each:
            case ast.Assign([ast.Tuple(targets)], ast.Tuple(values)):
                pairs = [*zip(targets, values, strict=False)]
            case ast.Assign([target], value):
                pairs = [(target, value)]
            case _:
                pairs = []
        for target, value in pairs:
            match target, value:
                case ast.Name(to), ast.Name(of) if of == name:
                    yield to


def is_right(trace: Trace, found: Sequence[Parameter]) -> bool | None:
    """Whether some values are first moved by right gradients and no unknown rule.

    None if no cost tells it.

    One alone may be so by chance, as that of an error of a recurrence which begins with zeros.
    """
    for i, each in enumerate(found):
        each.name = f"{i}"
    try:
        made = all_judged(trace, found, min(2, *(each.chain.count for each in found)))
    except (NotAGradientError, ConformanceError):
        return None
    known = all(each.examined.cost != "unknown" for each in made)
    by_rule = all(each.rule.kind != "other" for each in rules(made))
    return by_rule and all(each.ok for each in made) if known else None


def _line(at: Frame) -> Line:
    return Line(at.file, at.line)


def _begins(whole: ast.AST, inner: Loop, name: str) -> bool:
    """Whether a loop or function gives a name a new value before a loop in it.

    What is put together of the old value, as `theta = [w, b]` once they were taken out of it, is
    that value still.

    Args:
        whole: the loop or function.
        inner: the loop in it.
        name: the name.
    """
    before = (e for e in ast.walk(whole) if getattr(e, "lineno", inner.lineno) < inner.lineno)
    old = {name, *_taken_out(whole, name)}
    return any(
        (isinstance(each, ast.arg) and each.arg == name)
        or (isinstance(each, ast.Assign) and name in stored(each) and old.isdisjoint(_read(each)))
        for each in before
    )


def _taken_out(whole: ast.AST, name: str) -> Iterator[str]:
    """The names that items of a list are given: `w, b = theta`, or `w = theta[0]`."""
    for each in ast.walk(whole):
        match each:
            case ast.Assign([ast.Tuple(items)], ast.Name(of)) if of == name:
                yield from (item.id for item in items if isinstance(item, ast.Name))
            case ast.Assign([ast.Name(item)], ast.Subscript(ast.Name(of))) if of == name:
                yield item
