"""The suite that checks an implementation of the book's backprop, equation by equation."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.backward_check import BackwardReport
    from conformance.outcome import Report
    from conformance.script.recording import Recording
    from conformance.script.report import ScriptReport


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


def run(script: str, *arguments: str, **options: Any) -> "ScriptReport":
    """Execute a script that trains a network, and judge its gradients and its updates.

    Args:
        script: its path.
        arguments: that it is given.
        options: `updates`, `timeout` and `seed`; see `conformance.script.run.run_script`.
    """
    from conformance.script.run import run_script

    return run_script(script, arguments, **options)


def recording(*, updates: int = 3) -> "Recording":
    """Record what a block trains: `with conformance.recording() as r:`, and then `r.report`.

    Args:
        updates: that are judged; the rest of the block runs unrecorded.
    """
    import sys

    from conformance.script.recording import Recording

    line = sys._getframe(1).f_lineno  # noqa: SLF001 - what calls us
    return Recording(f"the block at line {line}", updates)


def load_ipython_extension(shell: Any) -> None:
    """Give a notebook the magic `%%conformance`, by `%load_ext conformance`."""
    from conformance.script.magic import load

    load(shell)
