"""How classes and functions are called that are not written just as the book has them.

Left out: whether they are judged rightly (`test_programs.py`).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import pytest

from conformance.errors import SubjectError, UsageError
from conformance.judging.judge import check_case
from conformance.report.message import problem_text
from conformance.subjects import Subject
from conformance.subjects.adapt import adapt, is_of_the_book
from conformance.tests.networks.book import Array, Network, Pairs, sigmoid
from conformance.tests.networks.right_costs import CrossEntropyCost, WithCost
from conformance.tests.support import recorded
from conformance.verdict.compare import Status, Verdict

TWO_LAYERS, THREE_LAYERS, NONE_HIDDEN = "layout-3-2-4", "contracting-5-4-3-2", "narrow-5-1"
DECAY = "dead-inputs-4-3-2"


def judged(subject: Subject, id_: str = TWO_LAYERS) -> tuple[set[str], list[Verdict]]:
    """The tags of what is wrong in a case, and all verdicts."""
    case = recorded(id_)
    assert not subject.unfit(case.case)
    report = check_case(subject, case)
    assert not report.error
    return set(report.blamed), report.verdicts


def reason(subject: Subject, id_: str) -> str:
    return subject.unfit(recorded(id_).case)


class PassesOn(Network):
    """Takes whatever the book's network takes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class HiddenListed(Network):
    """Takes the hidden layers as a list between two numbers."""

    def __init__(self, inputs: int, hidden: list[int], outputs: int = 10) -> None:
        super().__init__([inputs, *hidden, outputs])


class ThreeNumbers(Network):
    """Takes three numbers, the last of which has a default."""

    def __init__(self, inputs: int, hidden: int, outputs: int = 10) -> None:
        super().__init__([inputs, hidden, outputs])


class ThreeSizes(Network):
    """Takes a list of three sizes."""

    def __init__(self, sizes: list[int]) -> None:
        inputs, hidden, outputs = sizes
        super().__init__([inputs, hidden, outputs])


def made(inputs: int, hidden: int, outputs: int) -> Network:
    """A factory of three numbers."""
    return Network([inputs, hidden, outputs])


@pytest.mark.parametrize("thing", [HiddenListed, PassesOn])
def test_a_constructor_that_takes_any_sizes_in_another_form_is_judged_in_all_cases(
    thing: type,
) -> None:
    subject = adapt(thing, "it")
    assert judged(subject)[0] == judged(subject, THREE_LAYERS)[0] == set()


class TakesClasses(Network):
    """Subtracts 1 where the target is the largest."""

    def cost_derivative(self, output_activations: Array, y: Array) -> Array:
        """What is not the target."""
        return output_activations - np.eye(len(y))[:, [np.argmax(y)]]


def test_targets_that_are_taken_for_classes_are_one_hot() -> None:
    subject = adapt(TakesClasses, "it")
    assert reason(subject, TWO_LAYERS) == "takes each target for a class, one-hot"
    assert judged(subject, "mnist-784-10")[0] == set()


@pytest.mark.parametrize("name", ["feed_forward", "feedForward"])
def test_feedforward_may_be_spelled_in_another_way(name: str) -> None:
    inner = {each: vars(Network)[each] for each in ("__init__", "backprop", "cost_derivative")}
    ascends = {**inner, "update_mini_batch": _ascends, name: Network.feedforward}
    thing = type("Respelled", (), ascends)
    assert is_of_the_book(thing)
    assert judged(adapt(thing, "it"))[0] == {"B"}
    assert not hasattr(thing, "feedforward")


def _ascends(net: Any, mini_batch: Pairs, eta: float) -> None:
    before = [np.array(each) for each in net.biases]
    Network.update_mini_batch(net, mini_batch, eta)
    net.biases = [2 * one - other for one, other in zip(before, net.biases, strict=True)]


