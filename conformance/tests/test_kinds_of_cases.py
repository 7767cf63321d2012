"""The corpus has a case of every kind that alone shows some mistakes, and that case shows them.

Left out: the numbers and files of the cases (`test_corpus.py`) and the catalogue (`test_prove.py`).
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.judging.judge import check_case
from conformance.model.functions import SIGMOID
from conformance.model.update_kinds import SGD
from conformance.programs.load import load
from conformance.subjects import Subject
from conformance.subjects.book.book_subject import book_subject
from conformance.tests.networks.book import Array
from conformance.tests.networks.broken import Edit, broken_source
from conformance.tests.networks.right_costs import CrossEntropyCost, WithCost
from conformance.tests.parts import part
from conformance.tests.support import recorded

BOOK = [case for case in store.cases(store.root()) if case.update == SGD]
CASES = [case for case in BOOK if set(case.activations) == {SIGMOID}]
SMALL = [case for case in CASES if case.dtype == "float64" and max(case.sizes) < 100]

LAYERS = 5  # of weights
DEEP = {"deep-2-2-2-2-2-2"}  # of the quadratic cost, which the chapter 1 program has
OUTSIDE = {"large-gradients-4-3-5", "outside-4-3-5"}
SATURATED = {"saturated-2-2-3-cross-entropy"}
ALONE = DEEP | OUTSIDE | SATURATED


def is_deep(case: Case) -> bool:
    return len(case.sizes) > LAYERS


def is_saturated(each: Recorded, value: float) -> bool:
    """Whether an output of the first step is exactly 0, or 1, where that is wanted."""
    step, output = each.steps[0], f"a{each.case.layers}"
    wanted = (step.expected[output] == value) & (step.batch.y == value)
    return each.case.cost == "cross-entropy" and bool(wanted.any())


def is_decaying(case: Case) -> bool:
    """Whether it has one hidden layer, λ > 0, m > 1, m < n, and a short last mini-batch."""
    m = len(case.batches[0])
    one_hidden, small = case.layers == 3, max(case.sizes) < 100
    return one_hidden and small and case.lmbda > 0 and case.n > m > len(case.batches[-1])


KINDS: dict[str, Callable[[Recorded], bool]] = {
    "deep and of equal widths": lambda each: is_deep(each.case) and len(set(each.case.sizes)) == 1,
    "deep and of unequal widths": lambda each: (
        is_deep(each.case) and all(a != b for a, b in pairwise(each.case.sizes))
    ),
    "inputs beyond 1 and below −1": lambda each: (
        each.steps[0].batch.x.max() > 1 and each.steps[0].batch.x.min() < -1
    ),
    "an output of exactly 0": lambda each: is_saturated(each, 0),
    "an output of exactly 1": lambda each: is_saturated(each, 1),
    "decaying, quadratic": lambda each: is_decaying(each.case) and each.case.cost == "quadratic",
    "decaying, cross-entropy": lambda each: (
        is_decaying(each.case) and each.case.cost == "cross-entropy"
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_there_is_a_case_of_this_kind(kind: str, dtype: str) -> None:
    assert any(KINDS[kind](recorded(case.id)) for case in CASES if case.dtype == dtype)


# Mistakes that only these cases show


def accusing(subject: Subject, cost: str) -> set[str]:
    """The small cases of a cost in which a quantity is wrong; in CI of each depth some."""
    of_cost = [each for each in SMALL if each.cost == cost]
    some = part(of_cost, lambda each: each.id if each.id in ALONE else each.layers)
    reports = (check_case(subject, recorded(each.id)) for each in some)
    return {report.case.id for report in reports if any(each.name for each in report.failures)}


def edited(find: str, replace: str, place: Path) -> Subject:
    """The chapter 1 program with one line replaced."""
    edit = Edit("edited", find, replace, (), "every", "")
    file = place / "edited.py"
    file.write_text(broken_source(edit)[0], encoding="utf-8")
    return book_subject(cast("type", load(f"{file}:Network")), edit.id)


def test_a_loop_that_ends_after_three_hidden_layers_is_seen(tmp_path: Path) -> None:
    right = "for l in range(2, self.num_layers):"
    wrong = "for l in range(2, min(self.num_layers, 5)):"
    assert accusing(edited(right, wrong, tmp_path), "quadratic") == DEEP


def test_inputs_that_are_clipped_are_seen(tmp_path: Path) -> None:
    right, wrong = "activation = x", "activation = np.clip(x, -1, 1)"
    assert accusing(edited(right, wrong, tmp_path), "quadratic") == OUTSIDE


def with_cost(function: Callable[[Array, Array], Any]) -> Subject:
    """The chapter 3 program with this cost of one sample."""
    cost = type("CrossEntropyCost", (CrossEntropyCost,), {"fn": staticmethod(function)})
    return book_subject(lambda sizes: WithCost(sizes, cost), "with cost")


def terms(a: Array, y: Array) -> Array:
    """The cross-entropy of each output; not a number where it is 0 · ln 0."""
    each: Array = -y * np.log(a) - (1 - y) * np.log(1 - a)
    return each


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda a, y: np.sum(terms(a, y)), id="0-ln-0-is-not-a-number"),
        pytest.param(lambda a, y: np.nan_to_num(np.sum(terms(a, y))), id="one-nan-makes-the-sum-0"),
    ],
)
def test_a_cost_that_cannot_take_0_ln_0_is_seen(function: Callable[[Array, Array], Any]) -> None:
    assert accusing(with_cost(function), "cross-entropy") == SATURATED


def logistic(a: Array, y: Array) -> Any:
    """Each logarithm where its factor is not 0."""
    return -np.sum(np.log(a[y > 0]) * y[y > 0]) - np.sum(np.log(1 - a[y < 1]) * (1 - y[y < 1]))


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda a, y: np.sum(np.nan_to_num(terms(a, y))), id="nan-to-num-of-each"),
        pytest.param(logistic, id="only-where-needed"),
        pytest.param(lambda a, y: np.sum(terms(np.clip(a, 1e-7, 1 - 1e-7), y)), id="clipped"),
    ],
)
def test_a_cost_that_takes_0_ln_0_for_0_is_not_accused(
    function: Callable[[Array, Array], Any],
) -> None:
    assert accusing(with_cost(function), "cross-entropy") == set()
