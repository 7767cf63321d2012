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
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.errors import SubjectError, UsageError
from conformance.subjects.book_trial import (
    check_assignable,
    costs_of,
    fill_in_place,
    takes_sizes,
)
from conformance.subjects.conventions import SAMPLES, Conventions, pair, storage
from conformance.subjects.numbers import numbers_of
from conformance.tracebacks import PACKAGE, headline, own_traceback
from conformance.watching.recording import Recording
from reference.step import Array, Batch, Parameters

NEEDED = ("weights", "biases", "backprop", "update_mini_batch", "feedforward")
PROBE = (3, 2, 4)  # all sizes differ, so every layout shows in the shapes


class BookNetwork:
    """How to make, fill and run networks of one class."""

    def __init__(self, factory: Callable[..., Any], name: str, cost: str | None = None) -> None:
        """Try the class on a small network and recognise its conventions.

        Args:
            factory: called with a list of sizes, and with `cost=` if it takes that.
            name: for messages.
            cost: the one that it has, if it cannot be chosen; quadratic if that is not said.

        Raises:
            UsageError: it does not have the book's interface; the message says what is missing.
            SubjectError: its code failed.
        """
        self.factory, self.name = factory, name
        self.in_place = False  # whether its arrays are filled, and not put in another's place
        self.odd = ""  # why no layout of a sample works on the network that was tried
        self.costs, self.unpacked = costs_of(factory), takes_sizes(factory)
        net = self.make(PROBE)
        check_assignable(net, name)
        try:
            self.numbers = numbers_of([*net.weights, *net.biases])
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from error
        held = self.numbers.back([*net.weights]), self.numbers.back([*net.biases])
        stored = storage(*held, PROBE)
        if isinstance(stored, str):
            raise UsageError(f"{name}: {stored}")
        dtype = self.numbers.dtype or stored.dtype
        stored = replace(stored, dtype=dtype, cost=cost or "quadratic")
        self.conventions = self._recognised(stored)
        # Where layers have the arrays too, and do not look at the list, they are filled instead.
        self.in_place = not self.odd and self._ignored() and not self._ignored(in_place=True)
        taken = inspect.signature(net.update_mini_batch).parameters
        self.decays = {"lmbda", "n"} <= set(taken)

    def said(self) -> list[str]:
        """The conventions that are not the book's, in words."""
        filled = ["parameters filled in place"] if self.in_place else []
        return [*self.numbers.said, *self.conventions.said(), *filled]

    def make(self, sizes: Sequence[int], cost: str | None = None) -> Any:
        """A new network with its own random parameters.

        Raises:
            UsageError: the constructor does not take sizes, or the interface is not the book's.
            SubjectError: the constructor fails.
        """
        options = {"cost": self.costs[cost]} if cost in self.costs else {}
        try:
            with redirect_stdout(StringIO()):
                net = self.factory(*(sizes if self.unpacked else (list(sizes),)), **options)
        except TypeError as error:
            raise UsageError(
                f"{self.name}({list(sizes)}): {error}; the constructor must take the list of sizes"
            ) from error
        except Exception as error:
            raise SubjectError(
                f"{self.name}({list(sizes)}) cannot be made: {headline(error)}\n"
                f"{own_traceback(error, PACKAGE)}".rstrip()
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
        if self.in_place:
            fill_in_place(net, w, b)
            return
        w, b = self.numbers.parameters(net.weights, w), self.numbers.parameters(net.biases, b)
        net.weights = type(net.weights)(w) if isinstance(net.weights, tuple) else w
        net.biases = type(net.biases)(b) if isinstance(net.biases, tuple) else b

    def _ignored(self, *, in_place: bool = False) -> bool:
        """Whether a network computes the same with other parameters."""
        self.in_place, x, outputs = in_place, np.full((PROBE[0], 1), 0.5), []
        try:
            with redirect_stdout(StringIO()), np.errstate(all="ignore"):
                net = self.make(PROBE)
                for value in (0.25, -0.5):
                    like = [np.full((n, k), value) for k, n in pairwise(PROBE)]
                    same = Parameters(tuple(like), tuple(each[:, :1] for each in like))
                    self.fill(net, *self.outwards(same))
                    outputs.append(self.feedforward(net, x))
        except Exception:  # noqa: BLE001 - the cases will show it
            return in_place
        first, second = outputs
        return np.array_equal(first, second)

    def outwards(self, parameters: Parameters) -> tuple[list[Array], list[Array]]:
        """Parameters of ours as copies in the network's layout."""
        c = self.conventions
        return (
            [np.array(c.weight_out(w)) for w in parameters.w],
            [np.array(c.bias_out(b)) for b in parameters.b],
        )

    def given(
        self, parameters: Parameters, recording: Recording, lift: Callable[[Array], Array]
    ) -> tuple[list[Array], list[Array]]:
        """Watched parameters in the network's layout."""
        w, b = self.outwards(parameters)
        return (
            [recording.watch(lift(each), f"w{i}") for i, each in enumerate(w, 2)],
            [recording.watch(lift(each), f"b{i}") for i, each in enumerate(b, 2)],
        )

    def inwards(self, net: Any) -> dict[str, Any]:
        """The network's present parameters `b2 w2 …`, in our layout where they fit it."""
        c, shown = self.conventions, {}
        held = self.numbers.back([*net.weights]), self.numbers.back([*net.biases])
        for layer, (w, b) in enumerate(zip(*held, strict=False), 2):
            turned = c.weight_in(w) if np.ndim(w) > 1 else w
            n = np.shape(turned)[0] if np.ndim(turned) else 0
            shown[f"b{layer}"] = np.reshape(b, (-1, 1)) if np.size(b) == n else b
            shown[f"w{layer}"] = turned
        return shown

    def feedforward(self, net: Any, x: Array) -> Array:
        """The output (n_L, 1) of one sample."""
        given = self.numbers.out(self.conventions.sample_out(x))
        return np.reshape(self.numbers.back(net.feedforward(given)), (-1, 1))

    def _pair(self, net: Any, x: Array, y: Array) -> Any:
        """What backprop of one sample returns, in arrays of ours."""
        given = (self.numbers.out(self.conventions.sample_out(each)) for each in (x, y))
        return self.numbers.back(net.backprop(*given))

    def backprop(self, net: Any, x: Array, y: Array) -> tuple[list[Any], list[Any]]:
        """(∇b, ∇w) of one sample in our layout: lists of (n_l, 1) and (n_l, n_{l-1}).

        Raises:
            SubjectError: the pair does not have the shapes of the parameters.
        """
        c = self.conventions
        returned = self._pair(net, x, y)
        sizes = tuple(net_sizes(net, c))
        turned, problem = pair(returned, sizes)
        if problem and not self.odd:
            raise SubjectError(f"{self.name}.backprop {problem}")
        # In a network of equal counts the order cannot be seen: then it is the recognised one.
        nabla_b, nabla_w = returned[::-1] if c.weights_first or turned else returned
        shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        return (
            [
                _fitted(np.ravel(each) if c.bias == "rows" else each, (n, 1))
                for each, (n, _) in zip(nabla_b, shapes, strict=True)
            ],
            [
                _fitted(c.weight_in(each) if np.ndim(each) > 1 else each, shape)
                for each, shape in zip(nabla_w, shapes, strict=True)
            ],
        )

    def update(self, net: Any, batch: Batch, rates: tuple[float, float, int]) -> None:
        """One step on a mini-batch, with η, λ and n."""
        eta, lmbda, n = rates
        samples = [self.sample(batch, i) for i in range(batch.m)]
        decay = {"lmbda": lmbda, "n": n} if self.decays else {}
        with redirect_stdout(StringIO()):
            net.update_mini_batch(samples, eta, **decay)

    def sample(self, batch: Batch, i: int) -> tuple[Any, Any]:
        """A sample and its target in the network's layout."""
        c = self.conventions
        x, y = (np.array(array[:, [i]]) for array in (batch.x, batch.y))
        return self.numbers.out(c.sample_out(x)), self.numbers.out(c.sample_out(y))

    def _recognised(self, stored: Conventions) -> Conventions:
        """The conventions of samples, pair, dtype and cost, from a trial."""
        problems = []
        x, y = np.array([[0.5], [-0.25], [1.0]]), np.array([[0.0], [0.25], [0.75], [1.0]])
        for sample in SAMPLES:
            self.conventions = replace(stored, sample=sample)
            net = self.make(PROBE)
            try:
                with (
                    redirect_stdout(StringIO()),
                    np.errstate(all="ignore"),
                    self.numbers.watching(Recording()),
                ):
                    returned = self._pair(net, x, y)
            except Exception as error:  # noqa: BLE001 - any layout may fail in any way
                problems.append(f"as {sample}: {type(error).__name__}: {error}")
                continue
            weights_first, problem = pair(returned, PROBE)
            if not problem:
                dtype = self.numbers.dtype or _dtype(returned)
                c = replace(self.conventions, weights_first=weights_first, dtype=dtype)
                self.conventions = c
                return replace(c, cost=self._own_cost(net, x, y))
            problems.append(f"as {sample}: backprop {problem}")
        # Not a layout but a mistake: the cases will show it, each in its own way.
        self.odd = problems[0]
        return stored

    def _own_cost(self, net: Any, x: Array, y: Array) -> str:
        """The cost that a class which lets one choose has chosen; else the book's, quadratic.

        From its output error alone a forgotten σ′ would pass for the cross-entropy.
        """
        if not self.costs:
            return self.conventions.cost
        with redirect_stdout(StringIO()), np.errstate(all="ignore"):
            delta = np.asarray(self.backprop(net, x, y)[0][-1], dtype=np.float64)
            a = self.feedforward(net, x)
        return "cross-entropy" if np.allclose(delta, a - y, rtol=1e-3) else "quadratic"


def _dtype(returned: Any) -> str:
    kinds = {str(np.asarray(each).dtype) for part in returned for each in part}
    return "float32" if kinds == {"float32"} else "float64"


def net_sizes(net: Any, conventions: Conventions) -> list[int]:
    """The sizes of a network, from the shapes of its weights."""
    shapes = [np.shape(w)[::-1] if conventions.transposed else np.shape(w) for w in net.weights]
    return [shapes[0][1], *(shape[0] for shape in shapes)]


def _fitted(array: Any, shape: tuple[int, ...]) -> Any:
    """The array in our shape if it has as many entries, else as it is."""
    fits = np.size(array) == int(np.prod(shape)) and np.ndim(array) < 2  # noqa: PLR2004 - flat
    return np.reshape(array, shape) if fits else array
