"""A traced operation of NumPy leaves its line and what it was computed from, by whatever route.

Left out: its numbers (`test_tracing.py`), what is made of it (`test_broken.py`).
"""

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.subjects.stepped import traced_run
from conformance.tests.networks.book import Array
from conformance.tracing.arrays import Traced
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

P = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])
Q = np.array([[0.5, -1.0, 0.25], [2.0, 3.0, -0.125]])


def add(p: Array, q: Array) -> Array:
    return p + q


def augmented(p: Array, q: Array) -> Array:
    p += q
    return p


def augmented_view(p: Array, q: Array) -> Array:
    p[0] += q[0]
    return p


def out_positional(p: Array, q: Array) -> Array:
    r = np.empty_like(p)
    np.add(p, q, r)
    return r


def out_keyword(p: Array, q: Array) -> Array:
    r = np.empty((2, 3))
    np.multiply(p, q, out=r)
    return r


def out_of_dot(p: Array, q: Array) -> Array:
    r = np.empty((2, 2))
    np.dot(p, q.T, out=r)
    return r


def out_of_a_view(p: Array, q: Array) -> Array:
    np.subtract(p[1], q[1], out=p[1])
    result: Array = p[1]
    return result


def turned(p: Array, q: Array) -> Array:
    return np.asarray(p.T @ q)


def turned_by_function(p: Array, q: Array) -> Array:
    return np.transpose(p) @ q


def turned_by_swapaxes(p: Array, q: Array) -> Array:
    return p.swapaxes(0, 1) @ q


def einsum(p: Array, q: Array) -> Array:
    return np.asarray(np.einsum("jk,lk->jl", p, q))


def dot(p: Array, q: Array) -> Array:
    return np.asarray(np.dot(p, q.T))


def dot_method(p: Array, q: Array) -> Array:
    return np.asarray(p.dot(q.T))


def matmul(p: Array, q: Array) -> Array:
    return p @ q.T


def reflected(p: Array, q: Array) -> Array:
    return 1.0 - p * q


def summed(p: Array, q: Array) -> Array:
    return np.asarray((p * q).sum(axis=1))


def summed_by_function(p: Array, q: Array) -> Array:
    return np.asarray(np.sum(p - q, axis=0))


def outer(p: Array, q: Array) -> Array:
    return np.outer(p[0], q[1])


def stacked(p: Array, q: Array) -> Array:
    return np.stack([p, q])


def beside(p: Array, q: Array) -> Array:
    return np.hstack([p, q])


def concatenated(p: Array, q: Array) -> Array:
    return np.concatenate((p, q), axis=1)


def chosen(p: Array, q: Array) -> Array:
    return np.where(p > q, p, q)


def assigned(p: Array, q: Array) -> Array:
    p[...] = p - 2 * q
    return p


def assigned_row(p: Array, q: Array) -> Array:
    p[1] = q[0]
    return p


def added_at(p: Array, q: Array) -> Array:
    np.add.at(p, (np.array([0, 0]),), q)
    return p


def from_array(p: Array, q: Array) -> Array:
    return np.array(p) * q


def from_asarray(p: Array, q: Array) -> Array:
    return np.asarray(p) * q


def from_a_copy(p: Array, q: Array) -> Array:
    return p.copy() * copy.deepcopy(q)


def from_lists(p: Array, q: Array) -> Array:
    result: Array = p * [q[0], q[1]]
    return result


def by_a_helper(p: Array, q: Array) -> Array:
    return add(p, q)


def by_a_comprehension(p: Array, q: Array) -> Array:
    parts = [2 * (each + q[0]) for each in p]
    result: Array = parts[0]
    return result


ROUTES = (
    add, added_at, assigned, assigned_row, augmented, augmented_view, beside, by_a_comprehension,
    by_a_helper, chosen, concatenated, dot, dot_method, einsum, from_a_copy, from_array,
    from_asarray, from_lists, matmul, out_keyword, out_of_a_view, out_of_dot, out_positional,
    outer, reflected, stacked, summed, summed_by_function, turned, turned_by_function,
    turned_by_swapaxes,
)  # fmt: skip


def traced(program: Callable[[Any, Any], Any]) -> tuple[Trace, Any, Any]:
    """A program's run on P and Q: the trace, the result, and what computed it."""
    trace = Trace()
    with traced_run(trace):
        result = program(trace.given(P, "p"), trace.given(Q, "q"))
        return trace, result, trace.argument(result)


def uses(trace: Trace, node: Node) -> list[bool]:
    """Whether it was computed of P, and of Q."""
    return [node.depends_on(each) for each in trace.nodes[:2]]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.__name__)
def test_a_route_leaves_its_line_and_what_it_uses(
    route: Callable[[Array, Array], Array],
) -> None:
    trace, result, node = traced(route)
    assert np.asarray(result).tobytes() == route(P.copy(), Q.copy()).tobytes()
    assert uses(trace, node) == [True, True]
    lines, first = inspect.getsourcelines(route)
    frames = [frame for frame in node.frames if frame.function == route.__name__]
    assert len(frames) == 1
    assert first < frames[0].line < first + len(lines)
    assert frames[0].file == __file__
    if route is by_a_helper:
        assert [frame.function for frame in node.frames[:2]] == ["add", "by_a_helper"]
    else:
        assert node.frames[0] == frames[0]


def test_what_is_given_is_not_changed() -> None:
    before = P.copy(), Q.copy()
    for route in ROUTES:
        traced(route)
    assert P.tobytes() == before[0].tobytes()
    assert Q.tobytes() == before[1].tobytes()


def test_what_does_not_use_an_array_does_not_use_it() -> None:
    trace, _, node = traced(lambda p, _: p * 2)
    assert uses(trace, node) == [True, False]


def test_an_overwritten_array_is_no_longer_what_it_was() -> None:
    trace = Trace()
    with traced_run(trace):
        p, q = trace.given(P, "p"), trace.given(Q, "q")
        product = p * q
        first = trace.node_of(product)
        product += 1
        second = trace.node_of(product)
    assert second.number > first.number
    assert second.depends_on(first)
    assert first.value.tobytes() == (P * Q).tobytes()


def test_copies_are_known_and_their_own() -> None:
    trace = Trace()
    with traced_run(trace):
        p = trace.given(P, "p")
        for made in (copy.copy(p), copy.deepcopy(p), p.copy(), np.array(p, subok=True)):
            assert trace.node_of(made).depends_on(trace.nodes[0])
            made[...] = 0
            assert p.tobytes() == P.tobytes()


def test_pickles_are_plain() -> None:
    _, p, _ = traced(lambda p, _: p)
    assert type(p) is Traced
    made = pickle.loads(pickle.dumps(p))  # noqa: S301 - ours
    assert type(made) is np.ndarray
    assert made.tobytes() == P.tobytes()
