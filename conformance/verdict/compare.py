"""From what a subject shows to a verdict on each quantity of a step, in causal order.

Two questions are asked of each quantity. *Local*: does it follow from the subject's own inputs to
its equation? This blames. *Truth*: is it the recorded value (or, in a free run, where any correct
implementation must be by now)? What is wrong against the truth but right given its inputs is
explained by what went wrong before it.

In few bits rounding may be as large as what would have to be seen. A quantity is undecided if its
tolerance is not less than the quantity itself, or, of what an update changes, than the change, in
every entry: nothing at all would pass as well. So many bits would decide it in a format of the same
range.

Left out: where the truth and the tolerances come from (`oracle.py`, `corpus`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

import numpy as np

from conformance.arithmetic.formats import FLOATS, Format
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.model.row import Row
from conformance.tracing.frames import Frame
from conformance.verdict.apart import Exactness, LostDigits
from conformance.verdict.deviation import Observed, Target, Worst, compare
from conformance.verdict.finding import Finding
from conformance.verdict.oracle import Standing, expectations, lifted, standing, usable
from reference.step import Array, Batch, Parameters, split
from reference.updates import OLD

ENOUGH = FLOATS["float64"].bits
"""Bits that are tried, at most."""


@dataclass(frozen=True)
class _Longer(Case):
    """A case in a format of more bits, and of the same largest number."""

    more: int = 0

    @property
    def format(self) -> Format:
        """The format of every number of the case."""
        short = super().format
        return replace(short, bits=short.bits + self.more, lowest=short.lowest - self.more)


def undecided(here: Standing, names: Collection[str]) -> list[str]:
    """Those quantities that are undecided, given what was shown before them."""
    return [name for name in names if not _decided(here, name)]


def bits_needed(
    case: Case,
    start: tuple[Parameters, Batch],
    shown: Mapping[str, Observed],
    names: Collection[str],
) -> dict[str, int]:
    """How many bits decide each of some quantities that are undecided; 0 if `ENOUGH` do not.

    Args:
        case: in its format.
        start: the parameters at which the step starts, and the mini-batch.
        shown: what later equations start from.
        names: of the quantities.
    """
    own: dict[str, Any] = {each.name: getattr(case, each.name) for each in fields(Case)}
    known: dict[int, Standing] = {}

    def decided(bits: int, name: str) -> bool:
        if bits not in known:
            longer = _Longer(**own, more=bits - case.format.bits)
            known[bits] = standing(longer, *start, shown)
        return _decided(known[bits], name)

    needed = {}
    for name in names:
        few, enough = case.format.bits, ENOUGH
        while enough - few > 1:
            middle = (few + enough) // 2
            few, enough = (few, middle) if decided(middle, name) else (middle, enough)
        needed[name] = enough if enough < ENOUGH else 0
    return needed


def _decided(here: Standing, name: str) -> bool:
    """Whether one entry at least is further from nothing than rounding may take it."""
    known = here.given.get(f"{OLD}{name}", here.given.get(name))
    expected = here.expected[name]
    before = 0.0 if known is None else np.asarray(known.value, np.float64)
    with np.errstate(all="ignore"):
        size = abs(np.asarray(expected.value, np.float64) - before)
    tolerance = np.broadcast_to(expected.tolerance(), size.shape)
    uncertain = (tolerance > 0) & ~(size == 0)
    return not uncertain.any() or bool(np.any(uncertain & (tolerance < size)))


RESTARTED, FORWARD, FREE = "restarted", "feedforward", "free run"
RETURNED = "returned"

SUBJECT, RECORD, EQUATION = "the subject", "the recorded file", "reference/equations.py"
UNDECIDED = f"{EQUATION} or {RECORD}"
"""Who may be wrong."""

NONE = "no bound can be given"

COUNT = "t"
"""The number of the step, which nobody shows and nobody is told to look for."""


class Status(StrEnum):
    """What is said of one quantity."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    EXPLAINED = "explained"
    NOT_OBSERVED = "not observed"
    LOST = "lost digits"  # the right formula: it is exactly right on balls
    UNDECIDED = "undecided"  # in a short format, whose rounding may be as large as the quantity
    ERROR = "error"


