"""What is kept for a parameter from update to update, other than for the other parameters.

Left out: by which rule it moves the parameter (`known_rules.py`), and all else that is wrong with
an update (`rule.py`).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from conformance.backward.compared_quantities import multiple
from conformance.backward.findings import Accused, Cause, Line
from conformance.backward.groups import operation_key
from conformance.backward.source import lines_of
from conformance.script.array_places import written_places
from conformance.script.judgement import Judgement
from conformance.script.linear import (
    ENTRYWISE,
    alike,
    ancestors,
    has_entries,
    kept,
    operands,
    read_forward,
)
from conformance.script.multiples import PRODUCTS
from conformance.script.rows import Carried
from conformance.script.update import Update
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node


def not_kept(results: Sequence[Judgement], names: Sequence[str]) -> Iterator[Accused]:
    """The parameters that keep less from update to update than others do.

    Most others do, or something is kept of its gradients too, and moves nothing.
    """
    of_all = [*zip(*(each.updates for each in results), strict=True)]
    news = [made.new for updates in of_all for made in updates]
    counts = [len(made.parameter.states) for made in results[0].updates]
    usual, most = max(set(counts), key=counts.count), max(counts)
    for updates, name, count in zip(of_all, names, counts, strict=True):
        if count < usual or (count < most and _keeps_unused(updates, news)):
            yield _accused(name, _term(updates[0]), Cause("kept"))


def _keeps_unused(updates: Sequence[Update], news: Sequence[Node]) -> bool:
    """Whether something is kept of the gradients of a parameter that nothing is moved by."""
    first, *later = updates
    for second in later[:1]:
        gradients = [e for node, _ in second.options for e in second.parts_of(node)]

        def further(node: Node, of: Node = second.old, end: Node = second.new) -> list[Node]:
            made = [e for e in node.consumers if e.operation in ENTRYWISE and e is not end]
            return [each for each in made if has_entries(each, of)]

        for node in walk(gradients, further):
            key = operation_key(node)
            olds = (e for e in ancestors(node) if operation_key(e) == key)
            old = next((e for e in olds if not e.depends_on(second.old)), None)
            if old is None or not old.depends_on(first.old):
                continue
            if not any(each.depends_on(old) for each in news):
                return True
    return False


def unwritten(results: Sequence[Judgement], names: Sequence[str]) -> Iterator[Accused]:
    """The parameters to which a multiple of the same zeros is added at each of several updates.

    What is cleared anew at each update is another array each time.
    """
    for made, name in zip(
        zip(*(each.updates for each in results), strict=True), names, strict=True
    ):
        products = [*map(_of_zeros, made)]
        zeros = set.intersection(*map(set, products))
        if zeros and len(made) > 1 and not any(each.states for each in made):
            yield _accused(name, lines_of(products[0][zeros.pop()]), Cause("zero"))


def _of_zeros(made: Update) -> dict[Node, Node]:
    """The multiples that an update adds of zeros which were computed of nothing, by these."""
    added = ancestors(made.new, operands=lambda e: [] if e is made.old else operands(e))
    zeros = (e for e in added if e.function is None and not np.any(e.value))
    return {each: added[each] for each in zeros if added[each].operation in PRODUCTS}


def shared(judgement: Judgement, names: Sequence[str]) -> Iterator[Accused]:
    """What two parameters keep together."""
    owner: dict[Carried, str] = {}
    for each, name in zip(judgement.updates, names, strict=True):
        for state in each.parameter.states:
            if state in owner:
                why = Cause("shared", names=(name, owner[state]))
                yield _accused(name, lines_of(state.values[-1]), why)
            owner.setdefault(state, name)


def forgetting(judgement: Judgement, names: Sequence[str]) -> Iterator[Accused]:
    """What is kept by another factor than that of the other parameters, or for ever.

    Of what is kept of a table the rows that are moved alone may be.
    """
    pairs = [
        sorted(
            ((kept(*e, read_forward(made.old)), *e) for e in _kept_whole(made)),
            key=lambda e: e[0],
        )
        for made in judgement.updates
    ]
    if not judgement.ok or not all(pairs) or len({len(each) for each in pairs}) > 1:
        return
    for several in zip(*pairs, strict=True):
        rates = [rate for rate, *_ in several]
        means = [
            rate
            for made, (rate, old, new) in zip(judgement.updates, several, strict=True)
            if _is_mean(made, old, new, rate)
        ]
        usual = max(rates, key=lambda e: (rates.count(e), abs(e) < 1, e in means))
        for made, name, (rate, _, new) in zip(judgement.updates, names, several, strict=True):
            if rate == usual == 1 and not made.adaptive:
                yield _accused(name, lines_of(new), Cause("accumulates"))
            elif not alike(usual, rate):
                yield _accused(name, lines_of(new), Cause("rate", factor=rate))


def _is_mean(made: Update, old: Node, new: Node, rate: float) -> bool:
    """Whether what is kept and what is added of a gradient are shares that add up to 1."""
    added = np.asarray(new.value) - rate * np.asarray(old.value)
    gradients = (np.asarray(e.value) for node, _ in made.options for e in made.parts_of(node))
    shares = (multiple(added, each) for each in gradients if each.shape == added.shape)
    return any(each is not None and alike(rate + each, 1.0) for each in shares)


def _kept_whole(made: Update) -> list[tuple[Node, Node]]:
    return [(old, new) for old, new in made.states if not written_places(new)]


def _accused(name: str, lines: tuple[Line, ...], cause: Cause) -> Accused:
    return Accused((name,), lines, cause, mends=False)


def _term(made: Update) -> tuple[Line, ...]:
    """The line that computes what is added."""
    return lines_of(made.options[0][0] if made.options else made.new)
