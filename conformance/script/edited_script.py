"""The change of one line that makes the gradients of a script right, or with which it runs at all.

The script is run again for each change, up to the update that was judged: its parameters have to
become what they would by the right gradients. Then that line is the one to blame. A change may be
right by chance, as `mu / n / Z` is `0.5 * mu / n` while Z is 2: with another number it is not. Left
out: which changes there are (`edits`), and what is wrong as far as it is known without them.
"""

import ast
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from linecache import getline
from pathlib import Path
from time import process_time
from types import CodeType

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.edited_line import (
    blamed_frames,
    by_each,
    by_edit,
    known_changes,
    mistakes_of,
    right_values,
    sizes_of,
)
from conformance.backward.findings import UPDATES, Accused, Line
from conformance.backward.judge_gradients import distance
from conformance.backward.syntax import statement
from conformance.edits.edit import Change, Edit, EditKind
from conformance.edits.live_functions import LiveFunction, RunLines, outermost, runs_of
from conformance.edits.search_edits import (
    holds,
    search,
    search_each,
    search_known,
    search_known_first,
)
from conformance.edits.source_parts import last_name
from conformance.running.quiet import quiet
from conformance.script.plain_script import PlainScript
from conformance.script_outcome import NextValue, Ran
from conformance.tracing.frames import Frame, is_installed, is_subject
from reference.step import Array

SECONDS = 6.0  # of the processor, after which no other change is tried
FEW, FEWER = 20, 6  # trials, for which there has to be time
MODULE = "<module>"

MOST = 12  # scripts that run on, and are judged
MORE = 1.25  # times as much, of what is no whole number


def mended(
    ran: Ran,
    arguments: Sequence[str],
    seed: int,
    confirmed: Callable[[ast.Module], bool],
    refuted: Callable[[ast.Module], bool],
) -> Ran:
    """A script that is wrong, with the change that makes its gradients right, if one is found.

    Args:
        ran: what is known of it.
        arguments: that it was given.
        seed: of its random numbers, where it gave none.
        confirmed: whether all updates of a changed script are right: one may be so by chance.
        refuted: whether a changed script is judged, and wrong.
    """
    wanted, file = ran.next_values, str(Path(ran.script).absolute())
    accused, ahead = ran.examined.accused, ran.examined.ahead
    if not SECONDS or not file.endswith(".py"):
        return ran
    if any(each.cause.kind in UPDATES for each in accused):
        return _with_right_updates(ran, file, arguments, seed, confirmed)
    if not wanted:
        return ran
    try:
        plain = PlainScript(file, ast.parse(Path(file).read_bytes(), file), arguments, seed, wanted)
    except SyntaxError:  # a parameter has no name that is an expression
        return ran
    forget_own_modules()

    guilty = [line for each in accused for line in each.lines]
    blamed, known = blamed_frames(accused), [*known_changes(accused)]
    lines = RunLines({line for at, line in guilty if at == file})
    whole = [e for e in parts_of(plain, {plain.codes[0]: lines}) if e.name == MODULE]

    def by_known(*, words: bool) -> Change | None:
        some = [each for each in known if each.is_sure == words]
        return search_known(whole, blamed, lambda: confirmed(plain.tree), SECONDS, some)

    change = by_known(words=True)
    before = deepcopy(plain.tree)
    is_right = _trial(plain, free=ran.examined.free)
    rights = right_values(accused)
    parts, trials = list[LiveFunction](), list[Callable[[], bool]]()
    ran_parts = [] if change else _ran(plain, is_right, known=bool(rights))
    if parts := [each.without(ahead) for each in ran_parts]:
        trials = [is_right, lambda: confirmed(plain.tree)]
        trials.append(lambda: not is_by_chance(before, plain.tree, refuted))
        change = search(parts, blamed, trials, SECONDS, known, rights)
    change = change or by_known(words=False)
    if change is not None:
        return replace(ran, examined=by_edit(ran.examined, change))
    names = {name for each in accused for name in each.gradients}

    def is_right_in(one: Accused) -> bool:
        return _trial(plain, free=False, but=names - {*one.gradients})()

    changes = (
        search_each(parts, mistakes_of(accused, is_right_in), trials, SECONDS) if parts else []
    )
    return replace(ran, examined=by_each(ran.examined, changes)) if changes else ran


