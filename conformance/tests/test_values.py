"""Classes of values that differentiate themselves: each operation, and values used twice.

Left out: networks (`test_check_file.py`).
"""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited
from conformance.tests.test_check_file import checked

NUMBERS = '''
import math

class Value:
    """A number that remembers what it was computed of."""

    def __init__(self, data, children=()):
        self.data = data
        self.grad = 0.0
        self._prev = children
        self._backward = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __pow__(self, n):
        out = Value(self.data**n, (self,))

        def _backward():
            self.grad += n * self.data ** (n - 1) * out.grad

        out._backward = _backward
        return out

    def relu(self):
        out = Value(self.data if self.data > 0 else 0.0, (self,))

        def _backward():
            self.grad += (out.data > 0) * out.grad

        out._backward = _backward
        return out

    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,))

        def _backward():
            self.grad += (1 - t**2) * out.grad

        out._backward = _backward
        return out

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for child in v._prev:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v._backward()

    __radd__ = __add__
    __rmul__ = __mul__
'''
ARRAYS = """
import numpy as np

class Tensor:
    def __init__(self, value, parents=()):
        self.value = np.asarray(value, dtype=float)
        self.gradient = np.zeros_like(self.value)
        self.parents = parents

    def backward(self, seed=None):
        seed = np.ones_like(self.value) if seed is None else seed
        self.gradient = self.gradient + seed
        for parent, back in self.parents:
            parent.backward(back(seed))

    def __sub__(self, other):
        return Tensor(self.value - other.value, ((self, lambda g: g), (other, lambda g: -g)))

    def __matmul__(self, other):
        left = self, lambda g: g @ other.value.T
        right = other, lambda g: self.value.T @ g
        return Tensor(self.value @ other.value, (left, right))

    def sigmoid(self):
        s = 1 / (1 + np.exp(-self.value))
        return Tensor(s, ((self, lambda g: g * s * (1 - s)),))

    def log(self):
        return Tensor(np.log(self.value), ((self, lambda g: g / self.value),))
"""
ROWS = """
import numpy as np

def fitted(g, shape):
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    ones = tuple(i for i, n in enumerate(shape) if n == 1)
    return g.sum(axis=ones, keepdims=True)

class Array:
    def __init__(self, data, back=None):
        self.data, self.grad, self.back = np.asarray(data, float), 0, back

    def __add__(self, other):
        def back(g):
            self.take(fitted(g, self.data.shape))
            other.take(fitted(g, other.data.shape))
        return Array(self.data + other.data, back)

    def __mul__(self, other):
        def back(g):
            self.take(fitted(g * other.data, self.data.shape))
            other.take(fitted(g * self.data, other.data.shape))
        return Array(self.data * other.data, back)

    def softmax(self):
        e = np.exp(self.data - self.data.max(axis=-1, keepdims=True))
        s = e / e.sum(axis=-1, keepdims=True)
        def back(g):
            self.take(s * (g - (g * s).sum(axis=-1, keepdims=True)))
        return Array(s, back)

    def take(self, g):
        self.grad = self.grad + g
        if self.back is not None:
            self.back(g)

    def backward(self):
        self.take(np.ones_like(self.data))
"""
COMPOSED = (
    NUMBERS
    + """
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + (-other)
"""
)
RENAMED = NUMBERS.replace("def backward(", "def backwards(")
MEANS = (
    ARRAYS
    + """
    def __mul__(self, other):
        left = self, lambda g: g * other.value
        right = other, lambda g: g * self.value
        return Tensor(self.value * other.value, (left, right))

    def mean(self):
        back = lambda g: np.full(self.value.shape, g / self.value.size)
        return Tensor(self.value.mean(), ((self, back),))
"""
)
FAULTS = {
    "derivative of the mean": (MEANS, "g / self.value.size", "g"),
    "gradient of the result": (COMPOSED, "(1 - t**2) * out.grad", "(1 - t**2)"),
    "gradient of the result of a product": (COMPOSED, "other.data * out.grad", "other.data"),
    "gradient of the result of sigmoid": (MEANS, "g * s * (1 - s)", "s * (1 - s)"),
    "gradient of the result of relu": (NUMBERS, "(out.data > 0) * out.grad", "(out.data > 0)"),
    "order of an operation made of others": (COMPOSED, "reversed(order)", "order"),
    "log": (ARRAYS, "g / self.value", "g * self.value"),
    "matmul": (ARRAYS, "g @ other.value.T", "g @ other.value"),
    "order": (RENAMED, "reversed(order)", "order"),
    "overwritten": (NUMBERS, "self.grad += out.grad", "self.grad = out.grad"),
    "minus": (ARRAYS, "(other, lambda g: -g)", "(other, lambda g: -2 * g)"),
    "power": (NUMBERS, "n * self.data ** (n - 1)", "n * self.data ** n"),
    "relu": (NUMBERS, "(out.data > 0) * out.grad", "(out.data < 0) * out.grad"),
    "sigmoid": (ARRAYS, "g * s * (1 - s)", "g * (1 - s)"),
    "square": (NUMBERS, "(1 - t**2) * out.grad", "(1 - t) * out.grad"),
}


