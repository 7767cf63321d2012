"""Torch tensors in a trace: each operator of torch leaves a node, as NumPy's do.

All functions and methods of torch, in place or not, come down to a few operators, and what they
say of themselves (which argument they write into) is enough to note them; those of a backward pass
too, which have no line. Tensors that NumPy has no counterpart of (sparse, of two bytes) are not
noted; what is computed from them is inexact. Torch's compiler, which takes a second to be imported,
is of no use in a trace.

Left out: what the operators do to exact numbers (`torch_functions.py`); where numbers go from NumPy
to torch or back (`tensor_memory.py`).
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from conformance.tracing.memory import places_at
from conformance.tracing.node import Node, flat, joined, part_of, substituted
from conformance.tracing.tensor_memory import Borders, TensorTrace
from conformance.tracing.torch_functions import COPIES, FUNCTIONS, REDUCTIONS, inexact, operation_of
from conformance.tracing.torch_operator import TorchOperator, without_writing
from conformance.tracing.trace import Trace
from reference.step import Array


@contextmanager
def traced_tensors(trace: Trace) -> Iterator[TensorTrace]:
    """Note what is done with tensors, until the end of the block."""
    tensors = TensorTrace(trace)
    before, trace.foreign = trace.foreign, tensors.node
    operators = _BesideCompiler if COMPILER in sys.modules else _Operators
    try:
        with without_compiler(), Borders(tensors), operators(tensors):
            yield tensors
    finally:
        trace.foreign = before


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no type of it
    """What torch's operators compute, and where they write it."""

    def __init__(self, tensors: TensorTrace) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tensors = tensors

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: else the first operator imports the compiler, for which it has no use."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the operator and note what it gave."""
        kwargs, tensors = kwargs or {}, self.tensors
        if not tensors.noting:
            return func(*args, **kwargs)
        if torch.is_inference_mode_enabled():  # where composite operators come as they are
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        written = _written(func, args, kwargs)
        if written:
            return self._write(func, args, kwargs, written)
        called = self._called(func, args, kwargs)
        result = func(*args, **kwargs)
        self._note(called, result)
        return result

    def _called(
        self, func: Any, args: Any, kwargs: dict[str, Any]
    ) -> tuple[str, Callable[..., Any] | None, Any, Any]:
        """The operation of a node, its function and its arguments."""
        name = _name(func)
        if _makes(func, name, (args, kwargs)):
            return ("empty" if "empty" in name else "constant"), None, (), {}
        nodes, options = self._apart(name, *map(self._held, (tuple(args), kwargs)))
        name = "add" if name in TERMS else name
        if _tensors((nodes, options)):
            return name, inexact(name), nodes, options
        operation, function, nodes, options = operation_of(name, nodes, options)
        if operation == "put" and True in (*nodes[3:4], options.get("accumulate")):
            operation = "index_add"
        if function is None and name in CHOOSING:
            function = getattr(np, operation, None)
        elif not (name in PLAIN or operation in MOVES or isinstance(function, np.ufunc)):
            function = _of_torch(func, name, function)
        return operation, function, nodes, options

    def _held(self, value: Any) -> Any:
        """Arguments with nodes in the place of what they computed; torch makes numbers plain."""
        held, known = self.tensors.trace.argument(value), self.tensors.numbers
        return _replaced(held, known) if known else held

    def _apart(self, name: str, nodes: Any, options: dict[str, Any]) -> tuple[Any, Any]:
        """The arguments of c + α b, c + a b and c + α a / b with the product as a node of its own.

        So it is seen which of the two operations is wrong.
        """
        options = dict(options)
        if name in ADDING and "alpha" in options:
            scaled = 0 if name == "rsub" else 1
            product = self._product("multiply", np.multiply, nodes[scaled], options.pop("alpha"))
            nodes = tuple(product if i == scaled else each for i, each in enumerate(nodes))
        if name in TERMS:
            term = self._product(*TERMS[name], *nodes[1:])
            if "value" in options:
                term = self._product("multiply", np.multiply, term, options.pop("value"))
            nodes = nodes[0], term
        if name in PRODUCTS and not options:
            nodes = nodes[0], self._product("matmul", np.matmul, *nodes[1:])
        return nodes, options

    def _product(self, operation: str, function: Any, a: Any, b: Any) -> Node:
        values = [each.value if type(each) is Node else each for each in (a, b)]
        with np.errstate(all="ignore"):
            value = np.asarray(function(*values), dtype=np.result_type(values[0]))
        return self.tensors.trace.node(operation, function, (a, b), {}, value)

    def _note(self, called: Any, result: Any) -> None:
        """Note what came out: new numbers, or other views of known ones."""
        tensors, trace = self.tensors, self.tensors.trace
        new = [each for each in _tensors(result) if not tensors.known(each)]
        for each in _tensors(result):
            if not any(each is other for other in new):
                tensors.node(each)  # with the line that made the view
        arrays = [tensors.array(each) for each in new]
        if len(new) == 1 and isinstance(result, torch.Tensor) and arrays[0] is not None:
            tensors.computed(new[0], self._made(called, arrays[0]))
        elif new and all(each is not None for each in arrays):
            operation, function, nodes, options = called
            whole = trace.node(
                operation, function, nodes, options, joined(tuple(map(np.array, arrays)))
            )
            for i, (each, array) in enumerate(zip(new, arrays, strict=True)):
                part = trace.node("part", part_of, (whole, i), {}, np.array(array))
                tensors.computed(each, part)

    def _made(self, called: Any, array: Array) -> Node:
        operation, function, nodes, options = called
        if operation == "empty":
            array[...] = 0  # it holds whatever was there
        value = np.array(array)
        sources = [each for each in flat((nodes, options)) if type(each) is Node]
        if array.dtype.kind != "f" and all(each.constant for each in sources):
            function, nodes, options = None, (), {}  # labels, and what is done with them
        operation = "constant" if function is None else operation
        return self.tensors.trace.node(operation, function, nodes, options, value)

    def _write(self, func: Any, args: Any, kwargs: dict[str, Any], written: list[Any]) -> Any:
        """Call an operator that writes into tensors, and note what is in them then."""
        for each in written:
            self._know(each)
        name, outs = _name(func), {id(each) for each in written}
        read = args[1:] if name in COPIES else args
        named = {key: each for key, each in kwargs.items() if id(each) not in outs}
        operation, function, nodes, options = self._called(func, read, named)
        if torch.Tag.nondeterministic_seeded in func.tags or name == "zero":
            operation, function, nodes, options = "constant", None, (), {}
        elif function is not None and len(written) > 1:
            function = inexact(name)
        result = func(*args, **kwargs)
        for each in written:
            self._note_written(each, (operation, function, nodes, options))
        return result

    def _know(self, tensor: torch.Tensor) -> None:
        """Know the numbers of a tensor that is about to be written into."""
        array = self.tensors.array(tensor)
        if array is not None and array.size:
            self.tensors.memory(tensor, array)
            self.tensors.trace.before_write(array)

    def _note_written(self, tensor: torch.Tensor, called: Any) -> None:
        tensors, trace = self.tensors, self.tensors.trace
        operation, function, nodes, options = called
        array = tensors.array(tensor)
        if array is None or not array.size:
            return
        if function is FUNCTIONS["index_put"][1] and tensors.known(tensor):
            self._note_places(array, *nodes[1:3])
            return
        if function is not None and operation == "copy":
            function = _fitted(function, array.shape)
        made = trace.node(operation, function, nodes, options, np.array(array))
        if tensors.known(tensor):
            trace.write(array, made)
        else:  # it was given other memory
            tensors.computed(tensor, made)

    def _note_places(self, array: Array, indices: Any, value: Any) -> None:
        """Note what was written at some places of an array, as NumPy's arrays note it."""
        memory = self.tensors.trace.memories.of(array)
        known = substituted(indices, lambda each: each.value)
        key = tuple(slice(None) if each is None else each for each in known)
        at = places_at(array, memory.owner, key)
        self.tensors.trace.write_at(memory, at, value)


