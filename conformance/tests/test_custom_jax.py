"""Functions with `jax.custom_vjp`, and the twin by `jax.grad`; skipped where JAX is not there."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax", reason="the extra `jax` is not installed: pip install '.[jax]'")

import conformance
from conformance.api import check
from conformance.backward.recorded_pass import NotAGradientError
from conformance.tests.backward.program import imported
from conformance.tests.custom.measure import FOLDER

FILE = FOLDER / "more" / "with_jax.py"
RNG = np.random.default_rng(3)
X, G, B = RNG.normal(size=(5, 4)), RNG.normal(size=4), RNG.normal(size=4)
ARGS: dict[str, tuple[Any, ...]] = {
    "cross_entropy": (X, np.array([0, 3, 1, 1, 2])),
    "dense_tanh": (X, {"w": RNG.normal(size=(4, 3)), "b": RNG.normal(size=3)}),
    "layer_norm": (X, G, B, 1e-5),
    "relu_pair": (X,),
    "swish": (X,),
}

FAULTS = (
    ("cross_entropy", "p - jax.nn.one_hot", "p + jax.nn.one_hot"),
    ("dense_tanh", "(1 - y**2)", "(1 - y)"),
    ("dense_tanh", 'x.T @ dz, "b"', 'x.T @ g, "b"'),
    ("dense_tanh", "dz.sum(0)}", "dz.mean(0)}"),
    ("layer_norm", "dx_hat = g * gamma", "dx_hat = g / gamma"),
    ("layer_norm", "c2 = jnp.mean(dx_hat,", "c2 = jnp.mean(g,"),
    ("layer_norm", "- c2) * rstd", "- c2) / rstd"),
    ("layer_norm", "jnp.sum(g * x_hat, axis=0)", "jnp.sum(g, axis=0)"),
    ("relu_pair", "(dx - jnp.where", "(dx + jnp.where"),
    ("swish", "s * (1 + x * (1 - s))", "s * (1 - x * (1 - s))"),
    ("swish", "(g * slope(x, s),)", "(slope(x, s),)"),
)


def report_on(name: str, file: Path = FILE) -> Any:
    return conformance.check_vjp(getattr(imported(file), name), *ARGS[name])


@pytest.mark.parametrize("name", ARGS)
def test_a_right_function_of_jax_is_not_accused(name: str) -> None:
    report = report_on(name)
    assert report.ok, str(report)
    assert "not judged" not in str(report)


IDS = [f"{name}: {after}" for name, _, after in FAULTS]


@pytest.mark.parametrize(("name", "before", "after"), FAULTS, ids=IDS)
def test_the_line_in_bwd_is_blamed(name: str, before: str, after: str, tmp_path: Path) -> None:
    source = FILE.read_text(encoding="utf-8")
    assert source.count(before) == 1
    file = tmp_path / "mine.py"
    file.write_text(source.replace(before, after), encoding="utf-8")
    report = report_on(name, file)
    assert report.exit_code == 1
    line = source[: source.index(before)].count("\n") + 1
    assert [each.line for blame in report.blames for each in blame.lines][:1] == [line], str(report)
    assert Path(report.blames[0].file).name == "mine.py"


def test_numbers_of_four_bytes_are_judged_too() -> None:
    function = imported(FILE).dense_tanh
    args = X.astype(np.float32), {k: v.astype(np.float32) for k, v in ARGS["dense_tanh"][1].items()}
    assert conformance.check_vjp(function, *args).ok


def test_a_straight_through_estimator_is_a_convention() -> None:
    report = conformance.check_vjp(imported(FILE).rounded, X)
    assert report.ok
    assert "straight-through" in str(report)


def test_what_jax_refuses_is_no_gradient(tmp_path: Path) -> None:
    source = FILE.read_text(encoding="utf-8").replace("(g * slope(x, s),)", "(g * s, g)")
    file = tmp_path / "mine.py"
    file.write_text(source, encoding="utf-8")
    with pytest.raises(NotAGradientError, match="JAX refuses it"):
        report_on("swish", file)


def test_the_twin_by_jax_is_conformant() -> None:
    report = check("jax_impl", case="relu-softmax-4-4-4-3*")
    assert report.ok, str(report)
    assert len(report.cases) == 2


@pytest.mark.thorough
def test_a_file_is_checked_with_arguments_of_ours(tmp_path: Path) -> None:
    source = FILE.read_text(encoding="utf-8").replace("(1 + x *", "(1 - x *")
    file = tmp_path / "mine.py"
    file.write_text(source, encoding="utf-8")
    words = [
        sys.executable,
        "-m",
        "conformance",
        "check",
        f"{file}:swish",
    ]  # JAX fears forks
    ended = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    what, where, why, *_ = ended.stdout.splitlines()
    assert ended.returncode == 1
    assert what == "wrong: the gradient of x"
    assert where.endswith("return s * (1 - x * (1 - s))")
    assert "− has to be +" in why


AFFINE = """
import jax, jax.numpy as jnp

@jax.custom_vjp
def affine(x, w, b):
    return x @ w + b

def fwd(x, w, b):
    return x @ w + b, (x, w)

def bwd(res, g):
    x, w = res
    return g @ w.T, x.T @ g, g.sum(0)

affine.defvjp(fwd, bwd)
"""


@pytest.mark.thorough
def test_several_arguments_are_found(tmp_path: Path) -> None:
    file = tmp_path / "affine.py"
    file.write_text(AFFINE, encoding="utf-8")
    words = [sys.executable, "-m", "conformance", "check", str(file)]  # JAX fears forks
    ended = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    assert ended.returncode == 0
    assert "affine: 3 gradients, all right" in ended.stdout
