"""The report's page as a file: self-contained, allowed by hashes alone, whole or not at all."""

import base64
import hashlib
import json
import re
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conformance.api import check
from conformance.cli import main
from conformance.corpus import store
from conformance.errors import UsageError
from conformance.files import put
from conformance.judging.case_report import CaseReport, Point
from conformance.mistakes.catalogue import CATALOGUE
from conformance.report import document
from conformance.report.book_report import Report
from conformance.report.page import write
from conformance.report.page.chart import chart
from conformance.report.page.network_drawing import MOST, network
from conformance.report.page.page_matrix import rows
from conformance.report.page.view import in_full
from conformance.tests.networks import book, stateful
from conformance.tests.support import answering, half_written, recorded, wrong_at
from reference.equations import BOOK

HAND, LARGEST = "hand-2-3-1", "mnist-784-100-10"
MEGABYTES = 2_000_000
VOID = {"meta", "input", "br"}


class ShorterEpochs(book.Network):
    """A network whose loop leaves out what is left at the end."""

    def SGD(self, training_data: book.Pairs, *arguments: Any, **named: Any) -> None:  # noqa: N802 - the book's
        """Train on whole mini-batches alone."""
        left = len(training_data) % arguments[1]
        super().SGD(training_data[: len(training_data) - left], *arguments, **named)


