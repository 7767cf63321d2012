"""A function as a subject: its conventions are recognised, its mistakes and mixtures blamed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.errors import SubjectError, UsageError
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.model.table import tag_of
from conformance.report.message import problem_text
from conformance.subjects import Subject
from conformance.subjects.function.function_subject import function_subject
from conformance.tests.support import recorded
from conformance.verdict.compare import FREE, Status
from reference.step import Array

Function = Callable[..., Any]
CASES = ("layout-3-2-4", "hand-2-3-1")


def sigmoid(z: Array) -> Array:
    s: Array = 1 / (1 + np.exp(-z))
    return s


def either(
    weights: list[Array], biases: list[Array], x: Array, y: Array, eta: float, cost: str
) -> dict[str, Any]:
    """One step with either cost, written as a person would."""
    shown: dict[str, Any] = {}
    a = [x]
    for i, (w, b) in enumerate(zip(weights, biases, strict=True), 2):
        shown[f"z{i}"] = w @ a[-1] + b
        a.append(sigmoid(shown[f"z{i}"]))
        shown[f"a{i}"] = a[-1]
    m = x.shape[1]
    if cost == "quadratic":
        shown["cost"] = 0.5 * ((a[-1] - y) ** 2).sum() / m
        delta = (a[-1] - y) * a[-1] * (1 - a[-1])
    else:
        shown["cost"] = -(y * np.log(a[-1]) + (1 - y) * np.log(1 - a[-1])).sum() / m
        delta = a[-1] - y
    for i in range(len(weights) + 1, 1, -1):
        shown[f"delta{i}"] = delta
        shown[f"nabla_b{i}"] = delta.sum(axis=1, keepdims=True) / m
        shown[f"nabla_w{i}"] = delta @ a[i - 2].T / m
        shown[f"b{i}"] = biases[i - 2] - eta * shown[f"nabla_b{i}"]
        shown[f"w{i}"] = weights[i - 2] - eta * shown[f"nabla_w{i}"]
        delta = (weights[i - 2].T @ delta) * a[i - 2] * (1 - a[i - 2])
    return shown


def step(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
    """One step with the quadratic cost."""
    return either(weights, biases, x, y, eta, "quadratic")


def changed(*changes: tuple[str, Callable[[Any, int], Any]]) -> Function:
    """The step with some of what it shows, by the beginnings of the names, made something else."""

    def other(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
        shown = step(weights, biases, x, y, eta)
        for begin, change in changes:
            shown |= {k: change(v, x.shape[1]) for k, v in shown.items() if k.startswith(begin)}
        return shown

    return other


def rows(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
    """Samples as rows, biases flat, weights (n_{l-1}, n_l), as with a framework."""
    a1 = x
    for w, b in zip(weights, biases, strict=True):
        a1 = sigmoid(np.add(a1 @ w, b, out=np.empty((len(x), len(b)), x.dtype)))
    columns = [np.reshape(b, (-1, 1)) for b in biases]
    shown = step([w.T for w in weights], columns, x.T, y.T, eta)
    return {
        k: v if k == "cost" else v[:, 0] if k.startswith(("b", "nabla_b")) else v.T
        for k, v in shown.items()
    }


def check(subject: Subject, *ids: str) -> list[CaseReport]:
    """The reports of the cases that fit."""
    every = [recorded(each) for each in ids or CASES]
    every += [recorded(f"{each}-float32") for each in ids or CASES]
    fit = [each for each in every if not subject.unfit(each.case)]
    assert fit
    return [check_case(subject, each) for each in fit]


def passes(function: Function, *ids: str, cost: str | None = None) -> Subject:
    """The subject, which must pass in all cases that fit."""
    subject = function_subject(function, "step", cost)
    for report in check(subject, *ids):
        assert report.status is Status.PASS, (report.case.id, report.error, report.failures)
    return subject


def blamed(function: Function, id_: str = "contracting-5-4-3-2") -> set[str]:
    """The tags of the equations that are blamed in a case, `remark` for what is beside them."""
    report = check_case(function_subject(function, "step"), recorded(id_))
    assert not report.error, report.error
    return {
        tag_of(each.name, report.case.layers) if each.name else "remark" for each in report.failures
    }


def test_a_right_function_passes_without_a_convention_in_both_dtypes_and_freely() -> None:
    subject = passes(step, "contracting-5-4-3-2", "expanding-2-3-2")
    assert subject.conventions == ()
    assert subject.dtypes == ("float32", "float64")
    assert subject.costs == ("quadratic",)
    assert not subject.decays
    report = check_case(subject, recorded("contracting-5-4-3-2"))
    assert any(each.mode == FREE and each.status is Status.PASS for each in report.verdicts)


def times_m(array: Array, m: int) -> Array:
    return array * m


def over_m(array: Array, m: int) -> Array:
    return array / m


def turned(array: Array, _m: int) -> Array:
    return array.T


def flat(array: Array, _m: int) -> Array:
    return array.reshape(-1)


CONVENTIONS = {
    "summed": (changed(("nabla", times_m)), "nabla summed over the mini-batch"),
    "divided": (changed(("delta", over_m)), "delta holds the 1/m"),
    "shown as rows": (
        changed(("z", turned), ("a", turned), ("delta", turned)),
        "z, a, delta shown as rows",
    ),
    "flat gradient": (changed(("nabla_b", flat)), "nabla_b shown flat"),
}


@pytest.mark.parametrize("begin", ["", "nabla_"])
@pytest.mark.parametrize("first", ["b", "w"])
def test_two_lists_are_the_new_parameters_or_the_gradients(begin: str, first: str) -> None:
    def listed(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> tuple[Any, ...]:
        shown, layers = step(weights, biases, x, y, eta), range(2, len(weights) + 2)
        names = (first, "bw".replace(first, ""))
        return tuple([shown[f"{begin}{name}{i}"] for i in layers] for name in names)

    report = check_case(function_subject(listed, "listed"), recorded("layout-3-2-4"))
    seen = {each.name for each in report.verdicts if each.status is Status.PASS}
    assert not report.failures
    assert not report.error
    assert {f"{begin}b2", f"{begin}w3", "delta2"} <= seen


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_convention_is_recognised_and_said(name: str) -> None:
    function, said = CONVENTIONS[name]
    assert passes(function).conventions == (said,)


def test_cost_and_gradients_summed_together_are_a_convention() -> None:
    subject = passes(changed(("nabla", times_m), ("cost", times_m)))
    assert "cost summed over the mini-batch" in subject.conventions


def test_rows_flat_biases_and_transposed_weights_are_recognised() -> None:
    said = passes(rows).conventions
    assert said == ("samples as rows", "biases as flat arrays", "weights stored as (n_{l-1}, n_l)")


def test_float32_inside_and_out_is_judged_in_float32() -> None:
    subject = passes(changed(("", lambda array, _m: np.asarray(array, np.float32))))
    assert subject.dtypes == ("float32",)
    assert "float32" in subject.conventions


def test_nested_lists_are_numbers() -> None:
    passes(changed(("", lambda array, _m: array.tolist())))


def test_nested_lists_of_float32_are_judged_in_float32() -> None:
    subject = passes(changed(("", lambda array, _m: array.astype(np.float32).tolist())))
    assert subject.dtypes == ("float32",)
    assert function_subject(changed(("", lambda array, _m: array.tolist())), "step").dtypes == (
        "float32",
        "float64",
    )


def test_hidden_errors_alone_may_hold_the_1_over_m() -> None:
    def hidden(*arguments: Any) -> dict[str, Any]:
        shown = changed(("delta", over_m))(*arguments)
        return {k: v for k, v in shown.items() if k != f"delta{len(arguments[0]) + 1}"}

    subject = passes(hidden, "contracting-5-4-3-2", "square-4-4-4-4")
    assert subject.conventions == ("delta holds the 1/m",)


def test_a_plain_number_as_cost_has_the_dtype_of_the_rest() -> None:
    subject = passes(changed(("cost", lambda cost, _m: float(cost))))
    assert subject.dtypes == ("float32", "float64")


def test_decay_and_cost_are_given_to_a_function_that_takes_them() -> None:
    def chooses(
        weights: Any,
        biases: Any,
        x: Array,
        y: Array,
        eta: float,
        *,
        lmbda: float,
        n: int,
        cost: str,
    ) -> dict[str, Any]:
        shown = either(weights, biases, x, y, eta, cost)
        shown |= {
            f"w{i}": (1 - eta * lmbda / n) * w - eta * shown[f"nabla_w{i}"]
            for i, w in enumerate(weights, 2)
        }
        return shown

    subject = passes(chooses, "expanding-2-3-2", "single-4-3-2")
    assert subject.decays
    assert set(subject.costs) == {"quadratic", "cross-entropy"}


def test_the_cross_entropy_is_recognised_by_the_cost_that_is_shown() -> None:
    def other(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
        return either(weights, biases, x, y, eta, "cross-entropy")

    assert passes(other, "single-4-3-2").conventions == ("cross-entropy cost",)


def test_a_function_without_new_parameters_has_no_free_run_and_says_so() -> None:
    def partly(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
        shown = step(weights, biases, x, y, eta)
        return {key: array for key, array in shown.items() if key[0] not in "bw"}

    subject = passes(partly)
    assert subject.conventions == ("shows no new parameters: no free run",)
    assert not subject.runs_freely(recorded("contracting-5-4-3-2").case)


# Mistakes


def test_a_mixture_of_sum_and_mean_is_no_convention() -> None:
    for mixed, tag in (("nabla_w", "BP4"), ("nabla_b", "BP3")):
        function = changed((mixed, times_m))
        assert tag in blamed(function)
        assert "nabla summed over the mini-batch" not in function_subject(function, "f").conventions


def test_a_mixture_is_none_though_the_update_divides_both_by_m() -> None:
    def mixed(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
        shown, m = step(weights, biases, x, y, eta), x.shape[1]
        for i, b in enumerate(biases, 2):
            shown[f"b{i}"] = b - eta / m * shown[f"nabla_b{i}"]
            shown[f"nabla_w{i}"] = m * shown[f"nabla_w{i}"]
        return shown

    assert function_subject(mixed, "step").conventions == ()
    assert "BP4" in blamed(mixed)


def test_summed_gradients_with_one_wrong_equation_blame_that_equation_alone() -> None:
    def half(array: Array, _m: int) -> Array:
        return array / 2

    # The update does not follow from what is shown either.
    assert blamed(changed(("nabla", times_m), ("nabla_w", half))) == {"BP4", "W"}


def test_summed_gradients_with_an_update_that_forgets_the_mean_are_wrong_in_the_update() -> None:
    def other(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
        shown: dict[str, Any] = changed(("nabla", times_m))(weights, biases, x, y, eta)
        for i, (w, b) in enumerate(zip(weights, biases, strict=True), 2):
            shown[f"w{i}"] = w - eta * shown[f"nabla_w{i}"]
            shown[f"b{i}"] = b - eta * shown[f"nabla_b{i}"]
        return shown

    assert blamed(other) == {"B", "W"}


def no_prime(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
    """σ′ left out in the hidden layers."""
    shown, m = step(weights, biases, x, y, eta), x.shape[1]
    for i in range(len(weights), 1, -1):
        delta = weights[i - 1].T @ shown[f"delta{i + 1}"]
        below = x if i == 2 else shown[f"a{i - 1}"]
        shown |= {f"delta{i}": delta, f"nabla_b{i}": delta.sum(axis=1, keepdims=True) / m}
        shown[f"nabla_w{i}"] = delta @ below.T / m
        shown[f"b{i}"] = biases[i - 2] - eta * shown[f"nabla_b{i}"]
        shown[f"w{i}"] = weights[i - 2] - eta * shown[f"nabla_w{i}"]
    return shown


def test_a_wrong_equation_is_blamed_alone_in_any_convention() -> None:
    assert blamed(no_prime) == {"BP2"}

    def summed(*arguments: Any) -> dict[str, Any]:
        shown, m = no_prime(*arguments), arguments[2].shape[1]
        return {k: v * m if k.startswith("nabla") else v for k, v in shown.items()}

    assert blamed(summed) == {"BP2"}


@pytest.mark.parametrize(
    ("begin", "change", "tag"),
    [
        ("z2", lambda z, _m: z + 1, "Z"),
        ("a3", lambda a, _m: 1 - a, "A"),
        ("cost", lambda cost, _m: 2 * cost, "C"),
        ("delta4", lambda delta, _m: -delta, "BP1"),
        ("b2", lambda b, _m: b + 1, "B"),
        ("w2", lambda w, _m: w + 1, "W"),
    ],
)
def test_what_is_shown_wrongly_is_blamed(begin: str, change: Any, tag: str) -> None:
    assert tag in blamed(changed((begin, change)))


def test_an_overwritten_sample_and_a_second_answer_are_remarked() -> None:
    calls: list[int] = []

    def overwrites(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
        shown = step(weights, biases, x.copy(), y, eta)
        x[:] = 0
        return shown

    def leaves_state(*arguments: Any) -> dict[str, Any]:
        calls.append(1)
        shown = step(*arguments)
        return {**shown, "cost": shown["cost"] + len(calls)}

    assert blamed(overwrites) == {"remark"}
    assert blamed(leaves_state) == {"remark", "C"}


# Bad input


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "returned `z2` as a str, expected an array of real numbers"),
        (None, "returned `z2` as a NoneType, expected"),
        ([[1.0], [2.0, 3.0]], "returned `z2` as a list that makes no array"),
        (np.ones((4, 3), complex), "returned `z2` as a ndarray of complex128, expected"),
        (["a", "b"], "returned `z2` as a list of <U1, expected"),
    ],
)
def test_a_value_that_is_no_array_of_numbers_is_named(value: Any, message: str) -> None:
    with pytest.raises(SubjectError) as caught:
        function_subject(changed(("z2", lambda _array, _m: value)), "f.py:step")
    assert str(caught.value).startswith("f.py:step returned")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_dict_is_named() -> None:
    with pytest.raises(SubjectError, match="step returned a tuple, expected a dict of quantities"):
        function_subject(lambda *_five: (1, 2), "step")


def test_a_key_that_is_no_name_is_named() -> None:
    with pytest.raises(SubjectError, match="returned the key 2, expected names such as `z2`"):
        function_subject(lambda *five: {2: five[2]}, "step")


def test_unknown_keys_are_refused_in_one_line_before_any_case() -> None:
    function = changed(("z2", lambda z, _m: z))
    with pytest.raises(SubjectError, match="step showed 'dW1', which is no quantity; ") as caught:
        function_subject(lambda *five: {**function(*five), "dW1": five[2]}, "step")
    assert "\n" not in str(caught.value)


def test_a_remark_does_not_name_the_function_twice() -> None:
    def overwrites(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
        shown = step(weights, biases, x, y, eta)
        x *= 2
        return shown

    report = check_case(function_subject(overwrites, "mine"), recorded("hand-2-3-1"))
    assert "it overwrites its x" in {problem_text(v) for v in report.failures}


def test_a_function_that_stops_is_an_error_of_the_case_with_its_own_line() -> None:
    def stops(*_five: Any) -> dict[str, Any]:
        raise ZeroDivisionError("mine")

    report = check_case(function_subject(stops, "step"), recorded("hand-2-3-1"))
    assert report.status is Status.ERROR
    assert "ZeroDivisionError: mine" in report.error


def test_nan_is_a_verdict() -> None:
    assert "Z" in blamed(changed(("z2", lambda z, _m: z * np.nan)))


def test_an_unknown_cost_is_refused() -> None:
    with pytest.raises(UsageError, match="give quadratic or cross-entropy"):
        function_subject(step, "step", "hinge")