def _with_right_updates(
    ran: Ran,
    file: str,
    arguments: Sequence[str],
    seed: int,
    confirmed: Callable[[ast.Module], bool],
) -> Ran:
    """A script of which an update is wrong, with a change; see `mended`.

    What the parameters have to become is not known, so that each change is judged as the script
    was, which takes longer: few are tried.
    """
    accused = ran.examined.accused
    lines = [each.line for each in accused[0].lines if each.file == file]
    free = accused[0].cause.kind in ("unused rate", "former", "unrooted")  # many changes hide it
    if len(accused) > 1 or not lines or free:
        return ran
    tree = ast.parse(Path(file).read_bytes(), file)
    plain = PlainScript(file, tree, arguments, seed, (), until=lines[0])

    def goes_on() -> bool:
        return not plain.values()

    forget_own_modules()
    with quiet():
        parts = [*parts_of(plain, runs_of(lambda: holds(goes_on, SECONDS), file.__eq__))]
    blamed, known = blamed_frames(accused), [*known_changes(accused)]
    nothing = _products_by_zero(plain.tree)

    def is_right() -> bool:
        return _products_by_zero(plain.tree) <= nothing and confirmed(plain.tree)

    trials = [goes_on, is_right]
    change = search_known_first(parts, blamed, trials, SECONDS, known)
    if change is None or not _is_of_cause(change, accused[0].cause.kind, lines):
        return ran
    return replace(ran, examined=by_edit(ran.examined, change))


def _is_of_cause(change: Change, cause: str, lines: Sequence[int]) -> bool:
    """Whether a change with which nothing is accused does away with what was.

    Another sum that nothing reads looks no further ahead; to divide by another number is no mend
    of a mean that is taken twice, and another array no use of what is kept.
    """
    if cause == "unread":
        return change.kind is EditKind.REPLACED and change.line in lines
    if cause == "mean":
        return change.text.count("/") < getline(change.file, change.line).count("/")
    return cause != "behind" or change.line in lines


def _products_by_zero(tree: ast.AST) -> int:
    """How many products are nothing, whatever is multiplied: what is kept would be left out."""
    operands = [
        operand
        for each in ast.walk(tree)
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Mult)
        for operand in (each.left, each.right)
    ]
    values = (e.operand if isinstance(e, ast.UnaryOp) else e for e in operands)
    return sum(isinstance(each, ast.Constant) and each.value == 0 for each in values)


def _trial(plain: PlainScript, *, free: bool, but: Collection[str] = ()) -> Callable[[], bool]:
    """Whether the update that was judged makes of the parameters what it has to.

    Args:
        plain: the script.
        free: whether no gradient tells a factor that all have by a convention.
        but: the names of parameters of which it does not matter.
    """
    told = [i for i, each in enumerate(plain.wanted) if each.name not in but]
    wanted = [plain.wanted[i] for i in told]

    def is_right() -> bool:
        values = plain.values()
        found, rights = [values[i] for i in told], zip(*(e.rights for e in wanted), strict=True)
        return any(_agree(found, wanted, each, free=free) for each in rights)

    return is_right


def _ran(plain: PlainScript, is_right: Callable[[], bool], *, known: bool) -> list["_Part"]:
    """The parts of a script that are run to that update; none if to run it so tells nothing.

    Args:
        plain: the script.
        is_right: whether it is.
        known: whether it is known what a line has to give, so that few changes are tried.
    """
    begun = process_time()
    news = [each.new for each in plain.wanted]
    with quiet():
        as_judged = holds(lambda: _agree(plain.values(), plain.wanted, news), SECONDS)
        long = (FEWER if known else FEW) * (process_time() - begun) > SECONDS
        if not as_judged or long or holds(is_right, SECONDS):
            return []
        return [*parts_of(plain, runs_of(lambda: holds(is_right, SECONDS), plain.file.__eq__))]


