"""How networks of a class with the book's interface are made, filled and run.

It has `weights`, `biases`, `backprop(x, y)`, `update_mini_batch(mini_batch, eta)` and
`feedforward(a)`. `backprop` of one sample gives (∇b, ∇w), and ∇b^l of one sample is δ^l. What it
hides is got by tracing it. Left out: in which conventions it does so (`book_network.py`), judging
it (`compare`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.corpus.case import Case
from conformance.errors import SubjectError, UsageError
from conformance.programs.vocabulary import kinds_of
from conformance.running.quiet import quiet
from conformance.running.tracebacks import call, headline, own_traceback
from conformance.subjects.book.array_numbers import ArrayNumbers
from conformance.subjects.book.book_conventions import (
    Conventions,
    DecayParameters,
    pair,
    taken_apart,
)
from conformance.subjects.book.constructor import Form, feedforward_of, listed
from conformance.subjects.book.update_rule import UpdateRule
from conformance.subjects.near import goes_through, layers, numbers
from reference.step import Array, Batch, Parameters

if TYPE_CHECKING:
    from conformance.subjects.book.cost_methods import CostMethod
    from conformance.subjects.book.own_cost import Epsilon


def check_assignable(net: Any, name: str) -> None:
    """Check that a network can be given parameters.

    Raises:
        UsageError: it cannot.
    """
    for each in ("weights", "biases"):
        held = getattr(net, each)
        if isinstance(held, Mapping) or not isinstance(held, Iterable):
            kind = type(held).__name__
            raise UsageError(f"{name}: `{each}` is a {kind}, expected a list with an array a layer")
        try:
            setattr(net, each, held)
        except AttributeError as error:
            raise UsageError(
                f"{name}: `{each}` cannot be assigned, which is how it is given the numbers of a "
                f"case: {error}"
            ) from error


def check_mini_batch(taken: Iterable[str], name: str) -> None:
    """Check that an update takes a mini-batch of pairs, and then η, by the names of what it takes.

    Raises:
        UsageError: it takes inputs and targets.
    """
    first, second, *_ = (*taken, "", "")
    if "targets" in kinds_of(second):
        raise UsageError(
            f"{name}: update_mini_batch takes ({first}, {second}), expected (mini_batch, eta)"
        )


def fill_in_place(net: Any, w: Sequence[Array], b: Sequence[Array]) -> None:
    """Write parameters into the arrays that a network has.

    Raises:
        TypeError: they are balls, which arrays of floats do not hold.
    """
    for held, given in ((net.weights, w), (net.biases, b)):
        for array, new in zip(held, given, strict=True):
            if np.asarray(new).dtype.hasobject:
                raise TypeError("the arrays that it has, which are filled in place, hold no balls")
            np.copyto(array, new)


X, Y = np.array([[0.5], [-0.25], [1.0]]), np.array([[0.0], [0.25], [0.75], [1.0]])
NEEDED = ("weights", "biases", "backprop", "update_mini_batch")


class BookCalls:
    """The networks of one class, in conventions that are known.

    Attributes:
        factory: called with sizes, and with `cost=` if it takes that.
        form: how it takes its sizes.
        probe: the sizes of the network that is tried.
        costs: the cost classes that it can be given, by the costs' names.
        name: for messages.
        conventions: how it lays out its arrays.
        numbers: what it computes with.
        in_place: whether its arrays are filled, and not put in another's place.
        unequal_stop: whether no layout of a sample works where the layers differ in width.
        decay: how its update takes λ and n.
        epsilon: in the logarithms of the cost that it shows, if there is one.
        cost_methods: those that give the cost of a sample, or another measure of its error.
        cost_method: the one of them that is judged, where that is not `cost.fn`.
        has_cost_fn: whether `cost.fn` gives numbers.
        rule: which updates it has.
        mask: the keyword by which its update is given masks; empty if it has no dropout.
        mask_scale: what it multiplies its masks by, such as 1/(1 − p).
    """

    numbers: ArrayNumbers
    probe: tuple[int, ...]
    form: Form = staticmethod(listed)
    decay = DecayParameters()
    epsilon: "Epsilon | None" = None
    cost_methods: "tuple[CostMethod, ...]" = ()
    cost_method: "CostMethod | None" = None
    has_cost_fn: bool = False
    rule = UpdateRule()
    mask = ""
    mask_scale = 1.0

    def __init__(self, factory: Callable[..., Any], name: str) -> None:
        """Take the class as the book has it."""
        self.factory, self.name, self.conventions = factory, name, Conventions()
        self.in_place, self.unequal_stop = False, False
        self.costs: Mapping[str, Any] = {}

    @property
    def decays(self) -> bool:
        """Whether its update knows weight decay."""
        return bool(self.decay.lmbda)

    @property
    def probe_sample(self) -> tuple[Array, Array]:
        """An input and its target for the network that is tried; its largest entry is the last."""
        return X[: self.probe[0]], Y[-self.probe[-1] :]

    def made_for(self, case: Case) -> Any:
        """A new network of the sizes, the cost and the update of a case; see `make`."""
        return self.make(case.sizes, case.cost, case)

    def begun(self, case: Case, parameters: Parameters) -> Any:
        """A new network of a case, with parameters of ours."""
        net = self.made_for(case)
        self.fill(net, *self.outwards(parameters))
        return net

    def filled(self, sizes: Sequence[int], parameters: Parameters) -> Any:
        """A new network of some sizes, with parameters of ours."""
        net = self.make(sizes)
        self.fill(net, *self.outwards(parameters))
        return net

    def make(self, sizes: Sequence[int], cost: str | None = None, case: Case | None = None) -> Any:
        """A new network with its own random parameters, with the update of a case.

        Raises:
            UsageError: the constructor does not take sizes, or the interface is not the book's.
            SubjectError: the constructor fails.
        """
        options = {"cost": self.costs[cost]} if cost and cost in self.costs else {}
        options |= self.rule.made(case)
        try:
            with quiet():
                net = self.factory(*self.form(sizes), **options)
        except TypeError as error:
            raise UsageError(
                f"{self.name}({list(sizes)}): {error}; the constructor must take the list of sizes"
            ) from error
        except Exception as error:
            raise SubjectError(
                f"{self.name}({list(sizes)}) cannot be made: {headline(error)}\n"
                f"{own_traceback(error)}".rstrip()
            ) from error
        missing = [each for each in NEEDED if not hasattr(net, each)]
        missing += ["feedforward"] * (feedforward_of(net) is None)
        if missing:
            found = ", ".join(sorted(each for each in dir(net) if not each.startswith("_")))
            raise UsageError(
                f"{self.name} has no {', '.join(missing)}; it has {found or 'nothing'}"
            )
        return net

    def fill(self, net: Any, w: Sequence[Array], b: Sequence[Array]) -> None:
        """Give a network its parameters, in the layout that it has."""
        if self.in_place:
            fill_in_place(net, w, b)
            return
        w, b = self.numbers.parameters(net.weights, w), self.numbers.parameters(net.biases, b)
        net.weights = type(net.weights)(w) if isinstance(net.weights, tuple) else w
        net.biases = type(net.biases)(b) if isinstance(net.biases, tuple) else b

    def outwards(self, parameters: Parameters) -> tuple[list[Array], list[Array]]:
        """Parameters of ours as copies in the network's layout."""
        c = self.conventions
        return (
            [np.array(c.weight_out(w)) for w in parameters.w],
            [np.array(c.bias_out(b)) for b in parameters.b],
        )

    def held(self, net: Any) -> tuple[list[Any], list[Any]]:
        """The weights and biases that a network has, a nested list as an array.

        Raises:
            SubjectError: they are no lists of as many arrays of numbers.
        """
        weights, biases = (
            self._layers(held, f"`{name}`")
            for name, held in (("weights", net.weights), ("biases", net.biases))
        )
        if len(weights) != len(biases):
            raise SubjectError(f"it has {len(weights)} arrays of weights, {len(biases)} of biases")
        return weights, biases

    def _layers(self, held: Any, name: str) -> list[Any]:
        arrays = layers(self.numbers.back([*held]) if goes_through(held) else held, name)
        return [np.array(each) if isinstance(each, list) else each for each in arrays]

    def inwards(self, net: Any) -> dict[str, Any]:
        """The network's present parameters `b2 w2 …`, in our layout where they fit it."""
        c, shown = self.conventions, {}
        for layer, (w, b) in enumerate(zip(*self.held(net), strict=True), 2):
            turned = c.weight_in(w) if np.ndim(w) > 1 else w
            n = np.shape(turned)[0] if np.ndim(turned) else 0
            shown[f"b{layer}"] = np.reshape(b, (-1, 1)) if np.size(b) == n else b
            shown[f"w{layer}"] = turned
        return shown

    def feedforward(self, net: Any, x: Array) -> Array:
        """The output (n_L, 1) of one sample."""
        given = self.numbers.out(self.conventions.batch_out(x))
        output = numbers(
            self.numbers.back(call(feedforward_of(net), given)), "what feedforward returned"
        )
        return np.reshape(output, (-1, 1))

    def outputs(self, case: Case, parameters: Parameters, batch: Batch) -> Array:
        """The output (n_L, m) of feedforward on each sample, which nobody traces."""
        net = self.begun(case, parameters)
        return np.hstack([self.feedforward(net, np.array(batch.x[:, [i]])) for i in range(batch.m)])

    def pair_of(self, net: Any, x: Array, y: Array, masks: Sequence[Array] = ()) -> Any:
        """What backprop of one sample returns, in arrays of ours."""
        given = (self.numbers.out(self.conventions.sample_out(each)) for each in (x, y))
        more = [self.masks_out(masks or self.ones(net))] if self.mask else []
        return self.numbers.back(taken_apart(call(net.backprop, *given, *more)))

    def masks_out(self, masks: Sequence[Array]) -> list[Any]:
        """The masks of a sample in the network's layout, without what it scales them by."""
        own = (each if self.mask_scale == 1 else each / self.mask_scale for each in masks)
        return [self.numbers.out(self.conventions.sample_out(each)) for each in own]

    def masks_of(self, net: Any, batch: Batch, i: int) -> list[Array]:
        """The masks (n_l, 1) of a sample; ones if the mini-batch has none."""
        columns = [mask[:, [i]] for mask in batch.masks]
        return columns or self.ones(net) if self.mask else []

    def ones(self, net: Any) -> list[Array]:
        """The masks of a sample that leave no neuron out."""
        sizes = net_sizes(net, self.conventions)[1:-1]
        return [np.ones((n, 1), self.conventions.dtype) for n in sizes]

    def mask_keywords(self, net: Any, batch: Batch) -> dict[str, Any]:
        """The keyword of an update for the masks of each sample."""
        columns = (self.masks_of(net, batch, i) for i in range(batch.m))
        return {self.mask: [self.masks_out(each) for each in columns]} if self.mask else {}

    def backprop(
        self, net: Any, x: Array, y: Array, masks: Sequence[Array] = ()
    ) -> tuple[list[Any], list[Any]]:
        """(∇b, ∇w) of one sample in our layout: lists of (n_l, 1) and (n_l, n_{l-1}).

        Raises:
            SubjectError: the pair does not have the shapes of the parameters.
        """
        c = self.conventions
        returned = self.pair_of(net, x, y, masks)
        sizes = tuple(net_sizes(net, c))
        order = pair(returned, sizes)
        if order.problem and not self.unequal_stop:
            raise SubjectError(f"{self.name}.backprop {order.problem}")
        # In a network of equal counts the order cannot be seen: then it is the recognised one.
        nabla_b, nabla_w = returned[::-1] if c.weights_first or order.weights_first else returned
        nabla_b, nabla_w = (
            array[::-1] if name in c.backwards else array
            for name, array in (("nabla_b", nabla_b), ("nabla_w", nabla_w))
        )
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

    def update(
        self, net: Any, batch: Batch, rates: tuple[float, float, int], case: Case | None = None
    ) -> None:
        """One step on a mini-batch, with η, λ and n, by the update of a case."""
        eta, lmbda, n = rates
        samples = [self.sample(batch, i) for i in range(batch.m)]
        with quiet():
            keywords = {**self.decay.given(net, lmbda, n), **self.rule.stepped(case)}
            keywords |= self.mask_keywords(net, batch)
            call(net.update_mini_batch, samples, eta, **keywords)

    def sample(self, batch: Batch, i: int) -> tuple[Any, Any]:
        """A sample and its target in the network's layout."""
        c = self.conventions
        x, y = (np.array(array[:, [i]], subok=True) for array in (batch.x, batch.y))
        return self.numbers.out(c.batch_out(x)), self.numbers.out(c.batch_out(y))


def net_sizes(net: Any, conventions: Conventions) -> list[int]:
    """The sizes of a network, from the shapes of its weights."""
    shapes = [np.shape(w)[::-1] if conventions.transposed else np.shape(w) for w in net.weights]
    return [shapes[0][1], *(shape[0] for shape in shapes)]


def _fitted(array: Any, shape: tuple[int, ...]) -> Any:
    """The array in our shape if it has as many entries, else as it is."""
    fits = np.size(array) == int(np.prod(shape)) and np.ndim(array) < 2  # noqa: PLR2004 - flat
    return np.reshape(array, shape) if fits else array
