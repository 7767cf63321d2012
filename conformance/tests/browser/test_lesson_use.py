"""What the lesson shows and how it is walked; by everybody.

One page is opened for as many questions as do not disturb each other. Left out: its arithmetic
(`test_lesson.py`), numbers that are changed, mistakes and training (`test_lesson_tabs.py`).
"""

from itertools import product

import numpy as np
import pytest

from conformance.explain.show_step import example
from conformance.tests.browser.lessons import LARGE, SMALL, Learn
from conformance.tests.browser.pages import Opened, Theme
from conformance.tests.parts import part

SCREENS = {"wide": (1280, 800), "narrow": (390, 844)}


def on_screen(it: Opened, width: str) -> Opened:
    """The page at the size of a laptop or of a telephone."""
    across, down = SCREENS[width]
    it.page.set_viewport_size({"width": across, "height": down})
    return it


def symbols(it: Opened) -> list[str]:
    """The symbols of the steps of the walk."""
    told: list[str] = it.evaluate("steps.map(({ symbol }) => symbol)")
    return told


def go(it: Opened, symbol: str) -> None:
    """Walk to the step of this symbol, the update of a parameter aside."""
    it.evaluate(f"walkTo({symbols(it).index(symbol)})")


TOUCHING = """(() => {
  const boxes = (selector) => [...document.querySelectorAll(selector)]
    .filter((each) => each.tagName !== 'text' || each.textContent)
    .map((each) => [each.textContent || each.tagName, each.getBoundingClientRect()]);
  const touch = ([, a], [, b]) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const texts = boxes('#drawing text'), [[, all]] = boxes('#drawing');
  const labels = boxes('#drawing .name, #drawing .note, #drawing .beside');
  const shapes = boxes('#drawing circle, #drawing .neuron > rect:not(.plate)');
  const wide = ([, a], [, b]) => a.left < b.left || a.right > b.right;
  return [
    ...texts.flatMap((a, i) => texts.slice(i + 1).filter((b) => touch(a, b))
      .map((b) => `${a[0]} touches ${b[0]}`)),
    ...labels.flatMap((a) => shapes.filter((b) => touch(a, b)).map((b) => `${a[0]} on ${b[0]}`)),
    ...texts.filter(([, a]) => a.left < all.left || a.right > all.right || a.top < all.top
      || a.bottom > all.bottom).map(([text]) => `${text} is cut`),
    ...[...document.querySelectorAll('.neuron:has(.value:not(:empty))')].filter((each) => wide(
      ['', each.querySelector('.value').getBoundingClientRect()],
      ['', each.firstChild.getBoundingClientRect()])).map((each) => `${each.textContent}: wide`),
    ...[...edges.values()].filter(({ texts: all_, label }) => all_?.length && !label.textContent)
      .map(({ texts: [text] }) => `${text} is left out`),
    ...[...document.querySelectorAll('.plate + :is(.name, .note):not(:empty)')]
      .filter((each) => wide(...[each, each.previousSibling]
        .map((one) => ['', one.getBoundingClientRect()])))
      .map((each) => `lines show through ${each.textContent}`),
  ];
})()"""


@pytest.mark.parametrize(
    ("sizes", "width"),
    part(
        [*product([(2, 3, 1), (1, 1, 1), (3, 4, 2)], SCREENS)],
        lambda each: each[0],
        lambda each: each[1],
        slow=lambda each: each[1] == "wide",  # where more fits
    ),
)
def test_no_label_touches_another_at_any_step(
    sizes: tuple[int, ...], width: str, learn: Learn
) -> None:
    it = on_screen(learn(example(sizes=sizes), mistakes=False), width)
    script = f"steps.map((_, i) => {{ walkTo(i); return {TOUCHING}; }})"
    assert [each for each in it.evaluate(script) if each] == []
    for tab in ("turning", "training"):
        assert it.evaluate(f"chooseTab('{tab}'); {TOUCHING}") == []


def test_of_mistakes_no_label_touches_another(learn: Learn) -> None:
    it = on_screen(learn(example(sizes=(3, 4, 2))), "narrow")
    script = f"""chooseTab('breaking'); broken.map(([id]) => {{
      byId('mistake').value = id; showMistake(); return {TOUCHING}; }})"""
    assert [each for each in it.evaluate(script) if each] == []


@pytest.mark.parametrize("width", SCREENS)
def test_the_first_screen_has_the_network_the_equation_and_its_numbers(
    width: str, learn: Learn
) -> None:
    it = on_screen(learn(example(sizes=(2, 3, 1))), width)
    for selector in ("#drawing", "#play", "#scrub", "#now", "#equation", "#why"):
        box = it.page.locator(selector).bounding_box()
        assert box is not None, selector
        assert box["y"] + box["height"] <= SCREENS[width][1], selector
    assert it.page.locator("#equation .result").inner_text().endswith("1.125")
    assert not it.page.locator("#given").is_visible()
    assert it.sideways() == 0
    assert it.evaluate(TOUCHING) == []


