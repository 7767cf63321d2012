"""The JSON of a report: it follows its schema, and is read back as it was written."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from conformance import report
from conformance.api import check
from conformance.model.table import CAUSAL
from conformance.report.book_report import Report
from conformance.report.record import to_json
from conformance.report.sentence import DEPTHS, FREE_RUN, judged_words
from conformance.report.terminal import as_text
from conformance.subjects import Subject
from conformance.tests.networks.book import Network
from conformance.tests.networks.broken import BROKEN, broken_source
from conformance.tests.networks.wrong_training import Overlaps
from conformance.tests.support import answering, showing, wrong_at
from conformance.verdict.apart import EXACT

HAND = "hand-2-3-1"
SCHEMA = json.loads(report.SCHEMA.read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
ALONE = [each for each in DEPTHS if not each.startswith(("reduced", "velocities"))]
"""What one process shows that descends by the gradient alone."""


def nothing_but_nan() -> Subject:
    """A subject whose first quantity is no number."""
    return answering(lambda batch: {"z2": np.full((3, batch.m), np.nan)})


def crashing() -> Subject:
    """A subject that stops in every step."""
    return answering(lambda _: 1 / 0)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """The book's program with one line wrong, in a file."""
    file = tmp_path / "broken.py"
    file.write_text(broken_source(BROKEN[0])[0], encoding="utf-8")
    return f"{file}:Network"


def written(subject: object) -> dict[str, Any]:
    """What `--json` writes of a check on one case; only what every JSON reader knows."""
    text = json.dumps(to_json(check(subject, case=HAND)), allow_nan=False)
    values: dict[str, Any] = json.loads(text)
    return values


def valid(values: dict[str, Any]) -> bool:
    """Whether it follows the schema; the first error is raised."""
    VALIDATOR.validate(values)
    return True


def again(values: dict[str, Any]) -> dict[str, Any]:
    """The same, through a report."""
    twice: dict[str, Any] = json.loads(
        json.dumps(to_json(Report.from_json(values)), allow_nan=False)
    )
    return twice


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ("reference", 0),
        (Network, 0),
        (Overlaps, 1),
        (wrong_at("BP2"), 1),
        (nothing_but_nan(), 1),
        (crashing(), 3),
    ],
    ids=["reference", "book", "loop", "bp2", "nan", "crash"],
)
def test_a_report_follows_the_schema_and_survives(subject: object, code: int) -> None:
    values = written(subject)
    assert values["exit_code"] == code
    assert valid(values)
    assert again(values) == values


def test_a_report_on_a_file_has_lines_and_what_balls_say(broken: str) -> None:
    values = written(broken)
    assert valid(values)
    assert again(values) == values
    assert values["blames"][0]["lines"][0]["line"] == broken_source(BROKEN[0])[1]
    assert values["blames"][0]["first"]["on_balls"]["error"] > EXACT
    assert again(written(Network))["exact"][0]["errors"]


def test_skipped_cases_have_reasons() -> None:
    values = json.loads(json.dumps(to_json(check(Network, case="hand*"))))
    assert valid(values)
    assert [*values["skipped"]] == [f"{HAND}-float32"]


def test_what_json_has_no_number_for_is_a_string() -> None:
    values = written(nothing_but_nan())
    assert values["cases"][0]["verdicts"][0]["worst"]["got"] == "nan"


def test_an_error_says_what_happened() -> None:
    case = written(crashing())["cases"][0]
    assert case["status"] == "error"
    assert "ZeroDivisionError" in case["error"]


def test_every_equation_may_be_blamed() -> None:
    assert set(SCHEMA["$defs"]["blame"]["properties"]["equation"]["enum"]) == {*CAUSAL}


def test_every_depth_is_in_the_schema() -> None:
    assert SCHEMA["properties"]["judged"]["items"]["enum"] == [*DEPTHS, FREE_RUN]


@pytest.mark.parametrize(
    ("shown", "depths"),
    [
        ("a3", ["outputs"]),
        ("a2", ["activations"]),
        ("nabla_b", ["gradients"]),
        ("delta", ["δ"]),
        ("b2", ["updated parameters"]),
        ("z", ["weighted inputs"]),
        ("cost", ["cost"]),
        ("", ALONE),
    ],
)
def test_the_depth_is_what_was_shown(shown: str, depths: list[str]) -> None:
    report = check(showing(shown), case=HAND)
    assert to_json(report)["judged"] == depths
    assert f"judged: {', '.join(depths)}\n" in as_text(report)


def test_what_is_wrong_was_judged_too_and_a_crash_was_not() -> None:
    assert written(wrong_at("BP2"))["judged"] == ALONE
    assert judged_words(check(crashing(), case=HAND).cases) == "judged: nothing"


def test_a_free_run_is_a_depth() -> None:
    assert to_json(check("reference", case="expanding-2-3-2"))["judged"] == [*ALONE, FREE_RUN]


def test_every_field_is_described() -> None:
    def fields(part: object) -> list[dict[str, Any]]:
        if not isinstance(part, dict):
            return []
        own = part.get("properties", {})
        return [*own.values(), *(each for value in part.values() for each in fields(value))]

    found = [each for each in fields(SCHEMA) if "$ref" not in each or len(each) > 1]
    assert len(found) > 40
    assert all("description" in each for each in found)


@pytest.mark.parametrize(
    "damage",
    [
        {"report_version": 2},
        {"exit_code": 2},
        {"surplus": 1},
        {"skipped": {"hand-2-3-1": ""}},
        {"blames": [{"equation": "BP5"}]},
        {"cases": [{"status": "explained"}]},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_the_schema_refuses_what_is_no_report(damage: dict[str, Any]) -> None:
    values = {**written("reference"), **damage}
    assert not VALIDATOR.is_valid(values)


@pytest.mark.parametrize(
    "damage", [{"name": "z1"}, {"name": "loss"}, {"mode": "local"}, {"step": -1}, {"status": "ok"}]
)
def test_the_schema_refuses_what_is_no_verdict(damage: dict[str, Any]) -> None:
    values = written("reference")
    values["cases"][0]["verdicts"][0].update(damage)
    assert not VALIDATOR.is_valid(values)
