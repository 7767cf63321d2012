"""Which equations stay blamed once the change of one line is known that makes a program right."""

import pytest

from conformance.judging.case_report import CaseReport
from conformance.judging.elsewhere import without_what_follows
from conformance.tests.support import recorded
from conformance.verdict.compare import RESTARTED, Status, Verdict

CASE = "square-4-4-4-4"
NAMES = ("nabla_b2", "nabla_w2", "b2", "w2")


@pytest.mark.parametrize(
    ("direct", "kept"),
    [({"BP3"}, {"BP3", "BP4"}), ({"BP3", "B"}, {"BP3", "BP4", "B"}), ((), {"BP3", "BP4"})],
)
def test_what_is_made_of_a_wrong_quantity_is_blamed_where_the_line_computes_it(
    direct: set[str], kept: set[str]
) -> None:
    verdicts = [Verdict(CASE, 0, RESTARTED, each, Status.FAIL) for each in NAMES]
    (report,) = without_what_follows([CaseReport(recorded(CASE).case, "it", verdicts)], direct)
    assert report.blamed.keys() == kept
    assert report.status is Status.FAIL
