"""Tests of the tolerance: no correct program may be outside, and little else may be inside.

The correct programs are NumPy's step, PyTorch's, and one in plain loops, on networks with ordinary,
saturated, tiny, huge, zero and subnormal numbers. Each rule is also tried alone, on three numbers
that are as far apart as their bound allows: the exact one, a computed one, the centre.

Left out: the truth itself (`test_balls.py`).
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any, TypeAlias

import flint
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from conformance.arithmetic.balls import balls, is_balls, precision, rounded
from conformance.arithmetic.rounding import Precision, RunningError
from conformance.corpus.case import Case
from conformance.corpus.recipe import drawn, dyadics
from conformance.model.functions import ACTIVATIONS, DROPOUT
from conformance.model.functions import COSTS as TABLE
from conformance.model.table import of_layers
from conformance.tests.parts import few
from conformance.verdict.oracle import exact_step, expectations
from reference import equations
from reference.backprop import step
from reference.equations import (
    COSTS,
    SLOPE,
    relu,
    relu_prime,
    sigmoid,
    sigmoid_prime,
    softmax,
    tanh_prime,
)
from reference.step import Array, Batch, Parameters, Step
from torch_impl.step import Trainer

PROFILE = settings(max_examples=few(12, 30), deadline=None, derandomize=True)
BITS = 2048

Dtype: TypeAlias = Any  # np.float64 or np.float32
Network: TypeAlias = tuple[Case, Parameters, Batch]
DTYPES: tuple[Dtype, ...] = (np.float64, np.float32)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_centre = pytest.mark.parametrize("exact_centre", [False, True], ids=["floats", "balls"])


# Networks


@cache
def kinds(dtype: Dtype) -> dict[str, st.SearchStrategy[float]]:
    """Numbers of several kinds, all of them exact in the dtype."""
    info, width = np.finfo(dtype), 8 * dtype().itemsize

    def within(limit: float) -> st.SearchStrategy[float]:
        limit = float(dtype(limit))
        return st.floats(-limit, limit, width=width)

    return {
        "normal": within(3),
        "saturated": within(1e3),
        "tiny": within(1e-30),
        "huge": within(1e30 if dtype is np.float32 else 1e150),
        "subnormal": within(float(info.tiny)),
        "zero": st.just(0.0),
    }


@cache
def mixed(dtype: Dtype, *names: str) -> st.SearchStrategy[float]:
    """Numbers of these kinds."""
    return st.one_of([kinds(dtype)[name] for name in names])


@cache
def targets(dtype: Dtype) -> st.SearchStrategy[float]:
    """Targets between 0 and 1, most often at an end."""
    width = 8 * dtype().itemsize
    return st.sampled_from([0.0, 1.0]) | st.floats(0, 1, width=width)


HIDDEN = [name for name, each in ACTIVATIONS.items() if each.hidden]


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A network of 2 to 4 layers, its mini-batch, and rates that are exact in float32."""
    dtype = draw(st.sampled_from(DTYPES))
    names = draw(st.sets(st.sampled_from(sorted(kinds(dtype))), min_size=1))
    numbers = mixed(dtype, *sorted(names))
    sizes = tuple(draw(st.lists(st.integers(1, 6), min_size=2, max_size=4)))
    m = draw(st.integers(1, 5))

    def array(*shape: int) -> Array:
        return draw(arrays(dtype, shape, elements=numbers))

    w = tuple(array(here, below) for below, here in pairwise(sizes))
    b = tuple(array(here, 1) for here in sizes[1:])
    cost = draw(st.sampled_from(sorted(COSTS)))
    hidden, output = draw(st.sampled_from(HIDDEN)), draw(st.sampled_from(TABLE[cost].outputs))
    if cost == "log-likelihood":
        classes = [draw(st.integers(0, sizes[-1] - 1)) for _ in range(m)]
        y = np.eye(sizes[-1], dtype=dtype)[:, classes]
    else:
        y = draw(arrays(dtype, (sizes[-1], m), elements=targets(dtype)))
    case = case_of(
        sizes,
        dtype,
        cost,
        eta=draw(st.sampled_from([0.5, 0.125, 3.0, 0.0])),
        lmbda=draw(st.sampled_from([0.0, 0.3125, 5.0])),
        n=draw(st.sampled_from([7, 1, 5120])),
        activations=(*[hidden] * (len(sizes) - 2), output),
    )
    kept = st.sampled_from([0.0, 1.0, 2.0])
    hidden_sizes = sizes[1:-1] if case.masks else ()
    masks = tuple(draw(arrays(dtype, (n, m), elements=kept)) for n in hidden_sizes)
    return case, Parameters(w, b), Batch(array(sizes[0], m), y, masks)


