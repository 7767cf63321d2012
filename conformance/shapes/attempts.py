"""A run of a program: what is called in which order, how a call is made, and what it left.

What a program returned is kept for its later calls, by the name or the kind that it has. Left out:
running it (`attempt.py`), which plans there are (`plans.py`), and how later calls find what is
kept (`arguments.py`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from conformance.programs.held_state import Leaf, as_array, as_tensor, is_floats, leaves
from conformance.programs.vocabulary import kinds_of
from conformance.running.quiet import quiet
from conformance.running.tracebacks import headline
from conformance.shapes.arguments import Scope, taken
from conformance.shapes.definitions import returned_names
from conformance.shapes.example_data import SEQUENCES, Data
from conformance.shapes.given_tensors import by_tensors
from conformance.shapes.kept_beside import Beside, beside
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
    late: set[str] = field(default_factory=set)
    losses: list[Any] = field(default_factory=list)

    def end(self) -> list[Leaf]:
        """The leaves in the end."""
        module = self.plan.module
        held = (leaf for name, root in self.roots.items() for leaf in leaves(root, name, module))
        return [self.beside.marked(each) for each in held]

    def note_gradients(self, since: int) -> None:
        """Note which dicts hold gradients, once it went back, from a node on."""
        output = self.scope.kinds.get("output")
        node = self.node(output) if isinstance(output, np.ndarray) else None
        end = {each.path: self.node(each.value) for each in self.end()}
        self.beside = beside(self.start, end, node, since)
        for path, (leaf, began) in self.start.items():
            self.start[path] = self.beside.marked(leaf), began

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


def learn(run: Attempt, call: Call, function: Callable[..., Any], result: Any) -> None:
    """Keep what a function returned, by the names that it gives it.

    Raises:
        UnfitError: it is not what a function of this role gives.
    """
    scope = run.scope
    names = returned_names(function)
    parts = list(result) if isinstance(result, tuple | list) else [result]
    learned: dict[str, Any] = {}
    if len(names) == len(parts) and (len(parts) > 1 or not isinstance(result, tuple | list)):
        learned.update(zip(names, parts, strict=True))
    elif len(names) == 1:
        learned[names[0]] = result
    if isinstance(result, dict):
        learned.update({key: e for key, e in result.items() if isinstance(key, str)})
    for part in parts if call.role in ("update", "train") else ():
        if isinstance(part, dict):  # `return {"w": w, "b": b}, costs`
            learned.update({key: e for key, e in part.items() if key in run.roots})
    scope.names.update({k: e for k, e in learned.items() if not _is_given(function, k)})
    moved = {k: e for k, e in learned.items() if k in run.roots or call.role in ("update", "train")}
    run.updated.update(moved)
    if call.role == "forward":
        _learn_forward(run, result)
    elif call.role == "gradients" and not _has_loss(result):
        raise UnfitError("it gives no gradients beside the loss")
    elif call.role in ("backward", "gradients") and result is not None:
        scope.kinds["grads"] = parts[-1] if _is_pair(result) else result


def _is_given(function: Callable[..., Any], name: str) -> bool:
    """Whether a function was given the inputs by a name that it returns something else by.

    `def forward(self, x): x = …; return x`: the x of other functions is the inputs too.
    """
    return "inputs" in kinds_of(name) and name in {each.name for each in taken(function)}


def _has_loss(result: Any) -> bool:
    """Whether it may be a loss and gradients, in either order, or by their names."""
    parts = parts_of(result)
    return len(parts) > 1 and any(is_number(each) and np.ndim(each) == 0 for each in parts)


def parts_of(result: Any) -> list[Any]:
    """What is in a tuple, a list or a dict; nothing in anything else."""
    parts = result.values() if isinstance(result, dict) else result
    return [*parts] if isinstance(result, tuple | list | dict) else []


def _is_pair(result: Any) -> bool:
    """Whether it is a loss and gradients."""
    pair = isinstance(result, tuple | list) and len(result) == 2  # noqa: PLR2004
    return pair and is_number(result[0])


def is_number(value: Any) -> bool:
    """Whether it is one number."""
    return isinstance(value, float | np.floating | np.ndarray) and np.size(value) == 1


def _learn_forward(run: Attempt, result: Any) -> None:
    """Keep the output of a forward pass and its cache."""
    output = output_of(result, run.data)
    if output is None and "self" in run.roots:
        held = [leaf.value for leaf in leaves(run.roots["self"], "self", run.plan.module)]
        fitting = [each for each in held if _is_output(each, run.data)]
        output = fitting[-1] if fitting and result is None else None
    if output is None:
        raise UnfitError("it gives no output of the shape of the targets")
    run.scope.kinds["output"] = output
    if isinstance(result, tuple) and len(result) == 2:  # noqa: PLR2004 - the output and the cache
        other = result[1] if result[0] is output else result[0]
        run.scope.kinds["cache"] = other
    elif isinstance(result, tuple | list | dict):
        run.scope.kinds["cache"] = result


def output_of(result: Any, data: Data) -> Any:
    """The output within what a forward pass returned: the last array of its shape, if there is one.

    Where it returns an output and a cache, it is the first of the two.
    """
    if _is_output(result, data):
        return result
    if isinstance(result, dict):
        result = list(result.values())
    if not isinstance(result, tuple | list):
        return None
    if data.layout in SEQUENCES:  # an output a step
        each = [e.values() if isinstance(e, dict) else e for e in (result, *result)]
        steps = [[*e] for e in each if isinstance(e, Iterable) and not isinstance(e, np.ndarray)]
        fitting = [e for e in steps if sum(_is_output(one, data) for one in e) == data.sizes.m]
        return fitting[-1] if fitting else None
    if len(result) == 2 and _is_output(result[0], data) and not isinstance(result[1], np.ndarray):  # noqa: PLR2004
        return result[0]
    fitting = [each for each in result if _is_output(each, data)]
    return fitting[-1] if fitting else None


def _is_output(value: Any, data: Data) -> bool:
    numbers = value if isinstance(value, list) else [value]
    floats = all(isinstance(each, float | np.floating) for each in numbers)
    if data.single and len(numbers) == data.sizes.n_out and floats:
        return True
    if not is_floats(value):
        return False
    shape = data.output_shape
    fits = value.shape in (shape, shape[::-1])
    return fits or (1 in shape and value.size == int(np.prod(shape)))