@pytest.mark.parametrize("thing", [ThreeNumbers, ThreeSizes, made], ids=lambda each: each.__name__)
def test_a_constructor_of_three_sizes_is_judged_with_one_hidden_layer_alone(
    thing: Callable[..., Any],
) -> None:
    subject = adapt(thing, "it")
    assert judged(subject)[0] == set()
    assert reason(subject, THREE_LAYERS).startswith("takes no networks of 4 layers: ")
    assert reason(subject, NONE_HIDDEN).startswith("takes no networks of 2 layers: ")


def test_the_reason_for_which_a_case_is_not_put_to_a_class_is_how_it_stops() -> None:
    words = "ValueError: too many values to unpack (expected 3)"
    assert reason(adapt(ThreeSizes, "it"), THREE_LAYERS).endswith(words)


def test_a_constructor_of_four_numbers_is_judged_with_two_hidden_layers_alone() -> None:
    class TwoHidden(Network):
        def __init__(self, inputs: int, first: int, second: int, outputs: int) -> None:
            super().__init__([inputs, first, second, outputs])

    subject = adapt(TwoHidden, "it")
    assert judged(subject, THREE_LAYERS)[0] == set()
    assert reason(subject, TWO_LAYERS)


def test_a_constructor_that_fails_in_its_own_form_is_reported_in_that_form() -> None:
    class Fails(Network):
        def __init__(self, sizes: list[int], name: str = "") -> None:
            super().__init__(sizes)
            raise RuntimeError(name or "no file")

    with pytest.raises(
        SubjectError, match=r"Fails\(\[3, 2, 4\]\) cannot be made: RuntimeError: no"
    ):
        adapt(Fails, "Fails")


def test_a_product_of_the_wrong_matrices_stops_no_number_of_layers() -> None:
    """It is a mistake, so the cases whose widths are equal are put to it and blame it."""

    class LastForAll(Network):
        def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
            a = [x]
            for w, b in zip(self.weights, self.biases, strict=True):
                a.append(sigmoid(w @ a[-1] + b))
            delta = (a[-1] - y) * a[-1] * (1 - a[-1])
            nabla_b, nabla_w = [delta], [delta @ a[-2].T]
            for i in range(len(a) - 2, 0, -1):
                delta = self.weights[-1].T @ delta * a[i] * (1 - a[i])
                nabla_b.insert(0, delta)
                nabla_w.insert(0, delta @ a[i - 1].T)
            return nabla_b, nabla_w

    subject = adapt(LastForAll, "it")
    assert judged(subject)[0] == set()
    assert judged(subject, "square-4-4-4-4")[0] == {"BP2"}
    assert reason(subject, THREE_LAYERS) == ""


class SubclassElsewhere(WithCost):
    """Beside it there is no cost class that it could be given, but for one that is imported."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


def test_cost_classes_are_found_beside_the_base_class() -> None:
    assert adapt(SubclassElsewhere, "it").costs == ("cross-entropy", "quadratic")


def test_the_cost_of_a_class_that_lets_nobody_choose_is_known_by_its_name() -> None:
    class Fixed(WithCost):
        def __init__(self, sizes: list[int]) -> None:
            super().__init__(sizes, CrossEntropyCost)

    assert adapt(Fixed, "it").costs == ("cross-entropy",)


def decaying(network: Network, mini_batch: Pairs, eta: float, decay: float) -> None:
    """One step with decay, given λ/n."""
    parts = [network.backprop(x, y) for x, y in mini_batch]
    rate = eta / len(mini_batch)
    nabla_b, nabla_w = (
        [sum(layer) for layer in zip(*part, strict=True)] for part in zip(*parts, strict=True)
    )
    network.weights = [
        (1 - eta * decay) * w - rate * nabla
        for w, nabla in zip(network.weights, nabla_w, strict=True)
    ]
    network.biases = [b - rate * nabla for b, nabla in zip(network.biases, nabla_b, strict=True)]


class Renamed(Network):
    """Decays by parameters of other names."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float, lam: float, n_data: int) -> None:  # type: ignore[override]
        """Decay, and step."""
        decaying(self, mini_batch, eta, lam / n_data)


