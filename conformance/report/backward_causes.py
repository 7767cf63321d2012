"""Why a gradient or an update is wrong: the cause of a blame, in a sentence or two.

Left out: what is wrong, and on which line (`backward_words.py`).
"""

import re

from conformance.backward.findings import UPDATES, Cause, Changed, Named
from conformance.report import update_causes

NAME = re.compile(r"[\w.]+(\[[^\]]*\]|\([^()]*\))*")  # `h`, `self.a[1]`, `np.exp(z)`


RESULTS = {
    "add": "sum", "subtract": "difference", "multiply": "product", "divide": "quotient",
    "true_divide": "quotient", "matmul": "product", "dot": "product", "sum": "sum", "mean": "mean",
    "negative": "negative", "power": "power", "square": "square", "sqrt": "root",
}  # fmt: skip
"""What the result of an operation is called that has no name in the program."""


def of(named: Named) -> str:
    """A value as it stands behind ∂C/∂: an expression in parentheses."""
    if named.is_operation:
        return f"(the {RESULTS.get(named.name, 'value')})"
    return named.name if NAME.fullmatch(named.name) else f"({named.name})"


def _value(named: Named | None) -> str:
    """`h` (line 6), as it stands behind ∂C/∂."""
    if named is None:
        return "?"
    return of(named) if named.line is None else f"{of(named)} (line {named.line.line})"


def quoted(named: Named) -> str:
    """`np.maximum(z, 0)` (line 6)."""
    if named.is_operation and named.line is not None:
        return f"the {RESULTS.get(named.name, 'value')} that line {named.line.line} computes"
    return f"`{named.name}`" if named.line is None else f"`{named.name}` (line {named.line.line})"


def why(cause: Cause) -> str:
    """The cause in a sentence or two."""
    changed, missing = cause.changed, cause.missing
    if cause.instead is not None:
        it = cause.instead
        gain = instead_words(it.write, it.digits, it.line.line)
        return f"{_of_kind(cause)}; {gain}"
    if changed is not None and changed.what == "factor" and changed.other and missing is not None:
        return f"{_of_kind(cause)}; it has to be {_times(changed.after)} {quoted(changed.other)}"
    if cause.changed is not None:
        return _of_change(cause.changed)
    return _of_kind(cause)


def instead_words(write: str, digits: int, line: int) -> str:
    """What to write so that digits are kept."""
    return f"`{write}` on line {line} keeps {digits} more"


def _of_kind(cause: Cause) -> str:
    """What is wrong with the value of an operation."""
    operation, needed, held = f"`{cause.operation}`", _value(cause.needed), _value(cause.held)
    lacks = f": the derivative of {quoted(cause.missing)} is missing" if cause.missing else ""
    other = f"∂C/∂{needed}" if needed != held else "that of the step before"
    said = {
        "value": f"{operation} has to give ∂C/∂{needed}, and gives something else",
        "misused": f"{operation} is ∂C/∂{held}; what follows needs {other}{lacks}",
        "scaled": f"{operation} is {cause.factor:g} times the ∂C/∂{needed} that is needed",
        "part": f"{operation} is only a part of ∂C/∂{needed}: a contribution is left out",
        "begins": f"what is computed from {operation} has to become ∂C/∂{needed}, and does not; "
        "no right gradient uses it",
        "decay": f"{operation} is {cause.factor:g} times the derivative of the decay in the loss"
        if cause.factor
        else f"the derivative of the decay in the loss, a multiple of {needed}, is not added",
        "updated": _of_updated(cause),
        "handed": f"what is handed on here has to be ∂C/∂{needed}",
        "loop": "this loop leaves something out: with what is missing all gradients are right",
        "aliased": f"`{cause.names[0]}` is changed in place, and is the same array as "
        f"`{cause.names[1]}`, which is read later as what it was",
        "shape": "the gradient has another shape than its parameter",
        "unused": f"{operation} does not use {needed}, by which it has to be multiplied",
        "absent": "no gradient is given here, which is taken for 0",
        "output": "this output error is the derivative of no known cost",
        "small": f"off by {cause.factor:.1g} of its largest entry in exact arithmetic: no rounding",
        "lost": "the right formula, evaluated badly: more than half of the digits are lost",
        "grows": "the decay is taken off the gradient here, so the weights grow: add it",
        "search": f"the line to blame was not found in {cause.factor:g} s",
        "negated": "the output error has the wrong sign, and with it all gradients",
        "overwritten": "a value that is used twice has the sum of the derivatives of its uses: "
        "add to what is there (+=)",
        "order": "values are gone through in the wrong order: each has to come after all that is "
        "computed from it",
    }
    if cause.kind in UPDATES:
        return update_causes.why(cause)
    return said.get(cause.kind, "no single operation is known that would make it right")


