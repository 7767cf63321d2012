"""The proof of the check: each known mistake is caught, blamed on its equations alone, and named.

Two cases are enough for that, in which every mistake is tried here; the other cases, float32 and
pairs of mistakes are thorough. Left out: whether a mistake is what it says (`test_mistakes.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from conformance import cli
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.diagnosis.diagnose import diagnose
from conformance.judging.judge import check_case
from conformance.mistakes import catalogue
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.dropout import DROPOUT
from conformance.mistakes.mistake import Mistake, mistaken, subject_of
from conformance.mistakes.optimiser_mistakes import OPTIMISERS
from conformance.mistakes.situation import by_the_book
from conformance.proof import prove as proving
from conformance.proof.proof import Proof, Row
from conformance.proof.prove import (
    alike,
    apart,
    chosen,
    drawn,
    judged,
    problems_of_pair,
    prove,
    prove_pair,
    visible,
)
from conformance.proof.sightings import catches, sightings
from conformance.tests.parts import few as at_first
from conformance.tests.parts import part
from conformance.tests.support import recorded

SUFFICIENT = ("single-4-3-2", "square-4-4-4-4")
"""Two cases that suffice: without all others every mistake is caught, blamed and named alike."""

FAMILIES = ("relu-softmax-4-4-4-3", "tanh-4-4-4-3")
"""Cases in which mistakes with other activations are seen."""

OTHERS = (
    *("momentum-3-3-3", "nesterov-3-3-3", "rmsprop-3-3-3", "adam-3-3-3", "adamw-3-3-3"),
    *("l1-3-3-3", "leaky-relu-softmax-3-5-2"),
    *("dropout-2-3-3-2", "inverted-dropout-tanh-softmax-2-4-3"),
)
"""Cases in which mistakes of other updates, of L1, leaky ReLU and dropout are seen."""

LARGE = ("large-gradients-4-3-5", "relu-linear-3-5-2")
"""Cases with gradients beyond 1, in which clipping is seen."""

OF_OTHERS = frozenset(
    {
        *(each.id for each in (*OPTIMISERS, *DROPOUT)),
        *("l1-as-l2", "leaky-slope-left-out", "gradients-clipped"),
    }
)

PAIRS = at_first(10, 200)
OF_PAIRS = (
    *SUFFICIENT,
    *FAMILIES,
    "square-4-4-4-4-cross-entropy",
    "dead-inputs-4-3-2",
    "narrow-5-1",
)
"""Cases of which some batch shows both of any two mistakes that do not hide each other."""

HIDDEN_IN_FLOAT32 = ("float32-inside",)  # there it is right

KNOWN = tuple(CATALOGUE.values())

BOOK = [each for each in KNOWN if each.id not in OF_OTHERS]

each_mistake = pytest.mark.parametrize("mistake", KNOWN, ids=lambda each: each.id)

some_mistakes = pytest.mark.parametrize(
    "mistake", at_first([CATALOGUE["z-accumulates"]], KNOWN), ids=lambda each: each.id
)
"""`conformance prove` takes all of them, in all cases."""


def read(*ids: str) -> list[Recorded]:
    return [recorded(id_) for id_ in ids]


def ids(cases: Sequence[Recorded]) -> list[str]:
    return [each.case.id for each in cases]


def sufficient(mistake: Mistake) -> tuple[str, ...]:
    """The cases that suffice for a mistake; those come first that are there for it."""
    if mistake.id == "gradients-clipped":
        return LARGE
    if mistake.id not in OF_OTHERS:
        return (*SUFFICIENT, *FAMILIES)
    return tuple(sorted(OTHERS, key=lambda id_: mistake.id not in recorded(id_).case.catches))


def row(mistake: Mistake, *cases: str, known: Sequence[Mistake] = KNOWN) -> Row:
    return prove(mistake, read(*cases), known)


# Every mistake


@each_mistake
def test_a_mistake_is_caught_and_blamed_and_named(mistake: Mistake) -> None:
    all_ = sufficient(mistake)
    assert any(
        judged(mistake, read(*cases), KNOWN).problems == ()
        for cases in at_first((all_[:2], all_), (all_,))
    )


@pytest.mark.seldom
@some_mistakes
def test_all_cases_say_no_more_than_the_sufficient_ones(mistake: Mistake) -> None:
    cases = chosen(store.root(), None)
    found = prove(mistake, cases, KNOWN)
    assert found.problems == ()
    assert found.same(ids(cases), sufficient(mistake))


@pytest.mark.seldom
@pytest.mark.parametrize(
    "mistake",
    at_first([CATALOGUE["bp2-no-sigma-prime"], CATALOGUE["float32-inside"]], BOOK),
    ids=lambda each: each.id,
)
def test_a_mistake_is_proved_in_float32(mistake: Mistake) -> None:
    cases = chosen(store.root(), "*-float32")
    found = prove(mistake, cases, KNOWN)
    hidden = (f"is not caught in any of {len(cases)} cases",)
    assert found.problems == (hidden if mistake.id in HIDDEN_IN_FLOAT32 else ())


CLAIMING = list(store.cases(store.root()))


@pytest.mark.seldom
@pytest.mark.parametrize("case", CLAIMING, ids=lambda case: case.id)
def test_a_case_catches_what_it_claims_without_the_others(case: Case) -> None:
    for id_ in case.catches:
        mistake = CATALOGUE[id_]
        report = check_case(subject_of(mistake), recorded(case.id))
        assert catches(report, mistake), id_


# What a proof finds wrong


def breaking(id_: str, tag: str, formula: Any) -> Mistake:
    return Mistake(id_, "", "wrong", "right", {tag: formula})


def test_what_is_right_is_not_caught() -> None:
    right = breaking("right", "W", lambda at: by_the_book(at, "W"))
    assert row(right, *SUFFICIENT).problems == ("is not caught in any of 2 cases",)


def test_what_is_blamed_elsewhere_is_found() -> None:
    said, done = CATALOGUE["bp3-sum-for-mean"], CATALOGUE["bias-frozen"]
    misplaced = replace(said, subject=lambda name: mistaken(done.formulas, name))
    found = row(misplaced, "square-4-4-4-4").problems
    assert found == (
        "is not caught in any of 1 case",
        "is blamed on B, which it does not break, in square-4-4-4-4",
        "is not blamed on BP3",
    )


def test_half_of_what_it_breaks_is_not_enough() -> None:
    ascends = CATALOGUE["ascends"]
    half = replace(ascends, subject=lambda name: mistaken({"W": ascends.formulas["W"]}, name))
    found = row(half, "square-4-4-4-4", known=[ascends]).problems
    assert "is not blamed on B" in found


def test_what_nobody_knows_is_not_named() -> None:
    frozen = CATALOGUE["bias-frozen"]
    others = [each for each in KNOWN if each != frozen]
    found = row(frozen, *SUFFICIENT, known=others).problems
    assert found == ("is not named as the cause of B, but nothing",)


def test_what_no_case_tells_apart_is_found() -> None:
    other = breaking("other", "B", lambda at: at.b(at.layer) + at.eta * at.nabla_b(at.layer) / 3)
    near = breaking(
        "near", "B", lambda at: (3 * at.b(at.layer) + at.eta * at.nabla_b(at.layer)) / 3
    )
    found = row(other, "square-4-4-4-4", known=[other, near])
    assert found.problems == ("is not told apart from near by any case, in B",)


def test_other_formulas_are_no_twins_for_giving_the_same_bits_in_a_case() -> None:
    ascends = CATALOGUE["bias-ascends"]
    other = replace(ascends, id="other", wrong="b^l ← b^l + ∂C/∂b^l")  # η = 1 in this case
    found = row(ascends, "square-4-4-4-4", known=[ascends, other])
    assert found.problems == ("is not told apart from other by any case, in B",)


def test_twins_have_the_same_formula_and_give_the_same_bits() -> None:
    one, twin = CATALOGUE["bp1-no-sigma-prime"], CATALOGUE["cross-entropy-delta-on-quadratic"]
    assert row(one, "square-4-4-4-4").twins == (twin.id,)
    assert alike(one, twin, read("hand-2-3-1"))
    negated = replace(CATALOGUE["delta-negated"], wrong=one.wrong, right=one.right)
    assert not alike(one, negated, read("hand-2-3-1"))


def test_a_remark_must_be_that_of_the_mistake() -> None:
    mutated = CATALOGUE["inputs-mutated"]
    found = row(replace(mutated, remark="overwrites its y"), "hand-2-3-1").problems
    assert found[0] == "is not caught in any of 1 case"
    assert "beside the equations" in found[1]


# What fewer cases would say


@pytest.mark.parametrize("id_", ["aliased-layers", "bp1-no-sigma-prime", "l2-over-m", "ascends"])
def test_what_is_said_without_a_case_is_what_a_diagnosis_without_it_says(id_: str) -> None:
    cases = read("hand-2-3-1", "dead-inputs-4-3-2", *SUFFICIENT)
    reports = [check_case(subject_of(CATALOGUE[id_]), each) for each in cases]
    seen = sightings(CATALOGUE[id_], reports, KNOWN)
    for gone in ids(cases):
        left = [each for each in reports if each.case.id != gone]
        causes = {cause.tag: cause.mistakes for cause in diagnose(left)}
        assert seen.said({each.case.id for each in left}).named == causes, gone


def proof(
    mistakes: Sequence[Mistake],
    cases: Sequence[Recorded],
    known: Sequence[Mistake] = tuple(CATALOGUE.values()),
) -> Proof:
    """What becomes of some mistakes in some cases, tried one by one."""
    rows = tuple(prove(mistake, cases, known) for mistake in mistakes)
    return Proof(tuple(each.case for each in cases), rows)


def test_a_case_that_changes_nothing_is_redundant() -> None:
    mistakes = [CATALOGUE[id_] for id_ in ("aliased-layers", "quadratic-delta-on-cross-entropy")]
    found = proof(mistakes, read("hand-2-3-1", *SUFFICIENT))
    assert (found.redundant, found.unneeded) == (["hand-2-3-1"], ["hand-2-3-1"])
    assert [found.needed(each) for each in found.rows] == [{SUFFICIENT[1]}, {SUFFICIENT[0]}]


def test_a_case_is_needed_that_refutes_another_cause() -> None:
    """Both cases blame the same; the other one says what it is."""
    mistakes = [CATALOGUE["update-not-assigned"]]
    like = breaking("like", "W", lambda at: at.w(at.layer) * (1 if at.m == 1 else 2))
    found = proof(mistakes, read("hand-2-3-1", "layout-3-2-4"), [*mistakes, like])
    assert found.problems == []
    assert found.redundant == ["hand-2-3-1"]
    assert found.needed(found.rows[0]) == {"layout-3-2-4"}


# Pairs


@cache
def proved(id_: str) -> Row:
    return row(CATALOGUE[id_], *SUFFICIENT)


def some_rows(*mistakes: str) -> list[Row]:
    return [proved(id_) for id_ in mistakes]


def test_mistakes_in_a_common_equation_are_no_pair() -> None:
    rows = some_rows("ascends", "bias-frozen", "bp2-no-sigma-prime", "inputs-mutated")
    pairs = [(a.id, b.id) for a, b in apart(rows)]
    assert pairs == [("ascends", "bp2-no-sigma-prime"), ("bias-frozen", "bp2-no-sigma-prime")]


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        ("ascends", "z-accumulates", "is not blamed on Z"),  # no free run
        ("bp3-wrong-axis", "l2-on-biases", "is not blamed on B"),  # b′ of a wrong shape
    ],
)
def test_a_pair_is_left_out_only_if_one_hides_the_other(one: str, other: str, problem: str) -> None:
    assert visible(some_rows(one, other)) == []
    assert visible(some_rows(other, one)) == []
    found = prove_pair(CATALOGUE[one], CATALOGUE[other], read(*SUFFICIENT))
    assert found == [f"{one} and {other} {problem}"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bp4-transposed", "update-not-assigned"),  # seen where layers are square
        ("gradients-accumulate", "l2-on-biases"),  # seen where λ = 0
        ("ascends", "sigma-prime-of-a"),
    ],
)
def test_both_of_a_pair_are_blamed(one: str, other: str) -> None:
    assert visible(some_rows(one, other)) == [(one, other)]
    assert prove_pair(CATALOGUE[one], CATALOGUE[other], read(*SUFFICIENT)) == []


def test_a_mistake_that_changes_nothing_beside_another_is_not_asked_for() -> None:
    """If δ^L is a − y by mistake, a − y may be sent back in its place."""
    one, other = CATALOGUE["bp1-no-sigma-prime"], CATALOGUE["raw-error-sent-back"]
    assert prove_pair(one, other, read(*SUFFICIENT)) != []
    assert problems_of_pair(one, other, read(*SUFFICIENT)) == []


def test_the_same_pairs_are_drawn_each_time() -> None:
    pairs = [(str(a), str(b)) for a in range(30) for b in range(a)]
    assert drawn(pairs, 10) == drawn(pairs, 10)
    assert drawn(pairs, 10)[:2] != pairs[:2]
    assert drawn(pairs, 1000) == sorted(pairs)


@pytest.mark.seldom
def test_pairs_of_mistakes_are_blamed_on_both_equations() -> None:
    cases = read(*OF_PAIRS)
    rows = [prove(each, cases, KNOWN) for each in part(BOOK, lambda each: each.blames[:1])]
    pairs = drawn(visible(rows), PAIRS)
    problems = [problems_of_pair(CATALOGUE[a], CATALOGUE[b], cases) for a, b in pairs]
    assert len(pairs) == PAIRS
    assert [each for found in problems for each in found] == []
    left_out = {(a.id, b.id) for a, b in apart(rows)} - {*visible(rows)}
    needlessly = [(a, b) for a, b in left_out if not prove_pair(CATALOGUE[a], CATALOGUE[b], cases)]
    assert needlessly == []


# The command

FEW = ("aliased-layers", "ascends", "bp1-no-sigma-prime", "cross-entropy-delta-on-quadratic")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of few mistakes."""
    for module in (catalogue, proving):
        monkeypatch.setattr(module, "CATALOGUE", {id_: CATALOGUE[id_] for id_ in FEW})


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["prove", "-n", "1", *arguments])
    assert isinstance(left.value.code, int | None)
    return left.value.code or 0


