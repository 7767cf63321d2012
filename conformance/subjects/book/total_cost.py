"""The total cost of a network, as in chapter 3: `total_cost(data, lmbda)`.

Judged is whether the L2 term stands beside the mean of the costs once: λ/2n Σw², or λ/n Σ|w| where
the weights go down by its signs. All data summed in
place of the mean is a convention, if it holds for both terms. The cost of a sample is `cost.fn`, or
what `total_cost` gives of it without λ, of which a factor is a convention; the L2 term may have it
too. Left out: whether that cost is right (`own_cost.py`).
"""

import ast
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

import numpy as np

from conformance.running.quiet import quiet
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.constructor import feedforward_of
from conformance.subjects.book.cost_methods import FN
from conformance.subjects.book.loop_walk import rising, role_of
from conformance.subjects.book.own_loop import NOTHING, Conduct
from conformance.subjects.near import CLOSE
from conformance.tracing.frames import Frame, functions_of
from conformance.tracing.line_tracer import Frames, Snapshots
from conformance.verdict.finding import Kind, finding
from reference.step import Batch

Numbers = dict[str, float]

SIZES = (4, 7)  # of data sets
LITTLE, MUCH = 2.0, 10.0  # λ
NEITHER = "total_cost was not judged: it is neither the mean nor the sum of its samples' costs"
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
        if NEITHER in shares:
            return Conduct(notes=(NEITHER,))
        known = [e for e in shares if isinstance(e, _Share) and (role or e.decay)]
        if len(known) < len(shares):
            return NOTHING
        return _judged(network, net, known)


@dataclass(frozen=True)
class _Share:
    """The terms of a total cost, each as a multiple of what it should be.

    Attributes:
        n: how many samples it is of.
        cost: of them.
        decay: the L2 term.
        factor: of its cost of a sample, by which the L2 term may be larger too; NaN if not known.
    """

    n: int
    cost: float
    decay: float
    factor: float = 1.0

    @property
    def of_decay(self) -> float:
        """The L2 term beside the costs: 1, or the factor of these, is right."""
        found = self.decay / self.cost
        return found / self.factor if np.isclose(found, self.factor) else found


def _second_role(method: Callable[..., Any]) -> str | None:
    """What the second argument is by its name; None if that says nothing."""
    try:
        signature = inspect.signature(method)
        signature.bind(None, 0.0)
    except (TypeError, ValueError):
        return NO_ROLE
    return role_of([*signature.parameters][1])


def _shares(network: BookNetwork, net: Any, n: int) -> _Share | str | None:
    """None if the network does not show the cost of a sample, or its decay is another one.

    Or why it is not judged.
    """
    data, factor = _data(network, n), 1.0
    try:
        mean = sum(_costs(net, data)) / n
    except Exception:  # noqa: BLE001 - `own_cost` says that it is asked in another way
        return None
    little, much, none = (float(net.total_cost([*data], each)) for each in (LITTLE, MUCH, 0.0))
    slope = (much - little) / (MUCH - LITTLE)
    if not np.isclose(little - none, LITTLE * slope, rtol=_close(network), atol=0):
        return None
    if FN.function(net) is None:
        if not np.isclose(none / mean, (1, n), rtol=_close(network)).any():
            return NEITHER  # such as the root of a mean
        own = [each for each in network.cost_methods if each.name == "total_cost" and each.known]
        factor = next((each.factor for each in own), np.nan)
    return _Share(n, none / mean, slope / _penalty(net, network, n), factor)


def _costs(net: Any, data: Sequence[tuple[Any, Any]]) -> list[float]:
    """The cost of each sample."""
    function = FN.function(net)
    if function is None:
        return [float(net.total_cost([each], 0.0)) for each in data]
    return [float(function(feedforward_of(net)(x), y)) for x, y in data]


def _judged(network: BookNetwork, net: Any, shares: Sequence[_Share]) -> Conduct:
    close = _close(network)
    factors = [share.of_decay for share in shares]
    if np.allclose(factors, 1, rtol=close) or not np.isfinite(factors).all():
        return NOTHING
    each = np.allclose(factors, [share.n for share in shares], rtol=close)
    if each and network.decays and not network.decay.n:  # what it calls λ is λ/n
        return NOTHING
    if np.allclose([(e.cost / e.n, e.decay) for e in shares], 1, rtol=close):
        return Conduct((finding(Kind.COSTS_SUMMED, _where_summed(network, net, shares[0].n)),))
    if not (each or network.decays):  # then nothing says which decay it has
        return Conduct(notes=("total_cost was not judged: its update has no decay",))
    if not each and np.isnan(shares[0].factor):
        return Conduct(notes=("total_cost was not judged: its cost is not known",))
    frames = _where(network, net, shares[0])
    factor = float(f"{factors[0]:.6g}")
    return Conduct(
        (finding(Kind.DECAY_FACTOR, frames, factor=factor, each=bool(each), n=shares[0].n),)
    )


