"""What holds on other platforms, and without torch, as far as it can be told here.

Processes are started anew as on Windows and macOS, in a folder with blanks and letters beyond
ASCII; what one platform lacks is not imported elsewhere; a text has its encoding. Left out: types
of another platform, which CI asks of `mypy --platform win32`.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ctypes import sizeof
from io import TextIOWrapper
from multiprocessing import Pipe
from pathlib import Path

import pytest

import conformance
from conformance.errors import UsageError
from conformance.files import put
from conformance.grade.grade_row import Judgement, Outcome, Row
from conformance.grade.grade_table import as_csv
from conformance.running.group import JobLimits
from conformance.running.isolate import sent_text
from conformance.running.process import Tails
from conformance.subjects.named import find

CLONE = Path(conformance.__file__).parent.parent
PRODUCT = [
    path
    for package in ("conformance", "reference", "torch_impl")
    for path in sorted((CLONE / package).rglob("*.py"))
    if not {"tests", "examples"} & {*path.parts}
]


def run(module: str, *words: str, place: Path) -> subprocess.CompletedProcess[str]:
    """Run the command by way of a module of the tests."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", f"conformance.tests.{module}", *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(CLONE)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


# Processes that are started anew


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("example", "words", "status", "said"),
    [
        ("student.py", ("check", "мой файл.py"), 1, "мой файл.py:31: dZ1 = dZ2 @ self.W2.T"),
        pytest.param(
            *("network.py", ("check", "мой файл.py:Network", "--case", "hand*")),
            *(1, "sigma-prime-of-a"),
            marks=pytest.mark.seldom,
        ),
        ("network.py", ("gradcheck", "мой файл.py:Network"), 1, "WRONG"),
        ("train.py", ("run", "мой файл.py"), 1, "мой файл.py:32: b1 -= lr * dh.mean(axis=0)"),
        ("student.py", ("init", "мой файл.py"), 0, "wrote "),
    ],
    ids=lambda value: "-".join(value)[:9] if isinstance(value, tuple) else None,
)
def test_a_command_works_where_processes_are_started_anew(
    example: str, words: tuple[str, ...], status: int, said: str, tmp_path: Path
) -> None:
    place = tmp_path / "a folder with späces"
    place.mkdir()
    shutil.copy(CLONE / "conformance/examples" / example, place / "мой файл.py")
    done = run("spawned", *words, place=place)
    assert (done.returncode, done.stderr) == (status, "")
    assert said in done.stdout


# Without torch


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--version",), 0, "torch not installed"),
        (("check", "torch_impl"), 2, "error: torch_impl needs torch, which is not installed"),
        (("check", "reference", "--case", "hand*"), 0, "conformant, 2 cases"),
        (
            ("train", "--epochs", "1", "--sizes", "784,10"),
            0,
            "note: torch is not installed: only the reference is trained",
        ),
        (
            ("train", "--subjects", "reference,torch_impl"),
            2,
            "error: torch_impl needs torch, which is not installed",
        ),
    ],
    ids=lambda value: "-".join(value)[:16] if isinstance(value, tuple) else None,
)
def test_a_command_works_without_torch_or_says_what_needs_it(
    words: tuple[str, ...], status: int, said: str, tmp_path: Path
) -> None:
    done = run("without_torch", *words, place=tmp_path)
    assert done.returncode == status, done.stderr
    assert said in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) <= 1


@pytest.mark.thorough
def test_the_benchmark_leaves_out_what_needs_torch(tmp_path: Path) -> None:
    code = (
        "import conformance.tests.without_torch\n"
        "from conformance.bench.bench_table import heading, machine, rows\n"
        "print(heading(machine()))\n"
        "measured = rows(None)\n"
        "print(*(next(measured).what for _ in range(2)), sep='; ')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(CLONE)}
    words = [sys.executable, "-c", code]
    said = subprocess.check_output(words, cwd=tmp_path, env=environment, encoding="utf-8")  # noqa: S603
    first, second = said.splitlines()
    assert "torch not installed" in first
    assert "PyTorch" not in second


def test_torch_is_asked_for_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match=r"^torch_impl needs torch, which is not installed$"):
        find("torch_impl")
    assert find("reference").name == "reference"


# What a platform lacks

POSIX_ONLY = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios"}
WINDOWS_ONLY = {"_winapi", "msvcrt", "winreg"}


