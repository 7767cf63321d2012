"""The catalogue: every known mistake is there, is what it says, and is blamed on its equations.

Each wrong formula is compared with the same mistake made in plain loops (`loops.py`), and run as
a subject through the recorded cases. Left out: recognising a mistake (`test_diagnosis.py`).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest

from conformance import cli
from conformance.arithmetic.rounding import RunningError
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.mistake import Mistake, MistakenSession, subject_of
from conformance.mistakes.situation import Formulas, Situation, evaluate
from conformance.model.row import given
from conformance.report.message import problem_text
from conformance.tests.loops import KNOWN, Hand, Matrix, Table
from conformance.tests.parts import few, in_ci, part
from conformance.tests.support import recorded
from reference.step import Array, Batch, Parameters

REPORTED = """
    bp1-no-sigma-prime bp2-no-sigma-prime sigma-prime-of-a x-one-minus-x-of-z sigmoid-sign
    delta-negated cost-without-half delta-without-half cross-entropy-delta-on-quadratic
    quadratic-delta-on-cross-entropy mean-over-outputs delta-over-m bp2-no-transpose
    bp2-wrong-layer bp2-stops-early update-before-bp2 z-accumulates bp4-transposed
    bp4-own-activation bp4-weighted-input-below bp4-no-delta bp3-summed-over-all bp3-not-summed
    bp3-wrong-axis bp3-mean-for-sum bias-moves-with-weights bias-moves-by-itself bias-frozen
    bias-ascends ascends update-not-assigned no-batch-mean divided-by-n divided-twice
    update-inside-sample-loop remainder-nominal-size remainder-dropped gradients-accumulate
    last-sample-only last-sample-skipped integer-eta l2-without-n l2-over-m l2-doubled l2-sign
    l2-on-biases l2-after-step momentum-left-on shuffle-duplicates-rows x-and-y-shuffled-apart
    uint8-wraps pixels-255 label-off-by-one float32-inside aliased-layers inputs-mutated
""".split()  # noqa: SIM905 - the ids as they are written in a report

TELLING = ("expanding-2-3-2", "square-4-4-4-4-cross-entropy", "square-4-4-4-4")
"""The cases that catch most: the first to be tried."""

each_mistake = pytest.mark.parametrize("mistake", CATALOGUE.values(), ids=lambda each: each.id)

some_mistakes = pytest.mark.parametrize(
    "mistake",
    part(CATALOGUE.values(), lambda each: each.blames[:1], lambda each: len(each.blames)),
    ids=lambda each: each.id,
)
"""That each is caught, blamed and named in few cases stands in `test_prove.py`."""


def small() -> list[str]:
    """The cases without digits, the most telling first."""
    found = [case.id for case in store.cases(store.root(), None, "float64") if case.sizes[0] < 100]
    return [*TELLING, *(id_ for id_ in found if id_ not in TELLING)]


# What is in it


def test_every_reported_mistake_is_known() -> None:
    assert not set(REPORTED) - set(CATALOGUE)
    assert len(CATALOGUE) >= 52


def test_the_catalogue_is_sorted_by_id() -> None:
    assert [(id_, each.id) for id_, each in CATALOGUE.items()] == [
        (i, i) for i in sorted(CATALOGUE)
    ]


@each_mistake
def test_a_mistake_says_what_is_wrong(mistake: Mistake) -> None:
    assert mistake.sentence.endswith(".")
    assert mistake.wrong != mistake.right
    assert bool(mistake.formulas) != bool(mistake.subject and mistake.remark)


CONVENTIONS = """
    ascends bias-correction-left-out cost-without-half delta-negated delta-over-m delta-without-half
    epsilon-inside-root momentum-dampened momentum-decay-outside no-batch-mean sums-for-means
    sums-shown
