"""The lesson as text: well formed, self-contained, and safe whatever a case says of itself.

Left out: what it says (`test_lesson_words.py`), what it does in a browser (`browser`).
"""

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from conformance import cli
from conformance.explain.show_step import example
from conformance.explain.worked import Worked
from conformance.lesson.lesson_data import numbers
from conformance.lesson.page import lesson, write_lesson
from conformance.tests.parts import in_ci
from conformance.tests.support import half_written

Capture = pytest.CaptureFixture[str]

VOID = {"meta", "input", "br", "line"}
EXAMPLES = {
    "sizes": lambda: example(sizes=(2, 3, 1)),
    "samples": lambda: example(sizes=(3, 2), cost="cross-entropy", samples=3),
    "case": lambda: example("remainder-3-4-2"),
    "float32": lambda: example("hand-2-3-1-float32"),
    "large": lambda: example(sizes=(40, 30, 10), samples=2),
}


class Page(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"style": [], "script": [], "json": []}
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The innermost element ends."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text, of a script or to be read."""
        tag = self.open[-1] if self.open else ""
        if tag in ("style", "script"):
            kind = "json" if self.attributes[-1][1].get("type") else tag
            self.raw[kind].append(data)
        else:
            self.text += data

    def meta(self, name: str) -> str:
        """What the page says in place of a header."""
        (said,) = (a for tag, a in self.attributes if tag == "meta" and a.get("http-equiv") == name)
        return said["content"] or ""


pytestmark = pytest.mark.xdist_group("lesson")  # a page is made once


@cache
def made(name: str) -> tuple[Worked, str]:
    """An example and its page."""
    worked = EXAMPLES[name]()
    return worked, lesson(worked)


@pytest.fixture(params=in_ci(["sizes", "samples", "case", "float32", "large"]))
def text(request: pytest.FixtureRequest) -> str:
    return made(request.param)[1]


def test_a_page_is_well_formed_and_asks_for_nothing(text: str) -> None:
    page = Page(text)
    assert page.open == []
    assert re.findall(r"\w+://|@import|url\(|\bfetch\(|XMLHttp|innerHTML|eval\(", text) == []
    links = {"src", "href", "style", "srcset", "action", "background"}
    for tag, attributes in page.attributes:
        assert not links & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes), tag
    ids = [a["id"] for _, a in page.attributes if "id" in a]
    assert len(ids) == len(set(ids))


def test_the_policy_allows_the_script_and_the_style_of_the_page_alone(text: str) -> None:
    page = Page(text)
    policy = dict(each.split(" ", 1) for each in page.meta("Content-Security-Policy").split("; "))

    def hashed(kind: str) -> str:
        (content,) = page.raw[kind]
        return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"

    assert policy == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "style-src": hashed("style"),
        "script-src": hashed("script"),
    }


@pytest.mark.parametrize("of", EXAMPLES)
def test_the_numbers_in_the_page_are_those_before_the_step(of: str) -> None:
    worked, page = made(of)
    (raw,) = Page(page).raw["json"]
    given = json.loads(raw)["given"]
    assert list(given) == list(worked.given)
    for name, array in worked.given.items():
        table = given[name]
        numbers = np.frombuffer(base64.b64decode(table["base64"]), "<f8")
        assert np.array_equal(numbers.reshape(table["rows"], table["cols"]), array)


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)> \" ' & ]]> <!--"


def test_what_a_case_says_of_itself_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = example("hand-2-3-1")
    case = replace(plain.case, id=HOSTILE, why=HOSTILE)
    monkeypatch.setattr("conformance.lesson.lesson_data.WORDS", dict.fromkeys("xybw", HOSTILE))
    monkeypatch.setattr(
        "conformance.lesson.lesson_data.broken_steps", lambda _: {}
    )  # half a second
    hostile = replace(
        plain, case=case, lines=tuple(replace(e, symbol=HOSTILE) for e in plain.lines)
    )
    page = Page(lesson(hostile))
    tags = [tag for tag, _ in page.attributes]
    assert (tags.count("script"), tags.count("img")) == (2, 0)
    assert page.text.count(HOSTILE) >= 3
    assert set(json.loads(page.raw["json"][0])["words"].values()) == {HOSTILE}
    assert not re.search("[<>&]", numbers(hostile))


def test_a_small_page_is_small_and_a_large_one_holds_each_number_once() -> None:
    assert len(made("sizes")[1]) < 280_000  # of which the mistakes are one half
    worked = example("mnist-784-30-10")
    held = sum(array.nbytes for array in worked.given.values())
    assert len(lesson(worked)) < held * 4 / 3 + 140_000


# The command


def run(*arguments: str) -> int:
    """The exit code of `conformance explain`."""
    with pytest.raises(SystemExit) as left:
        cli.main(["explain", *arguments])
    return int(left.value.code or 0)


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ([], "conformance explain --sizes 2,3,1"),
        (["--sizes", "3,2", "--samples", "2"], "conformance explain --sizes 3,2 --samples 2"),
        (
            ["--cost", "cross-entropy"],
            "conformance explain --sizes 2,3,1 --cost cross-entropy",
        ),
        (["--case", "hand-2-3-1"], "conformance explain --case hand-2-3-1"),
    ],
)
def test_the_command_writes_the_page_and_the_page_names_the_command(
    options: list[str], command: str, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "lesson.html"
    assert run(*options, "--html", str(path)) == 0
    said = capsys.readouterr()
    assert said.out == f"{path}: one step to walk through; open it in a browser\n"
    assert f"<code>{command}</code>" in path.read_text(encoding="utf-8")
    assert [each.name for each in path.parent.iterdir()] == ["lesson.html"]
    run(*command.split()[2:])
    printed = " ".join(capsys.readouterr().out.split())
    lines = re.findall(r'<li class="line">(.*)</li>', path.read_text(encoding="utf-8"))
    assert lines
    assert all(line in re.sub(r" (Z|A|C|BP\d|B|W) ", " ", printed) for line in lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--case", "hand-2-3"], "did you mean hand-2-3-1"),
        (["--sizes", "2,x"], "--sizes 2,x: give numbers with commas"),
        (["--cost", "hinge"], "give quadratic, cross-entropy or log-likelihood"),
        (["--sizes", "5000,5000"], "give a smaller network"),
    ],
)
def test_a_wrong_question_writes_nothing(
    options: list[str], message: str, tmp_path: Path, capsys: Capture
) -> None:
    assert run(*options, "--html", str(tmp_path / "lesson.html")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert [*tmp_path.iterdir()] == []


def test_a_path_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path, tmp_path / "file" / "lesson.html"):
        assert run("--html", str(path)) == 2
        said = capsys.readouterr()
        assert said.out == ""
        (line,) = said.err.splitlines()
        assert line.startswith(f"error: --html {path}: ")
    assert run("--html", str(tmp_path / "new" / "lesson.html")) == 2
    assert "there is no such folder" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_the_page_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    path = tmp_path / "lesson.html"
    path.write_text("the one before")

    monkeypatch.setattr(Path, "write_bytes", half_written)
    assert run("--html", str(path)) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [
        ("lesson.html", "the one before")
    ]


def test_without_jinja2_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("conformance.report.document.find_spec", lambda _name: None)
    assert run("--html", str(tmp_path / "lesson.html")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("pip install 'backprop-conformance[report]'")
    assert [*tmp_path.iterdir()] == []


def test_a_page_is_the_same_each_time(tmp_path: Path) -> None:
    write_lesson(tmp_path / "again", EXAMPLES["samples"]())
    assert (tmp_path / "again").read_text("utf-8") == made("samples")[1]
