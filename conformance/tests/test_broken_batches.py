"""One wrong line blames its equation and is shown, where all samples are computed at once."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from conformance.changed_line import with_change
from conformance.corpus import store
from conformance.judging.judge import check_case
from conformance.programs.load import load
from conformance.report.book_report import Report
from conformance.subjects.book.book_subject import book_subject
from conformance.tests.networks.book import Pairs, sigmoid
from conformance.tests.networks.broken import Edit, broken_source
from conformance.tests.networks.broken_batches import BROKEN
from conformance.tests.networks.right_batches import (
    Augmented,
    BatchedColumns,
    LastFirst,
)
from conformance.tests.parts import part
from conformance.tests.support import exactly, recorded
from conformance.tests.test_broken import short, wrong_layers
from conformance.verdict.finding import Kind

EDITS = [(cls, edit) for cls, edits in BROKEN.items() for edit in edits]
CASES = ("remainder-3-4-2", "square-4-4-4-4", "zeros-2-2-2")
ORDER = "backprop returns nabla_b and nabla_w with the last layer first"


def report_on(cls: str, edit: Edit, folder: Path, *ids: str, whole: str = "") -> tuple[Report, int]:
    """What is said of an edited program in short cases and a whole one, and the line's number."""
    source, line = broken_source(edit)
    file = folder / "edited.py"
    file.write_text(source, encoding="utf-8")
    subject = book_subject(cast("type", load(f"{file}:{cls}")), edit.id)
    cases = [*map(short, ids), *([recorded(whole)] if whole else [])]
    return Report(subject.name, cases=tuple(check_case(subject, each) for each in cases)), line


ELSEWHERE = {
    "augmented-with-less": "a helper that is handed back as it is: the line that computes with it",
    "one-x-for-all": "arrays are put together: the line that computes with them",
}
"""Edits of lines on which nothing of the equation is computed, and which line is shown."""

CHOSEN = part(EDITS, lambda each: each[0], lambda each: each[1].tags)


@pytest.mark.parametrize(("cls", "edit"), CHOSEN, ids=[edit.id for _, edit in CHOSEN])
def test_the_equation_and_the_line_are_blamed(cls: str, edit: Edit, tmp_path: Path) -> None:
    report, line = report_on(cls, edit, tmp_path, *CASES)
    assert tuple(blame.tag for blame in report.blames) == edit.tags
    assert not report.remarks
    assert not [name for each in report.cases for name in wrong_layers(edit, each)]
    for blame in report.blames if edit.id not in ELSEWHERE else ():
        assert [frame.line for frame in blame.frames[:1]] == [line], blame.frames


class UpdatesFirst(BatchedColumns):
    """Moves the weights of all samples before the error goes down through them."""

    scale = 1.0

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        a, y = [np.hstack([x for x, _ in mini_batch])], np.hstack([y for _, y in mini_batch])
        for b, w in zip(self.biases, self.weights, strict=True):
            a.append(sigmoid(w @ a[-1] + b))
        delta = (a[-1] - y) * a[-1] * (1 - a[-1])
        for i in reversed(range(len(self.weights))):
            gradient = delta @ (a[i] * self.scale).T / len(mini_batch)
            self.weights[i] = self.weights[i] - eta * gradient
            self.biases[i] = self.biases[i] - eta * delta.mean(axis=1, keepdims=True)
            delta = (self.weights[i].T @ delta) * a[i] * (1 - a[i])


class ScalesToo(UpdatesFirst):
    """And makes its gradients of activations that are off by little, and not by rounding."""

    scale = 1 + 1e-9


def test_an_error_of_a_whole_batch_does_not_cover_its_gradient() -> None:
    report = check_case(book_subject(ScalesToo, "it"), short("square-4-4-4-4"))
    assert {each.name for each in report.failures} == {
        *("delta3", "delta2"),
        *("nabla_w4", "nabla_w3", "nabla_w2"),
    }


def test_an_error_of_a_whole_batch_is_blamed_though_single_samples_have_another() -> None:
    subject = book_subject(UpdatesFirst, "it")
    report = Report("it", cases=tuple(check_case(subject, short(id_)) for id_ in CASES))
    assert [blame.tag for blame in report.blames] == ["BP2"]
    assert not report.remarks
    whole = recorded("square-4-4-4-4")
    assert exactly(subject, whole).wrong == ["delta3", "delta2"]


def edited(find: str, replace: str, tags: str, program: str = "book.py") -> Edit:
    """An edit of the chapter 1 program."""
    return Edit("edited", find, replace, tuple(tags.split()), "every", "", program)


@pytest.mark.parametrize("kept", ["[1:]", "[:-1]"])
def test_a_sample_that_is_left_out_is_missing_from_the_gradients(kept: str, tmp_path: Path) -> None:
    """With one sample a batch, or with zeros, nothing is summed and nothing moves."""
    find = "for x, y in mini_batch:"
    edit = edited(find, f"for x, y in mini_batch{kept}:", "BP3 BP4")
    report, _ = report_on("Network", edit, tmp_path, "hand-2-3-1", *CASES)
    assert {blame.tag for blame in report.blames} == set(edit.tags)


