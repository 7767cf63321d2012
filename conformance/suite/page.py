"""`pytest --conformance-html FILE`: the page of the subjects and cases that the tests ask about.

A test keeps no more than its verdict, and workers share nothing, so each subject is checked once
more in the same cases. Left out: the page itself (`conformance.report.page`).
"""

import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from conformance.api import check
from conformance.errors import ConformanceError
from conformance.files import put
from conformance.report.document import ready
from conformance.report.page.write import page
from conformance.suite.asked import Asked, family_of, named

OPTION = "--conformance-html"


def wanted(config: pytest.Config) -> None:
    """See that the page can be written, before any test runs.

    Raises:
        pytest.UsageError: it cannot.
    """
    try:
        ready(Path(config.option.conformance_html), OPTION)
    except ConformanceError as error:
        raise pytest.UsageError(str(error)) from error


def asked_about(items: Iterable[pytest.Item]) -> dict[str, list[str]]:
    """The ids of the cases about which some tests ask, by their subjects."""
    found: dict[str, dict[str, None]] = {}
    for item in items:
        spread = getattr(item, "callspec", None)
        for asked in spread.params.values() if spread is not None else ():
            if isinstance(asked, Asked):
                for subject in [asked.subject] if asked.subject else named(item.config):
                    found.setdefault(subject, {})[asked.case.id] = None
    return {subject: [*ids] for subject, ids in found.items()}


def write_page(config: pytest.Config, asked: Mapping[str, list[str]]) -> str:
    """Write the page, or do not; what is said of it, in a line."""
    path = Path(config.option.conformance_html)
    if not asked:
        return f"{OPTION} {path}: not written, since no test asked about a subject"
    try:
        order = [subject for subject in named(config) if subject in asked]
        family = family_of(config)
        reports = [check(each, case=asked[each], family=family, detailed=True) for each in order]
        put(OPTION, path, page(reports, shlex.join(["pytest", *sys.argv[1:]])))
    except ConformanceError as error:
        return f"{OPTION} {path}: not written: {error}"
    return f"{OPTION}: {path} is written"
