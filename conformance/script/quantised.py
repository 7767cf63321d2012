"""Gradients that are handed past a choice of the nearest row, as in a quantiser.

The choice has no derivative, and what a program hands on in its place, such as the gradient of the
row to what it stands for, is a convention. Left out: the choice of an entry by its own size, as of
a pooling, whose derivative is known.
"""

from collections.abc import Sequence

from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.source import MOVES
from conformance.script.judgement import Judgement
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, bits_of_nodes

CHOOSES = ("argmin", "argmax")
WORDS = (
    "a row is chosen by its distance from what other parameters give, and what is handed past such "
    "a choice is no derivative, but a convention such as the straight-through estimator"
)


def decline(nodes: Sequence[Node], made: Judgement, names: Sequence[str]) -> None:
    """Decline a step of which only gradients are wrong that meet at such a choice.

    Args:
        nodes: of the run.
        made: the judgement of the step.
        names: of its parameters.

    Raises:
        NotAGradientError: it is so.
    """
    wrong_names = {each.name for each in made.examined.gradients if not each.ok}
    olds = {each.old: name for each, name in zip(made.updates, names, strict=True)}
    wrong = bits_of_nodes(old for old, name in olds.items() if name in wrong_names)
    given = bits_of_nodes(olds)
    until = min(each.new.number for each in made.updates) if wrong else 0
    for node in nodes[:until]:
        if node.operation not in ("getitem", "take") or type(node.args[0]) is not Node:
            continue
        rows = node.args[0].uses & given
        for index in node.inputs[1:] if rows else ():
            by = index.uses & given
            if by & rows == rows != by and wrong & by == wrong and _is_chosen(index):
                raise NotAGradientError(WORDS)


def _is_chosen(index: Node) -> bool:
    """Whether an index is that of the least or largest of some numbers."""
    way = walk([index], lambda each: each.inputs if each.operation in MOVES else ())
    return any(each.operation in CHOOSES for each in way)
