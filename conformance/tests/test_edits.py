"""Changes of one line: each is made, found where it makes a program right, told, and taken back."""

import ast
import builtins
import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from conformance.edits import search_edits
from conformance.edits.edit import Change, Edit, EditKind
from conformance.edits.expression_edits import applied, swapped, unread
from conformance.edits.formulas import is_constant
from conformance.edits.live_functions import LiveFunction, live_functions, runs_of
from conformance.edits.named_edits import KnownChange, named
from conformance.edits.part_edits import (
    exchanged,
    joined,
    joined_within,
    reformed,
    replaced,
    sloped,
    turned,
)
from conformance.edits.scope import MEANS, Names, expressions
from conformance.edits.search_edits import holds, search
from conformance.edits.source_parts import counters
from conformance.edits.statement_edits import statements
from conformance.programs.load import load
from conformance.tracing.frames import Frame
from reference.step import Array

RIGHT = """\
import numpy as np
def squash(z): return np.tanh(z)

def bend(s):
    return s * (1 - s)


class Net:
    def step(self, w, a, y):
        total = np.zeros_like(w)
        kept = []
        for i in range(len(a)):
            s = squash(w @ a[i])
            d = (s - y[i]) * bend(s)
            total += np.outer(d, a[i])
            kept.append(d)
        mean = total / len(a)
        return mean, kept
"""
WRONG = {  # a line, what stands there, and the change that mends it
    "argument": (15, "            total += np.outer(a[i], d)", EditKind.REPLACED),
    "assignment": (15, "            total = np.outer(d, a[i])", EditKind.REPLACED),
    "bound": (12, "        for i in range(1, len(a)):", EditKind.REPLACED),
    "call": (13, "            s = w @ a[i]", EditKind.REPLACED),
    "factor": (14, "            d = s - y[i]", EditKind.REPLACED),
    "helper": (5, "    return s * (1 + s)", EditKind.REPLACED),
    "index": (14, "            d = (s - y[i - 1]) * bend(s)", EditKind.REPLACED),
    "name": (14, "            d = (s - y[i]) * bend(d)", EditKind.REPLACED),
    "negated": (14, "            d = (s - y[i]) * -bend(s)", EditKind.REPLACED),
    "no mean": (17, "        mean = total", EditKind.REPLACED),
    "order": (18, "        return kept, mean", EditKind.REPLACED),
    "too early": (17, "            mean = total / len(a)\n            break", EditKind.REMOVED),
}


def _loaded(folder: Path, source: str) -> tuple[ModuleType, str]:
    file = folder / "net.py"
    file.write_text(source)
    linecache.checkcache(str(file))
    module = ModuleType("net")
    exec(compile(source, str(file), "exec"), vars(module))  # noqa: S102 - it is our own
    return module, str(file)


def _results(module: ModuleType) -> list[Array]:
    rng = np.random.default_rng(0)
    w, a, y = rng.normal(size=(2, 3)), rng.normal(size=(3, 3)), rng.normal(size=(3, 2))
    mean, kept = module.Net().step(w, a, y)
    return [mean, *kept]


def _agrees(shown: list[Array], right: list[Array]) -> bool:
    return len(shown) == len(right) and all(map(np.allclose, shown, right))


def _with(name: str) -> str:
    """The source with one line in the place of another."""
    number, text, _ = WRONG[name]
    lines = RIGHT.splitlines()
    lines[number - 1] = text
    return "\n".join(lines) + "\n"


def _searched(
    folder: Path, source: str, blamed: int, known: Sequence[KnownChange] = ()
) -> tuple[Change | None, ModuleType]:
    (folder / "right").mkdir()
    right = _results(_loaded(folder / "right", RIGHT)[0])
    module, file = _loaded(folder, source)

    def trial() -> bool:
        return _agrees(_results(module), right)

    functions = live_functions(lambda: holds(trial), {file}.__contains__)
    frames = [(Frame(file, blamed, "step"),)]
    return search(functions, frames, [trial], known=known), module


ELSEWHERE = {"no mean", "negated"}  # each term may be divided, or what the line calls be negated


