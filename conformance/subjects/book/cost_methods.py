"""The methods of a network that give the cost of a sample: `cost(a, y)`, `loss(x, y)`, ….

They are asked for the cost at outputs and targets of ours. A multiple of a known cost is right.
What is none may be another measure of the error, as the absolute error, or a cost with a mistake.
Any measure of the error falls where an entry of the output comes nearer to its target, or, as an
accuracy, rises: one that falls for some entries and rises for others is a mistake, as with a wrong
sign in one of two terms. So is a known cost with the other sign. Anything else is not judged, nor
what depends on more than the output and the target, as with a decay.

Left out: the cost of a step (`own_cost.py`), and the decay (`total_cost.py`).
"""

import ast
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from textwrap import dedent
from typing import Any

import numpy as np

from conformance.edits.source_parts import only_computes
from conformance.model.functions import COSTS
from conformance.programs.vocabulary import kinds_of
from conformance.running.quiet import quiet
from conformance.running.tracebacks import call
from conformance.subjects.book.book_calls import BookCalls
from conformance.subjects.book.book_conventions import LAMBDA
from conformance.subjects.book.constructor import NAMED
from conformance.subjects.near import CLOSE
from reference.step import Array, Parameters

Given = Callable[[Array, str], Any]
"""Gives a copy of an array for the network, by the name that it has."""

FORMS: dict[str, Callable[[Any, Any, Any], tuple[Any, ...]]] = {
    "a, y": lambda _, a, y: (a, y),
    "y, a": lambda _, a, y: (y, a),
    "x, y": lambda x, _, y: (x, y),
    "data": lambda x, _, y: ([(x, y)],),
    "data, lmbda": lambda x, _, y: ([(x, y)], 0.0),
}
"""What methods take of a sample: x, a^L and y."""

EXCHANGED = ("a, y", "y, a")
OUTPUTS = ("a", "aL", "a_L")

NEAR = 1e-2
"""How far, as a part of it, an ε moves a cost."""
PART = 0.1
"""How large, as a part of the largest, a slope is that counts: less may be of smoothed targets."""
STEP = 2.0**-6  # of an entry of the output, for a slope
FAR = 700.0  # a weighted input at which σ is 0 or 1


@dataclass(frozen=True)
class CostMethod:
    """A method that gives a number of each sample that depends on its output.

    Attributes:
        name: of the method.
        form: what it takes, a key of `FORMS`.
        known: the cost that it gives but for a factor; empty if it is none that is known.
        factor: of it.
        wrong: whether it can be no measure of the error.
    """

    name: str
    form: str
    known: str = ""
    factor: float = 1.0
    wrong: bool = False

    @property
    def takes_output(self) -> bool:
        """Whether it is given a^L, and does not compute it."""
        return self.form in EXCHANGED

    def function(self, net: Any) -> Callable[..., Any] | None:
        """It, of a network; None if that has none."""
        found = reduce(lambda held, name: getattr(held, name, None), self.name.split("."), net)
        return found if callable(found) else None

    @property
    def said(self) -> str:
        """How it is called."""
        return f"{self.name}({self.form})"

    def said_factor(self, outputs: int) -> list[str]:
        """The factor of the cost that it gives, in words; nothing if that is 1.

        Args:
            outputs: of the network that was asked.
        """
        if not self.known or abs(self.factor - 1) <= NEAR:
            return []
        return [
            f"{self.said} gives {self.factor:.3g} times the {self.known} cost of {outputs} outputs"
        ]

    def cost(
        self, network: BookCalls, net: Any, sample: tuple[Array, Array, Array], given: Given
    ) -> Any:
        """What it gives of the columns x, a^L and y of a sample."""
        c = network.conventions
        out = c.batch_out if self.form.startswith("data") else c.sample_out
        columns = [given(out(each), name) for each, name in zip(sample, "xay", strict=True)]
        arguments = FORMS[self.form](*map(network.numbers.out, columns))
        function: Any = self.function(net)
        return network.numbers.back(call(function, *arguments))

    def costs(
        self,
        network: BookCalls,
        sizes: Sequence[int],
        outputs: Array,
        targets: Array,
        hidden: float = 0.25,
        cost: str | None = None,
    ) -> tuple[Array, Array]:
        """The costs (m,) of samples with about these outputs, and the outputs (n_L, m).

        Args:
            network: whose.
            sizes: of which a network is made.
            outputs: a^L, (n_L, m).
            targets: y, (n_L, m).
            hidden: each parameter of its hidden layers, where it computes a^L itself.
            cost: that the network is made with.
        """
        net, x = network.make(sizes, cost), np.full((sizes[0], 1), 0.5)
        found, own = [], outputs.copy()
        for i in range(outputs.shape[1]):
            if not self.takes_output:
                network.fill(net, *network.outwards(_with_output(sizes, outputs[:, [i]], hidden)))
                own[:, [i]] = network.feedforward(net, x)
            sample = x, own[:, [i]], targets[:, [i]]
            found.append(float(self.cost(network, net, sample, plain)))
        return np.array(found), own


