"""Networks of torch tensors: traced as arrays are, judged, blamed on the edited line.

Left out: torch modules (`test_module_subject.py`).
"""

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import has_torch_function

from conformance.errors import UsageError
from conformance.judging.judge import check_case
from conformance.programs.load import load
from conformance.report.book_report import Report
from conformance.report.terminal import as_text
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.book.traced_session import OTHERWISE
from conformance.subjects.stepped import traced_run
from conformance.tests.networks.broken import Edit, broken_source
from conformance.tests.networks.broken_tensors import BROKEN, IN_PLACE, ROWS, SQUARE
from conformance.tests.networks.right_tensors import RIGHT, Autograd
from conformance.tests.networks.tensors import DTYPE, Float32, Network
from conformance.tests.parts import part
from conformance.tests.support import recorded, traced_and_untraced
from conformance.tests.test_broken import function_at, short, wrong_layers
from conformance.tracing.trace import Trace
from conformance.verdict.compare import FREE, RESTARTED, Status

pytestmark = pytest.mark.xdist_group("torch")  # one worker imports it

EDITS = sorted((*BROKEN, *IN_PLACE, *ROWS, *SQUARE), key=lambda edit: edit.id)
CASES = ("remainder-3-4-2", "square-4-4-4-4")
NO_ARITHMETIC = {"bias-frozen": "tensors pass from list to list: nothing is computed"}


@pytest.mark.parametrize(
    "edit",
    part(
        EDITS, lambda each: each.tags[0], lambda each: each.program, lambda each: each in IN_PLACE
    ),
    ids=lambda edit: edit.id,
)
def test_a_wrong_line_is_blamed_for_its_equation(edit: Edit, tmp_path: Path) -> None:
    source, line = broken_source(edit)
    file = tmp_path / "edited.py"
    file.write_text(source, encoding="utf-8")
    name = {**dict.fromkeys(IN_PLACE, "InPlace"), **dict.fromkeys(ROWS, "BatchedRows")}.get(edit)
    subject = book_subject(cast("type", load(f"{file}:{name or 'Network'}")), edit.id)
    cases = CASES[1:] if edit in SQUARE else CASES
    report = Report(subject.name, cases=tuple(check_case(subject, short(id_)) for id_ in cases))
    assert report.blames, "nothing is blamed"
    assert not report.remarks
    assert {blame.tag for blame in report.blames} <= set(edit.tags)
    assert not [name for each in report.cases for name in wrong_layers(edit, each)]
    for blame in report.blames:
        if edit.id not in NO_ARITHMETIC:
            assert [frame.line for frame in blame.frames[:1]] == [line], blame.frames
        elif blame.frames:
            assert function_at(file, line) == blame.frames[0].function


@pytest.mark.parametrize("cls", RIGHT, ids=lambda cls: cls.__name__)
def test_a_right_network_is_not_accused(cls: type) -> None:
    subject = book_subject(cls, cls.__name__)
    for id_ in ("contracting-5-4-3-2", "narrow-5-1"):
        report = check_case(subject, recorded(id_ + "-float32" * (cls is Float32)))
        assert not report.error
        assert [(v.name, v.mode, v.problem) for v in report.failures] == []
        restarted = [verdict for verdict in report.verdicts if verdict.mode == RESTARTED]
        hidden = {verdict.name for verdict in restarted if verdict.status is Status.NOT_OBSERVED}
        assert hidden == (set() if hasattr(cls, "cost") else {"cost"})
        assert FREE in {verdict.mode for verdict in report.passes}


@pytest.mark.parametrize("cls", RIGHT, ids=lambda cls: cls.__name__)
def test_a_traced_update_is_bit_for_bit_the_untraced_one(cls: type) -> None:
    for array, right in traced_and_untraced(cls):
        assert type(array) is np.ndarray
        assert array.dtype == right.dtype == np.dtype(BookNetwork(cls, "").conventions.dtype)
        assert array.shape == right.shape
        assert array.tobytes() == right.tobytes()


P = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]], dtype=DTYPE)
Q = torch.tensor([[0.5, -1.0, 0.25], [2.0, 3.0, -0.125]], dtype=DTYPE)


def add(p: Tensor, q: Tensor) -> Tensor:
    return p + q


