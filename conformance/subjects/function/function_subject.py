"""A function `step(weights, biases, x, y, eta) -> dict` as a subject: anything plugs in so.

It shows as many quantities as it likes, by their names (`z2`, `delta3`, `nabla_w2`, …); the others,
and its lines, are found in its trace. How it lays out and scales them is recognised once, on a
trial. Left out: names that it spells in another way.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.errors import UsageError
from conformance.model.functions import COSTS as TABLE
from conformance.model.functions import SAID, SIGMOID, UNKNOWN, families
from conformance.subjects import Reading, Subject
from conformance.subjects.book.family import OF_FAMILIES, activations_in
from conformance.subjects.function.function_conventions import CalledFunction, Quantities
from conformance.subjects.function.traced import FunctionTrace, TracedFunction, function_run
from conformance.subjects.function.trial import recognised
from conformance.subjects.generic import trial_case
from conformance.subjects.near import all_same
from conformance.subjects.observation import SHOWN, Observation, rounded
from conformance.subjects.pattern import M, Patterns
from conformance.subjects.readings import other_reading
from conformance.verdict.compare import recorded_truth
from conformance.verdict.deviation import compare, malformed
from conformance.verdict.finding import Kind, finding
from reference.equations import COSTS
from reference.step import Array, Batch, Parameters, split


def _activations(family: tuple[str, str]) -> Iterator[str]:
    """What is said of activations that are not all sigmoids."""
    if set(family) != {SIGMOID}:
        hidden, output = (SAID.get(each, each) for each in family)
        yield f"{hidden} in the hidden layers, {output} at the output"


def function_subject(
    function: Callable[..., Any],
    name: str,
    cost: str | None = None,
    family: tuple[str, str] | None = None,
) -> Subject:
    """The subject of a function that takes one step; its conventions are recognised on a trial.

    Args:
        function: called as `function(weights, biases, x, y, eta)` with copies: lists of
            (n_l, n_{l-1}) and (n_l, 1), x (n_1, m), y (n_L, m), η; and with `lmbda`, `n`, `cost`
            as keywords where it names them. It gives a dict of arrays or nested lists.
        name: for messages.
        cost: the one that it has; if not given and not chosen by keyword, the one that its `cost`
            equals, else quadratic.
        family: the activations of hidden layers and output that it is meant to have, if not those
            that it is seen to have; sigmoids if they are not known.

    Raises:
        UsageError: there is no such cost.
        SubjectError: what it returns is no dict of numbers.
    """
    if cost not in (None, *COSTS):
        raise UsageError(f"cost {cost!r}: give {' or '.join(COSTS)}")
    called = CalledFunction(function, name)
    trials = recognised(called, cost, given=cost is not None or "cost" in called.taken)
    found = trials.conventions
    program = TracedFunction(called, found)
    patterns = Patterns(program, function_run)
    meant, family = family, family or _family(patterns)
    goes = tuple(each for each in COSTS if family[1] in TABLE[each].outputs)
    own = (found.cost if found.cost in goes else goes[0],)
    said = found.said() if trials.moves else (*found.said(), "shows no new parameters: no free run")
    start = partial(FunctionSession, program, patterns)
    return Subject(
        name,
        start,
        partial(start, freely=True),
        conventions=(*said, *_activations(family)),
        costs=goes if cost is None and "cost" in called.taken else own,
        dtypes=found.dtypes,
        decays=called.decays,
        stops=trials.stops,
        family=family,
        is_right=partial(is_right, program, {}),
        otherwise=None if cost or meant else _otherwise(program, family, own[0]),
        goes_back=False,
        returns_parameters=trials.moves,
    )


def is_right(
    program: TracedFunction, known: dict[tuple[str, int], set[str]], recorded: Recorded
) -> bool:
    """Whether what a function shows is right in each step of a case, run as it is.

    Args:
        program: the function and its conventions.
        known: gets what it showed of each step when it was asked first: it has to show the same.
        recorded: the case.

    Raises:
        SubjectError: it stops, or shows no numbers.
    """
    called, c, case = program.called, program.conventions, recorded.case
    for t, step in enumerate(recorded.steps):
        returned, _ = called.raw(c, case, step.parameters, step.batch)
        shown = c.ours(called.numbers(returned, case.type), step.batch.m)
        truth = recorded_truth(recorded, t)
        if known.setdefault((case.id, t), {*shown}) != shown.keys():
            return False
        for name, array in shown.items():
            judged = name in truth and (program.decays or not case.lmbda or split(name)[0] != "w")
            if judged and compare(array, truth[name], case.format).problem:
                return False
    return True


def _otherwise(
    program: TracedFunction, family: tuple[str, str], cost: str
) -> Callable[[], Reading | None]:
    """What gives the reading in which a change of one line makes a function right."""
    costs = [cost] if "cost" in program.called.taken else [*COSTS]
    test, own = partial(is_right, program, {}), Reading(family, cost)
    return partial(other_reading, test, own, costs, program.conventions.dtypes[-1])


def _family(patterns: Patterns) -> tuple[str, str]:
    """The activations of hidden layers and output, as far as they are seen in a traced step."""
    for sizes in ((4, 3, 5), (4, 3, 5, 6), (4, 3)):
        case = trial_case(sizes, "quadratic")
        try:
            run = patterns.pattern(case, M, function_run)
        except Exception:  # noqa: BLE001, S112 - it may take other sizes, or no traced arrays
            continue
        if run is None:
            continue
        found = activations_in(run, len(sizes))
        family = found[0] if found[:-1] else SIGMOID, found[-1]
        known = family in families() or (found[0] == UNKNOWN and found[-1] in OF_FAMILIES)
        return family if len(set(found[:-1])) < 2 and known else (SIGMOID, SIGMOID)  # noqa: PLR2004
    return SIGMOID, SIGMOID


class FunctionSession:
    """A function in training: it is given the parameters that it returned."""

    def __init__(
        self,
        program: TracedFunction,
        patterns: Patterns,
        case: Case,
        parameters: Parameters,
        *,
        freely: bool = False,
    ) -> None:
        """Start from the parameters of a case.

        Args:
            program: the function and its conventions.
            patterns: where the quantities are in its runs.
            case: for sizes, cost and rates.
            parameters: from which it starts.
            freely: whether only what it returns is shown.
        """
        self.program, self.patterns, self.freely = program, patterns, freely
        self.case, self.parameters = case, parameters
        self.first = True

    def step(self, batch: Batch) -> Observation:
        """Take one step and show what the function shows and computes, in our conventions."""
        shown, after = self._call(batch)
        findings = [
            finding(Kind.OVERWRITTEN, method="it", what=f"its {each}")
            for each in ("x", "y")
            if not np.array_equal(getattr(after, each), getattr(batch, each))
        ]
        again = self._call(batch)[0] if self.first else shown
        if again.keys() != shown.keys() or not all_same(shown, again):
            findings.append(finding(Kind.UNREPEATABLE, method="function"))
        self.first = False
        traced = FunctionTrace(
            self.program, self.patterns, self.case, (self.parameters, batch), shown
        )
        self.parameters = _after(shown, self.parameters)
        unnamed = {} if self.freely else traced.unnamed()
        if self.case.lmbda and not self.program.decays:
            shown = {key: array for key, array in shown.items() if split(key)[0] != "w"}
        return Observation(
            unnamed | shown,
            traced.where,
            findings=tuple(findings),
            notes=traced.notes,
            on_balls={SHOWN: traced.on_balls()},
        )

    def _call(self, batch: Batch) -> tuple[Quantities, Batch]:
        called, c = self.program.called, self.program.conventions
        returned, after = called.raw(c, self.case, self.parameters, batch)
        return c.ours(called.numbers(returned, self.case.type), batch.m), after


def _after(shown: Quantities, before: Parameters) -> Parameters:
    """The parameters that a function returned, those before the step where it returned none."""

    def own(name: str, array: Array) -> Array:
        seen = rounded(shown.get(name))
        if seen is None or malformed(seen, array.shape, array.dtype):
            return array
        return np.asarray(seen) if np.isfinite(seen).all() else array

    return Parameters.of({name: own(name, array) for name, array in before.named()})
