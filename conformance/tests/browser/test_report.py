"""The report's page in a browser: what is seen first, what opens, and that nothing else happens."""

from collections.abc import Callable
from functools import cache
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import conformance
from conformance.api import check
from conformance.report.book_report import Report
from conformance.report.page.write import page
from conformance.subjects import Session, Subject
from conformance.tests.browser.pages import THEMES, WIDTHS, Opened, OpenPage, Theme
from conformance.tests.networks.broken import BROKEN, broken_source
from conformance.tests.parts import few, in_ci
from conformance.tests.support import answering, with_equations, wrong_at

EXAMPLES = Path(conformance.__file__).parent / "examples"
HOSTILE = "<script>alert(1)</script>"
MISTAKES = {  # an edit of the book's program, and the equation that it breaks
    "bp1-no-sigma-prime": "BP1",
    "bp2-sigma-prime-of-a": "BP2",
    "bp3-summed-over-all-hidden": "BP3",
    "bp4-z-for-a": "BP4",
    "weight-ascends": "W",
}
OPENED = ("bp1", "bp2", "bp3")  # whose pages other tests open in CI, too
SUBJECTS = ("conformant", "crashed", "hostile", *MISTAKES)
CASES = ("hand-2-3-1", "mnist-784-10", "square-4-4-4-4", "ten-steps-3-4-2")
DIGITS = "mnist-784-30-10"

Pages = Callable[[str], Path]


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """Writes the page of a subject, once a worker."""
    folder = tmp_path_factory.mktemp("pages")

    @cache
    def written(name: str) -> Path:
        path = folder / f"{name}.html"
        path.write_text(page([report(name, folder)], f"conformance check {name}"), "utf-8")
        return path

    return written


def report(name: str, folder: Path) -> Report:
    """What a check says of one of the subjects."""
    if name in MISTAKES:
        edit = next(each for each in BROKEN if each.id == name)
        source = folder / f"{name}.py"
        source.write_text(broken_source(edit)[0], encoding="utf-8")
        return check(f"{source}:Network", case=CASES, detailed=True)
    others = {
        "conformant": lambda: check("reference", case=CASES, detailed=True),
        "crashed": lambda: check(answering(lambda _: 1 / 0), case=CASES, detailed=True),
        "hostile": lambda: check(hostile(), case=CASES, detailed=True),
        "one-neuron": lambda: check(one_neuron(), case=DIGITS, detailed=True),
        "leaving": lambda: check(wrong_at("W"), case="ten-steps-3-4-2", detailed=True),
    }
    return others[name]()


def hostile() -> Subject:
    """A subject whose name and error are markup."""

    def start(*_: object) -> Session:
        raise ValueError(f"</script>{HOSTILE}<img src=x onerror=alert(2)>")

    return Subject(HOSTILE, start)


def one_neuron() -> Subject:
    """The reference, but for the gradient of the weights of neuron 3 in layer 2."""

    def wrong(delta: Any, a: Any) -> Any:
        right = delta @ a.T / a.shape[1]
        if right.shape == (30, 784):
            right[3] *= 2
        return right

    return with_equations(weight_gradient=wrong)


def settled(it: Opened) -> Opened:
    """The page, its numbers being read."""
    it.page.locator("html.ready").wait_for()
    return it


@pytest.mark.parametrize(
    ("name", "width"),
    in_ci(few([*zip(sorted(SUBJECTS), cycle(WIDTHS))], [*product(sorted(SUBJECTS), WIDTHS)])),
)
def test_a_page_is_quiet_and_no_wider_than_the_screen(
    name: str, pages: Pages, open_page: OpenPage, width: str
) -> None:
    assert settled(open_page(pages(name), width)).sideways() == 0