def test_a_layer_stands_above_and_an_index_below(learn: Learn) -> None:
    """Wherever a symbol is shown, also in a power and in a drawing."""
    it = learn(example(sizes=(2, 3, 1)))
    for i in range(len(symbols(it))):
        it.evaluate(f"walkTo({i})")
        text = it.page.locator(".stage").inner_text()
        assert not any(sign in text for sign in "[]^"), text
    go(it, "a2[1]")
    assert it.page.locator("#equation .numbers sup").inner_text() == "−2.9375"
    places = it.evaluate("""(() => [...document.querySelectorAll('#drawing .made .name tspan')]
      .map((each) => each.getBoundingClientRect().top))()""")
    letter, layer, index = places
    assert layer < letter < index


# The walk


def test_each_step_says_why_its_factors_are_there(learn: Learn) -> None:
    it = learn(example(sizes=(2, 3, 1)))
    go(it, "δ2[1]")
    assert it.page.locator("#now").inner_text() == "BP2 the error of layer 2"
    aloud = it.page.locator("#spoken").inner_text()
    assert aloud == (
        "the error δ of neuron 1, layer 2 is −0.0016561. z of neuron 1, layer 2 reaches the cost "
        "only through a of neuron 1, layer 2, and a of neuron 1, layer 2 reaches it along one "
        "path, through layer 3. Factors along a path are multiplied."
    )
    assert it.page.locator("#drawing-said").text_content() == aloud
    path = it.evaluate("""(() => [...document.querySelectorAll('#drawing [data-part]')]
      .filter((each) => !each.classList.contains('pale'))
      .map((each) => each.dataset.part).sort())()""")
    assert path == ["2:1", "3:0", "3:0,1", "cost", "cost:0"]


PRODUCTS = """(() => {
  const bad = [];
  let seen = 0;
  for (const step of steps) {
    const whole = DERIVATIVES[step.quantity], { factors } = step.row;
    if (!whole || step.slope || !factors.length) continue;
    const value = (factor, path) => valueOfFactor({ ...factor, path }, step)[1];
    const parallel = ({ top, bottom }) => /\\+1/.test(top + bottom);
    const product = (all, path) => all.reduce((so, factor) => so * value(factor, path), 1);
    const each = factors.filter(parallel), shared = product(factors.filter((f) => !parallel(f)));
    const paths = each.length ? aboveOf(step) : 1;
    let total = 0;
    for (let path = 0; path < paths; path++) total += product(each, path) * shared;
    const number = valueOf(step.key);
    seen += 1;
    if (Math.abs(total - number) > 1e-12 * Math.abs(number)) bad.push([step.symbol, total, number]);
  }
  return [seen, bad];
})()"""


@pytest.mark.parametrize("of", ["small-quadratic", "small-cross-entropy", "tanh-4-4-4-3"])
def test_the_product_of_the_factors_is_the_number(of: str, learn: Learn) -> None:
    """Up to rounding: the factors are multiplied in another order."""
    worked = example(sizes=(3, 4, 2), cost=of[6:]) if of.startswith("small") else example(of)
    it = learn(worked, mistakes=False)
    if worked.given["x"].shape[1] > 1:  # then a gradient is the mean of such products
        it.evaluate("steps = steps.filter(({ quantity }) => quantity === 'delta')")
    seen, bad = it.evaluate(PRODUCTS)
    assert (seen > 2, bad) == (True, [])


def test_it_is_walked_with_keys_buttons_and_the_slider(learn: Learn, width: str) -> None:
    it = learn(example(SMALL), width)
    count = it.page.locator("#count")
    total = len(symbols(it))
    it.page.keyboard.press("ArrowRight")
    it.page.get_by_role("button", name="Next", exact=True).click()
    assert count.inner_text() == f"3 of {total}"
    it.page.keyboard.press("ArrowLeft")
    it.page.get_by_role("button", name="Back", exact=True).click()
    assert count.inner_text() == f"1 of {total}"
    assert it.page.locator("#back").get_attribute("aria-disabled") == "true"
    it.page.get_by_label("Step", exact=True).press("End")
    assert count.inner_text() == f"{total} of {total}"
    assert it.page.locator("#next").get_attribute("aria-disabled") == "true"
    said = it.page.get_by_label("Step", exact=True).get_attribute("aria-valuetext")
    assert said == f"step {total} of {total}: the weight w from neuron 2 to neuron 0 of layer 3"
    it.page.get_by_role("button", name="Gradient", exact=True).click()
    assert it.page.locator("#now .tag").inner_text() == "BP3"
    it.page.get_by_role("button", name="Go to the error δ of neuron 1, layer 2").click()
    assert it.page.locator(".line[aria-current]").get_attribute("data-key") == "delta2:1,0"
    assert it.page.locator("#now").is_visible()