@dataclass(frozen=True)
class Verdict:
    """What is said of one quantity of one step."""

    case: str
    step: int
    mode: str
    name: str
    status: Status
    problem: str = ""
    worst: Worst | None = None
    explained_by: str = ""
    hidden: tuple[str, ...] = ()  # what is not shown before it, whose equations may be to blame
    frames: tuple[Frame, ...] = ()  # the subject's lines, the innermost first
    doubted: bool = False  # the record itself does not follow the equation of the judge
    who: str = SUBJECT  # is wrong, if it is a failure
    on_balls: Exactness | None = None  # what a failure in floats is on balls, where that was asked
    lost: LostDigits | None = None  # what became of the digits of what is exactly right
    finding: Finding | None = None  # what is wrong beside the equations; then it has no name
    bits: int = 0  # that it would take to decide what is undecided; 0 if that is not known
    from_truth: bool = False  # right given what is shown before it, and wrong all the same

    @property
    def failed(self) -> bool:
        """Whether it fails the subject: it is wrong, or has not kept half of its digits."""
        return self.status is Status.FAIL or (self.lost is not None and self.lost.badly)


def judge(
    case: Case,
    where: tuple[int, str],
    start: tuple[Parameters, Batch],
    truth: Mapping[str, Target],
    shown: Mapping[str, Observed],
    inherited: str = "",
    here: Standing | None = None,
) -> list[Verdict]:
    """The verdicts on one step.

    Args:
        case: cost, rates, sizes and dtype.
        where: the step's number and mode, for the verdicts.
        start: the parameters from which the subject started, and the mini-batch.
        truth: the target of each quantity, in causal order.
        shown: the quantities that the subject shows.
        inherited: the failure of an earlier step that reaches this one through the parameters.
        here: `standing` of what is usable of it, if that is known.
    """
    used = usable(case, start[1].m, shown)
    if here is None:
        here = Standing.before(case, *start, used)
        here.walk(_leading_to(shown, case))
    judged = _Judged(here, truth, shown, frozenset(used), inherited)
    verdicts = [judged.verdict(row, where) for row in case.rows.values()]
    verdicts = [_without(judged.cleared, verdict) for verdict in verdicts]
    return _undecided(verdicts, here, start) if case.format.short else verdicts


@dataclass
class _Judged:
    """What is known of the quantities that were judged, in causal order."""

    here: Standing
    truth: Mapping[str, Target]
    shown: Mapping[str, Observed]
    used: frozenset[str]
    inherited: str
    cleared: set[str] = field(default_factory=set)  # hidden, and what was shown of them is right
    tainted: dict[str, str] = field(default_factory=dict)  # a quantity: the failure that reaches it

    def verdict(self, row: Row, where: tuple[int, str]) -> Verdict:
        """The verdict on the next quantity."""
        name, case = row.name, self.here.case
        status, reached, found = self._status(row)
        explained_by = reached if status is Status.EXPLAINED else ""
        between = _hidden(row, case, self.shown) if status in (Status.PASS, Status.FAIL) else ()
        if status is Status.PASS:  # it is made of them, so they are right
            self.cleared.update(between)
        hidden = between if status is Status.FAIL else ()
        if status is Status.FAIL:
            self.tainted[name] = name
        elif reached and (status is not Status.PASS or name not in self.used):
            self.tainted[name] = reached
        return Verdict(
            case.id, *where, name, status, explained_by=explained_by, hidden=hidden, **found
        )

    def _status(self, row: Row) -> tuple[Status, str, dict[str, Any]]:
        """The status, the failure that reaches it, and the fields of a verdict that say why."""
        name, case = row.name, self.here.case
        reached = next((self.tainted[i] for i in row.made if i in self.tainted), self.inherited)
        if name not in self.shown:
            return Status.NOT_OBSERVED, reached, {}
        blind = any(i in self.shown and i not in self.used for i in row.made)
        targets = Target.of(self.here.expected[name]), self.truth[name]
        status, found = _judged(self.shown[name], targets, case, (bool(reached), blind))
        activation = f"a{split(name)[1]}"
        if status is Status.FAIL and self.tainted.get(activation) == activation:
            other = self.here.by_own_activation(row)
            if other and not compare(self.shown[name], Target.of(other), case.format).problem:
                return Status.EXPLAINED, activation, found
        return status, reached, found


