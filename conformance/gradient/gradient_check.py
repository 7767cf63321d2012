"""Is a network's backprop the gradient of its own cost, and to how many digits?

The network is a program `f(params, x, y) -> (cost, gradients)`, which is recorded and judged as any
other (`backward/`): on balls where they go, every entry of every array. How it takes samples, and
the ways to ask it for its cost, are found by what runs and fits. Several samples, of every class,
are tried together, as columns and as rows; then one by one, as columns, rows and flat vectors.
Targets are one-hot, else labels; one output neuron gets 1 and 0. Together they are taken only if
the network gives the same output for each of them alone. Left out: the line of code that is to
blame, which `conformance check` tells.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.recorded_pass import NotAGradientError, record
from conformance.corpus.recipe import raw
from conformance.errors import ConformanceError, SubjectError, UsageError
from conformance.gradient.differentiable import Network, Refused, built, found, reason
from conformance.gradient.report import GradReport
from reference.step import Array

MORE = 3  # samples more than classes
ALIKE = 1e-9  # outputs that agree so far are the same


@dataclass(frozen=True)
class Layout:
    """How samples are laid out.

    Attributes:
        name: as the report calls it.
        together: whether they are given at once.
        shape: of n numbers, of m samples.
        labels: whether targets are labels.
    """

    name: str
    together: bool
    shape: Callable[[int, int], tuple[int, ...]] = field(compare=False)
    labels: bool = False

    @staticmethod
    def count(sizes: Sequence[int]) -> int:
        """How many samples there are for layers of these sizes."""
        return max(sizes[-1], 2) + MORE

    def samples(self, sizes: Sequence[int], seed: int) -> list[tuple[Any, Any]]:
        """Pairs (x, y): one of all samples, or one a sample."""
        m, classes = self.count(sizes), max(sizes[-1], 2)
        rows = uniform(seed + 1000, m * sizes[0]).reshape(m, sizes[0])
        labels = np.arange(m) % classes
        hot = np.eye(classes)[labels][:, : sizes[-1]]
        if self.together:
            return [(self._laid(rows), labels if self.labels else self._laid(hot))]
        return [
            (self._laid(x[None]), int(label) if self.labels else self._laid(y[None]))
            for x, y, label in zip(rows, hot, labels, strict=True)
        ]

    def _laid(self, rows: Array) -> Array:
        m, n = rows.shape
        shape = self.shape(n, m)
        columns = len(shape) > 1 and shape[0] == n and shape != (m, n)
        return np.ascontiguousarray((rows.T if columns else rows).reshape(shape))

    def of_sample(self, output: Array, i: int) -> Array:
        """What is there of one sample, flat."""
        return np.ravel(output[i] if self.name == "rows" else output[:, i])


def _layouts() -> Iterator[Layout]:
    for labels in (False, True):
        for together in (True, False):
            yield Layout("columns", together, lambda n, m: (n, m), labels)
            yield Layout("rows", together, lambda n, m: (m, n), labels)
        yield Layout("flat vectors", together=False, shape=lambda n, _: (n,), labels=labels)


LAYOUTS = tuple(_layouts())


def settled(network: Network, start: Sequence[Array], seed: int) -> Layout:
    """The layout that a network accepts.

    Raises:
        SubjectError: none runs, or what backprop gives does not fit, or changes by itself.
    """
    problems: list[tuple[Layout, str]] = []
    for layout in LAYOUTS:
        problem = _problem(partial(_runs, network, start, layout, seed))
        if not problem:
            return layout
        problems.append((layout, problem))
    alone = [(each, why) for each, why in problems if not each.together and not each.labels]
    meant = next((e for e in alone if _fed(network, start, e[0], seed)), alone[0])
    raise SubjectError(
        f"{network.name} {list(network.sizes)}, samples as {meant[0].name}: {meant[1]}"
    )


def _fed(network: Network, start: Sequence[Array], layout: Layout, seed: int) -> bool:
    """Whether the network's feedforward takes a sample so laid out, and gives an output."""
    x, y = layout.samples(network.sizes, seed)[0]

    def feed() -> None:
        network.use(start)
        if np.shape(feedforward(network, x)) != np.shape(y):
            raise Refused("another shape")

    return not _problem(feed)


