"""What is wrong with how parameters are moved, though their gradients are right.

Left out: the gradients (`judge.py`), and which rule it is (`known_rules.py`).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from conformance.backward.findings import Accused, Cause, Line, merged
from conformance.backward.operation import is_float
from conformance.backward.source import line_of
from conformance.script.judge import Judgement
from conformance.script.known_rules import moments
from conformance.script.origin import origin
from conformance.script.update import Update, alike, kept, source
from conformance.tracing.node import Node


def faults(results: Sequence[Judgement], names: Sequence[str]) -> list[Accused]:
    """What is wrong with the updates: the first kind that something is found of."""
    for search in (not_kept, shared, wrong_moments, not_finite, uneven, forgetting):
        for each in results:
            found = list(search(each, names))
            if found:
                return _together(found)
        if search is not_kept and (found := list(unwritten(results, names))):
            return _together(found)
    return []


def _together(found: Sequence[Accused]) -> list[Accused]:
    """Those of one line and one cause as one."""
    return [*merged(found, lambda each: (each.lines, each.cause))]


def uneven(judgement: Judgement, names: Sequence[str]) -> Iterator[Accused]:
    """The parameters that are moved by another factor than the others, if their gradients agree."""
    if not judgement.ok:
        return
    usual = judgement.factors or (judgement.factor,) * len(names)
    chosen = zip(judgement.updates, names, judgement.chosen, usual, strict=False)
    for each, name, (_, factor), own in chosen:
        if not alike(own, factor):
            kind = "ascends" if own * factor < 0 else "step"
            yield _accused(name, _line(each), Cause(kind, factor=factor / own))


def not_kept(judgement: Judgement, names: Sequence[str]) -> Iterator[Accused]:
    """The parameters that keep nothing from update to update where most others do."""
    counts = [len(each.parameter.states) for each in judgement.updates]
    usual = max(set(counts), key=counts.count)
    for each, name, count in zip(judgement.updates, names, counts, strict=True):
        if count < usual:
            yield _accused(name, _term(each), Cause("kept"))


def unwritten(results: Sequence[Judgement], names: Sequence[str]) -> Iterator[Accused]:
    """The parameters to which the same zeros are added at each of several updates.

    What is cleared anew at each update is another array each time.
    """
    for made, name in zip(
        zip(*(each.updates for each in results), strict=True), names, strict=True
    ):
        zeros_of = {None if e.constant is None else source(e.constant) for e in made}
        zeros = len(zeros_of) == 1 and all(e is not None and not np.any(e.value) for e in zeros_of)
        if zeros and len(made) > 1 and not any(each.states for each in made):
            yield _accused(name, _term(made[0]), Cause("zero"))


def shared(judgement: Judgement, names: Sequence[str]) -> Iterator[Accused]:
    """What two parameters keep together."""
    owner: dict[int, str] = {}
    for each, name in zip(judgement.updates, names, strict=True):
        for state in each.parameter.states:
            if id(state) in owner:
                line = line_of(state.values[-1])
                yield _accused(name, line, Cause("shared", names=(name, owner[id(state)])))
            owner.setdefault(id(state), name)


def forgetting(judgement: Judgement, names: Sequence[str]) -> Iterator[Accused]:
    """What is kept by another factor than that of the other parameters, or for ever."""
    rates = [[kept(*each, made.old) for each in made.states] for made in judgement.updates]
    if not judgement.ok or not all(rates):
        return
    first = [each[0] for each in rates]
    usual = max(first, key=lambda e: (first.count(e), abs(e) < 1))
    for made, name, rate in zip(judgement.updates, names, first, strict=True):
        line = line_of(made.states[0][1])
        if rate == usual == 1 and not made.adaptive:
            yield _accused(name, line, Cause("accumulates"))
        elif not alike(usual, rate):
            yield _accused(name, line, Cause("rate", factor=rate))


def wrong_moments(judgement: Judgement, names: Sequence[str]) -> Iterator[Accused]:
    """The moments that are not those of the gradient."""
    for each, name in zip(judgement.updates, names, strict=True):
        for state, kind in moments(each):
            yield _accused(name, line_of(state), Cause(kind))


def not_finite(judgement: Judgement, names: Sequence[str]) -> Iterator[Accused]:
    """The updates that make infinite numbers of finite ones."""
    for each, name in zip(judgement.updates, names, strict=True):
        if finite(each.old) and not finite(each.new):
            first = first_infinite(each.new)
            yield _accused(name, origin(first) or line_of(first), Cause("infinite"))


def first_infinite(node: Node) -> Node:
    """The value, computed of finite ones alone, that makes a value one that is not finite."""
    while below := [each for each in node.inputs if is_float(each) and not finite(each)]:
        node = min(below, key=lambda each: each.number)
    return node


def finite(node: Node) -> bool:
    """Whether a value holds no NaN and nothing infinite."""
    return bool(np.all(np.isfinite(np.asarray(node.value, dtype=np.float64))))


def _accused(name: str, line: Line | None, cause: Cause) -> Accused:
    return Accused((name,), () if line is None else (line,), cause, mends=False)


def _term(made: Update) -> Line | None:
    """The line that computes what is added."""
    return line_of(made.options[0][0] if made.options else made.new)


def _line(made: Update) -> Line | None:
    """The line of an update at which its factor is decided: where its state is computed, if any."""
    nodes: list[Node] = [state for _, state in made.states] or [made.new]
    return line_of(nodes[0])