@pytest.mark.parametrize(
    ("name", "width", "theme"),
    in_ci(
        [
            *(("bp2-sigma-prime-of-a", "wide", theme) for theme in THEMES),
            *(("bp2-sigma-prime-of-a", "narrow", theme) for theme in THEMES[::-1]),
            *(("conformant", "wide", "dark"), ("conformant", "narrow", "light")),
            *(("crashed", "wide", "light"), ("crashed", "narrow", "dark")),
        ]
    ),
)
def test_anybody_can_read_it(
    name: str, width: str, theme: Theme, pages: Pages, open_page: OpenPage
) -> None:
    assert settled(open_page(pages(name), width, theme)).violations() == []


@pytest.mark.parametrize(("width", "theme"), [("wide", "light"), ("narrow", "dark")])
def test_anybody_can_read_what_a_cell_opens(
    width: str, theme: Theme, pages: Pages, open_page: OpenPage
) -> None:
    it = settled(open_page(pages("one-neuron"), width, theme))
    it.page.goto(f"{it.page.url}#{DIGITS}/0/nabla_w2")
    it.page.locator("dialog canvas").first.wait_for()
    assert it.violations() == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=[] if each.startswith(OPENED) else [pytest.mark.seldom])
        for each in sorted(MISTAKES)
    ],
)
def test_the_blamed_equation_is_on_the_first_screen(
    name: str, pages: Pages, open_page: OpenPage, width: str
) -> None:
    it = open_page(pages(name), width)
    assert MISTAKES[name] in it.page.locator("h1").inner_text()
    box = it.page.locator("section.equation dd math").first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < WIDTHS[width]["height"]


def test_the_sentence_the_line_and_the_layers_are_those_of_the_report(
    pages: Pages, open_page: OpenPage
) -> None:
    it = open_page(pages("bp2-sigma-prime-of-a"))
    said = it.page.locator("h1").inner_text()
    assert said.endswith(
        "BP2 is wrong at layers 2 and 3: σ′ is taken at a, which has been through σ already"
    )
    assert "sp = sigmoid_prime(activations[-l])" in it.page.locator(".line.blamed").inner_text()
    numbers = it.page.locator(".equation .line-number").all_inner_texts()
    first = int(numbers[0].strip("▸ "))
    assert [int(each.strip("▸ ")) for each in numbers] == [*range(first, first + len(numbers))]
    drawn = it.page.locator(".equation .network")
    assert drawn.locator(".mark").count() == 2
    assert drawn.locator("text.fail").all_text_contents() == ["δ2 ✗", "δ3 ✗"]


def test_the_wrong_columns_are_in_view(pages: Pages, open_page: OpenPage, width: str) -> None:
    it = settled(open_page(pages("bp2-sigma-prime-of-a"), width))
    room = it.page.locator(".matrix").bounding_box()
    assert room is not None
    for cell in it.page.locator(".cells td.fail").all():
        box = cell.bounding_box()
        assert box is not None
        assert room["x"] < box["x"] < box["x"] + box["width"] < room["x"] + room["width"]
    hidden = it.page.locator(".matrix").evaluate("each => each.scrollWidth - each.clientWidth")
    assert (hidden > 0) == (it.page.locator(".matrix[data-more~=right]").count() == 1)


def test_the_two_passes_of_any_program_are_drawn_for_the_width(
    open_page: OpenPage, width: str, tmp_path: Path
) -> None:
    path = tmp_path / "student.html"
    found = conformance.check(str(EXAMPLES / "student.py"))
    path.write_text(found.as_page(), "utf-8")
    other = {"wide": "narrow", "narrow": "wide"}[width]
    for theme in THEMES:
        it = open_page(path, width, theme)
        assert it.page.locator(f"svg.passes.{width}").is_visible()
        assert not it.page.locator(f"svg.passes.{other}").is_visible()
        assert "✗ ∂C/∂self.Z1" in str(it.page.locator(f"svg.passes.{width} .blamed").text_content())
        it.page.get_by_text("The two passes as a table").click()
        assert it.violations() == []
        assert it.sideways() == 0


