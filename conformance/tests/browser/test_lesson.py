"""The lesson in a browser: its arithmetic is judged as every port is, and a student can use it.

Left out: what it shows and how it is used (`test_lesson_use.py`), the page as text
(`../test_lesson.py`).
"""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases.build import recorded_step
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.explain.formulas import NBSP, SIX, written
from conformance.explain.show_step import example
from conformance.explain.step_lines import parts_of, rows
from conformance.explain.worked import Worked
from conformance.lesson import page as pages
from conformance.lesson.lesson_data import numbers
from conformance.model.update_kinds import SGD
from conformance.tests.browser.lessons import LARGE, SMALL, Learn
from conformance.tests.browser.pages import Opened
from conformance.tests.parts import part
from conformance.tests.support import recorded
from conformance.verdict.compare import RESTARTED, Status, Verdict, judge, recorded_truth
from conformance.verdict.deviation import Target
from reference.step import Array, Batch, Parameters, causal_order


def chosen() -> list[str]:
    """Cases in float64 of each family and cost, of each number of layers and of samples.

    Of the large ones one is enough; there is no lesson of dropout.
    """
    found = [
        case
        for case in store.cases(store.root(), dtype="float64")
        if case.update == SGD and not case.masks and (max(case.sizes) < 100 or case.id == LARGE)
    ]
    kinds = (
        lambda case: (frozenset(case.activations[:-1]), case.activations[-1], case.cost),
        lambda case: len(case.sizes),
        lambda case: len(case.batches[0]),
        lambda case: (case.lmbda == 0, case.id == LARGE),
    )
    return [case.id for case in part(found, *kinds)]


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


def lines(it: Opened) -> list[str]:
    """The lines of the equations as text."""
    told: list[str] = it.page.evaluate("() => globalThis.lesson.lines()")
    return [" ".join(line.split()) for line in told]


def printed(worked: Worked) -> list[str]:
    """The same as the terminal prints them, unbroken."""
    both = zip(worked.lines, rows(worked), strict=True)
    texts = (" ".join(parts_of(line.name, row)).replace(NBSP, " ") for line, row in both)
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


@pytest.mark.parametrize("id_", chosen())
def test_the_page_computes_what_is_recorded_and_shows_what_the_terminal_prints(
    id_: str, learn: Learn
) -> None:
    worked = example(id_)
    it = learn(worked, mistakes=False)
    assert set(computed(it)) == set(causal_order(recorded(id_).case.layers))
    assert wrong(judged(it, id_)) == []
    both = zip(worked.lines, lines(it), printed(worked), strict=True)
    other = [(line.name, ours, theirs) for line, ours, theirs in both if ours != theirs]
    assert [each for each in other if each[0] not in imprecise(id_)] == []


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
    verdicts = judged(learn(example("square-4-4-4-4"), mistakes=False), "square-4-4-4-4")
    failed = {each.name for each in verdicts if each.status is Status.FAIL}
    assert failed >= set(blamed)
    assert all(name.rstrip("0123456789") == blamed[0].rstrip("0123456789") for name in failed)


def test_a_number_is_written_as_in_the_terminal(learn: Learn) -> None:
    random = np.random.default_rng(0)
    drawn = random.normal(size=1000) * 10.0 ** random.integers(-12, 12, 1000)
    short = random.integers(-(10**7), 10**7, 1000) / 2.0 ** random.integers(0, 24, 1000)
    edges = [0.0, -0.0, 1e-5, 9.9999995e-5, 999999.5, 1e6, 1e7, 123456.5, 1e300, 5e-324, 0.1 + 0.2]
    all_ = [*drawn, *short, *np.round(drawn, 6), *edges, *np.negative(edges)]
    text = ",".join(map(repr, map(float, all_)))
    it = learn(example(SMALL), mistakes=False)
    assert it.evaluate(f"[{text}].map((number) => written(number))") == [
        written(float(number)) for number in all_
    ]


def test_where_no_script_runs_the_lines_are_there(learn: Learn) -> None:
    it = learn(example(SMALL), java_script_enabled=False)
    texts = it.page.eval_on_selector_all(".line", "all => all.map(each => each.textContent)")
    assert [" ".join(str(text).split()) for text in texts] == printed(example(SMALL))
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


