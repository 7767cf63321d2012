"""What a network does beside its steps: its loop, its cost, and what feedforward leaves alone.

Judged once, on small new networks. Of `total_cost(data, lmbda)`, as in chapter 3, it is asked
whether the L2 term stands beside its mean once: λ/2n Σw². All data summed in place of the mean is a
convention, if it holds for both terms. Left out: the steps (`traced_session.py`), and `cost.fn`
(`own_cost.py`).
"""

import ast
import inspect
import linecache
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import FrameType
from typing import Any

import numpy as np

from conformance.running.quiet import quiet
from conformance.subjects.book.book_network import BookNetwork, X
from conformance.subjects.book.constructor import feedforward_of
from conformance.subjects.book.loop_walk import random_numbers_kept, role_of
from conformance.subjects.book.own_loop import NOTHING, Conduct, own_loop
from conformance.subjects.near import CLOSE
from conformance.tracing.frames import Frame
from conformance.tracing.line_tracer import Frames, LineTracer, Snapshots, line_after_which
from conformance.verdict.finding import Finding, Kind, distinct, finding
from reference.step import Array, Batch, Parameters

SIZES = (4, 7)  # of data sets
LITTLE, MUCH = 2.0, 10.0  # λ
NO_ROLE = "none"  # it does not take two arguments


def total_cost(network: BookNetwork) -> Conduct:
    """Judge the L2 term of a network's total_cost, if it has one that takes the data and λ."""
    with quiet():
        net = network.make(network.probe)
        method = getattr(net, "total_cost", None)
        role = _second_role(method) if callable(method) else NO_ROLE
        if role not in ("lmbda", None):
            return NOTHING
        try:
            shares = [_shares(network, net, n) for n in SIZES]
        except Exception as error:  # noqa: BLE001 - it may be asked in another way
            return Conduct(notes=(f"total_cost was not judged: {type(error).__name__}",))
        known = [share for share in shares if share is not None and (role or share.decay)]
        if len(known) < len(shares):
            return NOTHING
        return _judged(network, net, known)


@dataclass(frozen=True)
class _Share:
    """The terms of a total cost, each as a multiple of what it should be."""

    n: int
    cost: float
    decay: float


def _second_role(method: Callable[..., Any]) -> str | None:
    """What the second argument is by its name; None if that says nothing."""
    try:
        signature = inspect.signature(method)
        signature.bind(None, 0.0)
    except (TypeError, ValueError):
        return NO_ROLE
    return role_of([*signature.parameters][1])


def _shares(network: BookNetwork, net: Any, n: int) -> _Share | None:
    """None if the network does not show the cost of a sample, or its decay is another one."""
    function = getattr(getattr(net, "cost", None), "fn", None)
    if not callable(function):
        return None
    data = _data(network, n)
    try:
        costs = [float(function(feedforward_of(net)(x), y)) for x, y in data]
    except Exception:  # noqa: BLE001 - `own_cost` says that it is asked in another way
        return None
    little, much, none = (float(net.total_cost([*data], each)) for each in (LITTLE, MUCH, 0.0))
    slope = (much - little) / (MUCH - LITTLE)
    if not np.isclose(little - none, LITTLE * slope, rtol=_close(network), atol=0):
        return None
    return _Share(n, none / (sum(costs) / n), slope / (_squares(net, network) / (2 * n)))


def _judged(network: BookNetwork, net: Any, shares: Sequence[_Share]) -> Conduct:
    close = _close(network)
    factors = [share.decay / share.cost for share in shares]
    if np.allclose(factors, 1, rtol=close) or not np.isfinite(factors).all():
        return NOTHING
    each = np.allclose(factors, [share.n for share in shares], rtol=close)
    if not (each or network.decays):  # then nothing says which decay it has
        return Conduct(notes=("total_cost was not judged: its update has no decay",))
    frames = _where(network, net, shares[0])
    factor = float(f"{factors[0]:.6g}")
    return Conduct(
        (finding(Kind.DECAY_FACTOR, frames, factor=factor, each=bool(each), n=shares[0].n),)
    )


def _where(network: BookNetwork, net: Any, share: _Share) -> Frames:
    """The line after which what is returned has another share of λ than none or the right one."""
    method, data = net.total_cost, _data(network, share.n)
    code = inspect.unwrap(getattr(method, "__func__", method)).__code__
    line, names = _returned(code.co_filename, code.co_firstlineno)
    runs = [Snapshots(names, code.co_name) for _ in (LITTLE, MUCH)]
    for run, lmbda in zip(runs, (LITTLE, MUCH), strict=True):
        with run.following():
            method([*data], lmbda)
    right = share.cost * _squares(net, network) / (2 * share.n)
    if len(runs[0].taken) == len(runs[1].taken):
        for (frames, one), (_, other) in zip(runs[0].taken, runs[1].taken, strict=True):
            slopes = [(other[k] - one[k]) / (MUCH - LITTLE) for k in one.keys() & other.keys()]
            if not all(_is(slope, right, network) or _is(slope, 0, network) for slope in slopes):
                return frames
    return (Frame(code.co_filename, line, code.co_name),) if line else ()


def _is(slope: float, right: float, network: BookNetwork) -> bool:
    return bool(np.isclose(slope, right, rtol=_close(network), atol=_close(network)))


