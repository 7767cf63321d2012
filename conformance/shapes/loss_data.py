"""What a loss is given: arrays and targets, by the names of its arguments; what it keeps.

The layouts and codings come in a fixed order, the most natural first; which of them are tried does
not depend on a verdict. Left out: running and judging it (`losses.py`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, fitted
from conformance.backward.recorded_pass import Goal
from conformance.programs.vocabulary import bare, kinds_of
from conformance.shapes.argument_values import HELPFUL, MASK
from conformance.shapes.arguments import needed, taken
from conformance.shapes.attempts import UnfitError
from conformance.shapes.example_data import Data, Sizes, example_data
from conformance.shapes.learned import is_number
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array

ARRAY, TARGET, NUMBER, UNTOLD = "array", "target", "number", "untold"
OF_CLASSES, OF_SAMPLES = "weights of classes", "weights of samples"
TWO = 2
WAYS = (OF_CLASSES, OF_SAMPLES)
MASKS = ("mask", "mask of numbers", "mask of samples")
SINGLE = ("one column", "one vector")
"""Layouts of a single output."""
LAYOUTS = ("rows", "columns", *SINGLE)
SETTING = re.compile(
    r"t|temp(erature)?|tau|margin|delta|alpha|beta|gamma|eps(ilon)?|smooth(ing)?|lam(bda)?|sigma"
    r"|q|quantile|scale|kappa|threshold"
)
"""Numbers that a loss needs beside arrays: a temperature, a margin."""
SMALL = 1e-3
"""An ε, or a smooth term, is no larger: a gradient may leave it out."""
WEIGHTS = re.compile(r"w|\w*weights?|alphas?")
"""What the terms of a loss are multiplied by, if it comes after the target."""
SPREADS = (None, 0.5, 2.0)
"""How far apart the entries of the arrays are drawn: in (0, 1), as probabilities are; else around
the mean of the targets, so that a residual is of either sign, and below and above 1."""


@dataclass(frozen=True, eq=False)
class Trial:
    """What a loss is given.

    Attributes:
        data: the layout, and the targets.
        kinds: what each argument is: an array, the target, a number, weights, or a mask.
        seed: of the arrays that are drawn.
        kept: whether it goes back from what it keeps of the output.
    """

    data: Data
    kinds: tuple[str, ...]
    seed: int = 6
    kept: bool = False

    def given(self, names: Sequence[str], spread: float | None, trace: Trace) -> dict[str, Any]:
        """The arguments by name, of which the arrays and targets of floats are recorded."""
        rng = np.random.default_rng(self.seed)
        made: dict[str, Any] = {}
        for name, kind in zip(names, self.kinds, strict=True):
            if kind == NUMBER:
                made[name] = HELPFUL
            elif kind in (OF_CLASSES, OF_SAMPLES):
                sizes = self.data.sizes
                n = sizes.n_out if kind == OF_CLASSES else sizes.m
                made[name] = trace.given(rng.uniform(0.5, 2.0, size=n), name)
            elif kind in MASKS:
                made[name] = self._mask(kind)
            elif kind == ARRAY:
                made[name] = trace.given(self._drawn(rng, spread), name)
            else:
                floats = np.asarray(self.data.y).dtype.kind == "f"
                made[name] = trace.given(self.data.y, name) if floats else self.data.y
        return made

    def _mask(self, kind: str) -> Array:
        """Which entries, or samples, count: not all."""
        samples = np.arange(self.data.sizes.m) % 3 != 0
        counts = samples if kind == MASKS[2] else self.data.mask
        return counts.astype(float) if kind == MASKS[1] else counts

    def _drawn(self, rng: np.random.Generator, spread: float | None) -> Array:
        shape = self.data.output_shape
        if spread is None:
            return rng.uniform(0.1, 0.9, size=shape)
        middle = float(np.mean(self.data.y)) if TARGET in self.kinds else 0.0
        drawn: Array = middle + spread * rng.normal(size=shape)
        return drawn


def argument_names(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments that a function or a method needs."""
    return [each.name for each in needed(function) if each.name != "self"]


def trials(names: Sequence[str]) -> Iterator[Trial]:
    """What a loss with such arguments may be given, the most natural first."""
    settings = {i for i, e in enumerate(names) if i >= TWO and SETTING.fullmatch(bare(e))}
    weights = {i for i, e in enumerate(names) if weighs(names, e)} - settings
    masks = {i for i, e in enumerate(names) if i >= TWO and MASK.fullmatch(bare(e))}
    places = [i for i in range(len(names)) if i not in settings | weights | masks]
    targets = _targets([names[i] for i in places])
    for target in targets:
        role = (
            ARRAY if target is None else UNTOLD if None in targets and len(places) > TWO else TARGET
        )
        kinds = [NUMBER if i in settings else ARRAY for i in range(len(names))]
        if target is not None:
            kinds[places[target]] = TARGET
        for layout in LAYOUTS:
            ways = product(WAYS if weights else WAYS[:1], MASKS if masks else MASKS[:1])
            for data, (way, mask) in product(_data(layout, role), ways):
                said = {**dict.fromkeys(weights, way), **dict.fromkeys(masks, mask)}
                yield Trial(data, tuple(said.get(i, e) for i, e in enumerate(kinds)))


def other_settings(function: Callable[..., Any]) -> dict[str, float]:
    """Other numbers for the settings of a loss than their defaults, but for such as an ε."""
    return {
        each.name: HELPFUL * each.default
        for each in taken(function)
        if type(each.default) in (int, float) and SETTING.fullmatch(bare(each.name))
        if each.default > SMALL
    }


