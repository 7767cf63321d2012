"""A part of a list has each kind in it, is never empty, and is the same each time."""

import pytest

from conformance.tests import parts
from conformance.tests.parts import few, in_ci, kind_of_edit, part

LETTERS = ["a1", "b1", "b2", "a2", "c1", "a3"]


def letter(each: str) -> str:
    return each[0]


def number(each: str) -> str:
    return each[1]


def test_each_value_of_each_kind_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WHOLE", False)
    assert part(LETTERS, letter) == ["a1", "b1", "c1"]
    assert part(LETTERS, letter, number) == ["b1", "b2", "c1", "a3"]
    assert part(LETTERS, number, slow=lambda each: each == "a1") == ["b1", "b2", "a3"]
    assert few(1, 2) == 1


def test_what_is_of_several_kinds_is_there_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WHOLE", False)
    assert part(LETTERS, frozenset) == ["b1", "b2", "c1", "a3"]
    assert part(["ab", "a", "b"], frozenset) == ["ab"]


def test_before_a_release_all_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WHOLE", True)
    assert part(LETTERS, letter) == LETTERS
    assert few(1, 2) == 2


def test_a_part_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="tests nothing"):
        part([], letter)
    with pytest.raises(ValueError, match="tests nothing"):
        part(LETTERS)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("dW = X.T @ d", "dW = X @ d", "-T"),
        ("d.sum(axis=0)", "d.mean(axis=0)", "-sum +mean"),
        ("(p - y", "(y - p", ""),
        ("a * (1 - a)", "a", "-* --"),
    ],
)
def test_a_kind_of_edit_is_what_goes_and_what_comes(before: str, after: str, kind: str) -> None:
    assert kind_of_edit(before, after) == kind


def test_ci_takes_the_first_of_so_many_and_the_others_are_seldom_run() -> None:
    once = pytest.param("c", id="third", marks=pytest.mark.thorough)
    marks = [[mark.name for mark in each.marks] for each in in_ci(["a", ("b",), once, "d"], 3)]
    assert marks == [[], ["seldom"], ["thorough", "seldom"], []]
