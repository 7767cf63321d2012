"""What the tests that failed have in common: the verdict on each subject, at the end of a run.

A mistake makes hundreds of tests fail. Workers share nothing, so the subject is checked once more,
in the cases of these tests. Left out: when this is asked for (`plugin.py`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from conformance.api import check
from conformance.errors import ConformanceError
from conformance.report.opening import opening
from conformance.report.sentence import pluralize
from conformance.report.visible import visible
from conformance.suite.asked import by_slug, family_of, named

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