def test_it_plays_to_the_end_and_can_be_stopped(learn: Learn) -> None:
    it = learn(example(sizes=(1, 1, 1)), mistakes=False)
    it.page.clock.install()
    play = it.page.locator("#play")
    play.click()
    assert play.inner_text() == "Pause"
    it.page.clock.run_for(4000)
    play.click()
    assert (play.inner_text(), it.evaluate("current")) == ("Play", 2)
    play.click()
    it.page.clock.run_for(80_000)
    total = len(symbols(it))
    assert (play.inner_text(), it.evaluate("current")) == ("Play", total - 1)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_values_flow_forward_and_errors_back_unless_motion_is_reduced(
    motion: str, learn: Learn
) -> None:
    it = learn(example(SMALL), mistakes=False, reduced_motion=motion)
    travels = """(i) => { walkTo(i, { move: true }); return travelsOf(steps[i])
      .map(([from, to]) => Math.sign(to[0] - from[0])); }"""
    order = symbols(it)
    forward = it.page.evaluate(travels, order.index("z2[1]"))
    back = it.page.evaluate(travels, order.index("δ2[1]"))
    assert (set(forward), set(back)) == ({1}, {-1})
    moving = it.evaluate("document.querySelectorAll('.flowing circle').length")
    assert moving == (0 if motion == "reduce" else len(back))


def test_a_line_has_the_size_and_the_sign_of_its_number(learn: Learn) -> None:
    it = learn(example(sizes=(2, 3, 1)), mistakes=False)
    weights = example(sizes=(2, 3, 1)).given["w2"]
    lines = """[...edges].filter(([part]) => part.startsWith('2:')).map(([, { line }]) =>
      [Number(line.getAttribute('stroke-width')), getComputedStyle(line).strokeDasharray])"""
    drawn = it.evaluate(lines)
    widths = [width for width, _ in drawn]
    assert list(np.argsort(widths, kind="stable")) == list(
        np.argsort(abs(weights).ravel(), kind="stable")
    )
    assert [dash != "none" for _, dash in drawn] == list((weights < 0).ravel())
    go(it, "∇w2[2,1]")
    slopes = it.evaluate("state.made.nabla_w2.data.map((each) => each < 0)").values()
    assert [dash != "none" for _, dash in it.evaluate(lines)] == list(slopes)


# For everybody

TABS = ("Explain", "Change", "Break it", "Train")


@pytest.mark.parametrize(
    ("width", "theme", "tabs"),
    [
        ("wide", "light", TABS[::2]),
        ("narrow", "dark", TABS[1::2]),
        pytest.param("narrow", "dark", TABS[::2], marks=pytest.mark.seldom),
        pytest.param("wide", "light", TABS[1::2], marks=pytest.mark.seldom),
    ],
)
def test_anybody_can_use_it(learn: Learn, width: str, theme: Theme, tabs: tuple[str, ...]) -> None:
    it = learn(example(sizes=(2, 3, 1)), width, theme)
    small = "all => all.map(each => each.getBoundingClientRect()).map(b => [b.width, b.height])"
    seen = "for (const each of document.querySelectorAll('.all, #settings')) each.hidden = true"
    it.page.get_by_text("Set the numbers exactly").click()
    go(it, "δ2[1]")
    for tab in tabs:
        it.page.get_by_role("tab", name=tab).click()
        assert (tab, it.violations(), it.sideways()) == (tab, [], 0)
        sizes = it.page.eval_on_selector_all("button:visible, input:visible, select:visible", small)
        assert [(tab, *each) for each in sizes if min(each) < 24] == []
        it.evaluate(seen)  # axe takes seconds for it
    it.page.get_by_role("tab", name="Train").click()
    it.page.get_by_role("tab", name="Train").press("ArrowRight")
    assert it.page.get_by_role("tab", selected=True).inner_text() == "Explain"


@pytest.mark.parametrize("id_", [LARGE, "layout-3-2-4"])
def test_a_network_of_another_size_fits_too(id_: str, learn: Learn) -> None:
    it = on_screen(learn(example(id_), mistakes=False), "narrow")
    it.evaluate("steps.forEach((_, i) => walkTo(i)); chooseTab('turning'); chooseTab('training')")
    assert it.sideways() == 0
    if id_ == LARGE:
        assert it.violations() == []


def test_it_prints_the_step_and_all_equations(learn: Learn) -> None:
    it = learn(example(SMALL), theme="dark")
    go(it, "δ2[1]")
    it.page.emulate_media(media="print")
    printed = ("#drawing", "#equation", ".all", ".controls", "#settings")
    visible = [it.page.locator(each).is_visible() for each in printed]
    assert visible == [True, True, True, False, False]
    assert it.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_high_contrast_tells_the_signs_apart(learn: Learn) -> None:
    it = learn(example(SMALL), mistakes=False, forced_colors="active")
    dashes = it.evaluate("""[...document.querySelectorAll('.weight .edge')].map((each) =>
      getComputedStyle(each).strokeDasharray)""")
    assert len(set(dashes)) == 2