def case_of(
    sizes: tuple[int, ...],
    dtype: Dtype,
    cost: str = "quadratic",
    eta: float = 0.5,
    lmbda: float = 0.0,
    n: int = 7,
    activations: tuple[str, ...] = (),
) -> Case:
    """A case with these numbers and no reason to be recorded."""
    if not activations:
        activations = (*["sigmoid"] * (len(sizes) - 2), TABLE[cost].outputs[0])
    rates = eta, lmbda, n
    name = np.dtype(dtype).name
    return Case("drawn", sizes, cost, *rates, name, ((0,),), "", (), activations)


def ordinary(dtype: Dtype, cost: str) -> Network:
    """A network as in the book: standard normal parameters, inputs in [−1, 1]."""
    sizes = (4, 4, 4, 4)
    x, y = (dyadics(seed, 12, dtype).reshape(4, 3) for seed in (2, 3))
    case = case_of(sizes, dtype, cost, lmbda=0.3125)
    targets = np.eye(4, 3, dtype=dtype) if cost == "log-likelihood" else abs(y)
    return case, drawn(sizes, 1, dtype), Batch(x, targets)


# Subjects


def in_numpy(case: Case, parameters: Parameters, batch: Batch) -> Step:
    """The reference, as users run it."""
    return step(parameters, batch, case.eta, case.decay, of_layers(case.cost, case.activations))


def in_torch(case: Case, parameters: Parameters, batch: Batch) -> Step:
    """Autograd and torch.optim.SGD."""
    return Trainer(parameters, case.cost, case.eta, case.decay, case.activations).step(batch)


def in_loops(case: Case, parameters: Parameters, batch: Batch) -> Step:
    """One sample after another, one number after another, as in C; a sum begins with its bias."""
    samples = [_one_sample(case, parameters, batch.columns((i,))) for i in range(batch.m)]
    z, a, delta = (
        tuple(np.stack(layer, axis=1) for layer in zip(*quantity, strict=True))
        for quantity in list(zip(*samples, strict=True))[:3]
    )
    m, eta = case.type.type(batch.m), case.type.type(case.eta)
    cost = sequential([sample[3] for sample in samples]) / m
    sums = [
        (
            sequential(list(d.T[:, :, None])),
            sequential([np.outer(*pair) for pair in zip(d.T, below.T, strict=True)]),
        )
        for d, below in zip(delta, (batch.x, *a[:-1]), strict=True)
    ]
    shrink = case.type.type(1 - case.eta * case.decay)
    return Step(
        z,
        a,
        np.asarray(cost),
        delta,
        tuple(nabla_b / m for nabla_b, _ in sums),
        tuple(nabla_w / m for _, nabla_w in sums),
        tuple(b - eta / m * nabla for b, (nabla, _) in zip(parameters.b, sums, strict=True)),
        tuple(
            shrink * w - eta / m * nabla for w, (_, nabla) in zip(parameters.w, sums, strict=True)
        ),
    )


def _log_softmax(z: Array) -> Any:
    largest = z.max()
    return z - largest - np.log(np.exp(z - largest).sum())


BY_HAND: dict[str, Callable[[Array], Any]] = {
    "sigmoid": sigmoid,
    "tanh": lambda z: 2 * sigmoid(2 * z) - 1,
    "relu": lambda z: np.maximum(z, 0),
    "leaky-relu": lambda z: np.where(z >= 0, z, z * z.dtype.type(SLOPE)),
    "linear": lambda z: z,
    "softmax": lambda z: np.exp(_log_softmax(z)),
}
"""Activations as others compute them."""

SLOPES: dict[str, Callable[[Array], Any]] = {
    "sigmoid": lambda z: sigmoid(z) * sigmoid(-z),
    "tanh": lambda z: 1 - np.square(2 * sigmoid(2 * z) - 1),
    "relu": lambda z: np.heaviside(z, z.dtype.type(0)),
    "leaky-relu": lambda z: np.where(z > 0, z.dtype.type(1), z.dtype.type(SLOPE)),
}


