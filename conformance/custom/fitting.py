"""A `torch.autograd.Function` of a file: its arguments found, and its gradients judged.

First with the arguments of the file's own call; else with those that its names suggest, of which
the first that fit are tried and the best is taken. Left out: the words.
"""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from conformance.backward.findings import Examined
from conformance.backward.program import NotAGradientError
from conformance.custom.applied import accepted, names_of
from conformance.custom.asked import Asked, asked, examined
from conformance.custom.context import Function
from conformance.custom.suggested import arguments, suiting
from conformance.running.seconds import TooLongError, limited

FITTING = 3  # so many arguments that fit are judged before the best is taken
SECONDS = 3.0
OWN = "as the file calls it"


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
            problem = _said(error)
    best: Tried | None = None
    count = 0
    for layout, what in fitting(kind):
        try:
            tried = _tried(layout, what)
        except NotAGradientError as error:
            problem = problem or _said(error)
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
    from conformance.custom.by_jax import check

    parameters = list(inspect.signature(function.fun).parameters.values())
    problem, tried = "", []
    for layout, tensors in suiting(parameters, torch.float64):
        args = [e.numpy() if isinstance(e, torch.Tensor) else e for e in tensors]
        try:
            with limited(SECONDS):
                known = check(function, args)
        except (Exception, TooLongError) as error:  # noqa: BLE001 - a program may stop in any way
            problem = problem or _said(error)
            continue
        pairs = zip(parameters, tensors, strict=True)
        said = ", ".join(f"{each.name}{_shape(value)}" for each, value in pairs)
        names = tuple(each.name for each in known.gradients)
        tried.append(Tried(f"arguments of ours: {layout}", said, names, known))
        if known.ok or len(tried) == FITTING:
            break
    return max(tried, key=lambda e: (e.examined.ok, e.examined.right), default=None), problem


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def fitting(kind: type[Function]) -> Iterator[tuple[str, Asked]]:
    """The arguments that torch accepts, with an output that depends on them."""
    for dtype in (torch.float64, torch.float32):
        some = False
        for layout, args in arguments(kind, dtype):
            what = asked(kind, args)
            if any(what.needs) and _fits(what):
                some = True
                yield f"arguments of ours: {layout}", what
        if some:
            return


def _fits(what: Asked) -> bool:
    try:
        with limited(SECONDS):
            accepted(what.kind, what.args, what.needs)
    except (Exception, TooLongError):  # noqa: BLE001 - a program may stop in any way
        return False
    return True


def _tried(layout: str, what: Asked) -> Tried:
    accepted(what.kind, what.args, what.needs)
    known = examined(what)
    names = names_of(what.kind, len(what.args))
    said = ", ".join(f"{n}{_shape(e)}" for n, e in zip(names, what.args, strict=True))
    return Tried(layout, said, tuple(each.name for each in known.gradients), known)


def _shape(value: Any) -> str:
    """The shape of a tensor, or another value."""
    if isinstance(value, torch.Tensor):
        return f" ({', '.join(map(str, value.shape))})"
    return f" = {value!r}" if isinstance(value, int | float | str | tuple | None) else ""
