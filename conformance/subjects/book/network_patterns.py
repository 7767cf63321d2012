"""The traced runs of a network as steps that balls decide, and the gradients that its update takes.

These are those that its backprop returns, or others. Left out: what is traced (`stepped.py`), where
the quantities are (`subjects/pattern.py`), and the decision (`verdict/on_balls.py`).
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.corpus.case import Case
from conformance.running.tracebacks import headline, is_ours
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.cost_methods import FN
from conformance.subjects.book.own_cost import CROSS_ENTROPY
from conformance.subjects.book.returned import are_of_one_error, returned
from conformance.subjects.book.traced_runs import backprop_run, update_run
from conformance.subjects.generic import generic, generic_case
from conformance.subjects.observation import Observed, Where, nowhere
from conformance.subjects.pattern import WIDTHS, Patterns, RunOf
from conformance.subjects.searched import BITS, Searched
from conformance.subjects.stepped import Stepped, traced_run
from conformance.tracing.arranging import whole
from conformance.tracing.index import Location, as_floats, common_factor, is_factor
from conformance.tracing.node import Node
from conformance.tracing.replay import Replay
from conformance.tracing.trace import Trace
from conformance.tracing.traced_run import Roles
from conformance.verdict.on_balls import OnBalls, TracedStep
from reference.step import Array, Batch, Parameters


def cost_on_balls(network: BookNetwork, case: Case, output: Array, batch: Batch) -> OnBalls | None:
    """What decides the cost of a network's own output; None if it may hold an ε or a factor."""
    epsilon = network.epsilon is not None and case.cost == CROSS_ENTROPY
    if epsilon or network.cost_method is not None:
        return None
    trace, given = Trace(), list[int]()

    def note(array: Array, name: str) -> Any:
        made = trace.given(array, name)
        given.extend([made.node.number] * (name == "a"))
        return made

    with traced_run(trace):
        net = network.made_for(case)
        samples = ([each[:, [i]] for each in (batch.x, output, batch.y)] for i in range(batch.m))
        total = sum(FN.cost(network, net, (x, a, y), note) for x, a, y in samples)
        mean = trace.argument(total / batch.m)
    if type(mean) is not Node:
        return None
    rows = np.arange(len(output))[:, None]
    nodes = np.array([given] * len(output))
    at = Location(nodes, np.broadcast_to(rows, nodes.shape))
    found = {f"a{case.layers}": at, "cost": whole(mean)}
    return OnBalls(TracedStep(case, trace, {}, batch, found))


T = TypeVar("T")


class NetworkPatterns(Patterns):
    """The places of the quantities in the runs of a network, of which the update is the step.

    Attributes:
        network: whose.
        refused: how another run than the update stops when it is traced.
    """

    def __init__(self, network: BookNetwork) -> None:
        super().__init__(network, update_run)
        self.network, self.refused = network, ""
        self.long: set[str] = set()  # the cases of which a step has too many operations
        self._used: dict[Searched, frozenset[str]] = {}
        self._errors: dict[int, bool] = {}

    def seen(
        self, case: Case, start: Parameters, batch: Batch, run: RunOf
    ) -> tuple[dict[str, Observed], Where, OnBalls | None]:
        """The quantities of another run from the same parameters, their lines, their exactness."""
        nothing: tuple[dict[str, Observed], Where, OnBalls | None] = {}, nowhere, None
        return self.tried(lambda: self._seen(case, start, batch, run), nothing)

    def lines(self, case: Case, m: int, run: RunOf) -> Where:
        """The lines of the quantities of another run of m samples."""
        of_a_run = super().lines(case, m, run)
        return lambda name, index: self.tried(lambda: of_a_run(name, index), ())

    def tried(self, run: Callable[[], T], instead: T) -> T:
        """What a traced run gives, or something else where the network refuses traced arrays."""
        try:
            return run()
        except Exception as error:
            if is_ours(error):
                raise
            self.refused = headline(error)  # a program may refuse them in any way
            return instead

    def _seen(
        self, case: Case, start: Parameters, batch: Batch, run: RunOf
    ) -> tuple[dict[str, Observed], Where, OnBalls | None]:
        made = run(self.network, case, start, batch)
        placed = self.found(case, made, run)
        return {**placed.shown()}, placed.pattern.frames, placed.on_balls()

    def returns_errors(self, case: Case) -> bool:
        """Whether what backprop gives as the ∇b of a sample is δ, of which it makes its ∇w too.

        That is asked of numbers of which no two are equal; if it cannot be, it is taken to be so.
        """
        if case.layers not in self._errors:
            stand_in, start, batch = generic(case, 1, WIDTHS[: case.layers])

            def asked() -> bool:
                parts = returned(self.network, stand_in, start, batch)
                return are_of_one_error(parts, case.dtype)

            self._errors[case.layers] = self.tried(asked, True)
        return self._errors[case.layers]

    def uses_returned(self, case: Case, update: Searched) -> frozenset[str]:
        """The gradients `nabla_b2 …` that an update takes as backprop returns them."""
        if update not in self._used:
            run = update.run

            def floats(exact: Array) -> Array:
                return as_floats(exact).astype(case.type)

            start, batch = run.start.map(floats), run.batch.map(floats)
            stand_in = generic_case(case, run.m, start.sizes)
            returned = self.tried(lambda: backprop_run(self.network, stand_in, start, batch), None)
            with precision(BITS):
                same = () if returned is None else _same(update.roles, returned)
                self._used[update] = frozenset(same)
        return self._used[update]


def _same(roles: Roles, returned: Stepped) -> Iterator[str]:
    """The gradients of which the mean over the samples is the one that was used.

    Where an update adds what it is given, it is the negative one.
    """
    replay, m = Replay(returned.trace), returned.batch.m
    found = (each for each in roles.found if each.startswith("nabla_"))
    for name in dict.fromkeys((*roles.moved, *found)):
        place = roles.found.get(name)
        used = roles.moved[name] if place is None else roles.values[name]
        sign = 1 if place is None or place.factor > 0 else -1
        parts = returned.exactly(replay, name)
        nodes = (each[name] for each in returned.returned if parts)
        if parts and parts[0].shape == used.shape and all(map(_is_kept, nodes, parts)):
            total = np.asarray(sum(parts[1:], start=parts[0]))
            factor = common_factor(total, used)
            nothing = not as_floats(total).any() and not as_floats(used).any()
            if nothing or (factor is not None and is_factor(factor, float(sign * m))):
                yield name


def _is_kept(node: Node, exact: Array) -> bool:
    """Whether a value is not rounded: it has half of the digits that it has exactly."""
    value, right = np.asarray(node.value), as_floats(exact)
    if value.dtype.kind != "f":
        return False
    half = float(np.finfo(value.dtype).eps) ** 0.5
    scale = float(np.max(np.abs(right), initial=0.0))
    return bool(np.max(np.abs(value - right), initial=0.0) <= half * scale)
