"""Right functions `step(weights, biases, x, y, eta)`, assembled from the ways of writing one.

A `Way` says how; `right_function` gives the function. Imports nothing of the project. Left out:
what is drawn (`test_no_false_alarm.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = list[Array]


@dataclass(frozen=True)
class Way:
    """A way to write the step: each field is a choice that somebody might make."""

    rows: bool = False  # x is (m, n_1)
    biases: str = "columns"  # or "flat", "rows"
    turned: bool = False  # weights are (n_{l-1}, n_l)
    product: str = "matmul"  # a key of PRODUCTS
    by_sample: bool = False  # one sample after the other
    sigma: str = "plain"  # a key of SIGMAS
    mirrored_prime: bool = False  # σ(z) σ(−z)
    summed: bool = False  # nabla and cost are not divided by m
    divided: bool = False  # delta is
    cost: str = "quadratic"  # or "cross-entropy", or "either"
    from_z: bool = False  # the cross-entropy is computed so
    decay: str = ""  # or "factor", "gradient"
    dtype: str = ""  # in which it computes; if empty, in that of its arguments
    lists: bool = False  # gives lists
    shown: tuple[str, ...] = ("z", "a", "cost", "delta", "nabla_b", "nabla_w", "b", "w")
    layers: str = "all"  # or "first", "last": which layers it shows


def plain(z: Array) -> Array:
    """σ as in the book."""
    s: Array = 1 / (1 + np.exp(-z))
    return s


def stable(z: Array) -> Array:
    """σ without overflow."""
    e = np.exp(-np.abs(z))
    s: Array = np.where(z >= 0, 1 / (1 + e), e / (1 + e))
    return s


def by_tanh(z: Array) -> Array:
    """σ as a hyperbolic tangent."""
    s: Array = (1 + np.tanh(z / 2)) / 2
    return s


def mirrored(z: Array) -> Array:
    """σ as what is missing from 1."""
    s: Array = 1 - 1 / (1 + np.exp(z))
    return s


def einsum(p: Array, q: Array) -> Array:
    """The product of two matrices."""
    product: Array = np.einsum("ij,jk->ik", p, q)
    return product


def turned(p: Array, q: Array) -> Array:
    """The product of two matrices, as rows write it."""
    return (q.T @ p.T).T


def from_the_end(p: Array, q: Array) -> Array:
    """The product of two matrices, term by term, the last first."""
    total: Array = p[:, -1:] * q[-1:]
    for k in range(p.shape[1] - 2, -1, -1):
        total = total + p[:, k : k + 1] * q[k : k + 1]
    return total


SIGMAS = {"plain": plain, "stable": stable, "tanh": by_tanh, "mirrored": mirrored}
PRODUCTS: dict[str, Callable[[Array, Array], Array]] = {
    "matmul": np.matmul,
    "einsum": einsum,
    "turned": turned,
    "from the end": from_the_end,
}


def right_function(way: Way) -> Callable[..., dict[str, Any]]:
    """The step written in this way, with the keywords that it needs."""

    def fixed(w: Arrays, b: Arrays, x: Array, y: Array, eta: float) -> dict[str, Any]:
        return _step(way, w, b, x, y, eta)

    def either(w: Arrays, b: Arrays, x: Array, y: Array, eta: float, cost: str) -> dict[str, Any]:
        return _step(way, w, b, x, y, eta, cost)

    def decays(
        w: Arrays, b: Arrays, x: Array, y: Array, eta: float, lmbda: float, n: int
    ) -> dict[str, Any]:
        return _step(way, w, b, x, y, eta, way.cost, lmbda / n)

    def full(
        w: Arrays, b: Arrays, x: Array, y: Array, eta: float, *, lmbda: float, n: int, cost: str
    ) -> dict[str, Any]:
        return _step(way, w, b, x, y, eta, cost, lmbda / n)

    if way.cost == "either":
        return full if way.decay else either
    return decays if way.decay else fixed


def _step(
    way: Way,
    weights: Arrays,
    biases: Arrays,
    x: Array,
    y: Array,
    eta: float,
    cost: str = "",
    decay: float = 0.0,
) -> dict[str, Any]:
    """One step: turned to columns, computed, and turned back."""
    weights, biases = [_cast(way, w) for w in weights], [_cast(way, b) for b in biases]
    x, y = _cast(way, x), _cast(way, y)
    w = [each.T if way.turned else each for each in weights]
    b = [_column(way, each) for each in biases]
    x, y = (x.T, y.T) if way.rows else (x, y)
    m = x.shape[1]
    shown = _summed(way, w, b, x, y, cost or way.cost)
    if not way.summed:
        shown["cost"] = shown["cost"] / m
        if not way.divided:
            shown |= {key: v / m for key, v in shown.items() if key.startswith("nabla")}
    rate = eta / m if way.summed else eta
    for i in range(2, len(w) + 2):
        nabla = shown[f"nabla_w{i}"]
        shown[f"b{i}"] = b[i - 2] - rate * shown[f"nabla_b{i}"]
        if way.decay == "gradient":
            old = w[i - 2]
            shown[f"w{i}"] = old - eta * (nabla * (rate / eta) + decay * old)
        else:
            shown[f"w{i}"] = (1 - eta * decay) * w[i - 2] - rate * nabla
    return dict(_laid(way, shown, len(w) + 1))


def _cast(way: Way, array: Array) -> Array:
    return array.astype(way.dtype or array.dtype)


def _column(way: Way, b: Array) -> Array:
    return {"columns": b, "flat": b[:, None], "rows": b.T}[way.biases]


def _summed(way: Way, w: Arrays, b: Arrays, x: Array, y: Array, cost: str) -> dict[str, Any]:
    """The step's quantities, cost and nabla summed over the samples."""
    m = x.shape[1]
    if not way.by_sample:
        return _quantities(way, w, b, x, y, cost, m)
    parts = [_quantities(way, w, b, x[:, i : i + 1], y[:, i : i + 1], cost, m) for i in range(m)]
    return {
        key: sum(part[key] for part in parts[1:]) + parts[0][key]
        if key == "cost" or key.startswith("nabla")
        else np.hstack([part[key] for part in parts])
        for key in parts[0]
    }