def _one_sample(case: Case, parameters: Parameters, batch: Batch) -> tuple[Any, ...]:
    x, y, masks = batch.x[:, 0], batch.y[:, 0], [each[:, 0] for each in batch.masks]
    z, a = [], [x]
    masks = masks or [np.ones((), case.type)] * (case.layers - 2)
    names = [name.removesuffix(DROPOUT) for name in case.activations]
    for w, b, name, mask in zip(parameters.w, parameters.b, names, [*masks, 1], strict=True):
        z.append(
            sequential([b[:, 0], *(column * here for column, here in zip(w.T, a[-1], strict=True))])
        )
        a.append(BY_HAND[name](z[-1]) * mask)
    column = (a[-1][:, None], y[:, None])
    output = of_layers(case.cost, case.activations)[-1]
    cost = output.cost(*column)
    delta = [output.output_error(z[-1][:, None], *column)[:, 0]]
    hidden = zip(parameters.w[:0:-1], z[-2::-1], names[-2::-1], masks[::-1], strict=True)
    for w, here, name, mask in hidden:
        back = sequential([row * error for row, error in zip(w, delta[-1], strict=True)])
        delta.append(back * (SLOPES[name](here) * mask))
    return z, a[1:], delta[::-1], cost


SUBJECTS: dict[str, Callable[[Case, Parameters, Batch], Step]] = {
    "reference": in_numpy,
    "torch_impl": in_torch,
    "loops": in_loops,
}


def shown_by_all(network: Network) -> Iterator[tuple[str, dict[str, Array]]]:
    """Each subject's name and its step by name; where it overflows is none of its fault."""
    for name, subject in SUBJECTS.items():
        with np.errstate(all="ignore"):
            yield name, dict(subject(*network).named())


def expected_of(
    case: Case,
    parameters: Parameters,
    batch: Batch,
    *,
    exact_centre: bool = False,
    shown: Mapping[str, Array] | None = None,
) -> dict[str, RunningError]:
    """What is expected of a step, around floats or (at the precision in force) around balls."""
    if exact_centre:
        parameters, batch = parameters.map(balls), batch.map(balls)
    with np.errstate(all="ignore"):
        return expectations(case, parameters, batch, shown)


def outside(shown: Mapping[str, Array], expected: Mapping[str, RunningError]) -> list[str]:
    """The quantities that have an entry, finite or not, beyond its finite tolerance."""
    return [
        f"{name}{[int(i) for i in index]}"
        for name, array in shown.items()
        for index in np.argwhere(~within(array, expected[name]))
    ]


