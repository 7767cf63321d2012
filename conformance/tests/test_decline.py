"""Commands that decline a case by exit status 77, and commands and traces with one cost alone.

Left out: other statuses (`test_command.py`), the suite of pytest (`test_suite_subject.py`).
"""

import json
import shlex
import sys
from pathlib import Path

import pytest

from conformance.api import check
from conformance.corpus import store
from conformance.errors import UsageError
from conformance.model.functions import COSTS
from conformance.report.book_report import Report
from conformance.report.markdown import as_markdown
from conformance.report.notebook import as_html
from conformance.report.opening import in_one_line
from conformance.report.record import to_json
from conformance.report.sentence import sentence
from conformance.report.terminal import as_text
from conformance.subjects.command.command_subject import command_subject
from conformance.tests.commands import COPY, WRITE, Make
from conformance.tests.support import recorded
from conformance.tests.test_cli import run
from conformance.tests.test_record import VALIDATOR
from conformance.verdict.compare import Status

Capture = pytest.CaptureFixture[str]

HAND = "hand-2-3-1"
HANDS = (HAND, f"{HAND}-float32")
CROSS = "square-4-4-4-4-cross-entropy"

NO_FLOAT32 = """
import json, sys
if json.load(open(sys.argv[1]))["case"]["dtype"] == "float32":
    print("port: reading the case", file=sys.stderr)
    print("it computes in float64 alone", file=sys.stderr)
    sys.exit(77)
"""
NOTHING = 'import sys\nsys.exit("no port yet: " + sys.argv[1]) if 0 else sys.exit(77)\n'


def declining(said: str) -> str:
    """A program that declines every case, after some lines of Python."""
    return f"import sys\n{said}\nsys.exit(77)\n"


def put(program: Make, source: str, *ids: str, workers: int = 1) -> Report:
    """The report on a program in some cases."""
    return check(program(source, workers=workers), case=ids or HANDS)


def test_the_cases_that_are_declined_are_said_and_the_rest_is_conformant(
    tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "port.py").write_text(NO_FLOAT32 + COPY + WRITE)
    command = shlex.join([sys.executable, "-S", str(tmp_path / "port.py")])
    words = ("check", "--command", command, "--format", "json", "--case", "hand*")
    assert run(*words) == 0
    end = f": 1 of 2 cases conformant, 1 declined: it computes in float64 alone ({HANDS[1]})"
    assert end.removeprefix(": ") in capsys.readouterr().out.splitlines()[0]
    assert run(*words, "-q") == 0
    assert end in capsys.readouterr().out.splitlines()[0]


def test_a_shell_script_declines(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "port.sh"
    path.write_text("#!/bin/sh\necho 'no weight decay' >&2\nexit 77\n")
    path.chmod(0o755)
    assert run("check", f"cmd:{path}", "--case", HAND) == 3
    out = capsys.readouterr().out
    assert f"not judged, 1 of 1 case declined: no weight decay ({HAND})" in out
    assert "stopped" not in out


def test_a_report_of_declined_cases_alone_is_a_report_in_every_form(
    program: Make, tmp_path: Path
) -> None:
    outcome = put(program, declining('print("no port yet")'))
    assert (outcome.ok, outcome.exit_code, outcome.cases) == (False, 3, ())
    assert outcome.declined == dict.fromkeys(HANDS, "no port yet")
    assert sentence(outcome) == "nothing was compared: it declined 2 cases"
    pytest.importorskip("jinja2")
    from conformance.report.page.write import page

    (tmp_path / "page.html").write_text(page([outcome], "conformance check"), "utf-8")
    for text in (
        as_text(outcome),
        as_markdown(outcome),
        as_html(outcome),
        (tmp_path / "page.html").read_text("utf-8"),
    ):
        assert "no port yet" in text


@pytest.mark.parametrize("form", [as_text, as_markdown, as_html])
def test_every_form_says_what_is_declined_beside_what_is_right(
    form: "object", program: Make
) -> None:
    assert callable(form)
    text = form(put(program, NO_FLOAT32 + COPY + WRITE))
    assert "declined: it computes in float64 alone (" in text.replace("\\", "")
    assert "conformant" in text


def test_the_json_holds_the_reasons_and_is_read_back(program: Make) -> None:
    outcome = put(program, NO_FLOAT32 + COPY + WRITE)
    values = json.loads(json.dumps(to_json(outcome)))
    VALIDATOR.validate(values)
    assert values["declined"] == {HANDS[1]: "it computes in float64 alone"}
    assert Report.from_json(values).declined == outcome.declined
    del values["declined"]  # a report of an earlier release
    assert Report.from_json(values).declined == {}


def test_a_wrong_port_is_still_wrong_and_its_smallest_network_is_found(program: Make) -> None:
    wrong = """
for name in shown:
    if name.endswith("cost"):
        shown[name] = shown[name] * 2
"""
    outcome = put(program, NO_FLOAT32 + COPY + wrong + WRITE)
    assert (outcome.exit_code, [blame.tag for blame in outcome.blames]) == (1, ["C"])
    assert len(outcome.smallest) == 1
    refused = f"1 of 2 cases declined: it computes in float64 alone ({HANDS[1]})"
    said = in_one_line(outcome)
    assert ": not conformant: C is wrong" in said
    assert said.endswith(f"; {refused}")
    assert refused in as_text(outcome).splitlines()


def test_cases_side_by_side_are_declined_as_one_after_another_are(program: Make) -> None:
    ids = (*HANDS, "layout-3-2-4", "layout-3-2-4-float32", "narrow-5-1", "narrow-5-1-float32")
    alone = put(program, NO_FLOAT32 + COPY + WRITE, *ids)
    beside = put(program, NO_FLOAT32 + COPY + WRITE, *ids, workers=4)
    assert alone.declined == beside.declined
    assert len(beside.declined) == 3
    assert [each.case.id for each in beside.cases] == [each.case.id for each in alone.cases]


def test_what_was_written_of_a_declined_case_is_not_judged(program: Make) -> None:
    assert put(program, COPY + WRITE + "sys.exit(77)", HAND).declined == {HAND: "no reason given"}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "no reason given"),
        ('print(" ", file=sys.stderr)', "no reason given"),
        ('print("no bias")', "no bias"),
        ('print("no bias"); print(" \\n", file=sys.stderr)', "no bias"),
        ('print("loaded"); print("a\\nno bias. \\n\\n", file=sys.stderr)', "no bias"),
        ('print("\\x1b[31mno\\tbias\\x1b[0m", file=sys.stderr)', "no\ufffdbias"),
        ('print("a" * 900, file=sys.stderr)', "a" * 199 + "…"),
        ('sys.stderr.buffer.write(b"no \\xff bias")', "no \ufffd bias"),
    ],
    ids=["none", "blank", "stdout", "blank-stderr", "last", "control", "long", "no-utf8"],
)
def test_the_reason_is_the_last_line_on_one_short_line(
    said: str, reason: str, program: Make
) -> None:
    assert put(program, declining(said), HAND).declined == {HAND: reason}


