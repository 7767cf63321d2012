"""Functions that give a loss and gradients by arrays of any shapes, with arguments that are found.

Such are `nll(beta, cuts, X, y)` and `loss_grad(params, X, t)`, which unpacks its parameters; and a
loss beside what gives its gradients by the same arguments. They are run as in `solved.py`, with
targets of each coding. Left out: what is known by its shape already, which is judged before.
"""

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from time import process_time
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.examine_gradients import examine
from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import NotAGradientError, record
from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import bare, kinds_of, names_gradients, stem
from conformance.running.quiet import TooLongError
from conformance.shapes.argument_values import (
    CODINGS,
    Path,
    as_stated,
    is_input,
    is_target,
    stated_shapes,
)
from conformance.shapes.arguments import called, needed
from conformance.shapes.assembled import unpacked_into
from conformance.shapes.attempts import UnfitError, result_of
from conformance.shapes.found import Found, Recognised, of_function
from conformance.shapes.function_sources import (
    gives_outputs,
    returned_keys,
    returned_names,
    returned_parts,
)
from conformance.shapes.given_back import arguments_in, said
from conformance.shapes.learned import is_number
from conformance.shapes.named_losses import returns_loss, states_loss
from conformance.shapes.other_settings import switched_off
from conformance.shapes.solved import MisshapenError, Solver, Unset, arguments
from conformance.shapes.update_findings import NAMED
from conformance.tracing.trace import is_traced_number

RUNS = 2_000
"""So often a function is run with targets of one coding."""
SHAPES = 3
"""With arguments of so many shapes it is judged, before it is called wrong."""
SEARCHED = 5.0
"""Seconds of the processor after which no further arguments are tried."""


