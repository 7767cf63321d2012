"""Formats of 16 bits: their rounding, and networks that compute in them.

A right network is never accused, whether its products are added up in float32 or in the format; a
wrong equation is still told from rounding in small networks.
"""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import conformance
from conformance.api import check
from conformance.arithmetic.balls import balls, rounded
from conformance.arithmetic.formats import FLOATS, SHORT, Short
from conformance.cases.build import in_short
from conformance.cases.small import recorded, small_case
from conformance.cli.app import app
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, RecordedStep
from conformance.errors import UsageError
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.mistake import subject_of
from conformance.model.functions import COSTS
from conformance.subjects import Subject
from conformance.subjects.named import ShortSession, find, in_format
from conformance.tests.networks.book import Network
from conformance.tests.parts import few
from conformance.tests.support import PROFILE
from conformance.verdict.compare import Status
from reference.step import Array, Batch, Parameters

pytestmark = pytest.mark.xdist_group("torch")  # one worker imports it

each_format = pytest.mark.parametrize("dtype", SHORT)
STUDENT = Path(conformance.__file__).parent / "examples" / "student.py"
SUBJECTS = ("reference", "torch_impl")
HIDDEN = ("leaky-relu", "relu", "sigmoid", "tanh")
SMALL = ((2, 3, 2), (3, 2))


def short_case(dtype: str, **options: Any) -> Recorded:
    """Two steps of a small network, of three samples and of two."""
    return recorded(small_case(*SMALL, **options).in_format(dtype))


# Rounding


@given(st.floats(width=32))
def test_bfloat16_is_rounded_as_torch_rounds_it(number: float) -> None:
    right = torch.tensor(number, dtype=torch.float32).to(torch.bfloat16).float().numpy()
    assert np.array_equal(FLOATS["bfloat16"].rounded(np.float32(number)), right, equal_nan=True)


@given(st.floats(-70000, 70000) | st.floats(-1e-6, 1e-6))
def test_a_format_of_numpys_is_rounded_as_numpy_rounds_it(number: float) -> None:
    """By the same lines as bfloat16, in a wider container."""
    wide = replace(FLOATS["float16"], container=np.dtype(np.float32))
    with np.errstate(over="ignore"):
        right = np.float16(number)
    assert abs(number) >= 65504 or wide.rounded(number) == right


@each_format
@given(number=st.floats(-60000, 60000) | st.floats(-1e-5, 1e-5) | st.integers(-2049, 2049))
def test_a_ball_is_rounded_as_its_number(dtype: str, number: float) -> None:
    number = float(number)
    right = FLOATS[dtype].rounded(np.array(number))
    assert rounded(balls(np.array([number])), dtype)[0] == right


@pytest.mark.parametrize(
    ("dtype", "tie", "even"),
    [
        ("bfloat16", 1 + 2.0**-8, 1.0),
        ("bfloat16", -1 - 3 * 2.0**-8, -1 - 2.0**-6),
        ("bfloat16", 2.0**-134, 0.0),
        ("float16", 1 + 2.0**-11, 1.0),
        ("float16", 3 * 2.0**-25, 2.0**-23),
    ],
)
def test_a_wide_ball_over_a_midpoint_goes_to_the_even_neighbour(
    dtype: str, tie: float, even: float
) -> None:
    wide = balls(np.array([tie])) + balls(np.array([tie])).item() * 0
    third = balls(np.array([tie * 3])) / 3  # encloses the tie, and is no point
    for each in (wide, third):
        assert rounded(each, dtype, ties=True)[0] == even


# Right networks


@each_format
@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cost": "cross-entropy", "decaying": True},
        {"cost": "log-likelihood", "family": ("relu", "softmax"), "update": "momentum"},
    ],
    ids=["quadratic", "cross-entropy", "softmax"],
)
def test_a_right_network_is_conformant(name: str, dtype: str, options: dict[str, Any]) -> None:
    report = check_case(in_format(find(name), dtype), short_case(dtype, **options))
    assert report.status is Status.PASS, report.verdicts
    assert not report.failures


