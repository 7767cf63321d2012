"""Right networks, no two written alike, are never accused; state that is left over is found.

Left out: networks with one wrong line (`test_broken.py`).
"""
# ruff: noqa: E741 - the book's l

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from conformance.cases.build import recorded_step
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, RecordedStep
from conformance.judging.judge import check_case
from conformance.report.book_report import Report
from conformance.subjects import Subject
from conformance.subjects.book.book_subject import book_subject
from conformance.tests.networks import book, right_batches
from conformance.tests.networks.book import Array, Pairs
from conformance.tests.networks.right import RIGHT
from conformance.tests.networks.right_sigmoids import StableSigmoid, TanhForm
from conformance.tests.parts import few, in_ci, part
from conformance.tests.support import PROFILE, exactly, recorded
from conformance.verdict.compare import FREE, RESTARTED, Status
from reference.step import Batch, Parameters

CLASSES = sorted(RIGHT, key=lambda each: (each.__name__, each.__module__))
IDS = [f"{each.__name__}-{each.__module__.rpartition('.')[2]}" for each in CLASSES]
SMALL = [case.id for case in store.cases(store.root()) if not case.id.startswith("mnist")]
STEPS = 2  # of each case
POOR = ("cancelling-2-2-2", "duplicates-3-3-2", "zeros-2-2-2")  # in numbers that tell apart
EXACT_CASES = ("remainder-3-4-2", "square-4-4-4-4", "square-4-4-4-4-cross-entropy")

CONVENTIONS = {
    "LastFirst": ("backprop returns nabla_b and nabla_w with the last layer first",),
    "Float32": ("float32",),
    "WeightsFirst": ("backprop returns (nabla_w, nabla_b)",),
    "TransposedWeights": ("weights stored as (n_{l-1}, n_l)", "biases as rows"),
    "FlatBiases": ("biases as flat arrays",),
    "FlatMiniBatches": ("biases as flat arrays", "samples of mini-batches as flat arrays"),
    "WithCost": ("cross-entropy cost",),
}
"""What is said of the classes that depart from the book."""


@cache
def subject_of(cls: type) -> Subject:
    return book_subject(cls, cls.__name__)


@cache
def short(id_: str) -> Recorded:
    """A case with its first steps alone."""
    whole = recorded(id_)
    return Recorded(replace(whole.case, batches=whole.case.batches[:STEPS]), whole.steps[:STEPS])


@cache
def cases_of_classes() -> dict[type, list[str]]:
    """The cases in which each class is judged; all together see each cost, dtype and depth."""
    pairs = [
        (cls, recorded(id_).case)
        for cls in CLASSES
        for id_ in SMALL
        if not subject_of(cls).unfit(recorded(id_).case)
    ]
    kinds: tuple[Callable[[tuple[type, Case]], Hashable], ...] = (
        lambda pair: (pair[1].cost, pair[1].dtype),
        lambda pair: pair[1].layers,
        lambda pair: (pair[0], pair[1].decay == 0),
        lambda pair: (pair[0], pair[1].steps == 1),
    )
    found: dict[type, list[str]] = {}
    for cls, case in part(pairs, *kinds, slow=lambda pair: pair[1].id.startswith(POOR)):
        found.setdefault(cls, []).append(case.id)
    return found


@pytest.mark.parametrize("cls", in_ci(CLASSES), ids=IDS)
def test_the_traced_lane_accuses_no_right_network(cls: type) -> None:
    subject = subject_of(cls)
    assert sum(not subject.unfit(recorded(id_).case) for id_ in SMALL) >= 13
    for id_ in cases_of_classes()[cls]:
        report = check_case(subject, short(id_))
        assert not report.error
        assert [(v.name, v.mode, v.problem) for v in report.failures] == [], id_
        assert report.status is Status.PASS
        seen = {verdict.name.rstrip("0123456789") for verdict in report.passes}
        assert {"a", "delta", "nabla_b", "nabla_w", "b"} <= seen
        freely = report.case.steps > 1 and subject.runs_freely(report.case)
        assert freely == any(verdict.mode == FREE for verdict in report.passes)


@pytest.mark.seldom
@pytest.mark.parametrize("cls", CLASSES, ids=IDS)
def test_the_exact_lane_finds_right_networks_exactly_right(cls: type) -> None:
    subject = subject_of(cls)
    for whole in map(recorded, EXACT_CASES):
        if subject.unfit(replace(whole.case, dtype=subject.dtypes[0])):
            continue
        run = exactly(subject, whole)
        assert run.right
        assert run.undecided.keys() <= {name for name in run.undecided if name[0] == "n"}


