"""A program `f(params, *data) -> (loss, gradients)`, judged, and the operations to blame."""

from collections.abc import Callable
from typing import Any

from conformance.backward.findings import Examined
from conformance.backward.own_pass import examine_pass
from conformance.backward.program import record
from conformance.backward.rerun import untraced


def examine(
    f: Callable[..., Any],
    params: Any,
    data: tuple[Any, ...],
    own: Callable[..., Any] | None = None,
    cost: str | None = None,
) -> Examined:
    """The gradients, and what is to blame for those that are wrong; see `program.record`."""
    step = record(f, params, data, own)
    return examine_pass(step, cost, contradicted=lambda wrong: untraced(f, params, data, wrong))
