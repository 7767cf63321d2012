"""The smallest network that shows a mistake: which one it is, and every number that is printed."""

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance import cli
from conformance.api import check
from conformance.cases.small import (
    batch_of,
    entries,
    recorded,
    small_case,
    start_of,
)
from conformance.corpus.case import Case
from conformance.errors import ConformanceError
from conformance.explain.formulas import NBSP, apart, written
from conformance.explain.mistakes_to_explain import FailingCase, candidates, first_failing
from conformance.explain.save import files, save
from conformance.explain.show_step import example
from conformance.explain.step_lines import as_text
from conformance.explain.worked import Line, Worked, worked, worked_step
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.dropout import DROPOUT
from conformance.mistakes.mistake import mistaken
from conformance.mistakes.optimiser_mistakes import OPTIMISERS
from conformance.mistakes.situation import Formulas, Situation, by_the_book
from conformance.programs.load import load
from conformance.subjects import Subject
from conformance.subjects.adapt import adapt
from conformance.subjects.named import find
from conformance.subjects.observation import observed
from conformance.tests.networks import broken
from conformance.tests.parts import few
from conformance.tests.scalars import in_decimals
from conformance.tests.support import answering, showing
from conformance.verdict.compare import FORWARD, FREE, RESTARTED, Status
from reference.equations import sigmoid, sigmoid_prime
from reference.step import Batch, Parameters

CANDIDATES = candidates(())

Capture = pytest.CaptureFixture[str]


def bp2_without_transpose(at: Situation) -> Any:
    return (at.w(at.layer + 1) @ at.delta(at.layer + 1)) * sigmoid_prime(at.z(at.layer))


def accumulating(at: Situation) -> Any:
    own = by_the_book(at, "BP3")
    return own if at.previous is None else own + by_the_book(at.previous, "BP3")


def first_length(at: Situation) -> Any:
    """The sum over the mini-batch, divided by the length of the one before."""
    m = at.m if at.previous is None else at.previous.m
    return at.delta(at.layer).sum(axis=1, keepdims=True) / m


MISTAKES: dict[str, tuple[Formulas, str, tuple[str, int, str]]] = {
    "z-minus-b": (
        {"Z": lambda at: at.w(at.layer) @ at.a(at.layer - 1) - at.b(at.layer)},
        "small-1-1-m1",  # the smallest network has a bias
        ("z2", 0, RESTARTED),
    ),
    "sigma-of-minus-z": (
        {"A": lambda at: sigmoid(-at.z(at.layer))},
        "small-1-1-m1",
        ("a2", 0, RESTARTED),
    ),
    "cost-without-half": (
        {"C": lambda at: 2 * by_the_book(at, "C")},
        "small-1-1-m1",
        ("cost", 0, RESTARTED),
    ),
    "bp1-without-sigma-prime": (
        {"BP1": lambda at: at.a(at.last) - at.y},
        "small-1-1-m1",  # with the quadratic cost
        ("delta2", 0, RESTARTED),
    ),
    "bp1-with-sigma-prime": (
        {"BP1": lambda at: (at.a(at.last) - at.y) * sigmoid_prime(at.z(at.last))},
        "small-1-1-m1-cross-entropy",  # right with the quadratic cost
        ("delta2", 0, RESTARTED),
    ),
    "bp2-without-sigma-prime": (
        {"BP2": lambda at: at.w(at.layer + 1).T @ at.delta(at.layer + 1)},
        "small-1-1-1-m1",  # there must be a hidden layer
        ("delta2", 0, RESTARTED),
    ),
    "bp2-without-transpose": (
        {"BP2": bp2_without_transpose},
        "small-1-2-2-m1",  # 1 × 1 is symmetric, and what is not square does not run
        ("delta2", 0, RESTARTED),
    ),
    "bp3-sums": (
        {"BP3": lambda at: at.delta(at.layer).sum(axis=1, keepdims=True)},
        "small-1-1-m2",  # the mean of one is the sum
        ("nabla_b2", 0, RESTARTED),
    ),
    "bp4-of-own-activation": (
        {"BP4": lambda at: at.delta(at.layer) @ at.a(at.layer).T / at.m},
        "small-1-1-m1",
        ("nabla_w2", 0, RESTARTED),
    ),
    "bp3-accumulates": (
        {"BP3": accumulating},
        "small-1-1-m1-then-m1",  # there must be a step before
        ("nabla_b2", 1, FREE),
    ),
    "bp3-of-the-first-length": (
        {"BP3": first_length},
        "small-1-1-m2-then-m1",  # the second must be shorter
        ("nabla_b2", 1, FREE),
    ),
    "w-without-decay": (
        {"W": lambda at: at.w(at.layer) - at.eta * at.nabla_w(at.layer)},
        "small-1-1-m1-decay",
        ("w2", 0, RESTARTED),
    ),
    "decay-over-m": (
        {
            "W": lambda at: (
                (1 - at.eta * at.case.lmbda / at.m) * at.w(at.layer) - at.eta * at.nabla_w(at.layer)
            )
        },
        "small-1-1-m1-decay",  # n is not m
        ("w2", 0, RESTARTED),
    ),
}


