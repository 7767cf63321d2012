"""Parameters that are all moved by multiples of themselves alone, such as `w -= 0.1 * w`.

Their gradients are computed and used nowhere. Left out: what is so beside others that are moved by
theirs (`without_gradient.py`).
"""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from conformance.backward.findings import Accused, Cause, merged
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.source import is_float, written_name
from conformance.script.judge_updates import judged
from conformance.script.judgement import ToJudge
from conformance.script.parameters import Parameter
from conformance.script.rebound_states import is_nothing
from conformance.script.replaced import replacements
from conformance.script.rows import Carried
from conformance.script.update import Update
from conformance.script.without_gradient import ends_of, lines_between
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace


def by_themselves(trace: Trace) -> tuple[Accused, ...]:
    """The blame of all that is moved by multiples of itself, if its gradients are used nowhere.

    They are right, in the first step.
    """
    updates, pairs = list[Update](), [*_moved(trace)]
    states = {e for old, new in pairs for e in ends_of(old, new) if e is not old}
    for old, new in [(old, new) for old, new in pairs if old not in states]:
        step = trace.nodes[old.number : new.number]
        like = [e for e in step if e.depends_on(old) and np.shape(e.value) == np.shape(old.value)]
        unused = [(e, -1.0) for e in like if e.function is not None and not e.consumers]
        updates += [Update(Parameter(Carried([old, new])), old, new, unused[-1:])] * bool(unused)
    with suppress(NotAGradientError):
        if updates and judged(ToJudge(trace, updates)).ok:
            found = map(_accused, updates)
            return merged([*dict.fromkeys(found)], lambda each: each.lines)
    return ()


def _moved(trace: Trace) -> Iterator[tuple[Node, Node]]:
    """The arrays that are so, before the first step and after it."""
    found = 0
    for old in trace.nodes:
        if np.ndim(old.value) and is_float(old) and not old.uses & found:
            new = max(replacements(old), key=lambda each: each.number, default=None)
            if new is not None and all(e is old or is_nothing(e) for e in ends_of(old, new)):
                found |= 1 << old.number
                yield old, new


def _accused(made: Update) -> Accused:
    lines = lines_between(made.old, made.new)
    return Accused((written_name(made.new),), lines, Cause("aside"), mends=False)
