"""Whether a quantity of a traced step follows from its equation on balls, whatever its floats are.

The recorded operations are evaluated again on balls (`tracing/replay.py`), and so is the row of the
table, from the program's own inputs to it: two numbers agree to 60 digits or are different. A
scalar that was rounded before it met an array has an allowance of a few units in the last place,
the same factor for the whole array. A cast, a rounding, and what has no exact counterpart are left
to floats.

Left out: who asks (`judging/judge.py`), where the digits went (`tracing/digits.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from conformance.arithmetic.balls import balls, precision
from conformance.arithmetic.exact import to_balls
from conformance.corpus.case import Case
from conformance.model.row import Row, is_given, of_batch
from conformance.tracing.digits import Spot, locate
from conformance.tracing.index import SCALAR_ROUNDINGS, Location
from conformance.tracing.node import Node, uses_of_nodes
from conformance.tracing.replay import Replay
from conformance.tracing.trace import Trace
from conformance.verdict.apart import EXACT, Exactness, LostDigits, moved, relative, rescaled
from conformance.verdict.oracle import at_kinks
from reference.step import Array, Batch
from reference.updates import OLD

BITS = 400
MORE_BITS = 4096  # where 1 − σ(z) of a saturated neuron needs more digits to be known
UNNAMED = "…"


@dataclass(frozen=True, eq=False)
class TracedStep:
    """A step in a trace, and where its quantities are.

    Attributes:
        case: for cost, activations, rates and dtype.
        trace: the run.
        before: the nodes of the parameters `b2 w2 …` from which it started, in our layout.
        batch: the mini-batch, of floats.
        found: where the quantities are; those that are nowhere are taken to follow their equation.
        kept: what the update has kept before it, exact numbers by names such as `v_w2`.
    """

    case: Case
    trace: Trace
    before: Mapping[str, Node]
    batch: Batch
    found: Mapping[str, Location]
    kept: Callable[[], Mapping[str, Array]] = dict

    def nodes(self, name: str) -> list[Node]:
        """The nodes that hold a quantity; none if it is found nowhere."""
        at = self.found.get(name)
        return [] if at is None else [self.trace.nodes[each] for each in at.numbers]

    def entering(self, name: str) -> list[Node]:
        """The nodes that hold what enters the equation of a quantity."""
        made = (node for each in self.case.rows[name].made for node in self.nodes(each))
        return [*made, *self.before.values()]


class OnBalls:
    """The quantities of a traced step, decided on balls one by one when they are asked for."""

    def __init__(
        self,
        step: TracedStep,
        elsewhere: Mapping[str, "Elsewhere"] | None = None,
        known_wrong: Callable[[str], bool] | None = None,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        """Evaluate nothing yet.

        Args:
            step: of which.
            elsewhere: gives what decides a quantity that is in another run, by its name.
            known_wrong: whether a smaller run has shown that a quantity is wrong: then a large one
                is not evaluated for it.
            factors: the program holds so many times these quantities, also in other runs, by name.
        """
        self.known_wrong, self.factors = known_wrong, factors or {}
        self.step, self.elsewhere = step, elsewhere or {}
        self._levels: dict[int, _Values] = {}
        self._known: dict[str, Exactness] = {}

    def __call__(self, name: str) -> Exactness:
        """Whether a quantity follows from its equation."""
        other = self._other(name)
        if other is not None:
            return other(name)
        if name not in self._known:
            self._known[name] = self._decided(name)
        return self._known[name]

    def scaled(self, factors: Mapping[str, float]) -> "OnBalls":
        """The same where the program holds some quantities so many times as large, by name."""
        if not factors:
            return self
        found = {
            name: replace(at, factor=at.factor * factors.get(name, 1.0))
            for name, at in self.step.found.items()
        }
        return OnBalls(replace(self.step, found=found), self.elsewhere, self.known_wrong, factors)

    def _other(self, name: str) -> "OnBalls | None":
        """What decides a quantity that is not in this run."""
        if name in self.step.found or name not in self.elsewhere:
            return None
        other = self.elsewhere[name]()
        return None if other is None else other.scaled(self.factors)

    def _decided(self, name: str) -> Exactness:
        nodes = self.step.nodes(name)
        why = self._unasked(name, nodes)
        if why:
            return Exactness(why=why)
        for bits in (BITS, MORE_BITS):
            values = self._levels.setdefault(bits, _Values(self.step))
            with precision(bits), np.errstate(all="ignore"):
                if values.at_kink(name):
                    return Exactness(why="a z of its layer is 0, where f′ jumps")
                error, left = values.error(name), values.leaving(name)
            if left is not None:
                right = error is not None and error <= EXACT
                why = values.replay.leaves[left.number]
                return Exactness(why=why, frames=left.frames if right else ())
            if error is not None:
                return Exactness(error)
        return Exactness(why=f"{MORE_BITS} bits are too few to tell")

    def _unasked(self, name: str, nodes: Sequence[Node]) -> str:
        """Why balls are not asked, or nothing."""
        if not nodes:
            return "no recorded value is known to be it"
        if any(node.constant for node in nodes):
            return "it came in untraced"
        if self.known_wrong is not None and self.known_wrong(name):
            return "it is exactly wrong in a smaller network"
        return ""

    def _named(self, node: Node) -> str:
        """What a value is in the book, or else what the program calls it."""
        from conformance.backward.value_names import variable

        known = (
            name
            for name, at in self.step.found.items()
            if at.factor == 1 and node.number in at.numbers
        )
        return next(known, "") or variable(node) or UNNAMED

    def lost(self, name: str, index: tuple[int, ...]) -> LostDigits:
        """How many digits a quantity that is exactly right has lost, and where.

        Args:
            name: of the quantity.
            index: its worst entry.
        """
        other = self._other(name)
        if other is not None:
            return other.lost(name, index)
        step = self.step
        values = self._levels[max(self._levels)]
        with precision(max(self._levels)), np.errstate(all="ignore"):
            off = values.off(name)
            half = (2 * step.case.format.unit) ** 0.5
            at = step.found[name]
            node = step.trace.nodes[int(at.nodes[index])]
            granted = frozenset(each.number for each in step.entering(name)) - {node.number}
            spot = Spot(name, node, int(at.places[index]), step.case.dtype, granted)
            loss = locate(values.replay, spot, self._named)
        return LostDigits(off, not off <= half, loss)


Elsewhere = Callable[[], OnBalls | None]


class _Values:
    """The quantities on balls, at one precision, which is in force when they are asked for."""

    def __init__(self, step: TracedStep) -> None:
        self.step, self.replay = step, Replay(step.trace)
        self._own: dict[str, Any] = {}

    def leaving(self, name: str) -> Node | None:
        """The first operation between a quantity and what enters it that floats have to judge."""
        between = uses_of_nodes(self.step.nodes(name)) & ~uses_of_nodes(self.step.entering(name))
        left = min((n for n in self.replay.leaves if between >> n & 1), default=None)
        return None if left is None else self.step.trace.nodes[left]

    def at_kink(self, name: str) -> bool:
        """Whether a quantity has an f′ that is not decided on balls."""
        row = self.step.case.rows[name]
        jumps = row.activation.kink and "prime" in row.quantity.code
        return jumps and at_kinks(to_balls(self._value(f"z{row.layer}")))

    def error(self, name: str) -> float | None:
        """How far a quantity is from its equation; None if the balls are too wide to tell."""
        row, own = self.step.case.rows[name], self._value(name)
        right = self._computed(row)
        apart = relative(own, right)
        if apart is None or apart <= EXACT or own.shape != right.shape:
            return apart
        others = (relative(own, each) for each in self._admitted(row, own, right))
        return min([apart, *(each for each in others if each is not None)])

    def off(self, name: str) -> float:
        """How far the floats are from what the equation makes of the floats that it is given."""
        row, nodes = self.step.case.rows[name], self.step.trace.nodes

        def floats(at: Location) -> Array:
            array = balls(at.gather(lambda n: nodes[n].value, np.float64))
            return at.without_factor(array)

        def entering(each: str) -> Any:
            at = None if is_given(each) else self.step.found.get(each)
            return self._entering(each) if at is None else floats(at)

        right = np.asarray(row.function(*map(entering, row.inputs)), dtype=object)
        apart = relative(floats(self.step.found[name]), right)
        return 0.0 if apart is None else apart

    def _admitted(self, row: Row, own: Array, right: Array) -> Iterator[Array]:
        """What stands for the result of an equation too: with f′ made of a, of rounded scalars."""
        rights = [right]
        if row.of_own is not None:
            z, a = f"z{row.layer}", f"a{row.layer}"
            rights.append(row.of_own(*(self._entering(a if n == z else n) for n in row.inputs)))
            yield rights[-1]
        unit = SCALAR_ROUNDINGS * self.step.case.format.unit
        # the decay in a velocity is one of the weights, whose factor is rounded by itself
        before = self._start.get(row.name.removeprefix("v_"))
        for each in rights:
            yield rescaled(each, own, unit) if before is None else moved(each, own, before, unit)

    @cached_property
    def _start(self) -> dict[str, Any]:
        """What the step starts from."""
        step, value = self.step, self.replay.value
        eta, lmbda = (balls(np.array(rate)) for rate in (step.case.eta, step.case.lmbda))
        batch = {name: balls(each) for name, each in of_batch(step.batch).items()}
        parameters = {name: to_balls(value(node)) for name, node in step.before.items()}
        old = {f"{OLD}{name}": to_balls(each) for name, each in step.kept().items()}
        constants = {name: balls(np.array(each)) for name, each in step.case.constants}
        rates = {"eta": eta, "decay": lmbda / step.case.n, **constants}
        return {**parameters, **old, **batch, **rates}

    def _entering(self, name: str) -> Any:
        """What an equation is given under a name: parameters are those before the step."""
        return self._start[name] if is_given(name) else self._value(name)

    def _computed(self, row: Row) -> Any:
        return np.asarray(row.function(*map(self._entering, row.inputs)), dtype=object)

    def _value(self, name: str) -> Any:
        """A quantity as the program has it, or else as its equation gives it."""
        if name not in self._own:
            at = self.step.found.get(name)
            row = self.step.case.rows[name]
            self._own[name] = self._computed(row) if at is None else self._held(at)
        return self._own[name]

    def _held(self, at: Location) -> Array:
        held = at.gather(lambda n: self.replay.value(self.step.trace.nodes[n]), object)
        return at.without_factor(to_balls(held))
