"""A network with the book's interface in training: each step traced.

The update shows z, a, δ, the ∇ that moved the parameters and the new parameters. What backprop
returns and what feedforward gives are passes of their own, where they are something else. Tracing
is done on fresh networks with the same parameters; the network in training runs as it would without
us. Left out: what is right (`verdict/oracle.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.running.quiet import quiet
from conformance.running.tracebacks import headline
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.conduct import backprop_findings, leaves_its_parameters
from conformance.subjects.book.network_patterns import NetworkPatterns, cost_on_balls
from conformance.subjects.book.own_cost import OwnCost, own_cost
from conformance.subjects.book.own_loop import NOTHING, Conduct
from conformance.subjects.book.returned import (
    Parts,
    errors,
    means,
    means_apart,
    misshapen,
    returned,
)
from conformance.subjects.book.traced_runs import (
    backprop_run,
    forward_run,
    line_of_update,
    short_run,
)
from conformance.subjects.near import alike, all_same, same
from conformance.subjects.observation import SHOWN, Observation, Observed, Where, nowhere, rounded
from conformance.subjects.pattern import M, Placed
from conformance.subjects.stepped import Stepped
from conformance.tracing.frames import Frame
from conformance.tracing.index import Location
from conformance.verdict.compare import FORWARD, RETURNED
from conformance.verdict.finding import Finding
from conformance.verdict.on_balls import Elsewhere, OnBalls
from conformance.verdict.oracle import lifted
from reference.step import STATE, Array, Batch, Parameters, split

REPEATED = 16  # steps at most of a run that is repeated; a case has ten
REFUSED = "not traced: it stops when it is given arrays that record"
PARTLY_REFUSED = "traced in part: it stops when it is given arrays that record"
TOO_LONG = "not traced: a step has too many operations; floats decide, and lines are of small cases"
OTHERWISE = "not traced: the update gives other numbers when it is, so its lines are not known"


@dataclass(frozen=True, eq=False)
class Taken:
    """A step that a network in training took.

    Attributes:
        start: the parameters before it.
        batch: its mini-batch.
        parts: gives the gradients that backprop returns of each sample.
        after: the parameters after it.
        traced: the same step, traced, if that can be done and it is the same.
    """

    start: Parameters
    batch: Batch
    parts: Callable[[], Parts]
    after: dict[str, Array]
    traced: Placed | None = None


class TracedSession:
    """A network in training, which runs as it would without us; see the module.

    Attributes:
        network: how it is made and called.
        net: it.
        first: the parameters from which its run can be repeated, at least its last steps.
        taken: the mini-batches since then.
    """

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
        self.network, self.case, self.conduct = network, case, conduct
        self.net = network.begun(case, parameters)
        self.first, self.taken = parameters, list[Batch]()
        self.patterns, self.freely = patterns, freely
        self.after: dict[str, Array] = {}

    def step(self, batch: Batch) -> Observation:
        """Take one step and show what can be seen of it."""
        with quiet():
            seen, found = self._step(batch), self.conduct
        return replace(
            seen, findings=(*seen.findings, *found.findings), notes=(*seen.notes, *found.notes)
        )

    def move(self, batch: Batch) -> dict[str, Array]:
        """Take one step and show the parameters after it, nothing else."""
        case, network = self.case, self.network
        with quiet():
            network.update(self.net, batch, (case.eta, case.lmbda, case.n), case)
            return {name: np.array(array) for name, array in network.inwards(self.net).items()}

    def _step(self, batch: Batch) -> Observation:
        network, case, start = self.network, self.case, self._start()
        if self.freely and network.unfit:
            return Observation({}, findings=network.unfit)
        if self.freely and self._goes_on(start, batch):
            return Observation(self._judged(self.after))
        own, pair = backprop_findings(network, case, start, batch.columns((0,)))
        findings = (*own, *network.unfit)
        other = misshapen(pair, start)
        if network.unfit or other:
            # No update can be made of gradients of other shapes either: they are the failure.
            shown = {**means(returned(network, case, start, batch), case.dtype), **other}
            lines = self.patterns.lines(case, batch.m, backprop_run)
            return Observation(shown, lines, findings=findings)
        after = self.after if self.freely else self._taken(start, batch)
        made, note = self._traced(start, batch, after)
        taken = Taken(start, batch, partial(returned, network, case, start, batch), after)
        if made is not None and leaves_its_parameters(findings, "backprop"):
            # Else of samples after the first no equation is what it was.
            taken = replace(taken, traced=self.patterns.found(case, made))
        return self._observed(taken, findings, note)

    def _observed(self, taken: Taken, findings: tuple[Finding, ...], note: str) -> Observation:
        """What is seen of a step; the note says why it was not traced."""
        shown, traced = self._gathered(taken), taken.traced
        other = self._other(taken, shown)
        shown |= self._judged(taken.after)
        shown = {**velocities(self.case, taken.start, taken.after), **shown}
        if self.case.lmbda and not self.network.decays:
            of_decay = [each for each in STATE if each.endswith("_w")]
            shown = {name: e for name, e in shown.items() if split(name)[0] not in of_decay}
        output = self._output(taken, shown)
        cost = own_cost(self.network, self.case, taken.start, output, taken.batch)
        shown |= {} if cost.value is None else {"cost": cost.value}
        forward = self._feedforward(taken, shown)
        passes = {SHOWN: self._on_balls(taken, output), FORWARD: forward[2], RETURNED: other[2]}
        refused = self.patterns.refused
        notes = (note, cost.note, f"{PARTLY_REFUSED}: {refused}" if refused else "")
        return Observation(
            shown,
            self._lines(taken, cost),
            *forward[:2],
            *other[:2],
            findings=findings,
            notes=tuple(filter(None, notes)),
            on_balls={name: each for name, each in passes.items() if each is not None},
            own_numbers=traced is None or traced.blind or traced.pattern.own,
            traces=() if traced is None else (traced.made.trace,),
        )

    def _lines(self, taken: Taken, cost: OwnCost) -> Where:
        """Where the quantities of a step are computed; a ∇ at last where backprop computes it."""
        case, traced = self.case, taken.traced
        returned_lines = self.patterns.lines(case, M, backprop_run)  # of samples alone

        def where(name: str, index: tuple[int, ...]) -> tuple[Frame, ...]:
            if name == "cost":
                return cost.frames()
            if traced is None:
                return self._line_left(taken, name)
            if split(name)[0] in STATE and name not in traced.pattern.roles.found:
                name = name[2:]  # it is seen by the parameter that it moves
            here = traced.of(name)
            frames = here.frames(name, index)
            if len(frames) == 1 and name in self.patterns.uses_returned(case, traced.pattern):
                computed = here.wrong(name) and name not in here.roles.nothing
                found = returned_lines(name, index) if computed else ()
                frames = found or frames  # it is wrong before the update takes it
            if frames or split(name)[0] not in ("delta", "nabla_b", "nabla_w"):
                return frames or self._line_left(taken, name)
            return returned_lines(name.replace("delta", "nabla_b"), index)  # which is δ of a sample

        return where

    def _line_left(self, taken: Taken, name: str) -> tuple[Frame, ...]:
        """The line after which a parameter is what the update leaves: what made it is not known.

        None of a step that is too long to be traced: line by line it is longer.
        """
        if name not in taken.after or self.case.id in self.patterns.long:
            return ()
        args = taken.start, taken.batch, name, taken.after[name]
        with quiet():
            return line_of_update(self.network, self.case, *args)

    def _gathered(self, taken: Taken) -> dict[str, Observed]:
        """What the update shows; a ∇ of nothing is 0."""
        if taken.traced is None:
            return {}
        nothing = taken.traced.pattern.roles.nothing
        return {
            **taken.traced.shown(),
            **{name: self._zeros(name, taken.batch) for name in nothing},
        }

    def _output(self, taken: Taken, shown: Mapping[str, Observed]) -> Array:
        """a^L as the update has it, or as feedforward gives it."""
        inside = shown.get(f"a{self.case.layers}")
        if isinstance(inside, np.ndarray):
            return inside
        return self.network.outputs(self.case, taken.start, taken.batch)

    def _on_balls(self, taken: Taken, output: Array) -> OnBalls | None:
        """What decides the quantities of the update; a large one asks a smaller run first."""
        if taken.traced is None:
            return None
        return taken.traced.on_balls(elsewhere=self._elsewhere(taken.traced.found, taken, output))

    def _zeros(self, name: str, batch: Batch) -> Array:
        row = self.case.rows[name]
        return np.zeros(row.shape(self.case.sizes, batch.m), dtype=self.case.type)

    def _taken(self, start: Parameters, batch: Batch) -> dict[str, Array]:
        """The parameters after a step of the network in training, which starts from these."""
        if len(self.taken) == REPEATED:
            self.first, self.taken = start, []
        self.after = self.move(batch)
        self.taken.append(batch)
        return self.after

    def _start(self) -> Parameters:
        """The parameters that it has, floats wider than float64 rounded."""
        try:
            return Parameters.of(self.network.inwards(self.net)).map(lambda w: rounded(np.array(w)))
        except (ValueError, KeyError) as error:
            raise SubjectError(
                f"{self.network.name} in {self.case.id}: the parameters it left make no network: "
                f"{error}"
            ) from error

    def _goes_on(self, start: Parameters, batch: Batch) -> bool:
        """Whether a step goes where it would go from a fresh network, nothing being kept."""
        fresh = TracedSession(self.network, self.patterns, self.case, start)
        left, after = fresh.move(batch), self._taken(start, batch)
        return all_same(after, left)

    def _judged(self, after: dict[str, Array]) -> dict[str, Observed]:
        """The parameters that can be judged: without the decay that the network does not know."""
        if self.network.rule.other is not None:
            return {}
        decays = self.network.decays or not self.case.lmbda
        return {name: each for name, each in after.items() if decays or name[0] != "w"}

    def _traced(
        self, start: Parameters, batch: Batch, after: Mapping[str, Array]
    ) -> tuple[Stepped | None, str]:
        """The update, traced, if it leaves what it left without us; else why not."""
        long = self.patterns.long
        for first, earlier in ((start, []), (self.first, self.taken[:-1])):
            try:
                known = self.case.id in long
                made = None if known else short_run(self.network, self.case, first, batch, *earlier)
            except Exception as error:  # noqa: BLE001 - a program may refuse traced arrays in any way
                return None, f"{REFUSED}: {headline(error)}"
            if made is None:
                long.add(self.case.id)
                return None, TOO_LONG
            # Python's sum() adds floats to more digits than numbers that are traced.
            close = float(np.finfo(self.case.type).eps) * max(self.case.sizes) * batch.m
            if all(
                same(made.left[name], each) or alike(made.left[name], each, close)
                for name, each in after.items()
            ):
                return made, ""
        return None, OTHERWISE

    def _other(
        self, taken: Taken, shown: dict[str, Observed]
    ) -> tuple[dict[str, Observed], Where, OnBalls | None]:
        """What backprop returns, where the update uses something else; else it is what is shown."""
        case = self.case
        if taken.traced is None or taken.traced.blind:
            parts = taken.parts()
            shown |= means_apart(parts, case, taken.start, taken.batch)
            shown |= errors(parts) if self.patterns.returns_errors(case) else {}
            return {}, nowhere, None
        used = self.patterns.uses_returned(case, taken.traced.pattern)
        if all(f"nabla_{name}" in used & shown.keys() for name, _ in taken.start.named()):
            return {}, nowhere, None
        whole = means(taken.parts(), case.dtype)
        shown |= {name: m for name, m in whole.items() if name in used and name not in shown}
        other: dict[str, Observed] = {name: m for name, m in whole.items() if name not in used}
        if not other:
            return {}, nowhere, None
        found, frames, exactness = self.patterns.seen(case, taken.start, taken.batch, backprop_run)
        return {**found, **other}, frames, exactness

    def _feedforward(
        self, taken: Taken, shown: Mapping[str, Observed]
    ) -> tuple[dict[str, Observed], Where, OnBalls | None]:
        """z and a of feedforward, if its output is not that of the update's own pass."""
        case, name = self.case, f"a{self.case.layers}"
        if self.network.mask or not leaves_its_parameters(self.conduct.findings):
            return {}, nowhere, None  # with dropout it is the network at test
        output = self.network.outputs(case, taken.start, taken.batch)
        inside = shown.get(name)
        if inside is None or taken.traced is None:
            return {name: output}, nowhere, None
        seen = inside.value if isinstance(inside, RunningError) else inside
        if np.array_equal(seen, output, equal_nan=True):
            return {}, nowhere, None
        found, frames, exactness = self.patterns.seen(case, taken.start, taken.batch, forward_run)
        return {**found, name: output}, frames, exactness

    def _elsewhere(
        self, found: Mapping[str, Location], taken: Taken, output: Array
    ) -> dict[str, Elsewhere]:
        """What decides on balls what is not in the update: C, and the ∇ that backprop returns."""
        case, patterns = self.case, self.patterns
        start, batch = taken.start, taken.batch
        used: frozenset[str] = frozenset()
        if taken.traced is not None:
            used = patterns.uses_returned(case, taken.traced.pattern) - found.keys()

        @cache
        def nablas() -> OnBalls | None:
            return patterns.seen(case, start, batch, backprop_run)[2]

        @cache
        def cost() -> OnBalls | None:
            return patterns.tried(lambda: cost_on_balls(self.network, case, output, batch), None)

        return {"cost": cost, **dict.fromkeys(used, nablas)}


def velocities(case: Case, start: Parameters, after: Mapping[str, Array]) -> dict[str, Observed]:
    """The velocities by which momentum moved the parameters, with the bounds of telling so."""
    if case.update != "momentum":
        return {}
    found: dict[str, Observed] = {}
    for name, before in start.named():
        if name in after and after[name].shape == before.shape:
            new, old = (lifted(each, case) for each in (after[name], before))
            found[f"v_{name}"] = new.widened(1, 0) - old
    return found