@pytest.mark.parametrize("how", ["keyboard", "mouse"])
def test_every_cell_opens_and_gives_the_focus_back(
    how: str, pages: Pages, open_page: OpenPage
) -> None:
    it = settled(open_page(pages("bp2-sigma-prime-of-a")))
    links = it.page.locator(".cells td a")
    count = links.count()
    assert count > 4 * 9
    for i in range(0, count, 5):  # of every row and every kind
        link = links.nth(i)
        address = str(link.get_attribute("href"))
        if how == "mouse":
            link.click()
        else:
            link.focus()
            it.page.keyboard.press("Enter")
        it.page.locator("dialog[open] h2").wait_for()
        case, _, quantity, *_ = address.removeprefix("#").split("/")
        title = it.page.locator("dialog h2").inner_text()
        assert case in title
        assert symbol(quantity) in title
        it.page.keyboard.press("Escape")
        it.page.locator("dialog[open]").wait_for(state="hidden")
        assert it.evaluate("document.activeElement.getAttribute('href')") == address


def symbol(name: str) -> str:
    """A quantity as the page writes it."""
    return name.replace("delta", "δ").replace("nabla_", "∇").replace("cost", "C")


def test_arrow_keys_walk_the_matrix_which_is_one_stop_of_the_tab_key(
    pages: Pages, open_page: OpenPage
) -> None:
    it = settled(open_page(pages("conformant")))
    it.page.locator(".cells td a").first.focus()
    here = "document.activeElement.getAttribute('href')"
    seen = [it.evaluate(here)]
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "End", "Home"):
        it.page.keyboard.press(key)
        seen.append(it.evaluate(here))
    assert seen[1].startswith("#hand-2-3-1/")
    assert seen[2].startswith("#mnist-784-10/")
    assert seen[1].endswith("/a2")
    assert (seen[4], seen[6]) == (seen[0], seen[0])
    assert seen[5].startswith("#hand-2-3-1/")
    assert it.page.locator(".cells td a[tabindex='0']").count() == 1


def test_an_address_opens_its_cell(pages: Pages, open_page: OpenPage) -> None:
    it = open_page(pages("one-neuron"))
    it.page.goto(f"{it.page.url}#{DIGITS}/0/nabla_w2")
    it.page.locator("dialog[open]").wait_for()
    assert f"∇w2 in {DIGITS}" in it.page.locator("dialog h2").inner_text()
    it.page.get_by_role("button", name="Close").click()
    assert "#" not in it.page.url


def test_a_map_shows_the_one_neuron_that_is_wrong(pages: Pages, open_page: OpenPage) -> None:
    it = open_page(pages("one-neuron"))
    it.page.goto(f"{it.page.url}#{DIGITS}/0/nabla_w2")
    canvas = it.page.locator("dialog canvas[role=img]").first
    canvas.wait_for()
    assert "Outside the tolerance: entries of neuron 3." in str(canvas.get_attribute("aria-label"))
    warm = it.evaluate(
        """(() => {
          const canvas = document.querySelector("dialog canvas"), size = canvas.width / 300;
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const tiles = new Set();
          for (let i = 0; i < data.length; i += 4)
            if (data[i] > data[i + 2] + 40 && data[i + 3]) {
              const x = (i / 4) % canvas.width, y = Math.floor(i / 4 / canvas.width);
              tiles.add(Math.floor(y / size / 30) * 10 + Math.floor(x / size / 30));
            }
          return [...tiles];
        })()"""
    )
    assert warm == [3]


def test_digits_stand_above_the_columns_of_their_samples(pages: Pages, open_page: OpenPage) -> None:
    it = open_page(pages("one-neuron"))
    it.page.goto(f"{it.page.url}#{DIGITS}/0/delta2")
    it.page.locator("dialog canvas[aria-label='The 10 samples']").wait_for()
    widths = it.evaluate(
        "[...document.querySelectorAll('dialog .scroll canvas')].map(c => c.width)"
    )
    assert widths[0] == widths[1]