def within(array: Array, expected: RunningError) -> Array:
    """Which entries are within their bound, or have none."""
    centre, bound, unknown = expected.value, expected.bound, np.isinf(expected.tolerance())
    got = balls(array) if is_balls(centre) else np.asarray(array, np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(unknown | np.asarray(abs(got - centre) <= bound, dtype=bool))


@given(networks())
@PROFILE
def test_a_step_lies_within_the_bounds_around_float_centres(network: Network) -> None:
    expected = expected_of(*network)
    found = {name: outside(shown, expected) for name, shown in shown_by_all(network)}
    assert not any(found.values()), found


@given(networks())
@settings(PROFILE, max_examples=25)
def test_a_step_lies_within_the_bounds_around_exact_centres(network: Network) -> None:
    with precision(BITS):
        expected = expected_of(*network, exact_centre=True)
        found = {name: outside(shown, expected) for name, shown in shown_by_all(network)}
    assert not any(found.values()), found


@given(networks())
@settings(PROFILE, max_examples=25)
def test_the_exact_step_lies_within_the_bounds_around_float_centres(network: Network) -> None:
    expected = expected_of(*network)
    with precision(BITS):
        exact = dict(exact_step(*network).named())
        wrong = [
            name
            for name, each in expected.items()
            for right, centre, bound in zip(
                *(np.ravel(part) for part in (exact[name], each.value, each.tolerance())),
                strict=True,
            )
            if np.isfinite(bound) and not abs(right - flint.arb(centre)) <= flint.arb(bound)
        ]
    assert not wrong


@given(networks())
@PROFILE
def test_each_quantity_follows_within_its_bound_from_those_shown_before(network: Network) -> None:
    found = {}
    for name, shown in shown_by_all(network):
        finite = {each: array for each, array in shown.items() if np.isfinite(array).all()}
        found[name] = outside(finite, expected_of(*network, shown=finite))
    assert not any(found.values()), found


# One equation alone: ways to compute it that are all correct


def single(dtype: Dtype, w: Iterable[Any], x: float, b: Any, **rates: Any) -> Network:
    """One neuron with one sample."""
    row = np.array([list(w)], dtype)
    start = Parameters((row,), (np.array([[b]], dtype),))
    batch = Batch(np.full((row.size, 1), x, dtype), np.zeros((1, 1), dtype))
    return case_of((row.size, 1), dtype, **rates), start, batch


@each_dtype
@each_centre
def test_the_sum_of_a_weighted_input_may_begin_with_the_bias(
    dtype: Dtype, exact_centre: bool
) -> None:
    half_ulp = float(np.finfo(dtype).eps) / 2
    case, start, batch = single(dtype, [half_ulp] * 6, x=1, b=1)
    z = sequential([dtype(1), *start.w[0][0]])  # each term is lost: 1 + u rounds to 1
    with precision(BITS):
        expected = expected_of(case, start, batch, exact_centre=exact_centre)
        assert within(z.reshape(1, 1), expected["z2"]).all()


@given(z=st.floats(-700, 700), y=targets(np.float64))
@example(z=-8.0, y=0.0)
@example(z=-30.0, y=0.0)
@PROFILE
@each_dtype
def test_the_cross_entropy_may_be_computed_from_z(dtype: Dtype, z: float, y: float) -> None:
    z, y = dtype(z), dtype(y)
    with np.errstate(under="ignore"):
        ln_sigma = np.minimum(z, dtype(0)) - np.log1p(np.exp(-abs(z)))
        cost = (dtype(1) - y) * z - ln_sigma
    case, start, batch = single(dtype, [0], x=1, b=z, cost="cross-entropy")
    batch = replace(batch, y=np.array([[y]]))
    expected = expected_of(case, start, batch, shown={"z2": np.array([[z]])})
    assert within(np.asarray(cost), expected["cost"]).all()


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
@pytest.mark.parametrize("name", ["cost", "delta2"])
@each_dtype
def test_cost_and_output_error_may_be_computed_from_z(dtype: Dtype, cost: str, name: str) -> None:
    z = np.array([[1.3]], dtype)
    y = sigmoid(z)
    shown = {"z2": z, "a2": np.nextafter(y, dtype(1))}  # as another exp may give it
    case, start, batch = single(dtype, [0], x=1, b=z.item(), cost=cost)
    expected = expected_of(case, start, replace(batch, y=y), shown=shown)[name]
    computed = COSTS[cost].value(y, y) if name == "cost" else COSTS[cost].delta(z, y, y)
    assert within(np.asarray(computed), expected).all()


DECAYED = st.floats(-3, 3) | st.one_of(
    kinds(np.float32)["subnormal"], kinds(np.float64)["subnormal"]
)


@given(
    w=DECAYED,
    nabla=DECAYED,
    eta=st.sampled_from([0.5, 3.0, 1.0]),
    rate=st.sampled_from([(0.0, 1), (0.3125, 7), (5.0, 50), (1.0, 3)]),
)
@example(w=0.8414536, nabla=-0.00016234755, eta=3.0, rate=(1.0, 3))
@example(w=4.2e-45, nabla=0.0, eta=3.0, rate=(1.0, 7))
@example(w=1.5e-323, nabla=0.0, eta=3.0, rate=(1.0, 7))
@PROFILE
@each_dtype
def test_weight_decay_may_be_a_part_of_the_gradient(
    dtype: Dtype, w: float, nabla: float, eta: float, rate: tuple[float, int]
) -> None:
    w, nabla = dtype(w), dtype(nabla)
    case, start, batch = single(dtype, [w], x=0, b=0, eta=eta, lmbda=rate[0], n=rate[1])
    updated = np.asarray(w - dtype(eta) * (nabla + dtype(case.decay) * w))
    expected = expected_of(case, start, batch, shown={"nabla_w2": np.array([[nabla]])})
    assert within(updated.reshape(1, 1), expected["w2"]).all()


@each_dtype
@each_centre
def test_where_a_product_overflows_nothing_is_expected(dtype: Dtype, exact_centre: bool) -> None:
    large = float(np.sqrt(np.finfo(dtype).max)) * 2
    case, start, batch = single(dtype, [large], x=large, b=0)
    with precision(BITS):
        expected = expected_of(case, start, batch, exact_centre=exact_centre)
        assert np.isinf(expected["z2"].tolerance()).all()


@each_dtype
@each_centre
def test_where_a_partial_sum_overflows_nothing_is_expected(
    dtype: Dtype, exact_centre: bool
) -> None:
    large = float(np.finfo(dtype).max)
    case, start, batch = single(dtype, [large, large, -large, -large], x=1, b=0)
    with precision(BITS):
        expected = expected_of(case, start, batch, exact_centre=exact_centre)
        assert np.isinf(expected["z2"].tolerance()).all()
        assert np.isinf(expected["a2"].tolerance()).all()


@each_dtype
@each_centre
def test_where_exp_overflows_nothing_is_expected_of_it(dtype: Dtype, exact_centre: bool) -> None:
    with precision(BITS), np.errstate(all="ignore"):
        large = np.exp(known([np.log(np.finfo(dtype).max) + 1], dtype, exact_centre))
        assert np.isinf(large.tolerance()).all()


@each_dtype
@each_centre
def test_zero_times_what_may_have_overflowed_is_unknown(dtype: Dtype, exact_centre: bool) -> None:
    one, endless = (lifted(np.array([[each]]), exact_centre) for each in (1.0, np.inf))
    with precision(BITS), np.errstate(all="ignore"):
        zero = known([[0.0]], dtype, exact_centre)
        overflowed = RunningError(one, endless, zero.precision)
        for product in (zero * overflowed, zero @ overflowed, overflowed @ zero):
            assert np.isinf(product.tolerance()).all()


# Sums in any order


def sequential(terms: Iterable[Any]) -> Any:
    """From the first to the last."""
    first, *rest = terms
    for term in rest:
        first = first + term
    return first


def pairwise_sum(terms: list[Any]) -> Any:
    """Halves, each summed in the same way."""
    middle = len(terms) // 2
    if not middle:
        return terms[0]
    return pairwise_sum(terms[:middle]) + pairwise_sum(terms[middle:])


ORDERS: dict[str, Callable[[list[Any]], Any]] = {
    "sequential": sequential,
    "reversed": lambda terms: sequential(terms[::-1]),
    "pairwise": pairwise_sum,
    "by size": lambda terms: sequential(sorted(terms)),
    "by falling size": lambda terms: sequential(sorted(terms, key=abs, reverse=True)),
    "numpy": lambda terms: np.array(terms).sum(),
}


@st.composite
def factors(draw: st.DrawFn) -> tuple[Dtype, Array, Array]:
    """A dtype and two vectors, each with numbers of any kind that does not overflow."""
    dtype = draw(st.sampled_from(DTYPES))
    numbers = mixed(dtype, *(name for name in kinds(dtype) if name != "huge"))
    length = draw(st.integers(1, 12))
    x, y = (draw(arrays(dtype, length, elements=numbers)) for _ in range(2))
    return dtype, x, y


@given(factors())
@PROFILE
@each_centre
def test_a_sum_may_be_taken_in_any_order(
    exact_centre: bool, drawn: tuple[Dtype, Array, Array]
) -> None:
    dtype, terms, _ = drawn
    with precision(BITS):
        expected = RunningError.exact(lifted(terms, exact_centre), dtype).sum()
        assert not in_wrong_order(terms, expected)


@given(factors())
@PROFILE
@each_centre
def test_an_inner_product_may_be_summed_in_any_order(
    exact_centre: bool, drawn: tuple[Dtype, Array, Array]
) -> None:
    with precision(BITS):
        assert not in_wrong_order(drawn[1] * drawn[2], inner_product(*drawn, exact_centre))


def in_wrong_order(terms: Array, expected: RunningError) -> list[str]:
    """The orders in which the sum is not as expected."""
    sums = {name: np.asarray(order(list(terms))) for name, order in ORDERS.items()}
    shape = expected.shape
    return [name for name, each in sums.items() if not within(each.reshape(shape), expected).all()]


@given(factors())
@settings(PROFILE, max_examples=30)
@each_centre
def test_an_inner_product_may_be_summed_by_fused_multiply_add(
    exact_centre: bool, drawn: tuple[Dtype, Array, Array]
) -> None:
    dtype, x, y = drawn
    with precision(BITS):
        total = np.zeros((), dtype)
        for product in balls(x) * balls(y):
            total = rounded(balls(total) + product, dtype)
        assert within(total.reshape(1, 1), inner_product(*drawn, exact_centre)).all()


@each_dtype
@each_centre
@pytest.mark.parametrize("product", [False, True], ids=["sum", "inner-product"])
def test_every_addition_of_a_sum_may_lose_half_a_unit(
    dtype: Dtype, exact_centre: bool, product: bool
) -> None:
    terms = np.full(9, np.finfo(dtype).eps / 2, dtype)
    terms[0] = 1  # 1 + u rounds to 1, eight times over
    with precision(BITS):
        if product:
            expected = inner_product(dtype, terms, np.ones_like(terms), exact_centre)
        else:
            expected = RunningError.exact(lifted(terms, exact_centre), dtype).sum()
        assert within(np.ones(expected.shape, dtype), expected).all()


def inner_product(dtype: Dtype, x: Array, y: Array, exact_centre: bool) -> RunningError:
    """What is expected of a row times a column."""
    row, column = (lifted(each, exact_centre) for each in (x[None], y[:, None]))
    expected: RunningError = RunningError.exact(row, dtype) @ RunningError.exact(column, dtype)
    return expected


def lifted(array: Array, exact_centre: bool) -> Array:
    """The array, as balls if the centre is to be exact."""
    return balls(array) if exact_centre else array


# Each rule alone


@dataclass(frozen=True)
class Trio:
    """What the rules speak of: the exact numbers, computed ones, and our centre with its bound."""

    exact: Array
    computed: Array
    known: RunningError


SHIFTS = st.floats(-1, 1)


@st.composite
def trios(draw: st.DrawFn, dtype: Dtype, exact_centre: bool, *shape: int) -> Trio:
    """Three arrays that are as far apart as the bound allows, or all the same."""
    computed = draw(arrays(dtype, shape, elements=mixed(dtype, *kinds(dtype))))
    wide = computed.astype(np.float64)
    spread = draw(st.sampled_from([0.0, 1e-16, 1e-14, 1e-7, 1e-2, 0.5, 2.0]))
    scale = spread * (abs(wide) + draw(st.sampled_from([0.0, 1e-310, 1e-9, 1.0])))
    exact, centre = (
        wide + scale * draw(arrays(np.float64, shape, elements=SHIFTS)) for _ in range(2)
    )
    centre = exact if exact_centre else centre
    apart = np.maximum(abs(exact - wide), np.maximum(abs(centre - wide), abs(exact - centre)))
    bound = np.where(apart > 0, np.nextafter(apart, np.inf), 0)
    arithmetic = Precision.of(dtype, exact_centre=exact_centre)
    centre, bound = (lifted(part, exact_centre) for part in (centre, bound))
    return Trio(balls(exact), computed, RunningError(centre, bound, arithmetic))


OPERATIONS: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "add": (np.add, ((6,), (6,))),
    "subtract": (np.subtract, ((6,), (6,))),
    "negative": (np.negative, ((6,),)),
    "multiply": (np.multiply, ((6,), (6,))),
    "square": (np.square, ((6,),)),
    "divide": (np.divide, ((6,), (6,))),
    "divide by a sum": (lambda x, y, z: x / (y + z), ((6,), (6,), (6,))),
    "exp": (np.exp, ((6,),)),
    "log": (np.log, ((6,),)),
    "sigmoid": (sigmoid, ((6,),)),
    "sigmoid-prime": (sigmoid_prime, ((6,),)),
    "tanh": (np.tanh, ((6,),)),
    "tanh-prime": (tanh_prime, ((6,),)),
    "relu": (relu, ((6,),)),
    "relu-prime": (lambda z: relu_prime(z) * z, ((6,),)),
    "softmax": (softmax, ((3, 2),)),
    "max": (operator.methodcaller("max", axis=0, keepdims=True), ((3, 2),)),
    "matmul": (np.matmul, ((2, 3), (3, 2))),
    "sum": (operator.methodcaller("sum", axis=1, keepdims=True), ((3, 4),)),
    "transposed entries": (lambda x: x.T[1:], ((3, 4),)),
}
WITH_LEAST = ("add", "subtract", "negative", "exp", "transposed entries")
RULES = settings(PROFILE, max_examples=15)