def augmented(p: Tensor, q: Tensor) -> Tensor:
    p += q
    return p


def through_a_row(p: Tensor, q: Tensor) -> Tensor:
    p[0].mul_(q[0])
    return p


def through_a_view(p: Tensor, q: Tensor) -> Tensor:
    p.view(-1).add_(q.flatten())
    return p


def through_the_turned(p: Tensor, q: Tensor) -> Tensor:
    p.t().sub_(q.T)
    return p


def through_data(p: Tensor, q: Tensor) -> Tensor:
    p.data -= q
    return p


def assigned_row(p: Tensor, q: Tensor) -> Tensor:
    p[1] = q[0]
    return p


def by_out(p: Tensor, q: Tensor) -> Tensor:
    r = torch.empty(2, 3, dtype=DTYPE)
    torch.mul(p, q, out=r)
    return r


def by_copy(p: Tensor, q: Tensor) -> Tensor:
    p.copy_(p * q)
    return p


def turned(p: Tensor, q: Tensor) -> Tensor:
    return p.T @ q


def reflected(p: Tensor, q: Tensor) -> Tensor:
    return 1 - p / q


def rows(p: Tensor, q: Tensor) -> Tensor:
    return torch.stack([one * other for one, other in zip(p, q, strict=True)])


def scaled(p: Tensor, q: Tensor) -> Tensor:
    return torch.sub(p, q, alpha=0.5)


def summed(p: Tensor, q: Tensor) -> Tensor:
    return (p * q).sum(dim=1, keepdim=True)


def from_a_list(p: Tensor, q: Tensor) -> Tensor:
    return p * torch.tensor(q.tolist(), dtype=DTYPE)


def by_a_helper(p: Tensor, q: Tensor) -> Tensor:
    return add(p, q)


ROUTES = (
    add, assigned_row, augmented, by_a_helper, by_copy, by_out, from_a_list, reflected, rows,
    scaled, summed, through_a_row, through_a_view, through_data, through_the_turned, turned,
)  # fmt: skip


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.__name__)
def test_a_route_leaves_its_line_and_what_it_uses(
    route: Callable[[Tensor, Tensor], Tensor],
) -> None:
    trace, right = Trace(), route(P.clone(), Q.clone()).numpy()
    with traced_run(trace):
        p, q = (torch.tensor(trace.given(each.numpy(), "")) for each in (P, Q))
        node = trace.argument(route(p, q))
    assert node.value.tobytes() == right.tobytes()
    assert all(node.depends_on(each) for each in trace.nodes if each.given)
    lines, first = inspect.getsourcelines(route)
    frames = [frame for frame in node.frames if frame.function == route.__name__]
    assert first < frames[0].line < first + len(lines)
    functions = [frame.function for frame in node.frames]
    inner = ["add"] if route is by_a_helper else []
    assert functions[: functions.index(route.__name__)] == inner


def test_what_computes_nothing_stops_nothing() -> None:
    trace = Trace()
    with traced_run(trace):
        p = torch.tensor(trace.given(P.numpy(), "p"))
        _ = p.shape, p.size(0), len(p), p.dtype, p.tolist(), p.numpy(), p.view(-1), p[0], p.clone()
        _ = torch.zeros(2) + 1, torch.zeros_like(p), p.new_empty(2), torch.func.vmap(torch.sin)(P)
        assert p.T.to_sparse().layout is torch.sparse_coo


def test_a_tensor_that_is_no_array_is_left_alone() -> None:
    trace = Trace()
    with traced_run(trace):
        p = torch.tensor(trace.given(P.numpy(), "p"))
        sparse = p.to_sparse()
        p.mul_(2)
        node = trace.argument(p)
    assert torch.equal(sparse.to_dense(), P)
    assert np.array_equal(node.value, 2 * P.numpy())


