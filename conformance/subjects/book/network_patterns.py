"""The gradients that the update of a network takes as its backprop returns them.

Left out: where the quantities are (`subjects/pattern.py`).
"""

from collections.abc import Iterator

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.corpus.case import Case
from conformance.subjects.book.exact import on_balls
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.traced_runs import backprop_run, update_run
from conformance.subjects.observation import Shown, Where
from conformance.subjects.pattern import BITS, Patterns, RunOf, Searched
from conformance.subjects.stepped import Stepped, gathered, generic
from conformance.tracing.index import as_floats, common_factor, is_factor
from conformance.tracing.replay import Replay
from conformance.tracing.roles import Roles
from conformance.verdict.on_balls import OnBalls
from reference.step import Batch, Parameters


class NetworkPatterns(Patterns):
    """The places of the quantities in the runs of a network, of which the update is the step."""

    def __init__(self, network: BookNetwork) -> None:
        super().__init__(network, update_run)
        self.network = network
        self._used: dict[Searched, frozenset[str]] = {}

    def seen(
        self, case: Case, start: Parameters, batch: Batch, run: RunOf
    ) -> tuple[dict[str, Shown], Where, OnBalls]:
        """The quantities of another run from the same parameters, their lines, their exactness."""
        made = run(self.network, case, start, batch)
        pattern, found = self.found(case, made, run)
        shown: dict[str, Shown] = {name: gathered(each, made) for name, each in found.items()}
        return shown, pattern.frames, on_balls(case, made, found)

    def uses_returned(self, case: Case, m: int) -> frozenset[str]:
        """The gradients `nabla_b2 …` that the update takes as backprop returns them."""
        update = self.pattern(case, m, update_run)
        if update not in self._used:
            sizes = update.run.start.sizes
            stand_in, start, batch = generic(case, m, sizes)
            returned = backprop_run(self.network, stand_in, start, batch)
            with precision(BITS):
                self._used[update] = frozenset(_same(update.roles, returned))
        return self._used[update]


def _same(roles: Roles, returned: Stepped) -> Iterator[str]:
    """The gradients of which the mean over the samples is the one that was used."""
    replay, m = Replay(returned.trace), returned.batch.m
    for name, used in roles.moved.items():
        nodes = [each[name] for each in returned.returned if name in each]
        if len(nodes) < m or not all(map(replay.exact, nodes)):
            continue
        parts = [replay.value(each) for each in nodes]
        if all(each.shape == used.shape for each in parts):
            total = np.asarray(sum(parts[1:], start=parts[0]))
            factor = common_factor(total, used)
            nothing = not as_floats(total).any() and not as_floats(used).any()
            if nothing or (factor is not None and is_factor(factor, float(m))):
                yield name