def _returned(file: str, first: int) -> tuple[int, tuple[str, ...]]:
    """The line of the last return of a function, and the names that it adds up."""
    tree = ast.parse("".join(linecache.getlines(file)))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    own = [n for n in functions if n.lineno <= first <= n.body[0].lineno or _first(n) == first]
    returns = [n for each in own for n in ast.walk(each) if isinstance(n, ast.Return)]
    if not returns:
        return 0, ()
    last = max(returns, key=lambda node: node.lineno)
    value = last.value
    names = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} if value else set()
    plain = value is not None and all(
        isinstance(n, ast.Name | ast.BinOp | ast.Add | ast.Load) for n in ast.walk(value)
    )
    return last.lineno, tuple(sorted(names)) if plain else ()


def _first(function: ast.FunctionDef) -> int:
    return min([each.lineno for each in function.decorator_list], default=function.lineno)


def _squares(net: Any, network: BookNetwork) -> float:
    """The sum of the squares of all weights."""
    arrays = network.inwards(net)
    return float(sum(np.sum(np.square(w)) for name, w in arrays.items() if name[0] == "w"))


def _close(network: BookNetwork) -> float:
    return CLOSE[network.conventions.dtype]


def _data(network: BookNetwork, n: int) -> list[tuple[Any, Any]]:
    x, y = (
        np.arange(1.0, k * n + 1).reshape(k, n) / (k * n + 1)
        for k in (network.probe[0], network.probe[-1])
    )
    return [network.sample(Batch(x, y), i) for i in range(n)]


Held = dict[str, Array]


def conduct(network: BookNetwork) -> Conduct:
    """What is wrong with a network beside its steps."""
    with random_numbers_kept(), quiet():
        loop, cost = own_loop(network), total_cost(network)
        others = [*_feedforward(network), *entries_ignored(network)]
    found = distinct((*loop.findings, *cost.findings, *others))
    return Conduct(tuple(found), (*loop.notes, *cost.notes))


def leaves_its_parameters(found: tuple[Finding, ...], method: str = "feedforward") -> bool:
    """Whether a method changes no parameter, so that what comes after it can be judged."""
    return not any(
        each.kind is Kind.OVERWRITTEN
        and each["method"] == method
        and "weights" in str(each["what"])
        for each in found
    )


def _feedforward(network: BookNetwork) -> Iterator[Finding]:
    """Whether feedforward changes the parameters, and on which line."""
    start = Parameters(
        tuple(_dyadic(n, k) for k, n in pairwise(network.probe)),
        tuple(_dyadic(n, 1) for n in network.probe[1:]),
    )
    try:
        net = network.make(network.probe)
        network.fill(net, *network.outwards(start))
        before = _held(network, net)

        def changed() -> bool:
            return not _same(before, _held(network, net))

        frames = line_after_which(changed, lambda: network.feedforward(net, np.array(X)))
        if not changed():
            return
    except Exception:  # noqa: BLE001 - the cases show it, where it can be judged
        return
    yield finding(Kind.OVERWRITTEN, frames, method="feedforward", what="the weights or biases")


def _held(network: BookNetwork, net: Any) -> Held:
    """Copies of the parameters that a network has."""
    return {name: np.array(array) for name, array in network.inwards(net).items()}


def _same(one: Held, other: Held) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(np.ravel(array), np.ravel(other[name])) for name, array in one.items()
    )


def _dyadic(n: int, k: int) -> Array:
    """Up to 17 numbers in no order that float32 has too, no two alike, of both signs."""
    return ((np.arange(n * k) * 5 % 17).reshape(n, k) - n * k / 2 + 0.25) / 8


INNER, EDGE = 0.75, 1.0  # an entry of the output where 1.0 is wanted
OTHERS = (0.25, 0.5)  # what the other entries may be


class _Vanishing(LineTracer):
    """The line of a function after which none of its numbers is NaN any more, or its last line."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function, self.line, self.known = function, Frames(), False

    def executed(self, frame: FrameType, event: str, _value: Any) -> None:
        """Look at the single numbers of the function."""
        if event == "call" or frame.f_code.co_name != self.function:
            return
        numbers = [each for each in frame.f_locals.values() if isinstance(each, float)]
        known = any(np.isnan(each) for each in numbers)
        if (self.known and not known) or (event == "return" and (known or not self.line)):
            self.line = self.now
        self.known = known


def entries_ignored(network: BookNetwork) -> Iterator[Finding]:
    """Whether the cost of a sample ignores all entries because of one that is 0 · log 0.

    Then it is finite, and the same whatever they are. Asked of the cost that a network has, and of
    each that it can be given.
    """
    for cost in (None, *network.costs):
        function = getattr(getattr(network.make(network.probe, cost), "cost", None), "fn", None)
        if not callable(function):
            continue
        try:
            with quiet():
                (inner, inner_other), (edge, edge_other) = (
                    [_cost(network, function, first, other) for other in OTHERS]
                    for first in (INNER, EDGE)
                )
                if inner == inner_other or edge != edge_other or not np.isfinite(edge):
                    continue
                tracer = _Vanishing(getattr(function, "__name__", ""))
                with tracer.following():
                    _cost(network, function, EDGE, OTHERS[0])
        except Exception:  # noqa: BLE001, S112 - it may be asked in another way
            continue
        yield finding(Kind.ENTRIES_IGNORED, tracer.line, method="cost.fn")


def _cost(network: BookNetwork, function: Callable[..., Any], first: float, other: float) -> float:
    """The cost of a sample whose first target is 1 and whose others are 0."""
    n = network.probe[-1]
    a, y = np.full((n, 1), other), np.zeros((n, 1))
    a[0], y[0] = first, 1
    given = (network.numbers.out(network.conventions.sample_out(each)) for each in (a, y))
    return float(network.numbers.back(function(*given)))