def _quantities(
    way: Way, w: Arrays, b: Arrays, x: Array, y: Array, cost: str, m: int
) -> dict[str, Any]:
    sigma, product = SIGMAS[way.sigma], PRODUCTS[way.product]
    shown: dict[str, Any] = {}
    a = [x]
    for i, (each, bias) in enumerate(zip(w, b, strict=True), 2):
        shown[f"z{i}"] = product(each, a[-1]) + bias
        a.append(sigma(shown[f"z{i}"]))
        shown[f"a{i}"] = a[-1]

    def prime(i: int) -> Array:
        z, s = shown[f"z{i}"], a[i - 1]
        other: Array = sigma(-z) if way.mirrored_prime else 1 - s
        return s * other

    last = len(w) + 1
    delta = a[-1] - y
    if cost == "quadratic":
        shown["cost"] = np.square(delta).sum() / 2
        delta = delta * prime(last)
    else:
        shown["cost"] = _cross_entropy(way, shown[f"z{last}"], a[-1], y)
    if way.divided:
        delta = delta / m
    for i in range(last, 1, -1):
        shown[f"delta{i}"] = delta
        scale = m if way.divided and way.summed else 1
        shown[f"nabla_b{i}"] = delta.sum(axis=1, keepdims=True) * scale
        shown[f"nabla_w{i}"] = product(delta, a[i - 2].T) * scale
        if i > 2:
            delta = product(w[i - 2].T, delta) * prime(i - 1)
    return shown


def _cross_entropy(way: Way, z: Array, a: Array, y: Array) -> Any:
    if way.from_z:
        return ((1 - y) * z + np.logaddexp(0, -z)).sum()
    return np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)).sum()


def _laid(way: Way, shown: dict[str, Any], last: int) -> Iterator[tuple[str, Any]]:
    """What is shown, laid out as the arguments were."""
    for key, value in shown.items():
        quantity = key.rstrip("0123456789")
        layer = key[len(quantity) :]
        here = {"all": layer, "first": "2", "last": str(last)}[way.layers]
        if quantity not in way.shown or (layer and layer != here):
            continue
        out = value
        if quantity in ("b", "nabla_b"):
            out = {"columns": value, "flat": value[:, 0], "rows": value.T}[way.biases]
        elif quantity in ("w", "nabla_w"):
            out = value.T if way.turned else value
        elif quantity in ("z", "a", "delta"):
            out = value.T if way.rows else value
        yield key, out.tolist() if way.lists else out
