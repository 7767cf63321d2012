"""The line to blame for a wrong loop over the data: where its mini-batches are made or run out.

Left out: what is wrong (`own_loop.py`).
"""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from types import CodeType, FrameType
from typing import Any

import numpy as np

from conformance.running.missing_names import tree_of
from conformance.tracing.frames import Frame
from conformance.tracing.line_tracer import Frames, LineTracer
from reference.step import Batch

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp
Order = tuple[int | None, ...]

CALL = ("", 0)  # stands in the log for a call of update_mini_batch


class LoopTracer(LineTracer):
    """What the lines of a loop make of the data.

    Attributes:
        made: the line that made each list, tuple, array or float, by its id.
        log: the lines in the order of time, by file and number, and CALL.
        codes: of the functions that ran.
        spoilt: the line after which a list of all samples has no longer all.
        parted: the line after which inputs and targets stand in different orders.
    """

    def __init__(self, data: Batch) -> None:
        """Know the samples again by their numbers, no two of which are alike."""
        super().__init__()
        self.made: dict[int, tuple[Any, Frames]] = {}
        self.log: list[tuple[str, int]] = []
        self.codes: set[CodeType] = set()
        self.spoilt, self.parted = Frames(), Frames()
        self._m = data.m
        self._columns = [
            {_key(v): i for row in part for i, v in enumerate(row)} for part in (data.x, data.y)
        ]
        self._whole: set[int] = set()
        self._together = False

    def give(self, data: Iterable[Any]) -> None:
        """Take the data, which no line of the subject made."""
        for each in (data, *data):
            self.made[id(each)] = each, ()

    def executed(self, frame: FrameType, event: str, value: Any) -> None:
        """Note what a line has made, and what it has done to the samples."""
        self.codes.add(frame.f_code)
        held = [*frame.f_locals.values(), value] if event == "return" else frame.f_locals.values()
        for each in held:
            self._note(each)
        self._ordered([each for each in frame.f_locals.values() if _length(each) == self._m])
        if event == "line":
            self.log.append((frame.f_code.co_filename, frame.f_lineno))

    def origin(self, value: Any, otherwise: Frames) -> Frames:
        """The line that made a value."""
        return self.made.get(id(value), (None, ()))[1] or otherwise

    def executions(self, frame: Frame) -> int:
        """How often a line was executed."""
        return self.log.count((frame.file, frame.line))

    def ran_out(self, call: Frames) -> bool:
        """Whether the loop around the last call of update_mini_batch was asked for more after it.

        A comprehension, or whatever else calls it, goes to its end.
        """
        loop = loop_around(call)[0]
        left = isinstance(_loop(call[0].file, call[0].line), ast.For | ast.While)
        return not left or (loop.file, loop.line) in self._after_last()

    def left_always(self, call: Frames) -> Frames:
        """The line that left that loop, by a return or break under no `if`; none otherwise."""
        loop = loop_around(call)
        bodies = (
            node.body
            for _, _, node in _loops(loop[0].file)
            if isinstance(node, ast.For | ast.While) and node.lineno == loop[0].line
        )
        leaving = {
            each.lineno
            for body in bodies
            for each in body
            if isinstance(each, ast.Return | ast.Break)
        }
        for file, line in () if self.ran_out(call) else self._after_last():
            if file == loop[0].file and line in leaving:
                return loop[0]._replace(line=line), *loop[1:]
        return ()

    def _after_last(self) -> list[tuple[str, int]]:
        last = max(i for i, each in enumerate(self.log) if each == CALL)
        return self.log[last + 1 :]

    def _note(self, value: Any) -> None:
        if isinstance(value, list | tuple | np.ndarray | float) and id(value) not in self.made:
            self.made[id(value)] = value, self.now
            if isinstance(value, list | tuple):
                for each in value:
                    if isinstance(each, list | tuple | np.ndarray):
                        self.made.setdefault(id(each), (each, _element(self.now)))

    def _ordered(self, containers: list[Any]) -> None:
        inputs, targets = list[Order](), list[Order]()
        for each in containers:
            xs, ys = self._order(each)
            whole = len(set(xs) - {None}) == self._m or len(set(ys) - {None}) == self._m
            if id(each) in self._whole and not whole and not self.spoilt:
                self.spoilt = self.now
            self._whole |= {id(each)} if whole else set()
            if whole and (None in xs) != (None in ys):
                (targets if None in xs else inputs).append(ys if None in xs else xs)
        if inputs and targets:
            together = any(order in targets for order in inputs)
            self.parted = () if together else self.now if self._together else self.parted
            self._together = together

    def _order(self, container: Any) -> tuple[Order, Order]:
        """The number of the sample of which each element has the input, and the target."""
        keys = [[*map(_key, _numbers(each))] for each in container]
        xs, ys = (
            tuple(next((known[k] for k in each if k in known), None) for each in keys)
            for known in self._columns
        )
        return xs, ys


def loop_around(frames: Frames) -> Frames:
    """The innermost loop around a line, or around the line that led to it; itself if there is none.

    Of a comprehension it is the line of its `for`.
    """
    for i, frame in enumerate(frames):
        loop = _loop(frame.file, frame.line)
        if loop is not None:
            header = loop.generators[-1].target if isinstance(loop, Comprehension) else loop
            return Frame(frame.file, header.lineno, frame.function), *frames[i + 1 :]
    return frames


def _element(frames: Frames) -> Frames:
    """For the line of a comprehension that of what its elements are."""
    for frame in frames[:1]:
        loop = _loop(frame.file, frame.line)
        if isinstance(loop, Comprehension):
            return Frame(frame.file, loop.elt.lineno, frame.function), *frames[1:]
    return frames


def _loop(file: str, line: int) -> ast.For | ast.AsyncFor | ast.While | Comprehension | None:
    around = [loop for first, last, loop in _loops(file) if first <= line <= last]
    return max(around, key=lambda loop: (loop.lineno, loop.col_offset), default=None)


@cache
def _loops(file: str) -> list[tuple[int, int, Any]]:
    """The loops of a file, with the first and the last line of what they repeat."""
    return [*_spans(tree_of(file))]


def _spans(tree: ast.AST) -> Iterator[tuple[int, int, Any]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            yield node.body[0].lineno, node.body[-1].end_lineno or 0, node
        elif isinstance(node, Comprehension):
            yield node.lineno, node.end_lineno or 0, node


def statement_at(file: str, line: int) -> ast.stmt | None:
    """The innermost statement of a file around a line; the first one of those on the line."""
    nodes = (node for node in ast.walk(tree_of(file)) if isinstance(node, ast.stmt))
    around = [node for node in nodes if node.lineno <= line <= (node.end_lineno or 0)]
    return max(around, key=lambda node: (node.lineno, -node.col_offset), default=None)


def _length(value: Any) -> int:
    held = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)
    return len(value) if held else 0


def _numbers(element: Any) -> Iterator[Any]:
    if isinstance(element, list | tuple):
        for each in element:
            yield from _numbers(each)
    elif isinstance(element, np.ndarray | float) and np.asarray(element).dtype.kind == "f":
        yield from np.ravel(element)


def _key(number: Any) -> float:
    return float(np.float32(number))
