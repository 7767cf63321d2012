"""A worked example as data: every equation of one step, its numbers, and what a subject said.

The numbers are proved in ball arithmetic and correctly rounded to float64: the truth, or what
follows at each equation from what a subject showed before it. A value that `MOST_BITS` bits do not
tell from the midpoint of two floats is printed as one of the two, also where it may be no tie
(`balls.tells_ties`). Left out: how the formulas are written (`formulas.py`) and laid out
(`step_lines.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.arithmetic.balls import balls, rounded, until_decided
from conformance.arithmetic.exact import to_balls
from conformance.corpus.case import Case
from conformance.explain.formulas import NBSP, Numbers, Operand, operands, symbol, text, word
from conformance.explain.mistakes_to_explain import FailingCase
from conformance.model.formula import has_prime, prime_tree, tree
from conformance.model.row import Row, of_batch
from conformance.verdict.compare import RESTARTED, Status, Verdict, doubtful
from conformance.verdict.deviation import malformed, plain
from conformance.verdict.oracle import exact_expectations, expectations
from reference.step import Array, Batch, Parameters, split
from reference.updates import OLD

WRONG = (Status.FAIL, Status.EXPLAINED)
FULL = 160  # entries of a step up to which all of them are written


@dataclass(frozen=True)
class Line:
    """One entry of one quantity.

    Attributes:
        tag: of its equation, such as BP2; empty for σ′, which is a part of BP1 and BP2.
        name: of the quantity, such as `delta2`.
        index: of the entry.
        symbol: the entry as it is written, such as `δ2[0,1]`.
        formula: the right side of the equation, in symbols.
        numbers: the same with numbers put in.
        operands: those numbers.
        result: what is right, from these numbers.
        shape: of the whole quantity, where one entry stands for all; else empty.
        yours: what the subject showed, or None.
        status: of this entry.
        remark: what explains it, from which wrong numbers it follows, what else may be to blame; or
            what is wrong with its shape.
    """

    tag: str
    name: str
    index: tuple[int, ...]
    symbol: str
    formula: str
    numbers: str
    operands: tuple[Operand, ...]
    result: float
    shape: tuple[int, ...] = ()
    yours: float | None = None
    status: Status = Status.NOT_OBSERVED
    remark: str = ""


@dataclass(frozen=True)
class Worked:
    """A worked example.

    Attributes:
        case: sizes, cost and rates.
        step: which step of the case, counted from 0.
        mode: "free run" if the parameters are those that the subject came to by itself;
            "feedforward" if z and a of a pass of its own are wrong; else empty.
        given: `x`, `y`, `b2`, `w2` … before the step, by their names.
        lines: in causal order.
    """

    case: Case
    step: int
    mode: str
    given: dict[str, Array]
    lines: tuple[Line, ...]


def worked_step(case: Case, start: Parameters, batch: Batch) -> Worked:
    """The worked example of the first step of the reference."""
    numbers, right = _exactly(case, start, batch)
    lines = _lines(right, dict.fromkeys(right, numbers), _Seen(case, {}, {}, {}))
    return Worked(case, 0, "", _given(start, batch), tuple(lines))


def worked(failing: FailingCase) -> Worked:
    """The worked example of the step at which a subject fails.

    What it got wrong stands beside what follows from its own numbers; what is wrong because of
    that, beside the truth.
    """
    case, failure, evidence = failing.case, failing.failure, failing.evidence
    start, batch = evidence.start.map(plain), evidence.batch
    shown = {name: plain(each) for name, each in evidence.shown.items()}
    truth = _exactly(case, start, batch)
    own = _exactly(case, start, batch, {name: shown[name] for name in evidence.usable})
    with np.errstate(all="ignore"):  # what is usable may still overflow
        bounds = expectations(case, start, batch), evidence.standing.expected
    numbers, right, tolerance = {}, {}, {}
    for name in truth[1]:
        local = failing.local(name)
        numbers[name], results = own if local else truth
        right[name], tolerance[name] = results[name], bounds[local][name].tolerance()
    lines = _lines(right, numbers, _Seen(case, shown, failing.verdicts, tolerance))
    mode = "" if failure.mode == RESTARTED else failure.mode
    return Worked(case, failure.step, mode, _given(start, batch), tuple(lines))


def _given(start: Parameters, batch: Batch) -> dict[str, Array]:
    return {**of_batch(batch), **dict(start.named()), **start.state}


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a subject showed of a step, and what was said of it."""

    case: Case
    shown: Mapping[str, Array]
    verdicts: Mapping[str, Verdict]
    tolerance: Mapping[str, Array]

    def example(self, name: str, right: Mapping[str, Array]) -> tuple[int, ...]:
        """The entry that stands for a large quantity: the worst if it is wrong, else the first.

        Of weights and their gradient it is the one of the first row that moves most.
        """
        verdict = self.verdicts.get(name)
        if verdict is not None and verdict.worst is not None and verdict.problem:
            return verdict.worst.index
        quantity, layer = split(name)
        if quantity in ("w", "nabla_w"):
            return (0, int(np.argmax(abs(right[f"nabla_w{layer}"][0]))))
        return (0,) * right[name].ndim

    def said(self, name: str, index: tuple[int, ...], right: Array) -> dict[str, Any]:
        """The fields of a line that tell of the subject."""
        verdict = self.verdicts.get(name)
        if verdict is None or name not in self.shown:
            return {}
        problem = malformed(self.shown[name], right.shape, self.case.type)
        if problem:
            return {} if any(index) else {"status": verdict.status, "remark": problem}
        yours = float(self.shown[name][index])
        close = abs(yours - right[index]) <= self.tolerance[name][index]
        if close or not verdict.problem:
            return {"yours": yours, "status": Status.PASS}
        return {"yours": yours, "status": verdict.status, "remark": self._remark(verdict)}

    def _remark(self, verdict: Verdict) -> str:
        """What explains a quantity, or from what it is wrong."""
        if verdict.explained_by:
            return f"explained by {word(verdict.explained_by)}"
        told = {name for name, each in self.verdicts.items() if each.status in WRONG}
        names = [each for each in self.case.rows[verdict.name].made if each in told]
        notes = [f"from your {', '.join(map(word, names))}"] if names else []
        notes += [doubtful(self.case, verdict)] if verdict.hidden else []
        return f"({'; '.join(notes)})" if notes else ""


