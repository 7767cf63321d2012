"""The gradient of the last sample alone, where a loop writes each over that of the one before.

Left out: gradients of mini-batches of which nothing else uses the others
(`script/blamed_updates.py`).
"""

from collections.abc import Sequence

import numpy as np

from conformance.backward.causes import worst_entry
from conformance.backward.chain import Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.findings import Accused, Cause, Changed, Line
from conformance.backward.groups import operation_key
from conformance.backward.judge_gradients import Verdict, distance
from conformance.backward.source import line_of
from conformance.backward.syntax import loops_around, only_alias
from conformance.backward.value_names import statement_text


def overwritten(wrong: Sequence[Verdict], chain: Chain) -> list[Accused]:
    """What is to blame for gradients that would be right as sums over a loop, if all would be.

    Args:
        wrong: the verdicts on those that are wrong.
        chain: of the run.
    """
    found = [_accused(each, chain) for each in wrong]
    return [each for each in found if each is not None] if all(found) else []


def _accused(verdict: Verdict, chain: Chain) -> Accused | None:
    node = verdict.goal.node
    line, key = line_of(node), operation_key(node)
    alike = [e for e in chain.nodes if operation_key(e) == key and e.frames == node.frames]
    if line is None or len(alike) == 1 or alike[-1] is not node:
        return None
    values = [np.asarray(chain.values[each.number]) for each in alike]
    if any(each.shape != verdict.right.shape for each in values):
        return None
    if distance(np.sum(values, axis=0), verdict.right, verdict.scale) > HALF_OF_THE_DIGITS:
        return None
    written = only_alias(line) or line
    if not loops_around(written):
        return None
    changed = Changed("added", "=", "+=", statement_text(written))
    why = Cause("changed", changed=changed, worst=worst_entry([verdict]))
    lines: tuple[Line, ...] = tuple(dict.fromkeys((written, line)))
    return Accused((verdict.goal.name,), lines, why, mends=True)
