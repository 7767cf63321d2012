"""Updates with a proximal step: it lessens a penalty, whose gradient is not subtracted.

Such are u = w − η ∇ and w = sign(u) max(|u| − η λ, 0) of the absolute values, and the scaling of
each row by its norm. Left out: a decay after the step (`results.py`).
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np

from conformance.backward.recorded_pass import NotAGradientError
from conformance.script.judge_updates import judged
from conformance.script.judgement import Judgement, ToJudge
from conformance.script.linear import ancestors, is_of_numbers
from conformance.script.multiples import ahead_of
from conformance.script.rows import scaled_by_itself, shrunk
from conformance.script.update import Update
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import Node, bits_of_nodes


def with_proximal_steps(asked: ToJudge, made: Judgement | None = None) -> Judgement | None:
    """The judgement of an update, penalties that it lessens itself held constant in the loss.

    None if there are none, or if fewer gradients are right then.

    Args:
        asked: the update.
        made: the judgement without; None if they cannot be judged without.
    """
    held = [*_penalties(asked)]
    with suppress(NotAGradientError):
        found = judged(replace(asked, held=(*asked.held, *held))) if held else None
        return None if found and made and found.right < made.right else found
    return None


def _penalties(asked: ToJudge) -> Iterator[tuple[Node, Node]]:
    """The sums that have a number in them which is made of such parameters alone, and that."""
    shrunken = [each for each in asked.updates if _shrinks(each)]
    olds = {each.dual or ahead_of(each) or each.old for each in shrunken}
    given, later = bits_of_nodes(olds), bits_of_nodes(e.new for e in asked.updates)

    def is_own(node: Node) -> bool:
        way = walk([node], short_of(olds)) if node.uses & given else ()
        return bool(way) and all(e in olds or e.uses & given or is_of_numbers(e) for e in way)

    for node in asked.trace.nodes if olds else ():
        if node.operation == "add" and node.uses & given and not node.uses & later:
            own = [each for each in node.inputs if np.size(each.value) == 1 and is_own(each)]
            yield from ((node, each) for each in own if len(own) < len(node.inputs))


def _shrinks(made: Update) -> bool:
    """Whether a proximal step is a part of an update."""
    old, last = made.old, made.parameter.values[made.number]
    before = (scaled_by_itself(each) or shrunk(old, each) for each in (last, *ancestors(last)))
    return any(e is not None and old in (e, *ancestors(e)) for e in before)
