"""A verdict as a badge: what it says, and that an old one never stays where nothing was judged."""

import json
from pathlib import Path

import pytest

from conformance.api import check
from conformance.cli import main
from conformance.corpus import store
from conformance.report.badge import badge
from conformance.tests.support import answering, wrong_at

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
HAND = "hand-2-3-1"


def cli(*arguments: str) -> int:
    try:
        main(arguments)
    except SystemExit as stop:
        return int(str(stop.code))
    return 0


@pytest.mark.parametrize(
    ("subject", "verdict", "color"),
    [
        ("reference", "conformant", "brightgreen"),
        (wrong_at("BP2"), "wrong: BP2", "red"),
        (answering(lambda _: 1 / 0), "not judged", "lightgrey"),
    ],
)
def test_a_badge_has_the_verdict_and_the_corpus(subject: object, verdict: str, color: str) -> None:
    corpus = store.corpus_hash(store.root())[:12]
    assert badge(check(subject, case=HAND)) == {
        "schemaVersion": 1,
        "label": "backprop",
        "message": f"{verdict} · corpus {corpus}",
        "color": color,
    }


@pytest.mark.parametrize("command", ["check", "run"])
def test_an_old_badge_does_not_stay_where_nothing_is_judged(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "badge.json"
    path.write_text("old", "utf-8")
    assert cli(command, "--badge", str(path), str(tmp_path / "nothing.py")) == 2
    assert json.loads(path.read_text("utf-8"))["message"] == "not judged"
    assert "wrote" not in capsys.readouterr().out


def test_a_badge_is_written_beside_the_verdict_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "badge.json"
    assert cli("check", str(EXAMPLES / "student.py"), "--badge", str(path)) == 1
    assert json.loads(path.read_text("utf-8"))["message"] == "2 gradients wrong"
    assert capsys.readouterr().out.splitlines()[-1] == f"wrote {path}"
    assert cli("check", "reference", "--badge", str(tmp_path / "no" / "badge.json")) == 2
    assert "--badge" in capsys.readouterr().err