class Unnamed(Network):
    """Decays by parameters of which nobody would guess what they are."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float, p: float, q: int) -> None:  # type: ignore[override]
        """Decay, and step."""
        decaying(self, mini_batch, eta, p / q)


class Turned(Network):
    """The same, n before λ."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float, q: int, p: float) -> None:  # type: ignore[override]
        """Decay, and step."""
        decaying(self, mini_batch, eta, p / q)


class Rate(Network):
    """Takes λ/n, which need not be given."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float, *, weight_decay: float = 0) -> None:
        """Decay, and step."""
        decaying(self, mini_batch, eta, weight_decay)


class OptionalDecay(Network):
    """Takes λ and n among others, and need not be given any."""

    def update_mini_batch(
        self, mini_batch: Pairs, eta: float, mu: float = 0.0, n: int = 1, reg: float = 0.0
    ) -> None:
        """Decay, and step; another step with a momentum, which nobody gives."""
        decaying(self, mini_batch, eta * (1 + mu), reg / n)


WORDS = {
    OptionalDecay: "λ as `reg`, n as `n`",
    Rate: "λ/n as `weight_decay`",
    Renamed: "λ as `lam`, n as `n_data`",
    Turned: "λ as `p`, n as `q`",
    Unnamed: "λ as `p`, n as `q`",
}


@pytest.mark.parametrize("kind", WORDS, ids=lambda each: each.__name__)
def test_decay_under_any_name_is_given_and_said(kind: type[Network]) -> None:
    subject = adapt(kind, "it")
    assert subject.decays
    assert WORDS[kind] in subject.conventions
    wrong, verdicts = judged(subject, DECAY)
    assert wrong == set()
    assert {each.name for each in verdicts} >= {"w2", "w3"}


def test_parameters_that_change_nothing_keep_their_defaults() -> None:
    class Idle(Network):
        def update_mini_batch(
            self,
            mini_batch: Pairs,
            eta: float,
            lambda_: float = 0.0,
            n_data: int = 1,
            tau: float = 0,
        ) -> None:
            assert (lambda_, n_data, tau) in ((0.0, 1, 0), (0.0, 4, 0), (0.5, 4, 0))
            super().update_mini_batch(mini_batch, eta)

    subject = adapt(Idle, "it")
    assert not subject.decays
    assert subject.conventions == ()
    assert judged(subject, DECAY)[0] == set()


def test_an_update_that_is_wrapped_needs_what_the_wrapper_needs() -> None:
    def batched(method: Callable[..., None]) -> Callable[..., None]:
        @wraps(method)
        def wrapper(self: Network, mini_batch: Pairs, eta: float) -> None:
            xs, ys = zip(*mini_batch, strict=True)
            method(self, xs, ys, eta)

        return wrapper

    class Wrapped(Network):
        @batched
        def update_mini_batch(self, xs: list[Array], ys: list[Array], eta: float) -> None:
            Network.update_mini_batch(self, list(zip(xs, ys, strict=True)), eta)

    assert judged(adapt(Wrapped, "it"))[0] == set()


def test_decay_that_must_be_given_and_is_left_out_is_wrong() -> None:
    class Forgets(Network):
        def update_mini_batch(self, mini_batch: Pairs, eta: float, lam: float, n: int) -> None:  # type: ignore[override]  # noqa: ARG002
            super().update_mini_batch(mini_batch, eta)

    assert judged(adapt(Forgets, "it"), DECAY)[0] == {"W"}


def test_a_parameter_that_must_be_given_and_is_neither_lambda_nor_n_is_asked_about() -> None:
    class Unknown(Network):
        def update_mini_batch(self, mini_batch: Pairs, eta: float, tau: float) -> None:  # type: ignore[override]  # noqa: ARG002
            super().update_mini_batch(mini_batch, eta)

    with pytest.raises(UsageError, match="asks for `tau`, which is neither λ nor n"):
        adapt(Unknown, "it")


class Refuses(Network):
    """Takes ordinary arrays alone."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient of ordinary arrays."""
        if type(x) is not np.ndarray:
            raise TypeError("give arrays")
        return super().backprop(x, y)


