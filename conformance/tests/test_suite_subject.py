"""The suite against somebody's subject, and the failures that its implementer expects."""

import sys
from pathlib import Path

import pytest

from conformance.corpus import store
from conformance.suite.asked import by_slug, loaded
from conformance.suite.xfails import expect_failures, plain
from conformance.tests.networks.broken import BROKEN, broken_source
from conformance.tests.support import recorded
from conformance.tests.test_plugin import finish, start

pytestmark = pytest.mark.xdist_group("suite of a subject")  # the runs of one fixture

CASE = "cancelling-2-2-2"  # two steps, so that there is a free run
EDIT = next(edit for edit in BROKEN if edit.tags == ("BP2",))
MINE = "broken.py-Network"

OTHERS = """
import numpy as np

def shows_nothing(weights, biases, x, y, eta):
    return {}

def meddles(weights, biases, x, y, eta):
    z2 = weights[0] @ x + biases[0]
    x *= 0
    return {"z2": z2}

class Picky:
    def __init__(self, sizes):
        raise ValueError("not these sizes")
    def backprop(self, x, y): ...
    def update_mini_batch(self, mini_batch, eta): ...
    def feedforward(self, a): ...
"""

DECLINES = """
import sys
print("no port yet.", file=sys.stderr)
sys.exit(77)
"""
COMMAND = f"cmd:{sys.executable} declines.py"
PORT = f"{Path(sys.executable).name}-declines.py"