class InFormat(Short):
    """An array whose sums are rounded to the format after each term."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Products and sums term by term; the rest as it is."""
        if ufunc is np.matmul:
            x, y = inputs
            terms = [x[:, k : k + 1] * y[k : k + 1] for k in range(x.shape[1])]
            return sum(terms[1:], terms[0])
        if ufunc is np.add and method == "reduce":
            axis, keep = kwargs.get("axis"), kwargs.get("keepdims", False)
            terms = list(inputs[0].ravel() if axis is None else np.moveaxis(inputs[0], axis, 0))
            total = sum(terms[1:], terms[0])
            return np.expand_dims(total, axis) if keep and axis is not None else total
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)


class InFormatSession(ShortSession):
    """The reference, whose products are added up in the format."""

    kind = InFormat


def added_in_format(dtype: str) -> Subject:
    """The subject of it."""
    plain = in_format(find("reference"), dtype)
    return replace(plain, start=InFormatSession.begin, name="added up in the format")


@st.composite
def networks(draw: st.DrawFn, dtype: str) -> Recorded:
    """Two steps of a drawn network, rounded to a format; numbers from tiny to saturating."""
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=4)))
    m, rng = draw(st.integers(1, 4)), np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([1e-4, 0.25, 1.0, 4.0, 30.0, 300.0]))
    cost, hidden = draw(st.sampled_from(sorted(COSTS))), draw(st.sampled_from(HIDDEN))
    family = (*[hidden] * (len(sizes) - 2), draw(st.sampled_from(COSTS[cost].outputs)))
    rates = draw(st.sampled_from([0.125, 0.3, 3.0])), draw(st.sampled_from([0.0, 0.1])), 60_000
    batches = (tuple(range(m)), tuple(range(m)))

    def numbers(*shape: int) -> Array:
        return scale * rng.standard_normal(shape)

    start = Parameters(
        tuple(numbers(n, k) for k, n in pairwise(sizes)),
        tuple(numbers(n, 1) for n in sizes[1:]),
    )
    y = np.eye(sizes[-1])[:, rng.integers(0, sizes[-1], m)]
    batch = Batch(rng.uniform(-1, 1, (sizes[0], m)), y)
    case = Case("drawn", sizes, cost, *rates, dtype, batches, "drawn", (), family)
    try:
        return in_short(case, Recorded(case, (RecordedStep(start, batch, {}, {}),) * 2))
    except ArithmeticError:  # a number is too large for the format, or z is 0 where f′ jumps
        reject()


@each_format
@settings(PROFILE, max_examples=few(5, 40))
@given(data=st.data())
def test_a_right_network_is_never_accused(dtype: str, data: st.DataObject) -> None:
    drawn = data.draw(networks(dtype))
    fine = (Status.PASS, Status.NOT_OBSERVED, Status.UNDECIDED)
    for subject in (*(in_format(find(name), dtype) for name in SUBJECTS), added_in_format(dtype)):
        verdicts = check_case(subject, drawn).verdicts
        assert [each for each in verdicts if each.status not in fine] == [], subject.name


# Wrong networks


@each_format
@pytest.mark.parametrize(
    ("mistake", "tag"),
    [
        ("delta-negated", "BP1"),
        ("delta-over-m", "BP1"),
        ("no-batch-mean", "W"),
        ("bp1-no-sigma-prime", "BP1"),
        ("sums-for-means", "BP4"),
        ("bp2-no-sigma-prime", "BP2"),
        ("bp2-no-transpose", "BP2"),
    ],
)
def test_a_wrong_equation_is_told_from_rounding(mistake: str, tag: str, dtype: str) -> None:
    subject = in_format(subject_of(CATALOGUE[mistake]), dtype)
    reports = [
        check_case(subject, recorded(small_case(sizes, (3, 2)).in_format(dtype)))
        for sizes in ((2, 3, 2), (2, 2, 2))
    ]
    assert tag in {tag for each in reports for tag in each.blamed}
    assert {tag for each in reports for tag in each.blamed} <= set(CATALOGUE[mistake].blames)


# What is undecided


def frozen_case(dtype: str, eta: float) -> Recorded:
    """A network whose biases and weights move by less than their rounding."""
    case = replace(small_case((2, 2)), eta=eta)
    return recorded(case.in_format(dtype))


def needed(report: CaseReport, name: str) -> int:
    """The bits that would decide a quantity."""
    return next(each.bits for each in report.undecided if each.name == name)


