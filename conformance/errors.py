"""The errors that a user sees: one line, and the exit code that goes with it.

Exit codes: 0 conformant, 1 not conformant, 2 wrong usage or a damaged installation, 3 the subject
could not be run or judged, 4 an error of this package itself.
"""

Line = tuple[str, int, str]
"""A file, a number of a line, and the function around it."""


class ConformanceError(Exception):
    """A message for the user that says what, where and what to do."""

    exit_code = 2


class UsageError(ConformanceError):
    """The command asks for something that is not there."""


class UnknownSubjectError(UsageError):
    """What a word names is there, and is not the network of the book."""

    exit_code = 3


class OtherFamilyError(UnknownSubjectError):
    """A network has the book's interface, and activations of no family that there are cases of."""


class CorpusError(ConformanceError):
    """A fixture is missing, damaged, or of another version."""


class SubjectError(ConformanceError):
    """The subject could not be run, or showed something that is not a step.

    Attributes:
        line: of the subject's code, where it stopped; None if that is not known.
    """

    exit_code = 3

    def __init__(self, words: str, line: Line | None = None) -> None:
        """Keep the line."""
        super().__init__(words)
        self.line = line


class StoppedError(SubjectError):
    """The subject's process hung, or ended before it was done."""


class EndlessError(SubjectError):
    """The subject's code went on for too long when it was loaded."""


class InfiniteError(SubjectError):
    """A script's parameters are no finite numbers before they can be judged."""


class UnjudgedError(SubjectError):
    """The subject was run, and nothing of it could be judged."""


class NothingTrainedError(UnjudgedError):
    """A script ran to its end and updated no parameter."""


class InternalError(ConformanceError):
    """This package has a bug: what it says of a subject is neither right nor wrong.

    Attributes:
        traceback: what `-v` shows.
    """

    exit_code = 4

    def __init__(self, words: str, traceback: str) -> None:
        """Keep the traceback."""
        super().__init__(words)
        self.traceback = traceback
