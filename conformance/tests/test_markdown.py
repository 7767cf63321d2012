"""The summary for CI: it says what the terminal says, and nothing in it is a subject's markup."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import BinaryIO, Self

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from conformance.api import check
from conformance.errors import UsageError
from conformance.judging.case_report import CaseReport
from conformance.report.book_report import Report
from conformance.report.gfm import code, fenced, text
from conformance.report.markdown import append, as_markdown
from conformance.report.visible import visible
from conformance.subjects import Subject
from conformance.tests.networks.broken import BROKEN, broken_source
from conformance.tests.support import PROFILE, answering, recorded, wrong_at
from conformance.tests.test_cli import one_line, run
from conformance.verdict.finding import Kind, finding

GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
SOME = "[hnr]*-[235]-*"
OURS = re.compile(r"</?details>|</?summary>")
HOSTILE = [
    "<script>alert(1)</script>",
    "a | b",
    "`",
    "``` a ```",
    "one\n\n# two\n",
    "[x](http://a.b) ![y](z)",
    "</summary></details><b>",
    "*a* _b_ ~~c~~ \\",
    "",
    " ",
]
MARKUP = st.text(st.sampled_from("`*_[]()<>&~|$@#!:/.w-+=1a \n\t\\\x00\u202e"), max_size=30)


@cache
def wrong() -> Report:
    """A subject that is wrong in some cases and right in others."""
    return check(wrong_at("BP2"), case=SOME)


def named(name: str) -> Report:
    """The same subject with another name."""
    return replace(wrong(), subject=name)


def crashing(words: str) -> Report:
    """A subject that stops in every step with these words."""

    def stop(_: object) -> None:
        raise ValueError(words)

    subject = answering(stop)
    return check(Subject(words, subject.start), case="hand*")


def tokens(markdown: str) -> Iterator[Token]:
    """All that a parser makes of some Markdown, in order."""
    for token in GFM.parse(markdown):
        yield token
        yield from token.children or ()


def kinds(markdown: str) -> list[str]:
    """The kinds of its tokens, HTML with its tags."""
    return [f"{each.type} {''.join(tags(each))}".strip() for each in tokens(markdown)]


def tags(token: Token) -> list[str]:
    """The tags in a piece of HTML."""
    return re.findall(r"<[^>]*>", token.content) if token.type.startswith("html") else []


def content(markdown: str, kind: str) -> list[str]:
    """The content of the tokens of one kind."""
    return [each.content for each in tokens(markdown) if each.type == kind]


def test_the_heading_is_the_verdict_in_one_sentence() -> None:
    assert as_markdown(wrong()).splitlines()[0] == (
        "### ✗ `wrong` is not conformant: BP2 is wrong at layer 2: "
        "σ′(z^l) is left out in the hidden layers"
    )
    right = as_markdown(check("reference", case="hand*"))
    assert right.startswith("### ✓ `reference` is conformant: all ")
    assert crashing("x").exit_code == 3
    assert as_markdown(crashing("x")).startswith("### ! `x` is not judged: ")


def test_it_says_what_was_judged_and_what_was_skipped() -> None:
    report = replace(wrong(), skipped={"a": "is slow", "b": "is slow"}, conventions=("rows",))
    items = content(as_markdown(report), "inline")
    assert any(each.startswith("judged: outputs") for each in items)
    assert "not put to it: 2 cases (it is slow)" in items
    assert "conventions recognised: rows" in items


def test_a_case_that_is_wrong_is_a_row_that_is_seen() -> None:
    seen, *folds = as_markdown(wrong()).split("<details>")
    right = [each.case.id for each in wrong().cases if not each.failures]
    assert right
    for each in wrong().cases:
        if each.failures:
            assert f"| {each.case.id} | ✓ | ✓ | ✓ | ✓ | ✗ |" in seen
        else:
            assert f"| {each.case.id} | ✓ |" in folds[0]
    assert folds[0].startswith(f"<summary>{len(right)} case")


def test_tables_have_a_cell_for_each_column() -> None:
    made = kinds(as_markdown(wrong()))
    rows = made.count("tr_open")
    assert rows == len(wrong().cases) + 2
    assert made.count("th_open") + made.count("td_open") == 12 * rows


def test_all_cases_that_are_right_are_seen_at_once() -> None:
    assert "<details>" not in as_markdown(check("reference", case="hand*"))


def test_an_equation_has_its_formula_and_its_cause() -> None:
    markdown = as_markdown(wrong())
    assert "δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l)" in content(markdown, "code_inline")
    assert "- δ^l = (w^{l+1})ᵀ δ^{l+1}\n+ δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l)\n" in content(
        markdown, "fence"
    )
    assert "bp2-no-sigma-prime" in content(markdown, "text")


def test_the_smallest_network_is_in_a_fold() -> None:
    fold = as_markdown(wrong()).split("<details>")[-1]
    assert fold.startswith("<summary>the smallest network on which wrong is wrong in BP2</summary>")
    assert content(fold.split("</summary>")[1], "fence") == [wrong().smallest[0].text]


def test_the_line_of_code_is_marked(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    source, number = broken_source(next(each for each in BROKEN if each.tags == ("BP2",)))
    file.write_text(source, encoding="utf-8")
    markdown = as_markdown(check(f"{file}:Network", case="remainder-3-4-2"))
    line = source.splitlines()[number - 1]
    assert f"mine.py:{number}, in backprop" in content(markdown, "code_inline")
    block = next(each for each in tokens(markdown) if each.info == "python")
    assert f"> {number:4} | {line}" in block.content.splitlines()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_subjects_name_is_no_markup(name: str) -> None:
    assert kinds(as_markdown(named(name))) == kinds(as_markdown(named("plain")))
    if name.strip():
        assert visible(name) in "".join(content(as_markdown(named(name)), "code_inline")[:1])


@pytest.mark.parametrize("words", HOSTILE)
def test_what_a_subject_raises_is_no_markup(words: str) -> None:
    markdown = as_markdown(crashing(f"{words}!"))
    assert not {each.type for each in tokens(markdown)} & {"html_block", "html_inline", "image"}
    assert kinds(markdown) == kinds(as_markdown(crashing("plain!")))


@pytest.mark.parametrize("words", HOSTILE)
def test_a_remark_is_no_markup(words: str) -> None:
    def remarked(said: str) -> Report:
        found = finding(Kind.STOPPED, error=said)
        remark = replace(wrong().cases[0].failures[0], name="", worst=None, finding=found)
        case = replace(wrong().cases[0], verdicts=[*wrong().cases[0].verdicts, remark])
        return replace(wrong(), cases=(case, *wrong().cases[1:]))

    assert kinds(as_markdown(remarked(f"x{words}"))) == kinds(as_markdown(remarked("x")))


@PROFILE
@given(MARKUP | st.text(max_size=30))
@example("1. one")
@example("- one")
@example("    one")
@example("&amp; \\")
@example("---")
def test_text_is_a_paragraph_of_what_it_says(words: str) -> None:
    assume_seen = visible(words).strip()
    made = GFM.parse(text(words))
    assert [each.type for each in made] == (
        ["paragraph_open", "inline", "paragraph_close"] if assume_seen else []
    )
    children = made[1].children or [] if made else []
    assert {each.type for each in children} <= {"text", "text_special"}
    shown = "".join(each.content for each in children)
    assert shown.replace("\N{WORD JOINER}", "") == assume_seen


@pytest.mark.parametrize(
    "words", ["http://a.b", "www.a.b", "HTTPS://a.b", "@me", "#1", "a@b.c", "$x$"]
)
def test_text_is_nothing_that_github_finds(words: str) -> None:
    made = text(words)
    assert not re.search(r"\w://|www\.|[@#$]\w", made, re.IGNORECASE)


@PROFILE
@given(MARKUP | st.text(max_size=30))
@example("`")
@example(" a ")
def test_code_is_one_span(words: str) -> None:
    inline = next(each for each in tokens(f"a {code(words)} b") if each.type == "inline")
    children = inline.children or []
    spans = [each for each in children if each.type == "code_inline"]
    if visible(words).strip():
        assert [each.type for each in children] == ["text", "code_inline", "text"]
        assert spans[0].content == visible(words)


@PROFILE
@given(MARKUP | st.text(max_size=30))
@example("```\n````\n`````")
def test_a_block_is_one_block(words: str) -> None:
    made = GFM.parse(fenced(words, "text"))
    assert [each.type for each in made] == ["fence"]


def test_a_block_has_an_end() -> None:
    assert len(fenced("x" * 10**5)) < 30_000
    assert len(code("x" * 10**5)) < 1_000


def test_the_file_is_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    command = ("check", "reference", "--case", "hand*", "--markdown", str(file))
    assert run(*command) == 0
    once = file.read_text("utf-8")
    assert once.startswith("### ✓ `reference`")
    assert run(*command) == 0
    assert file.read_text("utf-8") == f"{once}\n{once}"


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (tmp_path, tmp_path / "missing" / "summary.md"):
        assert run("check", "reference", "--case", "hand*", "--markdown", str(place)) == 2
        assert str(place) in one_line(capsys)


def test_what_cannot_be_written_whole_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before")

    class Full:
        def __init__(self, path: Path) -> None:
            self.file: BinaryIO = path.open("r+b")

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> None:
            self.file.seek(0, os.SEEK_END)
            self.file.write(data[:10])
            raise OSError(28, "No space left on device")

    full, text = Full(file), as_markdown(wrong())
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: full)
        with pytest.raises(UsageError, match="No space left on device"):
            append(file, text)
    assert file.read_text() == "before"


def test_many_errors_are_counted() -> None:
    case = recorded("hand-2-3-1").case
    stopped = tuple(CaseReport(case, "mine", [], f"stopped {i}") for i in range(9))
    markdown = as_markdown(Report("mine", cases=stopped))
    assert len(content(markdown, "fence")) == 5
    assert "4 more cases stopped" in markdown


def test_what_is_not_seen_is_shown_by_a_sign() -> None:
    assert visible("a\nb\x1b\x7f\u202e\ud800") == "a␊b␛␡��"
