"""The ports in C, Rust and JavaScript: built, run as commands, and judged by the recorded cases.

A missing compiler is a skip, or with CONFORMANCE_REQUIRE_PORTS=1 a failure. Left out: commands
that misbehave (`test_command.py`).
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import conformance
from conformance.api import check
from conformance.corpus import store
from conformance.diagnosis.diagnose import diagnose
from conformance.explain.mistakes_to_explain import first_failing
from conformance.judging.judge import check_case
from conformance.model.update_kinds import SGD
from conformance.report.book_report import Report
from conformance.subjects import Subject
from conformance.subjects.command.command_subject import command_subject
from conformance.tests.parts import part
from conformance.tests.support import recorded
from conformance.verdict.compare import FREE, Status

PORTS = Path(conformance.__file__).parent / "ports"
STRICT = "-std=c11 -O2 -Wall -Wextra -Werror -ffp-contract=off"


@dataclass(frozen=True)
class Port:
    """How a port is built, run, and made to make a mistake, and what is then blamed."""

    compiler: str
    build: str  # {port} is the program
    run: str
    mistakes: dict[str, str]  # the equation, and the id in the catalogue
    breaking: str = ""  # a flag for the compiler; if none, PORT_BREAK=1 does it


LANGUAGES = {
    "c": Port(
        "gcc",
        f"gcc {STRICT} c/port.c -lm -o {{port}}",
        "{port}",
        {"BP2": "bp2-no-sigma-prime"},
        "-DBREAK",
    ),
    "rust": Port(
        "rustc",
        "rustc -O --edition 2021 -D warnings rust/port.rs -o {port}",
        "{port}",
        {"BP1": "sigma-prime-of-a", "BP2": "sigma-prime-of-a"},
    ),
    "javascript": Port(
        "node",
        "cp -r javascript {port}",
        "node {port}/port.mjs",
        {"B": "bias-frozen"},
    ),
}
FEW = (
    "hand-2-3-1",
    "remainder-3-4-2",
    "saturated-2-8-3",
    "square-4-4-4-4-cross-entropy",
)
FAMILIES = ("relu-softmax-4-4-4-3", "tanh-linear-4-4-4-3", "mnist-784-20-10-relu-softmax")
EVERY = store.cases(store.root())
RUN = part(
    [c.id for c in EVERY if c.id.removesuffix("-float32") in FEW + FAMILIES],
    lambda id_: id_.removesuffix("-float32"),
    lambda id_: id_.endswith("-float32"),
)
"""The cases that each port is run on as a command; its own test has all small ones."""


def per_language(*ids: str) -> list[object]:
    """Parameters: each language, or each with each case; a language keeps to one worker."""
    made: list[object] = []
    for language in LANGUAGES:
        group = pytest.mark.xdist_group(f"port-{language}")
        if not ids:
            made.append(pytest.param(language, id=language, marks=group))
        made += [pytest.param(language, id_, id=f"{language}/{id_}", marks=group) for id_ in ids]
    return made


Build = Callable[..., str]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds a port once a worker, and gives the command that runs it."""
    folder, built = tmp_path_factory.mktemp("ports"), set[Path]()

    def command(language: str, *, broken: bool = False) -> str:
        port = LANGUAGES[language]
        flag = port.breaking if broken else ""
        program = folder / f"{language}{flag}"
        if shutil.which(port.compiler) is None:
            missing = f"there is no {port.compiler} to build or run the port with"
            if os.environ.get("CONFORMANCE_REQUIRE_PORTS") == "1":
                pytest.fail(missing)
            pytest.skip(missing)
        if program not in built:
            words = [*port.build.format(port=program).split(), *flag.split()]
            done = subprocess.run(  # noqa: S603
                words, cwd=PORTS, capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stderr) == (0, "")
            built.add(program)
        environment = "env PORT_BREAK=1 " if broken and not flag else ""
        return environment + port.run.format(port=program)

    return command