@given(st.data())
@RULES
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_two_of_exact_computed_and_centre_are_further_apart_than_the_bound(
    name: str, data: st.DataObject
) -> None:
    result = operated(name, data)
    with precision(BITS):
        centre, computed, bound = map(
            _in_balls, (result.known.value, result.computed, result.known.bound)
        )
        unknown = np.isinf(result.known.tolerance())
        for apart in (result.exact - centre, computed - centre, result.exact - computed):
            assert (unknown | np.asarray(abs(apart) <= bound, dtype=bool)).all()


@given(st.data())
@RULES
@pytest.mark.parametrize("name", WITH_LEAST)
def test_no_modulus_of_exact_computed_and_centre_is_below_the_least(
    name: str, data: st.DataObject
) -> None:
    result = operated(name, data)
    least = np.asarray(result.known.least, np.float64)
    least = least * (1 - 4 * np.finfo(np.float64).eps)  # its own rounding is counted where used
    sign = np.where(np.asarray(result.known.value < 0, dtype=bool), -1.0, 1.0)
    with precision(BITS):
        for each in (result.exact, result.computed):
            enough = _in_balls(sign * each) >= _in_balls(np.nan_to_num(least))
            assert (np.isnan(least) | np.asarray(enough, dtype=bool)).all()


def test_the_rounding_of_the_centre_is_counted_beside_that_of_the_subject() -> None:
    x, y = np.linspace(1, 2, 200), np.linspace(1, 3, 200)
    computed = np.nextafter(x, 2.5)
    around = RunningError(x, computed - x, Precision.of(np.float64, exact_centre=False))
    assert within(computed * y, around * y).all()