ADDING = ("add", "sub", "rsub")
TERMS: dict[str, tuple[str, np.ufunc]] = {
    "addcmul": ("multiply", np.multiply),
    "addcdiv": ("divide", np.divide),
}
PRODUCTS = ("addmm", "addmv", "baddbmm")

PLAIN = (*PRODUCTS, *REDUCTIONS)
"""Operators that are done as NumPy does them, and not by torch."""

CHOOSING = (
    "argmax", "argmin", "argsort", "nonzero", "any", "all", "isnan", "isinf", "isfinite",
)  # fmt: skip
"""Operators whose outcome is kept as it is in floats."""


MOVES = ("copy", "getitem", "put", "concatenate", "stack", "repeat", "roll", "pad", "tril", "triu")
"""Operations that move numbers: where each came from is seen by applying them to places."""


class _BesideCompiler(_Operators):  # type: ignore[no-untyped-call]  # torch has no type of it
    """The same where torch's compiler is there: this is not to be compiled."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Yes."""
        return True

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the operator and note what it gave."""
        return super().__torch_dispatch__(func, types, args, kwargs)


def _of_torch(func: Any, name: str, exact: Callable[..., Any] | None) -> Callable[..., Any]:
    """An operator as a function that torch differentiates."""
    operator = without_writing(func)
    if operator is None:
        return inexact(name) if exact is None else exact
    return TorchOperator(operator, exact)


def _fitted(function: Callable[..., Any], shape: tuple[int, ...]) -> Callable[..., Any]:
    """What an operator writes, in the shape of that into which it is written."""
    return lambda *args, **kwargs: np.broadcast_to(function(*args, **kwargs), shape)


def _replaced(value: Any, known: dict[float, Node]) -> Any:
    """Arguments with the nodes of numbers that are known."""
    kind = type(value)
    if kind in (list, tuple):
        return kind(_replaced(each, known) for each in value)
    if kind is dict:
        return {key: _replaced(each, known) for key, each in value.items()}
    return known.get(value, value) if kind is float else value


def _name(func: Any) -> str:
    """The name of an operator, that of a form which writes in place being the same."""
    name = str(func._schema.name).split("::")[-1]  # noqa: SLF001 - torch's own way to ask
    return name if name.startswith("__") else name.removesuffix("_")


def _makes(func: Any, name: str, given: Any) -> bool:
    """Whether an operator makes a tensor that is computed of none."""
    fresh = name.endswith("_like") or name.startswith("new_")
    random = torch.Tag.nondeterministic_seeded in func.tags
    return fresh or random or not (_tensors(given) or name in COPIES)


def _written(func: Any, args: Any, kwargs: dict[str, Any]) -> list[torch.Tensor]:
    """The tensors that an operator writes into."""
    schema = func._schema  # noqa: SLF001 - torch's own way to ask
    if not schema.is_mutable:
        return []
    found = []
    for i, each in enumerate(schema.arguments):
        if each.alias_info is not None and each.alias_info.is_write:
            value = kwargs.get(each.name) if each.kwarg_only or i >= len(args) else args[i]
            found += _tensors(value)
    return found


def _tensors(value: Any) -> list[torch.Tensor]:
    return [each for each in flat(value) if isinstance(each, torch.Tensor)]


COMPILER = "torch._dynamo"
SWITCH = "TORCHDYNAMO_DISABLE"


@contextmanager
def without_compiler() -> Iterator[None]:
    """Let `torch.compile` give back what it is given, until the end of the block."""
    before = os.environ.get(SWITCH)
    os.environ[SWITCH] = "1"
    try:
        yield
    finally:
        del os.environ[SWITCH]
        if before is not None:
            os.environ[SWITCH] = before
