"""A class with the book's interface, and its conventions, which a small network of it shows.

Left out: how its networks are run (`calls.py`), loading it (`subjects/load.py`).
"""

import inspect
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.errors import UsageError
from conformance.subjects.book.calls import BookCalls
from conformance.subjects.book.conventions import SAMPLES, Conventions, pair, storage
from conformance.subjects.book.numbers import numbers_of
from conformance.subjects.book.trial import check_assignable
from conformance.watching.recording import Recording
from reference.step import Array, Batch, Parameters

PROBE = (3, 2, 4)  # all sizes differ, so every layout shows in the shapes
X, Y = np.array([[0.5], [-0.25], [1.0]]), np.array([[0.0], [0.25], [0.75], [1.0]])


class BookNetwork(BookCalls):
    """How to make, fill and run networks of one class, in the conventions that it has.

    Attributes:
        misordered: what is wrong if backprop and the update do not agree on the order of layers.
    """

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
        super().__init__(factory, name)
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
        self.misordered = self._misordered()

    def said(self) -> list[str]:
        """The conventions that are not the book's, in words."""
        filled = ["parameters filled in place"] if self.in_place else []
        c = replace(self.conventions, backwards=()) if self.misordered else self.conventions
        epsilon = [] if self.epsilon is None else [self.epsilon.said]
        return [*self.numbers.said, *c.said(), *epsilon, *filled]

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

    def _recognised(self, stored: Conventions) -> Conventions:
        """The conventions of samples, pair, dtype and cost, from a trial."""
        problems = []
        x, y = X, Y
        for sample in SAMPLES:
            self.conventions = replace(stored, sample=sample)
            net = self.make(PROBE)
            try:
                with (
                    redirect_stdout(StringIO()),
                    np.errstate(all="ignore"),
                    self.numbers.watching(Recording()),
                ):
                    returned = self.pair_of(net, x, y)
            except Exception as error:  # noqa: BLE001 - any layout may fail in any way
                problems.append(f"as {sample}: {type(error).__name__}: {error}")
                continue
            order = pair(returned, PROBE)
            if not order.problem:
                self.conventions = replace(
                    self.conventions,
                    weights_first=order.weights_first,
                    backwards=order.backwards,
                    dtype=self.numbers.dtype or _dtype(returned),
                )
                return replace(self.conventions, cost=self._own_cost(net, x, y))
            problems.append(f"as {sample}: backprop {order.problem}")
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

    def _misordered(self) -> str:
        """What is wrong if an update does not take the layers in the order of backprop."""
        backwards = self.conventions.backwards
        if not backwards:
            return ""
        net = self.make(PROBE)
        shapes = [np.shape(each) for each in (*net.weights, *net.biases)]
        try:
            with np.errstate(all="ignore"):
                self.update(net, Batch(X, Y), (0.5, 0.0, 1))
        except Exception:  # noqa: BLE001 - layers that do not fit stop it in any way
            fits = False
        else:
            fits = shapes == [np.shape(each) for each in (*net.weights, *net.biases)]
        lists = " and ".join(backwards)
        order = f"backprop returns {lists} with the last layer first"
        return "" if fits else f"{order}; update_mini_batch takes the first layer first"


def _dtype(returned: Any) -> str:
    kinds = {str(np.asarray(each).dtype) for part in returned for each in part}
    return "float32" if kinds == {"float32"} else "float64"
