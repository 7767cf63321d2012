"""A network with the book's interface in training: each step traced.

The update shows z, a, δ, the ∇ that moved the parameters and the new parameters. What backprop
returns and what feedforward gives are passes of their own, where they are something else. Tracing
is done on fresh networks with the same parameters; the network in training runs as it would without
us. Left out: what is right (`verdict/oracle.py`).
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.running.tracebacks import headline
from conformance.subjects.book.backprop_findings import backprop_findings
from conformance.subjects.book.conduct import leaves_its_parameters
from conformance.subjects.book.exact import cost_on_balls, on_balls
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.network_patterns import NetworkPatterns
from conformance.subjects.book.own_cost import own_cost
from conformance.subjects.book.own_loop import NOTHING, Conduct
from conformance.subjects.book.returned import Parts, returned
from conformance.subjects.book.traced_runs import backprop_run, feed, forward_run, update_run
from conformance.subjects.book.training import Training
from conformance.subjects.observation import SHOWN, Observation, Shown, Where, nowhere
from conformance.subjects.pattern import Searched, in_its_own_numbers
from conformance.subjects.stepped import Stepped, gathered
from conformance.tracing.index import Location
from conformance.verdict.compare import FORWARD, RETURNED
from conformance.verdict.on_balls import Elsewhere, OnBalls
from reference.step import Array, Batch, Parameters

REPEATED = 16  # steps at most of a run that is repeated; a case has ten
REFUSED = "not traced: it stops when it is given arrays that record"
OTHERWISE = "not traced: the update gives other numbers when it is, so its lines are not known"


class TracedSession(Training):
    """A network in training; see the module."""

    def __init__(
        self,
        network: BookNetwork,
        patterns: NetworkPatterns,
        case: Case,
        parameters: Parameters,
        *,
        freely: bool = False,
        conduct: Conduct = NOTHING,
    ) -> None:
        """Start from the parameters of a case.

        Args:
            network: how its networks are made.
            patterns: where the quantities are in its runs.
            case: for sizes, cost and rates.
            parameters: from which it starts.
            freely: whether a step is traced only where a fresh network would go elsewhere.
            conduct: what was found beside its steps, which is said beside each.
        """
        super().__init__(network, case, parameters, conduct)
        self.patterns, self.freely = patterns, freely
        self.after: dict[str, Array] = {}

    def _step(self, batch: Batch) -> Observation:
        network, case = self.network, self.case
        start = self._start()
        if self.freely and self._goes_on(start, batch):
            return Observation(self._judged(self.after))
        findings = [
            *backprop_findings(network, case, start, batch.columns((0,))),
            *filter(None, [network.misordered]),
        ]
        parts = returned(network, case, start, batch)
        if network.misordered or self._misshapen(parts, start):
            # No update can be made of gradients of other shapes: they are the failure.
            means = {**self._means(parts), **self._misshapen(parts, start)}
            lines = self.patterns.lines(case, batch.m, backprop_run)
            return Observation(means, lines, findings=tuple(findings))
        after = self.after if self.freely else self._taken(start, batch)
        made, notes = self._traced(start, batch, after)
        if not leaves_its_parameters(tuple(findings)):
            made = None  # of samples after the first no equation is what it was
        pattern, found = (None, {}) if made is None else self.patterns.found(case, made)
        shown = self._gathered(pattern, made, found, batch)
        other = self._other(pattern, parts, (start, batch), shown)
        shown |= self._judged(after)
        output = self._output(shown, (start, batch))
        cost = own_cost(network, case, output, batch)
        shown |= {} if cost.value is None else {"cost": cost.value}
        notes = (*notes, *((cost.note,) if cost.note else ()))

        @cache
        def own() -> Searched:
            assert made is not None  # noqa: S101 - where it is, there is a pattern
            return in_its_own_numbers(case, made, found, decays=network.decays)

        def where(name: str, index: tuple[int, ...]) -> Any:
            if name == "cost":
                return cost.frames()
            if pattern is None or made is None:
                return ()
            here = pattern
            if not pattern.wrong(name) and not self.patterns.is_large(case):
                here = own()
            frames = here.frames(name, index)
            if frames or not name.startswith("nabla"):
                return frames
            return self.patterns.lines(case, batch.m, backprop_run)(name, index)

        forward, forward_where, forward_on_balls = self._feedforward(pattern, (start, batch), shown)
        passes = {
            SHOWN: self._on_balls(pattern, made, found, (start, output)),
            FORWARD: forward_on_balls,
            RETURNED: other[2],
        }
        return Observation(
            shown,
            where,
            forward,
            forward_where,
            *other[:2],
            findings=tuple(findings),
            notes=notes,
            on_balls={name: each for name, each in passes.items() if each is not None},
        )

    def _gathered(
        self,
        pattern: Searched | None,
        made: Stepped | None,
        found: Mapping[str, Location],
        batch: Batch,
    ) -> dict[str, Shown]:
        """What the update shows; a ∇ of nothing is 0."""
        if made is None or pattern is None:
            return {}
        zeros: dict[str, Shown] = {n: self._zeros(n, batch) for n in pattern.roles.nothing}
        return {**{name: gathered(each, made) for name, each in found.items()}, **zeros}

    def _output(self, shown: Mapping[str, Shown], start: tuple[Parameters, Batch]) -> Array:
        """a^L as the update has it, or as feedforward gives it."""
        inside = shown.get(f"a{self.case.layers}")
        return inside if isinstance(inside, np.ndarray) else feed(self.network, self.case, *start)

    def _on_balls(
        self,
        pattern: Searched | None,
        made: Stepped | None,
        found: Mapping[str, Location],
        ends: tuple[Parameters, Array],
    ) -> OnBalls | None:
        """What decides the quantities of the update; a large one asks a smaller run first."""
        if made is None or pattern is None:
            return None
        elsewhere = self._elsewhere(found, (ends[0], made.batch), ends[1])
        known_wrong = pattern.wrong if self.patterns.is_large(self.case) else None
        return on_balls(self.case, made, found, elsewhere, known_wrong)

    def _means(self, parts: Parts) -> dict[str, Shown]:
        """The means of the samples' gradients, of those that have one shape."""
        return {
            name: _mean(each, self.case.dtype)
            for name, each in parts.items()
            if len({np.shape(part) for part in each}) == 1
        }

    def _misshapen(self, parts: Parts, start: Parameters) -> dict[str, Shown]:
        """The gradients of the first sample that do not have the shape of their parameters."""
        shapes = {f"nabla_{name}": array.shape for name, array in start.named()}
        return {n: each[0] for n, each in parts.items() if np.shape(each[0]) != shapes[n]}

    def _zeros(self, name: str, batch: Batch) -> Array:
        row = self.case.rows[name]
        return np.zeros(row.shape(self.case.sizes, batch.m), dtype=self.case.dtype)

    def _taken(self, start: Parameters, batch: Batch) -> dict[str, Array]:
        """The parameters after a step of the network in training, which starts from these."""
        if len(self.taken) == REPEATED:
            self.first, self.taken = start, []
        self.after = self._moved(batch)
        self.taken.append(batch)
        return self.after

    def _goes_on(self, start: Parameters, batch: Batch) -> bool:
        """Whether a step goes where it would go from a fresh network, nothing being kept."""
        fresh = TracedSession(self.network, self.patterns, self.case, start)
        left, after = fresh.move(batch), self._taken(start, batch)
        return all(np.array_equal(left[name], each, equal_nan=True) for name, each in after.items())

    def _judged(self, after: dict[str, Array]) -> dict[str, Shown]:
        """The parameters that can be judged: without the decay that the network does not know."""
        decays = self.network.decays or not self.case.lmbda
        return {name: each for name, each in after.items() if decays or name[0] != "w"}

    def _traced(
        self, start: Parameters, batch: Batch, after: Mapping[str, Array]
    ) -> tuple[Stepped | None, tuple[str, ...]]:
        """The update, traced, if it leaves what it left without us."""
        for first, earlier in ((start, []), (self.first, self.taken[:-1])):
            try:
                made = update_run(self.network, self.case, first, batch, *earlier)
            except Exception as error:  # noqa: BLE001 - a program may refuse traced arrays in any way
                return None, (f"{REFUSED}: {headline(error)}",)
            if all(np.array_equal(made.left[n], a, equal_nan=True) for n, a in after.items()):
                return made, ()
        return None, (OTHERWISE,)

    def _other(
        self,
        pattern: Searched | None,
        parts: Parts,
        start: tuple[Parameters, Batch],
        shown: dict[str, Shown],
    ) -> tuple[dict[str, Shown], Where, OnBalls | None]:
        """What backprop returns, where the update uses something else; else it is what is shown."""
        case, means = self.case, self._means(parts)
        if pattern is None:
            shown |= {**means, **_errors(parts)}
            return {}, nowhere, None
        used = self.patterns.uses_returned(case, start[1].m)
        shown |= {name: m for name, m in means.items() if name in used and name not in shown}
        other: dict[str, Shown] = {name: m for name, m in means.items() if name not in used}
        if not other:
            return {}, nowhere, None
        found, frames, exactness = self.patterns.seen(case, *start, backprop_run)
        return {**found, **other}, frames, exactness

    def _feedforward(
        self, pattern: Searched | None, start: tuple[Parameters, Batch], shown: Mapping[str, Shown]
    ) -> tuple[dict[str, Shown], Where, OnBalls | None]:
        """z and a of feedforward, if its output is not that of the update's own pass."""
        case, name = self.case, f"a{self.case.layers}"
        if not leaves_its_parameters(self.conduct.findings):
            return {}, nowhere, None
        output = feed(self.network, case, *start)
        inside = shown.get(name)
        if inside is None or pattern is None:
            return {name: output}, nowhere, None
        seen = inside.value if isinstance(inside, RunningError) else inside
        if np.array_equal(seen, output, equal_nan=True):
            return {}, nowhere, None
        found, frames, exactness = self.patterns.seen(case, *start, forward_run)
        return {**found, name: output}, frames, exactness

    def _elsewhere(
        self, found: Mapping[str, Any], start: tuple[Parameters, Batch], output: Array
    ) -> dict[str, Elsewhere]:
        """What decides on balls what is not in the update: C, and the ∇ that backprop returns."""
        case, network = self.case, self.network
        used = self.patterns.uses_returned(case, start[1].m) - found.keys()
        nablas = cache(lambda: self.patterns.seen(case, *start, backprop_run)[2])
        cost = cache(lambda: cost_on_balls(network, case, output, start[1]))
        return {"cost": cost, **dict.fromkeys(used, nablas)}


def _errors(parts: Parts) -> dict[str, Shown]:
    """δ of each layer, which is what backprop of one sample gives as its ∇b."""
    return {
        f"delta{name.removeprefix('nabla_b')}": np.hstack(each)
        for name, each in parts.items()
        if name.startswith("nabla_b")
    }


def _mean(parts: list[Array], dtype: str) -> RunningError:
    """The mean of the samples' gradients, with the bound of any order of summation.

    An update that takes all samples at once rounds their products otherwise than one by one.
    """
    numbers = np.stack([np.asarray(part, dtype=np.float64) for part in parts])
    mean: RunningError = RunningError.exact(numbers, dtype).sum(axis=0) / len(parts)
    together = mean.precision.unit * (len(parts) + 6) * np.abs(numbers).mean(axis=0)
    return RunningError(mean.value, np.maximum(mean.bound, together), mean.precision)
