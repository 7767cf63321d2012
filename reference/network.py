"""The book's `Network` class on top of the equations, vectorised over the mini-batch.

Code written for the book's program runs on it: the same names, arguments and printed lines, with
`lmbda` and `cost` as in the book's chapter 3. Left out: early stopping and monitoring
(`network2.py`).

Source: M. Nielsen, *Neural Networks and Deep Learning* (2015), chapters 1 and 3.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import pairwise

import numpy as np

from reference.backprop import Masks, errors, feedforward, gradients
from reference.descent import Descent, fits, knows
from reference.equations import QUADRATIC, SIGMOID, Activation, Cost
from reference.families import of_layers, with_dropout
from reference.order import Rows, permutation
from reference.step import Array, Batch, Parameters
from reference.updates import BOOK_UPDATE, Update

Pairs = Iterable[tuple[Array, Array]]


class Network:
    """A multilayer perceptron trained by mini-batch stochastic gradient descent.

    Attributes:
        num_layers: L, the input layer counted.
        sizes: neurons of each layer.
        biases: (n_l, 1) arrays for l = 2 … L.
        weights: (n_l, n_{l-1}) arrays for l = 2 … L.
        state: what the update has kept, by names such as `v_w2`.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        rng: np.random.Generator | None = None,
        cost: Cost = QUADRATIC,
        activation: Activation = SIGMOID,
        output: Activation | None = None,
        update: Update = BOOK_UPDATE,
        dropout: float = 0.0,
    ) -> None:
        """Draw weights and biases from a standard normal distribution.

        Args:
            sizes: neurons of each layer, two layers or more.
            rng: where the numbers come from, the order of the samples included.
            cost: one of `reference.equations`, such as `LOG_LIKELIHOOD`.
            activation: of the hidden layers: `SIGMOID`, `TANH` or `RELU`.
            output: of the output layer; if not given, that with which the cost usually goes.
            update: a rule of `reference.updates`, such as `ADAM`.
            dropout: the probability p with which an update leaves out a hidden neuron, of each
                sample by itself. As in the book, `feedforward` has all of them, times 1 − p.

        Raises:
            ValueError: fewer than two layers, or a layer without neurons; the cost does not go
                with the output; or p is not in [0, 1).
        """
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout {dropout}: give a probability below 1")
        if len(sizes) < 2 or min(sizes) < 1:  # noqa: PLR2004 - an input and an output layer
            raise ValueError(f"sizes {list(sizes)}: give two layers or more, none of them empty")
        self.num_layers = len(sizes)
        self.sizes = list(sizes)
        self.rng = np.random.default_rng() if rng is None else rng
        self.cost = cost
        output = cost.output if output is None else output
        self.activations = (*[activation] * (len(sizes) - 2), output)
        *hidden, at_output = of_layers(len(sizes), activation, output, cost)
        hidden = [with_dropout(each) for each in hidden] if dropout else hidden
        self.equations = (*hidden, at_output)
        self.dropout = dropout
        self.update = update
        self._descent: Descent | None = None  # while it trains in place
        self.biases = [self.rng.standard_normal((n, 1)) for n in sizes[1:]]
        self.weights = [self.rng.standard_normal((n, below)) for below, n in pairwise(sizes)]
        self.state: Mapping[str, Array] = {}

    def feedforward(self, a: Array) -> Array:
        """The output activations (n_L, m) of the input columns `a` (n_1, m)."""
        return feedforward(self.parameters, a, self.equations, self._expected)[1][-1]

    @property
    def _expected(self) -> Masks:
        """What stands for the masks where no neuron is left out: their mean."""
        return (1 - self.dropout,) * (self.num_layers - 2) if self.dropout else ()

    def backprop(self, x: Array, y: Array, masks: Masks = ()) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost, the mean over the columns of x and y.

        Args:
            x: (n_1, m), one sample a column.
            y: (n_L, m).
            masks: (n_l, m) for l = 2 … L − 1, of a network with dropout; 0 leaves a neuron out.

        Returns:
            Two lists of arrays shaped as `biases` and `weights`.
        """
        masks = masks or self._expected
        z, a = feedforward(self.parameters, x, self.equations, masks)
        delta = errors(self.parameters, z, a, y, self.equations, masks)
        nabla_b, nabla_w = zip(*gradients(delta, a, self.equations[-1]), strict=True)
        return list(nabla_b), list(nabla_w)

    def update_mini_batch(
        self, mini_batch: Pairs | Batch, eta: float, lmbda: float = 0.0, n: int | None = None
    ) -> None:
        """Take one step of gradient descent on a mini-batch.

        Args:
            mini_batch: (x, y) pairs of columns, or a `Batch`, which may have masks; its own length
                divides.
            eta: the learning rate η.
            lmbda: the weight decay λ; biases do not decay.
            n: the size of the whole training set, needed where λ is not 0.

        Raises:
            ValueError: no samples, or `lmbda` without `n`.
        """
        batch = mini_batch if isinstance(mini_batch, Batch) else stacked(mini_batch)
        if self.dropout and not batch.masks:
            batch = Batch(batch.x, batch.y, self._drawn(batch.m))
        decay = _decay(lmbda, n)
        if self._descent is not None:
            self._descent.step(batch, eta, decay)
            return
        nabla_b, nabla_w = self.backprop(batch.x, batch.y, batch.masks)
        if self.update is not BOOK_UPDATE:
            self._move(zip(nabla_b, nabla_w, strict=True), {"eta": eta, "decay": decay})
            return
        update_b, update_w = self.equations[-1].updated_bias, self.equations[-1].updated_weight
        self.biases = [
            update_b(b, nabla, eta) for b, nabla in zip(self.biases, nabla_b, strict=True)
        ]
        self.weights = [
            update_w(w, nabla, eta, decay) for w, nabla in zip(self.weights, nabla_w, strict=True)
        ]

    def _drawn(self, m: int) -> tuple[Array, ...]:
        """New masks for m samples."""
        p, dtype = self.dropout, self.weights[0].dtype
        return tuple((self.rng.random((n, m)) >= p).astype(dtype) for n in self.sizes[1:-1])

    def _move(self, nabla: Iterable[tuple[Array, Array]], rates: Mapping[str, float]) -> None:
        before = self.parameters
        after = self.update.moved(before, nabla, rates)
        self.weights, self.biases, self.state = list(after.w), list(after.b), after.state

    def SGD(  # noqa: N802 - the book's name
        self,
        training_data: Pairs | Batch,
        epochs: int,
        mini_batch_size: int,
        eta: float,
        test_data: Iterable[tuple[Array, int]] | None = None,
        lmbda: float = 0.0,
        orders: Iterable[Array] | None = None,
    ) -> None:
        """Train for some epochs, each over all samples in a new random order.

        The last mini-batch of an epoch is shorter where the size does not divide the number of
        samples. Prints the book's line after each epoch.

        Args:
            training_data: (x, y) pairs of columns, or a `Batch`; never changed.
            epochs: how many times to go through the data.
            mini_batch_size: m.
            eta: the learning rate η.
            test_data: (x, label) pairs for `evaluate` after each epoch.
            lmbda: the weight decay λ.
            orders: the order of each epoch, a permutation of 0 … n − 1, to replay another program;
                drawn from the network's generator if not given.

        Raises:
            ValueError: a size or count below 1, no samples, or an order that is no permutation.
        """
        if epochs < 1 or mini_batch_size < 1:
            raise ValueError(f"epochs {epochs}, mini_batch_size {mini_batch_size}: give 1 or more")
        data = training_data if isinstance(training_data, Batch) else stacked(training_data)
        rows = Rows(data)
        tests = None if test_data is None else list(test_data)
        drawn = (self.rng.permutation(data.m) for _ in range(epochs))
        given = iter(drawn if orders is None else orders)
        with self.in_place() if fits(*self.weights, rows.x, rows.y) else nullcontext():
            for epoch in range(epochs):
                order = permutation(next(given, None), data.m, epoch)
                for start in range(0, data.m, mini_batch_size):
                    chosen = order[start : start + mini_batch_size]
                    self.update_mini_batch(rows.batch(chosen), eta, lmbda, data.m)
                if tests is None:
                    print(f"Epoch {epoch} complete")
                else:
                    print(f"Epoch {epoch}: {self.evaluate(tests)} / {len(tests)}")

    @contextmanager
    def in_place(self) -> Iterator[Descent]:
        """Within it `update_mini_batch` overwrites the parameters, which are copies from then on.

        Raises:
            ValueError: they are no floats, or the cost is not of `reference.equations`.
        """
        known = knows(self.activations, self.cost)
        if not known or not fits(*self.weights, *self.biases):
            raise ValueError("in place: give floats of one dtype, and a cost of the book")
        kinds = self.activations, self.cost, self.update, self.state
        self._descent = Descent(self.weights, self.biases, *kinds)
        self.weights = list(self._descent.weights)
        self.biases = list(self._descent.biases)
        try:
            with np.errstate(over="ignore"):  # as in `equations.sigmoid`
                yield self._descent
        finally:
            self.state = self._descent.state
            self._descent = None

    def evaluate(self, test_data: Iterable[tuple[Array, int]]) -> int:
        """How many (x, label) pairs the network gets right: the strongest output is its answer."""
        tests = list(test_data)
        if not tests:
            return 0
        x, labels = zip(*tests, strict=True)
        answers = self.feedforward(np.hstack(x)).argmax(axis=0)
        return int((answers == np.asarray(labels)).sum())

    @property
    def parameters(self) -> Parameters:
        """The present weights and biases with the state of the update."""
        state = self.state if self._descent is None else self._descent.state
        found = Parameters(tuple(self.weights), tuple(self.biases), state)
        return found if state else self.update.begun(found)


def stacked(pairs: Pairs) -> Batch:
    """The pairs of columns as one mini-batch.

    Raises:
        ValueError: there are none.
    """
    columns = list(pairs)
    if not columns:
        raise ValueError("no samples: give one (x, y) pair or more")
    x, y = zip(*columns, strict=True)
    return Batch(np.hstack(x), np.hstack(y))


def _decay(lmbda: float, n: int | None) -> float:
    if n is None:
        if lmbda:
            raise ValueError(f"lmbda = {lmbda} without n, the size of the training set")
        return 0.0
    return lmbda / n
