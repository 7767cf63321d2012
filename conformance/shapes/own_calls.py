"""Functions that give a loss and gradients, judged on what the file calls them with.

What stands under `if __name__ == "__main__"` is run, each statement until it trains; without it,
functions such as `test_gradients()`, which may end in an error of their own. Nothing is written to
files. The parameters are those arguments, or what these hold, that have the shapes of the
gradients. Left out: programs that are given data of ours (`search.py`).
"""

import ast
import copy
import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.examine_gradients import examine
from conformance.backward.recorded_pass import NotAGradientError, record
from conformance.backward.syntax import tree
from conformance.programs.held_state import Leaf, changed, is_floats, leaves, short
from conformance.programs.vocabulary import bare, is_gradient, is_role, kinds_of, stem
from conformance.running.dry_run import writing_nothing
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.shapes.arguments import called, kinds_taken, needed
from conformance.shapes.definitions import Definitions
from conformance.shapes.draws import seed
from conformance.shapes.found import Found, Recognised, Rerun, of_function
from conformance.shapes.function_sources import (
    gives_outputs,
    returned_keys,
    returned_names,
    returned_parts,
)
from conformance.shapes.learned import is_number
from conformance.shapes.loss_data import other_settings
from conformance.shapes.matched import holder
from conformance.shapes.own_loss import sums_an_error
from conformance.tracing.recorder import EnoughError
from reference.step import Array

FILE_SECONDS = 5.0
"""Seconds that the file may run."""
UNDER_MAIN = 'under `if __name__ == "__main__"`'
DATA = {"inputs", "targets", "output", "row", "pairs"}
"""Kinds of arguments that are no parameters."""
CALLS = 3
"""After so many calls of one function a statement of the file has run long enough."""
NOTES = "notes_calls_of"
"""Where a function that notes the calls of another one keeps that."""
MORE_CALLS = 32
"""The same for one that is given places, none of which was given several times so far."""
SPREAD = 0.25
"""How far the parameters are moved, relative to the largest one: many begin with zeros."""


