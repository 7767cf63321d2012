"""Which tests there are: every case, step, equation and subject, in a fixed order."""

from collections.abc import Iterable, Iterator
from itertools import product

import pytest

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.errors import ConformanceError
from conformance.subjects import SUBJECTS, find
from conformance.suite.judging import equations


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Spread the arguments that a test takes over cases, steps, equations and subjects.

    `case` is any case, `run` one of several steps, `small` one whose every weight can be tried.
    """
    kinds = [kind for kind in ("case", "run", "small") if kind in metafunc.fixturenames]
    if not kinds:
        return
    try:
        subjects = metafunc.config.getoption("--subject") or [*SUBJECTS]
        for subject in subjects:
            find(subject)
        cases = store.cases(store.root())
    except ConformanceError as error:
        raise pytest.UsageError(str(error)) from error
    taken: list[str] = [n for n in ("step", "tag", "subject") if n in metafunc.fixturenames]
    rows = list(_rows(kinds[0], cases, taken, subjects))
    metafunc.parametrize([kinds[0], *taken], rows)


def _rows(
    kind: str, cases: Iterable[Case], taken: list[str], subjects: list[str]
) -> Iterator[object]:
    for case in cases:
        if not _belongs(case, kind):
            continue
        choices = {"step": range(case.steps), "tag": equations(case), "subject": subjects}
        for values in product(*(choices[name] for name in taken)):
            name = "/".join([case.id, *(str(value).lower() for value in values)])
            # The tests of a case share a worker, which computes each step once.
            yield pytest.param(case, *values, id=name, marks=pytest.mark.xdist_group(case.id))


def _belongs(case: Case, kind: str) -> bool:
    if kind == "run":
        return case.steps > 1
    return kind == "case" or case.dtype == "float64"
