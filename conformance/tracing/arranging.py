"""Kinds of operations: those that put arrays together or take them apart; products."""

from conformance.tracing.node import FILLED

ARRANGING = {
    "append", "array", "asarray", "block", "column_stack", "concatenate", "copy", "copyto",
    "flatten", "getitem", "hstack", "insert", "pad", "ravel", "repeat", "reshape", "row_stack",
    "squeeze", "stack", "swapaxes", "transpose", "vstack", FILLED,
}  # fmt: skip

LIMITING = ("absolute", "fabs", "maximum", "minimum", "clip")
"""Operations that give back what they are given, where its numbers allow it."""

PRODUCTS = {"multiply", "matmul", "dot", "einsum", "outer", "inner", "tensordot", "vdot", "kron"}


def kind_of(operation: str) -> str:
    """The kind of an operation: all products are one."""
    return "product" if operation in PRODUCTS else operation