def written(folder: Path, source: str) -> Path:
    file = folder / "engine.py"
    file.write_text(source, encoding="utf-8")
    return file


BIASES = (
    ROWS.replace("take(fitted(g * other.data, self.data.shape))", "take(g * other.data)")
    .replace("take(fitted(g * self.data, other.data.shape))", "take(g * self.data)")
    .replace("take(fitted(g, self.data.shape))", "take(g)")
)


@pytest.mark.parametrize(
    "source",
    [ARRAYS, BIASES, COMPOSED, MEANS, RENAMED, ROWS],
    ids=["arrays", "biases", "composed", "means", "renamed", "rows"],
)
def test_right_values_are_not_accused(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = checked(capsys, "check", str(written(tmp_path, source)))
    assert (code, "all right" in said) == (0, True)


@pytest.mark.parametrize(
    ("imports", "called"), [("import math", "math.tanh"), ("from math import tanh", "tanh")]
)
def test_a_method_may_import_what_it_computes_with(
    imports: str, called: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = NUMBERS.replace("import math\n", "", 1)
    source = source.replace("t = math.tanh", f"{imports}\n        t = {called}", 1)
    code, said = checked(capsys, "check", str(written(tmp_path, source)))
    assert (code, "all right" in said) == (0, True), said


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_the_line_of_a_wrong_derivative_is_named(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, right, wrong = FAULTS[fault]
    broken = source.replace(right, wrong, 1)
    line = source[: source.index(right)].count("\n") + 1
    code, said = checked(capsys, "check", str(written(tmp_path, broken)))
    assert code == 1
    assert said.splitlines()[1].startswith(f"engine.py:{line}: ")


def test_the_gradient_of_a_vector_beside_an_array_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ROWS.replace("g.sum(axis=tuple", "g.mean(axis=tuple", 1)
    code, said = checked(capsys, "check", str(written(tmp_path, source)))
    assert (code, said.splitlines()[1].split()[0]) == (1, "engine.py:5:"), said


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("other.take(fitted(g, other.data.shape))", "other.take(g)"),
        ("g.sum(axis=ones", "g.mean(axis=ones"),
    ],
    ids=["not summed", "means"],
)
def test_the_gradient_of_a_row_beside_an_array_is_judged(
    right: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = checked(capsys, "check", str(written(tmp_path, ROWS.replace(right, wrong, 1))))
    assert (code, "one row by" in said.splitlines()[0]) == (1, True)


LAMBDAS = '''
class Number:
    """A number that hands a function on for each thing that it was computed of."""

    def __init__(self, value, made_of=()):
        self.value, self.slope, self.made_of = value, 0.0, made_of

    def __add__(self, other):
        return Number(
            self.value + other.value,
            ((self, lambda g: g), (other, lambda g: g)),
        )

    def __sub__(self, other):
        return Number(
            self.value - other.value,
            ((self, lambda g: g),
             (other, lambda g: -g)),
        )

    def __mul__(self, other):
        return Number(
            self.value * other.value,
            ((self, lambda g: g * other.value),
             (other, lambda g: g * self.value)),
        )

    def backward(self):
        order = []

        def visit(each):
            if each not in order:
                for below, _ in each.made_of:
                    visit(below)
                order.append(each)

        visit(self)
        self.slope = 1.0
        for each in reversed(order):
            for below, local in each.made_of:
                below.slope += local(each.slope)
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(other, lambda g: -g)", "(other, lambda g: g)"),
        ("(self, lambda g: g * other.value)", "(self, lambda g: g)"),
        ("+= local(each.slope)", "+= local(each.slope) * 2"),
    ],
    ids=["sign", "factor", "in backward"],
)
def test_a_function_that_returns_what_it_is_given_is_blamed_on_its_own_line(
    old: str, new: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers_.py"
    file.write_text(LAMBDAS.replace(old, new), encoding="utf-8")
    code, said = checked(capsys, "check", str(file))
    line = LAMBDAS[: LAMBDAS.index(old)].count("\n") + 1
    assert code == 1
    assert said.splitlines()[1].startswith(f"numbers_.py:{line}:")


PARTIALS = """
class Var:
    def __init__(self, data, links=()):
        self.data, self.grad, self.links = float(data), 0.0, links

    def backward(self):
        topo, seen = [], set()

        def build(v):
            if v not in seen:
                seen.add(v)
                for child, _ in v.links:
                    build(child)
                topo.append(v)

        build(self)
        self.grad = 1.0
        for v in reversed(topo):
            for child, d in v.links:
                child.grad += d * v.grad

    def __add__(self, other):
        return Var(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __sub__(self, other):
        return Var(self.data - other.data, ((self, 1.0), (other, -1.0)))

    def __mul__(self, other):
        return Var(self.data * other.data, ((self, other.data), (other, self.data)))
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [("(other, -1.0)", "(other, 1.0)"), ("child.grad += d", "child.grad = d")],
    ids=["sign", "overwritten"],
)
def test_what_is_handed_on_in_a_tuple_is_blamed_on_its_own_line(
    old: str, new: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers_.py"
    file.write_text(PARTIALS, encoding="utf-8")
    assert checked(capsys, "check", str(file))[0] == 0
    file.write_text(PARTIALS.replace(old, new), encoding="utf-8")
    code, said = checked(capsys, "check", str(file))
    line = PARTIALS[: PARTIALS.index(old)].count("\n") + 1
    assert (code, said.splitlines()[1].split()[0]) == (1, f"numbers_.py:{line}:"), said


USED = """
class Cell:
    def __init__(self, n):
        self.w, self.b = [Value(0.1 * i) for i in range(n)], Value(0.0)

    def __call__(self, x):
        return sum((w * e for w, e in zip(self.w, x)), self.b).tanh()

class Net:
    def __init__(self, n):
        self.cells = [Cell(n), Cell(n)]

    def __call__(self, x):
        return sum((cell(x) for cell in self.cells), Value(0.0))

    def zero_grad(self):
        for cell in self.cells:
            for each in cell.w:
                each.grad = 0.0

def loss_of(net, xs, ys):
    return sum(((net(x) + -1 * y) ** 2 for x, y in zip(xs, ys)), Value(0.0))
"""
STEPPED = """
def train(net, xs, ys):
    loss_of(net, xs, ys).backward()
    for cell in net.cells:
        for each in cell.w:
            each.data = each.data - 0.1 * each.grad
"""


@pytest.mark.parametrize(
    ("source", "left"), [(USED, False), (USED + STEPPED, True)], ids=["read", "moved"]
)
def test_what_computes_with_right_values_has_no_gradients_of_its_own(
    source: str, left: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = checked(capsys, "check", str(written(tmp_path, NUMBERS + source)))
    assert (code, "not judged" in said) == (3 if left else 0, left), said


SUMMED = """import random
random.seed(3)

class Num:
    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents, self.back = data, 0.0, parents, lambda: None

    def __add__(self, other):
        out = Num(self.data + other.data, (self, other))
        def back():
            self.grad += out.grad
            other.grad += out.grad
        out.back = back
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Num) else Num(other)
        out = Num(self.data * other.data, (self, other))
        def back():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out.back = back
        return out

    def backward(self):
        order, seen = [], set()
        def visit(each):
            if each not in seen:
                seen.add(each)
                for one in each.parents:
                    visit(one)
                order.append(each)
        visit(self)
        self.grad = 1.0
        for each in reversed(order):
            each.back()

weights = [Num(random.uniform(-1, 1)) for _ in range(4)]
data = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(4)]
for step in range(20):
    misses = [sum((w * x for w, x in zip(weights, xs)), weights[3]) for xs in data]
    loss = sum((miss * miss for miss in misses), Num(0.0)) * 0.25
    for each in weights:
        each.grad = 0.0
    loss.backward()
    for each in weights:
        each.data -= 0.05 * each.grad
    print(loss.data)
"""


def test_the_number_that_a_sum_begins_with_is_no_parameter(tmp_path: Path) -> None:
    """Each step makes it anew, and its derivative is computed as any other's."""
    report = run_edited(tmp_path, SUMMED)
    assert report.exit_code == 0, str(report)
