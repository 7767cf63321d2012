"""What `import conformance` gives: it says why an assertion fails, and loads little."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import conformance

CASE = "hand-2-3-1"


def negated(weights: Any, biases: Any, x: Any, y: Any, eta: float) -> dict[str, Any]:  # noqa: ARG001 - a subject
    """z with the wrong sign of b."""
    return {"z2": weights[0] @ x - biases[0]}


def loss_and_gradients(params: Any, x: Any) -> tuple[Any, Any]:
    """The gradient of b is half of what it has to be."""
    loss = (params["a"] * x).sum() + (params["b"] ** 2).sum()
    return loss, {"a": x, "b": params["b"]}


def reports() -> list[Any]:
    """A report of each kind, on something wrong."""
    params = {"a": np.ones(2), "b": np.arange(1.0, 3)}
    return [
        conformance.check(negated, case=CASE),
        conformance.check_backward(loss_and_gradients, params, np.arange(2.0, 4)),
    ]


def test_an_assertion_that_fails_holds_the_report() -> None:
    with pytest.raises(AssertionError) as raised:
        conformance.assert_conformant(negated, case=CASE)
    what, where, why, *_ = str(raised.value).splitlines()
    assert what == "not conformant: Z is wrong at layer 2, in 1 of 1 case"
    assert "test_public.py" in where
    assert why == "  it is the right value with minus b^l"


def test_a_report_that_is_there_can_be_asserted() -> None:
    conformance.assert_conformant(conformance.check("reference", case=CASE))
    for each in reports():
        with pytest.raises(AssertionError, match="wrong"):
            conformance.assert_conformant(each)


def test_what_is_shown_of_a_failed_assertion_is_one_line() -> None:
    for each in reports():
        assert not each.ok
        assert "wrong" in repr(each)
        assert "test_public.py" in repr(each)
        assert "\n" not in repr(each)


class Unit:
    """A logistic unit, whose gradient of b has the wrong sign."""

    def __init__(self, n_inputs: int) -> None:
        self.w, self.b = np.full(n_inputs, 0.5), np.zeros(1)

    def forward(self, x: Any) -> Any:
        """The output."""
        return 1 / (1 + np.exp(-(x @ self.w + self.b)))

    def loss(self, x: Any, y: Any) -> Any:
        """The cross-entropy."""
        a = self.forward(x)
        return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))

    def backward(self, x: Any, y: Any) -> dict[str, Any]:
        """The gradients."""
        delta = (self.forward(x) - y) / len(x)
        return {"w": x.T @ delta, "b": -delta.sum(keepdims=True)}


@pytest.mark.parametrize("subject", [Unit, f"{Path(__file__)}:Unit"], ids=["class", "text"])
def test_a_class_of_any_shape_is_checked_as_an_object_and_by_its_file(subject: object) -> None:
    report = conformance.check(subject)
    assert not report.ok
    what, where, *_ = str(report).splitlines()
    assert what == "wrong: the gradient of b; w is right"
    assert where.endswith('return {"w": x.T @ delta, "b": -delta.sum(keepdims=True)}')


def test_a_network_is_trained_beside_the_reference() -> None:
    network = Path(conformance.__file__).parent / "examples" / "network.py"
    report = conformance.train(f"{network}:Network", sizes=(784, 4, 10), epochs=1)
    assert not report.ok
    assert "network.py:Network: a jump at epoch 0, step 0, layer 2" in repr(report)
    assert "Epoch 0" in str(report)
    assert "\n" not in repr(report)
    with pytest.raises(conformance.UsageError, match="no subject 'nobody'"):
        conformance.train("nobody")


def test_what_fits_no_shape_is_refused_with_what_is_needed() -> None:
    with pytest.raises(conformance.UsageError, match="needed is a class or factory"):
        conformance.check(reports)


def test_every_public_name_is_there_and_nothing_heavy_is_loaded_for_it() -> None:
    code = """
import sys, conformance
print(sorted({"numpy", "torch", "flint", "pytest", "typer"} & set(sys.modules)))
print([name for name in conformance.__all__ if not hasattr(conformance, name)])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)  # noqa: S603
    assert done.stdout.split() == ["[]", "[]"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'chekc'"):
        _ = conformance.chekc  # type: ignore[attr-defined]


def test_every_blame_has_the_file_and_the_line() -> None:
    for report in reports():
        assert [Path(each.file).name for each in report.blames] == ["test_public.py"]
        assert all(isinstance(each.line, int) for each in report.blames)
    whole = conformance.FileReport("file.py", tuple(reports()))
    assert [each.line for each in whole.blames] == [each.blames[0].line for each in whole.parts]


def test_the_version_is_that_of_the_package() -> None:
    assert conformance.__version__ == version("backprop-conformance")
