"""A factor by which the norm of gradients is to be bounded has to make large ones smaller."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

SCRIPT = """import numpy as np

rng = np.random.default_rng(2)
x, t = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
w, b, most = rng.normal(size=(3, 2)), np.zeros(2), 100.0

def bounded(grads):
    size = np.sqrt(sum((g**2).sum() for g in grads))
    scale = min(1.0, most / (size + 1e-9))
    return [g * scale for g in grads]

for epoch in range(20):
    e = (x @ w + b - t) / len(x)
    gw, gb = bounded([x.T @ e, e.sum(axis=0)])
    w -= 0.1 * gw
    b -= 0.1 * gb
"""
GRADS = "x.T @ e, e.sum(axis=0)"
SCALE, SCALED = "min(1.0, most / (size + 1e-9))", "[g * scale for g in grads]"
RIGHT = {
    "by a guarded root": "1.0 / size if size > 0 else 1.0",
    "by a norm": "min(1.0, most / np.linalg.norm(np.concatenate([g.ravel() for g in grads])))",
    "by a test": "most / size if size > most else 1.0",
    "by a turned test": "most / size if most < size else 1.0",
    "by the larger divisor": "most / max(size, most)",
    "by the smaller": SCALE,
}
WRONG = {
    "by a test": "size / most if size > most else 1.0",
    "by a turned quotient": "min(1.0, size / most)",
    "by the larger": "max(1.0, most / size)",
    "by the smaller divisor": "most / min(size, most)",
}


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_a_bound_of_the_norm_is_right(name: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, (SCALE, RIGHT[name]))
    assert report.exit_code == 0, str(report)


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_factor_that_bounds_nothing_is_blamed(name: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, (SCALE, WRONG[name]))
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [9]), str(report)
    assert WRONG[name] in str(report)


def test_a_gradient_may_be_divided_by_what_is_at_least_1(tmp_path: Path) -> None:
    divided = (SCALED, "[g / scale for g in grads]")
    report = run_edited(tmp_path, SCRIPT, (SCALE, "max(1.0, size / most)"), divided)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, SCRIPT, (SCALE, "min(1.0, size / most)"), divided)
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [9]), str(report)


def test_a_quotient_under_a_test_is_a_factor_too(tmp_path: Path) -> None:
    tested = """size = np.sqrt(sum((g**2).sum() for g in grads))
    if size > most:
        grads = [g * (most / size) for g in grads]
    return grads"""
    start = SCRIPT.index("size = np")
    lines = SCRIPT[start : SCRIPT.index("\n\nfor epoch")]
    report = run_edited(tmp_path, SCRIPT, (lines, tested))
    assert report.exit_code == 0, str(report)
    turned = tested.replace("most / size", "size / most")
    report = run_edited(tmp_path, SCRIPT, (lines, turned))
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [10]), str(report)


UNDER_A_TEST = """    if size > most:
        grads = [g * most / size for g in grads]
    return grads"""
ADDED_UP = """size = 0.0
    for g in grads:
        size += (g * g).sum()"""
NORM = "size = np.sqrt(sum((g**2).sum() for g in grads))"


def test_a_bound_of_the_norm_is_divided_by_the_root_of_the_squares(tmp_path: Path) -> None:
    script, factor = SCRIPT.replace("100.0", "0.01"), SCRIPT[SCRIPT.index("    scale =") :]
    divided = factor[: factor.index("\n\nfor")], UNDER_A_TEST
    no_root, added = (NORM, "size = sum((g**2).sum() for g in grads)"), (NORM, ADDED_UP)
    rooted = SCALE, "min(1.0, np.sqrt(most / size))"
    by_the_loss = SCALE, "min(1.0, sum((g**2).sum() for g in grads) / (size + 1e-9))"
    later = NORM, ADDED_UP + "\n    size = size**0.5"
    for right in ([divided], [divided, later], [no_root, rooted], [no_root, by_the_loss]):
        report = run_edited(tmp_path, script, *right)
        assert report.exit_code == 0, str(report)
    for wrong, line in (([divided, no_root], 8), ([no_root], 8), ([divided, added], 10)):
        report = run_edited(tmp_path, script, *wrong)
        assert (report.exit_code, [e.line for e in report.blames]) == (1, [line]), str(report)
        assert "`size` is a sum of squares" in str(report)
        assert "with this line" not in str(report)


def test_a_gradient_in_the_norm_is_multiplied_by_its_bound(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, (SCALED, "[grads[0] * scale, grads[1]]"))
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [10]), str(report)
    assert report.blames[0].gradients == ("b",)
    report = run_edited(tmp_path, SCRIPT, (SCALED, "list(grads)"))
    assert (report.exit_code, {each.line for each in report.blames}) == (1, {15, 16}), str(report)
    of_one = ("for g in grads))", "for g in grads[:1]))")
    report = run_edited(tmp_path, SCRIPT, of_one, (SCALED, "[grads[0] * scale, grads[1]]"))
    assert report.exit_code == 0, str(report)


STEPS = """size = np.sqrt((gw**2).sum() + (gb**2).sum())
    scale = min(1.0, most / size)
    rate = 0.1 * scale
    w -= rate * gw
    b -= 0.1 * scale * gb"""


@pytest.mark.parametrize("most", [100.0, 0.01])
def test_a_bound_is_of_all_steps_whether_it_changes_them_or_not(
    most: float, tmp_path: Path
) -> None:
    steps = SCRIPT.replace("100.0", str(most)).replace("bounded([x.T @ e, e.sum(axis=0)])", GRADS)
    script = steps[: steps.index("w -=")] + STEPS
    assert run_edited(tmp_path, script).exit_code == 0
    report = run_edited(tmp_path, script, ("0.1 * scale * gb", "0.1 * gb"))
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [19]), str(report)


APART = """    e = (x @ w + b - t) / len(x)
    loss = 0.5 * ((x @ w + b - t) ** 2).sum() / len(x)
    for p, g in ((w, x.T @ e), (b, e.sum(axis=0))):
        size = np.sqrt((g**2).sum())
        if size > 1.5:
            g = 1.5 * g / size
        p -= 0.1 * g
"""


@pytest.mark.parametrize(("wrong", "code"), [("x.T @ e", 0), ("x.T @ (e * e)", 1)])
def test_each_gradient_may_be_bounded_if_it_is_large(wrong: str, code: int, tmp_path: Path) -> None:
    begin = SCRIPT.partition("    e = ")[0].replace("size=(30, 2))", "size=(30, 2)) + 1.0", 1)
    report = run_edited(tmp_path, begin + APART.replace("x.T @ e)", f"{wrong})"))
    assert report.exit_code == code, str(report)
