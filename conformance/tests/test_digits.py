"""Where digits went is said: the line, the operation, how many; and of nothing that lost none.

Left out: right networks (`test_right.py`) and wrong formulas (`test_broken.py`).
"""

import functools
import json
from collections.abc import Callable
from functools import cache
from linecache import getline
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from conformance import report as reports
from conformance.api import check
from conformance.arithmetic.balls import precision
from conformance.backward.value_names import named
from conformance.corpus import store
from conformance.examine import examine
from conformance.judging.observe import observations
from conformance.report.book_report import Report
from conformance.report.exact_words import loss_words
from conformance.report.message import lost
from conformance.report.record import to_json
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.observation import SHOWN
from conformance.tests.networks import book, lossy
from conformance.tests.support import recorded
from conformance.tests.test_right import MomentumLeftOn
from conformance.tracing.digits import Loss, Spot, locate
from conformance.tracing.replay import Replay
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace
from conformance.verdict.compare import FREE
from reference.step import Array

SATURATED, SQUARE = "saturated-2-8-3", "square-4-4-4-4"
SCHEMA = json.loads(Path(reports.__file__).with_name("report.schema.json").read_text("utf-8"))

# One formula

Formula = Callable[[Any], Any]


def told(formula: Formula, x: Array, granted: tuple[int, ...] = ()) -> Loss | None:
    """What is said of the last operation of a formula, x being node 0."""
    trace = Trace()
    with np.errstate(all="ignore"), precision(2000), traced_program(trace):
        made = trace.argument(formula(trace.given(x, "x")))
        spot = Spot("a2", made, None, str(x.dtype), frozenset(granted))
        return locate(Replay(trace), spot)


def half(x: Any) -> Any:
    """The numbers in float32, if they are not exact."""
    return x.astype(np.float32) if x.dtype == np.float64 else x


BIG = 2.0**60
LOSSES: dict[str, tuple[Formula, float, tuple[Any, ...]]] = {
    "difference": (lambda x: 1 - np.cos(x), 1e-6, ("cancelled", "subtract", 12)),
    "absorbed": (lambda x: (x + BIG) - BIG, 0.7, ("cancelled", "subtract", 16)),
    "log of nearly 1": (lambda x: np.log(1 + x), 1e-10, ("lost", "log", 9)),
    "overflow": (lambda x: np.sqrt(x * x + 1), 1e200, ("lost by overflow", "multiply", 16)),
    "underflow": (lambda x: x * x / x, 1e-200, ("lost by underflow", "multiply", 16)),
    "product": (lambda x: np.array([[1e16, 1, -1e16]]) @ (x * x + 1), 0.1, ("lost", "matmul", 16)),
    "cast": (lambda x: 3 * half(x), 0.1, ("lost in float32", "astype", 8)),
}
"""A formula, its x, and what is said of it: how, in which operation, how many digits."""


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_operation_that_loses_digits_is_found(name: str) -> None:
    formula, x, expected = LOSSES[name]
    loss = told(formula, np.array([[x], [x], [x]]))
    assert loss is not None
    assert (loss.how, loss.operation, loss.digits) == expected
    assert loss.frames[0].file == __file__
    assert loss.of == 16


def test_a_float32_has_seven_digits() -> None:
    loss = told(lambda x: (x + BIG) - BIG, np.array([0.7, 0.1], dtype=np.float32))
    assert loss is not None
    assert (loss.digits, loss.of) == (7, 7)


def test_the_operands_stand_in_their_order_and_the_right_result_beside_them() -> None:
    loss = told(lambda x: 1 - np.cos(x), np.array([2.0**-20, 2.0**-20]))
    assert loss is not None
    assert lost(loss).endswith(
        "in subtract (1 - 0.9999999999995453 = 4.547473508864641e-13, exactly 4.547e-13)"
    )


def test_the_entry_that_is_furthest_off_is_followed() -> None:
    loss = told(lambda x: 1 - np.cos(x), np.array([1.0, 2.0**-20, 2.0]))
    assert loss is not None
    assert loss.operands == (1.0, np.cos(2.0**-20))