@pytest.mark.parametrize("name", sorted(set(WRONG) - ELSEWHERE))
def test_the_line_that_is_wrong_is_found_from_another(name: str, tmp_path: Path) -> None:
    line, _, kind = WRONG[name]
    line += kind is EditKind.REMOVED  # the second of two
    found, _ = _searched(tmp_path, _with(name), blamed=11)
    assert found is not None
    assert (found.line, found.kind) == (line, kind)


@pytest.mark.parametrize("name", sorted(set(WRONG) - {"too early"}))
def test_the_line_that_is_told_makes_the_program_right(name: str, tmp_path: Path) -> None:
    source = _with(name)
    found, _ = _searched(tmp_path, source, blamed=WRONG[name][0])
    assert found is not None
    lines = source.splitlines()
    before = lines[found.line - 1]
    lines[found.line - 1] = before[: len(before) - len(before.lstrip())] + found.text
    (tmp_path / "mended").mkdir()
    mended, _ = _loaded(tmp_path / "mended", "\n".join(lines) + "\n")
    (tmp_path / "again").mkdir()
    assert _agrees(_results(mended), _results(_loaded(tmp_path / "again", RIGHT)[0]))


def test_an_operand_is_joined_where_a_value_only_gets_another_name(tmp_path: Path) -> None:
    source = _with("factor").replace("d = s - y[i]", "e = s - y[i]\n            d = e")
    found, _ = _searched(tmp_path, source, blamed=14)
    assert found is not None
    assert (found.line, found.text) == (15, "d = e * bend(s)")


def test_a_variable_that_nothing_reads_is_joined_before_other_operands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_edits, "MOST", 99)
    slope = "k = bend(s)\n            d = s - y[i]"
    found, _ = _searched(tmp_path, _with("factor").replace("d = s - y[i]", slope), blamed=16)
    assert found is not None
    assert (found.line, found.text) == (15, "d = (s - y[i]) * k")


def test_the_program_is_as_it_was_after_a_search(tmp_path: Path) -> None:
    code = compile(_with("factor"), "net.py", "exec")
    found, module = _searched(tmp_path, _with("factor"), blamed=14)
    assert found is not None
    inner = next(each for each in code.co_consts if getattr(each, "co_name", "") == "Net")
    step = next(each for each in inner.co_consts if getattr(each, "co_name", "") == "step")
    assert module.Net.step.__code__.co_code == step.co_code


def test_nothing_is_found_where_two_lines_are_wrong(tmp_path: Path) -> None:
    source = _with("factor").replace("mean = total / len(a)", "mean = total")
    found, _ = _searched(tmp_path, source, blamed=14)
    assert found is None


def test_an_endless_loop_ends() -> None:
    def trial() -> bool:
        while True:
            pass

    assert not holds(trial, seconds=0.05)


def test_a_search_ends_where_memory_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(LiveFunction, "changed", short)
    name = next(iter(WRONG))
    assert _searched(tmp_path, _with(name), WRONG[name][0])[0] is None


def test_a_variable_of_another_loop_is_not_known() -> None:
    tree = ast.parse("def f(a):\n    for i in a:\n        g(a[i])\n    return a[-1]\n")
    scope = Names(tree.body[0], tree).scope(4)
    assert "i" not in scope.names
    assert [ast.unparse(each) for each in scope.parts] == ["a", "a[-1]", "g(a[-1])"]


def test_fields_and_variables_of_functions_are_not_unread_outside_of_them() -> None:
    tree = ast.parse("class A:\n    n = 0\ndef f(a):\n    b = a\nleft = f(1)\n")
    none = ast.arguments([], [], None, [], [], None, [])
    assert Names(ast.FunctionDef("script", none, tree.body, []), tree).unread == ("left",)
    assert Names(tree.body[1], tree).unread == ("b",)


