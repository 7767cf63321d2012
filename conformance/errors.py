"""The errors that a user sees: one line, and the exit code that goes with it.

Exit codes: 0 conformant, 1 not conformant, 2 wrong usage or a damaged installation, 3 the subject
could not be run.
"""


class ConformanceError(Exception):
    """A message for the user that says what, where and what to do."""

    exit_code = 2


class UsageError(ConformanceError):
    """The command asks for something that is not there."""


class CorpusError(ConformanceError):
    """A fixture is missing, damaged, or of another version."""


class SubjectError(ConformanceError):
    """The subject could not be run, or showed something that is not a step."""

    exit_code = 3


class StoppedError(SubjectError):
    """The subject's process hung, or ended before it was done."""
