"""Is a network's backprop the gradient of its own cost, and to how many digits?

The network is a program `f(params, x, y) -> (cost, gradients)`, which is recorded and judged as any
other (`backward/`): on balls where they go, every entry of every array. Left out: the line of code
that is to blame, which `conformance check` tells.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.recorded_pass import NotAGradientError, record
from conformance.errors import ConformanceError, SubjectError, UsageError
from conformance.gradient.differentiable import Network, built, found, reason
from conformance.gradient.layout import WANTED, Layout, Way, settled, uniform, ways
from conformance.gradient.report import GradReport
from reference.step import Array

SIZES = (4, 5, 2, 3), (3, 3, 3, 3)
"""Unequal ones, and equal ones, at which a connection that skips a layer has its effect; 2/n of a
mean of squares is not 1, and no layer is as large as the mini-batch."""
TRIES = 5
MEAN = 1e-9  # how near a ratio is to m, or to 1/m


def gradcheck(subject: object, sizes: Sequence[int] | None = None, seed: int = 0) -> GradReport:
    """Whether a network's backprop is the gradient of its own cost, to how many digits.

    Args:
        subject: a network with `weights`, `biases`, `backprop(x, y)` and a cost of its own, or a
            class or factory that builds one. Its parameters are put back in the end. Without a cost
            the known ones are tried.
        sizes: for a class, the neurons of each layer; unequal and then equal ones if not given.
        seed: of parameters and samples.

    Returns:
        A verdict on each parameter array, of the first sizes at which one is wrong.

    Raises:
        UsageError: the subject lacks a method or a cost; the message says what it has.
        SubjectError: it does not run, or gives something that is not a gradient.
    """
    first, *others = [sizes] if sizes is not None else SIZES
    report = _checked(built(subject, first), seed)
    for each in others if report.ok else ():
        try:
            network = built(subject, each)
            other = report if network.sizes == report.sizes else _checked(network, seed)
        except ConformanceError:
            continue  # it is not built so
        report = other if not other.ok else replace(report, also=(*report.also, other.sizes))
    return replace(report, also=tuple(e for e in report.also if e != report.sizes))


def _checked(network: Network, seed: int) -> GradReport:
    with network.borrowed():
        start = _start(network, seed)
        layout = settled(network, start, seed)
        start = _lively(network, layout, seed)
        reasons = []
        best: tuple[str, Examined] | None = None
        for way in (*ways(network), None):
            if way is None and best is not None:
                break
            label = "no cost of its own" if way is None else f"its own {way.label}"
            try:
                examined = _examined(network, start, layout, way, seed)
            except Exception as error:  # noqa: BLE001 - whatever the subject raises
                reasons.append(f"{label}: {reason(error)}")
                continue
            best = best if best is not None and not examined.ok else (label, examined)
            if examined.ok:
                break
    if best is None:
        has = "; ".join(reasons) if ways(network) else f"it has {found(network.subject)}"
        raise UsageError(f"{network.name} has no cost to check against, give {WANTED}; {has}")
    said = f"{layout.count(network.sizes)} samples as {layout.name}"
    how = said if layout.together else f"{said}, one by one"
    return GradReport(network.name, best[1], network.sizes, best[0], how)


def _examined(
    network: Network, start: Sequence[Array], layout: Layout, way: Way | None, seed: int
) -> Examined:
    """The gradient, summed over the samples, judged by one of the costs."""
    samples = layout.samples(network.sizes, seed)

    def f(params: dict[str, Any], samples: list[tuple[Any, Any]]) -> tuple[Any, dict[str, Any]]:
        cost: Any = None
        network.use(list(params.values()))
        if way is not None:
            cost = sum(way.value(network, x, y) for x, y in samples)
        each = [network.nabla(list(params.values()), x, y) for x, y in samples]
        total = [sum(parts[1:], parts[0]) for parts in zip(*each, strict=True)]
        return cost, dict(zip(params, total, strict=True))

    named = dict(zip(network.names, start, strict=True))
    step = record(f, named, (samples,), network.subject.backprop)
    if way is not None and step.loss is None:
        raise NotAGradientError("the cost is not a number that the parameters move")
    examined = examine_pass(step, blame=False)
    if layout.together and not examined.ok:
        return _up_to_the_mean(step, examined, layout.count(network.sizes))
    return examined


def _up_to_the_mean(step: OwnPass, examined: Examined, m: int) -> Examined:
    """The same where a cost is a sum over m samples and its gradient the mean, or the reverse."""
    ratios = [each.ratio or 0.0 for each in examined.gradients if not each.dead]
    if any(all(abs(each * by - 1) <= MEAN for each in ratios) for by in (m, 1 / m)):
        return examine_pass(replace(step, promised=False))
    return examined


def _start(network: Network, seed: int) -> list[Array]:
    """Parameters of moderate size: by a power of two the smaller, the more inputs a layer has."""
    sizes = [each.size for each in network.start]
    parts = np.split(uniform(seed, sum(sizes)), np.cumsum(sizes)[:-1])
    below = [size for size in network.sizes[:-1] for _ in range(2)]
    fans = [1 if name[0] == "b" else n for name, n in zip(network.names, below, strict=True)]
    return [
        part.reshape(own.shape) / 2.0 ** round(np.log2(fan) / 2)
        for part, own, fan in zip(parts, network.start, fans, strict=True)
    ]


def _lively(network: Network, layout: Layout, seed: int) -> list[Array]:
    """A start by which no array of the gradient is all zero, as with dead units, if there is one.

    Raises:
        SubjectError: all arrays are zero, by whatever start.
    """
    samples = layout.samples(network.sizes, seed)
    dead = 0
    for attempt in range(TRIES):
        start = _start(network, seed + attempt)
        gradients = [network.nabla(start, x, y) for x, y in samples]
        live = [any(np.any(each) for each in parts) for parts in zip(*gradients, strict=True)]
        if all(live):
            return start
        dead += not any(live)
    if dead == TRIES:
        raise SubjectError(f"{network.name}: every gradient is 0 for {TRIES} starts: nothing shows")
    return _start(network, seed)
