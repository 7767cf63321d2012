"""The outcome of an examination as a fragment of HTML, for a notebook.

No script, nothing from elsewhere, and no style sheet, which notebooks drop: the looks are written
at the elements, and do on light and dark. It is made without jinja2, which a notebook may lack.
What comes from the subject is data. Left out: the page (`--html`), which has every number.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from conformance.judging.case_report import CaseReport
from conformance.outcome import Blame, Outcome
from conformance.report.blame_words import (
    equation_of_blame,
    errors,
    explained,
    first_words,
    heading,
)
from conformance.report.cause_words import beside_cause, example_heading, formulas
from conformance.report.exact_words import exact_words, loss_text, loss_words
from conformance.report.mathml import DIFFERS, mathml, mathml_pair
from conformance.report.matrix import MEANING, cells, columns, sign, worst
from conformance.report.message import accused, finding_text
from conformance.report.sentence import SIGNS, facts, pluralize, sentence, verdict
from conformance.report.source_words import place, source
from conformance.report.visible import visible
from conformance.tracing.frames import Frame
from conformance.verdict.compare import Status

MANY = 12  # cases, beyond which their table is folded

_IGNORED = "tex2jax_ignore mathjax_ignore"  # else MathJax looks for formulas between dollars
_LEFT, _CELL = "text-align: left; padding: 0 .5em", "text-align: center; padding: 0 .5em"
_QUIET = "opacity: .8; font-size: .9em"
_MARK = 'style="background: rgba(230, 130, 0, .3); outline: 1px solid"'
_BLOCK = (
    "background: rgba(128, 128, 128, .12); color: inherit; padding: .5em; overflow-x: auto; "
    "white-space: pre; line-height: 1.3"
)
_TINTS = {
    Status.FAIL: "rgba(230, 40, 40, .3); font-weight: bold",
    Status.ERROR: "rgba(230, 130, 0, .3); font-weight: bold",
    Status.LOST: "rgba(230, 130, 0, .15)",
    Status.PASS: "rgba(0, 150, 80, .15)",
}


def as_html(report: Outcome) -> str:
    """The whole report as a fragment of HTML, which is well-formed XML too."""
    return f'<div class="{_IGNORED}" style="color: inherit">{"".join(_parts(report))}</div>'


def _parts(report: Outcome) -> Iterator[str]:
    said = f"{SIGNS.get(report.exit_code, '!')} {_element('code', _text(report.subject))}"
    strong = _element("strong", f"{said} is {verdict(report)}")
    yield _element("p", f"{strong}: {_text(sentence(report))}")
    yield _items(facts(report), _QUIET)
    yield from _matrix(report.cases)
    for blame in report.blames:
        yield from _blamed(report, blame)
    if not report.blames:
        yield _items(exact_words(report))
    for each in report.losses:
        words = f"{loss_text(report, each)}: {loss_words(each)}"
        yield from _beside(words, each.frames, said=False)
    for example in report.smallest:
        title = example_heading(report, example).rstrip(":")
        yield _folded(title, _block(example.text))
    for finding in report.findings:
        yield from _beside(finding_text(finding), finding.frames, said=not report.blames)
    stopped = errors(report)
    yield from map(_block, stopped[:1])
    more = stopped[1:]
    if more:
        yield _folded(f"{pluralize(len(more), 'more case')} stopped", _block("\n\n".join(more)))


def _beside(words: str, frames: Sequence[Frame], *, said: bool) -> Iterator[str]:
    """What is said beside the blame: its words, unless the verdict has said them, and its line."""
    lines = "\n".join(source(tuple(frames)))
    if not said or lines:
        yield _items([words])
    yield from (_element("p", _element("code", _text(place(each)))) for each in frames[:1])
    yield _block(lines) if lines else ""


def _matrix(cases: Sequence[CaseReport]) -> Iterator[str]:
    """Cases × equations, folded if there are many."""
    if not cases:
        return
    kinds = columns(cases)
    head = _element("th", "case", _LEFT, 'scope="col"')
    head += "".join(_element("th", each, _CELL, 'scope="col"') for each in (*kinds, "worst"))
    rows = [_element("tr", head), *(_element("tr", "".join(_row(each, kinds))) for each in cases)]
    table = _element("table", _element("tbody", "".join(rows)), "border-collapse: collapse")
    table = _element("div", table, "overflow-x: auto")
    table += _element("p", _text(MEANING), _QUIET)
    yield _folded(pluralize(len(cases), "case"), table) if len(cases) > MANY else table


def _row(report: CaseReport, kinds: Sequence[str]) -> Iterator[str]:
    yield _element("th", _text(report.case.id), _LEFT, 'scope="row"')
    for status in cells(report, kinds):
        tint = f"; background: {_TINTS[status]}" if status in _TINTS else ""
        yield _element("td", sign(status), f"{_CELL}{tint}")
    yield _element("td", worst(report), "text-align: right; padding: 0 .5em")


def _blamed(report: Outcome, blame: Blame) -> Iterator[str]:
    """What is said of an equation that is wrong."""
    equation = equation_of_blame(report, blame)
    yield _element("h4", _text(heading(report, blame)))
    known = [] if blame.first.doubted else formulas(report, blame.tag)
    yield "" if known else _element("p", mathml(equation.formula, block=True))
    yield _element("p", _text(accused(blame.first, equation.field)), _QUIET)
    if not blame.first.doubted:  # else it is not the subject's line that is wrong
        yield from (
            _element("p", _element("code", _text(place(each)))) for each in blame.frames[:1]
        )
        lines = "\n".join(source(blame.frames))
        yield _block(lines) if lines else ""
        for i, formula in enumerate(known):
            name = _element("strong", _text(formula.name))
            yield _element("p", f"{'or' if i else 'cause'}: {name}: {_text(formula.sentence)}")
            yield _formulas(formula.wrong, formula.right)
        yield _items([*beside_cause(report, blame.tag), *exact_words(report, blame.tag)])
    after = [each.name for each in explained(report, blame.first)]
    more = [f"explains {', '.join(after)}"] if after else []
    yield _items([*first_words(report, blame), *more], _QUIET)


def _formulas(wrong: str, right: str) -> str:
    """The wrong formula over the right one, what differs marked."""
    pair = (each.replace(DIFFERS, _MARK) for each in mathml_pair(wrong, right))
    rows = (
        _element("th", name, _LEFT, 'scope="row"') + _element("td", made, _LEFT)
        for name, made in zip(("✗ wrong", "✓ right"), pair, strict=True)
    )
    return _element("table", _element("tbody", "".join(_element("tr", row) for row in rows)))


def _element(tag: str, inner: str, style: str = "", attributes: str = "") -> str:
    """An element around what is HTML already."""
    written = f' style="{style}"' if style else ""
    return f"<{tag}{' ' * bool(attributes)}{attributes}{written}>{inner}</{tag}>"


def _items(lines: Iterable[str], style: str = "") -> str:
    made = "".join(_element("li", _text(line)) for line in lines)
    return _element("ul", made, style) if made else ""


def _folded(summary: str, inner: str) -> str:
    return _element("details", _element("summary", _text(summary)) + inner)


def _block(lines: str) -> str:
    return _element("pre", escape(visible(lines.strip("\n"), keep="\n\t")), _BLOCK)


def _text(words: str) -> str:
    return escape(visible(words))
