"""The loop that a network has over the data: each mistake is named, nothing else is accused."""

# ruff: noqa: N802, NPY002, S311 - the book calls it SGD, and shuffles by the global generators

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reference
from conformance.judging.judge import check_case
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.book.own_loop import NOTHING, own_loop
from conformance.tests.networks.book import Network, Pairs
from conformance.tests.networks.right import RIGHT
from conformance.tests.support import recorded
from conformance.verdict.finding import Kind

CLASSES = sorted(RIGHT, key=lambda each: (each.__name__, each.__module__))
IDS = [f"{each.__name__}-{each.__module__.rpartition('.')[2]}" for each in CLASSES]


class _Loop(Network):
    """Walks through what `batches` gives of the data."""

    def SGD(self, training_data: Pairs, epochs: int, mini_batch_size: int, eta: float) -> None:  # type: ignore[override]
        """Go through the data for some epochs."""
        for _ in range(epochs):
            for each in self.batches(training_data, mini_batch_size):
                self.update_mini_batch(each, eta)

    def batches(self, data: Pairs, size: int) -> Iterator[Pairs]:
        """The mini-batches of an epoch."""
        yield from (data[k : k + size] for k in range(0, len(data), size))


class Short(_Loop):
    """Drops the remainder."""

    def batches(self, data: Pairs, size: int) -> Iterator[Pairs]:
        """Whole mini-batches alone."""
        return super().batches(data[: len(data) // size * size], size)


class First(_Loop):
    """Stops after the first mini-batch."""

    def batches(self, data: Pairs, size: int) -> Iterator[Pairs]:
        """The first one."""
        yield next(super().batches(data, size))


class Apart(_Loop):
    """Shuffles inputs and targets for themselves."""

    def batches(self, data: Pairs, size: int) -> Iterator[Pairs]:
        """Mini-batches of new pairs."""
        xs, ys = [x for x, _ in data], [y for _, y in data]
        random.shuffle(xs)
        random.shuffle(ys)
        return super().batches(list(zip(xs, ys, strict=True)), size)


class Twice(_Loop):
    """Shuffles an array of arrays in place, which copies rows over others."""

    def batches(self, data: Pairs, size: int) -> Iterator[Pairs]:
        """Mini-batches of rows."""
        rows = np.array([np.vstack(pair) for pair in data])
        random.shuffle(rows)  # type: ignore[arg-type]
        return super().batches([(row[:3], row[3:]) for row in rows], size)


class Whole(_Loop):
    """Shuffles the whole array, as NumPy does it."""

    def batches(self, data: Pairs, size: int) -> Iterator[Pairs]:
        """Mini-batches of the samples in another order."""
        order = np.random.permutation(len(data))
        return super().batches([data[i] for i in order], size)


class Nominal(Network):
    """Its last, short mini-batch is divided by the length that the others have."""

    def SGD(self, training_data: Pairs, epochs: int, mini_batch_size: int, eta: float) -> None:  # type: ignore[override]
        """Go through the data."""
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                part = training_data[k : k + mini_batch_size]
                self.update_mini_batch(part, eta * len(part) / mini_batch_size)


class Saving(_Loop):
    """Saves what it has trained."""

    def batches(self, data: Pairs, size: int) -> Iterator[Pairs]:
        """All mini-batches."""
        yield from super().batches(data, size)
        np.save("weights.npy", self.weights[0])


class AskedOtherwise(Network):
    """Its loop takes the data in another way."""

    def SGD(self, data: Any, *, rate: float) -> None:  # type: ignore[override]
        """Go through the data."""


def loop(cls: Any) -> Any:
    return own_loop(BookNetwork(cls, "it"))


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (Short, Kind.REMAINDER_DROPPED),
        (First, Kind.SAMPLES_LEFT_OUT),
        (Apart, Kind.PAIRS_BROKEN),
        (Twice, Kind.SAMPLES_REPEATED),
        (Nominal, Kind.NOMINAL_RATE),
    ],
)
def test_a_wrong_loop_is_named(cls: type, kind: Kind) -> None:
    assert [found.kind for found in loop(cls).findings] == [kind]


@pytest.mark.parametrize("cls", [*CLASSES, Whole], ids=[*IDS, "Whole"])
def test_a_right_loop_is_not_accused(cls: type) -> None:
    found = loop(cls)
    assert not found.findings
    assert not found.notes


@pytest.mark.parametrize("cls", [AskedOtherwise, reference.Network])
def test_a_loop_that_cannot_be_followed_is_not_judged_and_that_is_said(cls: type) -> None:
    found = loop(cls)
    assert not found.findings
    assert all(note.startswith("SGD was not judged: ") for note in found.notes)
    assert found.notes


def test_what_a_loop_saves_is_not_put_over_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert loop(Saving) == NOTHING
    assert list(tmp_path.iterdir()) == []


def test_the_generators_go_on_as_if_nothing_had_been() -> None:
    network = BookNetwork(Apart, "it")
    random.seed(1)
    np.random.seed(1)
    own_loop(network)
    after = random.random(), np.random.rand()
    random.seed(1)
    np.random.seed(1)
    assert after == (random.random(), np.random.rand())


def test_a_wrong_loop_is_a_failure_of_the_case() -> None:
    report = check_case(book_subject(Short, "it"), recorded("hand-2-3-1"))
    assert [verdict.finding for verdict in report.failures] == [*loop(Short).findings]