def _lines(
    right: Mapping[str, Array], entering: Mapping[str, Numbers], seen: _Seen
) -> Iterator[Line]:
    whole = sum(array.size for array in right.values()) <= FULL
    for name, row in seen.case.rows.items():
        array, numbers = right[name], entering[name]
        indices = [seen.example(name, right)] if not whole else np.ndindex(array.shape)
        for index in indices:
            if has_prime(row):
                yield _prime(row, index, numbers)
            pieces = numbers.formula(tree(row), index)
            yield Line(
                row.tag,
                name,
                index,
                symbol(name, array.shape, index),
                _symbols(row, index, numbers),
                text(pieces, symbols=False),
                operands(pieces),
                float(array[index]),
                () if whole or array.size == 1 else array.shape,
                **seen.said(name, index, array),
            )


def _symbols(row: Row, index: tuple[int, ...], numbers: Numbers) -> str:
    """The formula in symbols; an activation is written out where its number stands."""
    if row.tag == "A":
        factors = (f"f{row.layer}", *row.inputs[1:])
        return NBSP.join(numbers.operand(each, index).symbol for each in factors)
    return text(numbers.formula(tree(row), index))


def _prime(row: Row, index: tuple[int, ...], numbers: Numbers) -> Line:
    """The line of f′(z) before the δ that it enters."""
    name = f"prime{row.layer}"
    pieces, prime = numbers.formula(prime_tree(row), index), numbers.operand(name, index)
    written = text(pieces), text(pieces, symbols=False)
    return Line("", name, index, prime.symbol, *written, operands(pieces), prime.value)


def _exactly(
    case: Case, start: Parameters, batch: Batch, shown: Mapping[str, Array] | None = None
) -> tuple[Numbers, dict[str, Array]]:
    """What enters the equations of a step, and what they give.

    Args:
        case: cost, rates and sizes.
        start: the parameters before the step.
        batch: the mini-batch.
        shown: finite quantities that take the place of what was computed, for later equations.

    Returns:
        What enters, and what is right, by the names of the quantities.
    """
    seen = {name: balls(array) for name, array in (shown or {}).items()}

    def compute(ties: bool) -> tuple[dict[str, Array], ...]:
        expected = exact_expectations(case, start, batch, seen)
        functions = {}
        for row in case.rows.values():
            if row.tag == "A":
                z = {**expected, **seen}[f"z{row.layer}"]
                functions[f"f{row.layer}"] = row.activation.function(z)
                if row.activation.hidden:
                    functions[f"prime{row.layer}"] = row.activation.prime(z)
        return tuple(
            {name: _floats(array, ties) for name, array in each.items()}
            for each in (expected, functions)
        )

    right, functions = until_decided(compute)
    own = {name: np.asarray(array, float) for name, array in (shown or {}).items()}
    old = {f"{OLD}{name}": np.asarray(array) for name, array in start.state.items()}
    before = {**of_batch(batch), **dict(start.named()), **old}
    return Numbers(case, {**right, **own, **functions, **before}), right


def _floats(exact: object, ties: bool) -> Array:
    """Balls, correctly rounded; nan where there is no number, such as ln of what is below 0."""
    array = to_balls(exact)
    known = np.asarray(np.frompyfunc(lambda ball: ball.is_finite(), 1, 1)(array), dtype=bool)
    number = np.asarray(np.where(known, array, balls(np.array(0.0))), dtype=object)
    return np.where(known, rounded(number, np.float64, ties=ties), np.nan)
