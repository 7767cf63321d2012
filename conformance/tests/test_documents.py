"""The README and the guides: their commands are run, their links lead somewhere.

Left out: reading and running a block (`documents.py`).
"""

import doctest
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import conformance
from conformance.corpus import store
from conformance.mistakes.catalogue import CATALOGUE
from conformance.tests.documents import (
    CLONE,
    GUIDES,
    PACKAGE,
    README,
    Block,
    agrees,
    blocks,
    commands,
    differences,
    documents,
)
from conformance.tests.parts import few

LINES = 180
FIRST = 1  # block of each guide, which CI runs
LINK = re.compile(r"\]\((?!https?:)([^)\s#]*)(?:#([\w-]+))?\)")
PYTHON = GUIDES / "python.md"

pytestmark = pytest.mark.skipif(not README.is_file(), reason="an installed copy has no guides")


def runnable(kind: str) -> Iterator[object]:
    """The blocks of one kind; those of the guides are thorough, and but for one of each seldom."""
    for document in documents() if README.is_file() else ():
        every = [each for each in blocks(document, kind) if each.runs]
        some = [each for each in every if few(not each.mark.startswith("seldom run"), True)]
        for i, each in enumerate(some):
            mark = pytest.mark.thorough if i < FIRST else pytest.mark.seldom
            yield pytest.param(each, id=each.name, marks=[] if document == README else [mark])


@pytest.mark.parametrize("block", list(runnable("console")))
def test_a_console_block_is_what_its_commands_print(block: Block) -> None:
    assert commands(block.body)
    found = list(differences(block))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("document", documents(), ids=lambda each: each.name)
def test_python_sessions_are_what_python_prints(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(PACKAGE / "examples")
    monkeypatch.chdir(PACKAGE / "examples")
    known = set(sys.modules)
    names: dict[str, object] = {}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for each in blocks(document, "pycon"):
        test = doctest.DocTestParser().get_doctest(
            each.body, names, each.name, str(document), each.line - 1
        )
        said: list[str] = []
        result = runner.run(test, out=said.append, clear_globs=False)
        names = test.globs
        assert not result.failed, "".join(said)
    for name in {path.stem for path in (PACKAGE / "examples").glob("*.py")} - known:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("document", documents(), ids=lambda each: each.name)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for place, heading in LINK.findall(document.read_text(encoding="utf-8")):
        target = document.parent / place if place else document
        assert target.exists(), f"{document.name}: {place}"
        if heading:
            assert heading in anchors(target), f"{document.name}: {place}#{heading}"


def anchors(document: Path) -> set[str]:
    """The addresses of the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LINES


def test_every_guide_is_linked_in_the_readme() -> None:
    linked = {CLONE / place for place, _ in LINK.findall(README.read_text(encoding="utf-8"))}
    assert {*GUIDES.glob("*.md"), CLONE / "CONTRIBUTING.md"} <= linked


@pytest.mark.parametrize("document", documents(), ids=lambda each: each.name)
def test_counts_of_cases_and_mistakes_are_those_of_today(document: Path) -> None:
    text = " ".join(document.read_text(encoding="utf-8").split())
    counts = {"recorded cases": len(store.cases(store.root())), "known mistakes": len(CATALOGUE)}
    for noun, count in counts.items():
        assert set(re.findall(rf"(\d+) {noun}", text)) <= {str(count)}


def test_the_hash_of_the_cases_is_that_of_today() -> None:
    text = (GUIDES / "debugging.md").read_text(encoding="utf-8")
    today = store.corpus_hash(store.root())[:12]
    assert re.findall(r"· corpus\s(\w+)`", text) == [today]


FUNCTIONS = sorted(
    name for name in conformance.__all__ if inspect.isfunction(getattr(conformance, name))
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_guide_has_the_signature_and_the_arguments_of_a_function(name: str) -> None:
    function = getattr(conformance, name)
    signature = inspect.signature(function)
    plain = signature.replace(
        parameters=[
            each.replace(annotation=inspect.Parameter.empty)
            for each in signature.parameters.values()
        ],
        return_annotation=inspect.Signature.empty,
    )
    text = PYTHON.read_text(encoding="utf-8")
    heading = f"### `{name}{plain}`\n"
    assert heading in text
    part = text.split(heading)[1].split("\n#")[0]
    assert re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) == [*signature.parameters]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring_describes_every_argument(name: str) -> None:
    function = getattr(conformance, name)
    described = inspect.getdoc(function) or ""
    arguments = described.split("Args:\n")[1].split("\n\n")[0]
    found = re.findall(r"^    (\w+): ", arguments, re.MULTILINE)
    assert found == [*inspect.signature(function).parameters]


@pytest.mark.parametrize("name", sorted({*conformance.__all__} - {*FUNCTIONS}))
def test_the_guide_names_every_public_class(name: str) -> None:
    assert inspect.isclass(getattr(conformance, name))
    assert f"`{name}`" in PYTHON.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "printed", "same"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a"], ["a", "b"], False),
        (["a", "…"], ["a", "b", "c"], True),
        (["…", "c"], ["a", "b", "c"], True),
        (["a", "…", "d"], ["a", "b", "c"], False),
        (["0.03 s", "x   2 ms"], ["1.25 s", "x 7.18e+03 ms"], True),
        (["… 3 more"], ["… 4 more"], False),
    ],
)
def test_left_out_lines_and_times_are_all_that_is_not_compared(
    said: list[str], printed: list[str], same: bool
) -> None:
    assert agrees(said, printed) is same