class Reader(HTMLParser):
    """Notes the elements that are open, and all that is there."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: dict[str, list[str]] = {"script": [], "style": []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The innermost one ends."""
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that closes itself."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        """What stands in it."""
        if self.open and self.open[-1] in self.text:
            self.text[self.open[-1]].append(data)


def page_of(*subjects: object, case: str = HAND) -> str:
    return write.page([check(each, case=case, detailed=True) for each in subjects], "conformance")


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def wrong() -> str:
    return page_of(wrong_at("BP2", "W"))


@pytest.mark.parametrize("case", [HAND, "square-4-4-4-4"])
def test_every_element_is_closed(case: str) -> None:
    assert read(page_of(wrong_at("Z"), case=case)).attributes


def test_the_policy_allows_the_one_style_and_the_one_script(wrong: str) -> None:
    reader = read(wrong)
    policy = next(value for _, value in reader.attributes if value.startswith("default-src"))
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    style, (numbers, script) = reader.text["style"], reader.text["script"]
    for text, kind in ((style[0], "style"), (script, "script")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert len(style) == 1
    assert zlib.decompress(base64.b64decode(numbers)).startswith(b"[{")


def test_nothing_is_fetched_and_no_attribute_is_a_program(wrong: str) -> None:
    for name, value in read(wrong).attributes:
        assert not name.startswith("on")
        assert name not in ("style", "src", "srcset", "action")
        assert name != "href" or value.startswith("#")
    addresses = set(re.findall(r"https?://[^\s\"']+", wrong))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, which nobody fetches


@pytest.mark.usefixtures("no_search")
def test_one_cause_of_two_equations_is_told_once_and_in_the_headline() -> None:
    page = page_of(stateful.GradientsKept, case="cancelling-2-2-2")
    (headline,) = re.findall(r"<h1.*?>.*</h1>", page)
    sentence = CATALOGUE["gradients-accumulate"].sentence.rstrip(".")
    assert sentence[1:] in headline
    assert page.count(f"<b>{sentence}.</b>") == 1
    assert "the same as of BP3: <code>gradients-accumulate</code>" in page


def test_what_is_wrong_beside_the_equations_marks_no_case() -> None:
    report = check(ShorterEpochs, case=HAND)
    assert report.remarks
    (row,) = rows(report.cases, "")
    assert (row.status, row.sign) == ("pass", "✓")


@pytest.mark.parametrize("subject", ["reference", "torch_impl"])
def test_the_largest_case_stays_below_two_megabytes(subject: str) -> None:
    assert len(page_of(subject, case=f"{LARGEST}*").encode()) < MEGABYTES


def test_maps_that_find_no_room_are_left_out_of_what_is_right_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = check(wrong_at("BP3"), case=HAND, detailed=True)
    statuses = {(v.step, v.mode, v.name): str(v.status) for v in report.cases[0].verdicts}
    wrong = [c for c in report.cases[0].cells if statuses[c.step, c.mode, c.name] != "pass"]
    monkeypatch.setattr(write, "ROOM", sum(len(each.levels) for each in wrong))
    text = zlib.decompress(base64.b64decode(write.packed([("", report)]))).decode()
    kept = re.findall(r'"name":"(\w+)"[^{}]*?"levels":"[^"]', text)
    assert sorted(kept) == sorted(each.name for each in wrong)


@pytest.mark.parametrize("tag", sorted({tag for each in CATALOGUE.values() for tag in each.blames}))
def test_a_part_of_a_formula_is_put_into_the_whole(tag: str) -> None:
    field = {"BP1": BOOK.output_error, "BP2": BOOK.hidden_error}.get(tag, BOOK.activation)
    book = (field.__doc__ or "").splitlines()[0]
    for each in CATALOGUE.values():
        if tag in each.blames and each.right.removeprefix("… ") in book:  # of the book's network
            pair = in_full(each.wrong, each.right, book)
            assert not any(text.startswith("…") for text in pair)
            assert pair[0] != pair[1]


def test_a_large_layer_is_drawn_with_few_neurons() -> None:
    drawn = network(recorded(LARGEST).case, [])
    assert [len(layer.neurons) for layer in drawn.layers] == [MOST] * 3
    assert all(layer.more for layer in drawn.layers)
    assert all(layer.part.state == "right" for layer in drawn.layers)


def test_what_is_wrong_and_what_follows_are_drawn_apart() -> None:
    report = check(wrong_at("BP2"), case=HAND)
    drawn = network(report.cases[0].case, report.cases[0].verdicts)
    assert [layer.part.state for layer in drawn.layers] == ["right", "fail", "right"]
    assert [part.part.state for part in drawn.weights] == ["explained", "right"]
    assert drawn.layers[1].part.wrong == ("δ2",)
    assert (
        drawn.words
        == "The network [2, 3, 1]: δ2 is wrong by itself; ∇b2, ∇w2, b2, w2 follow from it"
    )


def run(*points: tuple[float, float]) -> CaseReport:
    """A report with a free run of these errors and tolerances."""
    curve = tuple(Point(t, "w2", (0, 1), *each) for t, each in enumerate(points))
    return CaseReport(recorded(HAND).case, "subject", curve=curve)


def test_a_chart_says_where_a_run_leaves() -> None:
    drawn = chart(run((1e-16, 1e-15), (0.0, 1e-14), (1e-3, 1e-13), (1e-2, 1e-12)))
    assert drawn is not None
    assert drawn.leaves == "leaves at step 2, in w2"
    assert [dot.outside for dot in drawn.dots] == [False, False, True, True]
    assert [dot.edge for dot in drawn.dots] == [False, True, False, False]
    heights = [dot.y for dot in drawn.dots]
    assert heights[1] > heights[0] > heights[2] > heights[3]  # down is small


def test_a_run_that_stays_inside_leaves_nowhere() -> None:
    drawn = chart(run((1e-16, 1e-15), (1e-15, 1e-14)))
    assert drawn is not None
    assert drawn.leaves == ""


@pytest.mark.parametrize("error", [float("inf"), 1e300, 5e-324])
def test_a_chart_holds_every_error(error: float) -> None:
    drawn = chart(run((error, 1e-15), (1e-16, 1e-15)))
    assert drawn is not None
    assert all(0 <= dot.y <= drawn.floor and dot.x >= drawn.left for dot in drawn.dots)


def test_the_foot_of_a_chart_is_zero_if_an_error_is() -> None:
    for error, foot in ((0.0, "0"), (1e-16, "10⁻¹⁷")):
        drawn = chart(run((error, 1e-15), (1e-16, 1e-15)))
        assert drawn is not None
        assert drawn.down[0] == (drawn.floor, foot)


def test_one_step_is_no_run() -> None:
    assert chart(run((1e-16, 1e-15))) is None


def cli(*arguments: str) -> int:
    try:
        main(arguments)
    except SystemExit as stop:
        return int(str(stop.code))
    return 0


def test_the_command_writes_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.html"
    arguments = ["check", "reference", "--case", HAND, "--html", str(path)]
    monkeypatch.setattr(sys, "argv", ["conformance", *arguments])
    assert cli(*arguments) == 0
    text = path.read_text("utf-8")
    assert f"conformance check reference --case {HAND} --html" in text
    assert store.corpus_hash(store.root())[:12] in text
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    assert "conformant" in capsys.readouterr().out


def network_that(tmp_path: Path, backprop: str) -> str:
    """The book's network with another backprop, as a file names it."""
    text = f"""import time
from reference import Network as Book

class Network(Book):
    def backprop(self, x, y):
        {backprop}
"""
    (tmp_path / "net.py").write_text(text, "utf-8")
    return f"{tmp_path / 'net.py'}:Network"


