"""A program `f(params, *data) -> (loss, gradients)`, judged, and the operations to blame.

A number that leaves NumPy (`float(x) * 2`) and comes back is a constant of the record, which the
chain rule passes by. So before a gradient is called wrong, the program's own loss is run again a
little to both sides along a generic direction: if the gradient that the program gives is its slope
there, and ours is not, the record is at fault.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.judge_gradients import Verdict
from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import record, short
from conformance.backward.stated_loss import with_undecayed
from conformance.running.quiet import quiet
from reference.step import Array


def examine(
    f: Callable[..., Any],
    params: Any,
    data: tuple[Any, ...],
    own: Callable[..., Any] | None = None,
    cost: str | None = None,
    called: Sequence[str] = (),
    *,
    promised: bool = True,
    undecayed: bool = False,
) -> Examined:
    """The gradients, and what is to blame for those that are wrong; see `program.record`.

    Args:
        f: the program.
        params: that it is given.
        data: likewise.
        own: as `record` takes it, like the names of what is called.
        cost: as in `examine_pass`.
        called: the names of the data.
        promised: as in `OwnPass`.
        undecayed: whether to tell what they are by the loss without its own decay.
    """
    step = replace(record(f, params, data, own, called), promised=promised)
    found = examine_pass(step, cost, contradicted=lambda wrong: untraced(f, params, data, wrong))
    return with_undecayed(step, found) if undecayed else found


def untraced(
    f: Callable[..., Any], params: Any, data: tuple[Any, ...], wrong: list[Verdict]
) -> list[Verdict]:
    """The verdicts that the program's own loss contradicts; none if it is not repeatable."""
    here = [_loss(f, params, data) for _ in range(2)]
    if None in here or here[0] != here[1]:
        return []
    return [each for each in wrong if _contradicted(f, params, data, each)]


def _contradicted(
    f: Callable[..., Any], params: Any, data: tuple[Any, ...], verdict: Verdict
) -> bool:
    if verdict.given.shape != verdict.right.shape:
        return False
    value = np.asarray(verdict.goal.parameter.value)
    rounding = float(np.finfo(value.dtype).eps)
    direction = np.random.default_rng(1).normal(size=value.shape)
    step = rounding ** (1 / 3) * max(1.0, float(np.max(np.abs(value), initial=0.0)))
    ends = [
        _loss(f, _moved(params, "params", verdict.goal.name, sign * step * direction), data)
        for sign in (1, -1)
    ]
    if ends[0] is None or ends[1] is None:
        return False
    slope = (ends[0] - ends[1]) / (2 * step)
    given, right = (float(np.vdot(e, direction)) for e in (verdict.given, verdict.right))
    size = abs(slope) + float(np.abs(verdict.given * direction).sum())
    near = rounding ** (1 / 3) * size
    return bool(abs(slope - given) <= near < abs(slope - right))


def _loss(f: Callable[..., Any], params: Any, data: tuple[Any, ...]) -> float | None:
    """The loss; None if the program does not give one again."""
    try:
        with quiet():
            loss = f(*copy.deepcopy((params, *data)))[0]
        return float(np.asarray(loss).reshape(()))
    except (ValueError, TypeError, IndexError, ArithmeticError, KeyError, AttributeError):
        return None


def _moved(value: Any, name: str, wanted: str, by: Array) -> Any:
    """Parameters of which one is moved."""
    if isinstance(value, Mapping):
        return {key: _moved(e, f"{name}[{key!r}]", wanted, by) for key, e in value.items()}
    if isinstance(value, list | tuple):
        parts = [_moved(each, f"{name}[{i}]", wanted, by) for i, each in enumerate(value)]
        if hasattr(value, "_fields"):  # a named tuple
            return type(value)(*parts)
        return parts if isinstance(value, list) else tuple(parts)
    if short(name) != wanted:
        return value
    moved = np.asarray(value + by, dtype=np.asarray(value).dtype)
    return moved if isinstance(value, np.ndarray) else moved[()]