def _where(network: BookNetwork, net: Any, share: _Share) -> Frames:
    """The line after which what is returned has another share of λ than none or the right one."""
    right = share.cost * _penalty(net, network, share.n)

    def wrong(one: Numbers, other: Numbers) -> bool:
        slopes = ((other[k] - one[k]) / (MUCH - LITTLE) for k in one.keys() & other.keys())
        return not all(_is(e, right, network) or _is(e, 0, network) for e in slopes)

    return _line_after_which(wrong, network, net, share.n)


def _where_summed(network: BookNetwork, net: Any, n: int) -> Frames:
    """The line after which what is returned is the sum of the costs, without λ."""
    whole = sum(_costs(net, _data(network, n)))

    def summed(one: Numbers, other: Numbers) -> bool:
        same = (one[k] for k in one.keys() & other.keys() if one[k] == other[k])
        return any(_is(each, whole, network) for each in same)

    return _line_after_which(summed, network, net, n)


def _line_after_which(
    holds: Callable[[Numbers, Numbers], bool], network: BookNetwork, net: Any, n: int
) -> Frames:
    """The line after which something holds of what total_cost adds up, for two λ; or its return."""
    method, data = net.total_cost, _data(network, n)
    code = inspect.unwrap(getattr(method, "__func__", method)).__code__
    line, names = _returned(code)
    runs = [Snapshots(names, code.co_name) for _ in (LITTLE, MUCH)]
    for run, lmbda in zip(runs, (LITTLE, MUCH), strict=True):
        with run.following():
            method([*data], lmbda)
    last = (Frame(code.co_filename, line, code.co_name),) if line else ()
    if len(runs[0].taken) != len(runs[1].taken):
        return last
    pairs = zip(runs[0].taken, runs[1].taken, strict=True)
    return next((frames for (frames, one), (_, other) in pairs if holds(one, other)), last)


def _is(slope: float, right: float, network: BookNetwork) -> bool:
    return bool(np.isclose(slope, right, rtol=_close(network), atol=_close(network)))


def _returned(code: CodeType) -> tuple[int, tuple[str, ...]]:
    """The line of the last return of a function, and the names that it adds up."""
    own = [each for each in functions_of(code.co_filename) if _first(each) == code.co_firstlineno]
    returns = [n for each in own for n in ast.walk(each) if isinstance(n, ast.Return)]
    if not returns:
        return 0, ()
    last = max(returns, key=lambda node: node.lineno)
    parts = [*ast.walk(last.value)] if last.value else []
    names = {n.id for n in parts if isinstance(n, ast.Name)}
    plain = all(isinstance(n, ast.Name | ast.BinOp | ast.Add | ast.Load) for n in parts)
    return last.lineno, tuple(sorted(names)) if plain else ()


def _first(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([each.lineno for each in function.decorator_list], default=function.lineno)


def _penalty(net: Any, network: BookNetwork, n: int) -> float:
    """The penalty of all weights for λ = 1: Σw²/2n, or Σ|w|/n where they go down by its signs."""
    weights = [w for name, w in network.inwards(net).items() if name[0] == "w"]
    if "l1" in network.rule.names:
        return float(sum(np.sum(np.abs(w)) for w in weights)) / n
    return float(sum(np.sum(np.square(w)) for w in weights)) / (2 * n)


def states_l1(network: BookNetwork) -> bool:
    """Whether total_cost adds λ/n Σ|w|, or λ Σ|w|."""
    net = network.make(network.probe)
    method, n = getattr(net, "total_cost", None), SIZES[0]
    if not callable(method) or _second_role(method) not in ("lmbda", None):
        return False
    try:
        with quiet():
            little, much = (float(method([*_data(network, n)], e)) for e in (LITTLE, MUCH))
    except Exception:  # noqa: BLE001 - it may be asked in another way
        return False
    weights = [w for name, w in network.inwards(net).items() if name[0] == "w"]
    whole = float(sum(np.sum(np.abs(w)) for w in weights))
    slope = (much - little) / (MUCH - LITTLE)
    return bool(np.isclose(slope, (whole / n, whole), rtol=_close(network)).any())


def _close(network: BookNetwork) -> float:
    return CLOSE[network.conventions.dtype]


def _data(network: BookNetwork, n: int) -> list[tuple[Any, Any]]:
    x, y = (rising(k, n) for k in (network.probe[0], network.probe[-1]))
    return [network.sample(Batch(x, y), i) for i in range(n)]