@dataclass
class OwnCall:
    """A function, and what the file called it with.

    Attributes:
        name: of the function, or of the class that it is a method of.
        function: it.
        arguments: copies, by name.
        result: what it returned: a loss, and gradients.
        count: how often it was called.
        second: copies of the arguments of its second call.
        later: copies of the arguments of its last call.
        alike: those of its first call with more whole numbers that are equal than in the first one.
        where: it was called.
        of: the name of the only argument that its gradient is of; empty if it is to be found.
    """

    name: str
    function: FunctionType
    arguments: dict[str, Any]
    result: Any = None
    count: int = 0
    second: dict[str, Any] = field(default_factory=dict)
    later: dict[str, Any] = field(default_factory=dict)
    alike: dict[str, Any] = field(default_factory=dict)
    where: str = UNDER_MAIN
    of: str = ""

    @cached_property
    def keys(self) -> frozenset[str]:
        """The names of what it was given of which it returns gradients, and the names of these.

        They are keys of a mapping that it returns, and its arguments, or keys of a mapping there;
        or arguments, and what is named after them, as `dlog_t`.
        """
        results = self.result if isinstance(self.result, tuple | list) else []
        given, returned = (
            {key for each in some if isinstance(each, Mapping) for key in each}
            for some in (self.arguments.values(), results)
        )
        kept = returned_keys(self.function, kept=True)
        found = (given | self.arguments.keys()) & returned
        same = {key for key in found if isinstance(key, str) and key not in kept}
        names = [name for name, _ in returned_parts(self.function, self.result)]
        pairs = ((name, own) for name in names for own in self.arguments)
        after = [e for e in pairs if bare(e[0]) != stem(e[0]) == bare(e[1])]
        return frozenset(same.union(*after))

    @property
    def gives_gradients(self) -> bool:
        """Whether it returned a loss, and gradients."""
        return bool(parted(self.function, self.result, self.keys)[1])

    def found(self, cost: str | None) -> Found | None:
        """It, recognised and judged; None if it is not known what its parameters are.

        If it is right, but not with other settings than those by default, that is told, or not
        where the file gives it a place several times, such as a word that was drawn twice. The
        gradients that no name tells the argument of are right if they are of any.
        """
        found = self.judged(cost)
        if found is not None and not found.examined.ok:
            again = (each.judged(cost) for each in self._of_others())
            found = next((e for e in again if e is not None and e.examined.ok), found)
        settings = other_settings(self.function)
        left = {name: e for name, e in settings.items() if name not in self.arguments}
        others = [{**self.arguments, **left}] if left else []
        others += [self.alike] if self.alike else []
        for each in others if found is not None and found.examined.ok else ():
            of_file = each is self.alike
            made = self._given(each) if of_file else replace(self, arguments=each)
            other = made.judged(cost)
            if other is not None and not other.examined.ok:
                return replace(other, recognised=replace(other.recognised, called=of_file))
        return found

    def _of_others(self) -> Iterator["OwnCall"]:
        """The same, with each argument that its gradients may be of: an array, or a list."""
        shapes = [np.shape(each.value) for each in self._gradients(self.result)]
        for name, value in self.arguments.items():
            listed = type(value) in (list, tuple)
            inside = leaves(value, name, None) if listed or is_floats(value) else ()
            if shapes and [np.shape(each.value) for each in inside] == shapes:
                yield replace(self, of=name)

    def _given(self, arguments: dict[str, Any]) -> "OwnCall":
        """The same, called with other arguments."""
        with quiet():
            result = self.function(**copy.deepcopy(arguments))
        return replace(self, arguments=arguments, result=result)

    def judged(self, cost: str | None) -> Found | None:
        """It, judged with its arguments."""
        module = inspect.getmodule(self.function)
        chosen = self._parameters(module)
        if chosen is None:
            return None
        for spread in (SPREAD, 0.0):
            params = {short(each.path): _moved(each.value, spread) for each in chosen}
            with suppress(NotAGradientError, ArithmeticError, ValueError, TypeError, IndexError):
                data = self._data(chosen)
                again = self._again(module, list(params), list(data))
                # An object that moves its own parameters may have a loss to be read alone.
                own = all(each.path.startswith("self.") for each in chosen)
                moves = self._moves(chosen, module)
                given = (*data.values(),)
                examined = examine(
                    again,
                    params,
                    given,
                    cost=cost,
                    called=[*data],
                    promised=not (own and moves),
                    undecayed=moves,
                )
                if not examined.ok and self._gives_no_loss(again, params, given):
                    return None
                bare = examined.undecayed  # what the file moves them by is judged as it trains
                examined = examined if bare is None else bare
                names = tuple(each.name for each in examined.gradients)
                source = f"what the file calls it with {self.where}"
                calls = (called(self.function),)
                recognised = Recognised("", source, "", calls, "returned", names, called=True)
                recognised = replace(recognised, undecayed=bare is not None)
                found = Found(recognised, examined, tuple(self._used(module)))
                return found.rerun(self._rerun(module, of_function(again, params, given)))
        return None

    def _gives_no_loss(self, again: Callable[..., Any], params: Any, data: tuple[Any, ...]) -> bool:
        """Whether the number that is taken for the loss is the gradient of a bias."""
        step = record(again, params, data, self.function)
        return step.loss is not None and sums_an_error(step.loss, step.goals)

    def _data(self, chosen: Sequence[Leaf]) -> dict[str, Array]:
        """The arrays that it is given beside its parameters: of a method, such as `X.dot(w)`."""
        own = {each.path for each in chosen}
        return {n: e for n, e in self.arguments.items() if is_floats(e) and n not in own}

    def _rerun(self, module: Any, here: Rerun) -> Rerun:
        """What runs it again, and tells whether it is right with other parameters and later."""
        return Rerun(here.again, lambda: here.elsewhere() and self._is_right_later(module))

    def _is_right_later(self, module: Any) -> bool:
        """Whether it is right with what it is called with later, such as other sizes and labels."""
        return replace(self._given(self.later), later=self.arguments).is_right(module)

    def is_right(self, module: Any) -> bool:
        """Whether it is right with what it is called with, if its parameters are known."""
        chosen = self._parameters(module) or ()
        params = {short(each.path): np.asarray(each.value, dtype=np.float64) for each in chosen}
        data = self._data(chosen)
        again = self._again(module, [*params], [*data])
        return not params or of_function(again, params, (*data.values(),)).elsewhere()

    def _used(self, module: Any) -> Iterator[str]:
        """The names of the functions and classes that take part, as far as names tell."""
        yield self.name
        waiting: list[Any] = [self.function]
        for each in waiting:
            yield each.__name__
            found = (vars(module).get(name) for name in each.__code__.co_names)
            waiting += (e for e in found if isinstance(e, FunctionType) and e not in waiting)
        yield from (type(each).__name__ for each in self.arguments.values())

    def _again(
        self, module: Any, order: Sequence[str], names: Sequence[str] = ()
    ) -> Callable[..., Any]:
        """What calls it with other parameters and data; its loss and the gradients of those."""

        def again(params: Mapping[str, Any], *data: Array) -> tuple[Any, dict[str, Any]]:
            given = copy.deepcopy(self.arguments) | dict(zip(names, data, strict=False))
            for name, value in given.items():
                given[name] = changed(
                    value, name, module, lambda e: params.get(short(e.path), e.value), self.keys
                )
            seed()
            result = self.function(**given)
            values = (each.value for each in self._gradients(result))
            return parted(self.function, result)[0], dict(zip(order, values, strict=True))

        return again

    def _parameters(self, module: Any) -> list[Leaf] | None:
        """What the gradients are of, in their order; None if that is not known.

        It has another value at a later call, or the gradients bear its name; and it is no data.
        """
        if self.of:
            return [*leaves(self.arguments[self.of], self.of, None)]
        gradients = self._gradients(self.result)
        chosen = self._chosen(gradients, module) if gradients else None
        if chosen is None or all(map(self._bears_name, gradients, chosen)):
            return chosen
        return chosen if self._moves(chosen, module) else None

    def _moves(self, chosen: Sequence[Leaf], module: Any) -> bool:
        """Whether parameters have other values at a later call."""
        every = (e for n, v in self.later.items() for e in leaves(v, n, module, named=self.keys))
        later = {each.path: each.value for each in every}
        moved = (e.path in later and not np.array_equal(e.value, later[e.path]) for e in chosen)
        return all(moved)

    def _gradients(self, result: Any) -> list[Leaf]:
        """The gradients that it returns, but no parameter after an update, and no state."""
        parts = returned_parts(self.function, result)
        others = [name for name, e in parts if not (is_number(e) or is_gradient(name))]
        inside = tuple(f"{name}{end}" for name in others for end in "[.")
        inside += tuple(self._handed_on)
        found = parted(self.function, result, self.keys)[1]
        return [e for e in found if e.path not in others and not e.path.startswith(inside)]

    @cached_property
    def _handed_on(self) -> list[str]:
        """The paths of what its first call returned that was an argument of its second."""
        given = [e.value for name, each in self.second.items() for e in leaves(each, name, None)]
        parts = returned_parts(self.function, self.result)
        made = (e for name, each in parts for e in leaves(each, name, None))
        return [e.path for e in made if any(np.array_equal(e.value, each) for each in given)]

    def _chosen(self, gradients: Sequence[Leaf], module: Any) -> list[Leaf] | None:
        direct = sorted(self.arguments.items(), key=lambda each: each[0] == "self")
        direct = [each for each in direct if not self._is_data(each[0])]
        inside = [
            each for name, value in direct for each in leaves(value, name, module, named=self.keys)
        ]
        once = {e.path if isinstance(e.value, float) else id(e.value): e for e in reversed(inside)}
        held = [*once.values()][::-1]  # equal numbers may be one object
        shapes = [np.shape(each.value) for each in gradients]
        groups: dict[str, list[Leaf]] = {}
        for each in held:
            for path in {each.path, _parent(each.path), holder(each.path)}:
                groups.setdefault(path, []).append(each)
        whole = [e for e in groups.values() if [np.shape(leaf.value) for leaf in e] == shapes]
        if len(gradients) > 1 and whole:
            return whole[0]
        found = [self._of(each, held) for each in gradients]
        if None in found or len({id(each) for each in found}) < len(found):
            return None
        return [each for each in found if each is not None]

    def _is_data(self, name: str) -> bool:
        """Whether an argument is data by its name: a target, or what no gradient is named after."""
        kinds = {*kinds_of(name)}
        return bool(DATA & kinds) and (name not in self.keys or "targets" in kinds)

    def _of(self, gradient: Leaf, held: Sequence[Leaf]) -> Leaf | None:
        """What a gradient is of: what bears its name, or else the only one of its shape."""
        alike = [each for each in held if np.shape(each.value) == np.shape(gradient.value)]
        chosen = [each for each in alike if self._bears_name(gradient, each)] or alike
        return chosen[0] if len(chosen) == 1 else None

    def _bears_name(self, gradient: Leaf, parameter: Leaf) -> bool:
        """Whether a gradient is named after a parameter, as `dW` or `g_coef`, or has its key."""
        named = bare(parameter.name) == stem(gradient.name) != bare(gradient.name)
        return named or (gradient.name == parameter.name and gradient.name in self.keys)


