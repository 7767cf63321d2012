"""The two passes of a program drawn: what has a row, what leads to what, what stands where.

Left out: how it looks in a browser (`browser/test_report.py`).
"""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import conformance
from conformance.report.backward_report import BackwardReport
from conformance.report.page.passes_drawing import NARROW, WIDE, Drawing, drawings
from conformance.report.page.two_passes import MANY, TwoPasses, two_passes
from conformance.tests.backward.program import module

HEAD = "import numpy as np\n\ndef f(params, x, y):\n"
TWO_LAYERS = (
    HEAD
    + """    w1, w2 = params["w1"], params["w2"]
    z1 = x @ w1
    a1 = np.tanh(z1)
    z2 = a1 @ w2
    loss = 0.5 * np.sum((z2 - y) ** 2)
    d2 = z2 - y
    d1 = d2 @ w2.T
    return loss, {"w1": x.T @ d1, "w2": a1.T @ d2}
"""
)
LOOP = (
    HEAD
    + """    w1, w2 = params["w1"], params["w2"]
    loss, g1, g2 = 0, 0, 0
    for row, t in zip(x, y):
        h = np.tanh(row @ w1)
        out = h @ w2
        loss = loss + 0.5 * np.sum((out - t) ** 2)
        e = out - t
        g2 = g2 + np.outer(h, e)
        g1 = g1 + np.outer(row, w2 @ e)
    return loss, {"w1": g1, "w2": g2}
"""
)


def deep(layers: int, wrong: int) -> str:
    """A program of so many square layers, one of whose derivatives is wrong."""
    lines = [HEAD + "    a0 = x @ params['w1']\n    b0 = a0 @ params['w2']\n    h0 = b0 + 0\n"]
    lines += [f"    h{i} = np.tanh(h{i - 1})\n" for i in range(1, layers + 1)]
    lines.append(f"    loss = 0.5 * np.sum((h{layers} - y) ** 2)\n    d{layers} = h{layers} - y\n")
    for i in range(layers, 0, -1):
        power = "" if i == wrong else " ** 2"
        lines.append(f"    d{i - 1} = d{i} * (1 - h{i}{power})\n")
    lines.append("    return loss, {'w1': x.T @ (d0 @ params['w2'].T), 'w2': a0.T @ d0}\n")
    return "".join(lines)


def checked(source: str, folder: Path) -> BackwardReport:
    rng = np.random.default_rng(1)
    params = {"w1": rng.normal(size=(4, 3)), "w2": rng.normal(size=(3, 2))}
    data = rng.normal(size=(6, 4)), rng.normal(size=(6, 2))
    return conformance.check_backward(module(source, folder).f, params, *data)


def names(found: BackwardReport, passes: TwoPasses) -> list[str]:
    """What each row stands for."""
    return [
        each.kind
        if each.kind in ("several", "cost")
        else found.examined.passes[each.place].forward.name
        for each in passes.rows
    ]


def test_a_parameter_stands_before_what_takes_it_and_the_cost_ends(tmp_path: Path) -> None:
    found = checked(TWO_LAYERS, tmp_path)
    passes = two_passes(found.examined)
    assert names(found, passes) == ["w1", "z1", "a1", "w2", "z2", "cost"]
    assert [each.state for each in passes.rows] == [
        "wrong",
        "blamed",
        "given",
        "given",
        "given",
        "",
    ]
    assert passes.forward == ((0, 1), (1, 2), (2, 4), (3, 4), (4, 5))
    assert passes.backward == ((1, 0), (2, 1), (4, 2), (4, 3), (5, 4))


def test_what_repeats_is_drawn_as_one(tmp_path: Path) -> None:
    found = checked(LOOP, tmp_path)
    passes = two_passes(found.examined)
    kinds = [each.kind for each in passes.rows]
    assert kinds.count("several") == 1
    assert len(kinds) < MANY


@pytest.mark.parametrize("wrong", [2, 14, 26])
def test_a_long_program_shows_what_is_near_the_blame(wrong: int, tmp_path: Path) -> None:
    found = checked(deep(28, wrong), tmp_path)
    passes = two_passes(found.examined)
    shown = names(found, passes)
    assert len(shown) < 20
    assert f"h{wrong - 1}" in shown
    (blamed,) = (each for each in passes.rows if each.state == "blamed")
    assert found.examined.passes[blamed.place].forward.name == f"h{wrong - 1}"
    listed = sorted(k for each in passes.rows for k in each.places)
    assert listed == [*range(len(found.examined.passes))]  # nothing is lost


def boxes(drawing: Drawing) -> Iterator[tuple[float, float, float, float, list[Any]]]:
    """Left, top, right, bottom of each box, and its lines of text."""
    for box in drawing.boxes:
        lines = box.texts(drawing.measure)
        texts = [(x, "".join(text for _, text in runs)) for x, _, runs in lines]
        yield box.x, box.y, box.x + box.width, box.bottom, texts


@pytest.mark.parametrize("source", [TWO_LAYERS, LOOP, deep(28, 14)], ids=["two", "loop", "deep"])
def test_no_box_touches_another_and_every_text_fits(source: str, tmp_path: Path) -> None:
    found = checked(source, tmp_path)
    for drawing, measure in zip(drawings(found.examined), (WIDE, NARROW), strict=True):
        drawn = [*boxes(drawing)]
        for left, top, right, bottom, texts in drawn:
            assert 0 <= left < right <= measure.width
            assert 0 < top < bottom < drawing.height
            assert all(x + len(text) * measure.advance <= right for x, text in texts)
        for one, other in combinations(drawn, 2):
            assert (
                one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            )


def test_the_drawing_is_said_in_words(tmp_path: Path) -> None:
    found = checked(TWO_LAYERS, tmp_path)
    for drawing in drawings(found.examined):
        assert drawing.words.endswith("; ✗ marks ∂C/∂z1")
        texts = (text for *_, lines in boxes(drawing) for _, text in lines)
        assert "d1 = d2 @ w2.T" in " ".join(" ".join(texts).split())