def found(subject: Subject, *tags: str) -> FailingCase:
    """The smallest candidate, which is there."""
    candidate = first_failing(subject, tags or None)
    assert candidate is not None
    return candidate


def wrong(name: str) -> FailingCase:
    """The smallest candidate of a mistake."""
    return found(mistaken(MISTAKES[name][0], name))


def step_of(case: Case) -> Worked:
    """The worked example of the first step of a candidate."""
    return worked_step(case, start_of(case), batch_of(case, 0))


def line_of(example: Worked, name: str, index: tuple[int, ...] = (0, 0)) -> Line:
    """One line of an example."""
    return next(each for each in example.lines if (each.name, each.index) == (name, index))


def key(line: Line) -> str:
    """The name by which the number by hand is known."""
    return f"new {line.symbol}" if line.tag in ("B", "W") else line.symbol


def with_numbers(line: Line) -> float:
    """What the printed numbers give."""
    text = line.numbers.replace(NBSP, " ")
    text = re.sub(r"e\^([^ )]+)", r"exp(\1)", text)
    for sign, python in {"·": "*", "−": "-", "²": "**2", "[": "(", "]": ")", "ln": "log"}.items():
        text = text.replace(sign, python)
    return float(eval(text, {"exp": math.exp, "log": math.log}))  # noqa: S307 - our own text


# The candidates


def test_the_candidates_begin_with_the_smallest_and_none_is_there_twice() -> None:
    assert CANDIDATES[0].sizes == (1, 1)
    assert [entries(candidate.sizes) for candidate in CANDIDATES] == sorted(
        entries(r.sizes) for r in CANDIDATES
    )
    assert len({candidate.id for candidate in CANDIDATES}) == len(CANDIDATES) <= 64
    assert all(Case.from_json(candidate.to_json()) == candidate for candidate in CANDIDATES)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.id)
def test_no_coincidence_hides_a_mistake(candidate: Case) -> None:
    start, batches = start_of(candidate), [batch_of(candidate, t) for t in range(candidate.steps)]
    weights = np.concatenate([w.ravel() for w in start.w])
    assert len(set(weights)) == len(weights)
    numbers = [weights, *(b.ravel() for b in start.b)]
    numbers += [array.ravel() for batch in batches for array in (batch.x, batch.y)]
    values = np.concatenate(numbers)
    assert not np.isin(values, (-1, 0, 1)).any()
    assert np.array_equal(values * 8, np.round(values * 8))
    columns = np.hstack([np.vstack([batch.x, batch.y]) for batch in batches])
    assert len(np.unique(columns, axis=1).T) == len(columns.T)
    assert all(set(batch.x.ravel()).isdisjoint(batch.y.ravel()) for batch in batches)


