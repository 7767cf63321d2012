"""The twin by other ways of PyTorch: conformant, or refused in one line with the reason."""

import numpy as np
import pytest
import torch

from conformance import check, cli
from conformance.errors import SubjectError, UsageError
from conformance.subjects import named
from conformance.subjects.named import COMPILED, variant
from conformance.tests.parts import few
from conformance.tests.support import recorded
from torch_impl.step import Trainer
from torch_impl.variants import FuncTrainer

pytestmark = pytest.mark.xdist_group("torch")


@pytest.mark.parametrize("id_", ["square-4-4-4-4", "relu-softmax-4-4-4-3-float32"])
def test_gradients_by_functions_are_those_of_the_module(id_: str) -> None:
    of, step = recorded(id_).case, recorded(id_).steps[0]
    given = step.parameters, of.cost, of.eta, of.decay, of.activations
    other = dict(Trainer(*given).step(step.batch).named())
    for name, array in FuncTrainer(*given).step(step.batch).items():
        np.testing.assert_allclose(array, other[name], rtol=1e-5, atol=1e-7, err_msg=name)
        assert array.dtype == of.type


@pytest.mark.thorough
def test_the_twin_by_functions_is_conformant() -> None:
    report = check(variant("torch_impl", "func", "cpu"), case=few(("*-4-4-4-*", "rem*"), None))
    assert report.ok
    assert report.exit_code == 0


@pytest.mark.thorough
def test_the_compiled_twin_is_conformant_or_says_why_not() -> None:
    try:
        subject = variant("torch_impl", "compiled", "cpu")
    except SubjectError as error:
        pytest.skip(str(error))
    report = check(subject, case="hand-2-3-1")
    assert report.ok, str(report)


def test_a_compiler_that_does_not_work_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_(_: object) -> object:
        raise RuntimeError("no working C++ compiler")

    monkeypatch.setattr(torch, "compile", compile_)
    with pytest.raises(SubjectError, match=r"does not work here.*no working C\+\+ compiler"):
        variant("torch_impl", "compiled", "cpu")


def test_only_a_few_cases_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "_try_compiler", lambda: None)
    subject = variant("torch_impl", "compiled", "cpu")
    assert not subject.unfit(recorded(COMPILED[0]).case)
    assert subject.unfit(recorded("expanding-2-3-2").case) == "is compiled in a few cases alone"


@pytest.mark.parametrize(
    ("subject", "name", "device", "said"),
    [
        ("reference", "func", "cpu", "for torch_impl alone"),
        (None, None, "cuda", "for torch_impl alone"),
        ("torch_impl", "jit", "cpu", "compiled or func"),
        ("torch_impl", None, "tpu", "cpu or cuda"),
    ],
)
def test_what_is_no_variant_is_refused(
    subject: str | None, name: str | None, device: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        variant(subject, name, device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device")
def test_without_a_device_the_command_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["check", "torch_impl", "--device", "cuda"])
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: --device cuda: torch finds no such device here"


def test_the_twin_by_jax_is_refused_where_jax_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "has_jax", lambda: False)
    with pytest.raises(UsageError, match="jax_impl needs JAX, which is not installed"):
        check("jax_impl")
