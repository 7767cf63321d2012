"""A function with `jax.custom_vjp`, judged by its own forward: ∂C/∂v by JAX, in float64.

JAX writes both passes down as its own operations (a jaxpr), each with the lines that it comes from.
They are run one by one. Left out: how (`jaxpr.py`), what is judged of the call (`calling.py`), and
residuals that are no arrays.
"""

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import tree

from conformance.backward.findings import Examined
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass
from conformance.custom.calling import Called, examined_calls
from conformance.custom.jaxpr import Run
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array


def is_custom_vjp(thing: object) -> bool:
    """Whether a thing is a function with `jax.custom_vjp`."""
    return bool(isinstance(thing, jax.custom_vjp))


def check(function: Any, args: Sequence[Any], seed: int = 0) -> Examined:
    """The gradients of a function with `jax.custom_vjp`, judged.

    Args:
        function: of JAX.
        args: of it.
        seed: another cotangent for another seed.

    Raises:
        NotAGradientError: it has no output or no arguments of floats, or JAX refuses it.
    """
    with jax.enable_x64(True):
        try:
            _accepted(function, args)
            return examined_calls(partial(called, function, tuple(args), seed))
        except (TypeError, ValueError) as error:
            if isinstance(error, NotAGradientError):
                raise
            raise NotAGradientError(f"JAX refuses it: {str(error).splitlines()[0]}") from error


def accepted(function: Any, args: Sequence[Any]) -> None:
    """Let JAX call the function and its backward; what it raises, it raises here too.

    The function is called as it is written first: JAX asks for the types of all its arguments.
    """
    with jax.enable_x64(True):
        function.fun(*args)
        _accepted(function, args)


def _accepted(function: Any, args: Sequence[Any]) -> None:
    """Let JAX call the function and its backward; what it raises, it raises here too."""
    fixed = {*function.nondiff_argnums}

    def of_others(*given: Any) -> Any:
        own = iter(given)
        return function(*(e if i in fixed else next(own) for i, e in enumerate(args)))

    result, pull = jax.vjp(of_others, *(e for i, e in enumerate(args) if i not in fixed))
    pull(tree.map(jax.numpy.ones_like, result))


def called(function: Any, args: tuple[Any, ...], seed: int, only: int | None = None) -> Called:
    """Call a function forward and backward, recorded; see `applied.called`."""
    trace = Trace(sites=True)
    run, rng = Run(trace), np.random.default_rng(seed + 9)
    fixed = {*function.nondiff_argnums}
    given = [each for i, each in enumerate(args) if i not in fixed]
    names, leaves = _named(function, args)
    nodes = [_given(trace, name, each) for name, each in zip(names, leaves, strict=True)]
    shape, kept = tree.structure(given), dict[str, Any]()

    def forward(*leaves: Any) -> Any:
        own = iter(tree.unflatten(shape, leaves))
        out, left = function.fwd(*(e if i in fixed else next(own) for i, e in enumerate(args)))
        kept["out"], kept["left"] = tree.structure(out), tree.structure(left)
        return tree.leaves(out), tree.leaves(left)

    def backward(left: Any, sent: Any) -> Any:
        own = tree.unflatten(kept["left"], left), tree.unflatten(kept["out"], sent)
        found = function.bwd(*(args[i] for i in sorted(fixed)), *own)
        kept["gradients"] = found = list(found) if isinstance(found, tuple | list) else [found]
        return [each for each in tree.leaves(found) if not _is_float0(each)]

    results = run.run(jax.make_jaxpr(forward)(*leaves), nodes)
    count = kept["out"].num_leaves
    outputs, left = results[:count], results[count:]
    loss, sent, differentiable = _loss(trace, outputs, rng, only)
    values = [[e.value if type(e) is Node else e for e in some] for some in (left, sent)]
    gradients = run.run(jax.make_jaxpr(backward)(*values), [*left, *sent])
    goals, absent = _goals(trace, (names, nodes), _by_leaf(given, kept["gradients"], gradients))
    step = OwnPass(trace, goals, loss=loss, returns=(), promised=True)
    return Called(step, differentiable, tuple(e for e in sent if type(e) is Node), absent)


def _named(function: Any, args: tuple[Any, ...]) -> tuple[list[str], list[Array]]:
    """The names of all arrays among the arguments, and they themselves."""
    first = list(inspect.signature(function.fun).parameters)
    names, leaves = [], []
    for i, each in enumerate(args):
        if i in function.nondiff_argnums:
            continue
        name = first[i] if i < len(first) else f"args[{i}]"
        for path, leaf in jax.tree_util.tree_flatten_with_path(each)[0]:
            names.append(f"{name}{jax.tree_util.keystr(path)}")
            leaves.append(np.asarray(leaf))
    return names, leaves


def _given(trace: Trace, name: str, array: Array) -> Any:
    if array.dtype.kind != "f":
        return array
    return trace.node(f"given {name}", None, (), {}, np.array(array))


def _is_float0(value: Any) -> bool:
    return bool(getattr(value, "dtype", None) == jax.dtypes.float0)


def _loss(
    trace: Trace, outputs: Sequence[Any], rng: np.random.Generator, only: int | None
) -> tuple[Node, list[Any], tuple[Node, ...]]:
    """The loss, what backward is given, and the outputs that have a derivative."""
    total: Any = None
    sent: list[Any] = []
    nodes: list[Node] = []
    for i, out in enumerate(outputs):
        value = out.value if type(out) is Node else np.asarray(out)
        if type(out) is not Node or value.dtype.kind != "f":
            sent.append(
                np.zeros(value.shape, jax.dtypes.float0 if value.dtype.kind != "f" else value.dtype)
            )
            continue
        drawn = rng.normal(size=value.shape).astype(value.dtype) * (only in (None, len(nodes)))
        sent.append(_given(trace, "g" if len(outputs) == 1 else f"g[{i}]", drawn))
        nodes.append(out)
        product = trace.node(
            "multiply", np.multiply, (out, sent[-1]), {}, np.asarray(value * drawn)
        )
        part = trace.node("sum", np.sum, (product,), {}, np.asarray(product.value.sum()))
        if total is not None:
            part = trace.node(
                "add", np.add, (total, part), {}, np.asarray(total.value + part.value)
            )
        total = part
    if total is None:
        raise NotAGradientError("its forward gives no array of floats that depends on an argument")
    return total, sent, tuple(nodes)


def _by_leaf(given: Sequence[Any], shown: Sequence[Any], found: Sequence[Any]) -> list[Any]:
    """The gradient of each array among the arguments; None where backward gives None."""
    rest, gradients = iter(found), []
    for argument, own in zip(given, shown, strict=True):
        count = len(tree.leaves(argument))
        leaves = tree.leaves(own, is_leaf=lambda e: e is None)
        leaves = [None] * count if own is None else leaves
        gradients += [None if e is None or _is_float0(e) else next(rest) for e in leaves]
    return gradients


def _goals(
    trace: Trace, given: tuple[list[str], list[Any]], gradients: Sequence[Any]
) -> tuple[tuple[Goal, ...], tuple[str, ...]]:
    """The gradients, and the names of arguments for which there is None."""
    goals, absent = [], []
    for name, node, gradient in zip(*given, gradients, strict=True):
        if type(node) is not Node:
            continue
        if gradient is None:
            absent.append(name)
        own = gradient
        if type(own) is not Node:
            own = trace.constant(np.zeros(node.value.shape) if own is None else np.asarray(own))
        goals.append(Goal(name, node, own))
    if not goals:
        raise NotAGradientError("no argument is an array of floats")
    return tuple(goals), tuple(absent)