def test_numbers_that_are_drawn_are_short_and_no_target_is_one_hot() -> None:
    case = small_case((5, 40, 7), (4,))
    batch, start = batch_of(case, 0), start_of(case)
    assert ((batch.y > 0) & (batch.y < 1)).all()
    for array in (batch.x, batch.y, *start.w, *start.b):
        assert array.all()
        assert np.array_equal(array * 1024, np.round(array * 1024))


@pytest.mark.seldom
@pytest.mark.parametrize("dtype", few(("float64",), ("float64", "float32")))
def test_a_right_subject_fails_on_no_candidate(dtype: str) -> None:
    assert first_failing(replace(find("reference"), dtypes=(dtype,))) is None


@pytest.mark.parametrize("name", MISTAKES)
def test_the_smallest_network_is_the_one_to_be_reasoned_out(name: str) -> None:
    _, id_, failure = MISTAKES[name]
    candidate = wrong(name)
    assert candidate.case.id == id_
    assert (candidate.failure.name, candidate.failure.step, candidate.failure.mode) == failure
    assert candidate.tags == tuple(MISTAKES[name][0])


@pytest.mark.seldom
def test_a_candidate_that_blames_another_equation_too_is_passed_over() -> None:
    both = {tag: MISTAKES[name][0][tag] for name, tag in (("z-minus-b", "Z"), ("bp3-sums", "BP3"))}
    subject = replace(mistaken(both, "two"), dtypes=("float64",))
    assert found(subject, "BP3", "Z").case.id == "small-1-1-m2"
    assert found(subject, "Z").case.id == "small-1-1-m1"
    assert first_failing(subject, ("BP3",)) is None


def test_a_subject_that_crashes_or_shows_nothing_has_no_candidate() -> None:
    for subject in (answering(lambda _: 1 / 0), showing()):
        assert first_failing(replace(subject, dtypes=("float64",))) is None


def test_the_candidates_are_those_of_the_subject() -> None:
    formulas = MISTAKES["bp1-without-sigma-prime"][0]
    session = mistaken(formulas, "x").start
    one = ("float64",)
    assert first_failing(Subject("x", session, costs=("cross-entropy",), dtypes=one)) is None
    assert found(Subject("x", session, dtypes=("float32",))).case.id == "small-1-1-m1-float32"
    decay = mistaken(MISTAKES["w-without-decay"][0], "x").start
    assert first_failing(Subject("x", decay, decays=False, dtypes=one)) is None


# The numbers


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.id)
def test_every_number_is_the_one_by_hand(candidate: Case) -> None:
    example = step_of(candidate)
    right = in_decimals(candidate, example.given)
    assert {line.symbol for line in example.lines} <= right.keys()
    for line in example.lines:
        assert line.result == float(right[key(line)]), line.symbol
        for operand in line.operands:
            assert operand.value == float(right[operand.symbol]), operand.symbol


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.id)
def test_the_printed_numbers_give_the_printed_result(candidate: Case) -> None:
    for line in step_of(candidate).lines:
        assert with_numbers(line) == pytest.approx(line.result, rel=1e-4, abs=1e-6), line.symbol


def test_what_has_no_sigma_is_printed_exactly() -> None:
    case = next(candidate for candidate in CANDIDATES if candidate.id == "small-2-3-2-m2")
    example = step_of(case)
    w, b, x = (
        [[Fraction(float(each)) for each in row] for row in example.given[name]]
        for name in ("w2", "b2", "x")
    )
    for j, s in np.ndindex(3, 2):
        z = w[j][0] * x[0][s] + w[j][1] * x[1][s] + b[j][0]
        line = line_of(example, "z2", (j, s))
        assert Fraction(written(line.result).replace("−", "-")) == z