def test_an_update_below_the_rounding_is_undecided_and_so_many_bits_would_decide_it() -> None:
    subject = in_format(find("reference"), "bfloat16")
    few, fewer = (check_case(subject, frozen_case("bfloat16", eta)) for eta in (2**-6, 2**-12))
    assert needed(fewer, "w2") == needed(few, "w2") + 6  # a step that is 64 times smaller
    assert 8 < needed(few, "w2") < needed(fewer, "w2") < 24
    assert "w2" not in [each.name for each in few.passes]
    wide = check_case(find("reference"), frozen_case("float32", 2**-12))
    assert "w2" in [each.name for each in wide.passes]


def test_a_network_that_never_moves_is_not_accused_where_it_cannot_be_seen() -> None:
    frozen = in_format(subject_of(CATALOGUE["update-not-assigned"]), "bfloat16")
    assert not check_case(frozen, frozen_case("bfloat16", 2**-12)).failures
    assert [each.name for each in check_case(frozen, frozen_case("bfloat16", 1.0)).failures] == [
        "w2"
    ]


def test_a_constant_that_rounds_to_zero_declines_the_case() -> None:
    report = check("reference", precision="float16", case="rmsprop-3-3-3")
    assert list(report.declined) == ["rmsprop-3-3-3-float16"]


# Front doors


@each_format
def test_the_command_says_what_is_rounded_and_what_is_undecided(dtype: str) -> None:
    words = ["check", "reference", "--precision", dtype, "--case", "deep-2*"]
    output = CliRunner().invoke(app, words, catch_exceptions=False).output
    assert output.startswith("conformant, 1 case: ")
    assert f"inputs of the cases are rounded to {dtype}" in output
    assert f"undecided in {dtype}, which has {FLOATS[dtype].bits} bits: " in output


@pytest.mark.parametrize(
    "words",
    [
        ["torch_impl", "--precision", "float8"],
        ["torch_impl", "--precision", "float16", "--dtype", "float32"],
        ["torch_impl", "--precision", "float16", "--processes", "2"],
        ["torch_impl", "--precision", "float16", "--variant", "func"],
        ["--command", "true {case} {out}", "--precision", "float16"],
        [str(STUDENT), "--precision", "float16"],
    ],
    ids=["no format", "dtype", "processes", "variant", "command", "any backward pass"],
)
def test_a_precision_that_is_none_is_refused(words: list[str]) -> None:
    result = CliRunner().invoke(app, ["check", *words])
    assert isinstance(result.exception, UsageError)
    assert "precision" in str(result.exception)


class Casting(Network):
    """The book's network, which computes in float16 whatever it is given."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """∂C/∂b and ∂C/∂w of one sample."""
        half: Any = np.float16
        kept = self.weights, self.biases
        self.weights, self.biases = ([each.astype(half) for each in part] for part in kept)
        try:
            return super().backprop(x.astype(half), y.astype(half))
        finally:
            self.weights, self.biases = kept


def test_a_class_that_gives_float16_is_judged_in_it_unasked() -> None:
    report = check(Casting, case=("hand-2-3-1", "expanding-2-3-2"))
    assert report.ok
    assert [each.case.dtype for each in report.cases] == ["float16", "float16"]
    assert "float16" in report.conventions


@each_format
def test_a_module_is_judged_in_the_format(dtype: str) -> None:
    layers = torch.nn.Linear(2, 3), torch.nn.Sigmoid(), torch.nn.Linear(3, 1), torch.nn.Sigmoid()
    assert check(torch.nn.Sequential(*layers), precision=dtype, case="hand-2-3-1").ok


def test_the_twin_halves_its_scale_until_no_error_overflows() -> None:
    """Errors of about 100, times 1024, are beyond the largest float16."""
    case = small_case((2, 2), family=("sigmoid", "linear")).in_format("float16")
    whole = recorded(case)
    start = whole.steps[0].parameters.map(lambda array: np.float16(64) * array)
    step = RecordedStep(start, whole.steps[0].batch, {}, {})
    report = check_case(
        in_format(find("torch_impl"), "float16"), in_short(case, Recorded(case, (step,)))
    )
    assert report.status is Status.PASS
    assert "delta2" in [each.name for each in report.passes]
