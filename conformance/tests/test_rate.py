"""An update that does not grow with η is wrong, whatever η the cases have.

Left out: the equations of the update (`test_updates.py`).
"""

from pathlib import Path

import pytest

from conformance.api import check
from conformance.report.message import finding_texts
from conformance.tests.networks import classifier

SOURCE = Path(classifier.__file__).read_text("utf-8")

WRONG = {
    "biases": (("b - (eta / m) * nb", "b - nb / m"), "biases"),
    "weights": (("w - (eta / m) * nw", "w - nw / m"), "weights"),
}


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize("name", sorted(WRONG))
def test_an_update_without_its_rate_is_wrong_where_all_cases_have_the_same(
    name: str, tmp_path: Path
) -> None:
    edit, said = WRONG[name]
    assert SOURCE.count(edit[0]) == 1
    file = tmp_path / "classifier.py"
    file.write_text(SOURCE.replace(*edit), encoding="utf-8")
    report = check(f"{file}:Network")
    assert finding_texts(report) == [
        f"with half of η, update_mini_batch does not move the {said} half as far"
    ]
    assert report.findings[0].frames[0].function == "update_mini_batch"
