"""Commands whose second run on the same case gives other numbers: said as that, and of no equation.

Left out: commands that do the same each time (`test_command.py`).
"""

import json
from pathlib import Path

import pytest

from conformance.api import check
from conformance.report.book_report import Report
from conformance.report.record import to_json
from conformance.report.terminal import as_text
from conformance.tests.commands import Make
from conformance.tests.test_record import VALIDATOR
from conformance.verdict.compare import Status

NETWORK = """
import json, math, os, random, sys

with open(sys.argv[0] + ".runs", "a") as runs:
    runs.write(".")
draw = random.Random(os.path.getsize(runs.name)).random

def product(u, v):
    return [[sum(p * q for p, q in zip(row, column)) for column in zip(*v)] for row in u]

def turned(u):
    return [list(row) for row in zip(*u)]

def each(function, *matrices):
    return [[function(*entries) for entries in zip(*rows)] for rows in zip(*matrices)]

def sigmoid(v):
    return 1 / (1 + math.exp(-v))

def prime(v):
    return sigmoid(v) * (1 - sigmoid(v))

given = json.load(open(sys.argv[1]))
case, numbers = given["case"], given["tensors"]
last, found = len(case["sizes"]), {}

def step(t, start, prefix):
    a = {1: numbers[f"{t}/x"]}
    y, m, now = numbers[f"{t}/y"], len(numbers[f"{t}/x"][0]), {}
    for l in range(2, last + 1):
        w, b = start[f"w{l}"], start[f"b{l}"]
        now[f"z{l}"] = [[z + bias[0] for z in row] for row, bias in zip(product(w, a[l - 1]), b)]
        a[l] = now[f"a{l}"] = each(sigmoid, now[f"z{l}"])
    for l in range(last, 1, -1):
        if l == last:
            back = each(lambda one, other: one - other, a[l], y)
        else:
            back = product(turned(start[f"w{l + 1}"]), delta)
        delta = now[f"delta{l}"] = each(lambda e, z: e * prime(z), back, now[f"z{l}"])
        now[f"nabla_b{l}"] = [[sum(row) / m] for row in delta]
        now[f"nabla_w{l}"] = each(lambda v: v / m, product(delta, turned(a[l - 1])))
    decay = 1 - case["eta"] * case["lmbda"] / case["n"]
    for l in range(2, last + 1):
        for kind, keep in (("b", 1), ("w", decay)):
            update = lambda p, g: keep * p - case["eta"] * g
            now[f"{kind}{l}"] = each(update, start[f"{kind}{l}"], now[f"nabla_{kind}{l}"])
    found.update({f"{prefix}{t}/{name}": rows for name, rows in now.items()})
    return now

for prefix in ("", "free/"):
    start = numbers
    for t in range(len(case["batches"])):
        after = step(t, start, prefix)
        names = list(after)
        start = after if prefix else {name: numbers[f"{t}/{name}"] for name in names}
json.dump(found, open(sys.argv[2], "w"))
"""
"""A port as its author would write it, without any library; `draw` is another in each run."""

HAND, RUNS = "hand-2-3-1", "remainder-3-4-2"


def put(program: Make, *changes: tuple[str, str], cases: tuple[str, ...] = (HAND, RUNS)) -> Report:
    """The report on the port after some changes of its text."""
    source = NETWORK
    for old, new in changes:
        assert source.count(old) == 1
        source = source.replace(old, new)
    return check(program(source), case=cases)


def blamed(report: Report) -> list[str]:
    """The tags of the equations that are wrong."""
    return [blame.tag for blame in report.blames]


DROPOUT = ("each(sigmoid, now[", "each(lambda z: sigmoid(z) * round(draw()), now[")
NO_MEAN = ("[[sum(row) / m]", "[[2 * sum(row) / m]")


def test_the_port_is_right(program: Make) -> None:
    assert put(program).ok


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        (*DROPOUT, "a2"),
        ('case["eta"] * g', 'case["eta"] * g * (1 + draw())', "b2"),
        ("one - other", "one - other + draw()", "delta3"),
        ("z + bias[0] for", "z + bias[0] + draw() for", "z2"),
    ],
    ids=["dropout", "rate", "target", "bias"],
)
def test_numbers_that_differ_between_two_runs_blame_no_equation(
    old: str, new: str, name: str, program: Make
) -> None:
    outcome = put(program, (old, new), cases=(RUNS,))
    assert (outcome.exit_code, outcome.blames, outcome.smallest) == (1, [], ())
    said = f"two runs of the same command differ in {name}, as with an array that is not set"
    assert [each.partition(", a gen")[0] for each in outcome.remarks] == [said]
    assert said in as_text(outcome)
    VALIDATOR.validate(json.loads(json.dumps(to_json(outcome))))


