"""A network's own `SGD` is called and run, and what it gives its `update_mini_batch` is noted.

The book's order is `SGD(training_data, epochs, mini_batch_size, eta)`. Other names are taken for
these four in this order, unless a name says that it is another of them. The update is carried out
too, since the loop may use what it returns and what it leaves. Its lines are followed if need be:
where its mini-batches are made or run out. Left out: whether an epoch is right (`own_loop.py`).
"""

import ast
import inspect
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import chdir, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from tempfile import TemporaryDirectory
from types import CodeType, FrameType
from typing import Any

import numpy as np

from conformance.running.missing_names import tree_of
from conformance.running.quiet import quiet
from conformance.subjects.book.book_network import BookNetwork
from conformance.tracing.frames import Frame, raised_in, subject_frames
from conformance.tracing.line_tracer import Frames, LineTracer, traced_by
from reference.step import Array, Batch

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


ORDER = ("data", "epochs", "size", "eta")
_SAYS = {
    "steps": r"step|iter|update",
    "epochs": r"epoch",
    "eta": r"^(eta|η|lr|alpha|α|step_?size)$|rate|^learning",
    "size": r"batch|size",
    "test": r"test|valid|eval",
    "lmbda": r"lmbda|lambda|λ|decay|^reg",
    "data": r"data|train|sample|example",
}


@dataclass(frozen=True)
class LoopCall:
    """How a loop takes the four arguments of the book's.

    Attributes:
        roles: what each positional argument is, in the order of the signature.
    """

    roles: tuple[str, ...] = ORDER

    def __call__(self, loop: Callable[..., Any], **values: Any) -> Any:
        """Call the loop with the values by their roles."""
        return loop(*(values[role] for role in self.roles))


def loop_call(loop: Callable[..., Any]) -> LoopCall | None:
    """How to call a loop; None if it needs other arguments than the book's."""
    try:
        signature = inspect.signature(loop)
        signature.bind(*ORDER)
    except (TypeError, ValueError):
        return _with_decay(loop)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [name for name, each in signature.parameters.items() if each.kind in positional]
    return _in_order(names[: len(ORDER)])


def _in_order(names: list[str]) -> LoopCall | None:
    """The roles of some parameters: the book's, or all four in the order that their names say."""
    said = [role_of(name) for name in names]
    if all(role in (None, own) for role, own in zip(said, ORDER, strict=False)):
        return LoopCall()
    known = [role for role in said if role is not None]
    return LoopCall(tuple(known)) if sorted(known) == sorted(ORDER) else None


def _with_decay(loop: Callable[..., Any]) -> LoopCall | None:
    """A loop that needs λ too, by its name; without decay it is the same."""
    try:
        parameters = inspect.signature(loop).parameters.values()
    except (TypeError, ValueError):
        return None
    needed = [each.name for each in parameters if each.default is each.empty]
    roles = [role_of(name) for name in needed]
    if roles.count("lmbda") != 1 or len(needed) != len(ORDER) + 1:
        return None
    rest = _in_order([n for n, role in zip(needed, roles, strict=True) if role != "lmbda"])
    if rest is None or any(each.kind is each.KEYWORD_ONLY for each in parameters):
        return None
    at = roles.index("lmbda")
    return LoopCall((*rest.roles[:at], "lmbda", *rest.roles[at:]))


def role_of(name: str) -> str | None:
    """What a parameter's name says that it is; None if it says nothing."""
    if re.search(_SAYS["eta"], name, re.IGNORECASE):
        return "eta"
    found = (role for role, words in _SAYS.items() if re.search(words, name, re.IGNORECASE))
    return next(found, None)


ETA = 0.5
MOST = 50  # times as many mini-batches as an epoch has, after which a loop is not followed further
Pair = tuple[int | None, int | None]


class EndlessError(BaseException):
    """A loop gives far more mini-batches than it has to; not for the subject to catch."""


@dataclass(frozen=True, eq=False)
class Given:
    """A mini-batch as update_mini_batch was given it.

    Attributes:
        pairs: which sample the input is, and of which the target.
        rate: what stands where η does.
        batch: the object itself.
        frames: the line that gives it.
    """

    pairs: tuple[Pair, ...]
    rate: Any
    batch: Any
    frames: Frames


