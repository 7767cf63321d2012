"""Which tests there are: every case, equation and subject, in a fixed order."""

from collections.abc import Generator, Iterable, Iterator
from itertools import product
from pathlib import Path

import pytest

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.errors import ConformanceError, InternalError
from conformance.subjects.named import SUBJECTS
from conformance.suite.asked import Activations, Asked, by_slug, family_of, named
from conformance.suite.judge_subject import equations
from conformance.suite.xfails import expect_failures

KINDS = {
    "equation": ("tag", "subject"),
    "run": ("tag", "subject"),
    "conduct": ("subject",),
    "pair": ("tag",),
    "small": (),
}
"""The argument that a test takes, and over what it is spread beside the cases."""

SUITE = Path(__file__).parent
OURS = {"test_agreement.py", "test_certified_gradient.py"}  # they judge the project, no subject
THEIRS = {"test_conduct.py"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what does not concern the subjects that are asked for."""
    builtin = set(named(config)) & set(SUBJECTS)
    foreign = set(named(config)) - set(SUBJECTS)
    name = collection_path.name
    left_out = (name in OURS and (foreign or builtin != set(SUBJECTS))) or (
        name in THEIRS and not foreign
    )
    return True if left_out else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Spread the argument that a test takes over cases, equations and subjects."""
    kind = next((kind for kind in KINDS if kind in metafunc.fixturenames), None)
    if kind is None:
        return
    subjects = by_slug(named(metafunc.config))
    try:
        cases = store.cases(store.root())
    except ConformanceError as error:
        raise pytest.UsageError(str(error)) from error
    metafunc.parametrize(kind, list(_rows(kind, cases, subjects, family_of(metafunc.config))))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Expect the failures of --conformance-xfails, before `-k` deselects any test."""
    file = config.getoption("--conformance-xfails")
    if file is not None and not session.testsfailed:  # the rest of the tests is not known
        try:
            expect_failures(Path(file), (item for item in items if item.path.parent == SUITE))
        except pytest.UsageError:
            items.clear()  # the workers of xdist must agree on what they would run
            raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make an error of this project itself an error of the test, which no xfail expects."""
    report = yield
    error = None if call.excinfo is None else call.excinfo.value
    if isinstance(error, InternalError):
        report.outcome = "failed"
        report.when = "setup"  # what fails then is an error; a failure is the subject's
        report.longrepr = f"{error}\n{error.traceback}"
        report.__dict__.pop("wasxfail", None)
    return report


def _rows(
    kind: str, cases: Iterable[Case], subjects: dict[str, str], family: Activations
) -> Iterator[object]:
    for case in cases:
        if not _belongs(case, kind):
            continue
        theirs = [slug for slug in subjects if kind != "conduct" or subjects[slug] not in SUBJECTS]
        choices = {"tag": equations(case), "subject": theirs}
        # The tests of a case share a worker, which judges each subject once.
        group = pytest.mark.xdist_group(case.id)
        for values in product(*(choices[name] for name in KINDS[kind])):
            taken = dict(zip(KINDS[kind], values, strict=True))
            words = [v.lower() if name == "tag" else v for name, v in taken.items()]
            if "subject" in taken:
                taken["subject"] = subjects[taken["subject"]]
            asked = Asked(case, **taken, family=family)
            yield pytest.param(asked, id="/".join([case.id, *words]), marks=group)


def _belongs(case: Case, kind: str) -> bool:
    if kind == "run":
        return case.steps > 1
    return kind != "small" or case.dtype == "float64"