def one_neuron_a_layer(w: float) -> Recorded:
    """One step of [1, 1, 1] whose z² is w."""
    one = np.ones((1, 1))
    start, batch = Parameters((w * one, one), (0 * one, 0 * one)), Batch(one, one / 2)
    case = Case("one", (1, 1, 1), "quadratic", 1.0, 0.0, 1, "float64", ((0,),), "", ())
    return Recorded(case, (RecordedStep(start, batch, *recorded_step(case, start, batch)),))


@pytest.mark.parametrize("w", [-1000.0, -50.0, 50.0, 1000.0])
@pytest.mark.parametrize(
    "cls", [book.Network, StableSigmoid, TanhForm], ids=lambda cls: cls.__name__
)
def test_a_saturated_network_is_exactly_right(cls: type, w: float) -> None:
    """1 − σ(1000) is 2^−1443: at 400 bits nothing is known of it, with σ(−1000) all is.

    In floats σ(50), 1 + e^−50 and 1 are the same, and so are e^−1000 and 0.
    """
    run = exactly(subject_of(cls), one_neuron_a_layer(w))
    assert run.right
    assert {"a2", "delta2", "nabla_w2"} <= run.errors.keys()


def test_a_truth_value_is_no_activation() -> None:
    """σ(50) = 1 of one neuron is found as such, and not as the `True` of `z >= 0`."""
    report = check_case(subject_of(StableSigmoid), one_neuron_a_layer(50.0))
    assert report.status is Status.PASS


@pytest.mark.parametrize("cls", CLASSES, ids=IDS)
def test_conventions_are_said(cls: type) -> None:
    assert subject_of(cls).conventions == CONVENTIONS.get(cls.__name__, ())


@st.composite
def drawn(draw: st.DrawFn) -> tuple[type, Recorded]:
    """A right class and one step of a network for it."""
    cls = draw(st.sampled_from(CLASSES))
    subject = subject_of(cls)
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=4)))
    m, seed = draw(st.integers(1, 4)), draw(st.integers(0, 2**32 - 1))
    rng, scale = np.random.default_rng(seed), draw(st.sampled_from([0.25, 1.0, 3.0]))
    zeros, saturated = draw(st.sampled_from([0.0, 0.2])), draw(st.sampled_from([0.0, 0.2]))

    def numbers(*shape: int) -> Array:
        kind, normal = rng.random(shape), scale * rng.standard_normal(shape)
        array = np.where(
            kind < zeros, 0, np.where(kind > 1 - saturated, np.sign(normal) * 50, normal)
        )
        return array.astype(subject.dtypes[0])

    start = Parameters(
        tuple(numbers(n, k) for k, n in pairwise(sizes)),
        tuple(numbers(n, 1) for n in sizes[1:]),
    )
    x, y = (rng.integers(0, 257, (n, m)) / 256 for n in (sizes[0], sizes[-1]))
    batch = Batch(x, y).map(lambda array: array.astype(subject.dtypes[0]))
    case = Case(
        "drawn",
        sizes,
        draw(st.sampled_from(subject.costs)),
        draw(st.sampled_from([0.125, 0.3, 1.0, 3.0])),
        0.0,
        m,
        subject.dtypes[0],
        (tuple(range(m)),),
        "drawn by Hypothesis",
        (),
    )
    return cls, Recorded(case, (RecordedStep(start, batch, *recorded_step(case, start, batch)),))


@settings(PROFILE, max_examples=few(15, 40))
@given(drawn())
def test_no_drawn_right_network_is_accused(example: tuple[type, Recorded]) -> None:
    cls, made = example
    report = check_case(subject_of(cls), made)
    assert not report.error
    assert not report.failures, cls.__name__


class MomentumLeftOn(book.Network):
    """Keeps a velocity from one mini-batch to the next."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.velocity: list[Array] = [np.zeros(w.shape) for w in self.weights]

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent with momentum on the weights."""
        before = self.weights
        super().update_mini_batch(mini_batch, eta)
        steps = [new - old for new, old in zip(self.weights, before, strict=True)]
        self.velocity = [0.5 * v + s for v, s in zip(self.velocity, steps, strict=True)]
        self.weights = [w + v for w, v in zip(before, self.velocity, strict=True)]