FN = CostMethod("cost.fn", "a, y")
"""As the chapter 3 program shows its cost, which promises a known one."""


def plain(array: Array, _name: str) -> Array:
    """A copy of an array."""
    return np.array(array)


def cost_methods(network: BookCalls) -> tuple[CostMethod, ...]:
    """The methods of a network that give the cost of a sample, or another measure of its error."""
    found = list[CostMethod]()
    with quiet(), network.numbers.tried(), np.errstate(all="ignore"), suppress(Exception):
        kind = type(network.make(network.probe))  # where it stops, the cases will show it
        for name in filter(NAMED.search, dir(kind)):
            if _only_computes(getattr(kind, name)):
                found += _meant([*_readings(network, name)], getattr(kind, name))
    return tuple(found)


def _meant(readings: Sequence[CostMethod], method: Any) -> list[CostMethod]:
    """What a method gives as it is meant to be called: a cost, if it is one in any order.

    One that is a cost only of a for y and y for a, by their names, has them exchanged.
    """
    best = sorted(readings, key=lambda e: (not e.known, e.wrong))[:1]
    named = _form_by_names(method)
    if not named or not best or best[0].form not in EXCHANGED or best[0].form == named:
        return best
    other = next((each for each in readings if each.form == named), None)
    if other is not None and (other.known or not best[0].known):
        return [other]
    return [replace(each, form=named, known="", factor=1.0, wrong=True) for each in best]


def _form_by_names(method: Any) -> str:
    """In which order a method takes a and y, if the names of its arguments tell; else empty."""
    names = [each for each in inspect.signature(method).parameters if each != "self"]
    kinds = [("y" * ("targets" in k) or "a" * ("output" in k)) for k in map(kinds_of, names)]
    told = ["a" if name in OUTPUTS else kind for name, kind in zip(names, kinds, strict=True)]
    form = ", ".join(told)
    return form if form in EXCHANGED else ""


def gives_cost(network: BookCalls, name: str) -> bool:
    """Whether a method gives a cost of the network of each sample, but for a factor."""
    costs = {*network.costs, network.conventions.cost}
    with network.numbers.tried():
        return any(e.known in costs and not e.wrong for e in _readings(network, name))


def _readings(network: BookCalls, name: str) -> Iterator[CostMethod]:
    """What a method gives in each form in which it can be asked."""
    for form, arguments in FORMS.items():
        with suppress(Exception):  # it may take something else
            method = getattr(network.make(network.probe), name)
            bound = inspect.signature(method).bind(*arguments(None, None, None)).arguments
            if form == "data, lmbda" and not LAMBDA.fullmatch([*bound][1].lower()):
                continue
            read = _read(network, CostMethod(name, form))
            if read is not None:
                yield read


