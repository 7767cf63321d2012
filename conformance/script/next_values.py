"""What an update that is judged would make of each parameter, if its gradients were right.

The update is computed again from the right gradients, whatever its rule. Where the gradients are
divided by something that is kept of them, what is kept tells more than the parameters, whose first
step is as long for any gradient. Left out: the right gradients (`backward/accuse.py`), and the
changes by which a script makes them (`edited_script.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.factor import conventions
from conformance.backward.findings import Line
from conformance.backward.groups import operation_key
from conformance.backward.source import lines_of, written_name
from conformance.script.judgement import Judgement
from conformance.script.parameter_names import Held
from conformance.script.update import Multiple, Update
from conformance.script_outcome import NextValue
from conformance.tracing.node import Node, bits_of_nodes, recomputed
from conformance.tracing.trace import Trace
from reference.step import Array

FEW = 3  # lengths, of which a usual factor may be made


def next_values(
    trace: Trace,
    results: Sequence[Judgement],
    at: int,
    variables: Sequence[Held],
) -> tuple[NextValue, ...]:
    """What an update makes of each parameter; nothing if its gradients are right or not known.

    Args:
        trace: of the script.
        results: its updates.
        at: which of them it is.
        variables: what its variables held when it ended.
    """
    judgement = results[at]
    last = max(each.new.number for each in judgement.updates)
    path = [each for each in trace.nodes if each.number <= last]
    given = _given(trace, judgement)
    computed: list[Mapping[int, Array] | None] = [recomputed(each, path) for each in given]
    instead = computed or [*_moved(judgement)]
    if (
        not instead
        or None in instead
        or len({each.name for each in judgement.updates}) < len(judgement.updates)
    ):
        return ()

    def value(name: str, old: Node, new: Node, occurrence: int = 0) -> NextValue:
        rights = tuple(np.asarray((e or {}).get(new.number, new.value)) for e in instead)
        lines = tuple((frame.file, frame.line) for frame in new.frames)
        states = np.array(old.value), np.array(new.value)
        return NextValue(name, judgement.number, *states, rights, lines, occurrence)

    moved = [  # a step of 0, but for rounding, is not seen by what it changes
        replace(
            value(each.name, each.old, each.new, _occurrence(each.new, path) * _stays(each)),
            others=tuple(_names(each.parameter.values, variables)),
        )
        for each in judgement.updates
    ]
    adaptive = any(each.adaptive for each in judgement.updates)
    kept = _kept(judgement) if adaptive else {}
    states = (
        value(written_name(new) or "", old, new, _occurrence(new, path))
        for some in kept.values()
        for old, new in some
    )
    found = (*moved, *states)
    return found if all(each.name for each in found) else ()


def _stays(made: Update) -> bool:
    """Whether the update, or its last operation, changes nothing but by rounding."""
    new = np.asarray(made.new.value)
    before = [np.asarray(each.value) for each in (made.old, *made.new.inputs)]
    alike = (each for each in before if each.shape == new.shape)
    return any(np.allclose(each, new, rtol=HALF_OF_THE_DIGITS, atol=0) for each in alike)


def _occurrence(node: Node, path: Sequence[Node]) -> int:
    """How many times its operation has been executed when a value is computed."""
    key = operation_key(node)
    return sum(each.number <= node.number and operation_key(each) == key for each in path)


def _names(values: Sequence[Node], variables: Sequence[Held]) -> Iterable[str]:
    """All that the variables are called which hold one of some values."""
    return dict.fromkeys(each.name for each in variables if each.value in values)


def _kept(judgement: Judgement) -> dict[Line, list[tuple[Node, Node]]]:
    """What is kept, as it was read and as it was written, in the order of time, by the line."""
    found = defaultdict[Line, list[tuple[Node, Node]]](list)
    every = (each for update in judgement.updates for each in update.states)
    for each in sorted(every, key=lambda states: states[1].number):
        if lines := lines_of(each[1]):
            found[lines[0]].append(each)
    return found


def _given(trace: Trace, judgement: Judgement) -> Iterator[Mapping[int, Array]]:
    """The right gradients by their numbers, by each factor that they may have."""
    examined = judgement.examined
    rights = [examined.rights.get(each.name) for each in examined.gradients]
    chosen = [*judgement.chosen] or _kept_whole(judgement)
    pairs = [*zip((node for node, _ in chosen), rights, strict=bool(chosen))]
    if any(right is None or np.shape(right) != np.shape(node.value) for node, right in pairs):
        return
    for factor in _factors(trace, judgement, chosen) if pairs else ():
        shares = [factor if judgement.chosen else factor / by for _, by in chosen]
        yield {
            node.number: by * np.asarray(right)
            for by, (node, right) in zip(shares, pairs, strict=True)
        }


def _kept_whole(judgement: Judgement) -> list[Multiple]:
    """What goes into the momentum of each parameter, where that was judged as it is added."""
    updates = judgement.updates
    kept = all(each.states and each.options and not each.adaptive for each in updates)
    return [each.options[each.own] for each in updates] if kept and judgement.whole else []


def _moved(judgement: Judgement) -> Iterator[Mapping[int, Array]]:
    """What the parameters become if all are moved as those are whose gradients are right.

    As where the gradient of some is nowhere whole, or has another shape; nothing if something is
    kept from step to step, or if parameters decay beside what the program's own loss states.
    """
    gradients, updates = judgement.examined.gradients, judgement.updates
    rights = [np.asarray(judgement.examined.rights.get(each.name)) for each in gradients]
    if len(rights) != len(updates) or any(
        each.states or (each.decay and not judgement.own_loss) for each in updates
    ):
        return
    moves = [np.asarray(each.new.value) - np.asarray(each.old.value) for each in updates]
    for each, right, move in zip(gradients, rights, moves, strict=True):
        if each.ok and np.any(right) and right.shape == move.shape:
            factor = float(np.sum(move * right) / np.sum(right * right))
            pairs = [*zip(updates, rights, strict=True)]
            if all(e.shape == np.shape(made.old.value) for made, e in pairs):
                yield {made.new.number: made.old.value + factor * e for made, e in pairs}
            return


def _factors(trace: Trace, judgement: Judgement, chosen: Sequence[Multiple]) -> list[float]:
    """How many times the right gradients may be what is asked for.

    As those are that are right already, or once; else by any usual factor, with the sign by which
    they are added.
    """
    examined, sign = judgement.examined, float(-np.sign(judgement.factor))
    sign = sign if judgement.chosen else -max(abs(by) for _, by in chosen)
    for each, (node, by) in zip(examined.gradients, chosen, strict=True):
        right = np.asarray(examined.rights[each.name])
        if each.ok and np.any(right):
            given = np.asarray(node.value) * (1.0 if judgement.chosen else by)
            own = float(np.sum(given * right) / np.sum(right * right))
            return [own, float(np.sign(own))] if judgement.chosen else [own]
    if not examined.free:
        return [sign]
    everything = bits_of_nodes(each.old for each in judgement.updates)
    every = (each for each in trace.nodes if each.uses & everything == everything)
    lengths = dict.fromkeys(n for each in every for n in np.shape(each.value))
    return [sign * each for each in conventions([*lengths][:FEW])]