def test_the_entry_that_is_shown_is_off_where_the_result_is_turned() -> None:
    x = np.array([[1.0, 2.0**-20, 2.0], [1.5, 0.5, 0.7]])
    loss = told(lambda x: (1 - np.cos(x.T)).T, x)
    assert loss is not None
    assert loss.operands == (1.0, np.cos(2.0**-20))


NO_LOSS: dict[str, Formula] = {
    "products": lambda x: 3 * x * x / 7,
    "roundings that add up": lambda x: functools.reduce(np.multiply, [x] * 101),
    "an underflow that does not matter": lambda x: 1 / (1 + np.exp(-1e4 * x)),
}


@pytest.mark.parametrize("name", sorted(NO_LOSS))
def test_where_nothing_is_lost_or_seen_nothing_is_said(name: str) -> None:
    assert told(NO_LOSS[name], np.array([0.3, 0.1])) is None


def test_one_of_many_operations_is_found() -> None:
    def formula(x: Array) -> Array:
        for i in range(500):
            x = (x + BIG) - BIG if i == 300 else x * 0.999
        return x

    loss = told(formula, np.array([0.7]))
    assert loss is not None
    assert loss.operation == "subtract"


def test_what_was_lost_before_is_not_counted() -> None:
    """Node 2 is the difference, which is granted: it is judged for itself."""
    assert told(lambda x: 3 * (1 - np.cos(x)), np.array([1e-5, 1e-6]), granted=(2,)) is None


# What to write instead


def softplus_by_hand(z: Any) -> Any:
    """The logarithm of 1 − σ(z)."""
    a = 1 / (1 + np.exp(-z))
    return np.log(1 - a)


def picked(z: Any) -> Any:
    """−log of softmax, one entry a row."""
    powers = np.exp(z)
    p = powers / np.sum(powers, axis=1, keepdims=True)
    return -np.log(p[np.arange(2), [1, 0]])


def tanh(z: Any) -> Any:
    """From exponentials."""
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


REWRITES: dict[str, tuple[Formula, Any, str, int]] = {
    "sigma by the sign of z": (
        lambda z: np.exp(z) / (1 + np.exp(z)),
        [800.0, -1.0],
        "np.where(z >= 0, 1, np.exp(-abs(z))) / (1 + np.exp(-abs(z)))",
        16,
    ),
    "log(1 - a) from z": (softplus_by_hand, [40.0, 1.0], "-np.logaddexp(0, z)", 16),
    "logsumexp": (lambda z: np.log(np.sum(np.exp(z), axis=1)), [[800.0, 1.0]], "m + np.log(", 16),
    "log1p": (lambda z: np.log(1 + z), [1e-10, 0.5], "np.log1p(z)", 9),
    "expm1": (lambda z: np.exp(z) - 1, [1e-10, 0.5], "np.expm1(z)", 9),
    "tanh": (tanh, [1e-9, 800.0], "np.tanh(z)", 16),
    "cross-entropy from z, picked": (picked, [[800.0, 1.0], [1.0, 3.0]], "-(z - m - np.log(", 15),
}
"""A formula, its z, how what is to be written begins, and the digits that it gains."""


def rewritten(formula: Formula, z: Array) -> Loss | None:
    """What is said of a formula of z, with what to write instead."""
    trace = Trace(sites=True)
    with np.errstate(all="ignore"), precision(2000), traced_program(trace):
        made = trace.argument(formula(trace.given(z, "z")))
        spot = Spot("C", made, None, str(z.dtype))
        return locate(Replay(trace), spot, lambda node: named(node).name)


@pytest.mark.parametrize("name", sorted(REWRITES))
def test_what_gains_digits_is_told(name: str) -> None:
    formula, z, begins, digits = REWRITES[name]
    loss = rewritten(formula, np.array(z))
    assert loss is not None
    assert loss.instead is not None
    assert loss.instead.write.startswith(begins)
    assert loss.instead.digits >= digits
    assert loss.instead.file == __file__