def _read(network: BookCalls, method: CostMethod) -> CostMethod | None:
    """What a method gives; None if that says nothing of its outputs."""
    size = network.probe[-1]
    samples = outputs_of(size), targets_of(size)
    costs, own = method.costs(network, network.probe, *samples)
    others, _ = method.costs(network, network.probe, *samples, hidden=0.5)
    if not np.isfinite(costs).all() or not np.ptp(costs):
        return None
    if not np.array_equal(costs, others):
        return method
    for known in COSTS:
        right = values(known, own, targets_of(size))
        factor, spread = factor_of(costs, right)
        if spread <= NEAR * abs(factor):
            return replace(method, known=known * (factor > 0), factor=factor, wrong=factor < 0)
    slopes = _slopes(network, method)
    close = CLOSE[network.conventions.dtype]
    least = max(PART * np.abs(slopes).max(), close * np.abs(costs).max())
    falls, rises = bool((slopes < -least).any()), bool((slopes > least).any())
    return replace(method, wrong=falls and rises) if falls or rises else None


def factor_of(costs: Array, right: Array) -> tuple[float, float]:
    """The factor by which some costs differ from others, and how far it is not the same."""
    factors = costs / right
    return float(factors.mean()), float(np.ptp(factors))


def _slopes(network: BookCalls, method: CostMethod) -> Array:
    """By how much costs rise where an output comes nearer to its target, and no entry goes away.

    Of outputs below ½ and above; others than from 0 to 1 say nothing, as a measure may want them
    beyond the target. In a softmax the other entries fall with one that grows.
    """
    n = network.probe[-1]
    slopes = []
    for i, least in enumerate((0.25, 0.58) * 2):
        output, target = np.linspace(least, least + 0.12, n)[:, None], np.eye(n)[:, [i % n]]
        steps = STEP * np.hstack([np.eye(n), -np.eye(n)])
        costs, own = method.costs(network, network.probe, output + steps, target + 0 * steps)
        apart = np.abs(own - target)
        nearer = apart[:, n:] - apart[:, :n]
        sign = 1.0 * (nearer >= 0).all(axis=0) - (nearer <= 0).all(axis=0)
        inside = np.asarray(np.logical_and(own >= 0, own <= 1).all(axis=0))
        slopes += list(sign * inside[:n] * inside[n:] * (costs[:n] - costs[n:]))
    return np.array(slopes)


def outputs_of(n: int) -> Array:
    """Outputs (n, 6) in (0, 1), as those of a softmax if there are several."""
    found = (np.arange(n)[:, None] * 3 + np.arange(6) * 5) % 7 + 1.0
    return found / (found.sum(axis=0) if n > 1 else 8)


def targets_of(n: int) -> Array:
    """Their targets (n, 6), a class each."""
    return np.eye(n)[:, np.arange(6) % n] if n > 1 else np.arange(6)[None] % 2.0


def values(known: str, outputs: Array, targets: Array) -> Array:
    """A known cost (m,) of each sample."""
    samples = zip(outputs.T[:, :, None], targets.T[:, :, None], strict=True)
    return np.array([float(COSTS[known].book.value(*each)) for each in samples])


def _with_output(sizes: Sequence[int], output: Array, hidden: float) -> Parameters:
    """Parameters with which σ gives an output (n_L, 1) of any sample, whatever the others are."""
    shapes = [*pairwise(sizes)]
    z = np.clip(np.log(output) - np.log(1 - output), -FAR, FAR)
    w = [np.full((n, k), hidden) for k, n in shapes[:-1]]
    b = [np.full((n, 1), hidden) for _, n in shapes[:-1]]
    return Parameters((*w, np.zeros(shapes[-1][::-1])), (*b, z))


def _only_computes(method: Any) -> bool:
    """Whether the source of a method can be read, and does nothing but compute."""
    try:
        tree = ast.parse(dedent(inspect.getsource(method)))
    except (OSError, TypeError, SyntaxError):
        return False
    return any(isinstance(e, ast.FunctionDef) and only_computes(e) for e in tree.body)
