"""No cry of wolf: what is right, written in whatever way, is never accused.

Hypothesis draws the way, the network, the data and the conventions. Left out: the classes with the
book's interface in NumPy (`test_right.py`).
"""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.cases.build import recorded_step
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, RecordedStep
from conformance.diagnosis.diagnose import diagnose
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.subjects import Subject
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.function.function_subject import function_subject
from conformance.subjects.module.module_subject import module_subject
from conformance.tests.networks import right_modules, right_tensors
from conformance.tests.networks.right_functions import PRODUCTS, SIGMAS, Way, right_function
from conformance.tests.parts import few
from conformance.tests.support import PROFILE
from conformance.verdict.compare import FREE, RESTARTED, Status
from reference.step import Array, Batch, Parameters

torch = pytest.mark.xdist_group("torch")  # one worker imports it

NOTHING = "nothing was compared"  # where no bound can be given for all that is shown
COSTS = ("quadratic", "cross-entropy")
SHOWN = (
    Way().shown,
    ("nabla_b", "nabla_w"),
    ("a",),
    ("b", "w"),
    ("a", "cost"),
    ("delta", "nabla_w"),
)


def sampled(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


@st.composite
def ways(draw: st.DrawFn) -> Way:
    """A way to write a step."""
    subsets = st.lists(st.sampled_from(Way().shown), min_size=1, unique=True).map(tuple)
    flags = ("rows", "turned", "by_sample", "mirrored_prime", "summed", "divided", "from_z")
    return Way(
        **{name: draw(st.booleans()) for name in flags},
        biases=draw(sampled("columns", "flat", "rows")),
        product=draw(st.sampled_from(sorted(PRODUCTS))),
        sigma=draw(st.sampled_from(sorted(SIGMAS))),
        cost=draw(sampled(*COSTS, "either")),
        decay=draw(sampled("", "factor", "gradient")),
        dtype=draw(sampled("", "float32", "float64")),
        lists=draw(sampled(False, False, False, True)),
        shown=draw(sampled(*SHOWN, *SHOWN[:1]) | subsets),
        layers=draw(sampled("all", "all", "all", "first", "last")),
    )


@st.composite
def cases(draw: st.DrawFn, cost: str, dtype: str, *, hard: bool = True) -> Recorded:
    """Two steps of a network on drawn data, some of its weights zero or, if hard, saturating."""
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=5)))
    m, seed = draw(st.integers(1, 4)), draw(st.integers(0, 2**32 - 1))
    rng, scale = np.random.default_rng(seed), draw(sampled(0.25, 1.0, *(3.0,) * hard))
    zeros, saturated = draw(sampled(0.0, 0.2)), draw(sampled(0.0, *(0.2,) * hard))

    def numbers(*shape: int) -> Array:
        kind, normal = rng.random(shape), scale * rng.standard_normal(shape)
        large = np.where(kind > 1 - saturated, np.sign(normal) * 50, normal)
        return np.where(kind < zeros, 0, large).astype(dtype)

    start = Parameters(
        tuple(numbers(n, k) for k, n in pairwise(sizes)),
        tuple(numbers(n, 1) for n in sizes[1:]),
    )
    eta, lmbda = draw(sampled(0.125, 0.3, 1.0, 3.0)), draw(sampled(0.0, 0.1, 5.0))
    batches = (tuple(range(m)), tuple(range(m, 2 * m)))
    case = Case("drawn", sizes, cost, eta, lmbda, 8 * m, dtype, batches, "drawn", ())
    steps = []
    for _ in batches:
        x, y = (rng.integers(0, 257, (n, m)) / 256 for n in (sizes[0], sizes[-1]))
        batch = Batch(x, y).map(lambda array: array.astype(dtype))
        steps.append(RecordedStep(start, batch, *recorded_step(case, start, batch)))
        start = Parameters.of(steps[-1].expected)
    return Recorded(case, tuple(steps))


def not_accused(subject: Subject, made: Recorded) -> CaseReport:
    """The report, in which nothing but passes and what is not observed may stand."""
    report = check_case(subject, made)
    assert not report.error or report.error.endswith(NOTHING), report.error
    accused = [
        (each.name, each.mode, each.step, each.problem)
        for each in report.verdicts
        if each.status not in (Status.PASS, Status.NOT_OBSERVED)
    ]
    assert not accused
    assert diagnose([report]) == ()
    return report