class KeepsRow(Network):
    """Overwrites what it is given."""

    def backprop(self, x: Tensor, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        nabla = super().backprop(x, y)
        x.sub_(0.5)
        self.weights[0].mul_(0.5)
        return nabla


class SharedLayers(Network):
    """Stores the parameters of all layers of one shape in one tensor."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute."""
        if name == "weights":
            first = {each.shape: each for each in reversed(value)}
            value = [first[each.shape] for each in value]
        super().__setattr__(name, value)


@pytest.mark.parametrize(
    ("cls", "remarks"),
    [
        (KeepsRow, {"backprop overwrites its sample", "backprop overwrites the weights or biases"}),
        (
            SharedLayers,
            {"two layers share memory after the parameters were given as separate arrays"},
        ),
    ],
)
def test_what_is_overwritten_or_shared_is_remarked(cls: type, remarks: set[str]) -> None:
    whole = short("square-4-4-4-4")
    before = [array.tobytes() for _, array in whole.steps[0].parameters.named()]
    report = check_case(book_subject(cls, cls.__name__), whole)
    assert not report.error
    assert remarks <= set(Report("", cases=(report,)).remarks)
    assert before == [array.tobytes() for _, array in whole.steps[0].parameters.named()]


class Notices(Network):
    """Computes something else when it is traced."""

    def backprop(self, x: Tensor, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        nabla_b, nabla_w = super().backprop(x, y)
        return nabla_b, [w * (2 if has_torch_function((w,)) else 1) for w in nabla_w]


def test_a_network_that_computes_otherwise_when_traced_is_judged_untraced() -> None:
    report = Report("", cases=(check_case(book_subject(Notices, "notices"), short(CASES[0])),))
    assert report.ok
    assert report.notes == [OTHERWISE]


class WrongCost(Autograd):
    """The squared distance without its half."""

    def cost(self, x: Tensor, y: Tensor) -> Tensor:
        """Twice the quadratic cost of one sample."""
        return 2 * super().cost(x, y)


class WrongBias(Autograd):
    """Forgets the bias."""

    def feedforward(self, a: Tensor) -> Tensor:
        """The output for the input column a."""
        for w, _ in zip(self.weights, self.biases, strict=True):
            a = torch.sigmoid(w @ a)
        return a + 0 * sum(b.sum() for b in self.biases)


def test_a_network_with_autograd_is_judged_and_the_report_says_what_is_not_traced() -> None:
    subject = book_subject(WrongCost, "wrong")
    report = Report("wrong", subject.conventions, (check_case(subject, short(CASES[1])),))
    assert [(blame.tag, blame.frames) for blame in report.blames] == [("BP1", ())]
    assert "torch tensors, ∇ by autograd, whose lines are not traced" in as_text(report)


def test_the_forward_pass_of_a_network_with_autograd_is_traced() -> None:
    report = check_case(book_subject(WrongBias, "wrong"), short(CASES[1]))
    first, line = report.failures[0], inspect.getsourcelines(WrongBias.feedforward)
    assert first.name == "z2"
    assert [frame.line for frame in first.frames[:1]] == [line[1] + 3]


class Half(Network):
    """In half precision."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.weights = [w.half() for w in self.weights]


def test_a_dtype_that_has_no_cases_is_one_line() -> None:
    with pytest.raises(UsageError) as left:
        book_subject(Half, "half.py:Half")
    assert str(left.value) == (
        "half.py:Half: `weights` and `biases` are tensors of torch.float16 and torch.float64, "
        "expected torch.float32 or torch.float64 for all"
    )


class Brain(Network):
    """Gives gradients in a precision that NumPy does not have."""

    def backprop(self, x: Tensor, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        nabla_b, nabla_w = super().backprop(x, y)
        return [each.bfloat16() for each in nabla_b], nabla_w


def test_a_gradient_that_is_no_array_is_one_line() -> None:
    report = check_case(book_subject(Brain, "brain"), recorded(CASES[0]))
    assert report.error == (
        "it gave a tensor of torch.bfloat16, torch.strided, expected dense torch.float64"
    )


def test_that_it_computes_in_tensors_is_said() -> None:
    subject = book_subject(Network, "net")
    assert subject.conventions == ("torch tensors",)
    assert book_subject(Float32, "net").conventions == ("torch tensors", "float32")


def test_a_check_of_a_numpy_network_does_not_import_torch() -> None:
    code = """
import sys
from conformance.judging.judge import check_case
from conformance.subjects.adapt import adapt
from conformance.tests.networks.book import Network
from conformance.tests.support import recorded
print(check_case(adapt(Network, "book"), recorded("hand-2-3-1")).status, "torch" in sys.modules)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    assert done.stdout.split() == ["pass", "False"]
