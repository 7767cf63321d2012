"""Programs as people write them: the right ones are not accused, the wrong ones are, by their line.

Left out: the programs (`programs/`), and what is said of each in words.
"""

import ast
import linecache
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conformance import api
from conformance.programs.load import load
from conformance.report.book_report import Report
from conformance.tests.parts import part

pytestmark = pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")

FOLDER = Path(__file__).parent / "programs"
RIGHT = ("right.py", "more_right.py", "styles_right.py")
WRONG = ("wrong.py", "more_wrong.py", "styles_wrong.py", "lines_wrong.py", "handed_wrong.py")
CASES = ("contracting-5-4-3-2", "layout-3-2-4")
"""Three layers of weights in several steps, and two in one, whose widths all differ."""

DECAY, ENTROPY, IMAGES = "square-4-4-4-4", "square-4-4-4-4-cross-entropy", "mnist-784-30-20-10"
FURTHER = {
    "ClipsInputs": "outside-4-3-5",
    "ClipsSums": "large-gradients-4-3-5",
    "FourLayers": "deep-2-2-2-2-2-2",
    "Augmented": IMAGES,
    "AveragedModels": IMAGES,
    "CostByName": ENTROPY,
    "CostInstance": ENTROPY,
    "CompiledUpdate": IMAGES,
    "CostOfTheBase": ENTROPY,
    "DecayAdds": DECAY,
    "DecayByAnotherName": DECAY,
    "DecayForgotten": DECAY,
    "DecayRate": DECAY,
    "DecayWhenAsked": DECAY,
    "DecayWithoutN": DECAY,
    "ByNumberWrong": "hand-2-3-1",
    "ChosenWithoutBias": "deep-2-2-2-2-2-2",
    "Flat": IMAGES,
    "FurtherParameters": DECAY,
    "LimitedZ": "saturated-2-8-3",
    "LimitsEachZ": "saturated-2-8-3",
    "NeverZeroed": "remainder-3-4-2",
    "RefusesAndAscends": IMAGES,
    "ReturnsNonsense": "mnist-784-10-short-batch",
    "SampleBySample": IMAGES,
    "SlopeForError": "hand-2-3-1",
    "TorchInside": "mnist-784-10",
    "Unknown": DECAY,
    "last_weights_for_all": DECAY,
}
"""Cases that show what the others do not show of a program."""


def defined(*files: str) -> list[str]:
    """The programs of some files, as `file.py:Name`."""
    found = []
    for file in files:
        tree = ast.parse((FOLDER / file).read_text(encoding="utf-8"))
        nodes = (each for each in tree.body if isinstance(each, ast.ClassDef | ast.FunctionDef))
        found += [f"{file}:{each.name}" for each in nodes]
    return sorted(found)


OPEN = {
    "ClipsInputs": "BP4 is blamed too: what z and ∇w take is made wrong on one line before them",
    "HandsAnOperator": "the line of an operator that is right elsewhere is blamed, not its caller",
    "DecayAdds": "the line of the update that it calls is blamed, and not the one that negates λ",
    **dict.fromkeys(
        ("HandsAFunction", "HandsANumber", "NamesErrorAgain", "StoresAPart", "CostForSlope"),
        "a change of the line that is handed something wrong makes all right, and is told",
    ),
    **dict.fromkeys(
        ("ForgetsABias", "WrongColumn"),
        "no change is found, and the line that computes the quantity is blamed, not one before it",
    ),
    "MasksWrong": "the lines that call a wrong helper are blamed; its own in a longer search alone",
    "StackOfOutputs": "the line of the update is blamed; the wrong one in a longer search alone",
    "MomentumLeftOn": "momentum that only the update knows of is no known rule, and is not judged",
}
"""What is wrong in a verdict today."""

UNSETTLED = {
    "SlopeOfOutput": "the line that hands a to a helper, or the helper: it is not known "
    "what decides",
}
"""What is wrong in some orders of the tests."""


def judged(spec: str) -> Report:
    """The report on a program."""
    name = spec.partition(":")[2]
    return api.check(load(str(FOLDER / spec)), case={*CASES, FURTHER.get(name, CASES[0])})


def parameters(specs: list[str]) -> list[Any]:
    """Programs as parameters of a test."""
    return [
        pytest.param(spec, id=name, marks=_marks(name))
        for spec in specs
        for name in [spec.partition(":")[2]]
    ]


def _marks(name: str) -> list[pytest.MarkDecorator]:
    open_ = OPEN.get(name)
    if name in UNSETTLED:
        return [pytest.mark.xfail(reason=UNSETTLED[name], raises=AssertionError, strict=False)]
    return [pytest.mark.xfail(reason=open_, raises=AssertionError, strict=True)] if open_ else []


@pytest.mark.parametrize("spec", parameters(defined(*RIGHT)))
def test_a_right_program_is_not_accused(spec: str) -> None:
    report = judged(spec)
    assert [each.tag for each in report.blames] == []
    assert report.remarks == []
    assert report.exit_code == 0


def blamed(spec: str) -> tuple[str, ...]:
    """The equations on which a program is to be blamed."""
    file, _, name = spec.partition(":")
    return tuple(expectations(file)[name])


@cache
def expectations(file: str) -> dict[str, list[str]]:
    """The equations on which each program of a file is to be blamed."""
    expected = load(f"{FOLDER / file}:EXPECTED")
    assert isinstance(expected, dict)
    return expected


@pytest.mark.usefixtures("brief_search")
@pytest.mark.parametrize(
    "spec",
    parameters(part(defined(*WRONG), blamed, lambda spec: spec.split(":")[1] in OPEN)),
)
def test_a_wrong_program_is_blamed_on_its_equations_and_its_line(spec: str) -> None:
    report = judged(spec)
    assert report.exit_code == 1
    assert sorted(each.tag for each in report.blames) == sorted(blamed(spec))
    lines = [each.frames[0] for each in report.blames if each.frames]
    marked = [linecache.getline(each.file, each.line).rstrip()[-7:] for each in lines]
    assert marked == ["# wrong"] * len(lines)
    assert bool(lines) == bool(report.blames)


def test_a_helper_that_gives_the_derivative_by_the_output_is_not_blamed_for_its_caller() -> None:
    (blame,) = judged("lines_wrong.py:LeavesItsSlope").blames
    assert linecache.getline(*blame.frames[0][:2]).endswith("# wrong\n")


@pytest.mark.parametrize("file", WRONG)
def test_every_wrong_program_says_what_is_expected(file: str) -> None:
    assert sorted(f"{file}:{name}" for name in expectations(file)) == defined(file)


def test_every_exception_is_of_a_program() -> None:
    every = {each.partition(":")[2] for each in defined(*RIGHT, *WRONG)}
    assert {*OPEN, *FURTHER} <= every