def test_a_cross_entropy_is_written_with_z_and_y() -> None:
    trace = Trace(sites=True)
    z, y = np.array([40.0, 1.0]), np.array([0.0, 0.3])
    with np.errstate(all="ignore"), precision(2000), traced_program(trace):
        outputs, targets = trace.given(z, "z"), trace.given(y, "y")
        a = 1 / (1 + np.exp(-outputs))
        cost = trace.argument(-(targets * np.log(a) + (1 - targets) * np.log(1 - a)))
        loss = locate(Replay(trace), Spot("C", cost, None, "float64"), lambda n: named(n).name)
    assert loss is not None
    assert loss.instead is not None
    assert loss.instead.write == "np.logaddexp(0, z) - y * z"


def test_what_no_form_mends_is_left() -> None:
    loss = rewritten(lambda z: (z + BIG) - BIG, np.array([0.7, 0.1]))
    assert loss is not None
    assert loss.instead is None


# A network


@cache
def examined(cls: type, *ids: str) -> Report:
    """The report on a class in some cases."""
    cases = [case for case in store.cases(store.root()) if case.id in ids]
    return examine(book_subject(cls, cls.__name__), store.root(), cases)


def line_of(cls: type) -> str:
    """The line of a class that is marked."""
    source = Path(lossy.__file__).read_text("utf-8").split(f"class {cls.__name__}(")[1]
    return next(line.strip() for line in source.splitlines() if line.endswith("# here"))


LOST = "is the right formula and loses digits"
BADLY = "is the right formula, evaluated badly"
NETWORKS: dict[type, tuple[str, str, str]] = {
    lossy.ShiftedPrime: ("BP2", LOST, "14 of 16 digits cancelled in subtract"),
    lossy.Complement: ("A", LOST, "14 of 16 digits cancelled in subtract"),
    lossy.EntryByEntry: ("A", LOST, "14 of 16 digits cancelled in subtract"),
    lossy.GrowingExponential: ("A", BADLY, "16 of 16 digits lost by overflow in exp"),
    lossy.QuotientPrime: ("BP2", BADLY, "16 of 16 digits lost by overflow in exp"),
    lossy.LossyFeedforward: ("A", BADLY, "16 of 16 digits lost by overflow in exp"),
}


@pytest.mark.parametrize("cls", NETWORKS, ids=lambda cls: cls.__name__)
def test_a_right_formula_that_loses_digits_is_a_finding_of_its_own(cls: type) -> None:
    tag, said, words = NETWORKS[cls]
    found = examined(cls, SATURATED)
    assert not found.blames
    assert found.exit_code == (said == BADLY)
    loss = next(each for each in found.losses if each.tag == tag)
    under = str(found).split(f"\n{tag} at layer")[-1].split("first in", maxsplit=1)[0]
    assert said in under
    assert f"  exact arithmetic ({SATURATED}): right formula, lost digits\n  {words}" in under
    assert getline(loss.frames[0].file, loss.frames[0].line).strip() == line_of(cls)


def test_what_to_write_is_said_with_the_books_name_of_z() -> None:
    said = str(examined(lossy.LossyFeedforward, SATURATED))
    assert "`np.where(z2 >= 0, 1, np.exp(-abs(z2))) / (1 + np.exp(-abs(z2)))` on line" in said
    assert "keeps 16 more" in said


@pytest.mark.parametrize(
    ("cls", "tag"),
    [
        pytest.param(lossy.HalfPrecision, "Z", marks=pytest.mark.seldom),
        (lossy.AlwaysFloat32, "Z"),
        (lossy.HalfUpdate, "BP4"),
    ],
    ids=["half precision", "always float32", "half update"],
)
def test_floats_decide_what_a_cast_is_worth(cls: type, tag: str) -> None:
    found = examined(cls, SATURATED)
    assert [each.tag for each in found.blames] == [tag]
    frame = found.blames[0].frames[0]
    assert getline(frame.file, frame.line).strip() == line_of(cls)
    assert "floats decide: astype to float32" in str(found)


@pytest.mark.usefixtures("no_search")
def test_in_float32_there_are_seven_digits_to_lose() -> None:
    loss = next(each for each in examined(lossy.Float32, f"{SATURATED}-float32").losses)
    assert loss.tag == "BP2"
    assert loss_words(loss).startswith("2 of 7 digits cancelled")


