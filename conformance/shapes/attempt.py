"""One run of a program in the order of a plan: it is made, then its functions are called.

Left out: which plans there are (`plans.py`), and what the gradients are (`places.py`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from types import ModuleType
from typing import Any

import numpy as np

from conformance.programs.execution import missing
from conformance.programs.held_state import (
    Change,
    Leaf,
    as_array,
    as_tensor,
    changed,
    doubles,
    holds_tensors,
    is_floats,
    leaves,
)
from conformance.programs.vocabulary import bare, is_role, kinds_of, stem
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.running.tracebacks import headline
from conformance.script.asking import asking
from conformance.shapes.arguments import Scope, UnboundError, samples_of, scope_of, taken, ways
from conformance.shapes.attempts import LONGEST, Attempt, Call, Plan, UnfitError
from conformance.shapes.draws import Draws, held
from conformance.shapes.example_data import Data
from conformance.shapes.function_sources import leaves_out_label, returned_names
from conformance.shapes.learned import learn
from conformance.shapes.plans import methods
from conformance.tracing.arrays import Plain
from conformance.tracing.matrices import as_matrix
from conformance.tracing.recorder import EnoughError
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace

Values = Mapping[str, Any]
"""Numbers for parameters, by their paths."""


def attempt(
    plan: Plan,
    data: Data,
    *,
    trace: Trace | None = None,
    values: Values | None = None,
    chosen: list[int] | None = None,
    late: Collection[str] = (),
) -> Attempt:
    """Run a program.

    Args:
        plan: how.
        data: what it is given.
        trace: where its operations are noted.
        values: numbers for its parameters in the place of its own.
        chosen: which way each call goes, if it is known.
        late: the parameters that are put where an object has None; all, where there is a trace.

    Raises:
        UnfitError: it does not run so.
    """
    data = replace(data, x=deepcopy(data.x), y=deepcopy(data.y))  # a program may write into it
    scope = scope_of(data)
    run = Attempt(plan, data, scope, trace=trace)
    provide(plan.module, scope)
    with quiet(), doubles():
        run.roots = plan.make(data, scope)
        begin(run, values or {}, late)
        functions = (each.function for each in plan.calls if callable(each.function))
        losses: AbstractContextManager[tuple[list[Any], list[Any]]] = (
            nullcontext(([], [])) if trace is None else asking(vars(plan.module))
        )
        with (
            nullcontext() if trace is None else traced_program(trace, next(functions, None)),
            nullcontext() if trace is None else _noted_losses(run),
            losses as (run.asked, run.costs),
        ):
            draws = Draws(held(run)) if plan.redraws else None
            for i, each in enumerate(plan.calls):
                if draws is not None:
                    draws.again()
                since = 0 if trace is None else len(trace.nodes)
                called_in_a_way(run, each, i, None if chosen is None else chosen[i])
                if trace is not None and each.role in ("backward", "gradients"):
                    run.note_gradients(since)
                    if any(later.role == "update" for later in plan.calls[i:]):
                        run.note_held()
    return run


@contextmanager
def _noted_losses(run: Attempt) -> Iterator[None]:
    """Note what the methods return that give a loss, as a program that trains calls its own.

    One that goes backwards may return it beside its gradients.
    """
    whole = run.roots.get("self")
    roles = ("loss", "backward")
    names = [
        name
        for name, _ in methods(type(whole))
        if any(is_role(name, role) is not None for role in roles)
    ]
    own = {*getattr(whole, "__dict__", names), *(each.function for each in run.plan.calls)}

    def noted(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            run.losses.append(result)
            return result

        return call

    names = [name for name in names if name not in own]
    for name in names:
        vars(whole)[name] = noted(getattr(whole, name))
    try:
        yield
    finally:
        for name in names:
            del vars(whole)[name]


def provide(module: ModuleType, scope: Scope) -> None:
    """Give data of ours to the names of a file that its own data would have been given to."""
    for name in missing(module):
        kind = next((each for each in kinds_of(name) if each in scope.kinds), None)
        if kind is not None:
            vars(module)[name] = scope.of(kind)


def begin(run: Attempt, values: Values, late: Collection[str] = ()) -> None:
    """Put numbers and traced copies in the place of the arrays that a program holds."""
    run.tensors = any(map(holds_tensors, run.roots.values()))
    if run.tensors:
        _in_their_type(run)
    trace, data = run.trace, run.data
    given = _given_data(run)
    memory = _Memory(dict(run.roots), run.plan.module)

    def change(leaf: Leaf) -> Any:
        value = leaf.value
        if any(value is each for each in given.values()):
            return value
        same = next((new for old, new in given.items() if _same(value, data, old)), None)
        if same is not None:
            return same
        new = memory.made_of(value, change)
        if new is None:
            number = values.get(leaf.path, value)
            plain = np.array(number) if isinstance(value, np.ndarray | None) else number
            array = plain if trace is None else _traced(trace, number, leaf)
            new = as_matrix(array) if isinstance(value, np.matrix) else array
        memory.keep(value, new)
        node = run.node(new) if trace is not None else None
        run.start[leaf.path] = Leaf(leaf.path, leaf.name, new), node
        return new

    asked = _differentiated(run)
    for name, root in list(run.roots.items()):
        run.roots[name] = changed(root, name, run.plan.module, change, asked)
    for path in values.keys() - run.start.keys():
        if trace is not None or path in late:
            _put(run, path, change)
    _feed(run)
    share(run, run.roots)


@dataclass
class _Memory:
    """What is made of the arrays that a program holds: those in one memory are so again.

    Attributes:
        roots: what holds them, by name.
        module: of the classes of these.
    """

    roots: Mapping[str, Any]
    module: ModuleType
    _made: list[tuple[Any, Any]] = field(default_factory=list)

    def made_of(self, value: Any, change: Change) -> Any | None:
        """What an array becomes that is another one, or transposed, or a part; None if it is none.

        Numbers are never one: `[0.0] * 3` is three biases.
        """
        if not isinstance(value, np.ndarray):
            return None
        for old, new in self._made:
            if old is value or _is_transposed(value, old):
                return new if old is value else new.T
            if (place := _place_in(value, old)) is not None:
                return np.reshape(new, -1)[place].reshape(value.shape)
        for whole in self._left if value.base is not None else ():
            if (place := _place_in(value, whole.value)) is not None:
                return np.reshape(change(whole), -1)[place].reshape(value.shape)
        return None

    @cached_property
    def _left(self) -> list[Leaf]:
        """What is not changed yet, where it is asked for first; the largest comes first."""
        held = (leaf for name, e in self.roots.items() for leaf in leaves(e, name, self.module))
        return sorted(held, key=lambda each: -np.size(each.value))

    def keep(self, value: Any, new: Any) -> None:
        """Note what a value has become."""
        self._made.append((value, new))


def _differentiated(run: Attempt) -> set[str]:
    """The names of what an object holds, of which its methods return gradients by their names."""
    whole = run.roots.get("self")
    functions = (
        getattr(whole, each.function, None) for each in run.plan.calls if type(each.function) is str
    )
    given = {name for each in functions for name in returned_names(each)}
    stems = {stem(name) for name in given if stem(name) != bare(name)}
    return {name for name in getattr(whole, "__dict__", ()) if bare(name) in stems}


def _is_transposed(value: Any, other: Any) -> bool:
    """Whether an array is another one transposed, in the same memory."""
    if not isinstance(value, np.ndarray) or not isinstance(other, np.ndarray) or value.ndim < 2:  # noqa: PLR2004
        return False
    same = value.__array_interface__["data"] == other.__array_interface__["data"]
    return same and (value.shape, value.strides) == (other.shape[::-1], other.strides[::-1])


def _place_in(value: Any, whole: Any) -> slice | None:
    """Where an array is in a larger one, flattened, in the same memory; None if it is not.

    A tensor is another array of the same memory each time.
    """
    both = value, whole
    if not all(isinstance(each, np.ndarray) and each.flags.c_contiguous for each in both):
        return None
    if value.dtype != whole.dtype or not 0 < value.size < whole.size:
        return None
    begins, of = (each.__array_interface__["data"][0] for each in both)
    first = (begins - of) // value.itemsize
    inside = begins - of >= 0 and first + value.size <= whole.size
    return slice(first, first + value.size) if inside else None


def _in_their_type(run: Attempt) -> None:
    """Let the data be of the type of a program's tensors: torch multiplies none of two types."""
    held = [leaf for name, e in run.roots.items() for leaf in leaves(e, name, run.plan.module)]
    kinds = {each.value.dtype for each in held if isinstance(each.value, np.ndarray)}
    if len(kinds) == 1:
        (kind,) = kinds
        x, y = (e.astype(kind) if is_floats(e) else e for e in (run.data.x, run.data.y))
        run.data = replace(run.data, x=x, y=y)
        run.scope.kinds.update(inputs=x, targets=y)


