"""Small data that a program is tried on: unequal sizes, every class, in every usual layout.

With pictures go what a network of convolutions is told of them. Left out: which of the data a
program takes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from reference.step import Array

M = 8
N_IN, N_HIDDEN, N_OUT = 6, 5, 3
SEED = 20


@dataclass(frozen=True)
class Sizes:
    """Of the layers and of the mini-batch; the hidden layers are all as wide."""

    n_in: int = N_IN
    n_hidden: int = N_HIDDEN
    n_out: int = N_OUT
    m: int = M
    layers: int = 1

    @property
    def hidden(self) -> list[int]:
        """Of the hidden layers."""
        return [self.n_hidden] * self.layers

    @property
    def whole(self) -> list[int]:
        """Of all layers, the inputs first."""
        return [self.n_in, *self.hidden, self.n_out]


@dataclass(frozen=True, eq=False)
class Data:
    """What a program is given.

    Attributes:
        layout: `rows`, `columns`, `one vector`, …
        coding: of the targets: `one-hot`, `values`, `labels from 0`, …
        sizes: of the layers and of the mini-batch.
        x: the inputs.
        y: the targets.
        rounds: how often it updates its parameters, if it asks for that.
        weights: of the samples, if it takes some.
        settings: arguments that its functions are given beside those that they need.
    """

    layout: str
    coding: str
    sizes: Sizes
    x: Any
    y: Any
    rounds: int = 1
    weights: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def single(self) -> bool:
        """Whether it is one sample."""
        return self.layout.startswith("one ")

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of an output of these samples."""
        m, n = self.sizes.m, self.sizes.n_out
        if self.coding.endswith(EACH):
            return np.shape(_in_order(np.zeros((m, N_STEPS, n)), self.layout))
        return {
            "rows": (m, n), "columns": (n, m), "one row": (1, n), "one column": (n, 1),
            "a sequence of labels": (n, 1), TOKENS[0]: (m, n),
            STEPS[0]: (m, n), STEPS[1]: (m, n), STEPS[2]: (n, m),
            ONE_SEQUENCE[0]: (n, 1), ONE_SEQUENCE[1]: (1, n),
            TABLES[0]: (self.sizes.n_in, n), **dict.fromkeys((*NUMBERS, *TRIPLES), (m,)),
            **dict.fromkeys(PICTURES[:4], (m, n)),
        }.get(self.layout, (n,))  # fmt: skip

    @property
    def steps(self) -> tuple[int, tuple[int, ...]]:
        """How many outputs there are, and the shape of one, where each step has one of its own."""
        m, n = self.sizes.m, self.sizes.n_out
        if self.coding.endswith(EACH):
            return N_STEPS, (n, m) if "columns" in self.layout else (m, n)
        return m, (n, 1) if self.layout in SEQUENCES else (n,)

    @property
    def labels(self) -> Array:
        """The classes of samples whose targets are one-hot."""
        return np.asarray(np.argmax(self.y, axis=0 if "column" in self.layout else -1))

    @property
    def places(self) -> tuple[Array, Array]:
        """Which user and which item each sample is of: some of either have several."""
        samples = np.arange(self.sizes.m)
        return samples % self.sizes.n_in, samples * 5 // 3 % self.sizes.n_out

    @property
    def mask(self) -> Array:
        """Which entries of an output count: not all, and some of each sample and of each class."""
        counts: Array = np.indices(np.shape(self.y)).sum(axis=0) % 3 != 0
        return counts

    def with_ones(self) -> "Data":
        """The same with 1 for the first input of each sample, as many a program has its bias."""
        x = np.array(self.x)
        x[(0,) if "column" in self.layout else (..., 0)] = 1
        return replace(self, x=x)


BATCHES = ("rows", "columns")
SINGLES = ("one column", "one row", "one vector")
SEQUENCES = ("a sequence of labels",)
STEPS = ("samples of steps", "steps of samples", "steps of columns")
ONE_SEQUENCE = ("one sequence of columns", "one sequence of rows")
EACH = " at each step"
"""What the coding of targets ends with where each step of a sample has its own."""
TOKENS = ("rows of labels",)
NUMBERS = ("a number a sample",)
"""Of which inputs, outputs and parameters are numbers: a line through points."""
TABLES = ("a table",)
"""Of which a mask tells the entries that are known, as for a factorisation."""
TRIPLES = ("triples",)
"""Of a user, an item and a number, such as a rating."""
PICTURES = (
    "pictures of a channel", "pictures", "pictures with a channel last", "signals of a channel",
    "one picture", "one picture of a channel",
)  # fmt: skip
"""Of which the side, or the length, stands in the place of the number of inputs."""
SIDES = (Sizes(n_in=8, m=4), Sizes(n_in=28, m=2))
"""Of pictures: small ones, and those that a program is written for."""
LAYOUTS = (
    TABLES, TRIPLES, NUMBERS, BATCHES, SINGLES, SEQUENCES, STEPS, ONE_SEQUENCE, TOKENS, NUMBERS,
)  # fmt: skip
"""In the order in which a program is tried on them: first on numbers if it makes numbers itself."""


