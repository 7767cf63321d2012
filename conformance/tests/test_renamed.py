"""Other names change no verdict: every identifier that a program chose itself is replaced.

A network with the book's interface keeps the names that this has; a script, or a function that
takes parameters and data, keeps none.
"""

import ast
import builtins
import io
import tokenize
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conformance.api import check
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.report.file_report import ShapeReport
from conformance.run_script import run_script
from conformance.tests.generator.judgement import judge
from conformance.tests.generator.program import Program, program
from conformance.tests.parts import few
from conformance.tests.programs.script_faults import FAULTS
from conformance.tests.scripts import FOLDER

INTERFACE = {
    "weights", "biases", "feedforward", "backprop", "update_mini_batch", "sizes", "cost", "fn",
    "delta", "lmbda", "n", "total_cost", "cost_derivative", "num_layers", "__init__",
}  # fmt: skip
IDS = (
    "book/right", "copies/BP1/4-left-2", "chinese/BP2/7-left-10", "flat_vector/A/3-constant-6",
    "layer_objects/BP1+BP2/8-negated", "namedtuples/BP4/8-negated", "buffers/BP3/largest",
    "bias_column/B+W/8-negated",
)  # fmt: skip


def chosen(tree: ast.Module) -> set[str]:
    """The names that a program gives to its own things, but for the interface."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            names.add(node.name)
    passed = {each.arg for each in ast.walk(tree) if isinstance(each, ast.keyword) and each.arg}
    passed |= {  # an f-string is one token before Python 3.12
        name.id
        for each in ast.walk(tree)
        if isinstance(each, ast.JoinedStr)
        for name in ast.walk(each)
        if isinstance(name, ast.Name)
    }
    taken = {name for name in names if hasattr(np, name) or hasattr(np.ndarray, name)}
    return {n for n in names - INTERFACE - passed - taken - set(dir(builtins)) if n[:2] != "__"}


def renamed(source: str) -> str:
    """The program with other names, on the same lines."""
    names = {name: f"v{i}" for i, name in enumerate(sorted(chosen(ast.parse(source))))}
    tokens = [
        each._replace(string=names.get(each.string, each.string))
        if each.type == tokenize.NAME
        else each
        for each in tokenize.generate_tokens(io.StringIO(source).readline)
    ]
    return tokenize.untokenize((each.type, each.string) for each in tokens)


def test_a_program_has_other_names_on_the_same_lines() -> None:
    source = "def f(a, axis):\n    total = a.sum(axis=0)\n    return total\n"
    tree = ast.parse(renamed(source))
    names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    assert not names & {"a", "total"}
    assert [each.lineno for each in tree.body[0].body] == [2, 3]  # type: ignore[attr-defined]


def judged(each: Program) -> tuple[int, Mapping[str, int]]:
    found = judge(each)
    return found.code, found.blamed


@pytest.mark.thorough
@pytest.mark.parametrize("id_", sorted(few(IDS[:1], IDS)))
def test_other_names_change_no_verdict(id_: str) -> None:
    as_it_is = program(id_)
    assert judged(replace(as_it_is, source=renamed(as_it_is.source))) == judged(as_it_is)


SCRIPTS = ("minibatch.py", "momentum.py", "rows.py", "toy.py")
SCRIPT = "script.py"
FUNCTION = """
import numpy as np

def loss_and_slopes(params, X, y):
    W1, b1, W2, b2 = params
    h = np.tanh(X @ W1 + b1)
    out = h @ W2 + b2
    miss = (out - y) / len(X)
    dh = miss @ W2.T * (1 - h ** 2)
    return 0.5 * np.sum((out - y) * miss), [X.T @ dh, dh.sum(0), h.T @ miss, miss.sum(0)]
"""


def as_run(place: Path, source: str) -> tuple[int, list[int | None]]:
    """The exit code of a script and the lines that are blamed."""
    place.write_text(source)
    report = run_script(str(place))
    return report.exit_code, [each.line for each in report.blames]


@pytest.mark.thorough
@pytest.mark.parametrize("name", few(["toy.py"], [*SCRIPTS]))
def test_other_names_in_a_script_change_no_verdict(name: str, tmp_path: Path) -> None:
    source = (FOLDER / name).read_text()
    for text in (source, *(source.replace(*edit) for edit in FAULTS[name][:1])):
        place = tmp_path / SCRIPT
        assert as_run(place, renamed(text)) == as_run(place, text)


@pytest.mark.thorough
@pytest.mark.parametrize("edit", [("", ""), ("* (1 - h ** 2)", "")], ids=["right", "wrong"])
def test_other_names_in_a_function_change_no_verdict(edit: tuple[str, str], tmp_path: Path) -> None:
    place = tmp_path / "f.py"
    found = []
    for text in (FUNCTION.replace(*edit), renamed(FUNCTION.replace(*edit))):
        place.write_text(text)
        report = check_file(Asked(str(place)), check)
        (part,) = report.parts
        assert isinstance(part, ShapeReport)
        found.append((report.exit_code, [each.line for each in part.blames]))
    assert found[0] == found[1]
    assert found[0][0] == (1 if edit[0] else 0)