@pytest.mark.parametrize(
    ("id_", "neuron", "source"),
    [(SMALL, 1, 1), pytest.param(LARGE, 0, 406, marks=pytest.mark.seldom)],
)
def test_what_is_changed_is_computed_again(
    id_: str, neuron: int, source: int, learn: Learn
) -> None:
    first, case = recorded(id_).steps[0], recorded(id_).case
    start, batch, it = first.parameters, first.batch, learn(example(id_), mistakes=False)
    it.page.get_by_text("Set the numbers exactly").click()

    def change(key: str, number: str) -> list[str]:
        before = lines(it)
        it.page.locator(f"[data-key='{key}'] input").fill(number)
        assert lines(it) != before
        return changed(case, start, batch, it)

    w = put(start.w[0], (neuron, source), -0.375)
    start = Parameters((w, *start.w[1:]), start.b)
    assert change(f"w2:{neuron},{source}", "−0.375") == []
    start = Parameters(start.w, (*start.b[:-1], put(start.b[-1], (0, 0), 1.5e-3)))
    assert change("b3:0,0", "1.5e-3") == []
    batch = Batch(put(batch.x, (source, 0), 2), batch.y)
    assert change(f"x:{source},0", " 2 ") == []
    batch = Batch(batch.x, put(batch.y, (0, 0), 0.625))
    assert change("y:0,0", "+.625") == []
    case = replace(case, eta=0.25)
    assert change("eta", "0.25") == []
    reset = it.page.locator("#reset")
    assert reset.get_attribute("aria-disabled") == "false"
    reset.click()
    assert (it.page.locator(".changed").count(), reset.get_attribute("aria-disabled")) == (
        0,
        "true",
    )
    assert lines(it) == printed(example(id_))
    assert wrong(judged(it, id_)) == []


def test_the_decay_can_be_changed_where_there_is_one(learn: Learn) -> None:
    case = recorded("square-4-4-4-4").case
    it = learn(example(case.id), mistakes=False)
    it.page.get_by_text("Set the numbers exactly").click()
    it.page.get_by_label("the weight decay").fill("0")
    made, first = computed(it), recorded(case.id).steps[0].parameters
    for name, before in zip(("w2", "w3", "w4"), first.w, strict=True):
        assert made[name] == pytest.approx(before - case.eta * made[f"nabla_{name}"], rel=1e-15)
    assert not any("λ" in line for line in lines(it))
    assert learn(example(SMALL), mistakes=False).page.get_by_label("the weight decay").count() == 0


WORDS = ["", "-", "1,5", "0x10", "1e999", "NaN", "<b>1</b>"]


def test_a_field_says_what_is_wrong_and_what_was(learn: Learn) -> None:
    it = learn(example(SMALL), mistakes=False)
    it.page.get_by_text("Set the numbers exactly").click()
    before, label = lines(it), it.page.get_by_label("the learning rate")
    said = it.page.locator(f"#{label.get_attribute('aria-describedby')}")
    for text in WORDS:
        label.fill(text)
        label.press("Tab")
        assert said.inner_text() == "not a number: 0.5 stays"
        assert label.get_attribute("aria-invalid") == "true"
        assert lines(it) == before
    label.fill("0.25")
    assert (label.get_attribute("aria-invalid"), said.inner_text()) == ("false", "was 0.5")
    assert it.page.locator("[data-key='w3+:0,0'] .was").inner_text().startswith("was ")
    label.fill("0.5")
    assert (said.inner_text(), it.page.locator(".was").count(), lines(it)) == ("", 0, before)
    keypads = it.page.locator("#given input[inputmode]")  # one for decimals may have no minus
    assert keypads.count() == 0


def test_in_a_large_network_one_chooses_the_entry(learn: Learn) -> None:
    it = learn(example(LARGE))
    assert it.page.locator("*").count() < 2000
    it.page.get_by_text("Set the numbers exactly").click()
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
    shown = dict(line.split(" = ", 1) for line in lines(it) if " = " in line)
    for symbol, name, index in [
        ("δ2[3,2]", "delta2", (3, 2)),
        ("z3[7,2]", "z3", (7, 2)),
        ("∇w2[3,205]", "nabla_w2", (3, 205)),
        ("∇b3[7]", "nabla_b3", (7, 0)),
    ]:
        assert f"= {written(float(step.expected[name][index]))} (" in shown[symbol]
    it.page.get_by_label("neuron j of layer 2").fill("30")
    it.page.get_by_label("neuron j of layer 2").press("Enter")
    assert it.page.get_by_label("neuron j of layer 2").get_attribute("aria-invalid") == "true"
    assert any("δ2[3,2]" in line for line in lines(it))