def example_data(sizes: Sizes, layouts: tuple[str, ...]) -> Iterator[Data]:
    """The data in each layout and coding, those that show most first."""
    for layout in layouts:
        one = layout.startswith("one ")
        kept = replace(sizes, m=1) if one else sizes
        for coding, y in _targets(kept, layout):
            yield Data(layout, coding, kept, _inputs(kept, layout), y)


IMAGES = (2, 3, 6, 4)
"""Samples, channels, height, width."""

N_STEPS = 4
"""Of each sample, where samples have steps."""


def _in_order(samples: Array, layout: str) -> Array:
    """Samples of steps, or their targets, with the axes in the order of a layout."""
    axis = {STEPS[1]: 1, STEPS[2]: -1, ONE_SEQUENCE[0]: -1, ONE_SEQUENCE[1]: 1}.get(layout, 0)
    return np.ascontiguousarray(np.moveaxis(samples, 0, axis))


def _inputs(sizes: Sizes, layout: str) -> Any:
    shapes = {
        "images": IMAGES, "an image of channels": (3, 6, 8), "an array of three axes": (6, 4, 3),
        "sequences": (2, N_STEPS, sizes.n_in),
        TABLES[0]: (sizes.n_in, sizes.n_out), **dict.fromkeys((*NUMBERS, *TRIPLES), (sizes.m,)),
        **_pictures(sizes.m, sizes.n_in),
        **dict.fromkeys((*STEPS, *ONE_SEQUENCE), (sizes.m, N_STEPS, sizes.n_in)),
    }  # fmt: skip
    if layout in shapes:
        return _in_order(_normal(shapes[layout]).copy(), layout)
    if layout == "a sequence of labels":
        return [3 * t % sizes.n_in for t in range(sizes.m)]
    if layout in TOKENS:
        return np.random.default_rng(SEED).integers(0, sizes.n_in, size=(sizes.m, N_STEPS))
    if layout == "a list of columns":
        return [*_normal((4, sizes.n_in, 1)).copy()]
    if layout == "places":
        return np.arange(sizes.m) * 2 % sizes.n_in
    return _laid(_normal((sizes.m, sizes.n_in)).copy(), layout)


def _pictures(m: int, side: int) -> dict[str, tuple[int, ...]]:
    """The shapes of pictures."""
    one = side, side
    several = (m, 1, *one), (m, *one), (m, *one, 1), (m, 1, side)
    return dict(zip(PICTURES, (*several, one, (1, *one)), strict=True))


@cache
def _normal(shape: tuple[int, ...]) -> Array:
    """Numbers that are drawn; whoever gives them to a program copies them."""
    return np.random.default_rng(SEED).normal(size=shape)


def _laid(rows: Array, layout: str) -> Array:
    """Samples in rows, in another layout."""
    if layout in ("columns", "one column", STEPS[2], ONE_SEQUENCE[0]):
        return np.ascontiguousarray(rows.T)
    return rows[0] if layout in ("one vector", *PICTURES[4:]) else rows


@cache
def _labels(m: int, n_out: int) -> Array:
    """The classes of samples in an order that is drawn; as `_normal`."""
    classes = np.arange(m) % n_out
    if m < n_out:  # the first and the last are there: Y.max() + 1 is their number
        classes = np.linspace(0, n_out - 1, m).astype(int)
    return np.random.default_rng(SEED + 1).permutation(classes)


