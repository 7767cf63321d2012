"""The updates of a run, each judged against the program's own forward pass.

Left out: the update rule (`rule.py`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from conformance.backward.aim import lessens, objective
from conformance.backward.costs import times
from conformance.backward.decay_terms import signs_asked
from conformance.backward.findings import Examined
from conformance.backward.groups import operation_key
from conformance.backward.loss_names import is_named, rises
from conformance.backward.loss_numbers import (
    Fit,
    best_loss,
    by_name,
    candidates,
    is_of_absolutes,
    of_some,
    repeated,
)
from conformance.backward.margins import asked as asked_margins
from conformance.backward.margins import is_margin
from conformance.backward.other_samples import of_same_samples
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.recorded_pass import Goal, NoGradientError, NotAGradientError
from conformance.backward.returned_loss import returned_loss
from conformance.backward.saturated import is_saturated
from conformance.backward.stated_loss import declared, is_half_a_cost, with_decay_beside, with_terms
from conformance.script.chains import numbers_asked
from conformance.script.clipping import before_its_bound, bounds_of_samples, is_clipped
from conformance.script.defined_losses import stated_decays
from conformance.script.judgement import Judgement, ToJudge, by_cost_alone, likeliest_first
from conformance.script.linear import links
from conformance.script.multiples import (
    ahead_of,
    common,
    inner_choices,
    is_altered,
    is_rated,
    rated,
    rates_of,
    unaltered,
    usual,
)
from conformance.script.own_rates import are_at_own_rates
from conformance.script.preconditioned import goes_down, gradient_solved_for, gradient_within
from conformance.script.update import Multiple, Update
from conformance.script.update_step import Step
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, bits_of_nodes, uses_of_nodes

UNEVEN = "some parameters are moved by no single array, and others by what is kept of squares"


def judged(asked: ToJudge) -> Judgement:
    """An update of all parameters."""
    step, updates = Unjudged(asked), asked.updates
    solved = [gradient_solved_for(asked.trace, each) for each in updates]
    known = [each for each in solved if each is not None]
    if len(known) == len(updates):
        return _mixed(step.by_choice([known]))
    before = [each[-1] for each in map(unaltered, updates) if each]
    if len(before) == len(updates):
        with suppress(NotAGradientError):
            made = step.by_choice([before])
            if made.is_settled:
                return made
    by_rates = _at_rates(step)
    if by_rates is not None and by_rates.ok and by_rates.own_loss:
        return by_rates
    made = _inner(step, _as_read(step))
    stands = made.ok or by_rates is None or made.right > by_rates.right
    return made if stands or by_rates is None or not _are_of_layers(updates) else by_rates


def _inner(step: "Unjudged", made: Judgement) -> Judgement:
    """The judgement of arrays within what moves the parameters, if that is no gradient."""
    updates = step.updates
    if made.is_settled:
        return made
    for choice in inner_choices(updates):
        pairs = [*zip([node for node, _ in choice], updates, strict=True)]
        at_rates = all(is_rated(made, each) for each, made in pairs)
        if not (made.chosen or at_rates):
            continue
        try:
            found = step.by_choice([choice])
        except NotAGradientError:
            if not made.right:  # else what was read first is judged
                raise
            continue
        read = all(e in [node for node, _ in made.options] for e, made in pairs)
        inner = replace(found, altered=not read, rated=at_rates)
        if found.ok and not (made.own_loss and found.examined.cost == "unknown"):
            return inner
        signs = any(map(is_altered, (e for node, each in pairs for e in each.way(node))))
        made = inner if signs and found.right > made.right else made
    return _of_the_gradient_within(step, made) or made


def _at_rates(step: "Unjudged") -> Judgement | None:
    """The judgement of gradients of which each entry has a rate of its own, not all alike."""
    choice = [found[0] for found in map(rated, step.updates) if found is not None]
    if len(choice) == len(step.updates):
        with suppress(NotAGradientError):
            return replace(step.by_choice([choice]), altered=True, rated=True)
    return None


def _are_of_layers(updates: Sequence[Update]) -> bool:
    """Whether many entries share each of their rates, as those of one layer: data do not."""
    found = [each[1] for each in map(rated, updates) if each is not None]
    return all(2 * np.unique(rates).size <= rates.size for rates in found)


def _of_the_gradient_within(step: "Unjudged", made: Judgement) -> Judgement | None:
    """The judgement of right gradients of which steps mix the entries; None if they are none."""
    rights, found = made.examined.rights, list[Multiple]()
    for each in step.updates:
        within = gradient_within(each, rights[each.name]) if each.name in rights else None
        if within is None:
            return None
        found.append(within)
    again = step.by_choice([found])
    return _mixed(again) if again.ok else None


def _mixed(judgement: Judgement) -> Judgement:
    """The judgement of gradients of which steps mix the entries."""
    down = goes_down(judgement.updates, judgement.chosen)
    return replace(judgement, altered=True, mixed=down)


def _as_read(step: "Unjudged") -> Judgement:
    """An update of all parameters by the arrays of which it adds multiples."""
    updates = step.updates
    choices = common(updates)
    own = [each.options[each.own] for each in updates if each.options]
    inner = [before_its_bound(each) for each in updates if each.options]
    if choices:
        made = step.by_choice(choices)
        if made.is_settled:
            return made
        if choices[0] == own == inner:
            mixed = min(by for _, by in own) < 0 < max(by for _, by in own)
            whole = step.whole() if mixed else made  # each parameter may go by its own sign
            return whole if whole.right > made.right else made
    if len(own) < len(updates):
        if any(each.adaptive and each.states and each.options for each in updates):
            raise NotAGradientError(UNEVEN)
        return step.whole()
    apart = step.by_choice([inner])
    arrays = all(np.ndim(each.value) for each, _ in apart.chosen)  # numbers are made of any others
    if apart.is_settled or are_at_own_rates(apart) or (arrays and is_clipped(apart)):
        return apart
    made = made if choices else apart  # else a wrong one is moved unevenly, too
    if any(each.adaptive and each.states for each in updates):
        return made
    whole = step.whole()
    return whole if whole.right >= made.right else made


def _ahead(
    updates: Sequence[Update], gradients: Sequence[Node]
) -> tuple[dict[Node, Node], dict[Node, Node]]:
    """Where momentum takes gradients, by the parameters; and the same if it does so there alone."""
    pairs = [(each, each.dual or ahead_of(each)) for each in updates]
    found = {each.old: at for each, at in pairs if at is not None and each.new.depends_on(at)}
    way = set(walk(gradients, lambda each: () if each in found.values() else each.inputs))
    return found, found if way.isdisjoint(found) else {}


def _but_changes(numbers: Sequence[Node], given: int, updates: Sequence[Update]) -> list[Node]:
    """The numbers without those that tell how a loss has changed since the last step.

    So are `last - loss` and what is computed of it, such as a test of whether to stop.
    """
    chains = [made.parameter.chain for made in updates]
    known = (e for chain in chains for e in (*chain.before, *chain.values))
    earlier = bits_of_nodes(e for e in known if not given >> e.number & 1)

    def is_change(node: Node) -> bool:
        sides = node.inputs if node.operation == "subtract" else ()
        now = [each for each in sides if each.uses & given]
        before = [each for each in sides if each.uses & earlier and not each.uses & given]
        alike = {(each.operation, each.frames[:1]) for each in (*now, *before)}
        return bool(now and before) and len(alike) == 1

    way = walk(numbers, lambda each: [e for e in each.inputs if e.uses & given])
    changes = [each for each in way if np.size(each.value) == 1 and is_change(each)]
    return [each for each in numbers if not any(map(each.depends_on, changes))]


def _computed_once(losses: Sequence[Node]) -> list[Node]:
    """The numbers but those that repeat a part of another: such is a part that is asked for."""
    parts = {each for each in losses if any(e is not each and e.depends_on(each) for e in losses)}

    def repeats(number: Node) -> bool:
        alike = (each for each in parts if _made_as(each) == _made_as(number))
        return number not in parts and any(not number.depends_on(each) for each in alike)

    return [each for each in losses if not repeats(each)]


def _made_as(number: Node) -> tuple[object, ...]:
    """By what operation, on which line, and what number it is."""
    return number.operation, number.frames[:1], np.asarray(number.value).tobytes()


class Unjudged:
    """An update of all parameters that is to be judged.

    Attributes:
        losses: what may be the program's loss, of momentum ahead where its gradients are taken;
            `others`: of some parameters alone.
        bounds: what gradients of single samples are multiplied by to bound their norms.
        at: where the gradients are taken, by the parameters: momentum may look ahead.
        made: what is judged, by what moves the parameters.
    """

    def __init__(self, asked: ToJudge) -> None:
        """The update in the trace of a run."""
        trace, updates, own = asked.trace, asked.updates, asked.olds
        self.made: dict[tuple[Multiple, ...], Judgement] = {}
        self.asked, self.updates, self.cost = asked, updates, asked.cost
        news = [each.new for each in updates]
        gradients = [each.options[each.own][0] for each in updates if each.options]
        ahead, self.at = _ahead(updates, gradients)
        self.olds = {self.at.get(e, e): name for e, name in own.items()} | {**asked.beside}
        before = trace.nodes[: max(each.number for each in news)]
        given = bits_of_nodes(own)
        margins = uses_of_nodes(e for e in numbers_asked(before) if is_margin(e, given))
        turned = [e.inputs[0] if e.operation == "negative" else e for e in gradients]
        found = candidates(trace.nodes, [*own], news, turned, shared=asked.shared)
        losses = [each for each in found if not margins >> each.number & 1]
        losses = _but_changes(losses, given, updates)
        self.bounds = bounds_of_samples(gradients, own, found)
        used = [] if self.at else ahead.values()
        losses = [each for each in losses if all(map(each.depends_on, used))]
        self.losses = _computed_once(of_same_samples(losses, gradients, given))
        self.others = of_some(trace.nodes, [*own], news, found)
        beside_them = *asked_margins(before, given), *signs_asked(before, own)
        again = repeated(before, [*own], self.losses)
        self.told = *self.losses, *self.others, *beside_them, *again

    @cached_property
    def decays(self) -> tuple[tuple[str, float], ...]:
        """What the source states of how the parameters decay; see `OwnPass`."""
        return tuple(stated_decays(self.updates).items())

    def by_choice(self, choices: Sequence[Sequence[Multiple]]) -> Judgement:
        """Judge the likeliest arrays by which the parameters are moved; of two signs, by either."""
        key = tuple((node, by) for chosen in choices for node, by in chosen)
        if key not in self.made:
            self.made[key] = self._by_choice(choices)
        return self.made[key]

    def _by_choice(self, choices: Sequence[Sequence[Multiple]]) -> Judgement:
        step = self.part([each for chosen in choices for each, _ in chosen])
        tried = [(e, factor) for e in choices for factor in usual(e)]
        mixed = [(e, by) for e, by in tried if min(f for _, f in e) < 0 < max(f for _, f in e)]
        tried += [(e, -by) for e, by in mixed if by > 0]  # if that makes more right by a loss
        goals = [self.goals(step, chosen, factor) for chosen, factor in tried]
        found = self._of_two_signs(step, tried, goals, mixed[0][0]) if mixed else None
        if found is not None:
            return found
        fits = [best_loss(step.trace, [step.of[e] for e in self.losses], each) for each in goals]
        made_of = list[Judgement]()
        order = likeliest_first(tried, fits, len(self.updates))
        for i in dict.fromkeys((*order, *(range(len(tried)) if mixed else ()))):
            found = self.examined(step, goals[i], fits[i], whole=False)
            chosen, factor = tried[i]
            made_of.append(replace(found, factor=factor, chosen=tuple(chosen)))
            if found.ok and not (mixed and found.downhill):
                return made_of[-1]
        return next((each for each in made_of if each.ok), made_of[0])

    def _of_two_signs(
        self,
        step: Step,
        tried: Sequence[tuple[Sequence[Multiple], float]],
        goals: Sequence[tuple[Goal, ...]],
        chosen: Sequence[Multiple],
    ) -> Judgement | None:
        """Judge arrays that are moved by two signs, by the known costs, or by errors of two."""
        for (each, factor), goal in zip(tried, goals, strict=True):
            down = by_cost_alone(partial(self.by, step, goal, whole=False), known=True)
            if down is not None:  # a number that fits may be an objective
                return replace(down, factor=factor, chosen=tuple(each))
        own, goal = tuple(factor for _, factor in chosen), self.goals(step, chosen)
        by = partial(self.by_either, step, goal, made=partial(self.by, step, goal, whole=False))
        found = by_cost_alone(by, known=False)  # a policy and its critic may go by opposite signs
        return found and replace(found, factor=own[0], factors=own, chosen=tuple(chosen))

    def whole(self) -> Judgement:
        """Judge what is taken away from each parameter as a whole; by momentum, what goes into it.

        That is so many times the array that was read, as it is added.
        """
        read = {e: e.options[e.own] for e in self.updates if e.states and e.options}
        wanted = [node for each in self.updates for node in (each.old, each.new)]
        step = self.part([*wanted, *(node for node, _ in read.values())])
        goals = []
        for each in self.updates:
            old, new = step.of[each.old], step.of[each.new]
            if each in read and not each.adaptive:
                gradient, by = read[each]
                node = times(step.trace, step.of[gradient], -by)
            else:
                node = step.noted("subtract", np.subtract, (old, new), each.new)
            goals.append(Goal(each.name, step.of[self.at.get(each.old, each.old)], node))
        fit = best_loss(step.trace, [step.of[each] for each in self.losses], tuple(goals))
        return self.examined(step, tuple(goals), fit, whole=True)

    def part(self, wanted: Sequence[Node]) -> Step:
        """The trace of the step."""
        return Step(
            self.asked.trace,
            self.olds,
            [*wanted, *self.told],
            self.asked.held,
            self.at,
            self.bounds,
        )

    def goals(
        self, step: Step, chosen: Sequence[Multiple], sign: float | None = None
    ) -> tuple[Goal, ...]:
        """The gradients: what is subtracted from the parameters, or its negative.

        Each has the sign by which its parameter goes itself, if none is given for all.
        """
        goals = []
        for (gradient, by), each in zip(chosen, self.updates, strict=True):
            node = step.of[gradient]
            if (by if sign is None else sign) > 0:
                node = step.noted("negative", np.negative, (node,), gradient)
            goals.append(Goal(each.name, step.of[self.at.get(each.old, each.old)], node))
        return tuple(goals)

    def examined(
        self, step: Step, goals: tuple[Goal, ...], fit: Fit | None, *, whole: bool
    ) -> Judgement:
        """The judgement of these gradients.

        By the program's own loss, if all are right by it or if it is a known cost; else by the
        known cost by which they are all right; else by whichever more of them are right.
        """
        fits = fit is not None and fit.count == len(goals)
        scaled = fits or (fit is not None and fit.count > 1)  # one alone may be so by chance
        made = partial(self.by, step, goals, whole=whole, scaled=scaled)
        if self.cost is None and fit is not None and fits:
            return replace(made(fit.loss), downhill=lessens(step.trace, fit.loss, goals))
        losses = [step.of[each] for each in self.losses]
        told = [e for e in losses if not is_of_absolutes(e) and not is_saturated(step.trace, e)]
        told.sort(key=lambda each: fit is not None and each is fit.loss)  # a total is beside it
        cost = declared(step.trace, told, goals) if self.cost is None else None
        grown = objective(step.trace, losses, goals, cost) if self.cost is None else None
        if grown is not None:
            return made(grown, scaled=True)
        if cost is not None:
            known = with_terms(cost, losses, goals, None if fit is None else fit.loss)
            opposite = best_loss(step.trace, [known], goals, sign=-1)
            if opposite is not None and opposite.count == len(goals):
                found = made(None)
                if any(each.cause.kind == "negated" for each in found.examined.accused):
                    return found
            stands = made(known)
            named = stands.ok or is_named(cost) or is_named(known)
            return stands if named else by_cost_alone(made, known=True) or stands
        return self.by_either(step, goals, fit, made)

    def by_either(
        self,
        step: Step,
        goals: tuple[Goal, ...],
        fit: Fit | None,
        made: Callable[..., Judgement],
        *,
        quick: bool = False,
    ) -> Judgement:
        """The judgement by the known costs, or by a number of the program's own.

        What is right by an output error of its own alone is not, where a number that the program
        computes tells otherwise. What is wrong by all known costs is wrong by that, too. `fit` is
        the number by which some are right; `made` judges by a number, or by costs, given None.
        """
        losses = [step.of[each] for each in self.losses] if self.cost is None else []
        called = self.called_losses(step, goals) if self.cost is None else []
        own = fit.loss if fit is not None else next(iter(called), None)
        try:
            without = made(None, quick=quick or (own is not None and self.cost is None))
        except NoGradientError:
            raise
        except NotAGradientError:
            own = own or returned_loss(step.trace, losses, goals)
            if own is None:
                raise
            return made(own)
        by_error = without.examined.cost == "unknown"
        if without.ok and without.examined.cost == "cross-entropy":
            called = [e for e in called if not is_half_a_cost(OwnPass(step.trace, goals), e)]
        if by_error and (again := self.known_again(step)):
            return made(again[0])
        numbers = losses if by_error else []
        others = [step.of[each] for each in self.others]
        instead = without.instead(OwnPass(step.trace, goals), numbers, called, others)
        if instead is not None:
            return made(instead)
        if (without.ok and not (by_error and own)) or self.cost is not None:
            return without
        if own is not None:  # perhaps with a decay beside it
            by_own = made(own)
            known = by_error and called and by_own.has_right_beside(without)
            return by_own if known else max(by_own, without, key=lambda each: each.right)
        tried = (made(step.of[each], quick=True) for each in reversed(self.losses))
        return next((each for each in tried if each.ok), without)  # with a decay beside it

    def called_losses(self, step: Step, goals: tuple[Goal, ...]) -> list[Node]:
        """The numbers that the program calls its loss, or that were it at another update.

        Else minus those of which the name says that they have to grow, such as a likelihood.
        """
        losses = [step.of[each] for each in self.losses]
        known = [*by_name(step.trace, losses, goals), *self.known_again(step)]
        known = known or by_name(step.trace, losses, goals, has_name=rises)
        return [times(step.trace, e, -1.0) if rises(e) else e for e in known]

    def known_again(self, step: Step) -> list[Node]:
        """The numbers that are computed as the loss of another update was, or as what grew.

        The last comes first: a total has more in it each time.
        """
        known = self.asked.loss
        if known is None:
            return []
        grown = next((e for e, by in links(known) if by == -1 and not known.frames), None)
        key = operation_key(grown or known)
        last = (step.of[each] for each in reversed(self.losses))
        again = [each for each in last if operation_key(each) == key]
        return [times(step.trace, each, -1.0) for each in again] if grown else again

    def by(
        self,
        step: Step,
        goals: tuple[Goal, ...],
        loss: Node | None,
        *,
        whole: bool,
        scaled: bool = False,
        quick: bool = False,
        promised: bool = False,
    ) -> Judgement:
        """The judgement by a loss, or by the costs; see `judged`."""
        scaled, quick = scaled or whole, quick or self.asked.quick
        rates = rates_of(self.updates) if whole or not scaled else ()
        decays = self.decays if loss is None else ()
        made = OwnPass(step.trace, goals, loss=loss, scaled=scaled, quick=quick, rates=rates)
        made = replace(made, promised=promised, decays=decays)
        search = partial(self._examined, step, made)
        found = search(blame=False)
        pending = None if found.ok or found.accused else search
        return Judgement(
            tuple(self.updates), found, loss is not None, whole, loss=loss, search=pending
        )

    def _examined(self, step: Step, made: OwnPass, *, blame: bool) -> Examined:
        """What is known of the gradients; with the line to blame, or without."""
        found = examine_pass(made, self.cost, blame=blame)
        if self.cost is None:
            found = with_decay_beside(made, found, blame=blame)
        if found.cost in ("own", "unknown"):
            return found
        share = step.share
        return replace(found, factor=found.factor / share, samples=round(found.samples / share))
