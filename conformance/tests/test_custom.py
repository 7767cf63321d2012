"""Custom functions of torch (`torch.autograd.Function`): judged, blamed on the line, declared.

`python -m conformance.tests.custom` judges some hundreds of mutants of them.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

import conformance
from conformance.backward.recorded_pass import NotAGradientError
from conformance.cli import main
from conformance.custom.custom_calls import calls_of
from conformance.report.backward_record import from_json, to_json
from conformance.shapes.fitting import found
from conformance.tests.backward.measure import Said
from conformance.tests.backward.program import imported
from conformance.tests.custom.faults import AMBIGUOUS, FAULTS, faulty
from conformance.tests.custom.measure import (
    FOLDER,
    arguments,
    function_of,
    judge,
    judged,
    programs,
    table,
)
from conformance.tests.parts import few, kind_of_edit, part

pytestmark = pytest.mark.xdist_group("torch")  # one worker imports it

MORE = FOLDER / "more" / "conventions.py"


@pytest.mark.parametrize("name", programs())
def test_a_right_function_is_not_accused(name: str, tmp_path: Path) -> None:
    said = judge(name, None, tmp_path)
    assert said.good, said.said
    assert "not judged" not in said.said


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        pytest.param(*each, id=f"{each[0]}: {each[2]}")
        for each in part(FAULTS, lambda each: kind_of_edit(*each[1:]))
    ],
)
def test_a_fault_is_seen_and_its_line_is_the_first(
    name: str, before: str, after: str, tmp_path: Path
) -> None:
    source, line = faulty(name, before, after)
    file = tmp_path / "faulty.py"
    file.write_text(source, encoding="utf-8")
    report = conformance.check_vjp(function_of(imported(file)), *arguments(name))
    assert report.exit_code == 1
    lines = [each.line for blame in report.blames for each in blame.lines]
    assert lines[:1] == [line] or (name, after) in AMBIGUOUS


def of_file(name: str) -> Any:
    """A function of the file with conventions."""
    return getattr(imported(MORE), name)


def said_of(name: str, *args: object) -> str:
    """What is said of a function, which is not wrong."""
    report = conformance.check_vjp(of_file(name), *args)
    assert report.ok, str(report)
    return str(report)


X = torch.linspace(-1.7, 2.1, 12, dtype=torch.float64).reshape(3, 4)


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("Round", (X,), "taken for the identity (straight-through)"),
        ("Binarize", (X,), "the derivative of `input.sign()`"),
        ("Spike", (X, 0.5), "the derivative of `input > 0`"),
        ("GradReverse", (X, 0.3), "forward hands it on as it is"),
        ("STArgmax", (X,), "the derivative of `logits.argmax(-1)`"),
        ("LSQ", (X, torch.tensor(0.3), 0.5, -2, 2), "not judged"),
    ],
)
def test_what_is_no_derivative_on_purpose_is_said_and_not_accused(
    name: str, args: tuple[Any, ...], words: str
) -> None:
    assert words in said_of(name, *args)


def test_a_mask_that_forward_multiplies_by_is_no_convention() -> None:
    report = conformance.check_vjp(of_file("ReluMask"), X)
    assert [each.ok for each in report.gradients] == [False]


def test_torch_sums_a_gradient_over_what_was_broadcast() -> None:
    assert "2 gradients, all right" in said_of("BiasAuto", X, torch.rand(4).double())


def test_arguments_that_are_changed_in_place_are_those_of_before() -> None:
    report = conformance.check_vjp(of_file("InPlace"), X)
    assert "has to be multiplied by 2" in report.blames[0].text


def test_what_goes_through_numpy_and_what_torch_differentiates_is_followed() -> None:
    assert "`r` is too much" in str(conformance.check_vjp(of_file("NumpyExp"), X))
    assert "1 gradient, all right" in said_of("Checkpoint", torch.nn.Linear(4, 2).double(), X)


def test_no_gradient_is_wrong_if_one_was_asked_for() -> None:
    w = torch.rand(4, 2, dtype=torch.float64)
    assert "w: backward gives no gradient of it" in said_of("Missing", X, w)
    asked = X.clone().requires_grad_(), w.clone().requires_grad_()
    report = conformance.check_vjp(of_file("Missing"), *asked)
    assert report.blames[0].gradients == ("w",)
    assert "no gradient is given here" in report.blames[0].text


def test_a_loss_that_does_not_use_what_it_is_given_is_told_so() -> None:
    report = conformance.check_vjp(of_file("Loss"), X, X**2)
    assert "does not use g, by which it has to be multiplied" in report.blames[0].text


def test_what_torch_refuses_is_no_gradient() -> None:
    with pytest.raises(NotAGradientError, match="incorrect number of gradients"):
        conformance.check_vjp(of_file("Few"), X, X)


def test_the_fifth_digit_is_seen_in_numbers_of_four_bytes() -> None:
    kind = function_of(imported(FOLDER / "tanh.py"))
    assert conformance.check_vjp(kind, X.float()).ok
    wrong = type(
        "Wrong", (kind,), {"backward": staticmethod(lambda c, g: g * (1.00001 - c.out**2))}
    )
    assert not conformance.check_vjp(wrong, X.float()).ok


def test_the_call_of_a_file_is_found_as_far_as_it_is_needed() -> None:
    calls, stopped = calls_of(str(FOLDER / "clamp.py"), ["Clamp"])
    assert [tuple(calls["Clamp"][0].shape), *calls["Clamp"][1:]] == [(4, 5), -0.7, 0.5]
    assert not stopped


def test_how_a_file_stops_is_known(tmp_path: Path) -> None:
    file = tmp_path / "stops.py"
    file.write_text("raise RuntimeError('no data')", encoding="utf-8")
    assert calls_of(str(file), ["F"]) == ({}, "its own run stops: RuntimeError: no data")


def test_arguments_are_found_by_their_names() -> None:
    tried, _ = found(function_of(imported(FOLDER / "linear.py")), None)
    assert tried is not None
    assert tried.arguments == "input (8, 6), weight (5, 6), bias (5)"


def test_a_declared_gradient_comes_back_from_json() -> None:
    report = conformance.check_vjp(of_file("Round"), X)
    assert from_json(to_json("Round", report.examined, 0)) == ("Round", report.examined)
    assert report.examined.gradients[0].declared is not None
    assert "a convention" in report.as_page()


def test_the_table_counts_what_was_said() -> None:
    right = Said("p/right", 0, "", True, (), 0, (), "", 0.1)
    wrong = [Said(f"p/{n}", 5, "", True, (), 1, (n,), "", 0.1) for n in (5, 6)]
    assert table([right, *wrong])[1].split() == [
        "p",
        "1",
        "right",
        "2",
        "2",
        "100.0",
        "%",
        "1",
        "50.0",
        "%",
    ]


def test_a_file_is_checked_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, line = faulty("swish", "grad_output * (sig", "(sig")
    file = tmp_path / "swish.py"
    file.write_text(source, encoding="utf-8")
    with pytest.raises(SystemExit) as left:
        main(["check", str(file)])
    what, where, *_ = capsys.readouterr().out.splitlines()
    assert left.value.code == 1
    assert what == "wrong: the gradient of i"
    assert where.startswith(f"swish.py:{line}: ")


@pytest.mark.thorough
def test_a_function_that_cannot_be_called_leaves_a_file_not_judged(tmp_path: Path) -> None:
    source = (FOLDER / "tanh.py").read_text(encoding="utf-8")
    source += """