@pytest.mark.usefixtures("few")
def test_the_command_prints_the_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--case", "square-4-4-4-4", "--pairs", "5") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "aliased-layers                   W           ● yes" in lines
    assert "a  square-4-4-4-4                           shows  4, needed for 4" in lines
    assert "4 mistakes in 1 case: all caught, blamed on their equations alone, and named" in lines
    assert "4 of 4 pairs of mistakes in different equations: both blamed, and no other" in lines
    assert max(map(len, lines)) <= 80


@pytest.mark.usefixtures("few")
def test_without_a_case_that_is_needed_it_is_no_proof(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--case", "single-4-3-2") == 1
    out = capsys.readouterr().out
    assert "  aliased-layers is not caught in any of 1 case" in out
    assert "4 mistakes in 1 case: 3 problems" in out


@pytest.mark.usefixtures("few")
def test_a_pair_that_is_not_blamed_is_no_proof(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.proof.prove.problems_of_pair", lambda *_: ["a and b differ"])
    assert run("--case", "square-4-4-4-4", "--pairs", "1") == 1
    assert "  a and b differ\n" in capsys.readouterr().out


def test_the_widest_matrix_has_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    from conformance.proof.proof_matrix import show_proof

    many = chosen(store.root(), "*")
    rows = [row(CATALOGUE["shuffle-duplicates-rows"], "square-4-4-4-4")]
    named = replace(rows[0], id="quadratic-delta-on-cross-entropy")
    show_proof(Console(width=200), Proof(tuple(each.case for each in many), (named,)))
    lines = [each for each in capsys.readouterr().out.splitlines() if each.startswith("quadratic")]
    marks = [sum(map(each.count, "○●·◇")) for each in lines]
    assert sum(marks) == len(many) > 52  # more cases than there are letters
    assert max(marks) - min(marks) <= 1
    assert max(map(len, lines)) <= 80
