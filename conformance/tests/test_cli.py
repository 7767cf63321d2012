"""The command line: exit codes, one line an error, what it prints."""

import json
import shutil
import sys
from dataclasses import replace
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from conformance import cli
from conformance.api import check
from conformance.corpus import casefile, store
from conformance.corpus.recipe import Recipe
from conformance.report.terminal import show_cases
from conformance.subjects import Subject, named
from conformance.subjects.named import find
from conformance.tests.support import answering, container, corpus_of, recorded, rewrite, wrong_at

HAND, SMALL = "hand-2-3-1", "cancelling-2-2-2"
SPECIFIED = ("README.md", "manifest.schema.json", "case.schema.json")
Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def run(*arguments: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    code = left.value.code
    assert isinstance(code, int | None)
    return code or 0


def one_line(capture: Capture) -> str:
    """The only line on standard error."""
    lines = capture.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "Traceback" not in lines[0]
    return lines[0]


def use(subject: Subject, monkeypatch: Patch) -> None:
    """Let the name `mine` stand for a subject."""
    monkeypatch.setitem(named.SUBJECTS, "mine", subject)


def keep(ids: tuple[str, ...], place: Path, monkeypatch: Patch) -> None:
    """Let there be these cases alone, and the corpus be elsewhere."""
    from conformance import cases

    few = tuple(recipe for recipe in cases.recipes() if recipe.case.id in ids)

    def recipes() -> tuple[Recipe, ...]:
        return few

    for module in ("cases", "cases.build", "cases.verify"):
        monkeypatch.setattr(f"conformance.{module}.recipes", recipes)
    monkeypatch.setattr(store, "root", lambda: place)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> Path:
    """A corpus of two cases that was built here."""
    source, place = store.root(), tmp_path / "fixtures"
    place.mkdir()
    for name in SPECIFIED:
        shutil.copy(source / name, place / name)
    shutil.copytree(source / "mnist", place / "mnist")
    keep((HAND, SMALL), place, monkeypatch)
    assert run("fixtures", "build", "-n", "1") == 0
    assert "2 cases built" in capsys.readouterr().out
    return place


def test_the_version_names_the_corpus_too(capsys: Capture) -> None:
    assert run("--version") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"conformance {version('backprop-conformance')}\nnumpy {np.__version__}")
    assert said.endswith(f"corpus {store.corpus_hash(store.root())[:12]}\n")


# check


def test_a_right_subject_is_conformant(capsys: Capture) -> None:
    assert run("check", "reference", "--case", "hand*") == 0
    out = capsys.readouterr().out
    assert out.startswith("conformant, 2 cases: ")
    assert HAND in out
    assert f"{HAND}-float32" in out


def test_several_globs_choose_the_cases_of_each(capsys: Capture) -> None:
    assert run("check", "reference", "--case", "hand*", "--case", "zeros*") == 0
    assert capsys.readouterr().out.startswith("conformant, 4 cases: ")


def test_the_files_that_are_written_are_named(tmp_path: Path, capsys: Capture) -> None:
    files = tmp_path / "r.json", tmp_path / "r.md"
    asked = ("check", "reference", "--case", HAND, "--json", str(files[0]))
    assert run(*asked, "--markdown", str(files[1])) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [f"wrote {each}" for each in files]
    assert run(*asked, "-q") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_command_is_checked_as_a_subject_is(tmp_path: Path, capsys: Capture) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import json, sys\n"
        "written = json.load(open(sys.argv[1]))['tensors']\n"
        "json.dump({'0/z2': written['0/z2']}, open(sys.argv[2], 'w'))\n"
    )
    command = f"{sys.executable} -S {program}"
    asked = ("--format", "json", "--case", HAND)
    for words in (("--command", f"{command} {{case}} {{out}}"), (f"cmd:{command}",)):
        assert run("check", *words, *asked) == 0
        assert "1 quantities (3 entries) agree" in capsys.readouterr().out
    assert run("check", f"cmd:{command}", "--case", HAND) == 3  # it does not read safetensors
    assert run("check", f"cmd:{command}", "--format", "json", "--case", "hand*", "-n", "2") == 0
    assert "exited with status 1" in capsys.readouterr().out


def test_a_subject_or_a_command_is_needed(capsys: Capture) -> None:
    assert run("check") == 2
    assert "give a SUBJECT or --command" in one_line(capsys)
    assert run("check", "reference", "--command", "true") == 2
    assert "one of the two" in one_line(capsys)
    assert run("check", "reference", "--format", "json") == 2
    assert "--format json is for --command alone" in one_line(capsys)
    assert run("check", "reference", "-n", "2") == 2
    assert "-n 2 is for --command alone" in one_line(capsys)