def _put(run: Attempt, path: str, change: Callable[[Leaf], Any]) -> None:
    """Put numbers where an object has None until it trains: `if self.W is None`."""
    whole, name = run.roots.get("self"), path.removeprefix("self.")
    if whole is not None and vars(whole).get(name, path) is None:
        vars(whole)[name] = change(Leaf(path, name, None))
        run.late.add(path)


def _feed(run: Attempt) -> None:
    """Put data where an object has none yet, as what feeds it would: `self.data["x"]`.

    It has None there; or 0, for the inputs and for the targets.
    """
    held = getattr(run.roots.get("self"), "__dict__", {})
    for each in (held, *(e for e in held.values() if isinstance(e, dict))):
        kinds = {name: run.scope.kind(name) for name in each if type(name) is str}
        data = {name: kind for name, kind in kinds.items() if kind in ("inputs", "targets")}
        zeros = {name for name in data if type(each[name]) is int and not each[name]}
        both = {data[name] for name in zeros} == {"inputs", "targets"}
        for name, kind in data.items():
            if each[name] is None or (both and name in zeros):
                each[name] = run.scope.of(kind)


def share(run: Attempt, roots: Mapping[str, Any]) -> None:
    """Let parameters be found by what they are called."""
    for name, root in roots.items():
        if name == "self":
            continue
        run.scope.names[name] = root
        if isinstance(root, dict):
            run.scope.names.update({key: e for key, e in root.items() if isinstance(key, str)})
        if "params" in kinds_of(name) or len(run.roots) == 1:
            run.scope.kinds["params"] = root