def test_what_is_made_of_numbers_that_differ_is_not_blamed(program: Make) -> None:
    """As of threads that have not all written when the next layer reads."""
    late = ("found.update(", "now['z2'][0][0] += draw()\n    found.update(")
    outcome = put(program, late)
    assert (blamed(outcome), len(outcome.remarks)) == ([], 1)


def test_a_wrong_equation_is_blamed_where_its_inputs_do_not_differ(program: Make) -> None:
    """Errors that are 0 hide the dropout before them."""
    outcome = put(program, DROPOUT, NO_MEAN, cases=(RUNS, "zeros-2-2-2"))
    assert set(blamed(outcome)) <= {"BP3"}
    assert [" in a2," in each for each in outcome.remarks] == [True]


def test_a_wrong_equation_is_blamed_beside_what_differs(program: Make) -> None:
    outcome = put(program, ('case["eta"] * g', 'case["eta"] * g * (1 + draw())'), NO_MEAN)
    assert blamed(outcome) == ["BP3"]
    assert "differ in b2" in outcome.remarks[0]


def test_another_rounding_in_each_run_is_no_difference(program: Make) -> None:
    """As of threads that add up in another order: the equation is wrong all the same."""
    noise = ("1 / (1 + math.exp(-v))", "1 / (1 + math.exp(-v)) * (1 + draw() * 2e-16)")
    outcome = put(program, noise, NO_MEAN)
    assert (blamed(outcome), outcome.remarks) == (["BP3"], [])


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')", "2 * sum(row)"])
def test_what_is_wrong_in_the_same_way_twice_is_wrong(value: str, program: Make) -> None:
    outcome = put(program, ("[[sum(row) / m]", f"[[{value}]"), cases=(HAND,))
    assert ("BP3" in blamed(outcome), outcome.remarks) == (True, [])


@pytest.mark.parametrize(
    "second",
    [
        "sys.exit(1)",
        "sys.exit(77)",
        "found.clear()",
        "found['0/z2'] = [[1.0]]",
        "del found['0/z2']",
        "found['0/z2'][0][0] = 'NaN'",
    ],
    ids=["stops", "declines", "empty", "shape", "missing", "nan"],
)
def test_a_second_run_that_ends_otherwise_is_a_difference(
    second: str, program: Make, tmp_path: Path
) -> None:
    mark = str(tmp_path / "ran")
    change = f"""
if os.path.exists({mark!r}):
    {second}
else:
    open({mark!r}, "w")
    found["0/z2"][0][0] += 1
json.dump("""
    outcome = put(program, ("\njson.dump(", change), cases=(HAND,))
    assert (outcome.exit_code, outcome.blames) == (1, [])
    assert outcome.remarks[0].startswith("two runs of the same command differ")


def test_a_free_run_that_differs_is_said_too(program: Make) -> None:
    free = ("[[sum(row) / m]", "[[sum(row) / m * (1 + draw() * bool(prefix))]")
    outcome = put(program, free)
    assert (outcome.exit_code, blamed(outcome)) == (1, [])
    assert "differ in nabla_b2" in outcome.remarks[0]


def test_a_right_command_is_run_once_a_case(program: Make, tmp_path: Path) -> None:
    note = f"open({str(tmp_path / 'runs')!r}, 'a').write('run ')\njson.dump("
    assert put(program, ("json.dump(", note)).ok
    assert (tmp_path / "runs").read_text() == "run run "


def test_a_case_in_which_two_runs_are_the_same_by_chance_blames_no_equation(
    program: Make,
) -> None:
    """As of dropout in a network of few neurons."""
    cost = "now['cost'] = 1.0 if case['sizes'][0] < 3 else draw()"
    change = ("found.update(", f"{cost}\n    found.update(")
    assert blamed(put(program, change, cases=(HAND,))) == ["C"]
    outcome = put(program, change)
    assert (blamed(outcome), len(outcome.remarks), outcome.causes) == ([], 1, ())
    assert [each.status for each in outcome.cases] == [Status.FAIL, Status.FAIL]
