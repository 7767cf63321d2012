"""Classes that move parameters by gradients that they are given, such as `SGD.step(params, grads)`.

Each is made and called with parameters and gradients of ours, held as people hold them, until one
way moves them. Left out: the verdict on the updates (`moved.py`).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np

from conformance.running.quiet import quiet
from conformance.running.seconds import limited
from conformance.script.holders import Holder, holders, holds, is_gradient, pairs_of, started
from conformance.shapes.arguments import RATE, needed, taken
from conformance.shapes.plans import methods
from conformance.shapes.run import LONGEST
from conformance.shapes.vocabulary import bare, is_role, kinds_of
from conformance.tracing.node import Node
from conformance.tracing.program import traced_program
from conformance.tracing.trace import Trace

STEPS = 4
TIME = re.compile(r"t|step|iter(ation)?|epoch|i")
NUMBERS = (
    (re.compile(r"(beta|b|rho|decay(rate)?)2"), 0.999),
    (re.compile(r"(beta|b|decay(rate)?)1?|mu|momentum|rho1?|gamma"), 0.9),
    (re.compile(r"eps(ilon)?"), 1e-8),
)
"""What an optimiser is given that has no defaults, by the names of its arguments."""


class UnfitError(Exception):
    """A way of holding parameters does not fit."""


@dataclass(frozen=True)
class Optimiser:
    """A class that moves parameters.

    Attributes:
        kind: the class.
        method: the name of the method that does it.
    """

    kind: type
    method: str


@dataclass(frozen=True)
class Moved:
    """Parameters of ours that a class has moved.

    Attributes:
        trace: of the updates.
        values: of each parameter, one after another, by its name.
        gradients: that each update was given.
    """

    trace: Trace
    values: dict[str, list[Node]]
    gradients: dict[str, list[Node]]


def optimisers(classes: Sequence[type]) -> Iterator[Optimiser]:
    """The classes that take gradients, or hold what has some, and go neither forward nor back."""
    for kind in classes:
        names = [name for name, _ in methods(kind)]
        if any(is_role(e, role) is not None for e in names for role in ("backward", "loss")):
            continue
        moving = (e for e in names if _moves(e) and _takes_gradients(kind, e))
        method = next(moving, None)
        if method is not None:
            yield Optimiser(kind, method)


def _moves(name: str) -> bool:
    return name == "__call__" or any(is_role(name, e) is not None for e in ("update", "train"))


def _takes_gradients(kind: type, method: str) -> bool:
    own = getattr(kind, method)
    return any(map(is_gradient, (e.name for e in taken(own)))) or bool(pairs_of(kind))


def moved(optimiser: Optimiser) -> Moved | None:
    """Parameters that it has moved; None if no way of calling it is known."""
    ways = list(holders(optimiser.kind))
    for alone, held in product((False, True), ways):
        trace = Trace(sites=True)
        holder = held(started(trace))
        if alone and not (isinstance(holder.params, list) and holder.grads is not None):
            continue
        with suppress(Exception), quiet():
            found = _run(optimiser, trace, holder, alone=alone)
            if found is not None:
                return found
    return None


def _run(optimiser: Optimiser, trace: Trace, holder: Holder, *, alone: bool) -> Moved | None:
    """What comes of some updates; None if they do not move all parameters."""
    rng = np.random.default_rng(1)
    weights = {name: 0.5 + rng.random(np.shape(e)) for name, e in holder.read().items()}
    values: dict[str, list[Node]] = {name: [] for name in weights}
    gradients: dict[str, list[Node]] = {name: [] for name in weights}
    parts = [_only(holder, i) for i in range(len(values))] if alone else [holder]
    with limited(LONGEST), traced_program(trace, getattr(optimiser.kind, optimiser.method)):
        made = [optimiser.kind(**_arguments(optimiser.kind, each, 0)) for each in parts]
        for t in range(1, STEPS + 1):
            now = holder.read()
            given = {name: weights[name] * np.sin(each) for name, each in now.items()}
            holder.give(given)
            for name in now:
                values[name].append(trace.argument(now[name]))
                gradients[name].append(trace.argument(given[name]))
            parts = [_only(holder, i) for i in range(len(now))] if alone else parts
            results = [_step(*each, optimiser, t) for each in zip(made, parts, strict=True)]
            _take(holder, results if alone else results[0])
        for name, each in holder.read().items():
            values[name].append(trace.argument(each))
    still = (np.array_equal(a.value, b.value) for e in values.values() for a, b in pairwise(e))
    return None if any(still) else Moved(trace, values, gradients)


def _step(made: Any, holder: Holder, optimiser: Optimiser, t: int) -> Any:
    """What an update returns, with what is to be called before and after it."""
    _call(made, "pre")
    step = getattr(made, optimiser.method)
    result = step(**_arguments(step, holder, t))
    _call(made, "post")
    return result


def _call(made: Any, when: str) -> None:
    """Call what is to be called before or after each update: `pre_update_params()`."""
    for name, _ in methods(type(made)):
        if bare(name).startswith(when) and not needed(getattr(made, name)):
            getattr(made, name)()


def _only(holder: Holder, i: int) -> Holder:
    """One parameter with its gradient."""
    return Holder(holder.params[i], holder.grads[i], holder.read, holder.give)


def _take(holder: Holder, result: Any) -> None:
    """Keep the parameters that an update returns, if it returns them."""
    same = type(result) is type(holder.params) and result is not holder.params
    if same and len(result) == len(holder.params) and not any(e is None for e in result):
        holder.put(result)


def _arguments(function: Any, holder: Holder, t: int) -> dict[str, Any]:
    """What a function is called with.

    Raises:
        UnfitError: an argument is not known.
    """
    wanted = {e.name: e for e in (*needed(function), *(e for e in taken(function) if t))}
    found = {}
    for name, each in wanted.items():
        if each.default is not each.empty and "rate" not in kinds_of(name):
            continue
        found[name] = _argument(name, holder, t)
    return found


def _argument(name: str, holder: Holder, t: int) -> Any:
    if is_gradient(name) and holder.grads is not None:
        return holder.grads
    known = RATE if "rate" in kinds_of(name) else None
    known = next((e for pattern, e in NUMBERS if pattern.fullmatch(bare(name))), known)
    if known is None and TIME.fullmatch(bare(name)):
        return t
    if known is None and not holds(name):
        raise UnfitError(name)
    return holder.params if known is None else known