@dataclass(eq=False)
class Walk:
    """What a loop did: the mini-batches that it gave, and why it stopped, if it did.

    Attributes:
        in_update: whether it stopped within the update, which the steps judge.
    """

    given: list[Given] = field(default_factory=list)
    error: BaseException | None = None
    in_update: bool = False
    data: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Data:
    """Samples for a loop, in mini-batches of m."""

    batch: Batch
    m: int
    known: bool = True  # whether the samples are looked for in what the update is given

    @classmethod
    def unlike(cls, sizes: Sequence[int], *, n: int, m: int) -> "Data":
        """n samples of which no two entries are alike, so that each is known by any of them."""
        return cls(Batch(rising(sizes[0], n), rising(sizes[-1], n)), m)

    @classmethod
    def many(cls, sizes: Sequence[int]) -> "Data":
        """A thousand samples with one-hot targets, as data are in practice."""
        n, k = 1000, sizes[-1]
        y = np.eye(k)[:, np.arange(n) % k]
        return cls(Batch(rising(sizes[0], n), y), 10, known=False)


def rising(k: int, n: int) -> Array:
    """Numbers (k, n) between 0 and 1, no two alike."""
    numbers: Array = np.arange(1.0, k * n + 1).reshape(k, n) / (k * n + 1)
    return numbers


def walk(
    network: BookNetwork, call: LoopCall, data: Data, epochs: int, tracer: LoopTracer | None = None
) -> Walk:
    """Run the loop of a new network; the same random numbers are drawn each time.

    Args:
        network: the subject.
        call: how its loop is called.
        data: the samples, and the size of a mini-batch.
        epochs: how many to ask for.
        tracer: follows the lines, if it is given.
    """
    seen = Walk()
    with random_numbers_kept(), quiet():
        net = network.make(network.probe)
        seen.data = [network.sample(data.batch, i) for i in range(data.batch.m)]
        if tracer is not None:
            tracer.give(seen.data)
        most = MOST * epochs * -(-data.batch.m // data.m)
        try:
            _note_updates(network, net, data, seen, most, tracer)
            values = {"data": seen.data, "epochs": epochs, "size": data.m, "eta": ETA, "lmbda": 0.0}
            with _elsewhere(), tracer.following() if tracer is not None else nullcontext():
                call(net.SGD, **values)
        except (Exception, SystemExit, EndlessError) as error:  # noqa: BLE001 - somebody else's code
            seen.error = error
    return seen


def _note_updates(
    network: BookNetwork, net: Any, data: Data, seen: Walk, most: int, tracer: LoopTracer | None
) -> None:
    update = net.update_mini_batch

    def note(mini_batch: Any, *others: Any, **named: Any) -> Any:
        frames = subject_frames(sys._getframe(1))  # noqa: SLF001 - the line that calls it
        with traced_by(None):
            rate = next(
                iter([named["eta"]] if "eta" in named else [*others, *named.values()]), None
            )
            pairs = _pairs(network, mini_batch, data.batch) if data.known else ()
            seen.given.append(Given(pairs, rate, mini_batch, frames))
            if tracer is not None:
                tracer.log.append(CALL)
            if len(seen.given) > most:
                raise EndlessError
            try:
                return update(mini_batch, *others, **named)
            except Exception as error:
                seen.in_update = bool(raised_in(error))  # none if it was called wrongly
                raise

    net.update_mini_batch = note


def _pairs(network: BookNetwork, mini_batch: Any, known: Batch) -> tuple[Pair, ...]:
    """The numbers of the samples of a mini-batch; None where it is none that is known."""
    try:
        pairs = [(x, y) for x, y in mini_batch]
        return tuple((_index(network, x, known.x), _index(network, y, known.y)) for x, y in pairs)
    except (TypeError, ValueError):
        return ((None, None),)


def _index(network: BookNetwork, given: Any, columns: Array) -> int | None:
    """Which column it is."""
    numbers = np.ravel(network.numbers.back(given)).astype(np.float64)
    if numbers.size != len(columns):
        return None
    near = np.isclose(numbers[:, None], columns, rtol=1e-6).all(axis=0)
    return int(np.argmax(near)) if near.any() else None


@contextmanager
def _elsewhere() -> Iterator[None]:
    """A folder of its own: a loop may save what it has trained."""
    with TemporaryDirectory() as folder, chdir(folder):
        yield


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """The generators that a shuffle may use, begun anew and put back."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002
