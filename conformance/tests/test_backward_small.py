"""Small programs in many ways of writing, right and wrong, put to `check_backward`.

Left out: which line is to blame (`test_backward_mutants.py`).
"""

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import conformance
from conformance.tests.backward.program import FOLDER, distance, leaves, loaded
from reference.step import Array

SMALL = loaded((FOLDER / "small" / "small.py").read_text(encoding="utf-8"))
NAMES = [name for name in vars(SMALL) if name.startswith(("right_", "kink_", "wrong_"))]


def arguments(name: str) -> tuple[dict[str, Array], tuple[Array, ...]]:
    """Parameters and data; for the kinks with zeros."""
    rng = np.random.default_rng(5)
    weights, bias = rng.normal(size=(4, 3)), rng.normal(size=3)
    x = rng.normal(size=(5, 4))
    if name.startswith("kink_"):
        bias, x[:2] = np.zeros(3), 0
    return {"W": weights, "b": bias}, (x, rng.normal(size=(5, 3)), np.array([0, 2, 1, 0, 1]))


def _loss(f: Callable[..., Any], params: Any, data: Any, place: str, move: Any) -> float:
    moved = copy.deepcopy(params)
    dict(leaves(moved))[place][move[0]] += move[1]
    return float(np.asarray(f(moved, *copy.deepcopy(data))[0]).item())


@pytest.mark.parametrize("name", [each for each in NAMES if each.startswith("right_")])
def test_small_gradients_are_difference_quotients(name: str) -> None:
    f = getattr(SMALL, name)
    params, data = arguments(name)
    gradients = f(*copy.deepcopy((params, *data)))[1]
    for key, array in params.items():
        quotients = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            place, h = f"[{key!r}]", 1e-5
            high, low = (_loss(f, params, data, place, (index, step)) for step in (h, -h))
            quotients[index] = (high - low) / (2 * h)
        assert distance(quotients, np.asarray(gradients[key])) < 1e-7  # rounding, 1e-16 / 1e-5


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_a_small_program_is_judged_rightly(name: str) -> None:
    params, data = arguments(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = conformance.check_backward(getattr(SMALL, name), params, *data)
    assert report.exit_code == int(name.startswith("wrong_")), str(report)
