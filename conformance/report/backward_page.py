"""What is known of a backward pass as one page of HTML: the line, why, and the two passes drawn.

What comes from the program (names, its lines) is data and never markup. Left out: the drawing
(`page/passes_drawing.py`), and the words (`backward_words.py`).
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from conformance.backward.findings import Accused, Examined, Judged, Line, Named, Passed
from conformance.report import document
from conformance.report.backward_markdown import COLUMNS, row
from conformance.report.backward_words import (
    FACTOR,
    conventions,
    details,
    headline,
    in_one_line,
    notes,
    why,
    wrong_words,
)
from conformance.report.page.highlight import excerpt
from conformance.report.page.markup import Child, append, coloured, element, markup, quoted
from conformance.report.page.passes_drawing import drawings
from conformance.report.sentence import SIGNS

AROUND = 3  # lines of source before and after the one to blame


def as_page(name: str, examined: Examined, further: Sequence[str] = ()) -> str:
    """The whole report as one page of HTML, which needs nothing from elsewhere.

    Args:
        name: of the program.
        examined: what is known of it.
        further: sentences that stand at the end.
    """
    return whole(in_one_line(name, examined), [article(name, examined, further)])


def whole(title: str, articles: Sequence[ET.Element]) -> str:
    """A page of some articles."""
    folder = files("conformance.report.page")
    style = "".join((folder / each).read_text("utf-8") for each in ("page.css", "backward.css"))
    return document.whole(title, style, "", markup(articles))


def article(name: str, examined: Examined, further: Sequence[str] = ()) -> ET.Element:
    """The report on one program; see `as_page`."""
    kind = "pass" if examined.ok else "fail"
    badge = element("span", SIGNS[int(not examined.ok)], class_=f"badge {kind}", aria_hidden="true")
    head = element(
        "header",
        element(
            "p",
            element("span", "backprop conformance", class_="label"),
            " ",
            element("code", name),
            class_="subject",
        ),
        element("h1", badge, " ", headline(examined)),
    )
    said = [*conventions(examined), *notes(examined), *further]
    return element(
        "article",
        head,
        *(_blamed(each, examined) for each in examined.accused),
        *([_passes(examined)] if examined.passes else []),
        _gradients(examined),
        *([_notes(said)] if said else []),
        class_=kind,
    )


def _blamed(blame: Accused, examined: Examined) -> ET.Element:
    """Which gradients, where, why."""
    several = len(examined.accused) > 1
    heading = [element("h2", wrong_words(blame))] if several else []
    parts = [*heading, element("p", *quoted(why(blame.cause)), class_="cause")]
    parts += [_source(each) for each in blame.lines[:1]]
    more = [element("li", *quoted(each)) for each in details(blame)]
    if more:
        parts.append(element("ul", *more, class_="facts"))
    return element("section", *parts, class_="equation", aria_label=wrong_words(blame))


def _source(line: Line) -> ET.Element:
    """The line with its neighbours, marked."""
    lines = excerpt(line.file, line.line, AROUND) or [(line.line, ())]
    pre = element("pre", class_="scroll", tabindex="0", role="group", aria_label="Source lines")
    for number, runs in lines:
        blamed = number == line.line
        sign = element("span", f"{'▸' if blamed else ' '}{number:4}", class_="line-number")
        kind = "line blamed" if blamed else "line"
        append(pre, element("span", sign, " ", *coloured(runs), class_=kind), "\n")
    where = element("code", f"{Path(line.file).name}:{line.line}")
    return element("figure", element("figcaption", where), pre, class_="source")


def _passes(examined: Examined) -> ET.Element:
    """The two passes as a drawing, and as a table for those who do not see it."""
    legend = (
        "Each value of the forward pass with its line, and beside it what the backward pass has "
        "there. ✗ marks what the line to blame does not give; what follows from it is marked wrong."
    )
    described = element("details", element("summary", "The two passes as a table"))
    append(described, element("div", _table(examined), class_="scroll", tabindex="0", role="group",
                              aria_label="The two passes"))  # fmt: skip
    return element(
        "section",
        element("h2", "Forward, and backward beside it"),
        element("p", legend, class_="note"),
        element("figure", *drawings(examined), class_="two-passes"),
        described,
    )


def _table(examined: Examined) -> ET.Element:
    """Every value of the forward pass, downwards, beside its ∂C/∂v."""
    heads = [element("th", each, scope="col") for each in ("↓ v", "shape", "↑ ∂C/∂v")]
    rows = [_table_row(each) for each in examined.passes]
    return element(
        "table",
        element("thead", element("tr", *heads)),
        element("tbody", *rows),
        class_="plain",
    )


def _table_row(each: Passed) -> ET.Element:
    shape = " × ".join(map(str, each.shape)) or "a number"
    return element(
        "tr",
        element("th", *_value(each.forward), scope="row"),
        element("td", shape),
        element("td", *_back(each)),
        class_="fail" if each.blamed else None,
    )


def _back(passed: Passed) -> list[Child]:
    """What the backward pass has at the place of a value."""
    here: list[Child] = [] if passed.backward is None else _value(passed.backward)
    if abs(passed.factor - 1) > FACTOR:
        here.append(f", {passed.factor:.4g} times")
    if passed.wrong:
        here.append(" ✗ wrong")
    if passed.blamed:
        return ["✗ needed and not given", *(["; ", *here] if here else [])]
    return here or ["–"]


def _value(named: Named) -> list[Child]:
    made: list[Child] = [element("code", named.name)]
    if named.line is not None:
        made += [" ", element("small", f"line {named.line.line}")]
    return made


def _gradients(examined: Examined) -> ET.Element:
    """The table of the gradients."""
    head = element("tr", *(element("th", each, scope="col") for each in COLUMNS))
    table = element(
        "table",
        element("thead", head),
        element("tbody", *map(_gradient, examined.gradients)),
        class_="plain gradients",
    )
    room = element(
        "div", table, class_="scroll", tabindex="0", role="group", aria_label="The gradients"
    )
    return element("section", element("h2", "The gradients"), room)


def _gradient(judged: Judged) -> ET.Element:
    name, shape, verdict, *rest = row(judged)
    kind = "pass" if judged.ok else "fail"
    sign = element("span", SIGNS[int(not judged.ok)], class_=f"sign {kind}", aria_hidden="true")
    if judged.declared is not None:
        sign = element("span", "–", class_="sign not-observed", aria_hidden="true")
    return element(
        "tr",
        element("th", element("code", name), scope="row"),
        element("td", shape),
        element("td", sign, f" {verdict}"),
        *(element("td", each) for each in rest),
    )


def _notes(said: Sequence[str]) -> ET.Element:
    items: Iterator[ET.Element] = (element("li", *quoted(each)) for each in said)
    return element("section", element("h2", "Notes"), element("ul", *items, class_="facts"))
