"""One sample through a subject's backprop, watched, and what its operations show.

Left out: the whole mini-batch (`book_session.py`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.causality import field_of
from conformance.errors import SubjectError
from conformance.subjects.book import BookNetwork
from conformance.watching.culprit import culprit, right_values
from conformance.watching.recording import Event, Frame, Recording, plain
from conformance.watching.sighting import CLOSE, Sight, sight
from reference.equations import BOOK, COSTS, sigmoid
from reference.step import Array, Parameters, split


@dataclass(eq=False)
class Probe:
    """What backprop of one sample computed; arrays in our layout, for l = 2 … L."""

    recording: Recording
    seen: Sight
    nabla_b: list[Array]
    nabla_w: list[Array]
    x: Array
    y: Array
    parameters: Parameters
    cost: str
    dtype: str
    traced: bool  # whether what was returned was computed by recorded operations

    def column(self, quantity: str, layer: int) -> Array | None:
        """z, a or δ of a layer, (n_l, 1), where it was found."""
        if quantity == "delta":
            return self.nabla_b[layer - 2]
        event = getattr(self.seen, quantity)[layer - 2]
        return None if event is None else np.reshape(event.value, (-1, 1))

    def where(self, name: str) -> tuple[Frame, ...]:
        """The lines that computed a quantity wrongly, the innermost first."""
        quantity, layer = split(name)
        event = self._event(quantity, layer or 0)
        if event is None:
            return ()
        return culprit(event, self._right(name), CLOSE[self.dtype])

    def _event(self, quantity: str, layer: int) -> Event | None:
        if quantity in ("z", "a"):
            found: Event | None = getattr(self.seen, quantity)[layer - 2]
            return found
        returned = self.nabla_w if quantity == "nabla_w" else self.nabla_b
        return self.recording.find(returned[layer - 2])

    def _own(self, quantity: str, layer: int) -> Array:
        """What the subject's next equation was given: x for a^1, else what was found or is right."""
        if layer == 1:
            return self.x
        column = self.column(quantity, layer)
        if column is not None:
            return plain(column) if not isinstance(column, np.ndarray) else np.asarray(column)
        w, b = self.parameters.w[layer - 2], self.parameters.b[layer - 2]
        z = BOOK.weighted_input(w, self._own("a", layer - 1), b) if quantity == "z" else None
        return sigmoid(self._own("z", layer)) if z is None else z

    def _right(self, name: str) -> list[Array]:
        """The values that may rightly appear on the way to a quantity."""
        quantity, layer = split(name)
        layer = layer or 0
        own, w, b = self._own, self.parameters.w, self.parameters.b
        layers = len(w) + 1
        field = field_of(name, layers)
        equation = getattr(BOOK.with_cost(COSTS[self.cost]), field)
        operands: dict[str, Any] = {
            "z": lambda: (w[layer - 2], own("a", layer - 1), b[layer - 2]),
            "a": lambda: (own("z", layer),),
            "nabla_w": lambda: (own("delta", layer), own("a", layer - 1)),
        }
        if quantity == "delta" and layer == layers:
            given = (own("z", layer), own("a", layer), self.y)
        elif quantity == "delta":
            given = (w[layer - 1], own("delta", layer + 1), own("z", layer))
        else:
            given = operands[quantity]()
        given = tuple(np.asarray(each) for each in given)
        more = [sigmoid(-own("z", layer))] if quantity == "delta" else []
        return right_values(equation, given, more)


def probe(
    network: BookNetwork,
    sizes: tuple[int, ...],
    start: Parameters,
    sample: tuple[Array, Array],
    cost: str,
) -> Probe:
    """Run backprop on one sample with everything watched.

    Args:
        network: the subject.
        sizes: of a new network.
        start: its parameters, in our layout; not changed.
        sample: x (n_1, 1) and y (n_L, 1).
        cost: of the case.

    Raises:
        SubjectError: what it returns does not fit.
    """
    x, y = sample
    recording = Recording()
    net = network.make(sizes, cost)
    c = network.conventions
    w = [recording.watch(c.weight_out(each), f"w{i}") for i, each in enumerate(start.w, 2)]
    b = [recording.watch(c.bias_out(each), f"b{i}") for i, each in enumerate(start.b, 2)]
    network.fill(net, w, b)
    given = recording.watch(x, "x"), recording.watch(y, "y")
    nabla_b, nabla_w = network.backprop(net, *given)
    traced = all(recording.find(each) is not None for each in (*nabla_b, *nabla_w) if np.any(each))
    dtype = "float32" if start.w[0].dtype == np.float32 else "float64"
    floats = Parameters(start.w, start.b)
    return Probe(
        recording,
        sight(recording, floats, x, CLOSE[dtype]),
        [plain(np.asarray(each)) for each in nabla_b],
        [plain(np.asarray(each)) for each in nabla_w],
        x,
        y,
        start,
        cost,
        dtype,
        traced,
    )


def unwatched(
    network: BookNetwork,
    sizes: tuple[int, ...],
    start: Parameters,
    sample: tuple[Array, Array],
    cost: str,
) -> tuple[list[Array], list[Array]]:
    """The gradient of one sample as the subject computes it when nobody looks."""
    net = network.make(sizes, cost)
    network.fill(net, *network.outwards(start))
    nabla_b, nabla_w = network.backprop(net, *(np.array(each) for each in sample))
    if not all(isinstance(each, np.ndarray) for each in (*nabla_b, *nabla_w)):
        raise SubjectError(f"{network.name}.backprop returns something other than arrays")
    return nabla_b, nabla_w