@dataclass(frozen=True)
class SolvedLossSearch:
    """A function that gives gradients, and one that gives the loss of them, or the same.

    Attributes:
        loss: gives the loss, alone or first of several.
        gradient: gives the gradients; it takes the same arguments.
        told: whether it is said if it cannot be judged: its names promise gradients.
        problems: why it could not be judged.
        of: the name of the argument that its nameless gradient is of; empty if it is to be found.
    """

    loss: FunctionType
    gradient: FunctionType
    told: bool = True
    problems: list[str] = field(default_factory=list)
    of: str = ""

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if no arguments are found with which it runs.

        It is right if it is with some of them, and no more gradients are judged with others: these
        may have shapes, or targets a coding, that it is not written for and runs with all the same.
        A gradient that no name tells the argument of is right if it is of any.
        """
        first: dict[Path, Any] | None = None
        most = 0
        until = process_time() + SEARCHED
        wrong: list[object] = []
        problem: UnfitError | None = None
        codings = CODINGS if any(map(is_target, self._names)) else CODINGS[-1:]
        for coding, _ in product(codings, range(SHAPES)):
            given = as_stated(stated_shapes(self.gradient, self._names), coding)
            solver = Solver(self._names, partial(self._fits, wrong, until), (), RUNS, given=given)
            for chosen in solver.solutions():
                wrong.append(_shapes(arguments(self._names, chosen)))
                found = self.judged(chosen, blame=False)
                if found is not None and not found.examined.ok:
                    again = (e.judged(chosen, blame=False) for e in self._of_others(chosen))
                    found = next((e for e in again if e is not None and e.examined.ok), found)
                count = 0 if found is None else len(found.examined.gradients)
                most = max(most, count)
                if found is not None and found.examined.ok and count == most:
                    return found
                first = first or (chosen if found is not None else None)
            problem = problem or solver.problem
        if first is None and self.told:
            self.problems.append(str(problem or "its arguments are not known"))
        return None if first is None else self.judged(first)

    def _of_others(self, chosen: dict[Path, Any]) -> Iterator["SolvedLossSearch"]:
        """The same, with each other argument that its only gradient may be of by its shape."""
        given = arguments(self._names, chosen)
        (first, *others) = self._given_back(given)[1]
        shapes = {name: np.shape(each) for name, each in _floats(given).items() if is_floats(each)}
        told = others or "output" in kinds_of(first)
        for name, shape in shapes.items() if not told else ():
            if name != first and shape == shapes.get(first):
                yield replace(self, of=name)

    @property
    def _names(self) -> list[str]:
        """The names of the arguments, with those that it unpacks: the inputs first."""
        names = [each.name for each in needed(self.gradient)]
        parts = [part for name in names for part in self._parts.get(name, [name])]
        return sorted(parts, key=lambda name: not is_input(name))

    @property
    def _parts(self) -> dict[str, tuple[str, ...]]:
        """What arguments are unpacked into, by their names."""
        found = {e.name: unpacked_into(self.gradient, e.name) for e in needed(self.gradient)}
        return {name: parts for name, parts in found.items() if parts}

    def _called(self, function: FunctionType, given: Mapping[str, Any]) -> Any:
        """What a function returns, given arguments of which some are packed."""
        names = [each.name for each in needed(function)]
        packed = {
            name: [given[e] for e in self._parts[name]] for name in names if name in self._parts
        }
        return result_of(function, **{name: packed.get(name, given.get(name)) for name in names})

    def _given_back(self, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The loss, and the gradients by the names of their arguments.

        Raises:
            UnfitError: it gives none.
        """
        result = self._called(self.gradient, given)
        parts = returned_parts(self.gradient, result)
        if self.loss is self.gradient:
            loss, parts = parts[0][1], parts[1:]
        else:
            whole = self._called(self.loss, given)
            loss = whole[0] if isinstance(whole, tuple) else whole
        if not is_number(loss) or not np.isfinite(float(np.ravel(loss)[0])):
            raise UnfitError(f"{self.loss.__name__}: its loss is no finite number")
        own = _floats(given)
        order = [part for e in needed(self.gradient) for part in self._parts.get(e.name, [e.name])]
        flat = [key for e in order for key in (given[e] if isinstance(given[e], dict) else [e])]
        others = {bare(name) for name in flat if name not in own}
        return loss, _by_argument(parts, {e: own[e] for e in flat if e in own}, others, self.of)

    def _beside(self, names: Sequence[str]) -> tuple[str, ...]:
        """The gradients by their names that it returns beside those of some arguments."""
        given = returned_names(self.gradient)[self.loss is self.gradient :]
        own = {bare(each) for each in names}
        named = {word for each in given for word in (stem(each), bare(each))}
        in_order = not own <= named
        left = (e for e in given if own.isdisjoint({stem(e), bare(e)}) and NAMED.fullmatch(e))
        return tuple(e for e in left if not (in_order and _says_gradient(e)))

    def _fits(self, wrong: Collection[object], until: float, given: dict[str, Any]) -> None:
        """Run it.

        Raises:
            UnfitError: it does not run with such arguments, targets have more axes than inputs,
                they have shapes with which it was judged, or a gradient has another shape.
            TooLongError: no time is left.
        """
        if process_time() > until:
            raise TooLongError
        if _is_misfit(given):
            raise UnfitError("its targets have more axes than its inputs")
        _, found = self._given_back(given)
        own = {name: np.shape(each) for name, each in _floats(given).items()}
        if not found:
            raise UnfitError(f"{self.gradient.__name__}: it gives no gradients", stage=1)
        for name, each in found.items():
            shape = np.shape(each)
            if shape != own[name]:
                words = f"the gradient of {name} has the shape {shape}, not {own[name]}"
                raise MisshapenError(
                    words, name, shape, further=np.size(each) == np.prod(own[name])
                )

        if _shapes(given) in wrong:
            raise UnfitError("it was judged with such arguments", stage=1)

    def judged(self, chosen: dict[Path, Any], *, blame: bool = True) -> Found | None:
        """It, judged with some arguments; None if that fails.

        Args:
            chosen: they.
            blame: whether the line to blame is asked for.
        """
        given = arguments(self._names, chosen)
        own = _floats(given)
        parameters = {name: own[name] for name in self._given_back(given)[1]}

        def again(params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            merged = {
                name: {key: params.get(key, e) for key, e in each.items()}
                if isinstance(each, dict)
                else params.get(name, each)
                for name, each in given.items()
            }
            loss, found = self._given_back(merged)
            return loss, {name: found[name] for name in params}

        try:
            if blame:
                examined = examine(again, parameters, (), own=self.gradient)
            else:
                examined = examine_pass(record(again, parameters, (), self.gradient), blame=False)
        except (NotAGradientError, UnfitError) as error:
            self.problems.extend([str(error)] if self.told else [])
            return None
        shapes = ", ".join(f"{path[-1]} {said(value)}" for path, value in chosen.items())
        functions = list(dict.fromkeys((self.loss, self.gradient)))
        calls, names = tuple(map(called, functions)), tuple(parameters)
        off = switched_off(None, functions)
        recognised = Recognised("", shapes, "", calls, "returned", names, off=off)
        used = tuple(each.__name__ for each in functions)
        found = Found(recognised, examined, used, beside=self._beside(names))
        return found.rerun(of_function(again, parameters, own=self.gradient))


def _shapes(given: Mapping[str, Any]) -> object:
    """The shapes and kinds of arguments."""
    arrays = ((key, np.asarray(each)) for key, each in arguments_in(given).items())
    return {key: (each.shape, each.dtype.kind) for key, each in arrays}


def _is_misfit(given: Mapping[str, Any]) -> bool:
    """Whether targets have more axes than inputs, of which they would be those of no samples."""
    axes = {name: np.ndim(e) for name, e in given.items() if not isinstance(e, dict | Unset)}
    inputs = [n for name, n in axes.items() if is_input(name)]
    return any(n > max(inputs, default=n) for name, n in axes.items() if is_target(name))


def _floats(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of floats and the floats among arguments, those in a dict by their keys."""
    pairs = arguments_in(given).items()
    return {k: e for k, e in pairs if is_floats(e) or isinstance(e, float) or is_traced_number(e)}


def _by_argument(
    parts: Sequence[tuple[str, Any]], own: Mapping[str, Any], others: Collection[str], of: str = ""
) -> dict[str, Any]:
    """The gradients among what was returned: by their names, else in the order of the parameters.

    Args:
        parts: each with its name.
        own: the arrays among the arguments, in their order.
        others: the bare names of the other arguments.
        of: the only one of them that what has no name is the gradient of; empty if any may be.

    Raises:
        UnfitError: there are more than parameters, or one is that of whole numbers.
    """
    known = {bare(name): name for name in own}
    found: dict[str, Any] = {}
    silent = []
    for name, each in parts:
        named = each.items() if isinstance(each, dict) else [(name, each)]
        for key, value in named:
            to = next((known[e] for e in (stem(key), bare(key)) if e in known), None)
            if to is not None and (isinstance(each, dict) or stem(key) != bare(key)):
                found[to] = value
            elif stem(key) != bare(key) and stem(key) in others:
                raise UnfitError(f"{key} is no gradient of whole numbers", stage=1)
            elif not isinstance(each, dict) and _says_gradient(key):
                silent.append(value)
    arrays = (e for e in own if is_floats(own[e]))  # a number may be a setting
    order = [e for e in arrays if e not in found and not is_input(e) and not is_target(e)]
    order = [of] if of else order
    if order and len(silent) > len(order):
        raise UnfitError("it gives more gradients than there are parameters", stage=1)
    return found | dict(zip(order, silent, strict=False))


def _says_gradient(name: str) -> bool:
    """Whether what is returned is a gradient by its name, which may be that of no parameter."""
    known = bool({"grads", "upstream"} & {*kinds_of(name)}) or names_gradients(name)
    return known or not name.isidentifier()


def solved_losses(functions: Sequence[FunctionType]) -> Iterator[SolvedLossSearch]:
    """The functions that give a loss and gradients, or the gradients of the loss of another."""
    for each in functions:
        taken = {bare(argument.name) for argument in needed(each)}
        taken |= {bare(part) for e in needed(each) for part in unpacked_into(each, e.name)}
        names = [part for e in returned_names(each) for part in _inside(e)]
        if len(taken) < len(("parameters", "data")):
            continue
        given = [name for name in names[1:] if _is_gradient_of(name, taken)]
        if given and returns_loss(each) and not gives_outputs(each):
            keyed = returned_keys(each) & taken
            yield SolvedLossSearch(
                each, each, told=any(map(str.isidentifier, given)) or bool(keyed)
            )
        elif len(names) > 1 and all(stem(e) != bare(e) and stem(e) in taken for e in names):
            yield from (SolvedLossSearch(loss, each) for loss in states_loss(functions, each))


def _inside(written: str) -> list[str]:
    """What is in a list or a tuple that is returned beside others; what is written else."""
    whole = ast.parse(f"[{written}]", mode="eval").body  # it may be `*grads`
    parts = [
        inner for each in getattr(whole, "elts", []) for inner in getattr(each, "elts", [each])
    ]
    return list(map(ast.unparse, parts))


def _is_gradient_of(name: str, taken: Collection[str]) -> bool:
    named = stem(name) != bare(name) and stem(name) in taken
    return named or _says_gradient(name)
