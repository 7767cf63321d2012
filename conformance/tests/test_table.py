"""The table of a step is that of `reference.backprop.step`: values, order, inputs, shapes, code."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from conformance.model.formula import line
from conformance.model.functions import ACTIVATIONS, COSTS, DROPOUT
from conformance.model.row import given, of_batch, run
from conformance.model.table import TAGS, equations, of_layers, rows
from reference import families, step
from reference.equations import ACTIVATIONS as BOOK_ACTIVATIONS
from reference.equations import BOOK, SIGMOID
from reference.equations import COSTS as BOOK_COSTS
from reference.step import Array, Batch, Parameters, causal_order
from reference.updates import UPDATES

ETA, DECAY = 0.75, 0.125
SIZES = [(3, 2), (2, 3, 1), (4, 4, 4, 4), (5, 2, 3, 4, 2)]


def _id(sizes: Sequence[int]) -> str:
    return "-".join(map(str, sizes))


NETWORKS = [
    pytest.param(sizes, (cost, hidden, output), id=f"{_id(sizes)}-{hidden}-{output}-{cost}")
    for sizes in SIZES
    for cost, each in COSTS.items()
    for hidden in ([name for name, f in ACTIVATIONS.items() if f.hidden] if sizes[2:] else [""])
    for output in each.outputs
]
Family = tuple[str, str, str]
"""A cost, the activation of the hidden layers and that of the output."""


def activations(sizes: Sequence[int], family: Family) -> tuple[str, ...]:
    """Those of the layers 2 … L."""
    return (*[family[1]] * (len(sizes) - 2), family[2])


def start(sizes: Sequence[int], family: Family = ("", "", "")) -> tuple[Parameters, Batch]:
    """Parameters and samples, drawn, with targets between 0 and 1, and masks where there are."""
    m = 3
    rng = np.random.default_rng(5)
    w = tuple(rng.normal(size=(n, below)) for below, n in pairwise(sizes))
    b = tuple(rng.normal(size=(n, 1)) for n in sizes[1:])
    x, y = rng.normal(size=(sizes[0], m)), rng.random((sizes[-1], m))
    hidden = sizes[1:-1] if family[1].endswith(DROPOUT) else ()
    return Parameters(w, b), Batch(x, y, tuple(2.0 * rng.integers(0, 2, (n, m)) for n in hidden))


def by_reference(
    parameters: Parameters, batch: Batch, family: Family, eta: float = ETA, decay: float = DECAY
) -> dict[str, Array]:
    """The quantities of a step, by the hand-written one."""
    cost, hidden, output = family
    pair = BOOK_ACTIVATIONS.get(hidden.removesuffix(DROPOUT), SIGMOID), BOOK_ACTIVATIONS[output]
    *below, top = families.of_layers(len(parameters.sizes), *pair, BOOK_COSTS[cost])
    below = [families.with_dropout(each) for each in below] if batch.masks else below
    book = (*below, top)
    return dict(step(parameters, batch, eta, decay, book).named())


@pytest.mark.parametrize(("sizes", "family"), NETWORKS)
def test_walking_the_table_gives_the_step_of_the_reference(
    sizes: tuple[int, ...], family: Family
) -> None:
    parameters, batch = start(sizes, family)
    table = rows(len(sizes), family[0], activations(sizes, family))
    values = given(parameters, batch, ETA, DECAY)
    made = run(table.values(), lambda row, arguments: row.function(*arguments), values)
    right = by_reference(parameters, batch, family)
    assert tuple(made) == tuple(table) == causal_order(len(sizes))
    for name, array in right.items():
        np.testing.assert_array_equal(made[name], array, name)
        assert table[name].shape(sizes, batch.m) == array.shape


def entering(name: str, sizes: tuple[int, ...], family: Family) -> set[str]:
    """What the hand-written equation of a quantity takes, found by changing one thing at a time.

    The step is traced: each equation notes its name, and its arguments are told by identity.
    """
    parameters, batch = start(sizes, family)
    names = iter(causal_order(len(sizes)))
    values = given(parameters, batch, np.array(ETA), np.array(DECAY))
    known = {id(array): key for key, array in values.items()}
    kept: list[Any] = [values]  # so that no identity is used twice
    found: dict[str, set[str]] = {}

    def traced(function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            own = next(names)
            found[own] = {known[id(each)] for each in arguments}
            result = np.array(function(*arguments))
            kept.append(result)
            known[id(result)] = own
            return result

        return call

    book = of_layers(family[0], activations(sizes, family))
    wrapped = [
        type(each)(**{field: traced(function) for field, function in vars(each).items()})
        for each in book
    ]
    step(parameters, batch, values["eta"], values["decay"], wrapped)
    return found[name]


@pytest.mark.parametrize("update", UPDATES)
def test_the_code_of_each_update_gives_the_step_of_the_reference(update: str) -> None:
    parameters, batch = start((2, 3, 1))
    rule = UPDATES[update]
    before = step(rule.begun(parameters), batch, ETA, DECAY, update=rule).parameters
    table = rows(3, update=update)
    values = given(before, batch, ETA, DECAY, rule.constants)
    made = run(table.values(), lambda row, arguments: row.function(*arguments), values)
    right = dict(step(before, batch, ETA, DECAY, update=rule).named())
    names: dict[str, Any] = {"np": np, "m": batch.m, "n": 4, "lmbda": 4 * DECAY, **values}
    exec("\n".join(line(row, decaying=True) for row in table.values()), names)  # noqa: S102
    assert tuple(made) == tuple(table) == tuple(right) == causal_order(3, rule.state)
    for name, array in right.items():
        np.testing.assert_allclose(made[name], array, rtol=1e-14, atol=1e-17)
        np.testing.assert_allclose(names[name], array, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("sizes", "family"), NETWORKS)
def test_each_row_takes_what_the_hand_written_step_gives_to_its_equation(
    sizes: tuple[int, ...], family: Family
) -> None:
    for name, row in rows(len(sizes), family[0], activations(sizes, family)).items():
        assert set(row.inputs) == entering(name, sizes, family)
        made = {each for each in causal_order(len(sizes)) if each[0] not in "wb"}
        assert set(row.made) == made & set(row.inputs)


def test_the_tags_are_in_causal_order() -> None:
    tags = dict.fromkeys(row.tag for row in rows(4, update="momentum").values())
    assert tuple(tags) == TAGS == ("Z", "A", "C", "BP1", "BP2", "BP3", "BP4", "V", "B", "W")


def test_a_layer_may_have_its_own_activation_and_the_book_has_one_everywhere() -> None:
    table = rows(3, "quadratic", ("sigmoid", "sigmoid"))
    assert [row.function for row in table.values()] == [row.function for row in rows(3).values()]
    assert equations() == BOOK


@pytest.mark.parametrize("name", [n for n, f in ACTIVATIONS.items() if f.hidden and not f.masked])
def test_a_derivative_is_that_of_its_function_and_of_its_activation(name: str) -> None:
    f, z, h = ACTIVATIONS[name], np.linspace(-2, 2, 8), 1e-6  # without 0, where ReLU has none
    slope = (f.function(z + h) - f.function(z - h)) / (2 * h)
    np.testing.assert_allclose(f.prime(z), slope, rtol=1e-8)
    assert f.prime_of_a is not None
    np.testing.assert_allclose(f.prime_of_a(f.function(z)), f.prime(z), rtol=1e-12)


@pytest.mark.parametrize(
    ("cost", "activation"), [(cost, each) for cost in COSTS for each in COSTS[cost].outputs]
)
def test_the_output_error_is_the_derivative_of_the_cost_by_z(cost: str, activation: str) -> None:
    z, y, h = np.array([[0.4], [0.9]]), np.array([[0.25], [0.75]]), 1e-6  # y of a sum of 1
    book = equations(cost, activation)

    def value(z: Array) -> Array:
        return book.cost(book.activation(z), y)

    for i in range(len(z)):
        step_up = h * (np.arange(len(z)) == i)[:, None]
        slope = (value(z + step_up) - value(z - step_up)) / (2 * h)
        right = book.output_error(z, book.activation(z), y)[i, 0]
        np.testing.assert_allclose(slope, right, rtol=1e-7)


@pytest.mark.parametrize(("sizes", "family"), NETWORKS)
@pytest.mark.parametrize("decay", [0.0, DECAY])
def test_the_code_of_the_rows_gives_the_step_of_the_reference(
    sizes: tuple[int, ...], family: Family, decay: float
) -> None:
    parameters, batch = start(sizes, family)
    n = 4
    names: dict[str, Any] = {"np": np, "eta": ETA, "m": batch.m, "n": n, "lmbda": decay * n}
    names |= {**of_batch(batch), **dict(parameters.named())}
    table = rows(len(sizes), family[0], activations(sizes, family))
    lines = [line(row, decaying=decay > 0) for row in table.values()]
    exec("\n".join(lines), names)  # noqa: S102 - as the saved script runs them
    for name, right in by_reference(parameters, batch, family, decay=decay).items():
        np.testing.assert_allclose(names[name], right, rtol=1e-12, atol=1e-15)
