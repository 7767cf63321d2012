"""The lesson in a browser: its arithmetic is judged as every port is, and a student can use it.

Left out: the page as text (`../test_lesson.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from conformance.cases.build import recorded_step
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.explain.lines import parts_of, rows
from conformance.explain.pieces import NBSP, SIX, written
from conformance.explain.show import example
from conformance.explain.worked import Worked
from conformance.lesson import page as pages
from conformance.lesson.data import numbers
from conformance.lesson.page import lesson
from conformance.tests.browser.pages import Opened, OpenPage, Theme
from conformance.tests.support import recorded
from conformance.verdict.compare import RESTARTED, Status, Verdict, judge, recorded_truth
from conformance.verdict.deviation import Target
from reference.step import Array, Batch, Parameters, causal_order

CASES = [  # the lesson is of sigmoid layers
    case.id
    for case in store.cases(store.root(), dtype="float64")
    if case.is_of("sigmoid", "sigmoid")
]
SMALL, LARGE = "hand-2-3-1", "mnist-784-30-10"

Learn: TypeAlias = Callable[..., Opened]


@pytest.fixture
def learn(open_page: OpenPage, tmp_path: Path) -> Learn:
    """Opens the lesson of a worked example."""

    def opened(worked: Worked, width: str = "wide", theme: Theme = "light", **more: Any) -> Opened:
        path = tmp_path / f"{worked.case.id}.html"
        path.write_text(lesson(worked), encoding="utf-8")
        return open_page(path, width, theme, **more)

    return opened


def computed(it: Opened) -> dict[str, Array]:
    """All quantities as the page computed them."""
    told = it.page.evaluate("() => globalThis.lesson.quantities()")
    arrays = {name: np.array(rows, dtype=np.float64) for name, rows in told.items()}
    return arrays | {"cost": arrays["cost"].reshape(())}


def judged(it: Opened, id_: str) -> list[Verdict]:
    """The verdicts on the first step of a recorded case, as on that of any subject."""
    given = recorded(id_)
    first = given.steps[0]
    start = (first.parameters, first.batch)
    return judge(given.case, (0, RESTARTED), start, recorded_truth(given, 0), computed(it))


def wrong(verdicts: list[Verdict]) -> list[str]:
    """What is not right; the bound of a cost may be infinite, and then nothing is said of it."""
    unbounded = "no bound can be given"
    return [v.name for v in verdicts if v.status is not Status.PASS and v.problem != unbounded]


@pytest.mark.parametrize("id_", CASES)
def test_the_page_computes_what_is_recorded(id_: str, learn: Learn) -> None:
    it = learn(example(id_))
    assert set(computed(it)) == set(causal_order(recorded(id_).case.layers))
    assert wrong(judged(it, id_)) == []


@pytest.mark.parametrize(
    ("right", "written_for_it", "blamed"),
    [
        ('"delta3"],"prime2"]', '"delta3"],"z2"]', ["delta2"]),
        ('["T","w3"]', '"w3"', ["delta2"]),
        ('["-","b', '["+","b', ["b2", "b3"]),
    ],
)
def test_a_page_whose_table_is_wrong_is_blamed(
    right: str,
    written_for_it: str,
    blamed: list[str],
    learn: Learn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(worked: Worked) -> str:
        text = numbers(worked)
        assert right in text
        return text.replace(right, written_for_it)

    monkeypatch.setattr(pages, "numbers", broken)
    verdicts = judged(learn(example("square-4-4-4-4")), "square-4-4-4-4")
    failed = {each.name for each in verdicts if each.status is Status.FAIL}
    assert failed >= set(blamed)
    assert all(name.rstrip("0123456789") == blamed[0].rstrip("0123456789") for name in failed)


# What is shown


def shown(it: Opened) -> list[str]:
    """The lines of the equations as text."""
    texts = it.page.eval_on_selector_all(".line", "all => all.map(each => each.textContent)")
    return [" ".join(str(text).split()) for text in texts]


def printed(worked: Worked) -> list[str]:
    """The same as the terminal prints them, unbroken."""
    lines = zip(worked.lines, rows(worked), strict=True)
    texts = (" ".join(parts_of(line.name, row)).replace(NBSP, " ") for line, row in lines)
    return [" ".join(text.split()) for text in texts]


def imprecise(id_: str) -> set[str]:
    """The names of the lines with numbers that float64 does not give to the digits that are shown.

    The page computes in float64, the terminal on balls.
    """
    truth, table = recorded_truth(recorded(id_), 0), recorded(id_).case.rows
    found = set()
    for name, each in truth.items():
        some = each.centre != 0
        if np.any(each.tolerance[some] > abs(each.centre[some]) * 10.0**-SIX):
            found.add(name)
    return {name for name in truth if found & {name, *table[name].made}}


@pytest.mark.parametrize("id_", CASES)
def test_the_page_shows_what_the_terminal_prints(id_: str, learn: Learn) -> None:
    worked = example(id_)
    lines = zip(worked.lines, shown(learn(worked)), printed(worked), strict=True)
    other = [(line.name, ours, theirs) for line, ours, theirs in lines if ours != theirs]
    assert [each for each in other if each[0] not in imprecise(id_)] == []


def test_a_number_is_written_as_in_the_terminal(learn: Learn) -> None:
    random = np.random.default_rng(0)
    drawn = random.normal(size=1000) * 10.0 ** random.integers(-12, 12, 1000)
    short = random.integers(-(10**7), 10**7, 1000) / 2.0 ** random.integers(0, 24, 1000)
    edges = [0.0, -0.0, 1e-5, 9.9999995e-5, 999999.5, 1e6, 1e7, 123456.5, 1e300, 5e-324, 0.1 + 0.2]
    numbers = [*drawn, *short, *np.round(drawn, 6), *edges, *np.negative(edges)]
    text = ",".join(map(repr, map(float, numbers)))
    told = learn(example(SMALL)).evaluate(f"[{text}].map((number) => written(number))")
    assert told == [written(float(number)) for number in numbers]


def test_where_no_script_runs_the_lines_are_there(learn: Learn) -> None:
    it = learn(example(SMALL), java_script_enabled=False)
    assert shown(it) == printed(example(SMALL))
    assert "x = [" in it.page.locator("main").inner_text()


# What is changed


def changed(case: Case, start: Parameters, batch: Batch, it: Opened) -> list[str]:
    """What the page computes wrong of a step that is not recorded, proved now."""
    values, bounds = recorded_step(case, start, batch)
    truth = {name: Target(values[name], bounds[name]) for name in values}
    return wrong(judge(case, (0, RESTARTED), (start, batch), truth, computed(it)))


def put(array: Array, index: tuple[int, int], number: float) -> Array:
    """The array with another entry."""
    again = array.copy()
    again[index] = number
    return again


@pytest.mark.parametrize(("id_", "neuron", "source"), [(SMALL, 1, 1), (LARGE, 0, 406)])
def test_what_is_changed_is_computed_again(
    id_: str, neuron: int, source: int, learn: Learn
) -> None:
    first, case = recorded(id_).steps[0], recorded(id_).case
    start, batch, it = first.parameters, first.batch, learn(example(id_))

    def change(symbol: str, number: str) -> list[str]:
        before = shown(it)
        it.page.get_by_label(symbol, exact=True).fill(number)
        assert shown(it) != before
        return changed(case, start, batch, it)

    w = put(start.w[0], (neuron, source), -0.375)
    start = Parameters((w, *start.w[1:]), start.b)
    assert change(f"w2[{neuron},{source}]", "−0.375") == []
    start = Parameters(start.w, (*start.b[:-1], put(start.b[-1], (0, 0), 1.5e-3)))
    assert change("b3" if id_ == SMALL else "b3[0]", "1.5e-3") == []
    batch = Batch(put(batch.x, (source, 0), 2), batch.y)
    assert change(f"x[{source}]" if id_ == SMALL else f"x[{source},0]", " 2 ") == []
    batch = Batch(batch.x, put(batch.y, (0, 0), 0.625))
    assert change("y" if id_ == SMALL else "y[0,0]", "+.625") == []
    case = replace(case, eta=0.25)
    assert change("η", "0.25") == []
    reset = it.page.get_by_role("button", name="Reset every number")
    assert reset.get_attribute("aria-disabled") == "false"
    reset.click()
    assert (it.page.locator(".changed").count(), reset.get_attribute("aria-disabled")) == (
        0,
        "true",
    )
    assert shown(it) == printed(example(id_))
    assert wrong(judged(it, id_)) == []


def test_a_change_is_marked_with_what_was(learn: Learn) -> None:
    it = learn(example(SMALL))
    field = it.page.locator(".field", has=it.page.get_by_label("x[1]"))
    was = it.page.get_by_label("x[1]").input_value()
    it.page.get_by_label("x[1]").fill("0.25")
    assert field.inner_text().split("\n") == ["x[1]", f"was {was}"]
    line = it.page.locator("[data-key='cost:0,0']")
    (cost,) = (each for each in example(SMALL).lines if each.tag == "C")
    assert line.inner_text().endswith(f"was {written(cost.result)}")
    it.page.get_by_label("x[1]").fill(was)
    assert (field.inner_text(), it.page.locator(".was").count()) == ("x[1]", 0)


@pytest.mark.parametrize("text", ["", "-", "1,5", "0x10", "1e999", "NaN", "<b>1</b>"])
def test_what_is_no_number_is_said_and_the_last_one_stays(text: str, learn: Learn) -> None:
    it = learn(example(SMALL))
    before = shown(it)
    label = it.page.get_by_label("η")
    label.fill(text)
    label.press("Tab")
    said = it.page.locator(".field", has=it.page.get_by_label("η")).inner_text()
    assert (said, label.get_attribute("aria-invalid")) == ("η\nnot a number: 0.5 stays", "true")
    assert it.page.locator(f"#{label.get_attribute('aria-describedby')}").is_visible()
    assert shown(it) == before
    label.fill("0.5")
    assert label.get_attribute("aria-invalid") == "false"


def test_the_decay_can_be_changed_where_there_is_one(learn: Learn) -> None:
    case = recorded("square-4-4-4-4").case
    it = learn(example(case.id))
    it.page.get_by_label("λ").fill("0")
    made, first = computed(it), recorded(case.id).steps[0].parameters
    for name, before in zip(("w2", "w3", "w4"), first.w, strict=True):
        assert made[name] == pytest.approx(before - case.eta * made[f"nabla_{name}"], rel=1e-15)
    assert "λ" not in it.page.locator(".line[data-key='w2+:0,0']").inner_text()
    assert learn(example(SMALL)).page.get_by_label("λ").count() == 0


def test_a_phone_offers_the_minus_sign(learn: Learn) -> None:
    """A keypad for decimals has none on some phones, and no point where a comma is usual."""
    assert learn(example(SMALL)).page.locator("#given input[inputmode]").count() == 0


@pytest.mark.parametrize("quantity", ["z3", "delta2", "w2+"])
def test_numbers_in_the_drawing_cover_no_neuron(quantity: str, learn: Learn) -> None:
    it = learn(example("square-4-4-4-4-cross-entropy"))
    it.page.locator(f".line[data-key^='{quantity}:'] .symbol").first.focus()
    boxes = """(selector) => [...document.querySelectorAll(selector)].map((each) => {
      const { left, right, top, bottom } = each.getBoundingClientRect();
      return [left, right, top, bottom];
    })"""
    numbers = it.page.evaluate(boxes, "#drawing .weight:not(:empty)")
    assert numbers
    for left, right, top, bottom in numbers:
        for begin, end, high, low in it.page.evaluate(boxes, "#drawing circle"):
            assert min(right, end) - max(left, begin) < 4 or min(bottom, low) - max(top, high) < 4


CUT = """() => [
  ...[...document.querySelectorAll('.neuron')].filter((each) => {
    const [text, circle] = ['.value', 'circle'].map((part) => each.querySelector(part).getBBox());
    return text.width > circle.width;
  }),
  ...[...document.querySelectorAll('#given input')].filter((each) =>
    each.scrollWidth > each.clientWidth),
].map((each) => each.textContent || each.value)"""


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 3, 1), (4, 5, 3, 2)])
def test_every_number_has_room(sizes: tuple[int, ...], learn: Learn) -> None:
    assert learn(example(sizes=sizes)).page.evaluate(CUT) == []


def test_the_walk_stays_in_reach_on_a_low_screen(learn: Learn) -> None:
    """As one at 200 %."""
    it = learn(example(SMALL))
    it.page.set_viewport_size({"width": 640, "height": 400})
    for _ in range(3):
        button = it.page.get_by_role("button", name="Next").bounding_box()
        assert button is not None
        assert 0 <= button["y"] <= 400 - button["height"]
        it.page.mouse.click(button["x"] + 5, button["y"] + 5)
        line = it.page.locator(".line[aria-current]").bounding_box()
        assert line is not None
        assert line["y"] + line["height"] < button["y"]


def test_high_contrast_tells_a_number_from_its_sources(learn: Learn) -> None:
    it = learn(example(SMALL), forced_colors="active")
    it.page.locator(".line[data-key='delta3:0,0'] .symbol").focus()
    borders = it.page.eval_on_selector_all(
        ".line",
        """lines => lines.map((each) => [each.classList.contains("made"),
          each.classList.contains("source"), Object.values(["Color", "Style", "Width"].map(
            (part) => getComputedStyle(each)[`borderLeft${part}`])).join(" ")])""",
    )
    kinds = {(made, source): border for made, source, border in borders}
    assert len(kinds) == len(set(kinds.values())) == 3


def test_in_a_large_network_one_chooses_the_entry(learn: Learn) -> None:
    it = learn(example(LARGE))
    assert it.page.locator("*").count() < 1500
    choices = {
        "sample s": 2,
        "neuron j of layer 2": 3,
        "from input k": 205,
        "neuron j of layer 3": 7,
    }
    for label, number in choices.items():
        it.page.get_by_label(label, exact=True).fill(str(number))
        it.page.get_by_label(label, exact=True).press("Enter")
    step = recorded(LARGE).steps[0]
    lines = dict(line.split(" = ", 1) for line in shown(it) if " = " in line)
    for symbol, name, index in [
        ("δ2[3,2]", "delta2", (3, 2)),
        ("z3[7,2]", "z3", (7, 2)),
        ("∇w2[3,205]", "nabla_w2", (3, 205)),
        ("∇b3[7]", "nabla_b3", (7, 0)),
    ]:
        assert f"= {written(float(step.expected[name][index]))} (" in lines[symbol]
    assert float(it.page.get_by_label("x[205,2]").input_value()) == step.batch.x[205, 2]
    it.page.get_by_label("neuron j of layer 2").fill("30")
    it.page.get_by_label("neuron j of layer 2").press("Enter")
    assert it.page.get_by_label("neuron j of layer 2").get_attribute("aria-invalid") == "true"
    assert "δ2[3,2]" in " ".join(shown(it))


# Where a number came from


def highlighted(it: Opened) -> dict[str, set[str]]:
    """What is highlighted: lines and fields by their keys, neurons and weights by their places."""

    def every(selector: str, attribute: str) -> set[str]:
        script = f"all => all.map(each => each.getAttribute('{attribute}'))"
        return set(it.page.eval_on_selector_all(selector, script))

    return {
        "made": every("main .made", "data-key"),
        "source": every("main .source", "data-key"),
        "made, drawn": every("#drawing [data-part].made", "data-part"),
        "source, drawn": every("#drawing [data-part].source", "data-part"),
    }


HIGHLIGHTS = {
    "δ2[1]": {
        "made": {"delta2:1,0"},
        "source": {"w3:0,1", "delta3:0,0", "prime2:1,0"},
        "made, drawn": {"2:1"},
        "source, drawn": {"3:0,1", "3:0"},
    },
    "δ3": {
        "made": {"delta3:0,0"},
        "source": {"a3:0,0", "y:0,0", "prime3:0,0"},
        "made, drawn": {"3:0"},
        "source, drawn": set(),
    },
    "z2[2]": {
        "made": {"z2:2,0"},
        "source": {"w2:2,0", "w2:2,1", "x:0,0", "x:1,0", "b2:2,0"},
        "made, drawn": {"2:2"},
        "source, drawn": {"2:2,0", "2:2,1", "1:0", "1:1"},
    },
    "∇w2[2,0]": {
        "made": {"nabla_w2:2,0"},
        "source": {"delta2:2,0", "x:0,0"},
        "made, drawn": {"2:2,0"},
        "source, drawn": {"2:2", "1:0"},
    },
}


@pytest.mark.parametrize("symbol", HIGHLIGHTS)
@pytest.mark.parametrize("how", ["hover", "focus", "tap"])
def test_a_number_shows_what_it_was_made_of(symbol: str, how: str, learn: Learn) -> None:
    it = learn(example(SMALL), has_touch=how == "tap")
    nothing = highlighted(it)
    assert not any(nothing.values())
    button = it.page.get_by_role("button", name=symbol, exact=True)
    {"hover": button.hover, "focus": button.focus, "tap": button.tap}[how]()
    assert highlighted(it) == HIGHLIGHTS[symbol]
    assert "marked" in str(it.page.locator("#drawing").get_attribute("class"))
    if how == "hover":
        it.page.locator("h1").hover()
        assert highlighted(it) == nothing


def test_a_number_put_in_shows_where_it_came_from(learn: Learn) -> None:
    it = learn(example(SMALL))
    it.page.locator("[data-key='delta2:1,0'] .numbers [data-of='w3:0,1']").hover()
    assert highlighted(it)["source"] == {"w3:0,1"}


def test_of_a_long_sum_all_terms_take_part(learn: Learn) -> None:
    it = learn(example(LARGE))
    it.page.get_by_role("button", name="δ2[0,0]", exact=True).hover()
    drawn = highlighted(it)["source, drawn"]
    assert drawn == {f"3:{j}" for j in range(10)} | {f"3:{j},0" for j in range(10)}


# The walk


def current(it: Opened) -> str:
    """The symbol of the line at which the walk is."""
    return it.page.locator("[aria-current=step] .symbol").inner_text()


def test_the_keys_walk_through_the_equations(learn: Learn, width: str) -> None:
    it = learn(example(SMALL), width)
    symbols = [line.symbol for line in example(SMALL).lines]
    walked = []
    for _ in symbols:
        it.page.keyboard.press("ArrowRight")
        walked.append(current(it))
        assert it.page.locator("[aria-current=step]").bounding_box() is not None
    assert walked == symbols
    it.page.keyboard.press("ArrowRight")
    assert current(it) == symbols[-1]
    it.page.keyboard.press("ArrowLeft")
    assert current(it) == symbols[-2]
    made, line = highlighted(it)["made"], example(SMALL).lines[-2]
    assert made == {f"{line.name}+:{line.index[0]},{line.index[1]}"}
    spoken = it.page.locator("[aria-live=polite]").inner_text()
    assert (
        spoken == f"{len(symbols) - 1} of {len(symbols)} W {line.symbol} ← {written(line.result)}"
    )


def test_the_line_of_the_walk_is_in_sight(learn: Learn, width: str) -> None:
    it = learn(example(SMALL), width)
    next_, back = (it.page.get_by_role("button", name=name) for name in ("Next", "Back"))
    for _ in range(20):
        next_.click()
        line = it.page.locator("[aria-current=step]").bounding_box()
        assert line is not None
        top = 0.0
        if width == "narrow":  # where the drawing stands above the lines
            aside = it.page.locator("aside").bounding_box()
            assert aside is not None
            top = aside["y"] + aside["height"]
        assert top <= line["y"] <= {"wide": 800, "narrow": 740}[width] - line["height"]
    there = current(it)
    next_.click()
    back.click()
    assert current(it) == there


def test_the_keys_in_a_field_stay_there(learn: Learn) -> None:
    it = learn(example(SMALL))
    it.page.get_by_label("η").press("ArrowRight")
    assert it.page.locator("[aria-current]").count() == 0


def test_enter_on_a_line_goes_there(learn: Learn) -> None:
    it = learn(example(SMALL))
    it.page.get_by_role("button", name="δ3", exact=True).press("Enter")
    assert current(it) == "δ3"


# For everybody


@pytest.mark.parametrize("id_", [SMALL, LARGE, "layout-3-2-4"])
def test_anybody_can_use_it(id_: str, learn: Learn, width: str, theme: Theme) -> None:
    it = learn(example(id_), width, theme)
    assert (it.violations(), it.sideways()) == ([], 0)
    it.page.get_by_label("η").fill("2")
    field = it.page.locator("input[type=text]").first
    field.fill("nonsense")
    field.press("Tab")
    it.page.locator(".symbol").nth(7).click()
    assert (it.violations(), it.sideways()) == ([], 0)


def test_every_target_is_large_enough(learn: Learn, width: str) -> None:
    it = learn(example(SMALL), width)
    sizes = "all => all.map(each => each.getBoundingClientRect()).map(b => [b.width, b.height])"
    for across, down in it.page.eval_on_selector_all("button, input", sizes):
        assert min(across, down) >= 24
