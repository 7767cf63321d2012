"""What the lesson says is true: its derivatives on balls, its sentences, the verdicts.

Left out: the page (`test_lesson.py`).
"""

import re
from dataclasses import replace
from itertools import takewhile
from typing import Any

import flint
import numpy as np
import pytest

from conformance.arithmetic.balls import balls, precision
from conformance.cases import small
from conformance.corpus import store
from conformance.explain.show_step import example
from conformance.explain.worked import Worked
from conformance.judging.judge import check_case
from conformance.lesson.lesson_data import broken_steps, known
from conformance.lesson.words import Factor, factors_of, why, why_slope
from conformance.mistakes.mistake import subject_of
from conformance.model.functions import COSTS
from conformance.model.row import Row, run
from conformance.model.update_kinds import SGD
from reference.step import split


def forward(worked: Worked, moved: str = "", index: tuple[int, int] = (0, 0), by: Any = 0) -> Any:
    """The quantities up to the cost on balls, one entry moved where it is given or computed."""

    def move(name: str, array: Any) -> Any:
        if name == moved:
            array = array.copy()
            array[index] += by
        return array

    values = {name: move(name, balls(array)) for name, array in worked.given.items()}
    rows = takewhile(lambda row: row.tag != "BP1", worked.case.rows.values())
    made = run(rows, lambda row, arguments: move(row.name, row.function(*arguments)), values)
    return {**values, **made}


def entry(array: Any, index: tuple[int, ...]) -> Any:
    """An entry, or the number itself."""
    return array[index] if np.ndim(array) else np.asarray(array, dtype=object).item()


def placed(word: str, row: Row, at: dict[int, int]) -> tuple[str, tuple[int, int]]:
    """The name and entry that a word such as `z+1` stands for, of the neuron of each layer."""
    if word == "cost":
        return word, (0, 0)
    (name,) = row.placed((word,))
    layer = split(name)[1] or 1
    return name, (at[layer], at[layer - 1] if name.startswith("w") else 0)


def value_of(factor: Factor, row: Row, worked: Worked, at: dict[int, int]) -> Any:
    """What the lesson says that a derivative is."""
    names, layer = {**forward(worked), **_errors(worked)}, row.layer or 0
    if factor.value == "1":
        return 1
    if factor.value == "prime":
        return row.activation.prime(names[f"z{layer}"])[at[layer], 0]
    if factor.top == "cost" and factor.bottom == "a":
        gradient = COSTS[worked.case.cost].gradient(names[f"a{layer}"], names["y"])
        return gradient[at[layer], 0]
    name, index = placed(factor.value, row, at)
    return names[name][index]


def _errors(worked: Worked) -> dict[str, Any]:
    values = {name: balls(array) for name, array in worked.given.items()}
    rows = takewhile(lambda row: row.tag != "BP3", worked.case.rows.values())
    return run(rows, lambda row, arguments: row.function(*arguments), values)


FAMILIES = ["sizes", "cross-entropy", "tanh-3-5-2", "sigmoid-linear-3-5-2"]


def of_family(name: str) -> Worked:
    """A worked step of one sample, no two layers of which are alike."""
    if name == "sizes":
        return example(sizes=(2, 3, 2))
    if name == "cross-entropy":
        return example(sizes=(2, 3, 2), cost="cross-entropy")
    worked = example(name)
    first = {each: worked.given[each][:, :1] for each in "xy"}
    return replace(worked, given={**worked.given, **first})


@pytest.mark.parametrize("name", FAMILIES)
def test_each_factor_is_the_derivative_that_it_is_said_to_be(name: str) -> None:
    worked = of_family(name)
    tags = set()
    with precision(400):
        step = flint.arb(2) ** -80
        for row in worked.case.rows.values():
            for factor, _ in factors_of(row, worked.case):
                at = dict.fromkeys(range(1, worked.case.layers + 2), 0)
                at[row.layer or 0] = min(1, worked.case.sizes[(row.layer or 0) - 1] - 1)
                top, read = placed(factor.top, row, at)
                bottom, moved = placed(factor.bottom, row, at)
                up, down = (
                    entry(forward(worked, bottom, moved, by)[top], read) for by in (step, -step)
                )
                off = (up - down) / (2 * step) - value_of(factor, row, worked, at)
                assert abs(off) < flint.arb(2) ** -120, (row.name, factor.top, factor.bottom)
                tags.add(row.tag)
    assert tags == {"BP1", "BP2", "BP3", "BP4"}


def test_every_equation_of_every_family_has_its_sentence() -> None:
    cases = [each for each in store.cases(store.root()) if each.update == SGD]
    for case in cases:
        for row in case.rows.values():
            words = why(row, case) + why_slope(row, case)
            assert words.endswith((".", "?", "{mean}")), (case.id, row.name)
            assert set(re.findall(r"{(.*?)}", words)) <= WORDS


WORDS = {"a", "a-1", "b", "f", "j", "l", "l+1", "l-1", "mean", "w", "z"}


@pytest.mark.thorough
def test_a_mistake_is_judged_as_a_subject_that_makes_it() -> None:
    worked = example(sizes=(2, 3, 1))
    given, told = small.recorded(worked.case), broken_steps(worked)
    for each in known():
        with np.errstate(all="ignore"):
            report = check_case(subject_of(each), given)
        statuses = {v.name: v.status for v in report.verdicts if v.status in ("fail", "explained")}
        told_ = {name: q["status"] for name, q in told[each.id]["quantities"].items()}
        assert told_ == statuses, each.id