def _of_updated(cause: Cause) -> str:
    """That a parameter is used after its update."""
    lines = [each.line.line for each in (cause.held, cause.needed) if each and each.line]
    name = cause.needed.name if cause.needed else "?"
    used, moved = (f" on line {each}" for each in lines) if len(lines) > 1 else ("", "")
    return f"`{name}` is used{used} after its update{moved}: the old `{name}` is needed"


def _of_change(changed: Changed) -> str:
    """What an operation has to be instead."""
    operation, before, after = f"`{changed.operation}`", changed.before, changed.after
    other = quoted(changed.other) if changed.other else ""
    number = f"number {before}".rstrip()
    said = {
        "operator": f"in {operation}, the operator {before} has to be {after}",
        "function": f"in {operation}, {before} has to be {after}",
        "axis": f"in {operation}, the axis {before} has to be {after}"
        if before != "None"
        else f"{operation} has to be along axis {after}, and is over all entries",
        "constant": f"in {operation}, {_number(changed, number)} has to be {after}",
        "rate": f"in {operation}, {_number(changed, number)} has to be {after}: so much do the "
        "weights decay by the loss, or by the other gradients",
        "variable": f"the {number} that this gives to `{changed.operation}` has to be {after}",
        "start": f"the sum `{changed.operation}` has to begin with 0",
        "operand": f"in {operation}, {PLACES.get(before, 'an operand')} has to be {other}",
        "transpose": f"in {operation}, {PLACES.get(before)} to be transposed",
        "comparison": f"{operation} has to compare by {COMPARING.get(after, after)}",
        "mask": f"{operation} has to write {f'where {other} {after} 0' if other else after}",
        "index": f"in {operation}, the index has to be changed by {after}",
        "order": f"in {operation}, the operands have to be the other way round",
        "extra": f"in {operation}, {_extra(before)} is too much",
        "factor": f"{operation} has to be {_times(after)} {other}".rstrip(),
        "term": f"{other} has to be {TERMS.get(after)} {operation}",
        "repeated": f"{operation} adds once where an index is repeated: use `np.add.at`",
        "added": f"{operation} has to add (`+=`) and not overwrite",
    }
    return said[changed.what]


def _number(changed: Changed, number: str) -> str:
    """A number, with its name if it has one in the program."""
    return f"the {number}" if changed.other is None else f"`{changed.other.name}` ({number})"


PLACES = {
    "1": "the first operand",
    "2": "the second operand",
    "left": "the left operand has",
    "right": "the right operand has",
    "both": "both operands have",
    "result": "the result has",
}
"""What an operand is called, or what has to be transposed."""

COMPARING = {
    "greater": ">", "less": "<", "greater_equal": ">=", "less_equal": "<=",
    "equal": "==", "not_equal": "!=",
}  # fmt: skip

TERMS = {"+": "added to", "−": "subtracted from"}


def _times(factor: str) -> str:
    """How a factor that is missing has to be put: a sign with another value, or a number."""
    return {"×": "multiplied by", "/": "divided by"}.get(factor, f"multiplied by {factor}")


def _extra(what: str) -> str:
    """What is too much: an operand, a function, the whole of a write."""
    if what in ("left", "right"):
        return f"the {what} operand"
    return "the write" if what == "=" else f"`{what}`"
