"""The benchmark's own workings: budgets, slopes, and what is timed. No time is asserted."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from conformance.bench import bench_table as table
from conformance.bench import work
from conformance.bench.timing import Row, compared, row, slope
from conformance.cli import main
from conformance.corpus import store
from conformance.tests.support import recorded

CASE = store.cases(store.root(), table.MNIST)[0]


@pytest.mark.parametrize(
    ("value", "budget", "met"),
    [(2.0, "≤ 2", True), (2.1, "≤ 2", False), (4.0, "≥ 4", True), (3.9, "≥ 4", False)],
)
def test_a_budget_is_met_or_not(value: float, budget: str, *, met: bool) -> None:
    assert row("this", value, "×", (), budget).met is met


def test_without_a_budget_nothing_is_met() -> None:
    assert row("this", 1.0, "×").met is None


def test_a_slope_is_the_exponent() -> None:
    sizes = [10, 20, 40]
    assert slope(sizes, [3 * size**1.5 for size in sizes]) == pytest.approx(1.5)


def test_two_things_are_called_in_turn() -> None:
    called: list[str] = []
    compared("both", lambda: called.append("one"), lambda: called.append("other"))
    switches = sum(a != b for a, b in pairwise(called))
    assert switches > 50


@pytest.mark.parametrize("timed", [work.eager, work.per_sample, work.certified, work.tolerances])
def test_what_is_timed_runs_twice(timed: Callable[..., Callable[[], object]]) -> None:
    step = recorded(CASE.id).steps[0]
    one = timed(CASE, step)
    one()
    one()


def test_the_per_sample_loop_takes_the_recorded_step() -> None:
    step = recorded(CASE.id).steps[0]
    one = work.per_sample(CASE, step)
    one()
    cells = {
        name: cell.cell_contents
        for name, cell in zip(one.__code__.co_freevars, one.__closure__ or (), strict=True)
    }
    weights, biases = cells["net"]
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True), start=2):
        np.testing.assert_allclose(w, step.expected[f"w{layer}"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(b, step.expected[f"b{layer}"], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("met", "code"), [(True, 0), (False, 1)])
def test_the_command_prints_every_row_and_whether_all_budgets_are_met(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    met: bool,
    code: int,
) -> None:
    measured = [
        Row("one / other", 1.5, "×", (0.001, 0.002), "≤ 2", met),
        Row("growth", 1.0, "slope"),
    ]
    monkeypatch.setattr(table, "rows", lambda _: iter(measured))
    with pytest.raises(SystemExit) as left:
        main(["bench", "--json", str(tmp_path / "bench.json")])
    assert left.value.code == code
    lines = capsys.readouterr().out.splitlines()
    assert "NumPy" in lines[0]
    assert ("≤ 2 met" in lines[1]) == met
    assert f"{int(met)} of 1 budgets are met" in lines
    record = json.loads((tmp_path / "bench.json").read_text())
    assert [each["value"] for each in record["rows"]] == [1.5, 1.0]


def test_a_folder_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["bench", "--json", "/nowhere/bench.json"])
    assert left.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