def test_nothing_is_called_that_writes_files_elsewhere() -> None:
    source = """import os
def slope(z):
    s = np.tanh(z)
    return 1 - s * s
def save(name):
    with open(name, "w") as file:
        file.write(name)
    return name
def clear(name):
    os.remove(name)
def f(a):
    return np.dot(a, a)
"""
    tree = ast.parse(source)
    scope = Names(tree.body[-1], tree, tree.body[-1:]).scope(12)
    assert [ast.unparse(each) for each in scope.functions] == ["slope", "f"]
    assert set(scope.callees) == {"dot", "f", "slope", *MEANS}


def _edits(function: Callable[[Array], Array]) -> Iterator[tuple[LiveFunction, Edit]]:
    """Every change of a function, each to be made and taken back."""
    found = live_functions(lambda: function(np.ones((2, 2))), {__file__}.__contains__)
    live = next(each for each in found if each.name == function.__name__)
    slots, names = list(expressions(live.definition)), Names(live.definition, live.tree)
    for line in sorted(live.ran):
        own = [each for each in slots if getattr(each.get(), "lineno", 0) == line]
        scope = names.scope(line)
        for ways in WAYS:
            yield from ((live, each) for each in ways(own, scope))
        yield from ((live, each) for each in statements(live.definition, {line}, scope.numpy))


def _sample(w: Array) -> Array:
    kept = [*w]
    for row in w:
        if row.sum() > 0:
            kept[0] = row.T * 2 - 1
    total = sum(each[0:1] for each in kept)
    result: Array = np.dot(total, -w[0, 1])
    return result


def test_what_adds_to_itself_is_not_added_once_more() -> None:
    tree = ast.parse("w = w - 0.5 * g")
    made = set()
    for each in statements(tree, {1}, "np"):
        with each.made():
            made.add(ast.unparse(tree))
    assert made == {"w -= 0.5 * g"}


def test_every_change_can_be_made_and_is_taken_back() -> None:
    before = ast.dump(ast.parse(Path(__file__).read_text()))
    code, count, refused = _sample.__code__, 0, 0
    for live, edit in _edits(_sample):
        count += 1
        try:
            with live.changed(edit):
                assert _sample.__code__ is not code
        except (SyntaxError, ValueError):
            refused += 1
        assert _sample.__code__ is code
    assert ast.dump(live.tree) == before
    assert count > 300
    assert refused < count / 10


WAYS = (
    swapped,
    unread,
    applied,
    sloped,
    joined,
    joined_within,
    replaced,
    reformed,
    exchanged,
    turned,
)

MENDED = {
    "attribute of a base": ("a = self.b * (1 - self.b)", "a = self.c * (1 - self.c)"),
    "index of what is stored": ("w[2 * x] = a[x]", "w[2 * x] = a[2 * x]"),
    "activation": ("a = np.tanh(w @ x)", "a = 1 / (1 + np.exp(-(w @ x)))"),
    "entry": ("a = w @ x", "a = w @ x + self.b"),
    "divisor": ("a = x / 8", "a = x / len(w)"),
    "ends": ("a = x[1:]", "a = x[:-1]"),
    "kept where it was": ("a = x * a + b", "a[...] = x * a + b"),
    "exponent": ("a = x ** 3 * w", "a = x ** (3 - 1) * w"),
    "in place": ("w = w + x", "w += x"),
    "new array": ("w -= x", "w = w - x"),
    "matrix": ("a = x - w @ x", "a = w.T @ x - w @ x"),
    "number": ("a = x * 0.5", "a = x * self.b"),
    "power": ("a = x - x * 2", "a = x - x ** 2"),
    "product": ("a = np.einsum('ij,j->j', w, x)", "a = np.einsum('ij,j->i', w, x)"),
    "repeated": ("w[x] += self.b", "np.add.at(w, x, self.b)"),
    "slope": ("a = x * np.exp(x)", "a = x * (x * (1 - x))"),
    "targets": ("a, w, x = self.b", "x, w, a = self.b"),
    "two parts": ("a = w * np.exp(x) + x * np.exp(w)", "a = x * np.exp(x) + w * np.exp(w)"),
    "axes": ("a = x.reshape(-1, 3)", "a = x.transpose(0, 2, 3, 1).reshape(-1, 3)"),
    "last axes": ("a = w @ x", "a = w.swapaxes(-1, -2) @ x"),
    "turned round": (
        "a = np.einsum('ij,ij->i', w, x)",
        "a = np.einsum('ij,ij->i', w, x[::-1, ::-1])",
    ),
    "summed within": ("a = w.sum()", "a = (w * x).sum()"),
    "within": ("a = (x - w).sum()", "a = ((x - w) * w).sum()"),
}
"""What stands on a line, and what one change makes of it."""