class Needs(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, table):
        return x * table.lookup("scale")

    @staticmethod
    def backward(ctx, grad):
        return grad, None
"""
    file = tmp_path / "two.py"
    file.write_text(source, encoding="utf-8")
    report = conformance.check(str(file))
    assert report.exit_code == 3
    assert "not judged: Needs" in str(report)


@pytest.mark.thorough
def test_a_script_that_torch_trains_is_told_what_judges_its_functions(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "train.py"
    training = "for _ in range(2):\n    (Tanh.apply(torch.ones(2)) * 2).sum()\n"
    source = (FOLDER / "tanh.py").read_text(encoding="utf-8")
    file.write_text(f"{source}\n\n{training}", encoding="utf-8")
    with pytest.raises(SystemExit) as left:
        main(["run", str(file)])
    assert left.value.code == 3
    assert "judges its custom functions of PyTorch" in " ".join(capfd.readouterr().err.split())


@pytest.mark.seldom
def test_nine_mutants_of_ten_are_blamed_on_the_edited_line() -> None:
    count, chosen = few(2, 3), few(programs()[::4], programs())
    found = list(judged(chosen, count))
    wrong = [each for each in found if each.line]
    assert len(wrong) > 0.6 * len(chosen) * count
    assert all(each.seen for each in wrong)
    place = [each for each in wrong if each.computes]
    assert sum(each.first for each in place) >= 0.85 * len(place)