def _parent(path: str) -> str:
    """What holds an item: `f.p` of `f.p[0]`."""
    return path.rpartition("[")[0] if path.endswith("]") else path


def _moved(value: Any, spread: float) -> Any:
    """Parameters, moved by generic numbers."""
    array = np.asarray(value, dtype=np.float64)
    by = spread * (float(np.max(np.abs(array), initial=0.0)) or 1.0)
    moved = array + by * np.random.default_rng(5).normal(size=array.shape)
    return moved if array.ndim else float(moved)


def parted(
    function: FunctionType, result: Any, named: Collection[str] = ()
) -> tuple[Any, list[Leaf]]:
    """The loss in what a function returned, and its gradients; none if it is no such pair.

    Args:
        function: it.
        result: what it returned.
        named: what gradients may be called that are numbers.
    """
    parts = returned_parts(function, result) if isinstance(result, tuple | list) else []
    direct = list(result) if isinstance(result, tuple | list) else []
    at = next((i for i, e in enumerate(direct) if is_number(e) and not np.ndim(e)), None)
    if at is None or at not in (0, len(direct) - 1) or (at == 0 and gives_outputs(function)):
        return None, []
    others = ((name, part) for name, part in parts if part is not direct[at])
    return direct[at], [e for name, part in others for e in leaves(part, name, None, named=named)]


