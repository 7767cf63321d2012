"""One run of a program in the order of a plan: it is made, then its functions are called.

Left out: which plans there are (`plans.py`), and what the gradients are (`places.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import numpy as np

from conformance.running.quiet import quiet
from conformance.running.seconds import TooLongError, limited
from conformance.shapes.arguments import Scope, UnboundError, data_kinds, size_kinds, ways
from conformance.shapes.definitions import returned_names
from conformance.shapes.example_data import SEQUENCES, Data
from conformance.shapes.state import Leaf, changed, is_floats, leaves
from conformance.shapes.tensors import as_array, as_tensor, doubles, holds_tensors
from conformance.shapes.vocabulary import kinds_of
from conformance.subjects.execution import missing
from conformance.tracing.node import Node
from conformance.tracing.program import traced_program
from conformance.tracing.trace import EnoughError, Trace

Values = Mapping[str, Any]
"""Numbers for parameters, by their paths."""


class UnfitError(Exception):
    """A program cannot be called so.

    Attributes:
        stage: how far it came.
    """

    def __init__(self, words: str, stage: int = 0) -> None:
        super().__init__(words)
        self.stage = stage


def result_of(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function of a program returns.

    Raises:
        UnfitError: it stops.
    """
    try:
        with quiet():
            return function(*args, **kwargs)
    except Exception as error:
        raise UnfitError(f"{type(error).__name__}: {error}") from error


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


LONGEST = 3.0
"""Seconds that one call may take."""
OPERATIONS = 700
"""After so many a program that trains has made its first update, unless it is a large one."""


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

    def end(self) -> list[Leaf]:
        """The leaves in the end."""
        module = self.plan.module
        return [leaf for name, root in self.roots.items() for leaf in leaves(root, name, module)]

    @property
    def recorded(self) -> Trace:
        """The trace of a recorded run."""
        assert self.trace is not None  # noqa: S101 - asked of recorded runs alone
        return self.trace

    def node(self, value: Any) -> Node:
        """What computed a value."""
        return node_of(self.recorded, value)


def node_of(trace: Trace, value: Any) -> Node:
    """What computed a value in a trace.

    Raises:
        UnfitError: it is no number.
    """
    found = trace.argument(value)
    if type(found) is Node:
        return found
    try:
        return trace.constant(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError) as error:  # such as a tensor of the program's own
        raise UnfitError(f"it gives no numbers: {type(value).__name__}") from error


def attempt(
    plan: Plan,
    data: Data,
    penalty: float,
    *,
    trace: Trace | None = None,
    values: Values | None = None,
    chosen: list[int] | None = None,
) -> Attempt:
    """Run a program.

    Args:
        plan: how.
        data: what it is given.
        penalty: the weight decay that it is given, if it takes one.
        trace: where its operations are noted.
        values: numbers for its parameters in the place of its own.
        chosen: which way each call goes, if it is known.

    Raises:
        UnfitError: it does not run so.
    """
    data = replace(data, x=deepcopy(data.x), y=deepcopy(data.y))  # a program may write into it
    scope = Scope({**size_kinds(data), **data_kinds(data, penalty)})
    run = Attempt(plan, data, scope, trace=trace)
    provide(plan.module, scope)
    with quiet(), doubles():
        run.roots = plan.make(data, scope)
        run.tensors = any(map(holds_tensors, run.roots.values()))
        begin(run, values or {})
        with _recorded(run):
            for i, each in enumerate(plan.calls):
                _call(run, each, i, None if chosen is None else chosen[i])
    return run


def provide(module: ModuleType, scope: Scope) -> None:
    """Give data of ours to the names of a file that its own data would have been given to."""
    for name in missing(module):
        kind = next((each for each in kinds_of(name) if each in scope.kinds), None)
        if kind is not None:
            vars(module)[name] = scope.kinds[kind]


@contextmanager
def _recorded(run: Attempt) -> Iterator[None]:
    if run.trace is None:
        yield
        return
    with traced_program(run.trace, _any_function(run)):
        yield


def _any_function(run: Attempt) -> object:
    for each in run.plan.calls:
        if callable(each.function):
            return each.function
    return None


def begin(run: Attempt, values: Values) -> None:
    """Put numbers and traced copies in the place of the arrays that a program holds."""
    trace, data = run.trace, run.data
    made: dict[int, Any] = {}
    kept: list[Any] = []
    given = _given_data(run)

    def change(leaf: Leaf) -> Any:
        value = leaf.value
        if any(value is each for each in given.values()):
            return value
        same = next((new for old, new in given.items() if _same(value, data, old)), None)
        if same is not None:
            return same
        if id(value) not in made or not isinstance(value, np.ndarray):  # [0.0] * 3 is three biases
            number = values.get(leaf.path, value)
            kept.append(value)
            if trace is None:
                made[id(value)] = np.array(number) if isinstance(value, np.ndarray) else number
            else:
                made[id(value)] = _traced(trace, number, leaf)
        new = made[id(value)]
        node = run.node(new) if trace is not None else None
        run.start[leaf.path] = Leaf(leaf.path, leaf.name, new), node
        return new

    for name, root in list(run.roots.items()):
        run.roots[name] = changed(root, name, run.plan.module, change)
        if name != "self":
            run.scope.names[name] = run.roots[name]
    _share(run)


