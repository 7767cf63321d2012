"""What the options of the front doors may be, for the command line and for Python alike.

Left out: what an option does, and for which subjects it is (`subject_check.py`).
"""

from typing import TypeVar

from conformance.errors import UsageError

Text = TypeVar("Text", bound=str | None)

COSTS = (
    "quadratic", "cross-entropy", "log-likelihood", "hinge", "margin", "perceptron", "logistic",
    "poisson",
)  # fmt: skip
"""By which a program is judged that has no loss."""
OF_THE_BOOK = COSTS[:3]
"""That the network of the book may have."""
DTYPES = ("float64", "float32")
SHORTEST = 0.1
"""Seconds of a time limit."""

FEWEST_UPDATES = 2
"""The first update of RMSProp or Adam is not told from one by a wrong gradient."""


def one_of(option: str, value: Text, *choices: str) -> Text:
    """The value of an option, which is one of these.

    Raises:
        UsageError: it is another.
    """
    if value is not None and value not in choices:
        raise UsageError(f"{option} {value}: give {', '.join(choices[:-1])} or {choices[-1]}")
    return value


def check_timeout(timeout: float) -> float:
    """A time limit in seconds.

    Raises:
        UsageError: it is too short.
    """
    if not timeout >= SHORTEST:
        raise UsageError(f"timeout {timeout:g}: give {SHORTEST:g} seconds or more")
    return timeout


def check_updates(updates: int) -> int:
    """The number of updates that are to be judged.

    Raises:
        UsageError: it is too small to tell by which rule parameters are updated.
    """
    if updates < FEWEST_UPDATES:
        raise UsageError(
            f"updates {updates}: give {FEWEST_UPDATES} or more: one update does not tell by which "
            "rule parameters are updated"
        )
    return updates