def _same(value: Any, data: Data, which: str) -> bool:
    """Whether an array that a program holds is the inputs or the targets that it was given.

    Biases of zeros are not the target 0.
    """
    if not isinstance(value, np.ndarray) or not np.any(value):
        return False
    other = np.asarray(data.x if which == "inputs" else data.y)
    return other.dtype.kind == "f" and value.shape == other.shape and np.array_equal(value, other)


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
        if isinstance(data.y, np.ndarray):
            follows = y.dtype.kind == "f"
            given["targets"] = run.trace.given(y, "y") if follows else y.view(Plain)
            run.target = given["targets"].node if follows else None
        kinds["pairs"] = samples_of(replace(data, x=given["inputs"], y=given["targets"]))
    kinds.update(given)
    kinds["row"] = _row(run, given["inputs"])
    return given


def _row(run: Attempt, inputs: Any) -> Any:
    """A row of a table: the inputs, and a label after them if the program takes it off again."""
    whole = run.roots.get("self")
    functions = [
        getattr(whole, each.function) if isinstance(each.function, str) else each.function
        for each in run.plan.calls
    ]
    vector = isinstance(inputs, np.ndarray) and inputs.ndim == 1
    return np.append(inputs, 0.0) if vector and any(map(leaves_out_label, functions)) else inputs


def _traced(trace: Trace, value: Any, leaf: Leaf) -> Any:
    """A traced copy of an array or a number."""
    if isinstance(value, np.ndarray):
        return trace.given(value, leaf.path)
    return trace.traced(value, trace.node(f"given {leaf.path}", None, (), {}, np.array(value)))


def called_in_a_way(run: Attempt, call: Call, i: int, chosen: int | None) -> None:
    """Call a function in a way that it takes.

    Raises:
        UnfitError: there is none.
    """
    function = call.function
    if isinstance(function, str):
        function = getattr(run.roots["self"], function)
    problems: list[str] = []  # of each way, the likeliest first
    raised: list[BaseException] = []
    longest = None if run.trace is None else run.trace.most
    if run.trace is not None:
        # What goes backwards may compute the forward pass again: it is the same one.
        run.trace.known_operations = run.trace.known_operations or {}
        run.trace.learning = call.role in ("forward", "loss")
        run.trace.targets = 0 if run.target is None else 1 << run.target.number
    told = run.plan.told.get(getattr(function, "__name__", ""))
    for number, (args, kwargs) in enumerate(ways(function, call.role, run.scope, told)):
        if chosen is not None and number != chosen:
            continue
        try:
            given = as_tensor((args, kwargs)) if run.tensors else (args, kwargs)
            result = as_array(_bounded(function, *given))
            known = chosen is not None and call.role == "gradients"
            if not (known and run.trace is not None and run.trace.stopped):  # what it returned
                learn(run, call, function, result)
        except (UnboundError, UnfitError) as error:
            if longest is not None and run.trace is not None and run.trace.most is None:
                raise  # it was ended, and not for its arguments
            problems.append(str(error))
            continue
        except Exception as error:  # noqa: BLE001 - a program may refuse it in any way
            problems.append(f"{type(error).__name__}: {error}")
            raised.append(error)
            continue
        run.results.append((call, function, result))
        run.ways.append(number)
        run.scope.names |= _inputs_among(call, function, args, run.scope.kinds["inputs"])
        return
    name = getattr(function, "__name__", "it")
    if not problems:
        raise UnfitError(f"{name}: its arguments are not known", i)
    unfit = UnfitError(f"{name}: {problems[0]}", i + 1, tuple(raised))
    sure = unfit.of_no_data
    raise unfit if sure is None else UnfitError(f"{name}: {headline(sure)}", i + 1, tuple(raised))


def _inputs_among(
    call: Call, function: Callable[..., Any], args: Sequence[Any], inputs: Any
) -> dict[str, Any]:
    """The inputs by what a method calls them, if that says nothing: its class calls them so."""
    own = call.role == "forward" and isinstance(call.function, str)
    given = zip((each.name for each in taken(function) if own), args, strict=False)
    return {name: e for name, e in given if e is inputs and not kinds_of(name)}


def _bounded(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What a function returns; None if it ran long enough."""
    try:
        with limited(LONGEST):
            return function(*args, **kwargs)
    except EnoughError:
        return None
    except TooLongError as error:
        raise UnfitError(f"it runs for more than {LONGEST:g} s") from error
