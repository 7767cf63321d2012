"""How time grows: with the width of a layer, with the batch, with the cases; and whole training.

Left out: the single steps (`work.py`).
"""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np

from conformance.bench.timing import Row, Timed, row, seconds_of, slope
from conformance.corpus import store
from conformance.judging.judge import check_case
from conformance.running.quiet import quiet
from conformance.subjects.named import find
from conformance.training.data import digits
from reference.descent import Descent
from reference.network import Network
from reference.step import Batch

WIDTHS = (30, 60, 120, 240, 480)
BATCHES = (10, 20, 40, 80, 160)
CASES = (4, 8, 16, 32)
IMAGES, EPOCHS, TARGET = 50_000, 30, 94.5


def widths() -> Row:
    """Of an SGD step, with the hidden layer's width."""
    seconds = [seconds_of(_step(width, 10)) for width in WIDTHS]
    what = f"SGD step, hidden layer {WIDTHS[0]} to {WIDTHS[-1]}: time ~ width^"
    return row(what, slope(WIDTHS, seconds), "slope", (seconds[0], seconds[-1]))


def batches() -> Row:
    """Of an SGD step, with m."""
    seconds = [seconds_of(_step(30, m)) for m in BATCHES]
    what = f"SGD step, m {BATCHES[0]} to {BATCHES[-1]}: time ~ m^"
    return row(what, slope(BATCHES, seconds), "slope", (seconds[0], seconds[-1]))


def cases(place: Path) -> Row:
    """Of a check of the reference, with the number of cases."""
    reference, known = find("reference"), store.cases(place)
    seconds = []
    for count in CASES:
        chosen = known[:: max(1, len(known) // count)][:count]  # a mixture of small and large
        for case in chosen:
            store.read(place, case)
        started = perf_counter()
        for case in chosen:
            check_case(reference, store.read(place, case))
        seconds.append(perf_counter() - started)
    what = f"check, {CASES[0]} to {CASES[-1]} cases: time ~ cases^"
    return row(what, slope(CASES, seconds), "slope", (seconds[0], seconds[-1]))


def training(folder: Path | None) -> Iterator[Row]:
    """Whole training with the book's settings; on a part of MNIST one epoch stands for all."""
    source = digits(folder)
    batch = source.mnist.training.batch()
    whole = batch.m >= IMAGES
    if not whole:
        batch = batch.columns(np.arange(IMAGES) % batch.m)
    test = source.mnist.test.batch()
    tests = list(zip(test.x.T[:, :, None], source.mnist.test.labels, strict=True))
    net = Network([784, 30, 10], np.random.default_rng(0))
    epochs = EPOCHS if whole else 1
    started = perf_counter()
    with quiet():
        net.SGD(batch, epochs, 10, 3.0)
    seconds = (perf_counter() - started) * EPOCHS / epochs
    how = "" if whole else ", from one of repeated images"
    yield row(f"{EPOCHS} epochs of {batch.m:,} images{how}", seconds, "s", (), "≤ 20")
    if whole:
        right = 100 * net.evaluate(tests) / len(tests)
        yield row("test images right after them", right, "%", (), f"≥ {TARGET}")


def _step(width: int, m: int) -> Timed:
    rng = np.random.default_rng(0)
    shapes = ((width, 784), (10, width))
    fast = Descent([rng.standard_normal(s) for s in shapes], [np.zeros((s[0], 1)) for s in shapes])
    targets = np.eye(10)[:, np.arange(m) % 10]
    batch = Batch(rng.random((784, m)), targets).map(np.asfortranarray)
    return lambda: fast.step(batch, 0.01)
