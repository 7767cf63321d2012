"""Where digits went is said: the line, the operation, how many; and of nothing that lost none.

Left out: right networks (`test_right.py`) and wrong formulas (`test_broken.py`).
"""

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from conformance import check
from conformance import report as reports
from conformance.arithmetic.balls import precision
from conformance.corpus import store
from conformance.examine import examine
from conformance.outcome import Report
from conformance.report.message import lost
from conformance.report.record import from_json, to_json
from conformance.subjects.book.subject import book_subject
from conformance.tests.networks import book, lossy
from conformance.tests.support import recorded
from conformance.tests.test_right import MomentumLeftOn
from conformance.verdict.compare import FREE
from conformance.watching.both import Lift
from conformance.watching.digits import Loss, Spot, locate
from conformance.watching.recording import Recording
from reference.step import Array

SATURATED, SQUARE = "saturated-2-8-3", "square-4-4-4-4"
SCHEMA = json.loads(Path(reports.__file__).with_name("report.schema.json").read_text("utf-8"))

# One formula

Formula = Callable[[Any], Any]


def told(formula: Formula, x: Array, granted: tuple[int, ...] = ()) -> Loss | None:
    """What is said of the last operation of a formula, x being event 0."""

    def run(recording: Recording, lift: Lift) -> None:
        formula(recording.watch(lift(x), "x"))

    once = Recording()
    with np.errstate(all="ignore"), precision(2000):
        run(once, np.array)
        return locate(run, Spot("a2", len(once.events) - 1, None, str(x.dtype), frozenset(granted)))


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


NO_LOSS: dict[str, Formula] = {
    "products": lambda x: 3 * x * x / 7,
    "roundings that add up": lambda x: functools.reduce(np.multiply, [x] * 101),
    "an underflow that does not matter": lambda x: 1 / (1 + np.exp(-1e4 * x)),
    "another way on balls": lambda x: 1 - (np.cos(x) if x.dtype.kind == "f" else np.sin(x)),
}


@pytest.mark.parametrize("name", sorted(NO_LOSS))
def test_where_nothing_is_lost_or_seen_nothing_is_said(name: str) -> None:
    assert told(NO_LOSS[name], np.array([0.3, 0.1])) is None


def test_many_operations_take_few_runs() -> None:
    """As many as it takes to halve their number until one is left."""
    runs = 0

    def run(recording: Recording, lift: Lift) -> None:
        nonlocal runs
        runs += 1
        x: Array = recording.watch(lift(np.array([0.7])), "x")
        for i in range(500):
            x = (x + BIG) - BIG if i == 300 else x * 0.999

    with precision(200):
        loss = locate(run, Spot("a2", 501, 0, "float64"))
    assert loss is not None
    assert loss.operation == "subtract"
    assert runs <= 15


def test_what_was_lost_before_is_not_counted() -> None:
    """Event 2 is the difference, which is granted: it is judged for itself."""
    assert told(lambda x: 3 * (1 - np.cos(x)), np.array([1e-5, 1e-6]), granted=(2,)) is None


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


NETWORKS: dict[type, tuple[str, str]] = {
    lossy.ShiftedPrime: ("BP2", "14 of 16 digits cancelled in subtract"),
    lossy.Complement: ("A", "14 of 16 digits cancelled in subtract"),
    lossy.EntryByEntry: ("A", "14 of 16 digits lost in single numbers"),
    lossy.GrowingExponential: ("A", "16 of 16 digits lost by overflow in exp (exp(1000) = inf)"),
    lossy.QuotientPrime: ("BP2", "16 of 16 digits lost by overflow in exp (exp(1000) = inf)"),
    lossy.HalfPrecision: ("A", "16 of 16 digits lost in float32 in astype"),
    lossy.LossyFeedforward: ("A", "16 of 16 digits lost by overflow in exp (exp(1000) = inf)"),
    lossy.HalfUpdate: ("W", "8 of 16 digits lost in float32 in astype"),
}


@pytest.mark.parametrize("cls", NETWORKS, ids=lambda cls: cls.__name__)
def test_under_the_blame_stands_where_the_digits_went(cls: type) -> None:
    tag, words = NETWORKS[cls]
    text = str(examined(cls, SATURATED))
    under = text[text.index(f"{tag} is wrong") :].split("first in", maxsplit=1)[0]
    assert (
        f"  exact arithmetic ({SATURATED}): right formula, lost digits\n  digits lost at " in under
    )
    assert f"{line_of(cls)} : {words}" in under


