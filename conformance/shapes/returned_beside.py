"""What a program returns beside the gradients of its parameters: that of its inputs, and others.

Left out: the gradients of parameters (`places.py`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass
from conformance.programs.vocabulary import is_gradient
from conformance.shapes.attempts import Attempt
from conformance.shapes.places import Places, returned
from conformance.shapes.update_findings import INPUT, together
from conformance.tracing.node import Node
from conformance.usage import COSTS

NAMED = re.compile(
    r"[dD]_?[A-Z]\w*|d[a-z_]{1,2}\d*|d_?(prev|in|out|input|output)s?\w*|\w*grad\w*|delta\w*|nabla\w*"
)
"""The names of gradients, and not of `data` or `distance`."""


def of_the_inputs(run: Attempt, places: Places, loss: Node | None) -> Goal | None:
    """The gradient of the inputs that a program returns; None if there is none.

    An expression of their shape is one, or what goes backward by its name, such as `d`, unless the
    output is of that shape as well. Then, without a loss, nothing is.
    """
    x, output = run.scope.kinds["inputs"], run.data.output_shape
    if not isinstance(x, np.ndarray) or not run.node(x).given:
        return None
    alike = output == x.shape
    if loss is None and alike:
        return None
    for name, node in _beside(run, places, loss):
        said = NAMED.fullmatch(name) or (is_gradient(name) and not alike)
        if said and np.shape(node.value) == x.shape and node.depends_on(run.node(x)):
            return Goal(INPUT, run.node(x), node)
    return None


def with_inputs(examined: Examined, step: OwnPass, goal: Goal | None) -> Examined:
    """What is known of gradients, with that of the inputs, which may be of a sum beside means."""
    if goal is None:
        return examined
    cost = examined.cost if examined.cost in COSTS else None
    try:
        part = examine_pass(replace(step, goals=(goal,), promised=False, scaled=False), cost)
    except NotAGradientError:
        return examined
    return together([examined, part])


def not_judged(run: Attempt, places: Places, known: Sequence[str]) -> tuple[str, ...]:
    """The names of the gradients that a program returns and that nothing judged is made of.

    Args:
        run: of the program.
        places: where its gradients are.
        known: what was judged.
    """
    x = run.scope.kinds["inputs"]
    names = {
        name: np.shape(node.value)
        for name, node in _beside(run, places, None)
        if NAMED.fullmatch(name)
    }
    return tuple(e for e, shape in names.items() if INPUT not in known or shape != np.shape(x))


def _beside(run: Attempt, places: Places, loss: Node | None) -> Iterator[tuple[str, Node]]:
    """What is returned, by its name, and is neither a gradient that is judged nor in one."""
    ends = [*(each.node for each in places.goals), *([] if loss is None else [loss])]
    for leaf in returned(run, ("backward", "gradients")):
        node = run.node(leaf.value)
        own = np.ndim(leaf.value) > 0 and not node.constant and not node.given
        if own and not any(each is node or each.depends_on(node) for each in ends):
            yield leaf.name, node