Outcome = tuple[int, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with subjects and with lists of expected failures."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "broken.py").write_text(broken_source(EDIT)[0], encoding="utf-8")
    (folder / "others.py").write_text(OTHERS)
    (folder / "declines.py").write_text(DECLINES)
    source = store.root() / store.file_name(recorded(CASE).case)
    (folder / "run.safetensors").write_bytes(source.read_bytes())
    bp1 = f"x/test_equation.py::test_equation[{CASE}/bp1/{MINE}]@{CASE}"
    (folder / "listed.txt").write_text(f"# mine\n*/bp2/{MINE}]  # the factor\n{bp1}\n")
    (folder / "lost.txt").write_text(f"*/bp2/*\n\ntest_free_run.py::nothing\n*/bp5/{MINE}]\n")
    return folder


@pytest.fixture(scope="module")
def outcomes(place: Path) -> dict[str, Outcome]:
    """What each of several runs printed."""
    mine = ("--conformance-subject", "broken.py:Network", "-k", CASE)
    others = ("others.py:shows_nothing", "others.py:meddles", "run.safetensors", COMMAND)
    rest = [word for other in others for word in ("--conformance-subject", other)]
    runs = {
        "all": ("", *mine, *rest, "-rxs", "--junit-xml=out.xml"),
        "listed": (".test_equation", *mine, "--conformance-xfails", "listed.txt", "-rx"),
        "lost": (".test_free_run", *mine, "--conformance-xfails", "lost.txt"),
        "no list": (".test_free_run", *mine, "--conformance-xfails", "none.txt"),
        "family": (".test_equation", *mine, "--conformance-family", "relu,softmax", "-rs"),
        "no family": (".test_equation", *mine, "--conformance-family", "step"),
        "picky": (".test_free_run", "--conformance-subject", "others.py:Picky"),
        "absent": (".test_free_run", "--conformance-subject", "others.py:Pickle", "-n", "1"),
    }
    started = [
        start(place, "--pyargs", f"conformance.suite{module}", "-v", *arguments)
        for module, *arguments in runs.values()
    ]
    return dict(zip(runs, map(finish, started), strict=True))


def outcome_of(test: str, out: str, kind: str = "equation") -> str:
    """The word that `pytest -v` prints after a test."""
    start = f"::test_{kind}[{test}] "
    line = next(line for line in out.splitlines() if start in line)
    return line.split("] ", 1)[1].split()[0]


def errors(out: str) -> list[str]:
    """The errors of a run that was refused."""
    assert "INTERNALERROR" not in out
    return [line for line in out.splitlines() if line.startswith("ERROR")]


def test_the_broken_equation_fails_and_names_its_line(outcomes: dict[str, Outcome]) -> None:
    code, out = outcomes["all"]
    assert code == 1
    assert outcome_of(f"{CASE}/bp2/{MINE}", out) == "FAILED"
    assert f"broken.py:{broken_source(EDIT)[1]}; explains nabla_b2" in out
    assert outcome_of(f"{CASE}/bp4/{MINE}", out) == "XFAIL"
    assert outcome_of(f"{CASE}/bp1/{MINE}", out) == "PASSED"


def test_the_run_ends_with_the_verdict_on_each_subject_of_which_tests_failed(
    outcomes: dict[str, Outcome],
) -> None:
    lines = outcomes["all"][1].splitlines()
    starts = [i for i, each in enumerate(lines) if each.startswith("broken.py:Network: ")]
    at = next(i for i in starts if " failure" in lines[i])
    assert lines[at + 1] == "  not conformant: BP2 is wrong at layer 2, in 1 of 1 case"
    assert f"broken.py:{broken_source(EDIT)[1]}" in lines[at + 2]
    assert "cause: " in lines[at + 3]
    assert not any(each.startswith("run.safetensors: ") for each in lines)


def test_no_free_run_follows_a_wrong_step(outcomes: dict[str, Outcome]) -> None:
    _, out = outcomes["all"]
    assert outcome_of(f"{CASE}/bp1/{MINE}", out, "free_run") == "XFAIL"
    assert "not run: restarted steps fail" in out


def test_a_trace_is_a_subject(outcomes: dict[str, Outcome]) -> None:
    _, out = outcomes["all"]
    assert outcome_of(f"{CASE}/bp2/run.safetensors", out) == "PASSED"
    assert f"is a recording of {CASE}" in out


def test_a_case_that_does_not_fit_is_skipped_with_the_reason(outcomes: dict[str, Outcome]) -> None:
    _, out = outcomes["all"]
    assert outcome_of(f"{CASE}-float32/z/{MINE}", out) == "SKIPPED"
    assert "computes in float64" in out


@pytest.mark.parametrize("kind", ["conduct", "equation", "free_run"])
def test_a_case_that_a_command_declines_is_skipped_with_its_reason(
    kind: str, outcomes: dict[str, Outcome]
) -> None:
    _, out = outcomes["all"]
    tag = "" if kind == "conduct" else "z/"
    assert outcome_of(f"{CASE}/{tag}{PORT}", out, kind) == "SKIPPED"
    assert "declined: no port yet\n" in out


def test_a_subject_that_shows_nothing_does_not_pass(outcomes: dict[str, Outcome]) -> None:
    _, out = outcomes["all"]
    assert outcome_of(f"{CASE}/others.py-shows_nothing", out, "conduct") == "FAILED"
    assert f"others.py:shows_nothing in {CASE}: nothing was compared" in out


def test_a_subject_that_overwrites_its_samples_does_not_pass(outcomes: dict[str, Outcome]) -> None:
    _, out = outcomes["all"]
    assert outcome_of(f"{CASE}/z/others.py-meddles", out) == "PASSED"
    assert outcome_of(f"{CASE}/others.py-meddles", out, "conduct") == "FAILED"


def test_the_tests_of_the_project_itself_stay_out(outcomes: dict[str, Outcome]) -> None:
    _, out = outcomes["all"]
    assert "test_equation" in out
    assert "test_agreement" not in out
    assert "test_certified_gradient" not in out


def test_junit_holds_the_message(place: Path, outcomes: dict[str, Outcome]) -> None:
    assert outcomes["all"][0] == 1
    assert "BP2 is wrong at layer 2" in (place / "out.xml").read_text()


def test_listed_failures_are_expected_deselected_or_not(outcomes: dict[str, Outcome]) -> None:
    _, out = outcomes["listed"]
    assert outcome_of(f"{CASE}/bp2/{MINE}", out) == "XFAIL"
    assert "the factor" in out
    assert "matches no test" not in out


def test_a_listed_test_that_passes_is_a_failure(outcomes: dict[str, Outcome]) -> None:
    code, out = outcomes["listed"]
    assert code == 1
    assert outcome_of(f"{CASE}/bp1/{MINE}", out) == "FAILED"
    assert "XPASS(strict)" in out
    assert "1 failed" in out


def test_a_network_is_put_to_the_cases_of_the_family_that_it_is_meant_to_have(
    outcomes: dict[str, Outcome],
) -> None:
    code, out = outcomes["family"]
    assert code == 0, out
    assert outcome_of(f"{CASE}/bp2/{MINE}", out) == "SKIPPED"
    assert "has other activations" in out


def test_a_family_that_there_is_not_is_an_error_said_once(outcomes: dict[str, Outcome]) -> None:
    code, out = outcomes["no family"]
    assert code == 4
    assert [line.split(": give")[0] for line in errors(out)] == ["ERROR: family step,step"]


def test_an_entry_that_matches_nothing_is_an_error_said_once(
    outcomes: dict[str, Outcome],
) -> None:
    code, out = outcomes["lost"]
    assert code == 4
    assert errors(out) == [
        "ERROR: lost.txt:3: test_free_run.py::nothing matches no test",
        f"ERROR: lost.txt:4: */bp5/{MINE}] matches no test",
    ]


def test_a_list_that_is_not_there_is_an_error(outcomes: dict[str, Outcome]) -> None:
    code, out = outcomes["no list"]
    assert code == 4
    assert errors(out) == ["ERROR: --conformance-xfails none.txt: No such file or directory"]


def test_a_subject_that_cannot_be_made_shows_its_own_traceback(
    outcomes: dict[str, Outcome],
) -> None:
    code, out = outcomes["picky"]
    assert code == 4
    assert len(errors(out)) == 1
    assert "others.py:Picky" in errors(out)[0]
    assert "not these sizes" in out
    assert "conformance/subjects" not in out


def test_a_subject_that_is_not_there_is_an_error_said_once(outcomes: dict[str, Outcome]) -> None:
    code, out = outcomes["absent"]
    assert code == 4
    assert len(errors(out)) == 1
    assert "did you mean Picky?" in errors(out)[0]


# without a run


class Listed:
    """As much of a collected test as the list looks at."""

    def __init__(self, nodeid: str) -> None:
        """Keep the id."""
        self.nodeid, self.marks = nodeid, list[pytest.MarkDecorator]()

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        """Keep the mark."""
        self.marks.append(mark)


@pytest.fixture
def tests() -> list[Listed]:
    """Three collected tests."""
    return [Listed(f"a/test_x.py::test_x[c-{n}/bp2/me]@c-{n}") for n in (1, 2, 10)]


def expected(entries: str, tests: list[Listed], folder: Path) -> list[int]:
    """Which tests a list makes strict xfails."""
    (folder / "list.txt").write_text(entries)
    expect_failures(folder / "list.txt", tests)  # type: ignore[arg-type]
    return [i for i, test in enumerate(tests) if any(m.kwargs["strict"] for m in test.marks)]


@pytest.mark.parametrize(
    ("entry", "which"),
    [
        ("test_x.py::test_x[c-1/bp2/me]", [0]),
        ("::test_x[c-1/bp2/me]", [0]),
        ("elsewhere/test_x.py::test_x[c-1/bp2/me]@c-1", [0]),
        ("test_x.py::test_x[c-?/bp2/me]", [0, 1]),
        ("*/bp2/*", [0, 1, 2]),
        ("  *c-10*  # slow ", [2]),
        ("#*\n", []),
    ],
)
def test_an_entry_is_an_id_or_a_glob(
    entry: str, which: list[int], tests: list[Listed], tmp_path: Path
) -> None:
    assert expected(entry, tests, tmp_path) == which


@pytest.mark.parametrize(
    "entry", ["test_x", "test_x.py::test_x[c-[12]/bp2/me]", "test_y.py::test_y*", "*bp2"]
)
def test_part_of_an_id_is_no_entry(entry: str, tests: list[Listed], tmp_path: Path) -> None:
    with pytest.raises(pytest.UsageError, match=r"list\.txt:1: .* matches no test"):
        expected(entry, tests, tmp_path)


def test_an_id_is_plain_without_file_and_group() -> None:
    assert plain("../a/t.py::test[b/bp2/f.py-N]@b") == "test[b/bp2/f.py-N]"


def test_a_list_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\xff")
    with pytest.raises(pytest.UsageError, match="not UTF-8"):
        expect_failures(tmp_path / "list.txt", [])


def test_slugs_are_sorted_and_without_separators() -> None:
    given = ["p.q:N", "../a b/n.py:N", "n.py:N", "reference", "reference", "C:\\x\\é.py:N"]
    slugs = by_slug(given)
    assert [*slugs] == sorted(slugs)
    assert {*slugs} == {"-.py-N", "n.py-N", "n.py-N~2", "p.q-N", "reference"}
    assert slugs["n.py-N~2"] == "n.py:N"


def test_a_subject_is_loaded_once(place: Path) -> None:
    spec = f"{place / 'others.py'}:meddles"
    assert loaded(spec) is loaded(spec)
