"""What a test asks of which subject, and the subjects that `--conformance-subject` names.

Left out: what becomes of the answer (`judge_subject.py`).
"""

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import pytest

from conformance.api import Meant, found
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.errors import ConformanceError, SubjectError, UsageError
from conformance.model.functions import family_of as family_named
from conformance.programs.load import is_spec, load
from conformance.running.tracebacks import stopped
from conformance.subjects import Subject
from conformance.subjects.adapt import adapt
from conformance.subjects.named import SUBJECTS, available

Activations = tuple[str, str] | None
"""Of hidden layers and output, that subjects are meant to have; None: those that they have."""


class Asked(NamedTuple):
    """One question; a test takes it whole, because each argument of a test costs pytest 0.2 ms."""

    case: Case
    tag: str = ""
    subject: str = ""  # as it was given to --conformance-subject
    family: Activations = None


def named(config: pytest.Config) -> list[str]:
    """What was given to `--conformance-subject`, or the project's own."""
    given: list[str] | None = config.getoption("--conformance-subject")
    return given or available()


def family_of(config: pytest.Config) -> Activations:
    """What was given to `--conformance-family`.

    Raises:
        pytest.UsageError: there is no such family.
    """
    try:
        return family_named(config.getoption("--conformance-family"))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


def load_all(config: pytest.Config) -> None:
    """Load the subjects that are asked for, before any test is collected.

    Raises:
        pytest.UsageError: there is no such subject or family, or its code failed.
    """
    family = family_of(config)
    for subject in named(config):
        try:
            loaded(subject, family)
        except ConformanceError as error:
            raise pytest.UsageError(str(error)) from error


@cache
def loaded(subject: str, family: Activations = None) -> Subject:
    """The subject of these words, loaded and adapted once a process.

    Raises:
        UsageError: there is no such subject.
        SubjectError: its code failed.
    """
    with subject_code(subject):
        if is_spec(subject) and not subject.endswith(".safetensors"):
            return adapt(load(subject), subject, family=family)
        return found(subject, store.root(), Meant(family=family))


@contextmanager
def subject_code(subject: str) -> Iterator[None]:
    """Let its warnings be no errors, its exit no exit of ours, and its traceback none of ours.

    Raises:
        SubjectError: its code raised, or called `sys.exit`.
        InternalError: the project's own code raised.
    """
    try:
        with warnings.catch_warnings():
            if subject not in SUBJECTS:
                warnings.simplefilter("default")
            yield
    except SystemExit as error:
        raise SubjectError(f"{subject} calls sys.exit({error.code!r})") from error
    except ConformanceError:
        raise
    except Exception as error:
        raise stopped(subject, error) from error


def by_slug(subjects: Iterable[str]) -> dict[str, str]:
    """The subjects in the order of what stands for them in test ids, by which they are found."""
    slugs: dict[str, str] = {}
    for subject in dict.fromkeys(subjects):
        slug = re.sub(r"[^\w.+-]+", "-", re.sub(r".*[/\\]", "", subject), flags=re.ASCII)
        same = sum(re.fullmatch(rf"{re.escape(slug)}(~\d+)?", other) is not None for other in slugs)
        slugs[f"{slug}~{same + 1}" if same else slug] = subject
    return dict(sorted(slugs.items()))