@pytest.mark.parametrize(("language", "id_"), per_language(*RUN))
def test_a_port_agrees_with_the_truth(language: str, id_: str, build: Build) -> None:
    report = check_case(subject(build(language)), recorded(id_))
    assert report.status is Status.PASS, report.error or report.failures
    judged = {(v.step, v.mode, v.name) for v in report.passes}
    hidden = {v.name for v in report.verdicts if v.status is Status.NOT_OBSERVED}
    assert hidden <= {"cost"}, "an infinite cost may have no bound; all else is shown"
    assert (report.case.steps > 1) == any(mode == FREE for _, mode, _ in judged)


@pytest.mark.parametrize("language", per_language())
@pytest.mark.parametrize("unknown", ["gelu", "hinge"])
def test_a_port_declines_an_activation_or_a_cost_that_it_does_not_know(
    language: str, unknown: str, build: Build, tmp_path: Path
) -> None:
    given, known = tmp_path / "case", {"gelu": b'"relu', "hinge": b'"log-likelihood'}[unknown]
    quoted = f'"{unknown}'.encode()
    given.write_bytes(header(lambda text: text.replace(b"\\" + known, b"\\" + quoted), FAMILIES[0]))
    words = [*build(language).split(), str(given), str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (77, f"port: {unknown} is not written here\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("language", per_language())
def test_a_port_declines_an_update_that_it_does_not_know(language: str, build: Build) -> None:
    case = recorded("adam-3-3-3").case
    assert subject(build(language)).declines(case) == "port: adam is not written here"


@pytest.mark.parametrize("language", per_language())
def test_a_port_declines_dropout_as_an_activation(language: str, build: Build) -> None:
    case = recorded("dropout-2-3-3-2").case
    declined = "port: sigmoid-dropout is not written here"
    assert subject(build(language)).declines(case) == declined


@pytest.mark.xdist_group("port-c")
def test_a_command_is_put_to_the_cases_of_a_family_alone(build: Build) -> None:
    report = check(
        subject(build("c")), case="*relu-softmax*", family=("relu", "softmax"), dtype="float64"
    )
    assert report.ok, report.blames
    hidden = {each.case.activations[:-1] for each in report.cases}
    assert {name for names in hidden for name in names} == {"relu"}


@pytest.mark.parametrize("language", per_language())
def test_a_broken_port_is_blamed_on_the_equation_and_the_cause(language: str, build: Build) -> None:
    broken = subject(build(language, broken=True))
    reports = tuple(check_case(broken, recorded(id_)) for id_ in ("layout-3-2-4", *FEW))
    right = LANGUAGES[language].mistakes
    assert [blame.tag for blame in Report(broken.name, cases=reports).blames] == list(right)
    assert {cause.tag: cause.mistakes for cause in diagnose(reports)} == {
        tag: (mistake,) for tag, mistake in right.items()
    }


@pytest.mark.parametrize("language", per_language())
def test_the_smallest_network_is_found_by_running_the_command(language: str, build: Build) -> None:
    tags = tuple(LANGUAGES[language].mistakes)
    candidate = first_failing(subject(build(language, broken=True)), tags)
    assert candidate is not None
    assert candidate.case.sizes == ((1, 1, 1) if tags[0] == "BP2" else (1, 1))
    assert candidate.tags[0] == tags[0]


# The self-test of the port to C


def self_test(command: str, folder: Path) -> tuple[int, list[str], str]:
    """The status, the lines, and what is on stderr."""
    words = [command, "--self-test", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.mark.xdist_group("port-c")
def test_the_self_test_of_a_right_port_tells_the_worst_error_of_each_case(
    build: Build, tmp_path: Path
) -> None:
    status, lines, errors = self_test(build("c"), store.root())
    others = [case.id for case in EVERY if case.update != SGD or case.masks]
    count = len(EVERY) - len(others)
    summary = f"{count} cases right, 0 wrong, {len(others)} declined"
    assert (status, errors, lines[-1]) == (0, "", summary)
    said = {line.split()[0]: line for line in lines[:-1]}
    assert [*said] == [case.id for case in EVERY]
    assert [id_ for id_, line in said.items() if " declined: " in line] == others
    for id_, line in said.items():
        if id_ in others:
            continue
        given, out = store.root() / f"cases/{id_}.safetensors", tmp_path / id_
        subprocess.run([build("c"), str(given), str(out)], check=True)  # noqa: S603
        shown, ulps, shares = load_file(out), [0.0], [0.0]
        for t, step in enumerate(recorded(id_).steps):
            for name, right in step.expected.items():
                off = np.abs(np.float64(shown[f"{t}/{name}"]) - np.float64(right))
                ulps.append((off / np.spacing(np.abs(right))).max())
                some = off > 0
                shares.append((off[some] / step.bound[name][some]).max(initial=0))
        assert line.split()[1::2][:2] == [f"{max(ulps):.3g}", f"{max(shares):.2g}"]


@pytest.mark.xdist_group("port-c")
def test_the_self_test_of_a_broken_port_names_the_first_quantity(build: Build) -> None:
    status, lines, _ = self_test(build("c", broken=True), store.root())
    assert status == 1
    (hand,) = (line for line in lines if line.startswith("hand-2-3-1 "))
    assert hand.endswith(": WRONG, first in 0/delta2")


@pytest.mark.xdist_group("port-c")
def test_a_self_test_of_nothing_is_no_success(build: Build, tmp_path: Path) -> None:
    status, _, errors = self_test(build("c"), tmp_path)
    assert (status, errors.count("\n")) == (2, 1)
    (tmp_path / "manifest.json").write_text("{}")
    assert self_test(build("c"), tmp_path)[0] == 1


def header(changed: Callable[[bytes], bytes], id_: str = "hand-2-3-1") -> bytes:
    """A case's file with another header."""
    raw = (store.root() / f"cases/{id_}.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    text = changed(raw[8 : 8 + length])
    return len(text).to_bytes(8, "little") + text + raw[8 + length :]


X = b'"0/x":{"dtype":"F64","shape":'
UNREADABLE: dict[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "no-safetensors": b"\x89PNG\r\n\x1a\n and what follows it",
    "header-too-long": (1 << 40).to_bytes(8, "little") + b"{}",
    "largest-header": b"\xff" * 8 + b"{}",
    "no-json": (8).to_bytes(8, "little") + b"nonsense",
    "no-metadata": (2).to_bytes(8, "little") + b"{}",
    "other-version": header(lambda text: text.replace(b'_version\\": 1', b'_version\\": 2')),
    "no-tensor": header(lambda text: text.replace(b'"w3":', b'"v3":')),
    "wrong-shape": header(lambda text: text.replace(X + b"[2,1]", X + b"[1,2]")),
    "wrong-dtype": header(lambda text: text.replace(b'"F64"', b'"I64"')),
    "beyond-the-end": header(lambda text: text.replace(b"[280,296]", b"[99280,99296]")),
    "no-number": header(lambda text: text.replace(b'eta\\": 0.5', b'eta\\": "a')),
}


@pytest.mark.parametrize("language", per_language())
@pytest.mark.parametrize("name", UNREADABLE)
def test_a_port_refuses_what_is_no_case_in_one_line(
    language: str, name: str, build: Build, tmp_path: Path
) -> None:
    given, content = tmp_path / "case", UNREADABLE[name]
    if content is not None:
        given.write_bytes(content)
    words = [*build(language).split(), str(given), str(tmp_path / "out")]
    done = subprocess.run(  # noqa: S603
        words, capture_output=True, text=True, check=False, timeout=20
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("port: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def subject(command: str) -> Subject:
    """The subject of a port."""
    return command_subject(f"{command} {{case}} {{out}}")