def _undecided(
    verdicts: list[Verdict], here: Standing, start: tuple[Parameters, Batch]
) -> list[Verdict]:
    """The verdicts, without those passes that the format could not have refused."""
    shown = [each.name for each in verdicts if each.status is Status.PASS or each.problem == NONE]
    needed = bits_needed(here.case, start, here.shown, undecided(here, shown))
    return [
        replace(each, status=Status.UNDECIDED, problem="", bits=needed[each.name])
        if each.name in needed
        else each
        for each in verdicts
    ]


def _without(cleared: Collection[str], verdict: Verdict) -> Verdict:
    """The verdict without those hidden quantities that another, perhaps a later, shows right."""
    left = tuple(each for each in verdict.hidden if each not in cleared)
    return replace(verdict, hidden=left) if len(left) < len(verdict.hidden) else verdict


def _leading_to(names: Collection[str], case: Case) -> list[Row]:
    """The rows of some quantities, and of all that these are computed from."""
    wanted = set(names)
    for row in reversed([*case.rows.values()]):
        if row.name in wanted:
            wanted.update(row.made)
    return [row for row in case.rows.values() if row.name in wanted]


def _hidden(of: Row, case: Case, shown: Mapping[str, Any]) -> tuple[str, ...]:
    """The quantities between this one and what is shown before it; f′ may be made of an a."""
    if all(each in shown for each in of.made):
        return ()
    before = {of.name}
    for row in reversed([*case.rows.values()]):
        if row.name in before:
            made = row.made if row.of_own is None else (*row.made, f"a{row.layer}")
            before.update(each for each in made if each not in shown)
    return tuple(each for each in case.rows if each in before - {of.name, COUNT})


def _judged(
    shown: object, targets: tuple[Target, Target], case: Case, upstream: tuple[bool, bool]
) -> tuple[Status, dict[str, Any]]:
    """The status of what was shown, and the fields of a verdict that say why."""
    explained, blind = upstream  # is something before it wrong; so wrong that nothing follows
    by_inputs, by_truth = (compare(shown, target, case.format) for target in targets)
    if by_inputs.problem and not blind:
        return Status.FAIL, {"problem": by_inputs.problem, "worst": by_inputs.worst}
    if by_truth.problem:
        status = Status.EXPLAINED if explained else Status.FAIL
        told = {"problem": by_truth.problem, "worst": by_truth.worst}
        return status, {**told, "from_truth": not explained}
    if not any(target.bounded for target in targets):
        return Status.NOT_OBSERVED, {"problem": NONE}
    found = (each.deviation for each in (by_inputs, by_truth) if each.deviation is not None)
    return Status.PASS, {"worst": max(found, key=lambda each: each.ratio.max()).worst}


def recorded_truth(recorded: Recorded, t: int) -> dict[str, Target]:
    """The targets of a step that starts at the recorded parameters."""
    step = recorded.steps[t]
    return {name: Target(array, step.bound[name]) for name, array in step.expected.items()}


@lru_cache(maxsize=64)  # every subject of the suite, and every known mistake, asks for it
def free_run_truth(recorded: Recorded) -> tuple[dict[str, Target], ...]:
    """The targets of each step of a run on one's own parameters; tolerances grow on the way."""
    case = recorded.case
    parameters = recorded.steps[0].parameters
    targets = []
    for step in recorded.steps:
        expected = expectations(case, parameters, step.batch)
        targets.append({name: Target.of(each) for name, each in expected.items()})
        parameters = Parameters.of(cast("dict[str, Array]", expected))
    return tuple(targets)


def parameters_after(here: Standing, start: Parameters) -> Parameters:
    """The parameters after a step from others, as the subject showed them.

    What it hides follows from what it does show, and carries the bound of that. In a short format
    what it shows may be a rounding of what it keeps, as with weights in float32.
    """
    case, after = here.case, {**here.expected, **here.shown}
    left: dict[str, Any] = {name: after[name] for name in (*dict(start.named()), *start.state)}
    if case.format.short:
        left = {name: lifted(each, case).widened(1, 1, zeros=True) for name, each in left.items()}
    return Parameters.of(left)


def doubtful(case: Case, verdict: Verdict) -> str:
    """Which other equations the same numbers may come from, since quantities are hidden."""
    tags = {case.rows[name].tag: None for name in verdict.hidden}
    return f"or {' or '.join(tags)}: {', '.join(verdict.hidden)} cannot be seen"
