"""The lesson in a browser: its arithmetic is judged as every port is, and what a student does works.

Left out: the page as text (`../test_lesson.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from conformance.compare import RESTARTED, Status, Target, Verdict, judge, recorded_truth
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.lesson import page as pages
from conformance.lesson.page import lesson
from conformance.oracle import expectations
from conformance.smallest.exactly import exactly
from conformance.smallest.lines import parts_of
from conformance.smallest.pieces import NBSP
from conformance.smallest.show import example
from conformance.smallest.worked import Worked
from conformance.tests.browser.pages import Opened, OpenPage, Theme
from conformance.tests.support import recorded
from reference.backprop import step
from reference.equations import BOOK, COSTS
from reference.step import Array, Batch, Parameters, causal_order

CASES = [case.id for case in store.cases(store.root(), dtype="float64")]
LARGE = "mnist-784-30-10"

Learn: TypeAlias = Callable[..., Opened]


@pytest.fixture
def learn(open_page: OpenPage, tmp_path: Path) -> Learn:
    """Opens the lesson of a worked example."""

    def opened(worked: Worked, width: str = "wide", theme: Theme = "light", **more: bool) -> Opened:
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


@pytest.mark.parametrize("id_", CASES)
def test_the_page_computes_what_is_recorded(id_: str, learn: Learn) -> None:
    it = learn(example(id_))
    assert set(computed(it)) == set(causal_order(recorded(id_).case.layers))
    wrong = [each for each in judged(it, id_) if each.status is not Status.PASS]
    assert [each.name for each in wrong if each.problem != "no bound can be given"] == []


@pytest.mark.parametrize(
    ("right", "wrong", "blamed"),
    [
        ("sigma(z) * (1 - sigma(z))", "z * (1 - z)", ["delta3", "delta2"]),
        ("w.at(i, j) * delta", "w.at(j, i) * delta", ["delta2"]),
        ("b.at(j, 0) - eta", "b.at(j, 0) + eta", ["b2", "b3"]),
    ],
)
def test_a_page_that_computes_wrong_is_blamed(
    right: str, wrong: str, blamed: list[str], learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = pages.text_of

    def broken(name: str) -> str:
        assert text("network.js").count(right) == 1
        return text(name).replace(right, wrong) if name == "network.js" else text(name)

    monkeypatch.setattr(pages, "text_of", broken)
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
    lines = (" ".join(parts_of(line)).replace(NBSP, " ") for line in worked.lines)
    return [" ".join(line.split()) for line in lines]


@pytest.mark.parametrize("id_", CASES)
def test_the_page_shows_what_the_terminal_prints(id_: str, learn: Learn) -> None:
    worked = example(id_)
    assert shown(learn(worked)) == printed(worked)