def test_many_ids_of_one_reason_are_a_few_and_a_number() -> None:
    ids = [case.id for case in store.cases(store.root(), "*-2", "float64")]
    many = Report("it", declined=dict.fromkeys(ids, "no"))
    assert len(ids) > 9
    assert f"{ids[7]} and {len(ids) - 8} more)" in in_one_line(many)
    assert ids[8] not in in_one_line(many)


def test_each_reason_has_its_own_cases(program: Make) -> None:
    said = "print('no ' + sys.argv[1].rsplit('-', 1)[-1].split('.')[0])"
    text = in_one_line(put(program, declining(said), "layout-3-2-4", *HANDS))
    assert ": not judged, 3 of 3 cases declined: " in text
    assert "no 1 (hand-2-3-1); no float32 (hand-2-3-1-float32); no 4 (layout-3-2-4)" in text


@pytest.mark.parametrize("status", [76, 78])
def test_another_status_is_an_error_as_ever(status: int, program: Make) -> None:
    outcome = put(program, f"import sys\nprint('no bias')\nsys.exit({status})", HAND)
    assert (outcome.exit_code, outcome.declined) == (3, {})
    assert f"exited with status {status}" in outcome.cases[0].error


def test_a_port_that_stops_in_some_steps_still_has_a_page(program: Make) -> None:
    """Its free run is asked for, as that of a wrong port, and there is none."""
    outcome = check(program("import sys\nsys.exit(1)"), case="contracting*", detailed=True)
    assert [each.status for each in outcome.cases] == [Status.ERROR] * 2


# --cost


def test_a_command_is_not_put_to_cases_of_another_cost(program: Make, tmp_path: Path) -> None:
    told = f"open({str(tmp_path / 'told')!r}, 'a').write(sys.argv[1] + ' ')\n"
    outcome = check(program(COPY + told + WRITE), case=[HAND, CROSS], cost="quadratic")
    assert (outcome.exit_code, [each.case.id for each in outcome.cases]) == (0, [HAND])
    assert outcome.skipped == {CROSS: "has no cross-entropy cost"}
    assert CROSS not in (tmp_path / "told").read_text(), "it is not even run on them"


@pytest.mark.parametrize(("cost", "id_"), [("quadratic", HAND), ("cross-entropy", CROSS)])
def test_the_option_holds_for_a_command(
    cost: str, id_: str, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "port.py").write_text(COPY + WRITE)
    command = shlex.join([sys.executable, "-S", str(tmp_path / "port.py")])
    for words in (("--command", command), (f"cmd:{command}",)):
        options = ("--format", "json", "--cost", cost, "--dtype", "float64")
        assert run("check", *words, *options, "--case", "[hs]*-[14]*") == 0
        out = capsys.readouterr().out
        assert id_ in out
        assert "cost)" in next(each for each in out.splitlines() if each.startswith("not put to"))


def test_the_smallest_network_of_a_command_has_its_cost(program: Make) -> None:
    wrong = 'shown["0/cost"] *= 2'
    outcome = check(program(COPY + wrong + WRITE), case=[HAND, CROSS], cost="cross-entropy")
    assert [blame.tag for blame in outcome.blames] == ["C"]
    assert [each.case.endswith("cross-entropy") for each in outcome.smallest] == [True]


def test_a_command_that_says_nothing_of_its_cost_is_put_to_all(program: Make) -> None:
    assert check(program(COPY + WRITE), case=[HAND, CROSS]).skipped == {}


def test_a_trace_of_a_case_of_another_cost_is_not_judged() -> None:
    path = str(store.root() / store.file_name(recorded(CROSS).case))
    outcome = check(path, cost="cross-entropy")
    assert [each.status for each in outcome.cases] == [Status.PASS]
    with pytest.raises(UsageError, match="it has no cross-entropy cost"):
        check(path, cost="quadratic")


def test_a_command_without_options_has_all_costs() -> None:
    assert command_subject("true").costs == tuple(COSTS)