def at_import(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that are made when a module is, up to where it refuses a platform."""
    for statement in tree.body:
        if isinstance(statement, ast.If) and "sys.platform" in ast.unparse(statement.test):
            if isinstance(statement.body[-1], ast.Raise):
                return
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                node.body.clear()


def test_no_module_imports_what_a_platform_lacks() -> None:
    found = [
        f"{path.relative_to(CLONE)}:{node.lineno}"
        for path in PRODUCT
        for node in at_import(ast.parse(path.read_bytes()))
        if names(node) & (POSIX_ONLY | WINDOWS_ONLY)
    ]
    assert not found


def names(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The packages that an import names."""
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return {each.name.partition(".")[0] for each in node.names}


def test_a_text_has_its_encoding() -> None:
    """Else it is that of the platform, which on Windows is seldom UTF-8."""
    found = [
        f"{path.relative_to(CLONE)}:{node.lineno}"
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and not has_encoding(node)
    ]
    assert not found


def has_encoding(call: ast.Call) -> bool:
    """Whether a call that reads or writes text says how; so does any other."""
    given, place = {each.arg for each in call.keywords}, POSITIONS.get(_what(call))
    as_text = any(
        each.arg in ("text", "universal_newlines") and ast.unparse(each.value) == "True"
        for each in call.keywords
    )
    if "encoding" in given or (place is None and not as_text):
        return True
    return place is not None and len(call.args) > place


POSITIONS = {"open": 3, "Path.open": 2, "read_text": 0, "write_text": 1}
"""Where the encoding stands that a call may be given."""


def _what(call: ast.Call) -> str:
    """Which function of text files is called, if it is one."""
    modes = [each.value for each in call.args if isinstance(each, ast.Constant)]
    of_text = any(re.fullmatch("[rwax+t]+", str(each)) for each in modes)
    if isinstance(call.func, ast.Name):
        binary = any("b" in str(each) for each in modes)
        return "open" if call.func.id == "open" and not binary else ""
    name = getattr(call.func, "attr", "")
    if name == "open":  # an archive's members are bytes
        return "Path.open" if of_text and len(call.args) == 1 else ""
    return str(name)


def test_a_csv_has_the_same_bytes_on_every_platform(tmp_path: Path) -> None:
    put("--csv", tmp_path / "rows.csv", as_csv([Row("größe", Judgement("a.py", Outcome.RIGHT))]))
    raw = (tmp_path / "rows.csv").read_bytes()
    assert raw.count(b"\n") == 2
    assert b"\r" not in raw
    assert "größe" in raw.decode()


def test_the_fixtures_stay_bytes_in_git() -> None:
    git = shutil.which("git")
    if git is None or not (CLONE / ".gitattributes").exists():
        pytest.skip("this is no clone")
    names = ["fixtures/manifest.json", "fixtures/cases/hand-2-3-1.json", "fixtures/mnist/x.gz"]
    words = [git, "check-attr", "text", "--", *names]
    said = subprocess.check_output(words, cwd=CLONE, encoding="utf-8")  # noqa: S603
    assert said.splitlines() == [f"{name}: text: unset" for name in names]


# The parts that Windows runs, run here

FLOOD = "import sys\nfor n in range(9):\n  print('x' * 40_000, end='')\nprint('end of stdout')\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (FLOOD, b"xend of stdout"),
        (f"{FLOOD}sys.stderr.write('  \\n')", b"xend of stdout"),
        (f"{FLOOD}sys.stderr.write('end of stderr')", b"end of stderr"),
        ("", b""),
    ],
)
def test_the_tail_of_a_command_is_heard(code: str, said: bytes) -> None:
    words = [sys.executable, "-c", code]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, **streams) as process:  # type: ignore[call-overload]  # noqa: S603
        tails = Tails(process)
        while process.poll() is None:
            tails.wait(0.01)
        heard = tails.end()
    assert heard.replace(b"\r", b"").strip().endswith(said)
    assert len(heard) <= 64 << 10


def test_what_a_child_prints_may_be_sent_over_a_connection() -> None:
    reader, writer = Pipe(duplex=False)
    with reader, writer:
        stream = sent_text(writer)
        assert isinstance(stream, TextIOWrapper)
        print("δ = a − y", file=stream)
        print("half a pair: \ud800", file=stream)
        heard = b"".join(reader.recv_bytes() for _ in range(2)).decode().splitlines()
    assert heard == ["δ = a − y", r"half a pair: \ud800"]


@pytest.mark.skipif(sys.maxsize < 1 << 32, reason="its size is another where pointers have 32 bits")
def test_the_limits_of_a_job_have_the_size_that_windows_expects() -> None:
    assert sizeof(JobLimits) == 144
    assert JobLimits.flags.offset == 16