def _targets(sizes: Sizes, layout: str) -> Iterator[tuple[str, Any]]:
    """The targets in each coding."""
    labels = _labels(sizes.m, sizes.n_out).copy()
    if layout in ONE_SEQUENCE:
        yield from _each_step(labels, sizes.n_out, layout)
    if layout in SEQUENCES:
        yield "labels from 0", labels.tolist()
        yield "a label from 0", int(labels[-1])  # of the whole sequence
    elif layout in (*TABLES, *TRIPLES):
        yield "values", _inputs(sizes, layout)
    elif layout in NUMBERS:
        yield from [("values", _values(sizes)[:, 0])] if sizes.n_in == sizes.n_out == 1 else ()
    elif sizes.n_out == 1:
        yield "values", _laid(_values(sizes), layout)
        if layout in ("rows", *STEPS, *TOKENS, PICTURES[3]):
            yield "a flat array of values", _values(sizes)[:, 0]
        if layout == "one vector":
            yield "a number", float(_values(sizes)[0, 0])
    else:
        yield from _classes(labels, sizes.n_out, layout)
    if layout in STEPS:
        yield from _each_step(labels, sizes.n_out, layout)


def _values(sizes: Sizes) -> Array:
    """A target of 0 or 1 for each sample, in a column; 1 for a single one.

    Of a target of 0 the error is the output itself, which may stand for it by mistake.
    """
    values: Array = (np.arange(M - sizes.m, M) % 3 != 0).astype(float)
    return values[:, None]


def _each_step(labels: Array, n_out: int, layout: str) -> Iterator[tuple[str, Any]]:
    """The targets of the steps of each sample."""
    steps = labels[:, None] + np.arange(N_STEPS)  # (m, steps)
    if n_out == 1:
        yield "values" + EACH, _in_order((steps % 2.0)[:, :, None], layout)
        return
    yield "one-hot" + EACH, _in_order(np.eye(n_out)[steps % n_out], layout)
    yield "labels from 0" + EACH, _in_order(steps % n_out, layout)


def _classes(labels: Array, n_out: int, layout: str) -> Iterator[tuple[str, Any]]:
    """The classes of samples in each coding; that of one sample is the last."""
    one = layout.startswith("one ")
    labels = np.array([n_out - 1]) if one else labels
    yield "one-hot", _laid(np.eye(n_out)[labels], layout)
    if one:
        yield "a label from 0", int(labels[0])
    if not one or layout == "one row":
        yield "labels from 0", labels
    if one or layout in PICTURES:
        return
    if layout == "rows":
        yield "one-hot columns", np.eye(n_out)[labels][:, :, None]
    column = labels[:, None] if layout == "rows" else labels[None, :]
    yield "labels from 0 as a matrix", column
    yield "labels from 1", labels + 1
    yield "labels from 1 as a matrix", column + 1


FILTERS, KERNEL, POOL = 2, 3, 2
CONVOLVES = re.compile(r"conv|pool|im2col|correlate2d", re.IGNORECASE)
TOLD = {"picture shape", "side", "channels", "filters"}
"""Kinds of argument that a network is given though they have a default."""


def picture_kinds(data: Data) -> dict[str, Any]:
    """What a constructor is told of pictures; nothing of other data."""
    if data.layout not in PICTURES:
        return {}
    shape = np.shape(data.x)[0 if data.single else 1 :]
    return {
        "picture shape": shape,
        "side": data.sizes.n_in,
        "channels": 1,
        "filters": FILTERS,
        "kernel": KERNEL,
        "pool": POOL,
    }


def as_default(kind: str, value: Any, default: Any) -> Any:
    """What is told in the form of a default: one side, two, or with the channels among them.

    None where it has another form, such as the filters of each of several layers.
    """
    if default is None or isinstance(default, int | type):
        return max(value) if isinstance(default, int) and kind == "picture shape" else value
    if not isinstance(default, tuple | list) or kind not in ("picture shape", "side"):
        return None
    side = max(value) if isinstance(value, tuple) else value
    channels = min(default) if len(set(default)) > 1 else None
    return type(default)(1 if each == channels else side for each in default)


@cache
def convolves(module: ModuleType, among: frozenset[str] | None = None) -> bool:
    """Whether a name in the functions of a program says that it goes through pictures.

    Args:
        module: the program.
        among: the names of its classes and functions that are meant; None for all.
    """
    return any(map(CONVOLVES.search, _names(module, among)))


def _names(module: ModuleType, among: frozenset[str] | None) -> Iterator[str]:
    own = [
        e
        for e in vars(module).values()
        if getattr(e, "__module__", "") == module.__name__
        and (among is None or getattr(e, "__name__", "") in among)
    ]
    inner = [e for each in own if isinstance(each, type) for e in vars(each).values()]
    for each in [*own, *inner]:
        if isinstance(each, FunctionType):
            code: CodeType = each.__code__
            yield from (each.__name__, *code.co_names, *code.co_varnames)
