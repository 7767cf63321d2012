"""Operations that put arrays together or take them apart, and compute nothing."""

from conformance.tracing.node import FILLED

ARRANGING = {
    "append", "array", "asarray", "block", "column_stack", "concatenate", "copy", "copyto",
    "flatten", "getitem", "hstack", "insert", "pad", "ravel", "repeat", "reshape", "row_stack",
    "squeeze", "stack", "swapaxes", "transpose", "vstack", FILLED,
}  # fmt: skip

LIMITING = ("absolute", "fabs", "maximum", "minimum", "clip")
"""Operations that give back what they are given, where its numbers allow it."""
