"""What the options of the front doors may be: on the command line as in Python."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import conformance
from conformance import usage
from conformance.backward import costs
from conformance.model import functions
from conformance.tests.test_cli import Capture, one_line, run
from conformance.training.settings import Settings

EXAMPLES = Path(conformance.__file__).parent / "examples"
STUDENT, NETWORK = f"{EXAMPLES}/student.py", f"{EXAMPLES}/network.py:Network"
OTHERS = "that is for the network of the book"


def loss(params: Any) -> Any:
    """A loss and its gradient."""
    return params["a"].sum(), {"a": np.ones(2)}


def test_there_is_one_list_of_costs() -> None:
    assert sorted(usage.COSTS) == sorted(costs.COSTS)
    assert list(usage.OF_THE_BOOK) == list(functions.COSTS)


@pytest.mark.parametrize(
    "given", [{"case": "hand*"}, {"dtype": "float32"}, {"family": ("relu", "softmax")}], ids=str
)
def test_an_option_of_the_cases_is_refused_with_another_program(given: dict[str, Any]) -> None:
    with pytest.raises(conformance.UsageError, match=OTHERS):
        conformance.check(STUDENT, **given)


def test_nothing_is_saved_of_another_program(tmp_path: Path, capsys: Capture) -> None:
    place = tmp_path / "saved"
    assert run("check", STUDENT, "--case", "x", "--save", str(place)) == 2
    assert f"case x, save {place}: {OTHERS}" in one_line(capsys)
    assert not place.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"dtype": "float16"}, "dtype float16: give float64 or float32"),
        ({"precision": "float8"}, "precision float8: give float16 or bfloat16"),
        ({"cost": "foo"}, "cost foo: give quadratic, cross-entropy, .* logistic or poisson"),
        ({"family": ("relu", "foo")}, "family relu,foo: give HIDDEN,OUTPUT of sigmoid"),
        ({"timeout": -1.0}, "timeout -1: give 0.1 seconds or more"),
    ],
)
def test_a_value_that_an_option_cannot_have(given: dict[str, Any], words: str) -> None:
    for subject in STUDENT, loss:
        with pytest.raises(conformance.UsageError, match=words):
            conformance.check(subject, **given)


def test_a_cost_that_does_not_go_with_the_network(capsys: Capture) -> None:
    for cost in "log-likelihood", "hinge":
        assert run("check", NETWORK, "--cost", cost) == 2
        assert f"cost {cost}: with sigmoid at its output" in (said := one_line(capsys))
        assert said.endswith("network.py:Network has quadratic or cross-entropy")


def test_a_cost_that_no_function_of_the_book_has_is_wrong_usage() -> None:
    def step(weights: Any, biases: Any, x: Any, y: Any, eta: float) -> dict[str, Any]:  # noqa: ARG001
        return {"z2": weights[0] @ x + biases[0]}

    with pytest.raises(conformance.UsageError, match="cost hinge: with sigmoid") as raised:
        conformance.check(step, cost="hinge")
    assert raised.value.exit_code == 2


def test_a_cost_chooses_among_those_of_a_subject() -> None:
    report = conformance.check("reference", case="deep-*float32", cost="cross-entropy")
    assert {each.case.cost for each in report.cases} == {"cross-entropy"}  # type: ignore[union-attr]


def test_what_gives_no_gradient_is_an_error_of_ours() -> None:
    with pytest.raises(conformance.NotAGradientError) as raised:
        conformance.check_backward(lambda _: (1.0, {}), {"a": np.ones(2)})
    assert isinstance(raised.value, conformance.ConformanceError)
    assert isinstance(raised.value, ValueError)


def test_functions_of_python_check_their_options() -> None:
    with pytest.raises(conformance.UsageError, match="cost foo: give"):
        conformance.check_backward(loss, {"a": np.ones(2)}, cost="foo")
    with pytest.raises(conformance.UsageError, match="timeout 0: give"):
        conformance.run(STUDENT, timeout=0)
    for given in {"cost": "hinge"}, {"dtype": "int"}, {"update": "foo"}:
        with pytest.raises(conformance.UsageError, match="give "):
            Settings(**given)  # type: ignore[arg-type]