@pytest.mark.parametrize("name", MISTAKES)
def test_the_smallest_network_of_a_mistake_is_right_by_hand(name: str) -> None:
    candidate = wrong(name)
    example = worked(candidate)
    right = in_decimals(candidate.case, example.given)
    for line in example.lines:
        assert line.result == pytest.approx(float(right[key(line)]), rel=1e-14, abs=0), line.symbol
    assert line_of(example, candidate.failure.name, _index(candidate)).status is Status.FAIL


OF_OTHER_FAMILIES = {  # the smallest networks are sigmoid ones, in which they change nothing
    "relu-prime-flipped", "sigmoid-prime-for-another", "softmax-jacobian-on-top",
    "softmax-prime-on-top", "tanh-prime-without-square", "labels-one-hot", "leaky-slope-left-out",
    "l1-as-l2",
}  # fmt: skip
SHOWN = sorted(id_ for id_, mistake in CATALOGUE.items() if mistake.formulas)
OF_OTHER_UPDATES = {each.id for each in OPTIMISERS}  # what is worked on paper is a step of SGD
BEYOND_ONE = {"gradients-clipped"}  # on paper no gradient of a step of SGD is so large
OF_OTHERS = OF_OTHER_FAMILIES | OF_OTHER_UPDATES | BEYOND_ONE | {each.id for each in DROPOUT}
SHOWN = [id_ for id_ in SHOWN if id_ not in OF_OTHERS]


@pytest.mark.parametrize("id_", SHOWN)
def test_each_known_mistake_has_a_smallest_network_that_is_right_by_hand(id_: str) -> None:
    mistake = CATALOGUE[id_]
    candidate = found(mistaken(mistake.formulas, id_))
    assert set(candidate.tags) <= set(mistake.blames)
    example = worked(candidate)
    right = in_decimals(candidate.case, example.given)
    numbers = [line for line in example.lines if key(line) in right]
    first = next(i for i, line in enumerate(numbers) if line.status is Status.FAIL)
    for line in numbers[: first + 1]:
        assert line.result == pytest.approx(float(right[key(line)]), rel=1e-14, abs=0), line.symbol
    assert numbers[first].yours != numbers[first].result
    assert "✗ wrong" in as_text(example)


def test_what_is_wrong_stands_beside_what_is_right_and_what_it_explains() -> None:
    example = worked(wrong("bp2-without-sigma-prime"))
    right = in_decimals(example.case, example.given)
    line = line_of(example, "delta2")
    assert line.yours == pytest.approx(float(right["w3"] * right["δ3"]), rel=1e-14)
    assert (line.status, line.remark) == (Status.FAIL, "")
    told = {each.name: each.remark for each in example.lines if each.status is Status.EXPLAINED}
    assert told == dict.fromkeys(("nabla_b2", "nabla_w2", "b2", "w2"), "explained by δ2")
    text = as_text(example)
    assert f"\n{' ' * 8}yours: {written(line.yours or 0)} ✗ wrong\n" in text  # under the "="
    assert text.count("· explained by δ2") == 4


def test_an_entry_that_is_right_is_not_called_wrong() -> None:
    def second(at: Situation) -> Any:
        return by_the_book(at, "BP3") * np.arange(1, 1 + len(at.delta(at.layer)))[:, None]

    candidate = found(mistaken({"BP3": second}, "second"))
    assert candidate.case.id == "small-1-2-m1"
    told = {line.symbol: line.status for line in worked(candidate).lines}
    assert (told["∇b2[0]"], told["∇b2[1]"]) == (Status.PASS, Status.FAIL)
    assert (told["b2[0]"], told["b2[1]"]) == (Status.PASS, Status.EXPLAINED)


def test_two_wrong_equations_are_each_judged_by_their_own_inputs() -> None:
    formulas: Formulas = {
        "BP1": lambda at: 2 * by_the_book(at, "BP1"),
        "BP4": lambda at: 3 * by_the_book(at, "BP4"),
    }
    example = worked(found(mistaken(formulas, "two"), "BP1", "BP4"))
    delta, nabla = line_of(example, "delta2"), line_of(example, "nabla_w2")
    assert nabla.operands[0].value == delta.yours
    assert nabla.yours == pytest.approx(3 * nabla.result, rel=1e-14)
    assert (nabla.status, nabla.remark) == (Status.FAIL, "(from your δ2)")


