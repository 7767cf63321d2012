"""What is known of a backward pass as JSON values, and back.

The format is described by `backward.schema.json` beside this file. It begins as that of a network
does (`record.py`), and has a list `blames` too, each with `lines`, the one to blame first.
"""

from collections.abc import Mapping
from typing import Any

from conformance.backward.findings import Accused, Examined
from conformance.report.backward_words import blame_lines, conventions
from conformance.report.record import REPORT_VERSION
from conformance.report.visible import visible
from conformance.values import from_values, to_values


def to_json(name: str, examined: Examined, exit_code: int) -> dict[str, Any]:
    """What is known of a program as JSON values."""
    values = to_values(examined)
    del values["accused"]
    return {
        "report_version": REPORT_VERSION,
        "subject": name,
        "ok": exit_code == 0,
        "exit_code": exit_code,
        "conventions": [visible(each) for each in conventions(examined)],
        **values,
        "blames": [_blame_to_json(each) for each in examined.accused],
    }


def from_json(values: Mapping[str, Any]) -> tuple[str, Examined]:
    """The name of a program and what is known of it, of some JSON values."""
    return values["subject"], from_values(Examined, {**values, "accused": values["blames"]})


def _blame_to_json(blame: Accused) -> dict[str, Any]:
    text = "\n".join(visible(each) for each in blame_lines(blame))
    return {**to_values(blame), "kind": blame.cause.kind, "text": text}
