"""The report on a backward pass as JSON, Markdown and HTML: it follows its schema, and comes back.

Left out: the judging (`test_backward.py`, `test_without_loss.py`).
"""

import ast
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import conformance
from conformance import report
from conformance.backward.change import Change
from conformance.backward.changes import changes
from conformance.backward.costs import COSTS
from conformance.backward.findings import UPDATES
from conformance.report.backward_report import BackwardReport
from conformance.tests.backward.program import module

SCHEMA = json.loads(report.BACKWARD_SCHEMA.read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

PROGRAM = """
import numpy as np

def f(params, x, y):
    w = params["<b> | w"]
    a = np.tanh(x @ w)
    loss = 0.5 * np.sum((a - y) ** 2) / len(x)
    delta = (a - y) * (1 - a ** 2) / len(x)
    return loss, {"<b> | w": x.T @ delta}
"""
EDITS = {
    "right": ("", ""),
    "operator": ("x.T @ delta", "x.T @ delta + 1"),
    "missing": (" * (1 - a ** 2) / len(x)\n", " / len(x)\n"),
    "shape": ("x.T @ delta}", "(x.T @ delta).T}"),
    "nan": ("x.T @ delta}", "x.T @ delta * np.nan}"),
    "no loss": ("return loss", "return None"),
    "clipped": ("return loss", "delta = np.clip(a - y, -.1, .1); return None"),
    "cost without a derivative": ("return loss", "delta = delta * a[:, :1]; return None"),
}


def checked(name: str, folder: Path) -> BackwardReport:
    """The report on the program with an edit."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    program = module(PROGRAM.replace(*EDITS[name]), folder)
    return conformance.check_backward(program.f, {"<b> | w": rng.normal(size=(3, 2))}, *data)


@pytest.mark.parametrize("name", EDITS)
def test_the_json_of_a_report_follows_its_schema_and_is_read_back(
    name: str, tmp_path: Path
) -> None:
    found = checked(name, tmp_path)
    text = json.dumps(found.to_json(), allow_nan=False)
    VALIDATOR.validate(json.loads(text))
    again = BackwardReport.from_json(json.loads(text))
    assert json.dumps(again.to_json()) == text
    assert str(again) == str(found)
    assert found.exit_code == json.loads(text)["exit_code"] == int(not name.startswith(("r", "no")))


@pytest.mark.parametrize("name", EDITS)
def test_the_lines_to_blame_are_in_every_form(name: str, tmp_path: Path) -> None:
    found = checked(name, tmp_path)
    forms = str(found), found.as_markdown(), found.as_page(), found._repr_html_()
    for blame in found.blames:
        assert blame.line is None or all(f"program.py:{blame.line}" in each for each in forms)
    for page in forms[2:]:
        ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - it is our own
        assert "<b>" not in page
    assert "<b>" not in re.sub(r"```[^`]*```|`[^`]*`", "", forms[1])
    assert "\n" not in found.in_one_line()


def test_the_schema_knows_all_costs() -> None:
    known = {*COSTS, *(f"weighted {each}" for each in COSTS)}
    assert known == set(SCHEMA["properties"]["cost"]["enum"]) - {"own", "unknown"}


def test_the_schema_knows_all_causes() -> None:
    """Those of updates, and those that stand as words where a cause is made."""
    package = Path(changes.__code__.co_filename).parents[1]
    modules = (each for each in package.rglob("*.py") if "tests" not in each.parts)
    calls = (
        call.args[0]
        for module in modules
        for call in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Cause" and call.args
    )
    words = (e.value for each in calls for e in ast.walk(each) if isinstance(e, ast.Constant))
    said = (each for each in words if isinstance(each, str))
    known = SCHEMA["$defs"]["blame"]["properties"]["kind"]["enum"]
    assert {*UPDATES, *said} <= {*known}


def test_the_schema_knows_all_changes() -> None:
    """Those that the search makes, whose names stand in its modules as words, and a decay's."""
    known = SCHEMA["$defs"]["cause"]["properties"]["changed"]["anyOf"][1]["properties"]["what"]
    folder = Path(changes.__code__.co_filename).parent
    said = [(folder / f"{each}.py").read_text("utf-8") for each in ("changes", "slips")]
    made = {name for each in said for name in re.findall(r'Change\(\s*"(\w+)"', each)}
    assert {*made, "rate"} == set(known["enum"])
    assert Change.__doc__ is not None
    assert all(f"`{name}`" in Change.__doc__ for name in made)


def test_each_cause_of_an_update_is_in_the_schema() -> None:
    kinds = SCHEMA["$defs"]["blame"]["properties"]["kind"]["enum"]
    assert set(kinds) >= UPDATES