def _agree(
    found: Sequence[Array],
    wanted: Sequence[NextValue],
    asked: Sequence[Array],
    *,
    free: bool = False,
) -> bool:
    """Whether all parameters are moved as they are asked to be, to half of the digits.

    Args:
        found: what they become.
        wanted: what they were before.
        asked: what they have to become.
        free: whether they may all be moved as many times as far.
    """
    steps = [value - each.old for value, each in zip(found, wanted, strict=True)]
    rights = [right - each.old for right, each in zip(asked, wanted, strict=True)]
    square = sum(float(np.sum(each**2)) for each in rights) if free else 0.0
    along = sum(float(np.sum(a * b)) for a, b in zip(steps, rights, strict=True)) if square else 1.0
    factor = along / square if square else 1.0
    sizes, noise = sizes_of(rights)
    return factor > 0 and all(
        distance(step, factor * right, factor * max(size, noise)) <= HALF_OF_THE_DIGITS
        for step, right, size in zip(steps, rights, sizes, strict=True)
    )


def forget_own_modules() -> None:
    """Let the modules of the program be imported anew, which were compiled to be traced."""
    for name, module in [*sys.modules.items()]:
        file = getattr(module, "__file__", None)
        if file is not None and is_subject(file) and not is_installed(file):
            del sys.modules[name]


@dataclass(frozen=True)
class _Part(LiveFunction):
    """A function of a script, or what stands outside of all, which is compiled with the whole."""

    plain: PlainScript

    def has(self, place: tuple[str, int]) -> bool:
        """Whether a line of a file is one of it."""
        return super().has(place) and (self.name != MODULE or place[1] in self.ran)

    @contextmanager
    def changed(self, edit: Edit) -> Iterator[None]:
        """The script with a change of this part, to the end of the block.

        Raises:
            SyntaxError: what is changed is no program.
        """
        before = self.plain.codes
        try:
            with edit.made():
                self.plain.codes = self.plain.compiled(edit.line)
                yield
        finally:
            self.plain.codes = before


def parts_of(plain: PlainScript, ran: Mapping[CodeType, RunLines]) -> Iterator[_Part]:
    """The functions of a script that were run, and what stands outside of all."""
    left = {line for each in ran.values() for line in each.lines}
    for definition, around in outermost(plain.tree, ""):
        span = range(definition.lineno, (definition.end_lineno or 0) + 1)
        name = "<lambda>" if isinstance(definition, ast.Lambda) else definition.name
        inside = [each for code, each in ran.items() if code.co_firstlineno in span]
        lines = frozenset(line for each in inside for line in each.lines)
        callers = frozenset(place for each in inside for place in each.callers)
        yield _Part(plain.file, name, definition, plain.tree, around, (), lines, callers, plain)
        left -= lines
    none = ast.arguments([], [], None, [], [], None, [])
    body = plain.tree.body
    whole = ast.FunctionDef(MODULE, none, body, [], lineno=1, end_lineno=body[-1].end_lineno)
    for lines in _loops_apart(body, left):
        outside = lines, frozenset[tuple[str, int]]()
        yield _Part(plain.file, MODULE, whole, plain.tree, "", (), *outside, plain)


def _loops_apart(body: Sequence[ast.stmt], lines: set[int]) -> Iterator[frozenset[int]]:
    """Some lines outside of all functions: of each loop of the script, then those in none.

    What trains is one of them; what stands before it, such as its data, is far from it.
    """
    loops = [each for each in body if isinstance(each, ast.For | ast.While)]
    spans = [range(each.lineno, (each.end_lineno or 0) + 1) for each in loops]
    yield from (frozenset(lines & {*span}) for span in spans)
    yield frozenset(lines.difference(*spans))


