"""Mistakes in the samples and targets: what the equations are given is not what was asked for.

Left out: samples that the loop forgets (`loops.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formula, Formulas, by_the_book
from conformance.subjects.function.function_subject import function_subject
from reference.backprop import step
from reference.equations import BOOK, COSTS
from reference.step import Array, Batch, Parameters

OF_X, OF_Y = ("Z", "BP4"), ("C", "BP1")


def given(change: Callable[[Batch], Batch], *tags: str) -> Formulas:
    """The book's equations of these tags on other samples or targets."""

    def formula(tag: str) -> Formula:
        return lambda at: by_the_book(at.with_given(**vars(change(Batch(at.x, at.y)))), tag)

    return {tag: formula(tag) for tag in tags}


def first_twice(batch: Batch) -> Batch:
    """The first sample in place of the second"""
    return batch.columns((0, 0, *range(2, batch.m))) if batch.m > 1 else batch


def other_labels(batch: Batch) -> Batch:
    """Targets whose entries have moved by one neuron"""
    last = batch.y.shape[0] - 1
    return Batch(batch.x, batch.y[[last, *range(last)]])


def wrapped(batch: Batch) -> Batch:
    """x = (⌊256 x⌋ mod 256) / 256"""
    x: Any = batch.x
    numbers = np.asarray(x.value if isinstance(x, RunningError) else x)
    floats = np.floor(256 * numbers.astype(np.float64)) % 256 / 256
    return Batch(floats if isinstance(x, RunningError) else floats.astype(x.dtype), batch.y)


def overwriting_step(
    weights: list[Array],
    biases: list[Array],
    x: Array,
    y: Array,
    eta: float,
    *,
    lmbda: float,
    n: int,
    cost: str,
) -> dict[str, Array]:
    """A right step that leaves other numbers in x."""
    book = BOOK.with_cost(COSTS[cost])
    batch = Batch(x.copy(), y)
    taken = step(Parameters(tuple(weights), tuple(biases)), batch, eta, lmbda / n, book)
    x -= x.mean()
    return dict(taken.named())


DATA = (
    Mistake(
        "shuffle-duplicates-rows",
        "The samples are shuffled by swapping views of their rows: one comes twice, one is lost.",
        wrong="x_2, y_2 = x_1, y_1",
        right="each sample once",
        formulas=given(first_twice, "Z", "C", "BP1", "BP4"),
        source="mnielsen/neural-networks-and-deep-learning#73",
        hidden="lists of tuples; m = 1; no shuffling",
    ),
    Mistake(
        "x-and-y-shuffled-apart",
        "Samples and targets are shuffled apart, and their pairs broken.",
        wrong="x_i with y_{i+1}",
        right="x_i with y_i",
        formulas=given(lambda batch: Batch(batch.x, batch.y[:, [*range(1, batch.m), 0]]), *OF_Y),
        hidden="m = 1; no shuffling",
    ),
    Mistake(
        "label-off-by-one",
        "The targets are one class off: neuron j + 1 answers for digit j.",
        wrong="y_{j+1} = 1 for digit j",
        right="y_j = 1 for digit j",
        formulas=given(other_labels, *OF_Y),
        hidden="n_L = 1",
    ),
    Mistake(
        "pixels-255",
        "The bytes of the pixels are divided by 255.",
        wrong="x = bytes / 255",
        right="x = bytes / 256",
        formulas=given(lambda batch: Batch(batch.x * 256 / 255, batch.y), *OF_X),
        hidden="any check that is given x",
    ),
    Mistake(
        "uint8-wraps",
        "Pixels are computed with as bytes, which wrap at 256.",
        wrong="x = (⌊256 x⌋ mod 256) / 256",
        right="x",
        formulas=given(wrapped, *OF_X),
        hidden="pixels that are floats, or stay within a byte",
    ),
    Mistake(
        "inputs-mutated",
        "The samples are overwritten during a step.",
        wrong="x ← x − its mean, in place",
        right="x stays as it was",
        hidden="a single call on samples that nobody looks at again",
        subject=lambda name: function_subject(overwriting_step, name),
        remark="overwrites its x",
    ),
)