@each_dtype
def test_tiny_numbers_that_cancel_have_no_least_modulus(dtype: Dtype) -> None:
    zero = known(1e-200, dtype) - known(1e-200, dtype)
    assert not zero.least > 0


def operated(name: str, data: st.DataObject) -> Trio:
    """An operation on exact numbers, on computed ones, and on what is known of them."""
    operation, shapes = OPERATIONS[name]
    dtype, exact_centre = data.draw(st.sampled_from(DTYPES)), data.draw(st.booleans())
    drawn = [data.draw(trios(dtype, exact_centre, *shape)) for shape in shapes]
    with precision(BITS), np.errstate(all="ignore"):
        exact = operation(*(each.exact for each in drawn))
        computed = operation(*(each.computed for each in drawn))
        return Trio(exact, computed, operation(*(each.known for each in drawn)))


def _in_balls(array: Array) -> Array:
    return array if is_balls(array) else balls(array)


# Zeros, sigmoids, and what is undecided


def known(value: Any, dtype: Dtype, exact_centre: bool = False) -> Any:
    """Numbers that are the same for everybody."""
    return RunningError.exact(lifted(np.asarray(value, np.float64), exact_centre), dtype)


@each_dtype
@each_centre
def test_a_product_with_an_exact_zero_is_an_exact_zero(dtype: Dtype, exact_centre: bool) -> None:
    third = known([[1.0]], dtype, exact_centre) / known([[3.0]], dtype, exact_centre)
    zero = known([[0.0]], dtype, exact_centre)
    for product in (third * zero, third @ zero, zero @ third, third * zero + zero, zero / third):
        assert (product.value == 0).all()
        assert (product.tolerance() == 0).all()


