"""The programs of `backward/`, their mutants, and forty of these put to `check_backward`.

`python -m conformance.tests.backward` judges some hundreds.
"""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.tests.backward.edits import Edit, edits
from conformance.tests.backward.measure import SAMPLE, Judgement, judge, line_of, table
from conformance.tests.backward.mutants import DIFFERENT, mutant, mutants
from conformance.tests.backward.program import (
    SEED,
    Program,
    distance,
    leaves,
    loaded,
    outcome,
    program,
    programs,
)
from conformance.tests.parts import few, part

EACH = pytest.mark.parametrize("right", programs(), ids=lambda right: right.name)


@EACH
def test_gradients_are_difference_quotients(right: Program) -> None:
    module = loaded(right.source.replace("float32", "float64"))
    params, data = module.make(SEED)
    gradients = outcome(module, params, data).gradients
    assert gradients.keys() == dict(leaves(params)).keys()
    for place, array in leaves(params):
        quotients = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            quotients[index] = _quotient(module.f, params, data, place, index)
        assert distance(quotients, gradients[place]) < 1e-8  # a tenth of 1e-4⁴, of derivatives ~10
        assert np.any(gradients[place])


def _quotient(f: Any, params: Any, data: Any, place: str, index: tuple[int, ...]) -> float:
    """A difference quotient of the loss whose error is of the fourth order in h."""

    def loss(step: float) -> float:
        moved = copy.deepcopy(params)
        dict(leaves(moved))[place][index] += step
        return float(f(moved, *copy.deepcopy(data))[0])

    h = 1e-4
    return (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / (12 * h)


@EACH
def test_arguments_are_left_as_they_are(right: Program) -> None:
    module = loaded(right.source)
    arguments = module.make(SEED)
    module.f(arguments[0], *arguments[1])
    expected = dict(leaves(module.make(SEED)))
    for place, array in leaves(arguments):
        np.testing.assert_array_equal(array, expected[place])


SOURCE = """
def helper_backward(d, x):
    return d * x
def f(p, x, y):
    z = p * x
    loss = z + 2
    # backward
    d = 1 + y
    d += z[1:]
    return loss, helper_backward(d, x)
"""


def test_edits_keep_to_the_backward_part() -> None:
    found = list(edits(SOURCE))
    assert {each.line for each in found} == {3, 8, 9, 10}
    assert {each.text for each in found} >= {
        *("return d / x", "return d", "d = 1 - y", "d = 2 + y", "d = -(1 + y)", "d = 1", "pass"),
        *("d = z[1:]", "d -= z[1:]", "d += z[:1]", "d += x[1:]", "d += z"),
        *("return loss, helper_backward(x, d)", "return loss, f(d, x)"),
    }


def test_an_edit_changes_its_line_alone() -> None:
    for right in map(program, ("hinge", "layers", "tied")):
        before = right.source.splitlines()
        seen = set()
        for each in edits(right.source):
            after = each.source.splitlines()
            compared = enumerate(zip(before, after, strict=True), 1)
            assert [n for n, (old, new) in compared if old != new] == [each.line]
            seen.add((each.line, each.text))
        assert len(seen) == len(list(edits(right.source)))


@pytest.mark.parametrize(
    ("line", "computes"),
    [
        ("d = 1 - y", True),
        ("d = y", False),
        ("pass", False),
        ("d += y", True),
        ("d = y[0]", False),
        ("d[y] = y", True),
        ("d = y.T", True),
        ("d.append(y)", False),
        ("def f(): return 1 + y, d", False),
        ("def f(): return y, 1 + d", True),
        ("for d in range(1 + y): pass", False),
    ],
)
def test_a_line_that_only_hands_on_computes_nothing(line: str, computes: bool) -> None:
    assert Edit("", 0, 1, line).computes is computes


@pytest.mark.thorough
@pytest.mark.parametrize("right", few([program("tied")], programs()), ids=lambda right: right.name)
def test_mutants_are_wrong_and_no_two_the_same(right: Program) -> None:
    found = mutants(right)
    assert len(found) >= 40
    assert len({each.id for each in found}) == len(found)
    for each in found:
        assert each.wrong
        for place, truth in each.right.gradients.items():
            apart = distance(truth, each.got.gradients[place])
            assert (place in each.wrong) is (apart > DIFFERENT)
            assert np.isfinite(apart)


def test_a_choice_of_mutants_is_spread_over_the_lines() -> None:
    found = mutants(program("tied"), 12)
    assert [each.id for each in found] == [each.id for each in mutants(program("tied"), 12)]
    assert len({each.edit.line for each in found}) >= 8
    assert mutant(found[0].id).edit == found[0].edit


def _judgement(line: int, blamed: tuple[int, ...], exit_code: int = 1) -> Judgement:
    return Judgement(
        program="p",
        id=f"p/{line}",
        line=line,
        text="",
        computes=True,
        missed=(),
        scaled=False,
        exit_code=exit_code,
        mends=bool(blamed),
        blamed=blamed,
        said="",
        seconds=0.5,
    )


def test_the_table_counts_what_was_said() -> None:
    found = [
        _judgement(0, (), exit_code=0),
        *(_judgement(5, (5, 6)), _judgement(5, (6, 5)), _judgement(5, (7, 8, 5))),
        *(_judgement(5, ()), _judgement(5, (), exit_code=0)),
        replace(_judgement(5, (5,)), missed=("w",)),
    ]
    row = table(found)[1].split()
    assert row[:4] == ["p", "1", "right", "6"]
    assert [row[4], row[7], row[10], row[13]] == ["4", "3", "1", "2"]


def slow(id_: str) -> bool:
    """Whether a mutant takes seconds."""
    return id_.split("/", maxsplit=1)[0] in {
        "attention",
        "group_norm",
        "gru",
        "maxpool",
        "scalars",
        "skipgram",
    }


def _sample() -> list[object]:
    def marks(reason: str) -> list[pytest.MarkDecorator]:
        return [pytest.mark.xfail(reason=reason)] if reason else []

    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    chosen = part(sorted(sample), lambda id_: id_.split("-")[1], slow=slow)
    return [pytest.param(id_, marks=marks(sample[id_]), id=id_) for id_ in chosen]


def test_the_sample_is_spread_over_the_programs() -> None:
    names = [id_.partition("/")[0] for id_ in json.loads(SAMPLE.read_text(encoding="utf-8"))]
    assert {names.count(each.name) for each in programs()} == {2}


@pytest.mark.thorough
@EACH
def test_a_right_program_is_not_accused(right: Program, tmp_path: Path) -> None:
    judgement = judge(right, None, tmp_path)
    assert judgement.good, line_of(judgement)


@pytest.mark.thorough
@pytest.mark.parametrize("id_", _sample())
def test_a_mutant_is_judged_rightly(id_: str, tmp_path: Path) -> None:
    wrong = mutant(id_)
    judgement = judge(wrong.program, wrong, tmp_path)
    assert judgement.good, line_of(judgement)