def test_a_network_that_hangs_has_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subject, path = network_that(tmp_path, "time.sleep(60)"), tmp_path / "report.html"
    assert cli("check", subject, "--case", HAND, "--timeout", "0.5", "--html", str(path)) == 3
    title = re.findall("<title>(.*?)</title>", path.read_text("utf-8"))
    assert "It could not be judged in 1 of 1 case: no result for 0.5 s: it hangs" in title[0]
    said = capsys.readouterr().out
    assert said.startswith("not judged: 1 of 1 case stopped: hand-2-3-1\n")
    assert "net.py:6 backprop\n" in said


def test_characters_that_cannot_be_seen_or_written_are_signs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = network_that(tmp_path, r'raise ValueError("a\ud800b\u202ec\x1bd")')
    page, told, text = (tmp_path / f"report.{kind}" for kind in ("html", "json", "md"))
    options = ("--html", str(page), "--json", str(told), "--markdown", str(text))
    assert cli("check", subject, "--case", HAND, *options) == 3
    seen = "ValueError: a\ufffdb\ufffdc\u241bd"
    for shown in (page.read_text("utf-8"), text.read_text("utf-8"), capsys.readouterr().out):
        assert seen in shown
    assert "a\ud800b\u202ec\x1bd" in json.loads(told.read_text("utf-8"))["cases"][0]["error"]


@pytest.mark.parametrize(
    ("path", "words"),
    [("nowhere/report.html", "there is no such folder"), (".", "is a folder")],
)
def test_a_page_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, words: str
) -> None:
    assert cli("check", "reference", "--case", HAND, "--html", str(tmp_path / path)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [f"error: --html {tmp_path / path}: {words}"]


def test_without_jinja2_the_command_that_installs_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'backprop-conformance\[report\]'"):
        document.ready(tmp_path / "report.html", "--html")


def test_a_page_that_fails_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", "utf-8")

    monkeypatch.setattr(Path, "write_bytes", half_written)
    with pytest.raises(UsageError, match="No space left on device"):
        put("--html", path, page_of("reference"))
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    assert path.read_bytes() == b"old"


def test_a_report_without_details_has_a_page_too() -> None:
    report: Report = check(answering(lambda _: {}), case=HAND)
    assert "could not be judged" in write.page([report], "x")


def test_what_came_after_a_crash_was_not_looked_at() -> None:
    said = page_of(answering(lambda _: 1 / 0))
    assert "<li>what comes after the subject stopped, in 1 case</li>" in said
    assert "every quantity of every case was compared" not in said


def test_quantities_are_called_by_their_symbols() -> None:
    said = page_of(wrong_at("BP2"))
    assert "step 0: δ2 differs at neuron" in said
    assert "delta2 differs" not in said


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("no powers", "no powers"),
        ("σ′(z^l) is left out", '<span class="whole">σ′(z<sup>l</sup>)</span> is left out'),
        ("w^{l+1} δ", '<span class="whole">w<sup>l+1</sup></span> δ'),
        ("<b>^l", '<span class="whole">&lt;b&gt;<sup>l</sup></span>'),
        ("a^<i>", "a^&lt;i&gt;"),
        ("a^{<i>}", '<span class="whole">a<sup>&lt;i&gt;</sup></span>'),
    ],
)
def test_powers_in_words_are_raised_and_nothing_else_is_markup(text: str, page: str) -> None:
    assert document.prose(text) == page