def own_calls(found: Definitions) -> list[OwnCall]:
    """The functions of a file that gave several results, and its methods that go forward."""
    main = _main(found)
    body = main or _tries(found)
    places = _places(found)
    if not body or not places:
        return []
    noted: dict[FunctionType, OwnCall] = {}
    with _noted(places, noted):
        _run(body, found)
    where = UNDER_MAIN if main else f"in {', '.join(map(ast.unparse, body))}"
    return [replace(each, where=where) for each in noted.values()]


def _run(body: Sequence[ast.stmt], found: Definitions) -> None:
    """Run some statements of a file, as far as they go: of one that trains, its first steps."""
    with (
        suppress(TooLongError),
        quiet(),
        writing_nothing(),
        limited(FILE_SECONDS),
        np.errstate(all="ignore"),
    ):
        for each in body:
            code = compile(ast.Module([each], []), found.files[0], "exec")
            try:
                exec(code, vars(found.module))  # noqa: S102 - the file's own main
            except (Exception, EnoughError, SystemExit):  # noqa: BLE001, S112 - in any way
                continue  # what it called before is known, and others may go on without it


TRIES = re.compile(r"(test|check|demo|example)s?(_\w+)?|\w+_(test|check|demo|example)s?|main")
"""The names of functions that try others."""


