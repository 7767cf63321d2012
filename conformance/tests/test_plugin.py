"""The pytest plugin and the collection of the suite, seen from another directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.plugin import concerned


def start(where: Path, *arguments: str, seed: str = "0") -> subprocess.Popen[str]:
    """A pytest run of its own in a directory that is no clone."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTEST_ADDOPTS": ""}
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
    out, _ = run.communicate(timeout=60)
    return run.returncode, out


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The ids of the BP2 tests, collected twice with other hash seeds at the same time."""
    where = tmp_path_factory.mktemp("elsewhere")
    arguments = ("--pyargs", "conformance.suite", "-k", "bp2", "--collect-only", "-q")
    runs = [start(where, *arguments, seed=seed) for seed in ("1", "2")]
    outputs = [finish(run)[1] for run in runs]
    return [[line for line in out.splitlines() if "::" in line] for out in outputs]


def test_k_bp2_picks_the_tests_of_bp2_alone(collections: list[list[str]]) -> None:
    assert len(collections[0]) > 100
    assert all("bp2" in line.split("::", 1)[1] for line in collections[0])


def test_both_subjects_have_a_test_of_each_step(collections: list[list[str]]) -> None:
    ids = [line.split("[", 1)[1].rstrip("]") for line in collections[0] if "test_equation" in line]
    expected = {f"hand-2-3-1/0/bp2/{subject}" for subject in ("reference", "torch_impl")}
    assert {id_ for id_ in ids if id_.startswith("hand-2-3-1/")} == expected


def test_ids_are_unique_and_the_same_in_every_run(collections: list[list[str]]) -> None:
    one, two = collections
    assert one == two
    assert len(set(one)) == len(one)


def test_the_cases_come_in_the_order_of_their_ids(collections: list[list[str]]) -> None:
    ids = [line.split("[", 1)[1] for line in collections[0] if "test_equation" in line]
    cases = list(dict.fromkeys(id_.split("/")[0] for id_ in ids))
    assert cases == sorted(cases)


@pytest.mark.parametrize("subject", ["nonsense"])
def test_an_unknown_subject_is_wrong_usage_in_one_line(subject: str, tmp_path: Path) -> None:
    code, out = finish(
        start(tmp_path, "--pyargs", "conformance.suite", "--subject", subject, "-q")
    )
    assert code == 4
    assert len([line for line in out.splitlines() if line.startswith("ERROR")]) == 1
    assert subject in out
    assert "Traceback" not in out


def test_a_foreign_project_sees_nothing_of_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import sys\n"
        "def test_mine():\n"
        "    assert not {'numpy', 'torch', 'flint', 'safetensors'} & set(sys.modules)\n"
    )
    code, out = finish(start(tmp_path, "-p", "no:benchmark", "-p", "no:hypothesispytest"))
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
