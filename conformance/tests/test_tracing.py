"""A run that is traced is the run that it would be, and can be evaluated again on other numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.arithmetic.balls import precision
from conformance.arithmetic.exact import to_exact
from conformance.tracing.index import as_floats
from conformance.tracing.node import filled
from conformance.tracing.replay import Replay
from conformance.tracing.substitute import substituted, traced_program
from conformance.tracing.trace import Trace
from reference.step import Array

Program = Callable[[Any, Any], Any]


def in_place(a: Any, b: Any) -> Any:
    total = np.zeros((3, 4))
    total += a
    total[1] -= b[0]
    total[:, 2] *= 2.0
    return total


def through_a_view(a: Any, b: Any) -> Any:
    block = np.zeros(12)
    left = block[:4].reshape(2, 2)
    left[...] = a[:2, :2]
    block[8:] = b[1]
    left[0] += b[0, :2]
    return block * 3.0


def written_after_it_was_read(a: Any, b: Any) -> Any:
    kept = a.copy()
    before = kept * 2.0
    kept[0] = b[0]
    return before + kept


def out_arguments(a: Any, b: Any) -> Any:
    result = np.empty((3, 4))
    np.multiply(a, b, out=result)
    np.add(result, a, out=result)
    return result


def where_argument(a: Any, b: Any) -> Any:
    result = np.ones((3, 4))
    np.divide(a, b, out=result, where=np.arange(4) > 1)
    return result


def parts_of_a_vector(a: Any, b: Any) -> Any:
    whole = a.ravel().copy()
    first, rest = np.split(whole, [5])
    first[...] = b[0, 0]
    return whole[:10].reshape(5, 2) * rest[0]


def fancy_indices(a: Any, b: Any) -> Any:
    picked = a[[2, 0, 0], [1, 1, 3]]
    b[[0, 2]] = a[[1, 1]]
    return picked.sum() + b


def added_at(a: Any, b: Any) -> Any:
    total = np.zeros(4)
    np.add.at(total, [1, 1, 3], a[:, 0])
    return total * b[0]


def entry_by_entry(a: Any, b: Any) -> Any:
    result = np.zeros((3, 4))
    for j in range(3):
        for k in range(4):
            result[j, k] = a[j, k] * b[j, k] - a[j, 0]
    return result


def lists_of_numbers(a: Any, b: Any) -> Any:
    rows = [[x * y for x, y in zip(p, q, strict=True)] for p, q in zip(a, b, strict=True)]
    return np.array(rows) + np.array(a.tolist())


def flat_iteration(a: Any, b: Any) -> Any:
    result = np.zeros(12)
    for i, number in enumerate(a.flat):
        result[i] = number * 2.0
    result.reshape(3, 4)[...] += b
    result.flat[:] = b[:2].T
    return result


def stacked(a: Any, b: Any) -> Any:
    wide = np.hstack([a, b, np.ones((3, 1))])
    return wide @ np.vstack([b.T, a.T, np.zeros((1, 3))])


def einsum(a: Any, b: Any) -> Any:
    return np.einsum("ij,kj->ik", a, b) + np.tensordot(a, b.T, axes=1)


def split_and_joined(a: Any, b: Any) -> Any:
    first, second = np.split(a, 2, axis=1)
    return np.concatenate((second, first), axis=1) * b


def filled_by_a_mask(a: Any, b: Any) -> Any:
    result = np.zeros_like(a)
    high = a > 0
    result[high] = a[high] * 2.0
    result[~high] = b[~high]
    return result


def reductions(a: Any, b: Any) -> Any:
    return a.mean(axis=0) * b.sum() + np.sum([a, b], axis=0) - b.max(axis=1, keepdims=True)


def turned_and_reshaped(a: Any, b: Any) -> Any:
    return (a.T.reshape(3, 4).ravel() * b.flatten()).reshape(4, 3).swapaxes(0, 1)


def an_array_that_is_kept(a: Any, b: Any) -> Any:
    kept = KEPT.copy()
    kept += a
    kept = kept + b
    return kept * 2.0


def copied_by_bytes(a: Any, b: Any) -> Any:
    return np.frombuffer(a.tobytes()).reshape(3, 4) * b


def vectorized(a: Any, b: Any) -> Any:
    return np.vectorize(lambda x, y: x * y - 1.0)(a, b)


def diagonal_filled(a: Any, b: Any) -> Any:
    square = a @ b.T
    np.fill_diagonal(square, a[:, 0])
    return square


KEPT = np.arange(12.0).reshape(3, 4)


def layers_in_one_array(a: Any, b: Any) -> Any:
    layers = np.empty(2, dtype=object)
    layers[0], layers[1] = a, b
    return np.vstack(list(a[0, 0] * (layers + layers) - 0.5 * layers))


def numbers_among_objects(a: Any, b: Any) -> Any:
    rows = np.array([a[0], b[0]], dtype=object)
    rows[1] -= 0.5 * rows[0]
    rows[0, 2] = rows[1].dot(np.array([0.5, 2.0, 3.0, -1.0], dtype=object))
    return rows.astype(float)


PROGRAMS = (
    added_at, an_array_that_is_kept, copied_by_bytes, diagonal_filled, einsum, entry_by_entry,
    fancy_indices, filled_by_a_mask, flat_iteration, in_place, layers_in_one_array,
    lists_of_numbers, numbers_among_objects, out_arguments, reductions, split_and_joined, stacked,
    through_a_view, parts_of_a_vector, turned_and_reshaped, vectorized, where_argument,
    written_after_it_was_read,
)  # fmt: skip


def numbers(seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3, 4)), rng.normal(size=(3, 4))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda each: each.__name__)
def test_a_traced_run_gives_bit_for_bit_what_it_gives_untraced(program: Program) -> None:
    a, b = numbers(1)
    trace = Trace()
    with substituted(trace):
        traced = program(trace.given(a, "a"), trace.given(b, "b"))
    assert np.array(traced).tobytes() == np.asarray(program(*numbers(1))).tobytes()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda each: each.__name__)
def test_a_trace_is_evaluated_again_on_other_numbers_as_the_program_would(program: Program) -> None:
    a, b = numbers(1)
    trace = Trace()
    with substituted(trace):
        given = trace.given(a, "a"), trace.given(b, "b")
        first = [each.node.number for each in given]
        node = trace.argument(program(*given))
    # The same signs, for a comparison keeps its outcome.
    other = [np.abs(c) * np.sign(d) for c, d in zip(numbers(2), (a, b), strict=True)]
    with precision(200):
        replay = Replay(trace, dict(zip(first, map(to_exact, other), strict=True)))
        again = as_floats(replay.value(node))
        assert replay.exact(node), replay.inexact
    right = np.asarray(program(*(each.copy() for each in other)))
    assert np.allclose(again, right, rtol=1e-12, atol=1e-14)


def test_a_float_of_python_takes_the_precision_of_what_it_meets() -> None:
    trace = Trace()
    rate = trace.number(0.3, trace.node("given eta", None, (), {}, np.array(0.3)))
    assert (rate / 3 * np.ones(2, np.float32)).dtype == np.float32
    assert (np.float64(0.3) / 3 * np.ones(2, np.float32)).dtype == np.float64
    assert [each.operation for each in trace.nodes] == [
        "given eta",
        "divide",
        "constant",
        "multiply",
    ]


@pytest.mark.parametrize("kind", [float, np.float64])
def test_a_number_that_is_rounded_stands_for_what_it_was(kind: Any) -> None:
    trace = Trace()
    node = trace.node("given x", None, (), {}, np.array(0.12345))
    number = trace.number(kind(0.12345), node)
    rounded = round(number, 2)
    assert float(rounded) == 0.12
    assert round(number) == 0
    replay = Replay(trace)
    assert as_floats(replay.value(rounded.node)) == 0.12345
    assert [*replay.leaves] == [rounded.node.number]


@pytest.mark.parametrize(
    ("dtype", "left"), [(np.float64, ["astype to float32"]), (np.float32, ["astype to float16"])]
)
def test_a_cast_leaves_exact_arithmetic_if_it_narrows(dtype: Any, left: list[str]) -> None:
    trace = Trace()
    x = trace.given(np.array([0.1, 0.7], dtype), "x")
    narrow = np.float32 if dtype is np.float64 else np.float16
    made = trace.argument(x.astype(np.float64).astype(narrow).astype(np.float64) * 2)
    replay = Replay(trace)
    replay.value(made)
    assert [*replay.leaves.values()] == left


def test_what_is_computed_of_a_program_that_is_over_has_no_limit() -> None:
    trace, x = Trace(most=1), np.ones(2)
    with traced_program(trace, in_place):
        given = trace.given(x, "x")
    assert [each.operation for each in (given * 2.0).tracer.nodes] == ["given x", "multiply"]


@pytest.mark.parametrize("read", [lambda c: c, lambda c: c[1], lambda c: c.T[2:]])
def test_what_is_written_unseen_is_no_result_of_what_was_there(read: Callable[..., Any]) -> None:
    trace, (a, _) = Trace(), numbers(1)
    with substituted(trace):
        made = trace.given(a, "a") * 0.5
        _ = made[1] + 1.0, made.T[2:] + 1.0  # these parts were read before
        entry: Any
        for entry in np.nditer(made, [], [["readwrite"]]):
            entry[...] += 1.0
        node = trace.argument(read(made))
    assert np.array_equal(node.value, read(a * 0.5 + 1.0))
    assert not node.depends_on(trace.nodes[0])


def test_an_array_whose_columns_lie_together_is_written_into() -> None:
    after = filled(np.asfortranarray(np.zeros((2, 3))), [(np.array([1]), 5.0)])
    assert after.tolist() == [[0, 5, 0], [0, 0, 0]]


def test_an_array_that_came_in_after_what_is_cut_off_comes_in_again() -> None:
    trace, y = Trace(), np.arange(6.0)
    given = trace.given(np.ones(6), "x")
    first = given * y[::2].repeat(2)
    _ = given * y
    trace.cut([first.node])
    product = (given * y).node
    assert all(trace.has(each) for each in product.inputs)