def _main(found: Definitions) -> list[ast.stmt]:
    """The statements under `if __name__ == "__main__"`."""
    module = tree(found.files[0]) if len(found.files) == 1 else None
    tops = [] if module is None else [e for e in module.body if isinstance(e, ast.If)]
    return [e for each in tops if "__name__" in ast.unparse(each.test) for e in each.body]


def _tries(found: Definitions) -> list[ast.stmt]:
    """Calls of what tries others, such as `test_gradients()`."""
    named = (e.__name__ for e in found.functions if TRIES.fullmatch(e.__name__) and not needed(e))
    return [e for name in named for e in ast.parse(f"{name}()").body]


Place = tuple[Any, str, FunctionType]
"""What holds a function, under which name, and the function."""


def _places(found: Definitions) -> list[Place]:
    """The functions and methods that give several results, are told a rate, or go forward."""
    return [
        (owner, name, each)
        for owner in (found.module, *found.classes)
        for name, each in vars(owner).items()
        if isinstance(each, FunctionType)
        if len(returned_names(each)) > 1
        or is_role(name, "forward") == 0
        or "rate" in kinds_taken(each)
        if isinstance(owner, type) or each in found.functions
    ]


@contextmanager
def _noted(places: Sequence[Place], noted: dict[FunctionType, OwnCall]) -> Iterator[None]:
    """Note the first call of each of some functions."""
    try:
        for owner, name, each in places:
            said = owner.__name__ if isinstance(owner, type) else each.__name__
            setattr(owner, name, _noting(said, each, noted))
        yield
    finally:
        for owner, name, each in places:
            setattr(owner, name, each)


def _noting(name: str, function: FunctionType, noted: dict[FunctionType, OwnCall]) -> Any:
    """A function that notes the first call of another one, and ends the statement after some."""
    signature = inspect.signature(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs).arguments
        known = noted.get(function)
        more = known is not None and _equal_places(bound) > _equal_places(known.arguments)
        if known is None or known.count in (1, CALLS - 1) or more:
            given = {n: copy.deepcopy(getattr(e, NOTES, e)) for n, e in bound.items()}
            known = known or noted.setdefault(function, OwnCall(name, function, given))
            known.later = given if known.count <= CALLS - 1 else known.later
            known.second = given if known.count == 1 else known.second
            known.alike = known.alike or (given if more else {})
        known.count += 1
        result = function(*args, **kwargs)
        if known.count == 1:
            known.result = copy.deepcopy(result)
        seen = known.alike or _equal_places(known.arguments) or not _places_in(bound)
        most = CALLS if seen else MORE_CALLS
        if known.count >= most and parted(function, known.result)[1]:
            raise EnoughError
        return result

    vars(call)[NOTES] = function
    return call


def _places_in(arguments: Mapping[str, Any]) -> list[int]:
    """The whole numbers among arguments, and in arrays and lists of them, if any are in such."""
    given = (e for e in arguments.values() if isinstance(e, np.ndarray | int) or _is_of_whole(e))
    arrays = [*map(np.asarray, given)]
    whole = [each for each in arrays if each.dtype.kind in "iu"]
    return [int(n) for each in whole for n in each.ravel()] if any(e.ndim for e in whole) else []


def _is_of_whole(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, int | np.integer) for each in value)


def _equal_places(arguments: Mapping[str, Any]) -> int:
    """How many of these were there before."""
    found = _places_in(arguments)
    return len(found) - len({*found})
