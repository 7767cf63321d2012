"""Other update rules than the book's, in networks that take their constants by keywords.

Left out: the rules (`test_table.py`), their fast steps (`test_descent.py`), PyTorch's
(`test_torch_impl.py` and the suite), and the known mistakes in them (`test_prove.py`).
"""

from functools import cache
from pathlib import Path

import pytest

from conformance import check
from conformance.explain.show_step import example
from conformance.explain.step_lines import as_text
from conformance.report.book_report import Report
from conformance.tests.networks import updates
from conformance.tests.parts import few
from conformance.training.settings import Settings
from conformance.training.training_data import digits
from conformance.training.training_run import subjects, train
from reference.updates import UPDATES

SOURCE = Path(updates.__file__)
SIGN = ("self.mu * v - eta * g", "-self.mu * v - eta * g")


@cache
def judged(name: str, *edit: str, folder: Path = SOURCE.parent) -> Report:
    """The report on a network of the file, with an edit of its source, in the cases of updates."""
    file = SOURCE
    if edit:
        source = SOURCE.read_text("utf-8")
        find, other = edit
        assert source.count(find) == 1
        file = folder / "edited.py"
        file.write_text(source.replace(find, other), encoding="utf-8")
    report = check(f"{file}:{name}", case=["momentum*", "adam-*", "hand-2-3-1"])
    assert isinstance(report, Report)
    return report


def test_a_network_that_takes_its_momentum_is_judged_with_it_and_without() -> None:
    report = judged("Momentum")
    assert report.ok, str(report)
    assert {each.case.id for each in report.cases} == {
        *("hand-2-3-1", "momentum-2-4-3", "momentum-3-3-3"),
    }
    assert "momentum, mu as `mu`" in report.conventions
    seen = {each.name for case in report.cases for each in case.passes}
    assert {"v_b2", "v_w2", "w2"} <= seen


@pytest.mark.thorough
def test_momentum_as_pytorch_keeps_it_is_a_convention() -> None:
    assert judged("AsPyTorch").ok


@pytest.mark.thorough
def test_a_network_that_takes_the_rates_of_adam_is_judged_with_it_alone() -> None:
    report = judged("Adam")
    assert report.ok, str(report)
    assert {"adam-2-4-3", "adam-3-3-3"} < {each.case.id for each in report.cases}
    assert {each.case.update for each in report.cases} == {"adam"}


def test_a_momentum_of_the_wrong_sign_is_blamed_on_v_and_its_line(tmp_path: Path) -> None:
    report = judged("Momentum", *SIGN, folder=tmp_path)
    (blame,) = report.blames
    assert (blame.tag, blame.first.name) == ("V", "v_b2")
    lines = (tmp_path / "edited.py").read_text("utf-8").splitlines()
    assert "-self.mu * v" in lines[blame.first.frames[0].line - 1]
    assert [each.mistakes for each in report.causes] == [("momentum-sign",)]


def test_a_step_of_another_update_is_worked_with_its_state() -> None:
    text = as_text(example("adam-2-4-3"))
    assert "√(sw3[0,3] / (1 − ρ^t))" in text
    assert "\nV    t ← t + 1 = 0 + 1 = 1" in text


@pytest.mark.thorough
@pytest.mark.parametrize("update", few(["nesterov", "adamw"], [*UPDATES]))
def test_steps_of_pytorch_differ_by_rounding_alone(update: str) -> None:
    settings = Settings(epochs=few(1, 2), eta=0.01, mini_batch=16, update=update)
    run = train(settings, digits(None), subjects(settings.subjects, settings))
    assert run.exit_code == 0
    assert sum(each.walked[1].judged for each in run.epochs) >= few(5, 10)
