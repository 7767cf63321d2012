"""Changes of a line are judged by what it has to give, with the variables that are there."""

import ast
import linecache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from conformance.edits.computing import is_pure
from conformance.edits.expression_edits import swapped
from conformance.edits.live_functions import LiveFunction, live_functions
from conformance.edits.part_edits import joined_within
from conformance.edits.right_values import Changes
from conformance.edits.scope import Names
from conformance.edits.search_edits import text_after

LINES = {
    "a name": ("g = x * y", "g = x * z"),
    "a value that is added": ("g = y\n    g += x * y", "g = y\n    g += x * z"),
    "of each in a list": ("g = sum([x * y for k in x])", "g = sum([x * z for k in x])"),
    "given to a list": ("g = []\n    g.append(x * y)", "g = []\n    g.append(x * z)"),
    "given to a function": ("g = twice(x * y)", "g = twice(x * z)"),
    "in a line with a call that keeps something": (
        "g = (x * y, kept.append(x))[0]",
        "g = (x * z, kept.append(x))[0]",
    ),
    "within a sum": ("g = x - x.sum()", "g = x - (x * y).sum()"),
}
"""A wrong line, and the right one."""


def _loaded(folder: Path, line: str) -> ModuleType:
    source = (
        f"kept = []\ndef twice(v):\n    return 2 * v\n\ndef f(x, y, z):\n    {line}\n    return g\n"
    )
    file = folder / "net.py"
    file.write_text(source, "utf-8")
    linecache.checkcache(str(file))
    module = ModuleType("net")
    module.__file__ = str(file)
    exec(compile(source, str(file), "exec"), vars(module))  # noqa: S102 - it is our own
    return module


def _function(module: ModuleType, given: list[Any]) -> LiveFunction:
    is_its = {str(module.__file__)}.__contains__
    every = live_functions(lambda: module.f(*given), is_its)
    return next(each for each in every if each.name == "f")


@pytest.mark.parametrize("name", sorted({*LINES} - {"within a sum"}))
def test_a_change_is_left_if_it_gives_what_is_right(name: str, tmp_path: Path) -> None:
    wrong, right = LINES[name]
    given = [*np.random.default_rng(0).normal(size=(3, 4))]
    module = _loaded(tmp_path, wrong)
    function, line = _function(module, given), 5 + len(wrong.splitlines())
    names = Names(function.definition, function.tree)
    slots = [each for each in names.slots if getattr(each.get(), "lineno", 0) == line]
    x, y, z = given
    known = {(function.file, line): [(x * y, x * z)]}
    changes = Changes(known, lambda: module.f(*given), lambda: False)
    left = [*changes.left(function, line, swapped(slots, names.scope(line)))]
    texts = [text_after(function, each) for each in left]
    assert right.splitlines()[-1].strip() in texts
    assert right.splitlines()[-1].strip().replace("z", "x") not in texts
    assert module.kept == [x] * len(module.kept)


def test_a_factor_is_found_within_the_object_of_a_method(tmp_path: Path) -> None:
    wrong, right = LINES["within a sum"]
    x, y, _ = given = [*np.random.default_rng(0).normal(size=(3, 4))]
    module = _loaded(tmp_path, wrong)
    function = _function(module, given)
    names = Names(function.definition, function.tree)
    slots = [each for each in names.slots if getattr(each.get(), "lineno", 0) == 6]
    known = {(function.file, 6): [(x - x.sum(), x - (x * y).sum())]}
    changes = Changes(known, lambda: module.f(*given), lambda: False)
    left = [*changes.left(function, 6, joined_within(slots, names.scope(6)))]
    assert right in [text_after(function, each) for each in left]
    assert len(left) < 5


def test_all_changes_are_left_of_a_line_that_gives_something_else(tmp_path: Path) -> None:
    given = [*np.random.default_rng(0).normal(size=(3, 4))]
    module = _loaded(tmp_path, LINES["a name"][0])
    function = _function(module, given)
    names = Names(function.definition, function.tree)
    slots = [each for each in names.slots if getattr(each.get(), "lineno", 0) == 6]
    known = {(function.file, 6): [(given[2], given[1])]}
    changes = Changes(known, lambda: module.f(*given), lambda: False)
    every = [*swapped(slots, names.scope(6))]
    assert [*changes.left(function, 6, iter(every))] == every


class _Layer:
    def __init__(self) -> None:
        self.x = 0.0

    def keep(self, x: float) -> float:
        self.x = x
        return x

    def slope(self, x: float) -> float:
        return 1 - x**2


def _plain(x: float) -> float:
    return 2 * x


def _drawing(x: float) -> float:
    return float(np.random.default_rng().normal()) * x


def _even(n: int) -> bool:
    return n == 0 or _odd(n - 1)


def _odd(n: int) -> bool:
    return n != 0 and _even(n - 1)


PURE = {
    "a * a": True, "np.exp(a).sum(axis=0)": True, "layer.slope(a)": True, "plain(a)": True,
    "len(rows)": True, "float(a[0])": True, "[plain(k) for k in a]": True, "a.T @ a": True,
    "even(3)": True,
    "layer.keep(a)": False, "drawing(a)": False, "rows.append(a)": False, "a.sort()": False,
    "np.add(a, a, out=a)": False, "np.random.rand(3)": False, "rng.normal(size=3)": False,
    "(b := a)": False, "np.copyto(a, a)": False, "open(a)": False,
}  # fmt: skip


@pytest.mark.parametrize("source", sorted(PURE))
def test_an_expression_is_known_to_compute_a_value_and_do_nothing_else(source: str) -> None:
    names = {
        "a": np.ones(3), "np": np, "layer": _Layer(), "plain": _plain, "even": _even,
        "drawing": _drawing, "rows": [], "rng": np.random.default_rng(0),
    }  # fmt: skip
    assert is_pure(ast.parse(source, mode="eval").body, names) is PURE[source]
