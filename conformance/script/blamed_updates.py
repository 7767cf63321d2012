"""The updates to blame, and not the gradients: their direction, or the gradient that they take.

They go up their loss, or down what has to grow; they take the gradient of another parameter, or of
several mini-batches that of the last alone, which a loop overwrites. Left out: what has to grow
(`backward/aim.py`), and what is kept of the gradient of another one (`known_rules.py`).
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from conformance.backward.findings import ADDS, Accused, Cause, Examined, Line, by_one_line, merged
from conformance.backward.loss_numbers import best_loss
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.source import lines_of, own_lines
from conformance.backward.stated_loss import with_decay_beside
from conformance.backward.syntax import assigned, base, loops_around, statement
from conformance.script.judge_updates import Unjudged
from conformance.script.judgement import Judgement, ToJudge
from conformance.script.linear import alike, kept
from conformance.script.listed_gradients import listed_on, torn_apart
from conformance.script.multiples import common
from conformance.script.update import Update
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace

Pair = tuple[int, int]
"""A parameter, and the one by whose gradient it is moved."""

Key = tuple[str, tuple[Frame, ...]]
"""What was done, on which line, called from which."""


def settled(trace: Trace, judgement: Judgement) -> Judgement:
    """The judgement of wrong gradients, or of right ones with the update to blame that adds them.

    Args:
        trace: of the run.
        judgement: of an update.
    """
    updates, ok = judgement.updates, judgement.ok
    chosen = next(iter(common(updates)), ()) if judgement.whole else judgement.chosen
    factors = [by for _, by in chosen]
    if len(chosen) < len(updates) or not (
        judgement.downhill and max(factors) < 0 if ok else min(factors) > 0
    ):
        return judgement
    judgement = replace(judgement, chosen=tuple(chosen), factor=chosen[0][1])
    found = judgement.examined if ok else _subtracted(trace, judgement)
    if not found.ok:
        return judgement
    errors = [line for each in judgement.examined.accused for line in each.lines[:1]]
    accused = _accused(judgement, errors, "downhill" if ok else ADDS)
    examined = replace(found, accused=by_one_line(merged(accused, lambda each: each.lines)))
    return replace(judgement, examined=examined, own_loss=judgement.own_loss or found.cost == "own")


def _subtracted(trace: Trace, judgement: Judgement) -> Examined:
    """What is known of gradients if they were subtracted, by the program's own loss.

    Weights may decay beside it. Without one, a known cost tells if one line moves all parameters.
    """
    again = Unjudged(ToJudge(trace, judgement.updates))
    step = again.part([gradient for gradient, _ in judgement.chosen])
    goals = again.goals(step, judgement.chosen, -1)
    fit = best_loss(step.trace, [step.of[each] for each in again.losses], goals)
    if fit is None:
        at = {line for each in judgement.updates for line in lines_of(each.new)}
        negated = {each.cause.kind for each in judgement.examined.accused} == {"negated"}
        if not negated or len(at) > 1:  # the one line of the output error is wrong, more likely
            return judgement.examined
        return examine_pass(OwnPass(step.trace, goals), blame=False)
    made = OwnPass(step.trace, goals, loss=fit.loss, scaled=True)
    return with_decay_beside(made, examine_pass(made, blame=False), blame=False)


def _accused(judgement: Judgement, errors: Sequence[Line], kind: str) -> Iterator[Accused]:
    """The update of each parameter; or else what turns its sign, or the error."""
    for each, (gradient, _) in zip(judgement.updates, judgement.chosen, strict=True):
        part = each.parts_of(gradient)[0]
        turned = (state for _, state in each.states if kept(part, state) < 0)
        steps = (new for old, new in each.states if _holds_the_step(part, old, new, each.new))
        means = () if each.adaptive else (e for _, e in each.states if _holds_a_share(part, e))
        made = [line for e in (*steps, each.new, *means, *turned) for line in lines_of(e)]
        told = tuple(dict.fromkeys((*made, *errors)))
        yield Accused((each.name,), told, Cause(kind), mends=False)


def _holds_the_step(gradient: Node, old: Node, new: Node, moved: Node) -> bool:
    """Whether η is in what is kept, which people then let descend: `v = μ v − η g`, `w += v`.

    A mean has 1 − μ in the place of η, and is multiplied by η later.
    """
    is_mean = alike(kept(gradient, new), 1 - kept(old, new)) and not alike(kept(new, moved), 1.0)
    return _holds_a_share(gradient, new) and not is_mean


def _holds_a_share(gradient: Node, new: Node) -> bool:
    """Whether a gradient times a number is added to what is kept: η, or its share of a mean."""
    share = kept(gradient, new)
    return share > 0 and not alike(share, 1.0)


def by_strangers(trace: Trace, judgement: Judgement) -> Judgement:
    """The judgement, with the updates to blame that take the gradient of another parameter.

    Args:
        trace: of the run.
        judgement: of an update.
    """
    gradients = judgement.examined.gradients
    wrong = [i for i, each in enumerate(gradients) if not each.ok]
    if judgement.is_settled or len(judgement.chosen) < len(gradients):
        return judgement
    pairs = dict(_taken_twice(judgement, wrong)) or dict(_exchanged(trace, judgement, wrong))
    if not pairs:
        return judgement
    known = {judgement.updates[i].name for i in pairs}
    rest = [each for each in judgement.examined.accused if not known.issuperset(each.gradients)]
    accused = (*(_of_another(judgement, each) for each in pairs.items()), *rest)
    return replace(judgement, examined=replace(judgement.examined, accused=accused))


def _taken_twice(judgement: Judgement, wrong: Sequence[int]) -> Iterator[Pair]:
    """Those that are moved by the very array that is the right gradient of another one."""
    arrays = [{each for each, _ in made.options} for made in judgement.updates]
    for i in wrong:
        for j, (gradient, _) in enumerate(judgement.chosen):
            if j not in wrong and not arrays[i].isdisjoint((gradient, *arrays[j])):
                yield i, j


def _exchanged(trace: Trace, judgement: Judgement, wrong: Sequence[int]) -> Iterator[Pair]:
    """Those of which two are each moved by the gradient of the other."""
    if any(len(each.gradients) > len(("one", "other")) for each in judgement.examined.accused):
        return  # where all have the other sign, two may be each other's by chance
    again = Unjudged(ToJudge(trace, judgement.updates))
    step = again.part([gradient for gradient, _ in judgement.chosen])
    losses = [step.of[each] for each in again.losses]
    own, taken = [*judgement.chosen], set[int]()
    for i, j in combinations(wrong, 2):
        chosen = [*own]
        chosen[i], chosen[j] = chosen[j], chosen[i]
        shapes = {np.shape(each[0].value) for each in (chosen[i], chosen[j])}
        if len(shapes) > 1 or not taken.isdisjoint((i, j)):
            continue
        goals = again.goals(step, chosen, judgement.factor)
        fit = best_loss(step.trace, losses, (goals[i], goals[j]))
        if losses and (fit is None or fit.count < len((i, j))):
            continue
        found = again.by_choice([chosen])
        if found.examined.gradients[i].ok and found.examined.gradients[j].ok:
            own = chosen
            taken |= {i, j}
            yield from ((i, j), (j, i))


def _of_another(judgement: Judgement, pair: Pair) -> Accused:
    made, (gradient, _) = judgement.updates[pair[0]], judgement.chosen[pair[0]]
    nodes: list[Node] = [new for _, new in made.states if kept(gradient, new)]
    names = made.name, judgement.updates[pair[1]].name
    moved = [*nodes, made.new][0]
    order = sorted(each.new.number for each in judgement.updates)
    one, other = (order.index(judgement.updates[i].new.number) for i in pair)
    listed = sorted(
        listed_on([gradient], moved), key=lambda e: torn_apart(e, (one, other), len(order))
    )
    lines = dict.fromkeys((*listed, *lines_of(moved)))
    return Accused(names[:1], tuple(lines), Cause("other", names=names), mends=True)


def kept_of_strangers(judgement: Judgement, names: Sequence[str]) -> Examined | None:
    """What is known if the updates of others use what is kept of gradients that are not theirs.

    Args:
        judgement: of an update.
        names: of what is kept, which was taken for parameters.
    """
    updates = [each for each in judgement.updates if each.name not in names]
    parts = {made: {p for e, _ in made.options for p in (e, *made.parts_of(e))} for made in updates}
    accused = list[Accused]()
    for state in (each for each in judgement.updates if each.name in names):
        within = {*walk([state.new], short_of({each.old for each in judgement.updates}))}
        of = [made for made in updates if not within.isdisjoint(parts[made])]
        users = [made for made in updates if made.new.depends_on(state.new)]
        if len(of) != 1 or len(users) != 1 or of == users:
            return None
        pair = users[0].name, of[0].name
        accused.append(
            Accused(pair[:1], lines_of(state.new), Cause("other", names=pair), mends=False)
        )
    wrong = {name for each in accused for name in each.gradients}
    left = (each for each in judgement.examined.gradients if each.name not in names)
    gradients = tuple(replace(each, ok=each.ok or each.name in wrong) for each in left)
    if not all(each.ok for each in gradients):
        return None
    return replace(judgement.examined, gradients=gradients, accused=tuple(accused), factor=1.0)


def discarded(trace: Trace, results: Sequence[Judgement]) -> Examined | None:
    """What is known of the gradients, if all are overwritten at each update; else None.

    Args:
        trace: of the run.
        results: its updates.
    """
    found: list[list[tuple[Node, int]]] = []
    alike = _by_operation(trace.nodes)
    for result in results:
        olds = bits_of_nodes(each.old for each in result.updates)
        of_them = [each for each in trace.nodes if each.uses & olds]
        made = bits_of_nodes(each for each in of_them if not olds >> each.number & 1)
        news = [each.new for each in result.updates]
        found.append([_overwriting(each, alike, made, news) for each in result.updates])
        if not all(count for _, count in found[-1]):
            return None
    accused = []
    for each, (node, count) in zip(results[0].updates, found[0], strict=True):
        lines, name = _in_a_loop(node)
        why = Cause("anew" if name else "last", factor=count + 1, names=(name, ""))
        accused.append(Accused((each.name,), lines, why, mends=False))
    examined = results[0].examined
    gradients = tuple(replace(each, ok=False) for each in examined.gradients)
    told = merged(accused, lambda each: each.lines)
    return replace(examined, gradients=gradients, accused=told, factor=1.0)


def _by_operation(nodes: Sequence[Node]) -> Mapping[Key, list[Node]]:
    found = defaultdict[Key, list[Node]](list)
    for each in nodes:
        found[_key(each)].append(each)
    return found


def _key(node: Node) -> Key:
    return node.operation, node.frames


def _overwriting(
    update: Update, alike: Mapping[Key, list[Node]], made: int, news: Sequence[Node]
) -> tuple[Node, int]:
    """What an update moves by, and how many like it were computed before it for nothing."""
    made &= -1 << update.old.number + 1  # before it, others may have been moved
    own = {_key(each) for each, _ in update.options}
    counts = [
        (node, sum(_is_unused(each, node, update, made, news, own) for each in alike[_key(node)]))
        for node, _ in update.options
    ]
    return max(counts, key=lambda each: each[1], default=(update.new, 0))


def _is_unused(
    each: Node, node: Node, update: Update, made: int, news: Sequence[Node], own: set[Key]
) -> bool:
    """Whether a value is of the same operation, of other data, and used by nothing."""
    return (
        update.old.number < each.number < node.number
        and each.depends_on(update.old)
        and np.shape(each.value) == np.shape(node.value)
        and not each.uses & node.uses & made
        and not any(new.depends_on(each) for new in news)
        and {*map(_key, each.consumers)} <= own | {*map(_key, node.consumers)}
        and not np.array_equal(each.value, node.value)
    )


def _in_a_loop(node: Node) -> tuple[tuple[Line, ...], str]:
    """The innermost line that led to a value and stands in a loop; the value's own if none does.

    Where it adds to what the same loop makes, it is the line that does so, with the name of that.
    """
    lines = list(own_lines(node))
    for each in filter(loops_around, lines):
        made = statement(each.file, each.line)
        if isinstance(made, ast.AugAssign) and isinstance(made.op, ast.Add):
            name = base(ast.unparse(made.target))
            begun = assigned(name, each, alias=False)
            if begun is not None and loops_around(begun)[:1] == loops_around(each)[:1]:
                return (begun,), name
        return (each,), ""
    return tuple(lines[:1]), ""
