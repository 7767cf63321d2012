"""Any hand-written backward pass, checked: the front doors.

Left out: the engine (`backward/`) and the report (`report/backward_report.py`).
"""

import copy
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.backward.examine_gradients import examine
from conformance.backward.recorded_pass import NotAGradientError
from conformance.report.backward_report import BackwardReport
from conformance.usage import COSTS, one_of


def check_backward(
    f: Callable[..., Any], params: Any, *data: Any, cost: str | None = None
) -> BackwardReport:
    """Judge the gradients of a program and blame the line that makes them wrong.

    Args:
        f: called once, `f(params, *data)`, on copies; it returns the loss and the gradients. In
            the place of the loss it may return the network's output, or None: then the known costs
            are tried.
        params: arrays of floats, in dicts, lists and tuples.
        data: whatever else the program takes.
        cost: the one to judge by: `quadratic`, `cross-entropy`, `log-likelihood`,
            `hinge`, `margin`, `logistic` or `poisson`.

    Raises:
        UsageError: there is no such cost.
        NotAGradientError: the program gave no loss, or no gradient for a parameter.
    """
    name = getattr(f, "__qualname__", type(f).__name__)
    one_of("cost", cost, *COSTS)
    return BackwardReport(name, examine(f, params, data, cost=cost))


def check_vjp(
    forward: Callable[..., Any], backward: Any, *args: Any, seed: int = 0
) -> BackwardReport:
    """Judge the backward function of a layer and blame the line that makes a gradient wrong.

    The loss is the sum of the output times a generic array, which is the `dout` that the backward
    function is given; of several outputs the sum of these.

    Args:
        forward: called as `forward(*args)`; it returns the output, or `(output, cache)`, or several
            outputs and the cache, as `(h, c, cache)`. Or a
            `torch.autograd.Function`, or a function with `jax.custom_vjp`, whose first argument
            then follows in the place of `backward`.
        backward: called as `backward(dout, cache)`, or `backward(dout)` if there is no cache, with
            a `dout` for each output; it returns the gradients of the arguments, or of those that
            are arrays of floats.
        args: of the forward function.
        seed: another `dout` for another seed.

    Raises:
        NotAGradientError: there is no output, or no gradient for an argument; or backward takes no
            such arguments.
    """
    if "torch" in sys.modules:
        from conformance.custom.context import is_function

        if is_function(forward):
            return _check_function(forward, (backward, *args), seed)
    if "jax" in sys.modules:
        from conformance.custom.by_jax import check, is_custom_vjp

        if is_custom_vjp(forward):
            name = getattr(forward, "__name__", "function")
            return BackwardReport(name, check(forward, (backward, *args), seed))
    return _check_pair(forward, backward, args, seed)


def _check_function(kind: Any, args: tuple[Any, ...], seed: int) -> BackwardReport:
    """Judge a `torch.autograd.Function`, by what torch itself takes it for."""
    from conformance.custom.applied import accepted, asked, examined

    what = asked(kind, args, seed)
    try:
        accepted(what.kind, what.args, what.needs)
    except RuntimeError as error:
        raise NotAGradientError(f"torch refuses it: {error}") from error
    return BackwardReport(kind.__qualname__, examined(what))


def _check_pair(
    forward: Callable[..., Any], backward: Callable[..., Any], args: tuple[Any, ...], seed: int
) -> BackwardReport:
    """Judge a function that goes forward by one that goes backward."""
    names = _names(forward, len(args))
    outputs, cache = _outputs(forward(*copy.deepcopy(args)))
    _fit(outputs, cache, backward)
    rng = np.random.default_rng(seed)
    douts = tuple(rng.normal(size=np.shape(each)) for each in outputs)

    def f(params: dict[str, Any], *douts: Any) -> tuple[Any, dict[str, Any]]:
        outputs, cache = _outputs(forward(*params.values()))
        gradients = backward(*douts, *cache)
        first, *others = ((o * d).sum() for o, d in zip(outputs, douts, strict=True))
        return sum(others, first), _by_name(gradients, params)

    params, called = dict(zip(names, args, strict=True)), _names(backward, len(douts))
    examined = examine(f, params, douts, backward, called=called)
    return BackwardReport(getattr(backward, "__qualname__", "backward"), examined)


def _names(function: Callable[..., Any], count: int) -> list[str]:
    """The names of the first parameters of a function."""
    given = list(inspect.signature(function).parameters.values())
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [each.name for each in given if each.kind in positional][:count]
    return names + [f"args[{i}]" for i in range(len(names), count)]


def _outputs(result: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The outputs of a layer, and its cache if it has one."""
    if isinstance(result, tuple) and len(result) > 1:
        return result[:-1], result[-1:]
    return (result,), ()


def _fit(outputs: tuple[Any, ...], cache: tuple[Any, ...], backward: Callable[..., Any]) -> None:
    """Raise NotAGradientError if they are no outputs, or not what backward takes."""
    what = "forward has to return the output, (output, cache), or (output, …, output, cache)"
    for i, each in enumerate(outputs, start=1):
        if not _is_float(each):
            raise NotAGradientError(f"{what}: output {i} is of {type(each)}, no array of floats")
    try:
        inspect.signature(backward).bind(*outputs, *cache)
    except TypeError as error:
        wanted = ", ".join(["dout"] * len(outputs) + ["cache"] * len(cache))
        name = getattr(backward, "__name__", "backward")
        raise NotAGradientError(f"{name} is called as {name}({wanted}): {error}") from None


def _by_name(gradients: Any, params: dict[str, Any]) -> dict[str, Any]:
    """The gradients by the names of the arguments that they belong to."""
    if isinstance(gradients, Mapping):
        return dict(gradients)
    found = list(gradients) if isinstance(gradients, tuple | list) else [gradients]
    names = list(params)
    if len(found) != len(names):
        names = [name for name, each in params.items() if _is_float(each)]
    return dict(zip(names, found, strict=False))


def _is_float(value: Any) -> bool:
    return isinstance(value, float | np.floating) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "f"
    )