def test_a_network_that_refuses_arrays_that_record_is_judged_in_floats_and_that_is_said() -> None:
    wrong, verdicts = judged(adapt(Refuses, "it"), THREE_LAYERS)
    notes = {each.problem for each in verdicts if each.status is Status.NOT_OBSERVED}
    assert wrong == set()
    assert any("stops when it is given arrays that record: TypeError: give" in n for n in notes)
    judged_of_it = {each.name for each in verdicts if each.status is Status.PASS}
    assert judged_of_it >= {"a4", "delta2", "nabla_b2", "nabla_w3", "b2", "w4"}


def test_a_network_that_refuses_arrays_that_record_is_blamed_without_a_line() -> None:
    class Doubles(Refuses):
        def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
            nabla_b, nabla_w = super().backprop(x, y)
            return nabla_b, [2 * each for each in nabla_w]

    wrong, verdicts = judged(adapt(Doubles, "it"))
    assert wrong == {"BP4"}
    assert not any(each.frames for each in verdicts)


def test_a_network_that_refuses_them_is_still_said_to_overwrite_its_sample() -> None:
    class Overwrites(Refuses):
        def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
            found = super().backprop(x, y)
            x *= 2
            return found

    _, verdicts = judged(adapt(Overwrites, "it"))
    assert "backprop overwrites its sample" in map(problem_text, verdicts)


def one_hidden(
    weights: list[Array], biases: list[Array], x: Array, y: Array, eta: float
) -> dict[str, Array]:
    """The first two layers of weights, whatever else there is."""
    a2 = 1 / (1 + np.exp(-weights[0] @ x - biases[0]))
    a3 = 1 / (1 + np.exp(-weights[1] @ a2 - biases[1]))
    delta3 = (a3 - y) * a3 * (1 - a3)
    delta2 = weights[1].T @ delta3 * a2 * (1 - a2)
    return {"a2": a2, "a3": a3, "delta3": delta3, "delta2": eta * delta2 / eta}


def updating(
    weights: list[Array], biases: list[Array], x: Array, y: Array, eta: float
) -> dict[str, Array]:
    """The same, with new parameters; it takes two layers of weights apart."""
    w2, w3 = weights
    seen = one_hidden([w2, w3], biases, x, y, eta)
    inputs = {2: x, 3: seen["a2"]}
    for i, w, b in zip((2, 3), weights, biases, strict=True):
        delta, m = seen[f"delta{i}"], x.shape[1]
        seen[f"w{i}"] = w - eta * (delta @ inputs[i].T / m)
        seen[f"b{i}"] = b - eta * delta.mean(axis=1, keepdims=True)
    return seen


def test_a_function_of_one_hidden_layer_is_judged_with_one_alone() -> None:
    silent, parts = adapt(one_hidden, "it"), adapt(updating, "it")
    assert judged(silent)[0] == judged(parts)[0] == set()
    for id_, n in ((THREE_LAYERS, 4), ("square-4-4-4-4", 4)):
        words = f"takes no networks of {n} layers: "
        assert reason(silent, id_) == f"{words}it shows nothing of layer {n}"
        assert reason(parts, id_) == f"{words}ValueError: too many values to unpack (expected 2)"


def test_whether_a_function_of_one_hidden_layer_shows_its_parameters_is_seen() -> None:
    case = recorded("remainder-3-4-2").case
    assert not adapt(one_hidden, "it").runs_freely(case)
    assert adapt(updating, "it").runs_freely(case)


def test_a_function_without_parameters_that_stops_on_unequal_widths_has_no_free_run() -> None:
    def wrong(
        weights: list[Array], biases: list[Array], x: Array, y: Array, eta: float
    ) -> dict[str, Array]:
        return {"delta2": weights[0] @ one_hidden(weights, biases, x, y, eta)["delta2"]}

    assert not adapt(wrong, "it").runs_freely(recorded("remainder-3-4-2").case)