def repaired(
    script: str,
    raised: Sequence[Line],
    arguments: Sequence[str],
    seed: int,
    confirmed: Callable[[ast.Module], bool],
) -> Change | None:
    """The change; None if none is found.

    Args:
        script: its path.
        raised: the lines that led to the error, the innermost first.
        arguments: that it was given.
        seed: of its random numbers, where it gave none.
        confirmed: whether a changed script updates its parameters, and rightly.
    """
    file, seconds = str(Path(script).absolute()), SECONDS
    own = [each.line for each in raised if each.file == file]
    until = [each for each in own if not isinstance(statement(file, each), ast.Return)]
    if not (seconds and until and file.endswith(".py")):
        return None
    tree = ast.parse(Path(file).read_bytes(), file)
    plain, left = PlainScript(file, tree, arguments, seed, (), until=until[0]), iter(range(MOST))

    def goes_on() -> bool:
        return not plain.values()

    def is_right() -> bool:
        return next(left, None) is not None and confirmed(plain.tree)

    forget_own_modules()
    with quiet():
        parts = [*parts_of(plain, runs_of(lambda: holds(goes_on, seconds), file.__eq__))]
    return search(parts, [[Frame(file, own[0], "")]], [goes_on, is_right], seconds)


def is_by_chance(
    before: ast.Module, after: ast.Module, is_wrong: Callable[[ast.Module], bool]
) -> bool:
    """Whether a script with a change is wrong once a number is another that the change is about.

    Args:
        before: the script without the change.
        after: the script with it.
        is_wrong: whether a script is, as far as it can be judged.
    """
    one, other = Counter(_statements(before)), Counter(_statements(after))
    changed = [ast.parse(each) for each in (*(one - other), *(other - one))]
    again = _with_others(after, {name for each in changed for name in _read(each)})
    return again is not None and is_wrong(again)


def _statements(tree: ast.AST) -> Iterator[str]:
    """The sources of all statements that have no others in them."""
    for each in ast.walk(tree):
        if isinstance(each, ast.stmt) and not hasattr(each, "body"):
            yield ast.unparse(each)


def _read(tree: ast.AST) -> Iterator[str]:
    """The names that are read, and those of attributes."""
    for each in ast.walk(tree):
        if isinstance(each, ast.Name | ast.Attribute) and isinstance(each.ctx, ast.Load):
            yield last_name(each)


def _with_others(tree: ast.Module, names: Collection[str]) -> ast.Module | None:
    """A script in which some names hold other numbers; None if none is written for any.

    A number stays from which is counted on, such as the first index.
    """
    made = deepcopy(tree)
    counting = {last_name(e.target) for e in ast.walk(made) if isinstance(e, ast.AugAssign)}
    numbers = [e for target, e in _given(made) if last_name(target) in {*names} - counting]
    for each in numbers:
        match each.value:
            case int(value):
                each.value = value + 1
            case float(value):
                each.value = value * MORE
    return made if numbers else None


def _given(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.Constant]]:
    """The numbers that names are given: by an assignment, by a call, or if none is given."""
    for each in ast.walk(tree):
        pairs: list[tuple[ast.expr, ast.expr | None]] = []
        match each:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = [*zip(names, values, strict=False)]
            case ast.Assign(targets=names, value=value):
                pairs = [(name, value) for name in names]
            case ast.keyword(arg=str(name), value=value):
                pairs = [(ast.Name(name), value)]
            case ast.arguments():
                taken = [*each.posonlyargs, *each.args]
                lacking = len(taken) - len(each.defaults)
                own = [*taken[lacking:], *each.kwonlyargs]
                held = zip(own, [*each.defaults, *each.kw_defaults], strict=True)
                pairs = [(ast.Name(taken.arg), value) for taken, value in held]
        for target, number in pairs:
            if isinstance(number, ast.Constant) and type(number.value) in (int, float):
                yield target, number
