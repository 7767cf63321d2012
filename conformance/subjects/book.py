"""A network with the book's interface as a subject, without an adapter of its own.

It has `weights`, `biases`, `backprop(x, y)`, `update_mini_batch(mini_batch, eta)` and
`feedforward(a)`. `backprop` of one sample gives (∇b, ∇w), and ∇b^l of one sample is δ^l. What it
hides is got by watching it. Left out: loading it (`conformance.load`), judging it (`compare`).
"""

import inspect
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from typing import Any

import numpy as np

from conformance.errors import SubjectError, UsageError
from conformance.subjects.conventions import SAMPLES, Conventions, pair, storage
from reference.equations import COSTS
from reference.step import Array, Batch, Parameters

NEEDED = ("weights", "biases", "backprop", "update_mini_batch", "feedforward")
PROBE = (3, 2, 4)  # all sizes differ, so every layout shows in the shapes


class BookNetwork:
    """How to make, fill and run networks of one class."""

    def __init__(self, factory: Callable[..., Any], name: str) -> None:
        """Try the class on a small network and recognise its conventions.

        Args:
            factory: called with a list of sizes, and with `cost=` if it takes that.
            name: for messages.

        Raises:
            UsageError: it does not have the book's interface; the message says what is missing.
            SubjectError: its code failed.
        """
        self.factory, self.name = factory, name
        self.costs = _costs(factory)
        net = self.make(PROBE)
        stored = storage(net.weights, net.biases, PROBE)
        if isinstance(stored, str):
            raise UsageError(f"{name}: {stored}")
        self.conventions = self._recognised(stored)
        taken = inspect.signature(net.update_mini_batch).parameters
        self.decays = {"lmbda", "n"} <= set(taken)

    def make(self, sizes: Sequence[int], cost: str | None = None) -> Any:
        """A new network with its own random parameters.

        Raises:
            UsageError: the constructor does not take sizes, or the interface is not the book's.
        """
        options = {"cost": self.costs[cost]} if cost in self.costs else {}
        try:
            with redirect_stdout(StringIO()):
                net = self.factory(list(sizes), **options)
        except TypeError as error:
            raise UsageError(
                f"{self.name}({list(sizes)}): {error}; the constructor must take the list of sizes"
            ) from error
        missing = [each for each in NEEDED if not hasattr(net, each)]
        if missing:
            found = ", ".join(sorted(each for each in dir(net) if not each.startswith("_")))
            raise UsageError(
                f"{self.name} has no {', '.join(missing)}; it has {found or 'nothing'}"
            )
        return net

    def supports(self, cost: str) -> bool:
        """Whether the class can be checked with this cost."""
        return cost in self.costs or cost == self.conventions.cost

    def fill(self, net: Any, w: Sequence[Array], b: Sequence[Array]) -> None:
        """Give a network its parameters, in the layout that it has."""
        net.weights = type(net.weights)(w) if isinstance(net.weights, tuple) else list(w)
        net.biases = type(net.biases)(b) if isinstance(net.biases, tuple) else list(b)

    def outwards(self, parameters: Parameters) -> tuple[list[Array], list[Array]]:
        """Parameters of ours as copies in the network's layout."""
        c = self.conventions
        return (
            [np.array(c.weight_out(w)) for w in parameters.w],
            [np.array(c.bias_out(b)) for b in parameters.b],
        )

    def inwards(self, net: Any) -> Parameters:
        """The network's present parameters in our layout.

        Raises:
            SubjectError: they are no longer arrays of the right shapes.
        """
        try:
            w = tuple(self.conventions.weight_in(each) for each in net.weights)
            return Parameters(w, tuple(each.reshape(-1, 1) for each in net.biases))
        except (ValueError, AttributeError, TypeError, IndexError) as error:
            raise SubjectError(f"{self.name}: weights and biases do not fit: {error}") from error

    def backprop(self, net: Any, x: Array, y: Array) -> tuple[list[Any], list[Any]]:
        """(∇b, ∇w) of one sample in our layout: lists of (n_l, 1) and (n_l, n_{l-1}).

        Raises:
            SubjectError: the pair does not have the shapes of the parameters.
        """
        c = self.conventions
        returned = net.backprop(c.sample_out(x), c.sample_out(y))
        sizes = tuple(self.inwards(net).sizes)
        weights_first, problem = pair(returned, sizes, c)
        if problem:
            raise SubjectError(f"{self.name}.backprop {problem}")
        # In a network of equal counts the order cannot be seen: then it is the recognised one.
        nabla_b, nabla_w = returned[::-1] if c.weights_first or weights_first else returned
        shaped = [
            np.reshape(c.weight_in(each) if np.ndim(each) > 1 else each, (n, k))
            for each, k, n in zip(nabla_w, sizes[:-1], sizes[1:], strict=True)
        ]
        return [np.reshape(each, (-1, 1)) for each in nabla_b], shaped

    def update(self, net: Any, batch: Batch, rates: tuple[float, float, int]) -> None:
        """One step on a mini-batch, with η, λ and n."""
        eta, lmbda, n = rates
        samples = [self.sample(batch, i) for i in range(batch.m)]
        decay = {"lmbda": lmbda, "n": n} if self.decays else {}
        with redirect_stdout(StringIO()):
            net.update_mini_batch(samples, eta, **decay)

    def sample(self, batch: Batch, i: int) -> tuple[Array, Array]:
        """A sample and its target in the network's layout."""
        c = self.conventions
        x, y = (np.array(array[:, [i]]) for array in (batch.x, batch.y))
        return c.sample_out(x), c.sample_out(y)

    def _recognised(self, stored: Conventions) -> Conventions:
        """The conventions of samples, pair, dtype and cost, from a trial."""
        problems = []
        x, y = np.array([[0.5], [-0.25], [1.0]]), np.array([[0.0], [0.25], [0.75], [1.0]])
        for sample in SAMPLES:
            self.conventions = replace(stored, sample=sample)
            net = self.make(PROBE)
            try:
                with redirect_stdout(StringIO()), np.errstate(all="ignore"):
                    c = self.conventions
                    returned = net.backprop(c.sample_out(x), c.sample_out(y))
            except Exception as error:  # noqa: BLE001 - any layout may fail in any way
                problems.append(f"as {sample}: {type(error).__name__}: {error}")
                continue
            weights_first, problem = pair(returned, PROBE, c)
            if not problem:
                c = replace(c, weights_first=weights_first, dtype=_dtype(returned))
                self.conventions = c
                return replace(c, cost=self._own_cost(net, x, y))
            problems.append(f"as {sample}: backprop {problem}")
        raise SubjectError(
            f"{self.name}: no layout of one sample works\n  " + "\n  ".join(problems)
        )

    def _own_cost(self, net: Any, x: Array, y: Array) -> str:
        """The cost whose output error the network has; the quadratic one if it has neither."""
        with redirect_stdout(StringIO()), np.errstate(all="ignore"):
            delta = np.asarray(self.backprop(net, x, y)[0][-1], dtype=np.float64)
            a = np.reshape(net.feedforward(self.conventions.sample_out(x)), (-1, 1))
        return "cross-entropy" if np.allclose(delta, a - y, rtol=1e-3) else "quadratic"


def _costs(factory: Callable[..., Any]) -> dict[str, Any]:
    """The cost classes beside a class that takes `cost=`, as the book's chapter 3 has them."""
    try:
        takes = "cost" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        takes = False
    names = {"".join(part.capitalize() for part in name.split("-")): name for name in COSTS}
    beside = vars(inspect.getmodule(factory)) if inspect.getmodule(factory) else {}
    return {
        name: beside[f"{words}Cost"]
        for words, name in names.items()
        if takes and f"{words}Cost" in beside
    }


def _dtype(returned: Any) -> str:
    kinds = {str(np.asarray(each).dtype) for part in returned for each in part}
    return "float32" if kinds == {"float32"} else "float64"