def _runs(network: Network, start: Sequence[Array], layout: Layout, seed: int) -> None:
    """Run backprop twice.

    Raises:
        Refused: the gradient does not hold finite real numbers, or changes by itself, or samples
            that are given together are not taken one by one.
        SubjectError: it has other shapes than the parameters.
    """
    samples = layout.samples(network.sizes, seed)
    network.use(start)
    if layout.together and not _one_by_one(network, layout, samples[0][0]):
        raise Refused("samples that are given together are not taken one by one")
    for x, y in samples:
        first, second = (network.nabla(start, x, y) for _ in range(2))
        for name, nabla, again in zip(network.names, first, second, strict=True):
            if nabla.dtype.kind not in "fiubO":
                raise Refused(f"nabla_{name} holds {nabla.dtype}, not real numbers")
            if not np.isfinite(nabla.astype(np.float64)).all():
                raise Refused(f"nabla_{name} is not finite")
            if not np.array_equal(nabla, again):
                raise Refused(f"nabla_{name} is another one when backprop is called again")


def _one_by_one(network: Network, layout: Layout, x: Array) -> bool:
    """Whether the output of samples that are given together is that of each alone."""
    whole = np.asarray(feedforward(network, x))
    m = x.shape[0] if layout.name == "rows" else x.shape[1]
    shapes = {"rows": (m, network.sizes[-1]), "columns": (network.sizes[-1], m)}
    if whole.shape != shapes[layout.name]:
        return False
    for i in range(m):
        alone = x[i : i + 1] if layout.name == "rows" else x[:, i : i + 1]
        output = np.ravel(np.asarray(feedforward(network, alone)))
        if not np.allclose(output, layout.of_sample(whole, i), rtol=ALIKE, atol=ALIKE):
            return False
    return True


def _problem(attempt: Callable[[], Any]) -> str:
    """Why an attempt fails, or nothing."""
    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever the subject raises
        return reason(error)
    return ""


def uniform(seed: int, count: int) -> Array:
    """Draws from the odd multiples of 2^−24 in (−1, 1), exact in float32 too; none is 0."""
    return np.array([(number >> 40) * 2 + 1 - (1 << 24) for number in raw(seed, count)]) / 2**24


NAMES = ("cost", "total_cost", "loss", "cost_function", "loss_function", "compute_cost")
WANTED = (
    "a method cost(x, y), total_cost(x, y) or loss(x, y), cost(a, y), loss(y, a), cost.fn(a, y), "
    "or an output error that is that of a known cost"
)


@dataclass(frozen=True)
class Way:
    """One way to ask a network for its cost.

    Attributes:
        label: how it is called, as a reader would write it.
        value: of a network, x and y.
    """

    label: str
    value: Callable[[Network, Any, Any], Any]


def feedforward(network: Network, x: Any) -> Any:
    """The network's output, by `feedforward(x)`, `forward(x)` or `predict(x)`.

    Raises:
        Refused: it has none of them.
    """
    for name in ("feedforward", "forward", "predict"):
        method = getattr(network.subject, name, None)
        if callable(method):
            made = network.call(method, x)
            return made[-1] if isinstance(made, list | tuple) else made  # all layers
    raise Refused(f"{network.name} has no feedforward(x)")


def ways(network: Network) -> list[Way]:
    """The ways that this network's names allow, the surest first."""
    found: list[Way] = []
    for name in ("cost.fn", "equations.cost", *NAMES):
        function = _attribute(network.subject, name)
        if not callable(function) or isinstance(function, type):
            continue
        if "." not in name:
            found.append(Way(f"{name}(x, y)", _of_input(function)))
        found += [
            Way(f"{name}({order})", _of_output(function, order)) for order in ("a, y", "y, a")
        ]
    return found


def _of_input(function: Callable[..., Any]) -> Callable[[Network, Any, Any], Any]:
    return lambda network, x, y: network.call(function, x, y)


def _of_output(function: Callable[..., Any], order: str) -> Callable[[Network, Any, Any], Any]:
    def value(network: Network, x: Any, y: Any) -> Any:
        pair = feedforward(network, x), y
        return network.call(function, *(pair if order == "a, y" else pair[::-1]))

    return value


def _attribute(subject: object, dotted: str) -> Any:
    for name in dotted.split("."):
        subject = getattr(subject, name, None)
    return subject


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