def test_what_else_may_be_to_blame_is_said() -> None:
    formulas = MISTAKES["bp2-without-sigma-prime"][0]

    class Hiding:
        def __init__(self, case: Case, parameters: Parameters) -> None:
            self.session = mistaken(formulas, "x").start(case, parameters)

        def step(self, batch: Batch) -> Any:
            shown = observed(self.session.step(batch)).shown
            return {name: array for name, array in shown.items() if name[0] in "nwb"}

    text = as_text(worked(found(Subject("hiding", Hiding))))
    assert "✗ wrong (or " in text
    assert "cannot be seen)" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_wrong_shape_and_a_number_that_is_none_are_said_in_words(tmp_path: Path) -> None:
    shape = found(_network("bp4-transposed-output", tmp_path))
    assert (
        as_text(worked(shape)).count("yours has shape (2, 1), expected (1, 2): it is transposed ✗")
        == 1
    )
    lost = found(mistaken({"A": lambda at: at.z(at.layer) * np.nan}, "x"))
    assert "yours: nan ✗ wrong" in as_text(worked(lost))
    session = mistaken({"Z": lambda at: 1e6 * by_the_book(at, "Z")}, "x").start
    beyond = found(Subject("x", session, costs=("cross-entropy",)))
    assert "yours: inf · explained by z2" in as_text(worked(beyond))
    below = found(mistaken({"A": lambda at: at.z(at.layer) - 3, "C": lambda _: 1.0}, "x"))
    assert line_of(worked(below), "a2").status is Status.FAIL


def test_a_pass_of_its_own_that_is_wrong_is_named(tmp_path: Path) -> None:
    candidate = found(_network("feedforward-without-bias", tmp_path))
    assert candidate.failure.mode == FORWARD
    assert "in its own feedforward" in as_text(worked(candidate))


def test_numbers_that_differ_late_are_told_apart() -> None:
    assert apart(0.12345678, 0.12345679) == ("0.12345678", "0.12345679")
    assert apart(0.5, -0.25) == ("0.5", "−0.25")
    assert (written(-1e-9), written(-0.0)) == ("−1e−09", "0")


# The text


@pytest.mark.parametrize("sizes", [(1, 1), (1, 1, 1), (2, 3, 1), (3, 2, 4), (40, 30, 10)])
@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
@pytest.mark.parametrize("samples", [1, 3, 12])
def test_no_line_is_wider_than_a_terminal(sizes: tuple[int, ...], cost: str, samples: int) -> None:
    text = as_text(example(sizes=sizes, cost=cost, samples=samples))
    assert max(map(len, text.splitlines())) <= 80
    assert NBSP not in text


def test_a_large_network_is_one_entry_an_equation() -> None:
    text = as_text(example(sizes=(784, 30, 10), samples=10))
    assert len(text.splitlines()) < 70
    assert "… (784 terms)" in text
    assert "(one of 30 × 784)" in text


def test_the_reference_is_explained_as_ever() -> None:
    assert as_text(example(sizes=(1, 1, 1))) == EXPLAINED