# Functions


@cache
def function_of(way: Way) -> Subject:
    """The subject; the cost that a function has is told where it does not show it."""
    told = None if way.cost == "either" or "cost" in way.shown else way.cost
    return function_subject(right_function(way), "step", told)


def expected_conventions(way: Way) -> dict[str, bool]:
    """What must be said of a function, and whether it must be."""
    nabla = {"nabla_b", "nabla_w"} & set(way.shown)
    return {
        "samples as rows": way.rows,
        "biases as": way.biases != "columns",
        "weights stored as (n_{l-1}, n_l)": way.turned,
        "shows no new parameters": not (way.layers == "all" and {"b", "w"} <= set(way.shown)),
        "nabla summed over the mini-batch": way.summed and bool(nabla | {"cost"} & set(way.shown)),
        "cost summed over the mini-batch": way.summed and "cost" in way.shown,
        "delta holds the 1/m": way.divided and "delta" in way.shown,
        "float32": way.dtype == "float32",
        "cross-entropy cost": way.cost == "cross-entropy",
    }


@settings(PROFILE, max_examples=few(5, 150))
@given(st.data())
def test_no_right_function_is_accused(data: st.DataObject) -> None:
    way = data.draw(ways())
    subject = function_of(way)
    said = " / ".join(subject.conventions)
    for words, expected in expected_conventions(way).items():
        assert (words in said) == expected, (words, said)
    cost = data.draw(st.sampled_from(subject.costs))
    dtype = data.draw(st.sampled_from(subject.dtypes))
    made = data.draw(cases(cost, dtype))
    report = not_accused(subject, made)
    assert report.passes or way.shown == ("cost",)
    freely = subject.runs_freely(report.case) and bool(report.passes)
    assert freely == any(verdict.mode == FREE for verdict in report.passes)


# Modules


@st.composite
def module_ways(draw: st.DrawFn) -> right_modules.Way:
    """A way to write a module."""
    way = right_modules.Way(
        sigma=draw(st.sampled_from(sorted(right_modules.SIGMAS))),
        logits=draw(st.booleans()),
        loss=draw(sampled("", *COSTS)),
        summed=draw(st.booleans()),
        name=draw(sampled("loss", "cost", "criterion")),
        dtype=draw(sampled("", "float32", "float64")),
    )
    return replace(way, sigma="module") if way.fragile else way


@cache
def module_of(way: right_modules.Way) -> Subject:
    return module_subject(right_modules.right_module(way), "net")


@torch
@settings(PROFILE, max_examples=few(8, 60))
@given(st.data())
def test_no_right_module_is_accused(data: st.DataObject) -> None:
    way = data.draw(module_ways())
    subject = module_of(way)
    said = " / ".join(subject.conventions)
    assert ("returns logits" in said) == way.logits
    assert (f"its own {way.loss} cost ({way.name})" in said) == bool(way.loss)
    assert ("summed" in said) == (way.summed and bool(way.loss))
    assert subject.dtypes == ((way.dtype,) if way.dtype else ("float32", "float64"))
    cost = data.draw(st.sampled_from(subject.costs))
    dtype = data.draw(st.sampled_from(subject.dtypes))
    made = data.draw(cases(cost, dtype, hard=not way.fragile))
    report = not_accused(subject, made)
    assert {verdict.mode for verdict in report.passes} == {RESTARTED, FREE}


# Networks of tensors with the book's interface


@cache
def tensors_of(cls: type) -> Subject:
    return book_subject(cls, cls.__name__)


@torch
@settings(PROFILE, max_examples=few(5, 40))
@given(st.data())
def test_no_right_network_of_tensors_is_accused(data: st.DataObject) -> None:
    subject = tensors_of(data.draw(st.sampled_from(right_tensors.RIGHT)))
    cost, dtype = (data.draw(st.sampled_from(each)) for each in (subject.costs, subject.dtypes))
    made = data.draw(cases(cost, dtype))
    not_accused(subject, made)