@pytest.mark.usefixtures("no_search")
def test_a_dtype_with_more_digits_loses_none() -> None:
    """The update has float64 sums of float32 gradients."""
    found = examined(lossy.WideSums, "cancelling-2-2-2-float32")
    assert "right formula; it has dtype float64, expected float32" in str(found)
    assert not found.losses


def lost_in(cls: type, name: str, index: tuple[int, ...]) -> Loss | None:
    """What is said of an entry of the first step of the saturated case."""
    whole = recorded(SATURATED)
    subject = book_subject(cls, cls.__name__)
    seen = next(observations(subject, whole.case, whole.steps[:1]))
    on_balls = seen.on_balls[SHOWN]
    assert on_balls(name).right
    return on_balls.lost(name, index).loss


def test_what_enters_an_equation_is_put_right_first() -> None:
    """δ of neuron 0 is not a number, since its a is none: that is said of a."""
    assert lost_in(lossy.GrowingExponential, "a2", (0, 0)) is not None
    assert lost_in(lossy.GrowingExponential, "delta2", (0, 0)) is None


def test_only_the_entry_that_failed_is_followed() -> None:
    """100 − 99 − σ(−z) loses digits where z is negative."""
    assert lost_in(lossy.Complement, "a2", (3, 0)) is not None
    assert lost_in(lossy.Complement, "a2", (0, 0)) is None


@pytest.mark.seldom
def test_a_bug_elsewhere_does_not_hide_where_the_digits_went() -> None:
    """The update is wrong in every case; digits are lost in some."""
    found = examined(lossy.LossyAndWrong, "expanding-3-4-5-2", "remainder-3-4-2", SATURATED, SQUARE)
    assert {each.tag for each in found.blames} == {"B", "W"}
    loss = next(each for each in found.losses if each.tag == "BP2")
    assert getline(loss.frames[0].file, loss.frames[0].line).strip() == line_of(lossy.ShiftedPrime)
    assert str(found).count("not rounding") == 2


def test_a_step_of_a_free_run_is_decided_in_its_own_state() -> None:
    """Momentum shows in a free run alone; each single step is right."""
    found = examined(MomentumLeftOn, "contracting-5-4-3-2")
    failures = [verdict for each in found.cases for verdict in each.failures]
    assert {verdict.mode for verdict in failures} == {FREE}
    assert all(each.on_balls is not None and each.on_balls.wrong for each in failures)


class NearlyRight(lossy.OwnSigma):
    """Adds to σ′ less than any float can show."""

    def sigma_prime(self, z: Array) -> Array:
        """Its derivative, and a little more."""
        return book.sigmoid_prime(z) + 1e-25


def test_what_only_exact_arithmetic_shows_is_not_called_exactly_right() -> None:
    found = examined(NearlyRight, SQUARE)
    assert found.ok
    assert "of the largest, which floats do not show" in str(found)


def test_it_comes_out_of_the_process_of_a_file_and_into_the_json() -> None:
    found = check(f"{lossy.__file__}:GrowingExponential", case=SATURATED)
    values = json.loads(json.dumps(to_json(found), allow_nan=False))
    jsonschema.Draft202012Validator(SCHEMA).validate(values)
    assert json.loads(json.dumps(to_json(Report.from_json(values)))) == values
    loss = values["lost"][0]["first"]["lost"]["loss"]
    assert (loss["name"], loss["operands"], loss["result"]) == ("a2", [1000.0], "inf")
    assert line_of(lossy.GrowingExponential) in str(found)


def test_a_report_of_an_earlier_release_is_read() -> None:
    values = json.loads(json.dumps(to_json(examined(lossy.ShiftedPrime, SATURATED))))
    values["exact"] = [
        {"case": SATURATED, "step": 0, "left": "", "errors": {"z2": 0.0}, "frames": [], "lost": []}
    ]
    del values["lost"]
    for case in values["cases"]:
        case["verdicts"] = [each for each in case["verdicts"] if "lost" not in each]
    jsonschema.Draft202012Validator(SCHEMA).validate(values)
    assert [run.errors for run in Report.from_json(values).exact] == [{"z2": 0.0}]
