"""The suite that checks an implementation of the book's backprop, equation by equation."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.backward_check import BackwardReport
    from conformance.outcome import Report


def check(subject: object, **options: Any) -> "Report":
    """Check a subject against the recorded cases; see `conformance.api.check` for the options."""
    from conformance import api

    return api.check(subject, **options)


def check_backward(
    f: Callable[..., Any], params: Any, *data: Any, cost: str | None = None
) -> "BackwardReport":
    """Judge the gradients that `f(params, *data) -> (loss, gradients)` gives.

    Args:
        f: any NumPy program; its gradients are structured as the parameters are.
        params: arrays of floats in dicts, lists and tuples.
        data: whatever else it takes.
        cost: the one to judge by, if f gives the network's output, or None, and no loss; else the
            known costs are tried.
    """
    from conformance import backward_check

    return backward_check.check_backward(f, params, *data, cost=cost)


def check_vjp(
    forward: Callable[..., Any], backward: Callable[..., Any], *args: Any
) -> "BackwardReport":
    """Judge the backward function of a layer, `backward(dout, cache)`.

    Args:
        forward: called as `forward(*args)`; it returns the output, or `(output, cache)`.
        backward: returns the gradients of the arguments, or of those that are arrays of floats.
        args: of the forward function.
    """
    from conformance import backward_check

    return backward_check.check_vjp(forward, backward, *args)
