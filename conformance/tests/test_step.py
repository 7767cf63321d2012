"""The vocabulary: names and their order, shapes, read-only steps."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

import reference
from reference.step import Array, Batch, Parameters, Step, causal_order, split


def parameters(*sizes: int) -> Parameters:
    """Parameters of ones."""
    return Parameters(
        tuple(np.ones((n, below)) for below, n in pairwise(sizes)),
        tuple(np.ones((n, 1)) for n in sizes[1:]),
    )


def taken() -> Step:
    """A step of a [2, 3, 1] network on two samples."""
    return reference.step(parameters(2, 3, 1), Batch(np.ones((2, 2)), np.zeros((1, 2))), 0.5)


def test_the_causal_order_of_three_layers() -> None:
    assert " ".join(causal_order(3)) == (
        "z2 a2 z3 a3 cost delta3 delta2 nabla_b2 nabla_w2 nabla_b3 nabla_w3 b2 w2 b3 w3"
    )


def test_the_causal_order_of_four_layers() -> None:
    assert " ".join(causal_order(4)) == (
        "z2 a2 z3 a3 z4 a4 cost delta4 delta3 delta2 "
        "nabla_b2 nabla_w2 nabla_b3 nabla_w3 nabla_b4 nabla_w4 b2 w2 b3 w3 b4 w4"
    )


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("cost", ("cost", None)),
        ("delta3", ("delta", 3)),
        ("nabla_w12", ("nabla_w", 12)),
        ("z2", ("z", 2)),
    ],
)
def test_a_name_splits_into_quantity_and_layer(name: str, parts: tuple[str, int | None]) -> None:
    assert split(name) == parts


def test_the_quantities_of_a_step_are_named_in_causal_order() -> None:
    assert tuple(name for name, _ in taken().named()) == causal_order(3)


def test_the_shapes_of_a_step_are_those_of_the_book() -> None:
    shapes = {name: array.shape for name, array in taken().named()}
    assert shapes == {
        "z2": (3, 2),
        "a2": (3, 2),
        "z3": (1, 2),
        "a3": (1, 2),
        "cost": (),
        "delta3": (1, 2),
        "delta2": (3, 2),
        "nabla_b2": (3, 1),
        "nabla_w2": (3, 2),
        "nabla_b3": (1, 1),
        "nabla_w3": (1, 3),
        "b2": (3, 1),
        "w2": (3, 2),
        "b3": (1, 1),
        "w3": (1, 3),
    }


@pytest.mark.parametrize("name", causal_order(3))
def test_no_array_of_a_step_can_be_written_to(name: str) -> None:
    array = dict(taken().named())[name]
    with pytest.raises(ValueError, match="read-only"):
        array[...] = 0


def test_the_owner_of_an_array_in_a_step_can_still_write_to_it() -> None:
    mine = {name: array.copy() for name, array in taken().named()}
    Step.of(mine)
    mine["w2"][...] = 7
    assert mine["w2"].flags.writeable


def test_a_step_is_rebuilt_from_its_names() -> None:
    step = taken()
    again = Step.of(dict(step.named()))
    pairs = zip(step.named(), again.named(), strict=True)
    assert all(a == b and np.array_equal(x, y) for (a, x), (b, y) in pairs)


def test_a_step_without_one_quantity_is_none() -> None:
    named = dict(taken().named())
    del named["delta2"]
    with pytest.raises(KeyError, match="delta2"):
        Step.of(named)


def test_the_next_step_starts_from_the_updated_parameters() -> None:
    step = taken()
    assert step.parameters.w[1] is step.w[1]
    assert step.parameters.b[0] is step.b[0]


def test_a_step_leaves_the_parameters_it_starts_from_alone() -> None:
    start = parameters(2, 3, 1)
    reference.step(start, Batch(np.ones((2, 2)), np.zeros((1, 2))), 0.5)
    assert all((array == 1).all() for _, array in start.named())


def test_sizes_begin_with_the_input_layer() -> None:
    assert parameters(4, 3, 2).sizes == (4, 3, 2)


def test_parameters_are_found_among_other_names() -> None:
    named = dict(parameters(2, 3, 1).named()) | {"0/w2": np.ones(1), "z2": np.ones(1)}
    assert Parameters.of(named).sizes == (2, 3, 1)


def test_a_weight_array_without_its_bias_is_missed() -> None:
    with pytest.raises(KeyError, match="b2"):
        Parameters.of({"w2": np.ones((3, 2))})


@pytest.mark.parametrize(
    ("w", "b"),
    [
        ([], []),
        ([(3, 2)], []),
        ([(3, 2)], [(3,)]),
        ([(3, 2)], [(3, 2)]),
        ([(3, 2)], [(2, 1)]),
        ([(3, 2), (1, 2)], [(3, 1), (1, 1)]),
        ([(2, 3), (1, 3)], [(3, 1), (1, 1)]),
        ([(4,)], [(2, 1)]),
        ([()], [()]),
    ],
)
def test_arrays_that_make_no_network_are_refused(
    w: list[tuple[int, ...]], b: list[tuple[int, ...]]
) -> None:
    with pytest.raises(ValueError, match=r"weight arrays|do(es)? not fit"):
        Parameters(tuple(np.ones(shape) for shape in w), tuple(np.ones(shape) for shape in b))


def test_the_message_on_a_misfit_names_the_layer_and_the_shape_it_needs() -> None:
    with pytest.raises(ValueError, match=r"w3 \(1, 2\).*expected \(1, 3\)"):
        Parameters((np.ones((3, 2)), np.ones((1, 2))), (np.ones((3, 1)), np.ones((1, 1))))


@pytest.mark.parametrize(
    ("x", "y"),
    [((2, 3), (1, 2)), ((2,), (1,)), ((2, 0), (1, 0)), ((2, 3), (3,)), ((), ()), ((2, 1, 1),) * 2],
)
def test_what_is_not_columns_of_samples_is_refused(x: tuple[int, ...], y: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not columns of samples"):
        Batch(np.ones(x), np.ones(y))


@pytest.mark.parametrize(
    ("samples", "columns"),
    [
        ((2, 0, 2), [2, 0, 2]),
        (slice(1, 3), [1, 2]),
        (np.array([3]), [3]),
    ],
)
def test_columns_keep_their_order_and_stay_in_pairs(
    samples: slice | tuple[int, ...] | Array, columns: list[int]
) -> None:
    few = Batch(np.arange(8).reshape(2, 4), np.arange(4).reshape(1, 4)).columns(samples)
    assert few.y.tolist() == [columns]
    assert few.x.tolist() == [columns, [4 + column for column in columns]]
    assert few.m == len(columns)


@pytest.mark.parametrize("function", [np.negative, np.float32])
def test_map_reaches_every_array(function: Callable[[Array], Array]) -> None:
    mapped = parameters(2, 3, 1).map(function)
    assert all(np.array_equal(a, function(np.ones(a.shape))) for _, a in mapped.named())
    assert mapped.w[0].dtype == function(np.ones(1)).dtype
