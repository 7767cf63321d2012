"""A command that is started once a rank: what it is given, what it shows, how it fails.

Its ranks meet by files and need no torch. Left out: processes of ours (`test_workers.py`).
"""

import shlex
import sys
from pathlib import Path
from time import monotonic

import pytest

from conformance import cli
from conformance.errors import SubjectError
from conformance.processes.commands import Asked, Commands, check
from conformance.processes.division import divided
from conformance.report.book_report import Report
from conformance.subjects.command.command_subject import command_subject

UNEVEN = "uneven-remainder-3-4-2"

PROGRAM = """
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
meeting = os.environ["CONFORMANCE_MEETING"]
{fault}
from reference.backprop import step
from reference.step import Batch, Parameters

given = json.loads(Path(sys.argv[1]).read_text())
case = given["case"]
arrays = {{k: np.array(v, case["dtype"]) for k, v in given["tensors"].items()}}
start = Parameters.of({{k: v for k, v in arrays.items() if "/" not in k}})
out = {{}}
for t, batch in enumerate(case["batches"]):
    own, counts = [], []
    for k, part in enumerate(case["parts"][t][rank]):
        part = Batch(arrays[f"{{t}}/{{k}}/x"], arrays[f"{{t}}/{{k}}/y"])
        taken = dict(step(start, part, case["eta"]).named())
        own.append({{n: v.tolist() for n, v in taken.items() if n.startswith("nabla")}})
        counts.append(part.m)
        out |= {{f"{{t}}/{{k}}/{{n}}": v for n, v in own[-1].items()}}
    Path(f"{{meeting}}-{{t}}-{{rank}}.new").write_text(json.dumps([own, counts]))
    os.rename(f"{{meeting}}-{{t}}-{{rank}}.new", f"{{meeting}}-{{t}}-{{rank}}")
    others = [Path(f"{{meeting}}-{{t}}-{{r}}") for r in range(world)]
    while not all(each.exists() for each in others):
        time.sleep(0.005)
    parts = [p for each in others for p in zip(*json.loads(each.read_text()))]
    weights = [{weight} for gradient, count in parts]
    for name in parts[0][0]:
        found = [w * np.array(g[name], case["dtype"]) for w, (g, _) in zip(weights, parts)]
        out[f"{{t}}/{{name}}"] = np.sum(found, axis=0).tolist()
Path(sys.argv[2]).write_text(json.dumps(out))
"""


def words(folder: Path, fault: str = "", weight: str = "count / len(batch)") -> str:
    """The command of a program with a fault."""
    file = folder / "mine.py"
    file.write_text(PROGRAM.format(fault=fault, weight=weight), encoding="utf-8")
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(file))}"


def checked(command: str, *cases: str) -> Report:
    subject = command_subject(command, "json")
    asked = Asked(subject.name, 2, cases or UNEVEN, "float64", program=subject.runs.program)
    return check(asked)


def test_each_rank_is_given_its_samples_and_shows_both_gradients(tmp_path: Path) -> None:
    report = checked(words(tmp_path), "uneven-rem*", "empty-*", "micro-*")
    assert report.ok, str(report)
    assert [each.case.id.partition("-")[0] for each in report.cases] == ["uneven", "empty", "micro"]
    modes = {each.mode for each in report.cases[2].verdicts}
    assert {"rank 0, micro-batch 1", "rank 1"} <= modes


def test_the_mistake_of_a_command_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = words(tmp_path, weight="1 / len(parts)")
    more = ["--format", "json", "--processes", "2", "--case", UNEVEN]
    with pytest.raises(SystemExit) as left:
        cli.main(["check", "--command", command, *more])
    assert left.value.code == 1
    assert "cause: mean-of-means" in capsys.readouterr().out


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fault", "timeout", "said"),
    [
        ("if rank == 1: sys.exit(3)", 60, ": rank 1: exited with status 3"),
        ("if rank == 1: os.abort()", 60, ": rank 1: died by SIGABRT"),
        ("if rank == 1: sys.exit()", 60, ": rank 1: it wrote no output"),
        (
            "if rank == 1: Path(sys.argv[2]).write_text('{\"0/nabla_w2\": 1}'); sys.exit()",
            2,
            ", or needs a longer --timeout (rank 1 had done its step)",
        ),
        (
            "Path(sys.argv[2]).write_text('{\"0/2/nabla_w2\": 1}'); sys.exit()",
            60,
            ": rank 0: it wrote '0/2/nabla_w2', which is no quantity of its steps",
        ),
    ],
    ids=["exits", "dies", "writes nothing", "waits in vain", "another name"],
)
def test_what_goes_wrong_in_a_rank_is_one_line_and_ends_the_others(
    fault: str, timeout: float, said: str, tmp_path: Path
) -> None:
    command = command_subject(words(tmp_path, fault), "json", timeout)
    start = monotonic()
    of = next(each for each in divided(2, "float64") if each.case.id == UNEVEN)
    with pytest.raises(SubjectError) as raised:
        Commands(command.runs.program, 2).step(of, 0)
    assert monotonic() - start < 30  # though the other rank waits
    first = str(raised.value).splitlines()[0]
    assert first.removesuffix(" (it exited with status 0)").endswith(said)


def test_a_rank_may_decline_a_case(tmp_path: Path) -> None:
    report = checked(words(tmp_path, "sys.stderr.write('no such cost'); sys.exit(77)"))
    assert report.declined == {UNEVEN: "no such cost"}
    assert report.exit_code == 3


def test_cases_side_by_side_do_not_go_with_processes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["check", "--command", "true {case} {out}", "--processes", "2", "-n", "2"])
    assert left.value.code == 2
    assert "-n does not go with --processes" in capsys.readouterr().err
