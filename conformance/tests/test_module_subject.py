"""A torch module as a subject: right ones pass as they are, wrong ones are blamed."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from conformance import check
from conformance.cases.build import recorded_step
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, RecordedStep
from conformance.errors import SubjectError, UnjudgedError, UsageError
from conformance.judging.judge import check_case
from conformance.model.table import tag_of
from conformance.subjects import Subject
from conformance.subjects.adapt import adapt
from conformance.subjects.module.module_subject import AGAIN, module_subject
from conformance.tests.support import recorded
from conformance.verdict.compare import FREE, Status
from reference.step import Batch, Parameters

pytestmark = pytest.mark.xdist_group("torch")  # one worker imports it

CASES = ("layout-3-2-4", "single-4-3-2-float32", "expanding-2-3-2-float32")


class Plain(nn.Module):
    """Linear layers and functional sigmoids, without a loss."""

    activation: Callable[[Tensor], Tensor] = staticmethod(torch.sigmoid)

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))

    def forward(self, a: Tensor) -> Tensor:
        """The output activations."""
        for layer in self.layers:
            a = self.activation(layer(a))
        return a


class Logits(Plain):
    """The same, which returns logits."""

    def forward(self, a: Tensor) -> Tensor:
        """The weighted inputs of the output layer."""
        for layer in self.layers[:-1]:
            a = self.activation(layer(a))
        logits: Tensor = self.layers[-1](a)
        return logits


class Stars(nn.Sequential):
    """Sizes as arguments, activations as modules."""

    def __init__(self, *sizes: int) -> None:
        pairs = [(nn.Linear(*pair), nn.Sigmoid()) for pair in pairwise(sizes)]
        super().__init__(*(each for pair in pairs for each in pair))


class InPlace(Plain):
    """Activations that overwrite z."""

    activation = staticmethod(torch.sigmoid_)


def with_loss(
    base: type[nn.Module], loss: Callable[[Tensor, Tensor], Any], name: str = "loss"
) -> Any:
    """A class with a loss of its own."""
    return type("Own", (base,), {name: staticmethod(loss)})


def half_mean(output: Tensor, y: Tensor) -> Tensor:
    return 0.5 * ((output - y) ** 2).sum(dim=1).mean()


def half_sum(output: Tensor, y: Tensor) -> Tensor:
    return 0.5 * ((output - y) ** 2).sum()


def passes(thing: Any, *ids: str, cost: str | None = None) -> Subject:
    """The subject, which must pass in all cases that fit."""
    subject = module_subject(thing, "net", cost)
    fit = [each for each in map(recorded, ids or CASES) if not subject.unfit(each.case)]
    assert fit
    for each in fit:
        report = check_case(subject, each)
        assert report.status is Status.PASS, (each.case.id, report.error, report.failures)
        assert len({v.name for v in report.passes}) == len({v.name for v in report.verdicts})
    return subject


def blamed(thing: Any, id_: str = "contracting-5-4-3-2") -> set[str]:
    """The tags of the equations that are blamed in a case."""
    report = check_case(module_subject(thing, "net"), recorded(id_))
    assert not report.error, report.error
    return {tag_of(each.name, report.case.layers) for each in report.failures}


@pytest.mark.parametrize("thing", [Plain, Logits, Stars, InPlace])
def test_a_module_without_a_loss_passes_with_both_costs_and_freely(thing: Any) -> None:
    subject = passes(thing)
    assert subject.dtypes == ("float32", "float64")
    assert "no loss of its own: quadratic and cross-entropy supplied" in subject.conventions
    assert ("returns logits" in subject.conventions) == (thing is Logits)
    report = check_case(subject, recorded("contracting-5-4-3-2"))
    assert any(each.mode == FREE and each.status is Status.PASS for each in report.verdicts)


@pytest.mark.parametrize("thing", [Plain, InPlace])
def test_activations_that_saturate_are_not_blamed_for_the_loss_that_is_supplied(thing: Any) -> None:
    """PyTorch's BCE of σ(±50) has no gradient left, and that of σ(−150) costs 100."""
    sizes, ones = (1, 4, 1), np.ones
    case = Case("one", sizes, "cross-entropy", 1.0, 0.0, 1, "float64", ((0,),), "", ())
    batch = Batch(ones((1, 1)), ones((1, 1)) / 2)
    for bias in (-150.0, -50.0, 20.0, 50.0):
        w, b = (ones((4, 1)), ones((1, 4))), (0 * ones((4, 1)), bias * ones((1, 1)))
        start = Parameters(w, b)
        step = RecordedStep(start, batch, *recorded_step(case, start, batch))
        report = check_case(module_subject(thing, "net"), Recorded(case, (step,)))
        assert report.status is Status.PASS, (bias, report.error, report.failures)
        assert {"delta3", "delta2"} <= {verdict.name for verdict in report.passes}


