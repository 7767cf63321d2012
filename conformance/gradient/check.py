"""The gradient check: every lane in turn, until one can judge the subject.

Left out: the line of code that is to blame. A gradient check knows where a number is wrong, and
not why.
"""

from collections.abc import Sequence

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.corpus.starts import raw
from conformance.errors import SubjectError
from conformance.gradient.lanes import (
    BITS,
    Balls,
    ComplexStep,
    Differences,
    Lane,
    Measured,
    Probe,
    measured,
)
from conformance.gradient.layout import Setting, settled
from conformance.gradient.network import built, reason
from conformance.gradient.report import GradReport, judged
from reference.step import Array

SIZES = (4, 5, 2, 3)
"""Not 2 outputs: 2/n, the factor of a mean of squares, is 1 there, and cannot be missed."""
FEW, FEW_IN_ALL = 50, 200  # entries that are tried one by one: of an array, of a network
DIRECTIONS = 2


def gradcheck(subject: object, sizes: Sequence[int] | None = None, seed: int = 0) -> GradReport:
    """Whether a network's backprop is the gradient of its own cost, to how many digits.

    Args:
        subject: a network with `weights`, `biases`, `backprop(x, y)` and a cost of its own, or a
            class or factory that builds one. Its parameters are put back in the end.
        sizes: for a class, the neurons of each layer; small and asymmetric if not given.
        seed: of parameters, samples and directions.

    Returns:
        A verdict on each parameter array, in the sharpest arithmetic that the subject lets in.

    Raises:
        UsageError: the subject lacks a method or a cost; the message says what it has.
        SubjectError: it does not run, or gives something that is not a gradient.
    """
    network = built(subject, SIZES if sizes is None else sizes)
    dropped: list[tuple[str, str]] = []
    with network.borrowed(), precision(BITS):
        setting = settled(network, seed)
        probes = _probes(setting.start, seed)
        lanes: tuple[Lane, ...] = (Balls(), ComplexStep(), Differences())
        for lane in lanes:
            try:
                slopes = measured(lane, setting, probes)
                return _report(setting, lane, slopes, dropped)
            except Exception as error:  # noqa: BLE001 - whatever the subject raises
                dropped.append((lane.name, reason(error)))
    raise SubjectError(
        f"{network.name}: no gradient check could run; "
        + "; ".join(f"{name}: {why}" for name, why in dropped)
    )


def _report(
    setting: Setting, lane: Lane, slopes: Sequence[Measured], dropped: Sequence[tuple[str, str]]
) -> GradReport:
    rows = tuple(
        judged(name, lane, [each for each in slopes if each.probe.array == k])
        for k, name in enumerate(setting.network.names)
    )
    return GradReport(
        subject=setting.network.name,
        sizes=setting.network.sizes,
        cost=setting.cost.label,
        layout=setting.layout,
        lane=lane.name,
        rows=rows,
        dropped=tuple(dropped),
    )


def _probes(start: Sequence[Array], seed: int) -> list[Probe]:
    """Every entry of a small array, some random directions in a large one."""
    total = sum(array.size for array in start)
    probes = []
    for k, array in enumerate(start):
        if array.size <= FEW and total <= FEW_IN_ALL:
            probes += [_entry(k, array.shape, index) for index in np.ndindex(array.shape)]
        else:
            probes += [_direction(k, array.shape, seed + 7 * n) for n in range(DIRECTIONS)]
    return probes


def _entry(k: int, shape: tuple[int, ...], index: tuple[int, ...]) -> Probe:
    direction = np.zeros(shape)
    direction[index] = 1
    return Probe(k, direction, index)


def _direction(k: int, shape: tuple[int, ...], seed: int) -> Probe:
    """Entries −1, 0 and 1, drawn alike; the first is 1, so that not all are 0."""
    entries = [(number >> 32) % 3 - 1 for number in raw(seed + k + 1, int(np.prod(shape)))]
    return Probe(k, np.array([1, *entries[1:]], np.float64).reshape(shape), None)
