"""Watching changes no bit, and every NumPy operation leaves its value, its line and its inputs.

Left out: what the operations mean (`test_broken.py`, `test_right.py`).
"""

import copy
import inspect
import math
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from conformance.judging.judge import check_case
from conformance.outcome import Report
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.probe import Sample, probe, unwatched_probe
from conformance.subjects.book.session import UNLIKE
from conformance.subjects.book.subject import book_subject
from conformance.tests.networks import book
from conformance.tests.networks.book import Array
from conformance.tests.networks.right import RIGHT
from conformance.tests.support import recorded
from conformance.verdict.compare import Status
from conformance.watching.events import Event
from conformance.watching.recording import Recording
from conformance.watching.watched import Watched, plain

CLASSES = sorted(RIGHT, key=lambda each: (each.__name__, each.__module__))
IDS = [f"{each.__name__}-{each.__module__.rpartition('.')[2]}" for each in CLASSES]
P = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])
Q = np.array([[0.5, -1.0, 0.25], [2.0, 3.0, -0.125]])


@pytest.mark.parametrize("cls", CLASSES, ids=IDS)
def test_a_watched_run_is_bit_for_bit_the_unwatched_one(cls: type) -> None:
    network = BookNetwork(cls, cls.__name__)
    cost, dtype = network.conventions.cost, network.conventions.dtype
    step = recorded("square-4-4-4-4").steps[0]
    start = step.parameters.map(lambda array: array.astype(dtype))
    batch = step.batch.map(lambda array: array.astype(dtype))
    for i in range(batch.m):
        sample = Sample(start, batch.columns((i,)), cost)
        seen, unseen = probe(network, sample), unwatched_probe(network, sample)
        for one, other in ((seen.nabla_b, unseen.nabla_b), (seen.nabla_w, unseen.nabla_w)):
            for array, right in zip(one, other, strict=True):
                assert type(array) is np.ndarray
                assert (array.dtype, array.shape) == (right.dtype, right.shape)
                assert array.tobytes() == right.tobytes()
        assert all(event is not None for event in (*seen.seen.z, *seen.seen.a))


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
    p[...] = 2 * q
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


def watched() -> tuple[Recording, Watched, Watched]:
    recording = Recording()
    return recording, recording.watch(P, "p"), recording.watch(Q, "q")


def given(recording: Recording) -> Sequence[Event]:
    return recording.events[:2]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.__name__)
def test_a_route_leaves_its_line_and_what_it_uses(
    route: Callable[[Array, Array], Array],
) -> None:
    recording, p, q = watched()
    result = route(p, q)
    right = route(P.copy(), Q.copy())
    assert plain(result).tobytes() == right.tobytes()
    event = recording.find(result)
    assert event is not None
    assert not event.given
    assert all(event.uses(each) for each in given(recording))
    lines, first = inspect.getsourcelines(route)
    frames = [frame for frame in event.frames if frame.function == route.__name__]
    assert len(frames) == 1
    assert first < frames[0].line < first + len(lines)
    assert frames[0].file == __file__
    if route is by_a_helper:
        assert [frame.function for frame in event.frames[:2]] == ["add", "by_a_helper"]
    else:
        assert event.frames[0] == frames[0]


def test_what_is_given_is_not_changed() -> None:
    for route in ROUTES:
        _, p, q = watched()
        before = P.copy(), Q.copy()
        route(p, q)
        assert P.tobytes() == before[0].tobytes()
        assert Q.tobytes() == before[1].tobytes()


def test_what_does_not_use_an_array_does_not_use_it() -> None:
    recording, p, _ = watched()
    event = recording.find(p * 2)
    assert event is not None
    assert [event.uses(each) for each in given(recording)] == [True, False]
    assert event.constants == (2.0,)


def test_the_repr_of_an_event_holds_no_other_event() -> None:
    recording, p, _ = watched()
    event = recording.find(p * 2 + p)
    assert repr(event).count("Event(") == 1


def test_an_overwritten_array_is_no_longer_what_it_was() -> None:
    recording, p, q = watched()
    before = p * q
    kept = np.array(before)
    before += 1
    event, first = recording.find(before), recording.find(kept)
    assert event is not None
    assert first is not None
    assert event.number > first.number
    assert event.uses(first)
    assert first.value.tobytes() == (P * Q).tobytes()