@pytest.mark.parametrize("name", sorted(MENDED))
def test_a_line_is_mended_by_one_change(name: str) -> None:
    line, mended = MENDED[name]
    source = f"""import numpy as np
class Layer(Base):
    def __init__(self, b):
        self.b = b
    def f(self, w, x):
        {line}
        return w
class Base:
    def g(self):
        self.c = self.f(1, 2)
"""
    tree = ast.parse(source)
    definition = next(e for e in ast.walk(tree) if getattr(e, "name", "") == "f")
    names = Names(definition, tree)
    slots = [each for each in names.slots if getattr(each.get(), "lineno", 0) == 6]
    found = set[str]()
    edits = (ways(slots, names.scope(6)) for ways in WAYS)
    for edit in (*chain.from_iterable(edits), *statements(definition, {6}, "np")):
        with edit.made():
            found.add(ast.unparse(definition).splitlines()[1].strip())
    assert mended in found


COST_IS_A_CLASS = """
class Cost:
    pass

class Net:
    def __init__(self, sizes, cost=Cost):
        self.sizes = sizes
        self.cost = cost
"""


def test_what_a_changed_line_gives_a_class_is_taken_back(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(COST_IS_A_CLASS)
    network: Any = load(f"{tmp_path / 'net.py'}:Net")
    assigned = set[str]()

    def never() -> bool:
        cost = network([2, 3]).cost
        assigned.update({*vars(cost)} & {"sizes", "cost"} if isinstance(cost, type) else ())
        return False

    functions = live_functions(never, lambda file: file.endswith("net.py"))
    assert search(functions, (), [never]) is None
    held = vars(sys.modules[network.__module__])["Cost"]
    assert assigned
    assert not {*vars(held)} & {"sizes", "cost"}


COUNTED = """
def fit(x, n):
    for epoch in range(n):
        for t in range(1, n):
            for i, row in enumerate(x):
                x[i + 1] = row * 0.9 ** t
        if epoch % 10 == 0:
            print(epoch, f"{epoch}")
"""


def test_no_value_is_computed_of_what_only_counts() -> None:
    tree = ast.parse(COUNTED)
    assert counters(tree) == {"epoch", "i"}
    names = {e.id for e in Names(tree.body[0], tree).scope(6).parts if isinstance(e, ast.Name)}
    assert names - {*dir(builtins)} == {"x", "n", "t", "row"}


GENERATING = """def batches():
    yield 1
    yield 2


def train():
    for each in batches():
        if each:
            break
    return each
"""


def test_a_generator_that_is_closed_is_not_called_there(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(GENERATING, "utf-8")
    space: dict[str, Any] = {}
    exec(compile(GENERATING, str(file), "exec"), space)  # noqa: S102 - as it is run
    ran = runs_of(space["train"], str(file).__eq__)
    assert ran[space["batches"].__code__].callers == {(str(file), 7)}


def test_a_slope_that_is_known_to_be_missing_is_tried_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_edits, "MOST", 20)
    slope = KnownChange("slope", "s - y[i]", "", "", None)
    change, _ = _searched(tmp_path, _with("factor"), 14, [slope])
    assert change is not None
    assert change.line == 14


PLACE = ast.parse("r * h", mode="eval").body
KNOWN = {
    "axis by its name": (
        "x.mean(axis=(0, 2), keepdims=True)",
        KnownChange("axis", "x.mean(axis=(0, 2), keepdims=True)", "(0, 2)", "2", None),
        "x.mean(axis=2, keepdims=True)",
    ),
    "axis by its place": ("x.sum(0)", KnownChange("axis", "x.sum(0)", "0", "1", None), "x.sum(1)"),
    "comparison": (
        "x * (h >= 0)", KnownChange("comparison", "h >= 0", "greater_equal", "greater", None),
        "x * (h > 0)",
    ),
    "other entries": ("g[h > 0]", KnownChange("mask", "g[h > 0] = 0", "", "", None), "g[h < 0]"),
    "half": ("x * y", KnownChange("factor", "x", "", "0.5", None), "x * 0.5 * y"),
    "object of a method": (
        "x.sum(0)", KnownChange("operand", "x.sum(0)", "1", "", PLACE), "(r * h).sum(0)"
    ),
    "side of a comparison": (
        "x * (x > 0)", KnownChange("operand", "x > 0", "1", "", PLACE), "x * (r * h > 0)"
    ),
    "turned operand": ("x.T @ y", KnownChange("operand", "x.T", "1", "", PLACE), "(r * h).T @ y"),
    "two factors too many": (
        "(p - y) * p * (1 - p) / m",
        KnownChange("extra", "(p - y) * p * (1 - p)", "p * (1 - p)", "", None),
        "(p - y) / m",
    ),
}  # fmt: skip


CARRIED = """
def backward(errors, u):
    total, following = 0.0, 0.0
    for i in range(len(errors)):
        d = errors[i] + u * following
        total += d * i
        following = d
    return total
"""


def test_what_the_next_round_of_a_loop_needs_is_kept(tmp_path: Path) -> None:
    module, file = _loaded(tmp_path, CARRIED.replace("        following = d\n", ""))

    def trial() -> bool:
        return bool(np.isclose(module.backward([1.0, 2.0, 3.0, 5.0], 0.5), 32.375))

    functions = live_functions(lambda: holds(trial), {file}.__contains__)
    found = search(functions, [(Frame(file, 5, "backward"),)], [trial])
    assert found == Change(file, 7, "backward", EditKind.ADDED, "following = d")


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_what_is_known_to_be_meant_is_among_the_changes(name: str) -> None:
    line, known, right = KNOWN[name]
    tree = ast.parse(f"def f(*_):\n    return {line}")
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    texts = set[str]()
    for edit in named(Names(definition, tree, []).slots, known):
        with edit.made():
            texts.add(ast.unparse(definition.body[0]))
    assert f"return {right}" in texts


DOWNWARDS = """
def backward(d, caches):
    L = len(caches)
    for l in reversed(range(L)):
        d = last(d) if l == L else inner(d)
    return d / len(caches)
"""


def test_what_is_compared_with_a_round_is_one_more_or_less_and_no_quotient() -> None:
    tree = ast.parse(DOWNWARDS)
    names = Names(tree.body[0], tree)
    slots = [each for each in names.slots if getattr(each.get(), "lineno", 0) == 5]
    scope = names.scope(5)
    made = {
        ast.unparse(new)
        for change in (swapped, applied)
        for each in change(slots, scope)
        for slot, new in each.puts
        if ast.unparse(slot.get() or ast.Pass()) == "L"
    }
    assert {"L - 1", "L + 1"} <= made
    assert not any(each.startswith("L /") for each in made)


def test_an_operation_of_a_value_with_itself_stands_for_no_number() -> None:
    parts = {
        text: ast.parse(text, mode="eval").body for text in ("L / L", "L - L", "L * L", "L / m")
    }
    assert [is_constant(each) for each in parts.values()] == [True, True, False, False]


SQUARE = 'SQUARE = {"value": lambda a: a * a, "slope": lambda a: 2 * a}\n'


@pytest.mark.parametrize(("name", "body"), [("slope", "2 * a"), ("value", "a * a")])
def test_of_two_lambdas_on_a_line_each_has_its_own_source(
    name: str, body: str, tmp_path: Path
) -> None:
    file = tmp_path / "square.py"
    file.write_text(SQUARE)
    square: Any = load(f"{file}:SQUARE")
    found = live_functions(lambda: square[name](3.0), {str(file)}.__contains__)
    lambdas = [each.definition for each in found if isinstance(each.definition, ast.Lambda)]
    assert [ast.unparse(each.body) for each in lambdas] == [body]
