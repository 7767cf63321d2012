"""What an argument of a loss may be, with targets of one coding: labels, 0 or 1, one-hot, numbers.

Left out: arguments of layers (`argument_values.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from conformance.programs.vocabulary import BIAS, WEIGHT, bare, kinds_of
from conformance.shapes.argument_values import HELPFUL, Path, Shape, drawn, values
from conformance.shapes.example_data import N_OUT
from reference.step import Array


def is_input(name: str) -> bool:
    """Whether an argument is inputs by its name."""
    return "inputs" in kinds_of(name) or bare(name).startswith("x")


def is_target(name: str) -> bool:
    """Whether an argument is targets by its name."""
    return "targets" in kinds_of(name)


BETWEEN = 0.25, 0.875
"""The bounds of numbers that are positive, and shares."""

Values = Callable[[Path, Mapping[Path, Any]], Iterator[Any]]


def _coded(coded: Callable[[Array], Array | None]) -> Values:
    """The values of arguments, of which targets have one coding.

    A vector comes before matrices for what is called by a small letter, and in the order of size:
    it may be one of thresholds. A bias of one output is a number.
    """

    def found(path: Path, chosen: Mapping[Path, Any]) -> Iterator[Any]:
        name = path[-1]
        if not chosen or not is_target(name):
            every: Iterable[Any] = values(path, chosen)
            if chosen and WEIGHT.fullmatch(bare(name)) and name.islower():
                every = sorted(every, key=lambda each: np.ndim(each) != 1)
            yield from (np.sort(each) if np.ndim(each) == 1 else each for each in every)
            weights = [e for each, e in chosen.items() if WEIGHT.fullmatch(bare(each[-1]))]
            if BIAS.fullmatch(bare(name)) and 1 in map(np.ndim, weights):
                yield np.asarray(HELPFUL)
            return
        rng = np.random.default_rng([4, len(chosen)])
        shapes = [np.shape(each) for each in chosen.values() if np.ndim(each)]
        first = shapes[0] if shapes else ()
        wide = [(*first[:1], n) for shape in shapes for n in shape]
        for shape in dict.fromkeys([first[:1], *wide, first, first[:2]]):
            made = coded(rng.integers(0, N_OUT, size=shape))
            if made is not None:
                yield made

    return found


def as_stated(shapes: Mapping[str, Shape], coded: Values) -> Values:
    """The values of arguments of which some have shapes that are known.

    Args:
        shapes: they, by name.
        coded: the values of arguments, of which targets have one coding.
    """

    def found(path: Path, chosen: Mapping[Path, Any]) -> Iterator[Any]:
        shape = shapes.get(path[-1])
        if shape is None or (chosen and is_target(path[-1])):
            every = coded(path, chosen)
            yield from (e for e in every if shape is None or np.shape(e) == shape)
            return
        rng = np.random.default_rng([4, len(chosen)])
        yield drawn(bare(path[-1]), shape, rng) if shape else np.asarray(HELPFUL)
        yield rng.uniform(*BETWEEN, size=shape)

    return found


def _one_hot(labels: Array) -> Array | None:
    wide = labels.shape[-1] if labels.ndim > 1 else 1
    return np.eye(wide)[labels[..., 0] % wide] if wide > 1 else None


CODINGS: tuple[Values, ...] = (
    _coded(lambda labels: labels),
    _coded(lambda labels: (labels % 2).astype(float)),
    _coded(_one_hot),
    _coded(lambda labels: np.random.default_rng(7).normal(size=labels.shape)),
    _coded(lambda labels: np.random.default_rng(7).uniform(*BETWEEN, size=labels.shape)),
)
"""Targets: labels, 0 or 1, one-hot, any numbers, and shares."""