def test_filters_leave_what_they_say(pages: Pages, open_page: OpenPage) -> None:
    it = settled(open_page(pages("bp2-sigma-prime-of-a")))
    form, table = it.page.locator(".filters"), it.page.locator(".cells")
    shown = "th[scope=row]:visible"
    form.get_by_label("verdict").select_option("wrong")
    assert "3 of 4 cases" in form.inner_text()
    assert table.locator(shown).count() == 3
    form.get_by_label("layer").select_option("3")
    heads = [each for each in table.locator("thead th:visible").all_inner_texts() if each]
    assert heads[0] == "case"
    assert heads[-1] == "worst"
    assert all(each.endswith("3") for each in heads[1:-1])
    form.get_by_label("quantity").select_option("delta")
    form.get_by_label("case").fill("Square")
    assert table.locator(shown).all_inner_texts()[0].endswith("square-4-4-4-4")
    assert table.locator("td a:visible").count() == 1


def test_what_a_subject_says_is_text(pages: Pages, open_page: OpenPage) -> None:
    it = settled(open_page(pages("hostile")))
    assert HOSTILE in it.page.locator(".subject").inner_text()
    assert "<img src=x onerror=alert(2)>" in it.page.locator("pre").first.inner_text()
    assert it.page.locator("img").count() == 0
    assert it.page.locator("script").count() == 2  # the numbers and the program
    assert HOSTILE in it.page.title()


def test_the_free_run_says_where_it_leaves(pages: Pages, open_page: OpenPage) -> None:
    it = open_page(pages("leaving"))
    assert "leaves at step 0, in w" in it.page.locator(".chart").first.inner_text()
    assert it.page.locator(".chart circle.outside").count() == 10


def test_without_its_script_a_page_says_all_but_the_entries(
    pages: Pages, open_page: OpenPage
) -> None:
    it = open_page(pages("bp2-sigma-prime-of-a"), java_script_enabled=False)
    for part in ("h1", "section.equation math", ".line.blamed", ".worked", ".cells", ".chart svg"):
        assert it.page.locator(part).first.is_visible(), part
    assert not it.page.locator(".filters").is_visible()


def test_it_prints_on_paper(pages: Pages, open_page: OpenPage, tmp_path: Path) -> None:
    it = settled(open_page(pages("bp2-sigma-prime-of-a")))
    it.page.emulate_media(media="print")
    assert not it.page.locator(".filters").is_visible()
    assert it.page.locator(".cells").is_visible()
    it.page.pdf(path=tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").stat().st_size > 10_000


def test_several_subjects_have_addresses_of_their_own(open_page: OpenPage, tmp_path: Path) -> None:
    both = [check(each, case="hand-2-3-1", detailed=True) for each in ("reference", wrong_at("Z"))]
    path = tmp_path / "both.html"
    path.write_text(page(both, "pytest"), "utf-8")
    it = settled(open_page(path))
    assert it.page.locator("article").count() == 2
    assert it.page.title() == "2 subjects: 1 conformant"
    first = it.page.get_by_role("navigation", name="Subjects").inner_text().split("\n")
    assert [line[0] for line in first] == ["✓", "✗"]
    it.page.goto(f"{it.page.url}#2:hand-2-3-1/0/z2")
    it.page.locator("dialog[open]").wait_for()
    assert "wrong" in it.page.locator("dialog h2").inner_text()


def test_numbers_that_are_none_are_drawn(open_page: OpenPage, tmp_path: Path) -> None:
    subject = answering(lambda batch: {"z2": np.full((3, batch.m), np.nan)})
    path = tmp_path / "nan.html"
    path.write_text(page([check(subject, case="hand-2-3-1", detailed=True)], "x"), "utf-8")
    it = settled(open_page(path))
    it.page.goto(f"{it.page.url}#hand-2-3-1/0/z2")
    it.page.locator("dialog canvas").first.wait_for()
    assert "not a number" in it.page.locator("dialog .scale").inner_text()