def test_a_dtype_can_be_chosen(capsys: Capture) -> None:
    assert run("check", "reference", "--case", "hand*", "--dtype", "float32") == 0
    assert "1 case:" in capsys.readouterr().out


def test_a_wrong_subject_is_not_conformant_and_its_equation_is_named(
    monkeypatch: Patch, capsys: Capture
) -> None:
    use(wrong_at("BP2"), monkeypatch)
    assert run("check", "mine", "--case", HAND) == 1
    out = capsys.readouterr().out
    assert "BP2 is wrong at layer 2" in out
    assert HAND in out
    assert "not conformant" in out


def test_a_crashing_subject_could_not_be_run(monkeypatch: Patch, capsys: Capture) -> None:
    use(answering(lambda _: 1 / 0), monkeypatch)
    assert run("check", "mine", "--case", HAND) == 3
    out = capsys.readouterr().out
    assert "ZeroDivisionError" in out
    assert " conformant" not in out


def test_brackets_in_a_name_are_no_colours() -> None:
    named = replace(find("reference"), name="[red]net[/]")
    assert "\n[red]net[/] " in str(check(named, case="hand-2-3-1"))


def test_a_subject_that_shows_nothing_was_not_checked(monkeypatch: Patch, capsys: Capture) -> None:
    use(answering(lambda _: {}), monkeypatch)
    assert run("check", "mine", "--case", HAND) == 3
    assert "nothing was compared" in capsys.readouterr().out


def test_a_subject_that_calls_exit_is_not_conformant(monkeypatch: Patch) -> None:
    def leave(_batch: object) -> object:
        raise SystemExit(0)

    use(answering(leave), monkeypatch)
    assert run("check", "mine", "--case", HAND) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "nonsense"), "nonsense"),
        (("check", "reference", "--case", "none*"), "no case matches 'none*'"),
        (("check", "reference", "--dtype", "float16"), "give float64 or float32"),
        (("fixtures", "list", "--case", "none*"), "no case matches 'none*'"),
        (("fixtures", "list", "--case", "hnd*"), "'hnd*' (did you mean hand-*?): "),
        (("check", "reference", "--case", "x", "--case", "y"), "no case matches 'x' or 'y'"),
        (("fixtures", "list", "--dtype", "int"), "give float64 or float32"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], words: str, capsys: Capture) -> None:
    assert run(*arguments) == 2
    assert words in one_line(capsys)


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("check",), ("check", "reference", "--nonsense"), ("fixtures", "x")],
)
def test_what_the_command_does_not_know_is_wrong_usage(
    arguments: tuple[str, ...], capsys: Capture
) -> None:
    assert run(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["truncated", "edited", "missing", "misshapen", "no manifest"])
def test_a_damaged_corpus_is_one_line_that_names_the_file(
    damage: str, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    import numpy as np

    place = corpus_of(tmp_path / "c", SMALL)
    path = place / store.file_name(recorded(SMALL).case)
    raw = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(raw[:-1])
    elif damage == "edited":
        path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    elif damage == "missing":
        path.unlink()
    elif damage == "misshapen":
        rewrite(place, SMALL, lambda tensors: tensors.update({"0/y": np.ones((5, 2))}))
    else:
        path = place / store.MANIFEST
        path.unlink()
    monkeypatch.setattr(store, "root", lambda: place)
    assert run("check", "reference", "--case", SMALL) == 2
    assert str(path) in one_line(capsys)


# fixtures


def test_every_case_is_listed(capsys: Capture) -> None:
    assert run("fixtures", "list") == 0
    _, *lines = capsys.readouterr().out.splitlines()
    for case, line in zip(store.cases(store.root()), lines, strict=True):
        assert line.split()[:3] == [case.id, str(case.steps), f"{case.eta:g}"]
        assert line.endswith(case.why)


def test_a_terminal_shows_a_line_a_case() -> None:
    text, cases = StringIO(), store.cases(store.root())
    show_cases(Console(file=text, width=80, force_terminal=True, color_system=None), cases)
    _, *lines = text.getvalue().splitlines()
    assert len(lines) == len(cases)
    assert all(f" {e.lmbda:g} " in line for e, line in zip(cases, lines, strict=True))


def test_a_corpus_that_was_built_is_verified(built: Path, capsys: Capture) -> None:
    assert run("fixtures", "verify", "-n", "1") == 0
    assert f"{built}: 2 cases recomputed" in capsys.readouterr().out


def test_building_again_gives_the_same_bytes(built: Path) -> None:
    def everything() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in built.rglob("*") if path.is_file()}

    before = everything()
    assert run("fixtures", "build", "-n", "1") == 0
    assert everything() == before


