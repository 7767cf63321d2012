"""How a network takes samples, and the ways to ask it for its cost: found by what runs and fits.

Several samples, of every class, are tried together, as columns and as rows; then one by one, as
columns, rows and flat vectors. Targets are one-hot, else labels; one output neuron gets 1 and 0.
Together they are taken only if the network gives the same output for each of them alone. Left out:
which way to ask gives the cost that its gradient belongs to (`gradient_check.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from conformance.corpus.recipe import raw
from conformance.errors import SubjectError
from conformance.gradient.differentiable import Network, Refused, reason
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