@each_dtype
@each_centre
def test_weights_from_dead_inputs_have_exactly_no_gradient(
    dtype: Dtype, exact_centre: bool
) -> None:
    case, start, batch = ordinary(dtype, "quadratic")
    dead = batch.x.copy()
    dead[[1, 3]] = 0
    with precision(BITS):
        expected = expected_of(case, start, Batch(dead, batch.y), exact_centre=exact_centre)
    tolerance = expected["nabla_w2"].tolerance()
    assert (tolerance[:, [1, 3]] == 0).all()
    assert (tolerance[:, [0, 2]] > 0).all()


@each_dtype
@each_centre
def test_an_error_that_meets_only_zero_weights_is_exactly_zero(
    dtype: Dtype, exact_centre: bool
) -> None:
    case, start, batch = ordinary(dtype, "quadratic")
    cut = replace(start, w=(*start.w[:2], np.zeros_like(start.w[2])))
    with precision(BITS):
        expected = expected_of(case, cut, batch, exact_centre=exact_centre)
    assert all((expected[name].tolerance() == 0).all() for name in ("delta3", "delta2"))


@each_dtype
def test_a_product_that_underflows_is_no_exact_zero(dtype: Dtype) -> None:
    small = known([[1e-200]], dtype)
    for product in (
        small * small,
        small @ small,
        np.square(small),
        small / known([[1e200]], dtype),
    ):
        assert (product.tolerance() > 0).all()


@each_centre
def test_sigmoid_of_minus_100_in_float32_may_be_zero_or_subnormal(exact_centre: bool) -> None:
    expected: Any = sigmoid(known([-100.0], np.float32, exact_centre))
    for computed in (0.0, 3.8e-44):
        assert within(np.array([computed], np.float32), expected).all()


