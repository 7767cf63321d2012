"""The output error of a program that is that of no known cost.

Whatever the program takes for ∂C/∂(its output) is put in the place of the derivative of a cost: of
Σ g v, where g are the program's own numbers. The rest of the backward pass is judged by that. There
is a cost with this output error if ∂g/∂v is symmetric; else there is none.

Left out: the known costs (`no_loss.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations, product
from typing import Any

import numpy as np

from conformance.backward.certain import measured
from conformance.backward.chain import Chain
from conformance.backward.compared import Compared
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.costs import seeded, times
from conformance.backward.decay import decayed
from conformance.backward.factor import conventions, shared, snapped
from conformance.backward.groups import operation_key
from conformance.backward.judge_gradients import Forward, verdicts
from conformance.backward.no_loss import likely_errors, outputs, plus_decay, undecayed
from conformance.backward.own_error import (
    OwnError,
    adds_up,
    goes_up,
    has_a_cost,
    is_symmetric,
    turned_to,
)
from conformance.backward.recorded_pass import Goal, Recorded, bits
from conformance.backward.source import MOVES, is_float
from conformance.tracing.ancestors import ancestors, short_of, walk
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace
from reference.step import Array

FEW_ERRORS, FEW_OUTPUTS = 6, 2

SUMS = ("add", "subtract", "negative", "sum", "mean")


class OwnErrors:
    """The backward values of a program that may be its output errors."""

    def __init__(self, run: Recorded, chosen: Iterable[Compared]) -> None:
        """Look at none yet.

        Args:
            run: the step.
            chosen: the outputs, as they are compared with targets.
        """
        self._run, self._chosen = run, {id(each): each for each in chosen}.values()

    @cached_property
    def tried(self) -> list[OwnError]:
        """Those that are tried, not measured yet."""
        return [each for made in self._chosen for each in _seeded(self._run, made)]

    @cached_property
    def _measured(self) -> list[OwnError]:
        """Those by which some gradients are right."""
        return _measured(self._run, self.tried)

    def best(self) -> OwnError | None:
        """The one that makes most gradients right, taken for ∂C/∂v; None if none does.

        One that makes all right comes first, then one with a usual factor, then one of the output.
        """
        whole = len(self._run.goals)

        def order(found: OwnError) -> tuple[bool, bool, bool, int]:
            usual = conventions(np.shape(found.output.value))
            told = snapped(abs(found.factor), usual, free=False) is not None
            return found.count == whole, told, found.at_output, found.count

        return max(self._measured, key=order, default=None)

    def of_two_outputs(self) -> OwnError | None:
        """The errors of two outputs that make most gradients right together; None if none do.

        None of the two outputs is computed from the other, such as those of a policy and of its
        critic. The first stands for both; its loss is that of both.
        """
        return next(iter(self._together(has_a_cost)), (None,))[0]

    def used(self) -> Sequence[OwnError]:
        """The errors of two outputs, if more gradients are right by them; else the best."""
        best = self.best()
        for found, *pair in self._together(has_a_cost):
            if best is None or found.count > best.count:
                return pair
        return () if best is None else (best,)

    def uneven(self) -> tuple[OwnError, OwnError] | None:
        """Such errors of two outputs of which one does not add up to 0, and that one."""
        for found, *pair in self._together(is_symmetric):
            one = next((each for each in pair if not adds_up(self._run.trace, each)), None)
            if one is not None:
                return found, one
        return None

    def _together(
        self, known: Callable[[Trace, OwnError], bool]
    ) -> Iterator[tuple[OwnError, OwnError, OwnError]]:
        """The errors of two outputs that are right together, with each of them.

        Each may have a factor of its own, such as the rates of a policy and its critic; those that
        share one come first, and of them those that are ∂C/∂v as they are.
        """

        def uneven(made: tuple[OwnError, OwnError, OwnError]) -> tuple[int, bool, float]:
            found, one, other = made
            sizes = [abs(np.log(abs(each.factor))) for each in (one, other)]
            return -found.count, not np.isclose(one.factor, other.factor), max(sizes)

        together, whole = list[tuple[OwnError, OwnError, OwnError]](), len(self._run.goals)
        some = [each for each in self._measured if each.count < whole] if whole > 1 else []
        for one, other in combinations(some, 2):
            v, w = one.output, other.output
            apart = v is not w and not v.depends_on(w) and not w.depends_on(v)
            if apart and not (goes_up(one) or goes_up(other)):
                share = other.factor / one.factor
                alike = np.isclose(share, 1.0)
                rest = other.loss if alike else times(self._run.trace, other.loss, share)
                losses = one.loss, rest
                value = np.asarray(losses[0].value + losses[1].value)
                total = self._run.trace.node("add", np.add, losses, {}, value)
                for found in _measured(self._run, [replace(one, loss=total)]):
                    if found.count > max(one.count, other.count):
                        together.append((found, one, other))
        for found, *pair in sorted(together, key=uneven):
            if all(known(self._run.trace, each) for each in pair):
                yield found, pair[0], pair[1]


def _measured(run: Recorded, errors: Sequence[OwnError]) -> list[OwnError]:
    """The errors by which some gradients are right, with how many are.

    An error may be taken for minus ∂C/∂v too, as that of an update which adds what it makes of it.
    """
    chain, found = Chain(run.trace), []
    for each in errors:
        judged = verdicts(Forward(replace(run, loss=each.loss), chain))
        signs = (shared(judged, (1.0,), free=True, sign=sign) for sign in (1, -1))
        alike = max(signs, key=lambda one: one.count)
        decay = None if alike.by_all else decayed(judged, chain)
        best = alike if decay is None or decay.count <= alike.told else decay
        decay = decay if best is decay else None
        found.append(replace(each, count=best.count, factor=best.factor, decay=decay))
    return [each for each in found if each.count]


def whole_loss(run: Recorded, found: OwnError) -> Node:
    """The loss whose gradients those of a run are by an output error, with their decay."""
    if found.decay is None:
        return times(run.trace, found.loss, found.factor)
    bare = undecayed(replace(run, loss=found.loss), found.decay)
    factor = measured(bare, found.factor)  # a fit has lost some of its digits
    return plus_decay(run.trace, times(run.trace, found.loss, factor), found.decay)


def _seeded(run: Recorded, made: Compared) -> Iterator[OwnError]:
    """The first values of the backward pass, each taken for ∂C/∂v of the last of the forward."""
    first, *rest = outputs(made, bits(run.goals))
    few = [first, *rest[: -FEW_OUTPUTS - 1 : -1]]  # what is between seldom has a name
    likely = likely_errors(made, run.goals, FEW_ERRORS)
    given = given_in(run.trace)
    errors = [each for each in likely if _tells(each, run.goals, given)]
    values, count = Chain(run.trace).values, len(made.pairs)
    executions = {each: _alike(run, each, count) for each in (*errors, *few)}
    for error, output in product(errors, few):
        pairs = list(_pairs(values, executions[error], executions[output]))
        if pairs:
            at_output = output is made.pairs[0][0]
            yield OwnError(error, output, at_output, seeded(run.trace, pairs))


def _tells(error: Node, goals: Sequence[Goal], given: int) -> bool:
    """Whether a gradient is more than sums of an error and its entries, and so not right by it.

    A sum that is divided by a number, such as that of the samples, is no more: so is any loss.
    """

    def between(goal: Goal) -> list[Node]:
        if not goal.node.depends_on(error):
            return []
        way = walk([goal.node], lambda e: [] if e is error else e.inputs)
        return [each for each in way if each is not error and each.depends_on(error)]

    return not all(is_summed(each, given) for goal in goals for each in between(goal))


def given_in(trace: Trace) -> int:
    """What a program was handed, as bits."""
    return bits_of_nodes(each for each in trace.nodes if each.given)


def is_summed(node: Node, given: int) -> bool:
    """Whether a value is made of sums and entries, perhaps times a count or its inverse, or 2.

    Args:
        node: the value.
        given: what the program was handed, as bits.
    """
    inner = [each for each in node.inputs if each.uses & given]
    others = [each for each in node.args[:2] if all(each is not one for one in inner)]
    scaled = node.operation in ("multiply", "divide") and len(inner) == len(others) == 1
    return (scaled and _is_a_count(others[0])) or node.operation in (*SUMS, *MOVES)


def _is_a_count(value: object) -> bool:
    """Whether it is a whole number, or the inverse of one or of its half."""
    number = np.asarray(value.value if type(value) is Node else value)
    if number.size != 1:
        return False
    single = abs(float(np.ravel(number)[0]))
    tried = (single, *((1 / single, 2 / single) if single else ()))
    return any(abs(each - round(each)) <= HALF_OF_THE_DIGITS * each for each in tried)


def _pairs(
    values: Mapping[int, Any], errors: Iterable[Node], outputs: Iterable[Node]
) -> Iterator[tuple[Node, Array]]:
    """Each sample's v with the numbers that stand for its ∂C/∂v; none if they do not fit.

    A program may go back through its steps: an error is that of the last v which it is made of.
    """
    errors, outputs = [*errors], [*outputs]
    made = [next((v for v in outputs[::-1] if own.depends_on(v)), None) for own in errors]
    known = [v for v in dict.fromkeys(made) if v is not None]
    for own, v in zip(errors, known if len(known) == len(errors) else outputs, strict=False):
        turned = turned_to(np.asarray(values[own.number], dtype=np.float64), np.shape(v.value))
        if turned is not None:
            yield v, turned


def _alike(run: Recorded, node: Node, count: int) -> list[Node]:
    """So many executions of an operation, made of as many others as this: from it on, or to it."""
    key = operation_key(node)
    every = [e for e in run.trace.nodes if operation_key(e) == key and is_float(e)]
    within, later = bits_of_nodes(every), [e for e in every if e.number >= node.number]
    later = later if len(later) >= count else every[-count:]
    made_of = (node.uses & within).bit_count()  # as those of several layers are of one another
    same = [e for e in later if (e.uses & within).bit_count() == made_of]
    return (same if len(same) >= count else later)[:count]


def weighted(found: OwnError, goals: Sequence[Goal]) -> Iterator[Node]:
    """The values that an output error was made of by factors, if all depend on the parameters."""
    parameters = bits(goals)
    yield found.error
    for each in ancestors(found.error):
        between = [
            e
            for e in (found.error, *ancestors(found.error))
            if e.depends_on(each) and e is not each
        ]
        alike = np.size(each.value) == np.size(found.error.value)
        if (
            alike
            and each.uses & parameters
            and any(
                e.operation in ("multiply", "divide") and _has_factor(e, each, parameters)
                for e in between
            )
        ):
            yield each


def _has_factor(node: Node, part: Node, parameters: int) -> bool:
    """Whether a product has a factor that depends on the parameters and not on a part of it."""
    return any(e.uses & parameters and not e.depends_on(part) for e in node.inputs)


def is_of_a_difference(error: OwnError, made: Iterable[Compared]) -> bool:
    """Whether an output error is a function of output − target alone, entry by entry.

    Then it is the derivative of a cost, such as Huber's.
    """
    users = dict.fromkeys(e for each in made for e in each.users)
    differences = [e for e in users if e.operation == "subtract" and error.output in e.inputs]
    for difference in differences:
        if error.error is difference or not error.error.depends_on(difference):
            continue
        way = walk([error.error], short_of({difference}))
        shape = np.shape(difference.value)
        if all(np.shape(each.value) in ((), shape if each.function else ()) for each in way):
            return True
    return False
