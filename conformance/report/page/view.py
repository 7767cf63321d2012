"""What a page says of a report, beside the words that all forms share.

Left out: the markup (the templates), the matrix, the drawings and the numbers behind the cells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.explain.formulas import word
from conformance.outcome import Outcome
from conformance.report.blame_words import skipped_words
from conformance.report.cause_words import formulas, joined
from conformance.report.mathml import mathml, mathml_pair
from conformance.report.matrix import SIGNS
from conformance.report.page.chart import Chart, chart
from conformance.report.page.network_drawing import Network, network
from conformance.report.sentence import declined, pluralize, sentence
from conformance.verdict.compare import Status

REST = "… "  # of a formula of which a part is given
LONG = 110  # characters of a headline


@dataclass(frozen=True)
class View:
    """A report as a page shows it.

    Attributes:
        report: on one subject.
        prefix: with which addresses within the page begin.
    """

    report: Outcome
    prefix: str

    @property
    def verdict(self) -> Status:
        """The status of the whole."""
        return {0: Status.PASS, 1: Status.FAIL}.get(self.report.exit_code, Status.ERROR)

    @property
    def sign(self) -> str:
        """Its sign."""
        return SIGNS[self.verdict]

    @property
    def sentence(self) -> str:
        """The verdict in one sentence, which several causes make too long."""
        report = self.report
        whole = f"{'conformant: ' * report.ok}{sentence(report)}"
        if len(report.blames) > 1 and "; " in whole and len(whole) > LONG:
            return f"{joined([blame.tag for blame in report.blames])} are wrong"
        return f"{whole[0].upper()}{whole[1:]}" if whole[0].isascii() else whole  # not σ′ as Σ′

    def network(self, tag: str) -> Network:
        """The smallest network that shows an equation wrong at the most layers, drawn."""
        found = []
        for each in self.report.cases:
            for failure in each.blamed.get(tag, ())[:1]:
                where = failure.step, failure.mode
                here = [v for v in each.verdicts if (v.step, v.mode) == where]
                failed = [v for v in here if v.status is Status.FAIL and v.name]
                layers = {v.name for v in failed if each.case.rows[v.name].tag == tag}
                found.append((-len(layers), sum(each.case.sizes), each.case, failure.step, here))
        *_, case, step, verdicts = min(found, key=lambda item: item[:2])
        return network(case, verdicts, step, tag)

    def wrong(self, tag: str, book: str) -> list[tuple[str, str, str, str]]:
        """Name, sentence, wrong and right formula of each known mistake that an equation makes."""
        return [
            (each.name, each.sentence, *mathml_pair(*in_full(each.wrong, each.right, book)))
            for each in formulas(self.report, tag)
        ]

    @property
    def charts(self) -> list[Chart]:
        """The free runs drawn, those first that leave what rounding explains, then the longest."""
        drawn = [found for each in self.report.cases if (found := chart(each)) is not None]
        return sorted(drawn, key=lambda each: (not each.leaves, -len(each.dots)))

    def unseen(self) -> Iterator[str]:
        """The quantities that the subject never shows, and what else was not looked at."""
        report = self.report
        seen: dict[str, bool] = {}
        for case in report.cases:
            for verdict in case.verdicts:
                if verdict.name:
                    known = verdict.status is not Status.NOT_OBSERVED
                    seen[verdict.name] = seen.get(verdict.name, False) or known
        never = [word(name) for name, known in seen.items() if not known]
        if never:
            yield f"not shown by the subject in any case: {', '.join(never)}"
        stopped = sum(bool(each.error) for each in report.cases)
        if stopped:
            yield f"what comes after the subject stopped, in {pluralize(stopped, 'case')}"
        yield from report.notes
        if report.skipped:
            yield f"not put to it: {skipped_words(report)}"
        if report.declined:
            yield declined(report, most=None)


def in_full(wrong: str, right: str, book: str) -> tuple[str, str]:
    """A pair of formulas of which a part is given, `… ⊙ σ′(a^l)`, put into the book's equation."""
    if not right.startswith(REST):
        return wrong, right
    for upper in (False, True):  # what is said of a layer l is said of the last one, L
        old, new = (
            text.partition(" = ")[0].removeprefix(REST).replace("^l", "^L" if upper else "^l")
            for text in (right, wrong)
        )
        if old in book:
            return book.replace(old, new), book
    return wrong, right


def equations_of(views: Sequence[View]) -> dict[str, str]:
    """The book's equations that the cases use, in MathML, by tag and cost: `BP1 quadratic`."""
    cases = {report.case for each in views for report in each.report.cases}
    named = {
        (equation.tag, case.cost): equation.formula
        for case in cases
        for name in case.rows
        for equation in [case.rows[name]]
    }
    return {" ".join(key): mathml(named[key]) for key in sorted(named)}