def test_bytes_tell_not_a_number_and_the_sign_of_zero() -> None:
    recording, p, _ = watched()
    with np.errstate(all="ignore"):
        lost, zero = p * np.nan, p * -0.0
    assert recording.find(np.array(lost)) is recording.find(lost)
    assert recording.find(np.array(zero)) is recording.find(zero)
    assert recording.find(np.zeros(P.shape)) is None


def test_a_turned_or_reshaped_array_is_found() -> None:
    recording, p, _ = watched()
    event = recording.find(p + 1)
    for array in ((P + 1).T, (P + 1).T.copy(), (P + 1).ravel(), (P + 1).reshape(3, 2)):
        assert recording.find(array) is event
    assert recording.find(P + 2) is None


def test_pickles_are_plain() -> None:
    _, p, _ = watched()
    made = pickle.loads(pickle.dumps(p))  # noqa: S301 - ours
    assert type(made) is np.ndarray
    assert made.tobytes() == P.tobytes()


def test_copies_are_known_and_their_own() -> None:
    recording, p, _ = watched()
    for made in (copy.copy(p), copy.deepcopy(p), p.copy(), np.array(p), np.array(p, subok=True)):
        assert recording.find(made) is recording.events[0]
        made[...] = 0
        assert p.tobytes() == P.tobytes()


def test_what_is_computed_of_plain_copies_alone_is_not_seen() -> None:
    recording, p, q = watched()
    for unseen in (np.array(p) * np.array(q), np.sum([p, q], axis=0)):
        assert recording.find(unseen) is None
        after = recording.find(p + unseen)
        assert after is not None
        assert [after.uses(each) for each in given(recording)] == [True, False]


def test_plain_takes_lists_and_tuples_apart() -> None:
    _, p, q = watched()
    made = plain([p, (q, 1)])
    assert type(made[0]) is type(made[1][0]) is np.ndarray
    assert made[1][1] == 1


class ByElement(book.Network):
    """Leaves NumPy: σ is taken of one number after the other, by `math`."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        w = [each.tolist() for each in self.weights]
        b = [each.ravel().tolist() for each in self.biases]
        a = [x.ravel().tolist()]
        for rows, biases in zip(w, b, strict=True):
            z = [math.fsum(map(math.prod, zip(r, a[-1], strict=True))) for r in rows]
            a.append([self.sigma(each + bias) for each, bias in zip(z, biases, strict=True)])
        error = [one - float(other) for one, other in zip(a[-1], y.ravel(), strict=True)]
        nabla_b: list[Array] = []
        nabla_w: list[Array] = []
        for i in reversed(range(len(w))):
            delta = [e * s * (1 - s) for e, s in zip(error, a[i + 1], strict=True)]
            nabla_b.insert(0, np.array(delta).reshape(-1, 1))
            nabla_w.insert(0, np.array([[d * each for each in a[i]] for d in delta]))
            columns = zip(*w[i], strict=True)
            error = [math.fsum(map(math.prod, zip(c, delta, strict=True))) for c in columns]
        return nabla_b, nabla_w

    def sigma(self, z: float) -> float:
        """The logistic function of a number."""
        return 1 / (1 + math.exp(-z))


def line_of(method: Any, text: str) -> int:
    lines, first = inspect.getsourcelines(method)
    return first + next(i for i, line in enumerate(lines) if text in line)


def test_a_subject_that_leaves_numpy_is_judged_from_what_it_returns() -> None:
    whole = recorded("contracting-5-4-3-2")
    report = check_case(book_subject(ByElement, "by element"), whole)
    assert report.status is Status.PASS
    hidden = {v.name for v in report.verdicts if v.status is Status.NOT_OBSERVED}
    assert {"z2", "z3", "z4"} <= hidden
    assert {"delta2", "nabla_w2", "w4"} <= {v.name for v in report.passes}


class Notices(book.Network):
    """Computes something else when it is watched."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        nabla_b, nabla_w = super().backprop(x, y)
        return nabla_b, [w if type(w) is np.ndarray else 2 * w for w in nabla_w]


def test_a_network_that_computes_otherwise_when_watched_is_judged_unwatched() -> None:
    report = check_case(book_subject(Notices, "notices"), recorded("contracting-5-4-3-2"))
    assert report.status is Status.PASS
    assert Report("", cases=(report,)).notes == [UNLIKE]
    assert UNLIKE in str(Report("", cases=(report,)))