class AccumulatesGradients(book.Network):
    """Does not clear the sums of the gradients of b between mini-batches."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.sums: list[Array] = [np.zeros(b.shape) for b in self.biases]

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        before = self.biases
        for x, y in mini_batch:
            self.sums = [s + nb for s, nb in zip(self.sums, self.backprop(x, y)[0], strict=True)]
        super().update_mini_batch(mini_batch, eta)
        rate = eta / len(mini_batch)
        self.biases = [b - rate * s for b, s in zip(before, self.sums, strict=True)]


class KeepsZ(book.Network):
    """Appends z to a list that is not cleared, and reads the list from its beginning."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.zs: list[Array] = []

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        activations = [x]
        for b, w in zip(self.biases, self.weights, strict=True):
            self.zs.append(w @ activations[-1] + b)
            activations.append(book.sigmoid(self.zs[-1]))
        delta = (activations[-1] - y) * book.sigmoid_prime(self.zs[self.num_layers - 2])
        nabla_b, nabla_w = [delta], [delta @ activations[-2].T]
        for l in range(2, self.num_layers):
            slope = book.sigmoid_prime(self.zs[self.num_layers - 1 - l])
            delta = (self.weights[1 - l].T @ delta) * slope
            nabla_b.insert(0, delta)
            nabla_w.insert(0, delta @ activations[-l - 1].T)
        return nabla_b, nabla_w


class SharedLayers(book.Network):
    """Stores the weights of all layers of one shape in one array."""

    @property
    def weights(self) -> list[Array]:
        """The weights of all layers."""
        return self._weights

    @weights.setter
    def weights(self, given: list[Array]) -> None:
        first = {each.shape: each for each in reversed(given)}
        self._weights = [first[each.shape] for each in given]


class OverwritesSample(book.Network):
    """Uses the sample's memory for something else when it is done."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        nabla = super().backprop(x, y)
        x -= 0.5
        return nabla


class OverwritesWeights(book.Network):
    """Decays its weights on the way, in place."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        nabla = super().backprop(x, y)
        for w in self.weights:
            w[...] = w / 2
        return nabla


class DropsOut(book.Network):
    """Another random gradient with every call."""

    draws = iter(np.random.default_rng(1).uniform(0.5, 1.5, 10**5))

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w), scaled at random."""
        nabla_b, nabla_w = super().backprop(x, y)
        return nabla_b, [next(self.draws) * each for each in nabla_w]


AGAIN = "a second call of backprop with the same sample gives another gradient"


@dataclass(frozen=True)
class Left:
    """What a network that keeps or overwrites something must be told."""

    cls: type
    remarks: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()  # all that may be blamed; one of them must be, if there are any
    mode: str = RESTARTED  # in which it shows first


STATE = (
    Left(AccumulatesGradients, tags=("B", "BP3"), mode=FREE),
    Left(DropsOut, (AGAIN,), ("BP4", "W")),
    Left(KeepsZ, tags=("BP1", "BP2", "BP3", "BP4")),
    Left(MomentumLeftOn, tags=("W",), mode=FREE),
    Left(OverwritesSample, ("backprop overwrites its sample",)),
    Left(
        OverwritesWeights, ("backprop overwrites the weights or biases",), ("B", "BP3", "BP4", "W")
    ),
    Left(
        SharedLayers,
        ("two layers share memory after the parameters were given as separate arrays",),
    ),
)


@pytest.mark.parametrize(
    "left",
    [
        pytest.param(
            each,
            id=each.cls.__name__,
            marks=[pytest.mark.seldom] if each.cls is KeepsZ else [],
        )
        for each in STATE
    ],
)
def test_state_that_is_left_over_is_found(left: Left) -> None:
    subject = book_subject(left.cls, left.cls.__name__)
    cases = ("contracting-5-4-3-2", "square-4-4-4-4")
    report = Report(subject.name, cases=tuple(check_case(subject, short(id_)) for id_ in cases))
    assert not report.ok
    assert report.exit_code == 1
    assert set(left.remarks) <= set(report.remarks)
    assert bool(report.remarks) == bool(left.remarks)
    blames = report.blames
    assert {blame.tag for blame in blames} <= set(left.tags)
    assert bool(blames) == bool(left.tags)
    named = [v for each in report.cases for v in each.failures if v.name]
    assert left.mode != FREE or {verdict.mode for verdict in named} == {FREE}


def test_a_network_that_rounds_all_samples_at_once_is_right_on_digits() -> None:
    """Its ∇ of the mini-batch is not the mean of what it gives of single samples, to the bit."""
    report = check_case(book_subject(reference.Network, "reference"), short("mnist-784-30-10"))
    assert report.status is Status.PASS


def test_what_rounds_all_samples_at_once_is_accused_of_its_mistake_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where δ is wrong, roundings grow otherwise than in the right numbers."""
    monkeypatch.setattr(right_batches, "sigmoid", lambda z: 1 / (1 + np.exp(z)))
    subject = book_subject(right_batches.BatchedColumns, "all at once")
    for id_ in ("mnist-784-10", "mnist-784-30-10-trained"):
        report = check_case(subject, short(id_))
        assert {v.name[0] for v in report.failures} == {"a"}
