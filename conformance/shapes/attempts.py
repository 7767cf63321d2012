"""A run of a program: what is called in which order, what it left, and why none of them fits.

A function that takes plain tensors of torch is given them. Gradients may be kept in a dict that has
the keys of what holds parameters, `self.g["W1"]`, and of which nothing goes forward. Left out:
running it (`attempt.py`), which plans there are (`plans.py`), what is kept of what its calls return
(`learned.py`), and gradients whose own names say so (`places.py`).
"""

import ast
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import chain, takewhile
from types import ModuleType
from typing import Any

import numpy as np

from conformance.backward.syntax import tree
from conformance.programs.held_state import Leaf, as_array, as_tensor, doubles, leaves
from conformance.running.missing_names import is_of_no_data
from conformance.running.quiet import quiet
from conformance.running.tracebacks import headline
from conformance.shapes.arguments import Scope
from conformance.shapes.example_data import Data
from conformance.tracing.frames import Frame, raised_in
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace


def by_tensors(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function returns: if it takes tensors, it is given those of arrays, and back."""
    plain = function.func if isinstance(function, partial) else function
    made = getattr(plain, "__init__", None) if isinstance(plain, type) else plain
    code = getattr(made, "__code__", None)
    if code is None or "torch" not in sys.modules or not _takes_tensors(code.co_filename):
        return function(*args, **kwargs)
    with doubles():
        return as_array(function(*as_tensor(args), **as_tensor(kwargs)))


NUMBERS = {"sqrt", "log", "prod", "pi", "e"}
"""What people take of NumPy for numbers, also beside tensors."""


@lru_cache(maxsize=64)
def _takes_tensors(file: str) -> bool:
    """Whether a file imports torch, and none of its functions makes arrays by NumPy."""
    whole = tree(file) or ast.Module([], [])
    imported = {name: module.partition(".")[0] for name, module in _imported(whole)}
    functions = [each for each in ast.walk(whole) if isinstance(each, ast.FunctionDef)]
    parts = [part for each in functions for part in ast.walk(each)]
    of_numbers = {id(e.value) for e in parts if isinstance(e, ast.Attribute) and e.attr in NUMBERS}
    used = {e.id for e in parts if isinstance(e, ast.Name) and id(e) not in of_numbers}
    return "torch" in imported.values() and "numpy" not in map(imported.get, used)


def _imported(whole: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a file imports, each with the module that it is of, or is."""
    for each in ast.walk(whole):
        if isinstance(each, ast.Import | ast.ImportFrom):
            of = getattr(each, "module", None)
            yield from ((e.asname or e.name.partition(".")[0], of or e.name) for e in each.names)


Started = Mapping[str, tuple[Leaf, Node | None]]
Held = dict[str, dict[str, Node]]
"""The nodes of what is held, by what holds it and by its name there."""
NEW, WRITTEN, ADDED = range(3)
DICT = "[]"  # ends the path of a dict


@dataclass(frozen=True)
class Beside:
    """The dicts that have the keys of what holds parameters, and are used by nothing forward.

    Attributes:
        gradients: those that hold gradients, by their paths.
        others: those that hold moments, or copies.
    """

    gradients: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def marked(self, leaf: Leaf) -> Leaf:
        """A leaf with what it is."""
        holder, _ = _parts(leaf.path)
        if holder in self.gradients:
            return replace(leaf, name=f"d{leaf.name}", beside="gradient")
        return replace(leaf, beside="other") if holder in self.others else leaf


def beside(start: Started, end: Mapping[str, Node], output: Node | None, since: int) -> Beside:
    """What the dicts beside those of parameters hold, once a program went back.

    Args:
        start: the leaves that the run began with.
        end: what computed each leaf by now, by its path.
        output: of the network, if it is known.
        since: the number of the first node of what went back.
    """
    before = _held((path, node) for path, (_, node) in start.items() if node is not None)
    after = _held(end.items())
    named = any(leaf.is_gradient for leaf, _ in start.values()) or any("grad" in e for e in after)
    gradients: set[str] = set()
    others: set[str] = set()
    for owner, own in before.items():
        if not _holds_parameters(owner, start) or owner not in after:
            continue
        alike = [e for e in after if e != owner and _mirrors(e, after[e], own)]
        free = [
            e for e in alike if not any(_goes_on(n, output) for n in before.get(e, {}).values())
        ]
        others |= {each for each in free if each in before and "grad" not in each.lower()}
        moved = any(after[owner].get(name) is not node for name, node in own.items())
        found = {} if named or moved else {e: after[e] for e in free}
        near = {e: held for e, held in found.items() if _is_nearest(e, owner, found)}
        gradients |= {*_gradient_dict(near, before, own, since)}
    return Beside(frozenset(gradients), frozenset(others - gradients))


def _is_nearest(holder: str, owner: str, others: Collection[str]) -> bool:
    """Whether no other one shares more of its path with what holds parameters, as in its layer."""
    own = owner.split(".")
    pairs = {each: zip(each.split("."), own, strict=False) for each in others}
    shared = {
        each: sum(1 for _ in takewhile(lambda e: e[0] == e[1], pairs[each])) for each in pairs
    }
    return shared[holder] == max(shared.values())


def _gradient_dict(free: Held, before: Held, own: Mapping[str, Node], since: int) -> list[str]:
    """The dict among some that was written going back, the new one first; none if none was."""
    ranked = []
    for holder, held in free.items():
        copied = any(_is_copy(held[e], own[e]) for e in held)
        kinds = [_kind(before.get(holder, {}).get(e), held[e]) for e in held]
        late = max(node.number for node in held.values()) >= since
        if late and not copied and None not in kinds:
            ranked.append((max(e for e in kinds if e is not None), holder))
    return [holder for _, holder in sorted(ranked)[:1]]


def _holds_parameters(owner: str, start: Started) -> bool:
    """Whether something is computed with what is held there, as with parameters of any names."""
    own = (node for path, (_, node) in start.items() if _parts(path)[0] == owner)
    return any(node is not None and node.consumers for node in own)


def _mirrors(holder: str, held: Mapping[str, Node], own: Mapping[str, Node]) -> bool:
    """Whether it is a dict with the keys of what holds parameters."""
    return len(held) > 1 and held.keys() <= own.keys() and holder.endswith(DICT)


def _goes_on(node: Node, output: Node | None) -> bool:
    """Whether what comes out is made of a value."""
    return bool(node.consumers) if output is None else output.depends_on(node)


def _kind(before: Node | None, after: Node) -> int | None:
    """How what a dict holds came there; None if it is no gradient."""
    if before is None:
        return NEW
    if before is after:
        return None
    if not after.depends_on(before):
        return WRITTEN
    return ADDED if after.operation == "add" and before in after.inputs else None


def _is_copy(held: Node, own: Node) -> bool:
    """Whether it has the numbers of the parameter of its name."""
    return np.array_equal(own.value, held.value)


def _held(pairs: Iterable[tuple[str, Node]]) -> Held:
    """What each thing holds: `self.g` is a dict, and `self` is none."""
    found: Held = {}
    for path, node in pairs:
        holder, name = _parts(path)
        found.setdefault(holder, {})[name] = node
    return found


def _parts(path: str) -> tuple[str, str]:
    """What holds a value, and its name there: `self.g[]` and `W1` of `self.g['W1']`."""
    found = re.fullmatch(r"(.*)\['(\w+)'\]", path)
    holder, _, name = (f"{found[1]}{DICT}", "", found[2]) if found else path.rpartition(".")
    return holder, name


LONGEST = 3.0
"""Seconds that one call may take."""
OPERATIONS = 700
"""After so many a program that trains has made its first update, unless it is a large one."""


class UnfitError(Exception):
    """A program cannot be called so.

    Attributes:
        stage: how far it came.
        raised: what the program raised, called in each way.
    """

    def __init__(self, words: str, stage: int = 0, raised: tuple[BaseException, ...] = ()) -> None:
        super().__init__(words)
        self.stage, self.raised = stage, raised

    @property
    def of_no_data(self) -> BaseException | None:
        """What the program raised of which no data are the reason; None if all may be of data."""
        known = ((each, raised_in(each)) for each in (self.__cause__, *self.raised) if each)
        sure = (e for e, lines in known if lines and is_of_no_data(e, lines[0].file))
        return next(sure, None)


class EmptyError(UnfitError):
    """What is to go backward computes nothing and returns nothing."""


def result_of(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function of a program returns.

    Raises:
        UnfitError: it stops.
    """
    try:
        with quiet():
            return by_tensors(function, *args, **kwargs)
    except Exception as error:
        raise UnfitError(headline(error)) from error


def tried(function: Callable[..., Any], ways: Iterable[tuple[Any, Any]]) -> Any:
    """What a function returns, called in the first of several ways that it takes.

    Raises:
        UnfitError: it takes none.
    """
    problem = "its arguments are not known"
    for args, kwargs in ways:
        try:
            return result_of(function, *args, **kwargs)
        except UnfitError as error:
            problem = str(error)
    raise UnfitError(f"{function.__name__}: {problem}")


@dataclass(frozen=True)
class Call:
    """A function that is called, and what it does."""

    role: str
    function: Callable[..., Any] | str
    """The function, or the name of a method of the object."""


@dataclass(frozen=True)
class Plan:
    """How a program is run.

    Attributes:
        said: what is recognised, in the program's own names.
        make: makes what holds the parameters, with names for the parts: `{"self": network}`.
        calls: in this order.
        module: of the program.
        told: the kinds of what its functions are given, by their names, as it calls them itself.
        redraws: whether each call draws the random numbers that the first one draws.
    """

    said: str
    make: Callable[[Data, "Scope"], dict[str, Any]]
    calls: tuple[Call, ...]
    module: ModuleType
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    redraws: bool = False


@dataclass
class Attempt:
    """What a run left.

    Attributes:
        plan: of the run.
        data: that it was given.
        scope: what was known in the end.
        start: the leaves that it began with, by their paths, and what computed them.
        results: what each call returned.
        updated: what the functions that move parameters returned, by the names that they give it.
        before: the numbers of nodes when each call began.
        ways: which way each call went.
        trace: of the run; None if it was not recorded.
        target: the node of the targets, if they are floats.
        tensors: whether the program computes with tensors.
        beside: the dicts that have the keys of those of parameters.
        states: the paths of what is kept for the updates of parameters, such as velocities.
        late: the paths of the leaves that were put where an object has None until it trains.
        losses: what the methods that give a loss by their names returned to the program itself.
        asked: the losses that the file defines of what its functions were given.
        costs: those of them that are values of costs whose derivatives were taken.
        inner: the gradients of the inputs of a layer.
        since: the number of the first node of what went back.
        held: the leaves once it went back, where an update that may write into them comes after.
    """

    plan: Plan
    data: Data
    scope: Scope
    start: dict[str, tuple[Leaf, Node | None]] = field(default_factory=dict)
    results: list[tuple[Call, Callable[..., Any], Any]] = field(default_factory=list)
    updated: dict[str, Any] = field(default_factory=dict)
    ways: list[int] = field(default_factory=list)
    roots: dict[str, Any] = field(default_factory=dict)
    trace: Trace | None = None
    target: Node | None = None
    tensors: bool = False
    beside: Beside = field(default_factory=Beside)
    states: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)
    losses: list[Any] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    costs: list[Any] = field(default_factory=list)
    inner: set[Node] = field(default_factory=set)
    since: int = 0
    held: list[Leaf] = field(default_factory=list)

    def end(self) -> list[Leaf]:
        """The leaves in the end."""
        module = self.plan.module
        held = (leaves(e, name, module, computed=True) for name, e in self.roots.items())
        return [self.beside.marked(each) for each in chain.from_iterable(held)]

    def note_held(self) -> None:
        """Note what is held as it is now, whatever is written into it later."""
        self.held = [
            replace(e, value=self.recorded.traced(np.array(node.value), node))
            for e, node in ((e, self.node(e.value)) for e in self.end())
        ]

    def note_gradients(self, since: int) -> None:
        """Note which dicts hold gradients, once it went back, from a node on."""
        output, self.since = self.scope.kinds.get("output"), since
        node = self.node(output) if isinstance(output, np.ndarray) else None
        end = {each.path: self.node(each.value) for each in self.end()}
        self.beside = beside(self.start, end, node, since)
        for path, (leaf, began) in self.start.items():
            self.start[path] = self.beside.marked(leaf), began

    @property
    def begun(self) -> dict[str, Any]:
        """The numbers that a recorded run began with, by the paths of the leaves."""
        arrays = {path: np.array(node.value) for path, (_, node) in self.start.items() if node}
        return {path: each if each.ndim else each.item() for path, each in arrays.items()}

    @property
    def recorded(self) -> Trace:
        """The trace of a recorded run."""
        assert self.trace is not None  # noqa: S101 - asked of recorded runs alone
        return self.trace

    def used(self) -> tuple[str, ...]:
        """The names of the functions and classes of the file that took part."""
        names = {frame.function for node in self.recorded.nodes for frame in node.frames}
        waiting, seen = list(self.roots.values()), set()
        while waiting:
            each = waiting.pop()
            if id(each) in seen:
                continue
            seen.add(id(each))
            if isinstance(each, dict):
                waiting += each.values()
            elif isinstance(each, list | tuple):
                waiting += each
            elif type(each).__module__ == self.plan.module.__name__:
                names |= {kind.__name__ for kind in type(each).__mro__}
                waiting += vars(each).values() if hasattr(each, "__dict__") else ()
        return tuple(sorted(names))

    def node(self, value: Any) -> Node:
        """What computed a value."""
        return node_of(self.recorded, value)

    def called(self, function: Callable[..., Any], *args: Any) -> Any:
        """What a function returns, given arrays as they are or as tensors; see `result_of`."""
        return as_array(result_of(function, *(as_tensor(args) if self.tensors else args)))


def node_of(trace: Trace, value: Any) -> Node:
    """What computed a value in a trace.

    Raises:
        UnfitError: it is no number.
    """
    if type(found := trace.argument(value)) is Node:
        return found
    try:
        return trace.constant(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError) as error:  # such as a tensor of the program's own
        raise UnfitError(f"it gives no numbers: {type(value).__name__}") from error


SURE = 8
"""The stage of what no data are the reason of: only what ran to its end comes farther."""


@dataclass
class Refusal:
    """How far the readings of a program came that did not fit; whether it has parameters.

    Attributes:
        reached: of the one that came farthest, the stage and the line where it stopped.
        words: why it stopped.
        raised: the lines of the program that led to the error it raised, the innermost first.
        again: runs it again.
        made: whether what holds the parameters was made.
        empty: whether what is to go backward computes nothing, and no other way would tell more.
        failed: whether a loss was given where what goes backward raised an error.
        crashes: what methods raised that were to update the parameters.
    """

    reached: tuple[int, int] = (-1, 0)
    words: str = "it has none of the names that are known"
    raised: Sequence[Frame] = ()
    again: Callable[[], object] | None = None
    tried: int = 0
    made: bool = False
    empty: bool = False
    parameters: bool = False
    failed: bool = False
    until: float = 0.0
    crashes: dict[str, list[BaseException]] = field(default_factory=dict)

    @property
    def unmade(self) -> bool:
        """Whether it was tried to make what holds the parameters, and each way failed."""
        return bool(self.tried) and not self.made

    def note(self, error: UnfitError, again: Callable[[], object] | None = None) -> None:
        """Keep what came farthest, and what runs it again."""
        self.tried += 1
        lines = raised_in(error.__cause__) if error.__cause__ is not None else ()
        stage = error.stage if error.of_no_data is None else SURE
        reached = stage, lines[0].line if lines else 0
        if reached > self.reached:
            self.raised, self.again = _raised(error), again
            self.reached, self.words = reached, f"{error}{_place(self.raised)}"
            self.empty = isinstance(error, EmptyError)


def _raised(error: UnfitError) -> Sequence[Frame]:
    """The lines by which the program itself raised an error, the innermost first, if it did."""
    causes = [each for each in (error.of_no_data, error.__cause__, *error.raised) if each]
    return [line for each in causes[:1] for line in raised_in(each)]


def _place(lines: Sequence[Frame]) -> str:
    """Where that is."""
    return f", in {os.path.relpath(lines[0].file)}:{lines[0].line}" if lines else ""