LOSSES: dict[str, tuple[type[nn.Module], Any, str, bool]] = {
    "quadratic mean": (Plain, half_mean, "its own quadratic cost (loss)", False),
    "quadratic sum": (Plain, half_sum, "its own quadratic cost (loss)", True),
    "cross-entropy sum": (
        Plain,
        nn.BCELoss(reduction="sum"),
        "its own cross-entropy cost (loss)",
        True,
    ),
    "logits": (
        Logits,
        nn.BCEWithLogitsLoss(reduction="sum"),
        "its own cross-entropy cost (loss)",
        True,
    ),
    "quadratic on logits": (
        Logits,
        lambda z, y: half_mean(torch.sigmoid(z), y),
        "its own quadratic cost (loss)",
        False,
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_its_own_loss_is_recognised_and_said(name: str) -> None:
    base, loss, said, summed = LOSSES[name]
    conventions = passes(with_loss(base, loss)).conventions
    assert said in conventions
    assert ("cost and nabla summed over the mini-batch" in conventions) == summed


@pytest.mark.parametrize("name", ["cost", "criterion", "loss_fn", "loss_function"])
def test_its_loss_may_have_other_names(name: str) -> None:
    assert (
        f"its own quadratic cost ({name})" in passes(with_loss(Plain, half_sum, name)).conventions
    )


def test_max_of_0_and_z_is_no_logit() -> None:
    class Positive(Plain):
        activation = staticmethod(torch.relu)

    assert module_subject(Positive, "Positive").family == ("relu", "relu")


def test_a_module_of_an_activation_that_has_no_cases_is_not_judged() -> None:
    class Elu(Plain):
        def forward(self, a: Tensor) -> Tensor:
            for layer in self.layers[:-1]:
                a = functional.elu(layer(a))
            return torch.sigmoid(self.layers[-1](a))

    with pytest.raises(UnjudgedError, match="no recorded case has its activations"):
        check(Elu)


def test_an_instance_is_judged_in_the_cases_of_its_sizes_and_left_as_it_was() -> None:
    net = Plain([4, 3, 2])
    before = [each.detach().clone() for each in net.parameters()]
    subject = passes(net, "dead-inputs-4-3-2", "single-4-3-2")
    assert subject.unfit(recorded("layout-3-2-4").case) == "has the sizes [4, 3, 2]"
    assert all(torch.equal(*pair) for pair in zip(before, net.parameters(), strict=True))


def test_a_class_without_arguments_has_its_own_sizes() -> None:
    class Fixed(Plain):
        def __init__(self) -> None:
            super().__init__([3, 2, 4])

    assert passes(Fixed).unfit(recorded("single-4-3-2").case) == "has the sizes [3, 2, 4]"


def test_layers_are_taken_in_the_order_in_which_they_are_called() -> None:
    class Backwards(nn.Module):
        def __init__(self, n1: int, n2: int, n3: int) -> None:
            super().__init__()
            self.out, self.first = nn.Linear(n2, n3), nn.Linear(n1, n2)

        def forward(self, x: Tensor) -> Tensor:
            return torch.sigmoid(self.out(torch.sigmoid(self.first(x))))

    subject = passes(Backwards, "layout-3-2-4")
    assert "cannot be built with sizes [5, 1]" in subject.unfit(recorded("narrow-5-1").case)


def test_a_module_in_float32_alone_is_judged_there() -> None:
    class Single(Plain):
        def forward(self, a: Tensor) -> Tensor:
            return super().forward(a.float())

    subject = passes(Single)
    assert subject.dtypes == ("float32",)
    assert "float32" in subject.conventions


@pytest.mark.parametrize(
    "thing",
    [Plain, Plain([3, 2, 4]), lambda sizes: Plain(sizes[:]), lambda: Plain([3, 2, 4])],
    ids=["class", "instance", "factory", "factory of one"],
)
def test_a_module_is_adapted_as_such(thing: Any) -> None:
    subject = adapt(thing, "net")
    assert "samples as rows" in subject.conventions
    assert check_case(subject, recorded("layout-3-2-4")).status is Status.PASS


# Mistakes


def test_a_mean_over_outputs_in_its_own_loss_is_wrong_in_cost_and_output_error() -> None:
    own = with_loss(Plain, lambda a, y: 0.5 * functional.mse_loss(a, y))
    assert blamed(own) == {"C", "BP1"}
    assert blamed(with_loss(Plain, nn.MSELoss()), "layout-3-2-4") == {"C", "BP1"}


def test_a_missing_half_is_wrong_in_cost_and_output_error() -> None:
    assert blamed(with_loss(Plain, lambda a, y: 2 * half_mean(a, y))) == {"C", "BP1"}


def test_another_loss_is_judged_as_the_quadratic_and_said() -> None:
    own = with_loss(Plain, nn.L1Loss())
    assert blamed(own) == {"C", "BP1"}
    said = module_subject(own, "net").conventions
    assert "its own loss is neither cost: judged as quadratic" in said


def test_another_activation_is_wrong_in_a() -> None:
    class Tanh(Plain):
        activation = staticmethod(torch.tanh)

    assert "A" in blamed(Tanh)


def test_a_wrong_derivative_at_the_output_is_wrong_in_bp1_with_the_loss_that_is_supplied() -> None:
    class Half(Plain):
        def forward(self, a: Tensor) -> Tensor:
            out = super().forward(a)
            return out.detach() + 0.5 * (out - out.detach())

    assert blamed(Half, "single-4-3-2") == {"BP1"}


def test_a_module_that_drops_out_is_told_that_it_gives_another_output_each_time() -> None:
    class DropsOut(Plain):
        def forward(self, a: Tensor) -> Tensor:
            return functional.dropout(super().forward(a), 0.5)

    torch.manual_seed(0)
    report = check_case(module_subject(DropsOut, "it"), recorded("square-4-4-4-4"))
    assert AGAIN in {verdict.finding for verdict in report.failures}


def test_a_weight_that_two_layers_share_is_no_wrong_equation() -> None:
    class Tied(Plain):
        def __init__(self, sizes: Sequence[int]) -> None:
            super().__init__(sizes)
            if sizes == [4, 4, 4, 4]:
                self.layers[-1].weight = self.layers[0].weight

    subject = module_subject(Tied, "net")
    report = check_case(subject, recorded("square-4-4-4-4"))
    assert report.status is Status.ERROR
    assert "net has one parameter in layers 2 and 4: each layer needs its own" in report.error


def test_a_graph_that_is_cut_is_wrong_in_bp2() -> None:
    class Cut(Plain):
        def forward(self, a: Tensor) -> Tensor:
            for layer in self.layers:
                a = self.activation(layer(a.detach()))
            return a

    assert blamed(Cut) == {"BP2"}


# Bad input


def made(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers)


class Twice(Plain):
    """One layer used twice."""

    def forward(self, a: Tensor) -> Tensor:
        """The output, and something more."""
        more: Tensor = self.layers[0](a).sum()
        return super().forward(a) + more


class Lazy(nn.Sequential):
    """Layers that take any number of inputs, which nobody has told them."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__(*(nn.LazyLinear(n) for n in sizes[1:]))


class Keyword(Plain):
    """A constructor that is called in no form."""

    def __init__(self, *, width: int) -> None:
        super().__init__([2, width, 1])


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (made(nn.Linear(2, 3, bias=False), nn.Sigmoid()), "net has a Linear layer without biases"),
        (
            made(nn.Linear(2, 3), nn.PReLU()),
            "net has parameters outside its Linear layers: 1.weight",
        ),
        (made(nn.Sigmoid()), "net has no torch.nn.Linear layer"),
        (
            made(nn.Linear(7, 9), nn.Sigmoid()),
            "net has the sizes 7-9, and no case has: there are 2-2-2",
        ),
        (Twice, "net has 2 Linear layers and its forward calls 3"),
        (nn.LSTM, "net has no torch.nn.Linear layer"),
        (
            made(parametrizations.weight_norm(nn.Linear(2, 3)), nn.Sigmoid()),
            "net has a Linear layer whose weight is computed of other parameters",
        ),
        (Lazy, "net has the sizes [0, 4, 2] when it is built with [5, 4, 2]"),
        (
            Keyword,
            "net cannot be built from a list of sizes, from sizes as arguments, or from",
        ),
    ],
)
def test_what_cannot_be_judged_is_one_line(thing: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        module_subject(thing, "net")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_forward_that_stops_shows_its_own_line() -> None:
    class Stops(Plain):
        def forward(self, _a: Tensor) -> Tensor:
            raise ZeroDivisionError("mine")

    with pytest.raises(
        SubjectError, match="net stopped on rows of 5 zeros: ZeroDivisionError: mine"
    ):
        module_subject(Stops, "net")


def test_a_loss_of_the_samples_is_told_what_it_was_given() -> None:
    class OfSamples(Plain):
        def loss(self, x: Tensor, y: Tensor) -> Tensor:
            return half_mean(self(x), y)

    with pytest.raises(SubjectError, match=r"net.loss\(output, y\) stopped on a trial: Runtime"):
        module_subject(OfSamples, "net")


def test_a_loss_that_is_no_scalar_is_named() -> None:
    with pytest.raises(SubjectError, match=r"net.loss gives a Tensor of shape \(3, 4\)"):
        module_subject(with_loss(Plain, nn.MSELoss(reduction="none")), "net")


def test_an_output_of_another_kind_is_named() -> None:
    class Pair(Plain):
        def forward(self, a: Tensor) -> Any:
            return super().forward(a), a

    with pytest.raises(SubjectError, match="net gives a tuple, expected a tensor of rows"):
        module_subject(Pair, "net")