@each_dtype
@each_centre
@pytest.mark.parametrize("z", [-1e4, -745.2, -100, -88.8, -17.4, -0.5, 0, 3, 16.7, 37.5, 710, 1e4])
def test_sigmoid_prime_may_be_computed_from_one_sigmoid_or_from_two(
    dtype: Dtype, exact_centre: bool, z: float
) -> None:
    array = np.array([z], dtype)
    one, two = sigmoid_prime(array), sigmoid(array) * sigmoid(-array)
    with precision(BITS):
        expected: Any = sigmoid_prime(known(array, dtype, exact_centre))
        assert within(one, expected).all()
        assert within(two, expected).all()


@each_dtype
def test_sigmoid_stays_known_where_exp_overflows(dtype: Dtype) -> None:
    expected: Any = sigmoid(known([-1e4, 1e4], dtype))
    assert (expected.tolerance() < [1e-37, 1e-6]).all()


@each_dtype
def test_equality_of_values_within_bounds_is_an_error_where_it_is_undecided(dtype: Dtype) -> None:
    third = known(1.0, dtype) / known(3.0, dtype)
    with pytest.raises(ArithmeticError, match="undecided"):
        _ = third == known(float(third.value), dtype)


@each_dtype
def test_equality_is_decided_where_bounds_do_not_meet(dtype: Dtype) -> None:
    third = known([1.0, 0.0], dtype) / known(3.0, dtype)
    assert (third == known([0.5, 0.0], dtype)).tolist() == [False, True]


@pytest.mark.parametrize(
    "unsupported",
    [
        np.sin,
        np.add.reduce,
        lambda x: np.exp(x, where=[True]),
        lambda x: np.concatenate([x, x]),
        lambda x: x < 1,
    ],
)
def test_what_has_no_rule_is_a_type_error(unsupported: Callable[[RunningError], Any]) -> None:
    with pytest.raises(TypeError):
        unsupported(known([1.0], np.float64))


@pytest.mark.parametrize(
    "loosen",
    [
        lambda error: error.sum(),
        lambda error: error.widened(0, 1),
        lambda error: error.loosened(0, error),
    ],
    ids=["sum", "widened", "loosened"],
)
def test_an_infinite_bound_stays_infinite_without_a_warning(
    loosen: Callable[[RunningError], RunningError],
) -> None:
    precision = Precision.of(np.float64, exact_centre=False)
    error = RunningError(np.ones(1), np.array([np.inf]), precision)
    assert loosen(error).tolerance() == np.inf


def test_a_bound_that_is_not_a_number_is_an_infinite_tolerance() -> None:
    with np.errstate(all="ignore"):
        unknown = known([0.0], np.float64) / known([0.0], np.float64)
    assert unknown.tolerance().tolist() == [np.inf]


# Bounds that are of use


@pytest.mark.parametrize("cost", sorted(COSTS))
@each_centre
def test_the_bounds_of_an_ordinary_float64_step_are_below_1e_11_of_the_largest_entry(
    cost: str, exact_centre: bool
) -> None:
    with precision(BITS):
        expected = expected_of(*ordinary(np.float64, cost), exact_centre=exact_centre)
        relative = {
            name: each.tolerance().max() / abs(np.asarray(each.value, np.float64)).max()
            for name, each in expected.items()
        }
    assert {name: size for name, size in relative.items() if not size < 1e-11} == {}


@pytest.mark.parametrize("cost", sorted(COSTS))
@pytest.mark.parametrize(("dtype", "size"), [(np.float64, 1e-8), (np.float32, 1e-4)])
def test_a_small_error_in_one_sigma_prime_is_seen_in_its_equation_alone(
    dtype: Dtype, size: float, cost: str
) -> None:
    network = case, start, batch = ordinary(dtype, cost)

    def slightly_wrong(w_above: Array, delta_above: Array, z: Array) -> Array:
        wrong = np.ones_like(z)
        wrong[1, 2] += size
        return equations.hidden_error(w_above, delta_above, z) * wrong

    right = of_layers(cost, case.activations)
    book = [replace(each, hidden_error=slightly_wrong) for each in right]
    shown = dict(step(start, batch, case.eta, case.decay, book).named())
    found = outside(shown, expected_of(*network, shown=shown))
    assert found == ["delta3[1, 2]", "delta2[1, 2]"]
