"""A `torch.autograd.Function` of a file: its arguments found, and its gradients judged.

First with the arguments of the file's own call; else with those with which it runs, of which the
first are tried and the best is taken. Left out: the words.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from conformance.backward.findings import Examined
from conformance.backward.recorded_pass import NotAGradientError
from conformance.custom.applied import Asked, accepted, asked, examined, names_of
from conformance.custom.context import Function, is_separate
from conformance.running.tracebacks import headline
from conformance.shapes.attempts import UnfitError
from conformance.shapes.solved import Solver, arguments

RUNS = 2_500  # of a function of torch, each of which takes longer than one of NumPy
FITTING = 3  # so many choices of arguments are judged before the best is taken
OWN, OURS = "as the file calls it", "arguments of ours"
STARRED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Tried:
    """A function that was judged.

    Attributes:
        layout: of the arguments, or that they are the file's own.
        arguments: each with its shape or value.
        gradients: the names of those that were judged.
        examined: what is known.
    """

    layout: str
    arguments: str
    gradients: tuple[str, ...]
    examined: Examined


def found(kind: type[Function], own: tuple[Any, ...] | None) -> tuple[Tried | None, str]:
    """A function, judged, or how it could not be.

    Args:
        kind: the function.
        own: the arguments of the file's own call, if there is one.
    """
    problem = ""
    if own is not None:
        try:
            return _tried(OWN, asked(kind, own)), ""
        except (NotAGradientError, RuntimeError, ValueError, TypeError) as error:
            problem = headline(error)
    best: Tried | None = None
    count = 0
    for what in fitting(kind):
        try:
            tried = _tried(OURS, what)
        except NotAGradientError as error:
            problem = problem or headline(error)
            continue
        if tried.examined.ok:
            return tried, ""
        count += 1
        best = tried if best is None or tried.examined.right > best.examined.right else best
        if count == FITTING:
            break
    return best, problem or "no arguments are known with which it runs: call it in the file"


def found_in_jax(function: Any) -> tuple[Tried | None, str]:
    """A function with `jax.custom_vjp`, judged with arguments of ours; see `found`."""
    from conformance.custom import by_jax

    problem, tried = "", []
    for chosen in _solutions(function.fun, partial(by_jax.accepted, function)):
        args = list(chosen.values())
        try:
            known = by_jax.check(function, args)
        except NotAGradientError as error:
            problem = problem or headline(error)
            continue
        said = ", ".join(f"{name}{_shape(value)}" for name, value in chosen.items())
        names = tuple(each.name for each in known.gradients)
        tried.append(Tried(OURS, said, names, known))
        if known.ok or len(tried) == FITTING:
            break
    return max(tried, key=lambda e: (e.examined.ok, e.examined.right), default=None), problem


def _loaded() -> None:
    """Let torch import what it does at its first backward pass: no function takes these seconds."""
    output = torch.zeros(1, requires_grad=True) * 1.0
    torch.autograd.backward([output], [torch.ones(1)])


def fitting(kind: type[Function]) -> Iterator[Asked]:
    """The arguments that torch accepts, with an output that depends on them."""
    _loaded()
    for dtype in (torch.float64, torch.float32):

        def accepts(args: Sequence[Any], dtype: torch.dtype = dtype) -> None:
            what = asked(kind, [_tensor(each, dtype) for each in args])
            if not any(what.needs):
                raise UnfitError("it has no argument of floats")
            accepted(kind, what.args, what.needs)

        some = False
        for chosen in _solutions(kind.forward, accepts, skipped=not is_separate(kind)):
            some = True
            yield asked(kind, [_tensor(each, dtype) for each in chosen.values()])
        if some:
            return


def _solutions(
    function: Callable[..., Any], run: Callable[[Sequence[Any]], object], *, skipped: bool = False
) -> Iterator[dict[str, Any]]:
    """The arguments of a function, by name, with which something runs.

    Args:
        function: the arguments are those of it.
        run: is given them in order.
        skipped: whether the first argument, a context, is none of them.
    """
    taken = list(inspect.signature(function).parameters.values())[int(skipped) :]
    taken = [each for each in taken if each.kind not in STARRED]
    given = {e.name: e.default for e in taken if e.default not in (inspect.Parameter.empty, None)}
    names = [each.name for each in taken if each.name not in given]

    def fits(found: Mapping[str, Any]) -> None:
        try:
            run([found[e.name] if e.name in found else given[e.name] for e in taken])
        except Exception as error:
            raise UnfitError(headline(error)) from error

    optional = [each.name for each in taken if each.default is None]
    solver = Solver(names, fits, optional, RUNS)
    for chosen in solver.solutions() if names else ():
        found = {**arguments(names, chosen), **given}
        yield {each.name: found[each.name] for each in taken}


def _tensor(value: Any, dtype: torch.dtype) -> Any:
    """An array as a tensor."""
    if not isinstance(value, np.ndarray):
        return value
    tensor = torch.from_numpy(value.copy())
    return tensor.to(dtype) if tensor.dtype.is_floating_point else tensor


def _tried(layout: str, what: Asked) -> Tried:
    accepted(what.kind, what.args, what.needs)
    known = examined(what)
    names = names_of(what.kind, len(what.args))
    said = ", ".join(f"{n}{_shape(e)}" for n, e in zip(names, what.args, strict=True))
    return Tried(layout, said, tuple(each.name for each in known.gradients), known)


def _shape(value: Any) -> str:
    """The shape of a tensor or an array, or another value."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return f" ({', '.join(map(str, value.shape))})"
    return f" = {value!r}" if isinstance(value, int | float | str | tuple | None) else ""
