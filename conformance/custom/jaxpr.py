"""What JAX writes down of a function (a jaxpr), run operation by operation and recorded.

Left out: loops (`scan`, `while_loop`), which are one operation each.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jaxlib
import numpy as np

from conformance.tracing.frames import Frame, subject_codes
from conformance.tracing.jax_operator import JaxOperator
from conformance.tracing.node import Node, part_of
from conformance.tracing.trace import Trace

PLAIN: dict[str, tuple[str, Callable[..., Any]]] = {
    "add": ("add", np.add), "add_any": ("add", np.add), "sub": ("subtract", np.subtract),
    "mul": ("multiply", np.multiply), "div": ("divide", np.divide), "exp": ("exp", np.exp),
    "neg": ("negative", np.negative), "log": ("log", np.log), "tanh": ("tanh", np.tanh),
    "sqrt": ("sqrt", np.sqrt), "abs": ("absolute", np.absolute), "sign": ("sign", np.sign),
    "square": ("square", np.square), "max": ("maximum", np.maximum), "min": ("minimum", np.minimum),
    "pow": ("power", np.power), "gt": ("greater", np.greater), "lt": ("less", np.less),
    "ge": ("greater_equal", np.greater_equal), "le": ("less_equal", np.less_equal),
    "eq": ("equal", np.equal), "ne": ("not_equal", np.not_equal),
}  # fmt: skip
"""Operations that NumPy has under another name."""

MOVES = {
    "transpose": "transpose", "reshape": "reshape", "squeeze": "squeeze", "copy": "copy",
    "broadcast_in_dim": "broadcast_to", "expand_dims": "expand_dims", "concatenate": "concatenate",
    "rev": "flip", "slice": "getitem", "pad": "pad", "convert_element_type": "astype",
    "select_n": "where", "gather": "take", "dynamic_slice": "getitem", "copy_p": "copy",
}  # fmt: skip
"""Operations that move numbers, as NumPy calls them."""

INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")
CALLS = (
    "jit",
    "pjit",
    "closed_call",
    "core_call",
    "custom_jvp_call",
    "custom_vjp_call",
    "checkpoint",
)
ROWS = ((1,), (0,)), ((), ())  # of a product of two matrices

OWN = tuple(str(Path(str(each.__file__)).parent) for each in (jax, jaxlib))

Where = tuple[tuple[Frame, ...], tuple[Any, ...]]


class Run:
    """Operations of a jaxpr, run one by one and recorded."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def run(
        self, closed: Any, args: Sequence[Any], call: str = "", around: Where = ((), ())
    ) -> Any:
        """What a jaxpr gives, nodes where it depends on some.

        Args:
            closed: the jaxpr with its constants.
            args: nodes and arrays.
            call: the name of the function that it is the inside of.
            around: the lines of that call.
        """
        jaxpr = closed.jaxpr if hasattr(closed, "jaxpr") else closed
        held = dict(
            zip(jaxpr.constvars, map(np.asarray, getattr(closed, "consts", ())), strict=True)
        )
        held |= dict(zip(jaxpr.invars, args, strict=True))
        for equation in jaxpr.eqns:
            given = [held[e] if not hasattr(e, "val") else e.val for e in equation.invars]
            where = _where(equation, call, around)
            made = self._one(equation, given, where)
            held |= dict(zip(equation.outvars, made, strict=True))
        return [held[e] if not hasattr(e, "val") else np.asarray(e.val) for e in jaxpr.outvars]

    def _one(self, equation: Any, given: list[Any], where: Where) -> Sequence[Any]:
        name, params = equation.primitive.name, equation.params
        inside = next((params[each] for each in INNER if each in params), None)
        if name in CALLS and inside is not None:
            return self.run(inside, given, str(params.get("name", "")), where)  # type: ignore[no-any-return]
        operation, function, args, kwargs = _as_numpy(name, params, given)
        function = function or JaxOperator(equation.primitive, params)
        values = [each.value if type(each) is Node else each for each in args]
        with np.errstate(all="ignore"):
            value = function(*values, **kwargs)
        several = equation.primitive.multiple_results
        arrays = tuple(map(np.asarray, value)) if several else np.asarray(value)
        if not any(type(each) is Node for each in args):
            return list(arrays) if several else [arrays]
        made = self._node(operation, function, tuple(args), kwargs, arrays, where)
        if not several:
            return [made]
        parts = enumerate(arrays)
        return [self._node("part", part_of, (made, i), {}, each, where) for i, each in parts]

    def _node(
        self, name: str, function: Any, args: Any, kwargs: Any, value: Any, where: Where
    ) -> Node:
        made = self.trace.node(name, function, args, kwargs, value)
        made.frames, made.sites = where
        return made


def _as_numpy(
    name: str, params: dict[str, Any], given: list[Any]
) -> tuple[str, Callable[..., Any] | None, list[Any], dict[str, Any]]:
    """An operation by NumPy's name, with NumPy's function if that does the same."""
    given = [e.item() if np.ndim(e) == 0 and type(e) is not Node else e for e in map(_plain, given)]
    if name in PLAIN:
        operation, function = PLAIN[name]
        return operation, function, given, {}
    if name == "integer_pow":
        return "power", np.power, [*given, params["y"]], {}
    if name == "reduce_sum":
        return "sum", np.sum, given, {"axis": tuple(params["axes"])}
    matrices = all(np.ndim(e.value if type(e) is Node else e) == 2 for e in given)  # noqa: PLR2004
    if name == "dot_general" and params["dimension_numbers"] == ROWS and matrices:
        return "matmul", np.matmul, given, {}
    return MOVES.get(name, name), None, given, {}


def _plain(value: Any) -> Any:
    return value if type(value) is Node else np.asarray(value)


def _where(equation: Any, call: str, around: Where) -> Where:
    """The lines of an operation; of one within a function of JAX's own, that of the call.

    What JAX has seen inside a function it keeps, with the lines of the first call.
    """
    traceback = equation.source_info.traceback
    codes = zip(*traceback.raw_frames(), strict=True) if traceback else ()
    frames, sites = subject_codes(e for e in codes if not e[0].co_filename.startswith(OWN))
    if not call:
        return frames, sites
    own = [i for i, each in enumerate(frames) if each.function == call]
    return (frames[: own[0] + 1] + around[0], sites[: own[0] + 1] + around[1]) if own else around
