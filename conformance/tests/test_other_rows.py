"""Targets in another order than the inputs are blamed, and no order that is that of both."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

SCRIPT = """import numpy as np

rng = np.random.default_rng(4)
features = rng.normal(size=(40, 3))
kinds = (features[:, 0] > features[:, 1]).astype(int)
wanted = np.eye(2)[kinds]
w, b = rng.normal(size=(3, 2)), np.zeros(2)

for epoch in range(4):
    order = rng.permutation(len(features))
    for at in range(0, 40, 8):
        rows = order[at : at + 8]
        x, t = features[rows], wanted[rows]
        p = np.exp(x @ w + b)
        p /= p.sum(axis=1, keepdims=True)
        e = (p - t) / len(x)
        w -= 0.5 * x.T @ e
        b -= 0.5 * e.sum(axis=0)
"""
TAKEN = "x, t = features[rows], wanted[rows]"
ORDERED = "order = rng.permutation(len(features))"
WRONG = {
    "inputs in turn": (TAKEN, "x, t = features[at : at + 8], wanted[rows]"),
    "labels in turn": (TAKEN, "x, t = features[rows], np.eye(2)[kinds[at : at + 8]]"),
    "targets in turn": (TAKEN, "x, t = features[rows], wanted[at : at + 8]"),
}
RIGHT = {
    "all in turn": (ORDERED, "order = np.arange(40)"),
    "codes of the rows": (TAKEN, "x, t = features[rows], np.eye(2)[kinds[rows]]"),
    "less the mean of the first": (
        "kinds = ",
        "features = features - features[:30].mean(axis=0)\nkinds = ",
    ),
    "ordered before": (
        TAKEN,
        """some = np.array([wanted[i] for i in order.tolist()])
        x, t = features[order][at : at + 8], some[at : at + 8]""",
    ),
    "rows": (TAKEN, TAKEN),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_rows_in_turn_beside_shuffled_ones_are_blamed(name: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, WRONG[name])
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [13]), str(report)
    assert "in another order" in str(report)


def test_rows_computed_of_those_beside_them_are_blamed(tmp_path: Path) -> None:
    rows = "rows = order[at : at + 8]"
    lines = f"{rows}\n        x = features[rows]\n        t = wanted[rows - 1]"
    in_turn = (ORDERED, "order = np.arange(40)")
    report = run_edited(tmp_path, SCRIPT, in_turn, (f"{rows}\n        {TAKEN}", lines))
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [14]), str(report)
    assert "the samples are those of `features[rows]`" in str(report)


def test_rows_that_stay_where_those_of_the_inputs_move_are_blamed(tmp_path: Path) -> None:
    """They are those of the first batch, whose gradients are right."""
    turn = (TAKEN, "x, t = features[at : at + 8], wanted[:8]")
    report = run_edited(
        tmp_path, SCRIPT, turn, (ORDERED, "pass"), ("rows = order[at : at + 8]", "pass")
    )
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [13]), str(report)


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_rows_in_the_same_order_are_right(name: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, RIGHT[name])
    assert report.exit_code == 0, str(report)


def test_a_table_that_is_written_begins_as_it_was_made(tmp_path: Path) -> None:
    coded = """wanted = np.zeros((40, 2))
wanted[np.arange(40), kinds] = 1"""
    written = ("wanted = np.eye(2)[kinds]", coded)
    report = run_edited(tmp_path, SCRIPT, written)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, SCRIPT, written, WRONG["targets in turn"])
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [14]), str(report)


def test_a_table_that_is_shuffled_as_a_whole_is_followed(tmp_path: Path) -> None:
    both = (ORDERED, f"{ORDERED}\n    features, wanted = features[order], wanted[order]")
    one = (ORDERED, f"{ORDERED}\n    features = features[order]")
    in_turn = (TAKEN, "x, t = features[at : at + 8], wanted[at : at + 8]")
    report = run_edited(tmp_path, SCRIPT, both, in_turn)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, SCRIPT, one, in_turn)
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [14]), str(report)


@pytest.mark.parametrize(("left", "blamed"), [("wanted", [12]), ("wanted[order]", [])])
def test_a_table_that_gets_another_name_where_the_inputs_get_their_order_is_blamed_there(
    left: str, blamed: list[int], tmp_path: Path
) -> None:
    apart = (ORDERED, f"{ORDERED}\n    some = features[order]\n    their = {left}")
    in_turn = (TAKEN, "x, t = some[at : at + 8], their[at : at + 8]")
    report = run_edited(tmp_path, SCRIPT, apart, in_turn)
    assert [each.line for each in report.blames] == blamed, str(report)
