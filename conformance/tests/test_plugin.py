"""The pytest plugin and the collection of the suite, seen from another directory."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.corpus import store
from conformance.plugin import concerned

pytestmark = pytest.mark.xdist_group("plugin")  # one worker collects for all of them


# Other plugins cost a second, and are none of what is tested.
ALONE = [
    word
    for name in ("cacheprovider", "hypothesispytest", "benchmark")
    for word in ("-p", f"no:{name}")
]


def start(where: Path, *arguments: str, python_path: str = "") -> subprocess.Popen[str]:
    """A pytest run of its own in a directory that is no clone."""
    command = [sys.executable, "-m", "pytest", *ALONE, *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTEST_ADDOPTS": ""}
    if python_path:
        before = environment.get("PYTHONPATH", "")
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (python_path, before)))
    for name in [name for name in environment if name.startswith("PYTEST_XDIST")]:
        del environment[name]
    return subprocess.Popen(  # noqa: S603
        command,
        cwd=where,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(run: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and the output of a run."""
    out, _ = run.communicate(timeout=300)  # a busy machine
    return run.returncode, out


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The tests of BP2 in the order in which a run elsewhere collects them."""
    arguments = ("conformance.suite.test_equation", "-k", "bp2", "--collect-only", "-q")
    _, out = finish(start(tmp_path_factory.mktemp("elsewhere"), "--pyargs", *arguments))
    return [line.split("::", 1)[1] for line in out.splitlines() if "::" in line]


def test_k_bp2_picks_bp2_of_every_case_and_subject_in_a_fixed_order(
    collected: list[str],
) -> None:
    ids = [
        f"{case.id}/bp2/{subject}"
        for case in sorted(store.cases(store.root()), key=lambda case: case.id)
        if len(case.sizes) > 2
        for subject in ("reference", "torch_impl")
    ]
    assert [line.removesuffix("]").split("[")[1] for line in collected] == ids


def test_every_test_is_named_once(collected: list[str]) -> None:
    assert len(set(collected)) == len(collected) > 100


def test_an_unknown_subject_is_wrong_usage_in_one_line(tmp_path: Path) -> None:
    arguments = ("conformance.suite.test_free_run", "--conformance-subject", "nonsense", "-q")
    code, out = finish(start(tmp_path, "--pyargs", *arguments))
    assert code == 4
    assert len([line for line in out.splitlines() if line.startswith("ERROR")]) == 1
    assert "'nonsense'" in out
    assert "Traceback" not in out


def test_a_foreign_project_sees_nothing_of_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser):\n"
        "    for name in 'subject', 'family', 'xfails-file', 'html':\n"
        "        parser.addoption(f'--{name}')\n"
    )
    (tmp_path / "test_mine.py").write_text(
        "import sys\n"
        "def test_mine():\n"
        "    assert not {'numpy', 'torch', 'flint', 'safetensors'} & set(sys.modules)\n"
    )
    code, out = finish(start(tmp_path))
    assert code == 0, out
    assert not [line for line in out.splitlines() if line.startswith("conformance:")]


class Config:
    """As much of pytest's configuration as the plugin looks at."""

    def __init__(self, *arguments: str) -> None:
        """Keep the arguments."""
        self.args = list(arguments)


@pytest.mark.parametrize(
    ("argument", "mine"),
    [
        ("conformance.suite", True),
        ("conformance", True),
        ("conformance.suite.test_equation", True),
        ("conformancer.suite", False),
        ("tests", False),
        ("other.suite", False),
        ("/", False),
    ],
)
def test_a_run_is_concerned_if_it_has_tests_of_this_package(argument: str, mine: bool) -> None:
    assert concerned(Config(argument)) is mine  # type: ignore[arg-type]


def test_a_file_of_the_suite_is_of_this_package() -> None:
    from conformance import suite

    file = Path(suite.__file__).parent / "test_equation.py"
    assert concerned(Config(f"{file}::test_equation"))  # type: ignore[arg-type]


SUITE = ("--pyargs", "conformance.suite.test_equation", "-q")


@pytest.mark.parametrize("workers", [pytest.param("0", marks=pytest.mark.seldom), "1"])
def test_a_page_has_the_cases_of_the_tests_that_were_chosen(tmp_path: Path, workers: str) -> None:
    chosen = ("-k", "bp2 and hand-2-3-1 and reference", "-n", workers, "-vv")
    code, out = finish(start(tmp_path, *SUITE, *chosen, "--conformance-html", "page.html"))
    assert code == 0, out
    assert "--conformance-html: page.html is written" in out
    assert ("@hand-2-3-1 " in out) is (workers != "0")  # on one worker
    page = (tmp_path / "page.html").read_text("utf-8")
    assert re.findall(r'<tr data-case="(.*?)"', page) == ["hand-2-3-1", "hand-2-3-1-float32"]
    assert re.findall(r'class="subject">.*?<code>(.*?)</code>', page) == ["reference"]


def test_a_page_without_a_test_is_not_written(tmp_path: Path) -> None:
    _, out = finish(start(tmp_path, *SUITE, "-k", "nothing", "--conformance-html", "page.html"))
    assert "page.html: not written, since no test asked about a subject" in out
    assert not [*tmp_path.iterdir()]


def test_a_page_that_cannot_be_written_stops_the_run_before_any_test(tmp_path: Path) -> None:
    code, out = finish(start(tmp_path, *SUITE, "--conformance-html", "nowhere/page.html"))
    assert code == pytest.ExitCode.USAGE_ERROR
    assert out.strip() == "ERROR: --conformance-html nowhere/page.html: there is no such folder"