""".split()  # noqa: SIM905 - as in a report


def test_a_mistake_that_is_a_convention_elsewhere_says_when() -> None:
    said = {each.id: each.convention for each in CATALOGUE.values() if each.convention}
    assert sorted(said) == CONVENTIONS
    assert all("convention where" in words and words.endswith(".") for words in said.values())


def test_a_mistake_of_either_cost_is_written_with_neither() -> None:
    mean = CATALOGUE["mean-over-outputs"]
    assert not {"‖", "y"} & {*mean.wrong, *mean.right}


# Formulas against loops

COSTS = {"quadratic-delta-on-cross-entropy": "cross-entropy"}
OTHER_COST = ("bp1-no-sigma-prime", "cost-without-half", "quadratic-delta-on-cross-entropy")


def eighths(rows: int, columns: int, start: int) -> Array:
    """Different short fractions in [−1, 1]."""
    return ((np.arange(rows * columns).reshape(rows, columns) * 7 + start) % 17 - 8) / 8


def network(cost: str) -> tuple[Case, Parameters, list[Batch]]:
    """Three square layers and batches of 3, 3 and 1, so that no mistake is hidden by a shape."""
    batches = ((0, 1, 2), (3, 4, 5), (6,))
    case = Case("by-hand", (3, 3, 3, 3), cost, 4.5, 0.5, 7, "float64", batches, "", ())
    w = tuple(eighths(3, 3, start) for start in (1, 5, 11))
    b = tuple(eighths(3, 1, start) for start in (2, 7, 13))
    data = Batch(eighths(3, 7, 3), (eighths(3, 7, 6) + 1) / 2)
    return case, Parameters(w, b), [data.columns(batch) for batch in batches]


def numbers(array: Array) -> Matrix:
    return [[Decimal(float(each)) for each in row] for row in array]


def in_decimals(kind: type[Hand], cost: str) -> Iterator[dict[str, Array]]:
    """What loops over decimals give, step by step."""
    case, start, batches = network(cost)
    tables: tuple[Table, Table] = (
        {layer: numbers(array) for layer, array in enumerate(start.w, 2)},
        {layer: numbers(array) for layer, array in enumerate(start.b, 2)},
    )
    rates = Decimal(case.eta), Decimal(case.lmbda), case.n
    before: Hand | None = None
    for batch in batches:
        hand = kind(tables, (numbers(batch.x), numbers(batch.y)), rates, before, cost)
        named = hand.named()
        yield {name: np.array(rows, dtype=np.float64) for name, rows in named.items()}
        w, b = ({layer: named[f"{q}{layer}"] for layer in hand.w} for q in "wb")
        tables = w, b
        before = hand


def assert_by_hand(formulas: Formulas, kind: type[Hand], cost: str) -> None:
    case, start, batches = network(cost)
    session = MistakenSession(formulas, case, start)
    with localcontext() as context:
        context.prec = 40
        for batch, right in zip(batches, in_decimals(kind, cost), strict=True):
            shown = session.step(batch)
            assert set(shown) == set(right)
            for name, array in right.items():
                expected = array[0, 0] if name == "cost" else array
                np.testing.assert_allclose(shown[name], expected, 1e-11, 1e-14, err_msg=name)


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
def test_without_a_mistake_both_are_the_book(cost: str) -> None:
    assert_by_hand({}, Hand, cost)


@pytest.mark.parametrize("id_", KNOWN)
def test_a_formula_is_the_mistake_that_it_says(id_: str) -> None:
    assert_by_hand(CATALOGUE[id_].formulas, KNOWN[id_], COSTS.get(id_, "quadratic"))


@pytest.mark.parametrize("id_", OTHER_COST)
def test_with_the_other_cost_the_formula_is_the_book(id_: str) -> None:
    other = "quadratic" if id_ in COSTS else "cross-entropy"
    assert_by_hand(CATALOGUE[id_].formulas, Hand, other)


def first_step(id_: str) -> Mapping[str, Array]:
    case, start, batches = network("quadratic")
    return MistakenSession(CATALOGUE[id_].formulas, case, start).step(batches[0])


def test_errors_that_are_not_summed_stay_one_a_sample() -> None:
    shown = first_step("bp3-not-summed")
    np.testing.assert_allclose(shown["nabla_b2"], shown["delta2"] / 3)


def test_errors_summed_along_the_wrong_axis_are_one_a_sample() -> None:
    shown = first_step("bp3-wrong-axis")
    one, other, third = shown["delta2"]
    np.testing.assert_allclose(shown["nabla_b2"], [(one + other + third) / 3])


def test_biases_that_move_with_the_weights_take_their_shape() -> None:
    shown, (_, start, _) = first_step("bias-moves-with-weights"), network("quadratic")
    columns = [column - 4.5 * nabla for nabla in shown["nabla_w2"].T for column in start.b[0].T]
    np.testing.assert_allclose(shown["b2"], np.transpose(columns))


def test_float32_inside_gives_numbers_of_float32() -> None:
    case, step = recorded("expanding-2-3-2").case, recorded("expanding-2-3-2").steps[0]
    session = MistakenSession(CATALOGUE["float32-inside"].formulas, case, step.parameters)
    shown, right = session.step(step.batch), step.expected
    assert (shown["z2"] == np.float32(shown["z2"])).all()
    assert (shown["z2"] != right["z2"]).any()
    np.testing.assert_allclose(shown["z2"], right["z2"], 1e-6)


def test_what_does_not_fit_is_shown_until_there() -> None:
    case, step = recorded("expanding-2-3-2").case, recorded("expanding-2-3-2").steps[0]
    session = MistakenSession(CATALOGUE["bp4-transposed"].formulas, case, step.parameters)
    shown = session.step(step.batch)
    assert shown["nabla_w2"].shape == (2, 3)
    assert "w2" not in shown


# Subjects through the cases


def verdicts(mistake: Mistake) -> Iterator[CaseReport]:
    subject = subject_of(mistake)
    cases = (recorded(id_) for id_ in small())
    return (check_case(subject, each) for each in cases if not subject.unfit(each.case))


@some_mistakes
def test_a_mistake_is_caught_and_blamed_on_its_equations(mistake: Mistake) -> None:
    found: set[str] = set()
    for report in verdicts(mistake):
        tags = list(report.blamed)
        found |= set(tags)
        assert found <= set(mistake.blames), report.case.id
        if report.failures and found == set(mistake.blames):
            break
    else:
        pytest.fail(f"blamed on {sorted(found)} in all cases together")
    assert tuple(sorted(tags, key=mistake.blames.index)) == tuple(tags)
    assert tags[:1] == list(mistake.blames[:1])
    assert all(mistake.remark in problem_text(verdict) for verdict in report.failures)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "mistake",
    in_ci(few([CATALOGUE["inputs-mutated"], CATALOGUE["l2-without-n"]], [*CATALOGUE.values()])),
    ids=lambda each: each.id,
)
def test_a_mistake_is_blamed_on_no_other_equation_anywhere(mistake: Mistake) -> None:
    for report in verdicts(mistake):
        assert set(report.blamed) <= set(mistake.blames), report.case.id


# Formulas on running errors


def second_step(id_: str, formulas: Formulas, *, running: bool) -> dict[str, Any]:
    """The quantities of the second step of a case, after the first."""
    case, previous = recorded(id_).case, None

    def lift(array: Any) -> Any:
        return RunningError.exact(np.asarray(array), case.dtype) if running else array

    for step in recorded(id_).steps[:2]:
        start, batch = step.parameters.map(lift), step.batch.map(lift)
        eta, decay = lift(case.eta), lift(case.decay)
        previous = Situation(case, given(start, batch, eta, decay), previous=previous)
        evaluate(previous, formulas)
    assert previous is not None
    return previous.named


@pytest.mark.parametrize("id_", ["square-4-4-4-4", "square-4-4-4-4-cross-entropy-float32"])
@each_mistake
def test_a_formula_runs_on_running_errors(mistake: Mistake, id_: str) -> None:
    floats = second_step(id_, mistake.formulas, running=False)
    for name, known in second_step(id_, mistake.formulas, running=True).items():
        assert isinstance(known, RunningError), name
        bound = known.tolerance()
        assert np.isfinite(bound).all(), name
        assert known.shape == np.shape(floats[name]), name
        assert (abs(np.float64(floats[name]) - known.value) <= bound).all(), name


def test_float32_counts_in_no_other_equation() -> None:
    formulas = CATALOGUE["float32-inside"].formulas
    known = second_step("square-4-4-4-4", formulas, running=True)
    own = {name: array.precision.unit for name, array in known.items()}
    assert set(own.values()) == {own["a2"]}
    assert known["z2"].bound.max() > 1e-9


# The command


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["mistakes", *arguments])
    assert isinstance(left.value.code, int | None)
    return left.value.code or 0


def test_the_command_lists_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} > set(CATALOGUE)
    assert max(map(len, lines)) <= 80


def test_the_command_shows_one_at_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [recorded(id_).case for id_ in ("narrow-5-1", "hand-2-3-1")]
    monkeypatch.setattr(store, "cases", lambda _: few)
    assert run("bp2-no-sigma-prime", "-v") == 0
    out = capsys.readouterr().out
    mistake = CATALOGUE["bp2-no-sigma-prime"]
    for said in (mistake.sentence, mistake.wrong, mistake.right, mistake.source, mistake.hidden):
        assert said in out
    assert "caught in 1 of 2 small cases\nhand-2-3-1, step 0: BP2\n  fail       BP2  delta2" in out
    assert "not seen in narrow-5-1" in out
    assert out.index("the smallest network that shows it:") < out.index("caught in 1 of 2")


def test_the_command_shows_a_mistake_that_is_in_no_equation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [recorded("hand-2-3-1").case]
    monkeypatch.setattr(store, "cases", lambda _: few)
    assert run("inputs-mutated", "-v") == 0
    assert "hand-2-3-1, step 0: conduct" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("id_", "said"), [("bp2-no-sigma", "did you mean bp2-no-sigma-prime"), ("zzz", "'zzz'; `conf")]
)
def test_an_unknown_id_is_one_line(id_: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(id_) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