def test_a_line_that_squares_is_shown_though_the_cost_squares_too(tmp_path: Path) -> None:
    right = "return output_activations - y"
    wrong = edited(right, f"return ({right[7:]}) ** 2", "BP1")
    report, line = report_on("Network", wrong, tmp_path, whole="square-4-4-4-4")
    subject = book_subject(cast("type", load(f"{tmp_path / 'edited.py'}:Network")), "it")
    told = with_change(report, subject, store.root())
    assert [(blame.tag, blame.frames[0].line) for blame in told.blames] == [("BP1", line)]


def test_an_activation_that_the_next_layer_changes_is_right_itself(tmp_path: Path) -> None:
    """In layer 2 the biases have no mean, so that z2 and a2 are right."""
    find = "z = np.dot(w, activation) + b"
    edit = edited(find, "z = np.dot(w, activation + b.mean()) + b", "Z")
    report, line = report_on("Network", edit, tmp_path, "saturated-2-8-3")
    assert [(blame.tag, blame.frames[0].line) for blame in report.blames] == [("Z", line)]


def test_one_number_taken_from_all_biases_is_a_wrong_update(tmp_path: Path) -> None:
    find = "self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]"
    edit = edited(find, find.replace("* nb ", "* nb.mean() "), "B")
    report, line = report_on("Network", edit, tmp_path, *CASES)
    assert [(blame.tag, blame.frames[0].line) for blame in report.blames] == [("B", line)]


def test_what_is_wrong_of_a_whole_batch_alone_is_wrong_on_balls_too(tmp_path: Path) -> None:
    edit = next(edit for _, edit in EDITS if edit.id == "one-x-for-all")
    source, _ = broken_source(edit)
    file = tmp_path / "edited.py"
    file.write_text(source, encoding="utf-8")
    cls = next(cls for cls, edits in BROKEN.items() if edit in edits)
    subject = book_subject(cast("type", load(f"{file}:{cls}")), edit.id)
    whole = recorded("square-4-4-4-4")
    assert exactly(subject, whole).wrong[:2] == ["nabla_b2", "nabla_w2"]


def test_one_number_taken_from_all_biases_is_a_wrong_update_on_balls_too(tmp_path: Path) -> None:
    find = "self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]"
    source, _ = broken_source(edited(find, find.replace("* nb ", "* nb.mean() "), "B"))
    file = tmp_path / "edited.py"
    file.write_text(source, encoding="utf-8")
    subject = book_subject(cast("type", load(f"{file}:Network")), "it")
    whole = recorded("square-4-4-4-4")
    assert exactly(subject, whole).wrong == ["b2", "b3", "b4"]


def test_gradients_in_another_order_are_a_convention_if_the_update_knows() -> None:
    subject = book_subject(LastFirst, "it")
    assert ORDER in subject.conventions
    for id_ in (*CASES, "contracting-5-4-3-2"):
        assert not check_case(subject, short(id_)).failures


def test_gradients_in_another_order_are_said_if_the_update_does_not_know(tmp_path: Path) -> None:
    right = "return nabla_b, nabla_w"
    edit = edited(right, "return nabla_b[::-1], nabla_w[::-1]", "")
    report, _ = report_on("Network", edit, tmp_path, "contracting-5-4-3-2", *CASES)
    assert not report.blames
    assert report.remarks == [f"{ORDER}; update_mini_batch takes the first layer first"]
    assert not report.ok


def test_gradients_in_another_order_explain_a_free_run(tmp_path: Path) -> None:
    """Between layers of equal widths the update takes those of another layer, and does not stop."""
    edit = edited("return nabla_b, nabla_w", "return nabla_b[::-1], nabla_w", "")
    report, line = report_on("Network", edit, tmp_path, whole="cancelling-2-2-2")
    assert not report.blames
    assert [each.frames[0].line for each in report.findings] == [line]


@pytest.mark.parametrize("name", ["biases", "weights"])
def test_parameters_that_move_before_all_samples_were_sent_through(
    name: str, tmp_path: Path
) -> None:
    k = name[0]
    find = f"nabla_{k} = [n{k} + dn{k} for n{k}, dn{k} in zip(nabla_{k}, delta_nabla_{k})]"
    moves = f"self.{name} = [w - eta * dw for w, dw in zip(self.{name}, delta_nabla_{k})]"
    edit = edited(find, moves, "")
    report, line = report_on("Network", edit, tmp_path, *CASES, whole="cancelling-2-2-2")
    assert not report.blames
    assert [each.kind for each in report.findings] == [Kind.MOVED_EARLY]
    assert [each.frames[0].line for each in report.findings] == [line]


def test_the_gradients_of_another_layer_move_the_biases_in_the_update(tmp_path: Path) -> None:
    find = "self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]"
    edit = edited(find, find.replace("nabla_b)", "nabla_b[::-1])"), "B")
    report, _ = report_on("Network", edit, tmp_path, "square-4-4-4-4")
    assert [blame.tag for blame in report.blames] == ["B"]


def test_a_slice_of_what_was_computed_is_followed() -> None:
    """∇w of the augmented program is a part of one product, and W is judged from it."""
    report = check_case(book_subject(Augmented, "it"), recorded("mnist-784-30-10"))
    assert not report.failures
