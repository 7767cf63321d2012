"""The change of one line with which a program runs that raises an error, and with right gradients.

Such is a product whose operands are not turned. Left out: the changes there are (`edits`), and
whether a changed program is right, which the caller tells.
"""

from collections.abc import Callable

from conformance.edits.edit import EditKind
from conformance.edits.live_functions import live_functions
from conformance.edits.search_edits import holds, search
from conformance.shapes.refusal import Refusal

MOST = 12  # programs that run on, and are judged


def repaired(refusal: Refusal, confirmed: Callable[[], bool], seconds: float) -> str:
    """A line with which it runs, said with its number; nothing if none is found.

    Args:
        refusal: of the program: the reading that came farthest is run again.
        confirmed: whether all gradients are right as the program is now.
        seconds: of the processor after which no other change is tried.
    """
    again, left = refusal.again, iter(range(MOST))
    if again is None or not refusal.raised or seconds <= 0:
        return ""

    def goes_on() -> bool:
        again()
        return True

    def is_right() -> bool:
        return next(left, None) is not None and confirmed()

    functions = live_functions(lambda: holds(goes_on))
    change = search(functions, [[*refusal.raised]], [goes_on, is_right], seconds)
    if change is None or change.kind is not EditKind.REPLACED:
        return ""
    return f"it runs, and every gradient is right, with line {change.line}:  {change.text}"
