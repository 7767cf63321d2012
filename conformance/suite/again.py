"""What is said at the end of a run: the verdict on each subject, and the page of them.

A mistake makes hundreds of tests fail; the verdict says what they have in common. The page
(`pytest --conformance-html FILE`) is that of the subjects and cases that the tests ask about. A
test keeps no more than its own verdict, and workers share nothing, so each subject is checked once
more in the same cases. Left out: the page itself (`conformance.report.page`).
"""

import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from conformance.api import check
from conformance.errors import ConformanceError
from conformance.files import put
from conformance.report.document import ready
from conformance.report.opening import opening
from conformance.report.page.write import page
from conformance.report.sentence import pluralize
from conformance.report.visible import visible
from conformance.suite.asked import Asked, by_slug, family_of, named

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


_TEST = re.compile(r"::\w+\[(?P<case>[^/\]]+)/(?:[^\]]*/)?(?P<slug>[^/\]]+)\](?:@.*)?$")
"""The id of a test that asks about a subject in a case."""


def summary_lines(stats: Mapping[str, Sequence[Any]], config: pytest.Config) -> Iterator[str]:
    """The verdict on each subject of which tests failed, in three lines or so."""
    failed, explained = _asked(stats.get("failed", ())), _asked(stats.get("xfailed", ()))
    subjects = by_slug(named(config))
    for slug in (each for each in subjects if each in failed):
        count, more = len(failed[slug]), len(explained.get(slug, ()))
        also = f"; {more:,} others are wrong by these, or expected to fail" if more else ""
        yield visible(f"{subjects[slug]}: {pluralize(count, 'failure')}{also}")
        try:
            report = check(subjects[slug], case=sorted(set(failed[slug])), family=family_of(config))
        except ConformanceError as error:
            yield visible(f"  {error}".splitlines()[0])
        else:
            yield from (visible(f"  {line}") for line in opening(report))


def _asked(reports: Sequence[Any]) -> dict[str, list[str]]:
    """The cases of some tests by what stands for the subject in their ids."""
    found: dict[str, list[str]] = {}
    for each in reports:
        test = _TEST.search(each.nodeid)
        if test is not None:
            found.setdefault(test["slug"], []).append(test["case"])
    return found