def run(*arguments: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    return int(left.value.code or 0)


def test_the_command_explains_a_case_or_sizes(capsys: Capture) -> None:
    assert run("explain") == 0
    assert capsys.readouterr().out == as_text(example(sizes=(2, 3, 1)))
    assert run("explain", "--case", "hand-2-3-1") == 0
    assert "η = 0.5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--case", "hand-2-3"], "did you mean hand-2-3-1"),
        (["--case", "hand-2-3-1", "--sizes", "2,1"], "--case has its own sizes"),
        (["--sizes", "2,x"], "--sizes 2,x: give numbers with commas"),
        (["--sizes", "3"], "give two layers or more"),
        (["--cost", "hinge"], "--cost hinge: give quadratic, cross-entropy or log-likelihood"),
        (["--sizes", "5000,5000"], "give a smaller network"),
    ],
)
def test_a_wrong_question_is_one_line(arguments: list[str], message: str, capsys: Capture) -> None:
    assert run("explain", *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


# Saving


def _network(id_: str, folder: Path) -> Subject:
    """The book's program with one line edited, from a file."""
    edit = next(
        e
        for table in vars(broken).values()
        if isinstance(table, tuple)
        for e in table
        if isinstance(e, broken.Edit) and e.id == id_
    )
    path = folder / "mine.py"
    path.write_text(broken.broken_source(edit)[0], encoding="utf-8")
    return adapt(load(f"{path}:Network"), f"{path}:Network")


def _index(candidate: FailingCase) -> tuple[int, ...]:
    assert candidate.failure.worst is not None
    return candidate.failure.worst.index


def printed(script: Path, folder: Path) -> dict[str, Any]:
    """What a saved script prints, by the words before the numbers."""
    command, house = [sys.executable, str(script)], Path(cli.__file__).parents[2]
    env = {"PYTHONPATH": str(house)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=env)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
    rows = (re.split(r"\s+(?=[-\[\d])", row, maxsplit=1) for row in done.stdout.splitlines())
    return {words: json.loads(numbers) for words, numbers in rows}


@pytest.mark.parametrize(
    "name",
    [
        "bp2-without-transpose",
        "bp3-accumulates",
        "w-without-decay",
        "bp1-with-sigma-prime",
        "cost-without-half",
    ],
)
def test_a_saved_script_prints_the_numbers_of_the_example(name: str, tmp_path: Path) -> None:
    candidate = wrong(name)
    script, case = save(files(candidate), tmp_path / "new" / "folder")
    assert (script.name, case.name) == (f"{candidate.case.id}.py", f"{candidate.case.id}.json")
    numbers = printed(script, tmp_path)
    quantity = candidate.failure.name
    assert list(numbers) == [f"{quantity} expected"]
    array = np.array(numbers[f"{quantity} expected"])
    for line in worked(candidate).lines:
        if line.name == quantity:
            assert array[line.index] == pytest.approx(line.result, rel=1e-12)


@pytest.mark.parametrize(
    ("id_", "quantity"),
    [
        ("bp2-no-transpose", "delta2"),
        pytest.param("feedforward-without-bias", "z2", marks=pytest.mark.seldom),
        pytest.param("ascends", "w2", marks=pytest.mark.seldom),
    ],
)
def test_a_saved_script_runs_the_file_of_the_subject(
    id_: str, quantity: str, tmp_path: Path
) -> None:
    candidate = found(_network(id_, tmp_path))
    script, _ = save(files(candidate), tmp_path / "saved")
    numbers = printed(script, tmp_path / "saved")
    yours = np.asarray(numbers[f"{quantity} yours"])
    example = [line for line in worked(candidate).lines if line.name == quantity]
    for line in example:
        assert line.yours == pytest.approx(yours[line.index], rel=1e-14)
        assert numbers[f"{quantity} expected"][line.index[0]][line.index[1]] == pytest.approx(
            line.result, rel=1e-12
        )


@pytest.mark.parametrize(
    "spec",
    ["inner.subject:Network", pytest.param("subject.py:Network", marks=pytest.mark.seldom)],
)
def test_a_saved_script_imports_from_where_the_subject_did(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run elsewhere; the folders of --python-path were given relatively."""
    network = _network("ascends", tmp_path).name.removesuffix(":Network")
    for folder in ("helpers", "inner", "elsewhere"):
        (tmp_path / folder).mkdir()
    Path(network).rename(tmp_path / "helpers" / "mine.py")
    for place in ("subject.py", "inner/subject.py"):
        (tmp_path / place).write_text("from mine import Network\n")
    monkeypatch.chdir(tmp_path)
    report = check(spec, case="hand-2-3-1", python_path=[Path("helpers")])
    script, _ = save(report.smallest[0].files, tmp_path / "elsewhere")
    numbers = printed(script, tmp_path / "elsewhere")
    assert any(words.endswith(" yours") for words in numbers)


def test_the_saved_case_is_the_candidate(tmp_path: Path) -> None:
    from conformance.explain.replay_step import read

    candidate = wrong("bp3-of-the-first-length")
    _, path = save(files(candidate), tmp_path)
    again, right = read(path), recorded(candidate.case)
    assert again.case == right.case
    for ours, theirs in zip(again.steps, right.steps, strict=True):
        for name, array in theirs.expected.items():
            assert np.array_equal(ours.expected[name], array)
            assert np.array_equal(ours.bound[name], theirs.bound[name])
        assert np.array_equal(ours.batch.x, theirs.batch.x)
        assert np.array_equal(ours.parameters.w[0], theirs.parameters.w[0])


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    candidate = wrong("bp3-sums")
    script, _ = save(files(candidate), tmp_path)
    save(files(candidate), tmp_path)  # the same again
    script.write_text("mine")
    with pytest.raises(ConformanceError, match="is there already"):
        save(files(candidate), tmp_path)
    assert script.read_text() == "mine"


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConformanceError, match="give a folder that can be written to"):
        save(files(wrong("bp3-sums")), tmp_path / "file")


def test_float32_numbers_are_saved_as_such(tmp_path: Path) -> None:
    session = mistaken(MISTAKES["bp3-sums"][0], "x").start
    candidate = found(Subject("x", session, dtypes=("float32",)))
    assert candidate.case == next(
        each for each in CANDIDATES if each.id == "small-1-1-m2"
    ).in_format("float32")
    script, _ = save(files(candidate), tmp_path)
    assert '"float32"' in script.read_text()
    printed(script, tmp_path)


EXPLAINED = """\
[1, 1, 1], quadratic cost, m = 1, η = 3
x = 1.75   y = 0.375   b2 = −0.125   w2 = 0.5   b3 = 0.625   w3 = −0.75

Z    z2 = w2 x + b2 = 0.5 · 1.75 + (−0.125) = 0.75
A    a2 = σ(z2) = 1 / (1 + e^−0.75) = 0.679179
Z    z3 = w3 a2 + b3 = −0.75 · 0.679179 + 0.625 = 0.115616
A    a3 = σ(z3) = 1 / (1 + e^−0.115616) = 0.528872
C    C = (a3 − y)² / 2 = (0.528872 − 0.375)² / 2 = 0.0118383
     σ′(z3) = σ(z3) (1 − σ(z3)) = 0.528872 · (1 − 0.528872) = 0.249166
BP1  δ3 = (a3 − y) σ′(z3) = (0.528872 − 0.375) · 0.249166 = 0.0383397
     σ′(z2) = σ(z2) (1 − σ(z2)) = 0.679179 · (1 − 0.679179) = 0.217895
BP2  δ2 = w3 δ3 σ′(z2) = −0.75 · 0.0383397 · 0.217895 = −0.00626552
BP3  ∇b2 = δ2 = −0.00626552
BP4  ∇w2 = δ2 x = −0.00626552 · 1.75 = −0.0109647
BP3  ∇b3 = δ3 = 0.0383397
BP4  ∇w3 = δ3 a2 = 0.0383397 · 0.679179 = 0.0260395
B    b2 ← b2 − η ∇b2 = −0.125 − 3 · (−0.00626552) = −0.106203
W    w2 ← w2 − η ∇w2 = 0.5 − 3 · (−0.0109647) = 0.532894
B    b3 ← b3 − η ∇b3 = 0.625 − 3 · 0.0383397 = 0.509981
W    w3 ← w3 − η ∇w3 = −0.75 − 3 · 0.0260395 = −0.828119
"""
