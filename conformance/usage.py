"""What the options of the front doors may be, for the command line and for Python alike.

Left out: what an option does, and the options of one command alone.
"""

from conformance.errors import UsageError

FEWEST_UPDATES = 2
"""The first update of RMSProp or Adam is not told from one by a wrong gradient."""


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