def weighs(names: Sequence[str], name: str) -> bool:
    """Whether an argument of a loss is what its terms are multiplied by, and no parameter."""
    before = names[: names.index(name)]
    told = any("targets" in kinds_of(each) for each in before) and len(before) >= TWO
    return told and WEIGHTS.fullmatch(bare(name)) is not None


def _targets(names: Sequence[str]) -> tuple[int | None, ...]:
    """Which of some arguments is the target: as the names tell, else what it may be in turn."""
    last = len(names) - 1
    targets = ["targets" in kinds_of(each) for each in names]
    outputs = ["output" in kinds_of(each) for each in names]
    if len(names) > TWO:
        return (targets.index(True),) if sum(targets) == 1 else (None, last)
    if sum(targets) == 1:
        at = targets.index(True)
        return (at,) if outputs[last - at] or not outputs[at] else (last, 0)
    return (last, 0) if any(targets) or any(outputs) else (None, last, 0)


def _data(layout: str, role: str) -> Iterator[Data]:
    """The data of a layout, for a target that is told, one that is not, or none."""
    found = [*example_data(Sizes(), (layout,))]
    flags = (np.arange(found[0].sizes.m) % 3 != 0).astype(float)
    column = flags[:, None] if layout == "rows" else flags[None, :]
    binary = [
        replace(found[0], coding="a flat array of values", y=flags),
        replace(found[0], coding="values", y=column),
    ]
    if role == ARRAY:
        yield replace(found[0], coding="values")
    elif role == UNTOLD and not found[0].single:
        yield from (*binary, *found)
    else:
        yield from found
        if layout == SINGLE[-1]:  # or one output of each of several samples
            yield replace(found[0], coding="0 or 1", y=np.arange(found[0].sizes.n_out) % 2)
        if layout == "rows":  # what is read off more frames, of which 0 is none
            labels = np.arange(1, found[0].sizes.n_out)
            yield replace(found[0], coding="fewer labels than rows, from 1", y=labels)


AFFINE = {"add", "subtract", "multiply", "divide", "negative", "clip", "maximum", "minimum",
          "astype", "positive", "true_divide", "asarray", "array"}  # fmt: skip
BOUNDS = {"clip", "maximum", "minimum", "log", "log2", "log10", "log1p", "sqrt", "arctanh"}


def is_bounded(trace: Trace, arrays: Sequence[Node]) -> bool:
    """Whether a program takes an array for probabilities: it clips it, or takes its logarithm.

    Such a loss is defined between 0 and 1 alone, and may be clipped outside. What is clipped after
    another array was taken off is no probability.
    """
    alone = {*map(id, arrays)}
    for node in trace.nodes:
        inner = {id(each) for each in node.inputs if np.size(each.value) > 1}
        if len(inner) != 1 or not inner <= alone:
            continue
        if node.operation in BOUNDS:
            return True
        if node.operation in AFFINE:
            alone.add(id(node))
    return False


def is_difference(goal: Goal | None, y: Any) -> bool:
    """Whether a gradient is a positive multiple of output − target.

    It is the derivative of a cross-entropy with respect to what its softmax or sigmoid is given.
    """
    if goal is None:
        return False
    output, given = np.asarray(goal.parameter.value), np.asarray(goal.node.value)
    target = np.asarray(y)
    if target.shape != output.shape or given.shape != output.shape:
        return False
    return (fitted(given, output - target) or 0.0) > 0


def likelihood(p: Any, target: Any) -> Any:
    """Minus the logarithm of what a program takes for probabilities, a row for each sample.

    Raises:
        UnfitError: they are none, or the target is of another kind.
    """
    y = np.asarray(target)
    value = np.asarray(p)
    if value.ndim != TWO or not np.all((value > 0) & (value < 1)):
        raise UnfitError("what goes forward gives no probabilities of classes")
    if y.shape != value.shape:
        if y.dtype.kind != "i" or y.shape != value.shape[:1]:
            raise UnfitError("its targets have another shape than its probabilities")
        y = np.eye(value.shape[1])[y]
    of_classes = np.all(np.abs(value.sum(axis=1) - 1) <= HALF_OF_THE_DIGITS)
    return -np.sum(y * np.log(p) + (0 if of_classes else (1 - y) * np.log(1 - p)))


def kept_loss(held: Any) -> Any:
    """The number that an object keeps under the name of a loss; its method returned nothing."""
    kept = {} if held is None else vars(held)
    named = (each for name, each in kept.items() if re.search(r"(loss|cost)(value)?$", bare(name)))
    found = next((each for each in named if is_number(each)), None)
    if found is None:
        raise UnfitError("no loss is returned, nor kept under the name of one")
    return found


def kept_gradient(held: Any, shape: tuple[int, ...]) -> Any:
    """The array of a shape that an object keeps under the name of a gradient; None without one."""
    kept = {k: e for k, e in vars(held).items() if isinstance(e, np.ndarray) and e.shape == shape}
    named = [e for k, e in kept.items() if re.match(r"d|grad", bare(k))]
    return named[-1] if named else None


def kept_of(held: Any, output: Any) -> Any:
    """The only array of the shape of the output that an object keeps, and that is made of it.

    Raises:
        UnfitError: there is none, or there are several.
    """
    alike = (e for e in vars(held).values() if isinstance(e, type(output)))
    found = [e for e in alike if e.shape == output.shape and e.node is not output.node]
    made = [each for each in found if each.node.depends_on(output.node)]
    if len(made) != 1:
        raise UnfitError("it keeps nothing of the output")
    return made[0]
