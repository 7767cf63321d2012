"""The suite that checks an implementation of the book's backprop, equation by equation."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.outcome import Report


def check(subject: object, **options: Any) -> "Report":
    """Check a subject against the recorded cases; see `conformance.api.check` for the options."""
    from conformance import api

    return api.check(subject, **options)