def test_a_build_elsewhere_is_verified_there(
    built: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    assert run("fixtures", "build", "-n", "1", "--to", str(elsewhere)) == 0
    for name in SPECIFIED:
        shutil.copy(built / name, elsewhere / name)
    monkeypatch.setattr(store, "root", lambda: elsewhere)
    assert run("fixtures", "verify", "-n", "1") == 0


def test_a_build_leaves_strange_files_alone(built: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "project"
    (elsewhere / "cases" / "folder").mkdir(parents=True)
    (elsewhere / "cases" / "thesis.tex").write_text("years of work")
    assert built.is_dir()
    assert run("fixtures", "build", "-n", "1", "--to", str(elsewhere)) == 0
    assert (elsewhere / "cases" / "thesis.tex").read_text() == "years of work"
    assert (elsewhere / "cases" / "folder").is_dir()


def test_a_build_removes_the_files_of_cases_that_are_no_more(
    built: Path, monkeypatch: Patch
) -> None:
    keep((HAND,), built, monkeypatch)
    assert run("fixtures", "build", "-n", "1") == 0
    names = {path.name for path in (built / "cases").iterdir()}
    assert names == {f"{HAND}.safetensors", f"{HAND}.json"}


def test_a_build_into_a_file_is_one_line(built: Path, capsys: Capture) -> None:
    assert run("fixtures", "build", "-n", "1", "--to", str(built / "README.md")) == 2
    assert "README.md" in one_line(capsys)


def test_an_edited_value_is_found_though_its_hash_was_mended(built: Path, capsys: Capture) -> None:
    rewrite(built, SMALL, lambda tensors: tensors["0/w2"].__setitem__((1, 0), 7))
    assert run("fixtures", "verify", "-n", "1") == 1
    out = capsys.readouterr().out
    assert f"{SMALL}.safetensors: tensor 0/w2: entry [1, 0]" in out
    assert "manifest.json" in out


def test_a_stranger_among_the_cases_is_found(built: Path, capsys: Capture) -> None:
    (built / "cases" / "stranger.json").write_text("{}")
    assert run("fixtures", "verify", "-n", "1") == 1
    assert "stranger.json: no case has this file" in capsys.readouterr().out


def test_an_edited_manifest_is_found(built: Path, capsys: Capture) -> None:
    path = built / store.MANIFEST
    edited = json.loads(path.read_bytes())
    edited["cases"][0]["why"] = "another reason"
    path.write_text(json.dumps(edited))
    assert run("fixtures", "verify", "-n", "1") == 1
    assert "`cases` differ" in capsys.readouterr().out


def test_a_manifest_beside_its_schema_is_found(built: Path, capsys: Capture) -> None:
    path = built / store.MANIFEST
    edited = json.loads(path.read_bytes())
    edited["extra"] = 1
    path.write_text(json.dumps(edited))
    assert run("fixtures", "verify", "-n", "1") == 1
    assert "'extra' was unexpected" in capsys.readouterr().out


def test_a_header_beside_its_schema_is_found(built: Path, capsys: Capture) -> None:
    path = built / f"cases/{SMALL}.safetensors"
    header, tensors = casefile.parse(path.read_bytes(), path)
    header["conventions"]["memory"] = "column-major"
    path.write_bytes(container(tensors, json.dumps(header)))
    assert run("fixtures", "verify", "-n", "1") == 1
    assert f"{path}: $.conventions.memory: 'row-major, little-endian' was expected" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("name", ["t10k-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz"])
def test_digits_that_are_missing_are_told_without_a_traceback(
    name: str, built: Path, capsys: Capture
) -> None:
    (built / "mnist" / name).unlink()
    assert run("fixtures", "verify", "-n", "1") in {1, 2}
    told = capsys.readouterr()
    assert name in told.out + told.err


@pytest.mark.parametrize("name", ["manifest.schema.json", "case.schema.json", "cases"])
def test_a_missing_part_of_the_corpus_is_told_without_a_traceback(
    name: str, built: Path, capsys: Capture
) -> None:
    shutil.move(built / name, built.parent / "away")
    assert run("fixtures", "verify", "-n", "1") in {1, 2}
    told = capsys.readouterr()
    assert name in told.out + told.err
