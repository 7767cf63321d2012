"""The output error of a program that is that of no known cost.

Whatever the program takes for ∂C/∂(its output) is put in the place of the derivative of a cost: of
Σ g v, where g are the program's own numbers. The rest of the backward pass is judged by that. There
is a cost with this output error if ∂g/∂v is symmetric; else there is none.

Left out: the known costs (`no_loss.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, product
from typing import Any

import numpy as np

from conformance.backward.certain import measured
from conformance.backward.chain import Chain
from conformance.backward.compared import Compared
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, layouts
from conformance.backward.costs import seeded, times
from conformance.backward.decay import Decay, decayed
from conformance.backward.factor import shared
from conformance.backward.groups import operation_key
from conformance.backward.judge_gradients import Forward, verdicts
from conformance.backward.no_loss import likely_errors, outputs, plus_decay, undecayed
from conformance.backward.recorded_pass import Goal, Recorded, bits
from conformance.backward.source import is_float
from conformance.tracing.ancestors import ancestors, walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array

FEW_ERRORS, FEW_OUTPUTS = 6, 2
DIRECTIONS = 3  # pairs of them, along which ∂g/∂v is tried


@dataclass(frozen=True, eq=False)
class OwnError:
    """A backward value that stands for ∂C/∂v.

    Attributes:
        error: the value, of the first sample.
        output: v, of the first sample.
        at_output: whether v is the output itself, and not what it was computed from.
        loss: Σ g v.
        count: how many gradients are right by it.
        decay: that makes more of them right, if one does.
        factor: of these gradients, beside those of Σ g v; negative if g is minus ∂C/∂v.
    """

    error: Node
    output: Node
    at_output: bool
    loss: Node
    count: int = 0
    factor: float = 1.0
    decay: Decay | None = None


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

        One that does so for the output itself comes first.
        """
        return max(self._measured, key=lambda each: (each.at_output, each.count), default=None)

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
        """The errors of two outputs that are right together, with each of them."""
        together = list[tuple[OwnError, OwnError, OwnError]]()
        for one, other in list(combinations(self._measured, 2)):
            v, w = one.output, other.output
            if v is not w and not v.depends_on(w) and not w.depends_on(v):
                losses = one.loss, other.loss
                value = np.asarray(one.loss.value + other.loss.value)
                total = self._run.trace.node("add", np.add, losses, {}, value)
                for found in _measured(self._run, [replace(one, loss=total)]):
                    if found.count > max(one.count, other.count):
                        together.append((found, one, other))
        for found, *pair in sorted(together, key=lambda each: -each[0].count):
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
    alone = run.goals[0].node if len(run.goals) == 1 else None  # which is right by itself
    errors = (e for e in likely_errors(made, run.goals, FEW_ERRORS) if e is not alone)
    values, count = Chain(run.trace).values, len(made.pairs)
    for error, output in product(errors, few):
        executions = [_alike(run, each)[:count] for each in (error, output)]
        pairs = list(_pairs(values, *executions))
        if pairs:
            at_output = output is made.pairs[0][0]
            yield OwnError(error, output, at_output, seeded(run.trace, pairs))


def _pairs(
    values: Mapping[int, Any], errors: Iterable[Node], outputs: Iterable[Node]
) -> Iterator[tuple[Node, Array]]:
    """Each sample's v with the numbers that stand for its ∂C/∂v; none if they do not fit."""
    for own, v in zip(errors, outputs, strict=False):
        turned = _turned(np.asarray(values[own.number], dtype=np.float64), np.shape(v.value))
        if turned is not None:
            yield v, turned


def _alike(run: Recorded, node: Node) -> list[Node]:
    """The executions of an operation, from this one on."""
    key = operation_key(node)
    return [e for e in run.trace.nodes[node.number :] if operation_key(e) == key and is_float(e)]


def _turned(value: Array, shape: tuple[int, ...]) -> Array | None:
    return next((layout(value) for layout in layouts(value.shape, shape)), None)


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


def has_a_cost(trace: Trace, found: OwnError) -> bool:
    """Whether some cost has this output error."""
    return is_symmetric(trace, found) and adds_up(trace, found) and _has_one_sign(found)


def _has_one_sign(found: OwnError) -> bool:
    """Whether an error that is a function of a − y alone, entry by entry, goes one way from y."""
    compared = (e for e in found.output.consumers if len(e.inputs) > 1)
    apart = next((e for e in compared if e.operation == "subtract"), None)
    if apart is None or not found.at_output or not found.error.depends_on(apart):
        return True
    way = list(walk([found.error], lambda each: () if each is apart else each.inputs))
    own = all(e.depends_on(apart) or np.size(e.value) == 1 for e in way)
    if not own or any(np.shape(e.value) not in ((), np.shape(apart.value)) for e in way):
        return True
    signs = np.sign(apart.value) * np.sign(found.error.value)
    return not (np.any(signs > 0) and np.any(signs < 0))


def is_symmetric(trace: Trace, found: OwnError) -> bool:
    """Whether ∂g/∂v is symmetric, along generic directions."""
    both = [
        (float(np.vdot(u, jv)), float(np.vdot(v, ju)), np.abs(u * jv).sum())
        for u, v, ju, jv in _generic(trace, found)
    ]
    return all(abs(a - b) <= HALF_OF_THE_DIGITS * size for a, b, size in both)


def _generic(trace: Trace, found: OwnError) -> Iterator[tuple[Array, Array, Array, Array]]:
    """Pairs of directions u and v, with how g moves along each of them."""
    shape = np.shape(found.output.value)
    one, other = np.random.default_rng(0).normal(size=(2, DIRECTIONS, *shape))
    moved = [along(trace, found, seeds) for seeds in (one, other)]
    for u, v, ju, jv in zip(one, other, *moved, strict=True):
        if ju is not None and jv is not None:
            yield u, v, ju, jv


def adds_up(trace: Trace, found: OwnError) -> bool:
    """Whether g adds up to 0 along an axis, if it does not change with a number that is added to v.

    The outputs of a softmax do not change with it either, nor does a cost of them.
    """
    shape = np.shape(found.output.value)
    given = _turned(np.asarray(Chain(trace).values[found.error.number], dtype=np.float64), shape)
    seeds = np.random.default_rng(0).normal(size=(1, *shape))
    (generic,) = along(trace, found, seeds)
    if given is None or generic is None or not np.any(generic):
        return True
    for axis in range(len(shape)):
        (shifted,) = along(trace, found, np.ones_like(seeds) * seeds.take([0], axis + 1))
        near = HALF_OF_THE_DIGITS * np.max(np.abs(generic))
        if shape[axis] > 1 and shifted is not None and np.max(np.abs(shifted)) <= near:
            sums, size = given.sum(axis=axis), np.abs(given).sum(axis=axis)
            return bool(np.all(np.abs(sums) <= HALF_OF_THE_DIGITS * size))
    return True


def along(trace: Trace, found: OwnError, seeds: Array) -> list[Array | None]:
    """How g moves with v, along each of some directions; None where that is not known."""
    number = found.output.number
    among = [
        each
        for each in trace.nodes[number + 1 : found.error.number + 1]
        if each.depends_on(found.output) and found.error.depends_on(each)
    ]
    tangents = Chain(trace).forward({number: seeds}, among).get(found.error.number)
    shape = np.shape(found.output.value)
    return [None if tangents is None else _turned(tangents[i], shape) for i in range(len(seeds))]
