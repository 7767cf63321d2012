"""A run of a program: what is called in which order, how a call is made, and what it left.

Left out: running it (`attempt.py`), which plans there are (`plans.py`), and what is kept of what
its calls return (`learned.py`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from types import ModuleType
from typing import Any

import numpy as np

from conformance.programs.held_state import Leaf, as_array, as_tensor, leaves
from conformance.running.missing_names import is_of_no_data
from conformance.running.quiet import quiet
from conformance.running.tracebacks import headline
from conformance.shapes.arguments import Scope
from conformance.shapes.example_data import Data
from conformance.shapes.given_tensors import by_tensors
from conformance.shapes.kept_beside import Beside, beside
from conformance.tracing.frames import raised_in
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

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
    """

    said: str
    make: Callable[[Data, "Scope"], dict[str, Any]]
    calls: tuple[Call, ...]
    module: ModuleType


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

    def end(self) -> list[Leaf]:
        """The leaves in the end."""
        module = self.plan.module
        held = (leaves(e, name, module, computed=True) for name, e in self.roots.items())
        return [self.beside.marked(each) for each in chain.from_iterable(held)]

    def note_gradients(self, since: int) -> None:
        """Note which dicts hold gradients, once it went back, from a node on."""
        output = self.scope.kinds.get("output")
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
