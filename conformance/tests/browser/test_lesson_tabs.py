"""The tabs of the lesson: one number is changed, a known mistake is made, the network is trained.

Left out: the walk (`test_lesson_use.py`).
"""

from typing import Any

import pytest

from conformance.explain.formulas import written
from conformance.explain.show_step import example
from conformance.explain.worked import Worked
from conformance.lesson.lesson_data import broken_steps, known
from conformance.tests.browser.lessons import Learn
from reference.backprop import step
from reference.equations import BOOK
from reference.step import Batch, Parameters

# One number is changed


def test_the_tangent_is_the_gradient_and_the_curve_the_cost(learn: Learn) -> None:
    it = learn(example(sizes=(2, 3, 1), samples=2), mistakes=False)
    it.page.get_by_role("tab", name="Change").click()
    off = it.evaluate("""turnable().map((key) => {
      const h = 1e-5, at = valueOf(key);
      const slope = (costAt(key, at + h) - costAt(key, at - h)) / (2 * h);
      return [key, Math.abs(slope - slopeOf(key))];
    })""")
    assert {key[0] for key, _ in off} == {"x", "b", "w"}
    assert [key for key, error in off if error > 1e-9] == []  # h² and a rounding of C over h
    it.page.get_by_label("Number", exact=True).select_option("w3:0,1")
    before = it.evaluate("state.made.cost.at(0, 0)")
    slider = it.page.get_by_label("Value", exact=True)
    slider.press("ArrowRight")
    cost, slope = it.evaluate("[state.made.cost.at(0, 0), slopeOf('w3:0,1')]")
    assert cost != before
    assert written(slope, 4) in it.page.locator("#slope").inner_text()
    titles = it.page.locator("#curve .title").all_text_contents()
    assert titles == ["w30,1", "C, the cost"]
    it.page.locator("#unturn").click()
    assert it.evaluate("state.made.cost.at(0, 0)") == before


def test_a_click_in_the_drawing_chooses_the_number(learn: Learn) -> None:
    it = learn(example(sizes=(2, 3, 1)), mistakes=False)
    for part, key in {"2:1": "b2:1,0", "1:1": "x:1,0"}.items():
        it.page.locator(f"[data-part='{part}'] circle").click(force=True)
        assert it.page.get_by_label("Number", exact=True).input_value() == key
        assert it.page.get_by_role("tab", selected=True).inner_text() == "Change"
    it.page.locator("[data-part='3:0,1'] .touch").click(position={"x": 80, "y": 1}, force=True)
    assert it.page.get_by_label("Number", exact=True).input_value() == "w3:0,1"


# A known mistake


def test_a_mistake_is_shown_as_the_checker_judges_it(learn: Learn) -> None:
    worked = example(sizes=(2, 3, 1))
    it = learn(worked)
    it.page.get_by_role("tab", name="Break it").click()
    choice = it.page.get_by_label("Mistake", exact=True)
    assert it.page.locator("#mistake option").count() == len(known())
    for id_, broken in broken_steps(worked).items():
        choice.select_option(id_)
        told = it.page.locator("#compared tbody tr")
        quantities: dict[str, Any] = broken["quantities"]
        statuses = [str(each["status"]) for each in quantities.values()]
        assert told.evaluate_all("all => all.map((row) => row.className)") == statuses
        verdict = it.page.locator("#verdict").inner_text()
        assert ("Every number is right" in verdict) == ("fail" not in statuses)
        assert ("The checker: " in verdict) == ("fail" in statuses)
        assert it.page.locator(".mistake:visible").get_attribute("data-id") == id_
    choice.select_option("bp2-no-sigma-prime")
    assert "BP2 is wrong at layer 2" in it.page.locator("#verdict").inner_text()
    marked = "[...document.querySelectorAll('#drawing .fail')].map((each) => each.dataset.part)"
    assert it.evaluate(marked) == ["2:0", "2:1", "2:2"]
    it.page.get_by_text("In its own words").click()
    assert "delta2 differs at neuron" in it.page.locator("#says pre").inner_text()
    choice.select_option("sums-for-means")
    assert "Nobody can see it with: m = 1" in it.page.locator("#breaking").inner_text()


# Training


def trained(worked: Worked, steps: int) -> float:
    """The cost before the last of so many right steps."""
    given = worked.given
    now, batch, cost = Parameters.of(given), Batch(given["x"], given["y"]), 0.0
    for _ in range(steps):
        taken = step(now, batch, worked.case.eta, 0.0, BOOK)
        cost, now = float(taken.cost), Parameters(taken.w, taken.b)
    return cost


def test_the_cost_falls_as_in_the_reference(learn: Learn) -> None:
    worked = example(sizes=(2, 3, 1), samples=2)
    it = learn(worked, mistakes=False)
    it.page.clock.install()
    it.page.get_by_role("tab", name="Train").click()
    it.page.get_by_role("button", name="One step").click()
    it.page.get_by_role("button", name="Run", exact=True).click()
    it.page.clock.run_for(60_000)
    costs = it.evaluate("training.costs")
    assert len(costs) == 100
    assert costs[-1] == pytest.approx(trained(worked, 100), rel=1e-9)
    assert costs[-1] < costs[0]
    told = it.page.locator("#trained").inner_text()
    assert told == "After 99 steps the cost is 8.629·10⁻⁵; it was 0.1137."
    assert it.page.locator("#costs .title").all_text_contents() == ["step", "C, the cost"]
    it.page.get_by_role("button", name="Start again").click()
    assert it.evaluate("training.costs.length") == 1
