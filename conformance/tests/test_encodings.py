"""What every command prints, in whatever encoding: no traceback, and no character that is lost."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from itertools import cycle
from pathlib import Path

import pytest

from conformance.report.ascii import in_ascii
from conformance.tests.networks.broken import BROKEN, broken_source

pytestmark = pytest.mark.xdist_group("encodings")

ENVIRONMENTS: dict[str, Mapping[str, str]] = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
EDIT = next(edit for edit in BROKEN if edit.tags == ("BP2",))
MINE, FOREIGN = "señal.py:Network", Path(__file__).parent / "networks" / "foreign.py"

COMMANDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "bench": (2, ("bench", "--json", "δ/none.json")),
    "check": (1, ("check", MINE, "--case", "hand*")),
    "check -q": (1, ("check", MINE, "--case", "hand*", "-q")),
    "check -v": (1, ("check", MINE, "--case", "hand*", "-v")),
    "explain": (0, ("explain", "--sizes", "1,1,1")),
    "fixtures": (0, ("fixtures", "list")),
    "gradcheck": (1, ("gradcheck", f"{FOREIGN}:TanhSoftmaxWrong")),
    "help": (0, ("train", "--help")),
    "mistake": (0, ("mistakes", "bp2-no-sigma-prime")),
    "mistakes": (0, ("mistakes",)),
    "no file": (2, ("check", "σ.py:Network")),
    "prove": (1, ("prove", "--case", "hand-2-3-1", "-n", "1")),
    "train": (0, ("train", "--epochs", "1", "--sizes", "784,10", "--mini-batch", "100")),
}
QUICK = [("check", "C"), ("check", "cp1252"), ("explain", "ascii")]
EACH = {*zip(COMMANDS, cycle(ENVIRONMENTS), strict=False)}
SLOW = sorted(EACH - {*QUICK})

ONE_AFTER_ANOTHER = """
import json, os, sys
from conformance.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = [os.fsdecode(each.encode()) for each in arguments]
    try:
        main()
        code = 0
    except SystemExit as error:
        code = error.code
    for stream in sys.stdout, sys.stderr:
        print("\\x1e", code or 0, "\\x1e", sep="", end="", file=stream, flush=True)
"""
"""A process that runs several commands, since each would import as much again."""

Said = tuple[int, str, str]
"""The exit code of a command, and what it wrote on stdout and stderr."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network without σ′ in its hidden layers."""
    folder = tmp_path_factory.mktemp("encodings")
    (folder / "señal.py").write_text(broken_source(EDIT)[0], encoding="utf-8")
    return folder


def run(place: Path, encoding: str, *arguments: str) -> Said:
    """What Python says of some arguments, on pipes of an encoding."""
    environment = {key: value for key, value in os.environ.items() if key[:3] not in ("LC_", "PYT")}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[2]), **ENVIRONMENTS[encoding]}
    ended = subprocess.run(  # noqa: S603
        [sys.executable, *arguments], cwd=place, env=environment, capture_output=True, check=False
    )
    codec = "cp1252" if encoding == "cp1252" else "ascii"
    return ended.returncode, ended.stdout.decode(codec), ended.stderr.decode(codec)


@pytest.fixture(scope="module")
def said(place: Path) -> Callable[[str, str], Said]:
    """What a command of those that are run in an encoding says."""

    @cache
    def every(encoding: str, *, quick: bool) -> dict[str, Said]:
        names = [command for command, other in (QUICK if quick else SLOW) if other == encoding]
        asked = json.dumps([COMMANDS[each][1] for each in names])
        _, *streams = run(place, encoding, "-c", ONE_AFTER_ANOTHER, asked)
        outs, errors = (stream.split("\x1e") for stream in streams)
        codes = map(int, outs[1::2])
        return dict(zip(names, zip(codes, outs[::2], errors[::2], strict=False), strict=True))

    return lambda command, encoding: every(encoding, quick=(command, encoding) in QUICK)[command]


@pytest.mark.parametrize(
    ("command", "encoding"),
    [*QUICK, *(pytest.param(*each, marks=pytest.mark.seldom) for each in SLOW)],
)
def test_a_command_prints_in_any_encoding(
    command: str, encoding: str, said: Callable[[str, str], Said]
) -> None:
    code, _ = COMMANDS[command]
    status, out, error = said(command, encoding)
    assert status == code
    assert "Traceback" not in out + error
    assert "UnicodeEncodeError" not in out + error
    assert (out if code < 2 else error).strip()


@pytest.mark.thorough
def test_the_suite_prints_in_any_encoding(place: Path) -> None:
    asked = ("--conformance-subject", MINE, "-k", "hand-2-3-1/bp2", "-p", "no:cacheprovider")
    suite = ("-m", "pytest", "--pyargs", "conformance.suite.test_equation", *asked)
    status, out, _ = run(place, "cp1252", *suite)
    assert status == 1
    assert "BP2: delta^l = ((w^{l+1})^T delta^{l+1}) (*) sigma'(z^l)" in out
    assert "conformance: fixtures of schema" in out


def test_a_table_keeps_its_columns_in_ascii(place: Path) -> None:
    _, out, _ = run(place, "ascii", "-m", "conformance", *COMMANDS["check"][1])
    heading = next(line for line in out.splitlines() if " BP1 " in line)
    row = next(line for line in out.splitlines() if line.startswith("hand-2-3-1"))
    assert len(heading) == len(row)
    assert row[heading.index("BP2") :][:3].strip() == "x"
    assert row[heading.index(" Z ") + 1 :][:2] == "ok"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("∂C/∂w", "dC/dw"),
        ("δ^l ⊙ σ′(z^l)", "delta^l (*) sigma'(z^l)"),
        ("½ × (a − y)²", "1/2 x (a - y)^2"),
        ("señal", "senal"),
        ("w → ∇w ✓", "w -> nabla_w ok"),
        ("数\udc80", "\\u6570\\udc80"),
    ],
)
def test_a_text_in_ascii(text: str, plain: str) -> None:
    assert in_ascii(text) == plain
