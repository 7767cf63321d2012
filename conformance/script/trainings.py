"""The trainings of a script one after another: where each runs, and how those before it are cut.

A script may train once with each optimiser, or setting. It is run again for each, and the loops of
the trainings before are left after a few rounds; nothing of them is recorded. Left out: running it
(`run_script.py`), and trainings in comprehensions, of which the first alone is judged.
"""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, pairwise
from types import FrameType
from typing import Any

from conformance.backward.findings import Line
from conformance.backward.groups import operation_key
from conformance.backward.syntax import Loop, is_repeated, loops_around, tree
from conformance.backward.value_names import operation_text
from conformance.script.parameter_names import own_variables
from conformance.script.parameters import Parameter
from conformance.script_outcome import Training
from conformance.tracing.ancestors import walk
from conformance.tracing.entering import Entrance
from conformance.tracing.frames import Frame, is_subject
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

DEPTH = 4  # of objects within objects
CONTAINERS = (list, tuple, dict)


class Cut:
    """Leaves the loops of some trainings after a few rounds, and records what comes after them.

    Attributes:
        entrance: makes known what the program holds by then.
        began: the number of the first node after that.
    """

    def __init__(self, trace: Trace, trainings: Sequence[Training], rounds: int) -> None:
        self.trace, self.left, self.rounds = trace, [each.loop for each in trainings], rounds
        self.entrance, self.began, self._tests = Entrance(trace), 0, 0
        trace.recording = False

    def each(self, plain: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
        """What gives the values of a loop one by one, in the place of another that does so."""

        def called(given: Any) -> Iterator[Any]:
            is_next = self._is_next(sys._getframe(1))  # noqa: SLF001 - the loop that asks
            return self._rounds(given) if is_next else plain(given)

        return called

    def test(self, given: Any) -> Any:
        """What a `while` loop tests, in the place of that."""
        asking = sys._getframe(1)  # noqa: SLF001 - the loop that asks
        if not self._is_next(asking):
            return given
        self._tests += 1
        if given and self._tests <= self.rounds:
            return given
        self._tests = 0
        self._leave(asking)
        return False

    def _is_next(self, asking: FrameType) -> bool:
        return self.left[:1] == [(asking.f_code.co_filename, asking.f_lineno)]

    def _rounds(self, given: Iterable[Any]) -> Iterator[Any]:
        try:
            yield from islice(given, self.rounds)
        finally:
            self._leave(sys._getframe(1))  # noqa: SLF001 - the program's variables

    def _leave(self, frame: FrameType) -> None:
        self.left.pop(0)
        self.trace.recording = not self.left
        if not self.left:
            self._enter(frame)
            self.began = len(self.trace.nodes)

    def _enter(self, frame: FrameType | None) -> None:
        """Make the arrays and lists known that are held in objects, or by global variables."""
        seen = set[int]()
        while frame is not None:
            each, frame = frame, frame.f_back
            if not is_subject(each.f_code.co_filename):
                continue
            for value in each.f_locals.values():
                self._known(value, DEPTH, seen)
            names = each.f_globals
            for name in [e for e in names if not e.startswith("__")]:
                names[name] = self._known(names[name], DEPTH, seen)

    def _known(self, value: Any, depth: int, seen: set[int]) -> Any:
        """A value, made known with what it holds."""
        own = own_variables(value)
        if not depth or not (own or isinstance(value, CONTAINERS)) or id(value) in seen:
            return self.entrance.value(value) if depth and not own else value
        seen.add(id(value))
        for name in list(own):
            own[name] = self._known(own[name], depth - 1, seen)
        parts = value.values() if isinstance(value, dict) else () if own else value
        for each in [e for e in parts if own_variables(e) or isinstance(e, CONTAINERS)]:
            self._known(each, depth - 1, seen)
        return self.entrance.value(value)


def training(found: Sequence[Parameter], *, goes_on: bool) -> Training | None:
    """Where a training runs, if another one may follow it.

    Args:
        found: the parameters, as they were moved.
        goes_on: whether other lines after it train.
    """
    own, again = loops_of_steps([each.values for each in found])
    within, loop = own[-1] if own else (None, None)
    if within is None or loop is None:
        return None
    frames = found[0].values[-1].frames
    if not (again or goes_on or _is_called_again(frames[frames.index(within) :])):
        return None
    asking = loop.iter if isinstance(loop, ast.For) else loop.test
    return Training((within.file, asking.lineno), lines_of_updates(found))


def lines_of_updates(found: Sequence[Parameter]) -> tuple[tuple[str, int], ...]:
    """The lines that compute what some parameters become, each with its file."""
    return tuple(sorted(_lines(walk([each.values[-1] for each in found]))))


def used_operations(trace: Trace, found: Sequence[Parameter]) -> tuple[tuple[str, int, str], ...]:
    """The operations of which all results go into the parameters: file, line and source.

    With an empty source the lines on which there is no other: a line may return a loss, too.
    """
    first = min(each.values[0].number for each in found)
    last = min(each.values[-1].number for each in found)
    made = {*walk([each.values[-1] for each in found])}
    step = (e for e in trace.nodes if first < e.number < last and e.function is not None)
    others = [e for e in step if e not in made]
    own, unused = _lines(made), _lines(others)
    used, beside = (_sources(each, own & unused) for each in (made, others))
    return tuple(sorted({(*each, "") for each in own - unused} | (used - beside)))


def _sources(nodes: Iterable[Node], lines: set[tuple[str, int]]) -> set[tuple[str, int, str]]:
    """The operations on some lines that compute some values."""
    there = (e for e in nodes if e.function and e.frames and e.frames[0][:2] in lines)
    once = {operation_key(each): each for each in there}
    return {(*each.frames[0][:2], operation_text(each)) for each in once.values()}


def _lines(nodes: Iterable[Node]) -> set[tuple[str, int]]:
    """The lines that compute some values."""
    return {each.frames[0][:2] for each in nodes if each.frames}


def loops_of_steps(chains: Sequence[Sequence[Node]]) -> tuple[list[tuple[Frame, Loop]], bool]:
    """The loops around updates that are not around what makes the parameters; innermost first.

    Args:
        chains: the values of each parameter, one after another.

    Returns:
        Them, each with the line that it stands around; and whether others stand around them.
    """
    made = [_made(each).frames for each in chains]
    begun = {(frame.file, loop) for frames in made for frame, loop in loops(frames)}
    around = [*loops(chains[0][-1].frames)] if chains else []
    own = [(frame, loop) for frame, loop in around if (frame.file, loop) not in begun]
    return own, len(own) < len(around)


def _made(chain: Sequence[Node]) -> Node:
    """What a parameter is before its updates, of which the first ones may not be in its chain."""
    node = chain[0]
    while node.frames[:1] == chain[-1].frames[:1] and node.inputs:
        node = min(node.inputs, key=lambda each: each.number)
    return node


def loops(frames: Sequence[Frame]) -> Iterator[tuple[Frame, Loop]]:
    """The loops around some frames, each with the one that it stands around; innermost first."""
    for each in frames:
        yield from ((each, loop) for loop in loops_around(Line(each.file, each.line)))


def _is_called_again(frames: Sequence[Frame]) -> bool:
    """Whether a function that some frames lead to is called in a loop, or on several lines."""
    if any(is_repeated(Line(each.file, each.line)) for each in frames[1:]):
        return True
    for inner, outer in pairwise(frames):
        calls = (
            e.func for e in ast.walk(tree(outer.file) or ast.Pass()) if isinstance(e, ast.Call)
        )
        named = [getattr(each, "id", getattr(each, "attr", "")) for each in calls]
        if named.count(inner.function) > 1:
            return True
    return False