def test_in_float32_there_are_seven_digits_to_lose() -> None:
    text = str(examined(lossy.Float32, f"{SATURATED}-float32"))
    under = text[text.index("BP2 is wrong") :].split("first in", maxsplit=1)[0]
    assert f"{line_of(lossy.ShiftedPrime)} : 2 of 7 digits cancelled" in under


def test_a_dtype_with_more_digits_loses_none() -> None:
    """The update has float64 sums of float32 gradients."""
    text = str(examined(lossy.WideSums, "cancelling-2-2-2-float32"))
    assert "right formula; it has dtype float64, expected float32" in text
    assert "lost" not in text


def lost_in(cls: type, name: str, index: tuple[int, ...]) -> Loss | None:
    """What is said of an entry of the first step of the saturated case."""
    whole, ask = recorded(SATURATED), book_subject(cls, cls.__name__).lost_digits
    assert ask is not None
    return ask(whole.case, whole.steps[0], name, index, False)


def test_what_enters_an_equation_is_put_right_first() -> None:
    """δ of neuron 0 is not a number, since its a is none: that is said of a."""
    assert lost_in(lossy.GrowingExponential, "a2", (0, 0)) is not None
    assert lost_in(lossy.GrowingExponential, "delta2", (0, 0)) is None


def test_only_the_entry_that_failed_is_followed() -> None:
    """100 − 99 − σ(−z) loses digits where z is negative."""
    assert lost_in(lossy.Complement, "a2", (3, 0)) is not None
    assert lost_in(lossy.Complement, "a2", (0, 0)) is None


def test_a_cast_that_leaves_exact_arithmetic_is_named_by_leaving() -> None:
    text = str(examined(lossy.AlwaysFloat32, SATURATED))
    assert "not run, since lossy.py:" in text
    assert f"`{line_of(lossy.AlwaysFloat32)[:20]}" in text
    assert "digits lost at" not in text


def test_a_bug_elsewhere_does_not_hide_where_the_digits_went() -> None:
    """The update is wrong in every case; digits are lost in some."""
    found = examined(lossy.LossyAndWrong, "expanding-3-4-5-2", "remainder-3-4-2", SATURATED, SQUARE)
    text = str(found)
    under = text[text.index("BP2 is wrong") :].split("first in", maxsplit=1)[0]
    assert line_of(lossy.ShiftedPrime) in under
    assert text.count("not rounding") == 2


def test_of_two_runs_the_one_that_fails_is_told_of() -> None:
    found = examined(lossy.ShiftedPrime, SATURATED, SQUARE)
    passing = examined(lossy.ShiftedPrime, SQUARE).exact
    assert str(replace(found, exact=(*passing, *found.exact))) == str(found)


def test_a_step_that_does_not_fail_is_not_said_to_lose_digits() -> None:
    """Momentum shows in a free run alone; each single step is right."""
    found = examined(MomentumLeftOn, "contracting-5-4-3-2")
    assert {verdict.mode for each in found.cases for verdict in each.failures} == {FREE}
    assert "right formula in step 0, which does not fail" in str(found)


class NearlyRight(lossy.OwnSigma):
    """Adds to σ′ less than any float can show."""

    def sigma_prime(self, z: Array) -> Array:
        """Its derivative, and a little more."""
        return book.sigmoid_prime(z) + 1e-25


def test_what_only_exact_arithmetic_shows_is_not_called_exactly_right() -> None:
    found = examined(NearlyRight, SQUARE)
    assert found.ok
    assert "of the largest, which floats do not show" in str(found)


def test_of_a_right_network_nothing_is_looked_for() -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    subject = replace(book_subject(book.Network, "book"), lost_digits=refuse)
    cases = [case for case in store.cases(store.root()) if case.id == SATURATED]
    assert examine(subject, store.root(), cases).ok


def test_it_comes_out_of_the_process_of_a_file_and_into_the_json() -> None:
    found = check(f"{lossy.__file__}:GrowingExponential", case=SATURATED)
    values = json.loads(json.dumps(to_json(found), allow_nan=False))
    jsonschema.Draft202012Validator(SCHEMA).validate(values)
    assert json.loads(json.dumps(to_json(from_json(values)))) == values
    loss = values["exact"][0]["lost"][0]
    assert (loss["name"], loss["operands"], loss["result"]) == ("a2", [1000.0], "inf")
    assert line_of(lossy.GrowingExponential) in str(found)


def test_a_report_of_an_earlier_release_is_read() -> None:
    values = to_json(examined(lossy.ShiftedPrime, SATURATED))
    for run in values["exact"]:
        del run["lost"]
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(values)))
    assert all(run.lost == () for run in from_json(values).exact)
