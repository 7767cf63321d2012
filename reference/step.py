"""The vocabulary: parameters, a mini-batch, and everything that one step computes.

Every shape and convention of the project is stated here once and linked from elsewhere.

- A sample is a **column**, as the book's column vectors set side by side: `x` is (n_1, m).
- `w[j, k]` of layer l leads from neuron k of layer l-1 to neuron j of layer l.
- `delta` is ∂C_x/∂z of each sample, **without** the 1/m of the mean.
- `nabla_b`, `nabla_w` are the **mean** over the mini-batch. (The book's code sums them and
  divides in the update; the result of the update is the same.)
- `cost` is the mean over the mini-batch, without the weight-decay term.
- Pixels are value / 256, as in the book's data: exact in binary, in float32 too.
- Outside Python (fixture keys, messages, test ids) a layer has its number in the book, the
  input being layer 1: `w2`, `z2`, `delta3`. Entries are counted from 0, as in NumPy.
- **Causal order**, the order in which quantities are computed and compared:
  `z2 a2 … zL aL cost deltaL … delta2 nabla_b2 nabla_w2 … b2 w2 … bL wL`, the state before `b2`.

Arrays hold float64 or float32, or objects that compute like numbers: the equations do not care.
Where an update keeps something between steps (`updates.py`), that is their **state**: arrays shaped
as b and w, named `v_b2`, `v_w2` …, and the count `t` of the steps.
Left out: the equations (`equations.py`) and their order (`backprop.py`).

Source: M. Nielsen, *Neural Networks and Deep Learning* (2015), chapters 1 and 2.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

STATE = ("t", "v_b", "v_w", "s_b", "s_w")
"""What an update may keep between steps, in causal order; see `reference.updates`."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """The weights and biases of a network of layers 1 to L.

    Raises:
        ValueError: the shapes of the arrays do not make a network.
    """

    w: tuple[Array, ...]  # (n_l, n_{l-1}) for l = 2 … L
    b: tuple[Array, ...]  # (n_l, 1)       for l = 2 … L
    state: Mapping[str, Array] = field(default_factory=dict)  # by names such as v_w2

    def __post_init__(self) -> None:
        """Check that each layer fits the one below it."""
        if not self.w or len(self.w) != len(self.b):
            raise ValueError(f"{len(self.w)} weight arrays and {len(self.b)} bias arrays")
        for name, array in self.named():
            if len(array.shape) != 2:  # noqa: PLR2004 - a matrix
                raise ValueError(f"{name} {array.shape} does not fit: expected a matrix")
        sizes = self.sizes
        for layer, (w, b) in enumerate(zip(self.w, self.b, strict=True), start=2):
            below, here = sizes[layer - 2], sizes[layer - 1]
            if w.shape != (here, below) or b.shape != (here, 1):
                raise ValueError(
                    f"w{layer} {w.shape} and b{layer} {b.shape} do not fit: "
                    f"expected {(here, below)} and {(here, 1)}"
                )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons of each layer, the input layer first: (n_1, …, n_L)."""
        return (self.w[0].shape[1], *(b.shape[0] for b in self.b))

    def map(self, function: Callable[[Array], Array]) -> "Parameters":
        """The parameters with `function` applied to every array."""
        state = {name: function(array) for name, array in self.state.items()}
        return Parameters(tuple(map(function, self.w)), tuple(map(function, self.b)), state)

    def named(self) -> Iterator[tuple[str, Array]]:
        """The weights and biases as `("b2", b), ("w2", w), …`, in causal order."""
        for layer, (b, w) in enumerate(zip(self.b, self.w, strict=True), start=2):
            yield f"b{layer}", b
            yield f"w{layer}", w

    @classmethod
    def of(cls, named: Mapping[str, Array]) -> "Parameters":
        """The parameters among named arrays, which may hold other names too.

        Raises:
            KeyError: a bias has no weights, or the reverse.
            ValueError: the shapes do not make a network.
        """
        layers = sorted(layer for q, layer in map(split, named) if q == "w" and layer)
        return cls(
            tuple(named[f"w{layer}"] for layer in layers),
            tuple(named[f"b{layer}"] for layer in layers),
            {name: array for name, array in named.items() if split(name)[0] in STATE},
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """A mini-batch of m samples and their targets, with the masks of a dropout."""

    x: Array  # (n_1, m)
    y: Array  # (n_L, m)
    masks: tuple[Array, ...] = ()  # (n_l, m) for l = 2 … L − 1, or none

    def __post_init__(self) -> None:
        """Check that there are as many targets and columns of masks as samples, and at least one.

        Raises:
            ValueError: they differ in number, or there are none.
        """
        if self.x.shape[1:] != self.y.shape[1:] or len(self.x.shape) != 2 or not self.x.shape[1]:  # noqa: PLR2004 - a matrix
            raise ValueError(f"x {self.x.shape} and y {self.y.shape} are not columns of samples")
        for mask in self.masks:
            if mask.shape[1:] != self.x.shape[1:]:
                raise ValueError(f"a mask {mask.shape} does not fit x {self.x.shape}")

    @property
    def m(self) -> int:
        """The number of samples."""
        return int(self.x.shape[1])

    def map(self, function: Callable[[Array], Array]) -> "Batch":
        """The mini-batch with `function` applied to every array."""
        return Batch(function(self.x), function(self.y), tuple(map(function, self.masks)))

    def columns(self, samples: "slice | tuple[int, ...] | Array") -> "Batch":
        """The mini-batch of the given samples, in their order."""
        index = list(samples) if isinstance(samples, tuple) else samples
        return self.map(lambda array: array[:, index])


@dataclass(frozen=True, eq=False)
class Step:
    """Every quantity of one step of gradient descent, a tuple entry a layer from 2 to L.

    The arrays are read-only views: what a step saw cannot be changed through it.
    """

    z: tuple[Array, ...]  # (n_l, m)
    a: tuple[Array, ...]  # (n_l, m)
    cost: Array  # ()
    delta: tuple[Array, ...]  # (n_l, m)
    nabla_b: tuple[Array, ...]  # (n_l, 1)
    nabla_w: tuple[Array, ...]  # (n_l, n_{l-1})
    b: tuple[Array, ...]  # (n_l, 1), after the update
    w: tuple[Array, ...]  # (n_l, n_{l-1}), after the update
    state: Mapping[str, Array] = field(default_factory=dict)  # after it, by names such as v_w2

    def __post_init__(self) -> None:
        """Make every array a read-only view."""
        for each in fields(self):
            value = getattr(self, each.name)
            frozen = tuple(map(_frozen, value)) if isinstance(value, tuple) else _frozen(value)
            object.__setattr__(self, each.name, frozen)
        state = {name: _frozen(array) for name, array in self.state.items()}
        object.__setattr__(self, "state", state)

    @property
    def parameters(self) -> Parameters:
        """The updated parameters, from which the next step starts."""
        return Parameters(self.w, self.b, self.state)

    def named(self) -> Iterator[tuple[str, Array]]:
        """The quantities as `("z2", array), …`, in causal order."""
        for name in causal_order(len(self.w) + 1, {split(each)[0] for each in self.state}):
            quantity, layer = split(name)
            value = self.state[name] if quantity in STATE else getattr(self, quantity)
            yield name, value[layer - 2] if isinstance(value, tuple) and layer else value

    @classmethod
    def of(cls, named: Mapping[str, Array]) -> "Step":
        """The step whose quantities have these names.

        Raises:
            KeyError: a quantity is missing.
        """
        layers = range(2, 2 + sum(name[0] == "z" for name in named))

        def each(quantity: str) -> tuple[Array, ...]:
            return tuple(named[f"{quantity}{layer}"] for layer in layers)

        z, a, delta, nabla_b, nabla_w, b, w = map(
            each, ("z", "a", "delta", "nabla_b", "nabla_w", "b", "w")
        )
        state = {name: array for name, array in named.items() if split(name)[0] in STATE}
        return cls(z, a, named["cost"], delta, nabla_b, nabla_w, b, w, state)


def causal_order(layers: int, state: Collection[str] = ()) -> tuple[str, ...]:
    """The names of all quantities of a network of L = `layers` layers, in causal order.

    Args:
        layers: L.
        state: what the update keeps, of `STATE`.
    """
    upwards = range(2, layers + 1)
    kept = [each for each in STATE if each in state]
    return (
        *(f"{quantity}{layer}" for layer in upwards for quantity in ("z", "a")),
        "cost",
        *(f"delta{layer}" for layer in reversed(upwards)),
        *(f"{quantity}{layer}" for layer in upwards for quantity in ("nabla_b", "nabla_w")),
        *(each for each in kept if each == "t"),
        *(f"{quantity}{layer}" for layer in upwards for quantity in kept if quantity != "t"),
        *(f"{quantity}{layer}" for layer in upwards for quantity in ("b", "w")),
    )


@lru_cache(maxsize=1024)
def split(name: str) -> tuple[str, int | None]:
    """The quantity and the layer of a name: `("nabla_w", 2)` of `"nabla_w2"`."""
    quantity = name.rstrip("0123456789")
    return quantity, int(name[len(quantity) :]) if quantity != name else None


def _frozen(array: Array) -> Array:
    if not isinstance(array, np.ndarray | np.generic):
        return array
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