def _share(run: Attempt) -> None:
    """Let the parameters be found by what they are called."""
    for name, root in run.roots.items():
        if name == "self":
            continue
        if isinstance(root, dict):
            run.scope.names.update({key: e for key, e in root.items() if isinstance(key, str)})
        if "params" in kinds_of(name) or len(run.roots) == 1:
            run.scope.kinds["params"] = root


def _same(value: Any, data: Data, which: str) -> bool:
    """Whether an array that a program holds is the inputs or the targets that it was given."""
    other = np.asarray(data.x if which == "inputs" else data.y)
    if not isinstance(value, np.ndarray) or other.dtype.kind != "f":
        return False
    return value.shape == other.shape and np.array_equal(value, other)


def _given_data(run: Attempt) -> dict[str, Any]:
    """The inputs and targets as the program is given them."""
    data, kinds = run.data, run.scope.kinds
    given: dict[str, Any] = {"inputs": data.x, "targets": data.y}
    if run.trace is not None:
        if type(data.x) is list and np.ndim(data.x[0]):
            given["inputs"] = [run.trace.given(e, f"X[{i}]") for i, e in enumerate(data.x)]
        elif np.asarray(data.x).dtype.kind == "f":
            given["inputs"] = run.trace.given(data.x, "X")
        y = np.asarray(data.y)
        if y.dtype.kind == "f" and isinstance(data.y, np.ndarray):
            given["targets"] = run.trace.given(data.y, "y")
            run.target = given["targets"].node
        kinds["pairs"] = _pairs_of(run, given)
    kinds.update(given)
    return given


def _pairs_of(run: Attempt, given: dict[str, Any]) -> list[tuple[Any, Any]]:
    from conformance.shapes.arguments import _pairs

    data = run.data
    return _pairs(Data(data.layout, data.coding, data.sizes, given["inputs"], given["targets"]))


def _traced(trace: Trace, value: Any, leaf: Leaf) -> Any:
    """A traced copy of an array or a number."""
    if isinstance(value, np.ndarray):
        return trace.given(value, leaf.path)
    return trace.traced(value, trace.node(f"given {leaf.path}", None, (), {}, np.array(value)))


def _call(run: Attempt, call: Call, i: int, chosen: int | None) -> None:
    """Call a function in a way that it takes.

    Raises:
        UnfitError: there is none.
    """
    function = call.function
    if isinstance(function, str):
        function = getattr(run.roots["self"], function)
    problems: list[str] = []  # of each way, the likeliest first
    if run.trace is not None:
        # What goes backwards may compute the forward pass again: it is the same one.
        run.trace.known_operations = run.trace.known_operations or {}
        run.trace.learning = call.role in ("forward", "loss")
    for number, (args, kwargs) in enumerate(ways(function, call.role, run.scope)):
        if chosen is not None and number != chosen:
            continue
        try:
            given = as_tensor((args, kwargs)) if run.tensors else (args, kwargs)
            result = as_array(_bounded(function, *given))
            _learn(run, call, function, result)
        except (UnboundError, UnfitError) as error:
            problems.append(str(error))
            continue
        except Exception as error:  # noqa: BLE001 - a program may refuse it in any way
            problems.append(f"{type(error).__name__}: {error}")
            continue
        run.results.append((call, function, result))
        run.ways.append(number)
        return
    name = getattr(function, "__name__", "it")
    if not problems:
        raise UnfitError(f"{name}: its arguments are not known", i)
    raise UnfitError(f"{name}: {problems[0]}", i + 1)


def _bounded(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What a function returns; None if it ran long enough."""
    try:
        with limited(LONGEST):
            return function(*args, **kwargs)
    except EnoughError:
        return None
    except TooLongError as error:
        raise UnfitError(f"it runs for more than {LONGEST:g} s") from error


def _learn(run: Attempt, call: Call, function: Callable[..., Any], result: Any) -> None:
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
    scope.names.update(learned)
    moved = {k: e for k, e in learned.items() if k in run.roots or call.role in ("update", "train")}
    run.updated.update(moved)
    if call.role == "forward":
        _learn_forward(run, result)
    elif call.role == "gradients" and not _has_loss(result):
        raise UnfitError("it gives no gradients beside the loss")
    elif call.role in ("backward", "gradients") and result is not None:
        scope.kinds["grads"] = parts[-1] if _is_pair(result) else result


def _has_loss(result: Any) -> bool:
    """Whether it may be a loss and gradients, in either order."""
    parts = result if isinstance(result, tuple | list) and len(result) > 1 else ()
    return any(is_number(each) and np.ndim(each) == 0 for each in parts)


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
    if data.sizes.n_out == 1 and data.single and isinstance(value, float | np.floating):
        return True
    if not is_floats(value):
        return False
    shape = data.output_shape
    fits = value.shape in (shape, shape[::-1])
    return fits or (1 in shape and value.size == int(np.prod(shape)))
