"""Why a gradient or an update is wrong: the cause of a blame, in a sentence or two.

Left out: what is wrong, and on which line (`backward_words.py`).
"""

import ast
import re
from contextlib import suppress

from conformance.backward.findings import ADDS, UPDATES, Cause, Changed, Named
from conformance.report.source_words import instead_words

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
    said, at = _why(cause), cause.at
    operation = f"`{cause.operation if cause.changed is None else cause.changed.operation}`"
    return said if at is None else said.replace(operation, f"{operation} (line {at.line})", 1)


def _why(cause: Cause) -> str:
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


OF_KIND = {
    "value": "{operation} has to give ∂C/∂{needed}, and gives something else",
    "term": "{operation} has to give one of the terms of ∂C/∂{needed}, and gives something else",
    "misused": "{operation} is ∂C/∂{held}; what follows needs {other}{lacks}",
    "slope": "{operation} has to be the derivative of {missing}",
    "another": "this is the gradient of {names[1]}, and that of {names[0]} is needed",
    "itself": "the value of {missing} stands here, and its derivative is needed",
    "scaled": "{operation} is {factor:g} times the ∂C/∂{needed} that is needed",
    "part": "{operation} is only a part of ∂C/∂{needed}: a contribution is left out{that}",
    "begins": "the mistake is in {operation} or in what is computed from it, which has to become "
    "∂C/∂{needed}: no gradient that is right as it is uses it",
    "decay": "{operation} is {factor:g} times the derivative of the decay in the loss",
    "decay alone": "{operation} is the derivative of a decay that the loss does not have: add "
    "that of {needed} to the loss, or leave it out here",
    "no decay": "the derivative of the decay in the loss, a multiple of {needed}, is not added",
    "handed": "{operation} is handed on here, and ∂C/∂{needed} is needed",
    "aliased": "`{names[0]}` is changed in place, and is the same array as `{names[1]}`, which is "
    "read later as what it was",
    "shape": "the gradient has another shape than its parameter",
    "unused": "{operation} does not use {needed}, by which it has to be multiplied",
    "absent": "no gradient is given here, which is taken for 0",
    "output": "this output error is the derivative of no known cost",
    "uneven": "this output error has to add up to 0 for each sample: an output of softmax does not "
    "change with a number that is added to all that it is computed from",
    "small": "off by {factor:.1g} of its largest entry in exact arithmetic: no rounding",
    "lost": "the right formula, evaluated badly: more than half of the digits are lost",
    "grows": "the decay is taken off the gradient here, so the weights grow: add it",
    "search": "the line to blame was not found in {factor:g} s",
    "negated": "the output error has the wrong sign, and with it all gradients",
    "overwritten": "a value that is used twice has the sum of the derivatives of its uses: "
    "add to what is there (+=)",
    "last": "{factor:g} gradients are computed for this update, as of samples or mini-batches, and "
    "the last alone is used: the others are overwritten; add them (+=)",
    "anew": "{factor:g} gradients are computed for this update, as of samples or mini-batches, and "
    "the last alone is used: `{names[0]}` begins anew with each; let it begin before the loop",
    "repeated": "{operation} adds the same value {factor:g} times, once in each round of a loop: "
    "add it once",
    "skipped": "this loop leaves out the {step} of the {factor:g} steps that the forward pass has",
    "crossed": "each of the {numbers[0]:g} outputs is compared with each target here: one of "
    "these arrays has the shape ({numbers[0]:g},), and the other ({numbers[0]:g}, 1)",
    "rows": "the samples are those of `{names[1]}`: `{names[0]}` is of others, or in another order",
    "order": "values are gone through in the wrong order: each has to come after all that is "
    "computed from it",
}
"""What is said of each kind of cause."""


def _of_kind(cause: Cause) -> str:
    """What is wrong with the value of an operation."""
    if cause.kind in UPDATES:
        return _of_update(cause)
    if cause.kind == "updated":
        return _of_updated(cause)
    kind = "no decay" if cause.kind == "decay" and not cause.factor else cause.kind
    itself = cause.missing is not None and cause.missing.name == cause.operation
    kind = "itself" if kind == "slope" and itself else kind
    needed, held = _value(cause.needed), _value(cause.held)
    missing = quoted(cause.missing) if cause.missing else ""
    lacks = f": the derivative of {missing} is missing" if missing else ""
    that = f", that of {missing}" if missing else ""
    other = f"∂C/∂{needed}" if needed != held else "that of the step before"
    words = OF_KIND.get(kind, "no single operation is known that would make it right")
    return words.format(
        operation=f"`{cause.operation}`" if cause.operation else "this", needed=needed,
        held=held, lacks=lacks, other=other, that=that,
        step=cause.operation, factor=cause.factor, names=cause.names, missing=missing,
        numbers=cause.numbers,
    )  # fmt: skip


def _of_updated(cause: Cause) -> str:
    """That a parameter is used after its update."""
    lines = [each.line.line for each in (cause.held, cause.needed) if each and each.line]
    name = cause.needed.name if cause.needed else "?"
    used, moved = (f" on line {each}" for each in lines) if len(lines) > 1 else ("", "")
    return f"`{name}` is used{used} after its update{moved}: the old `{name}` is needed"


def _is_there(changed: Changed) -> bool:
    """Whether the operand that has to be another one has its name already."""
    with suppress(SyntaxError):  # such as a statement
        operation = ast.parse(changed.operation, mode="eval").body
        if changed.what == "operand" and changed.other and isinstance(operation, ast.BinOp):
            side = {"1": operation.left, "2": operation.right}.get(changed.before)
            return side is not None and ast.unparse(side) == changed.other.name
    return False


def _of_change(changed: Changed) -> str:
    """What an operation has to be instead."""
    operation = f"`{changed.operation}`" if changed.operation else "what this line adds"
    before, after = changed.before, changed.after
    other = quoted(changed.other) if changed.other else ""
    other += ", as it was there: it was changed later" if _is_there(changed) else ""
    number = f"number {before}".rstrip()
    said = {
        "operator": f"in {operation}, the operator {before} has to be {after}",
        "function": f"in {operation}, {before} has to be {after}",
        "axis": f"in {operation}, the axis {before} has to be {after}"
        if before != "None"
        else f"{operation} has to be along axis {after}, and is over all entries",
        "constant": _of_number(changed),
        "rate": f"{_of_number(changed)}, for the weights to decay as in the loss, or in the other "
        "gradients",
        "variable": f"the {number} that this gives to `{changed.operation}` has to be {after}",
        "start": f"the sum `{changed.operation}` has to begin with {after}",
        "operand": f"in {operation}, {PLACES.get(before, 'an operand')} has to be {other}",
        "transpose": f"in {operation}, {PLACES.get(before)} to be transposed",
        "comparison": f"{operation} has to compare by {COMPARING.get(after, after)}",
        "mask": f"{operation} has to write {f'where {other} {after} 0' if other else after}",
        "index": f"in {operation}, the index has to be changed by {after}",
        "order": _turned(changed.operation),
        "extra": f"in {operation}, {_extra(before)} is too much",
        "factor": f"{operation} has to be {_times(after)} {other}".rstrip(),
        "term": f"{other} has to be {TERMS.get(after)} {operation}",
        "repeated": f"{operation} adds once where an index is repeated: use `np.add.at`",
        "added": f"{operation} has to add (`+=`) and not overwrite",
    }
    return said[changed.what]


def _turned(operation: str) -> str:
    """That operands have to be the other way round; of a number or in a statement, the sign."""
    match ast.parse(operation or "0").body[0]:
        case ast.AugAssign(op=ast.Sub()):
            return f"in `{operation}`, `-=` has to be `+=`"
        case ast.AugAssign(op=ast.Add()):
            return f"in `{operation}`, `+=` has to be `-=`"
        case ast.Expr(
            ast.BinOp(ast.Constant(), ast.Sub()) | ast.BinOp(_, ast.Sub(), ast.Constant())
        ):
            return f"`{operation}` has to be multiplied by -1"
    return f"in `{operation}`, the operands have to be the other way round"


def _of_number(changed: Changed) -> str:
    """That a number has to be another one; of one that has a name, by what it is multiplied.

    Its value is that of a run, whose data may be those that `check` makes. A wrong sign is that of
    all that the number stands in.
    """
    before, after, where = changed.before, changed.after, f"in `{changed.operation}`"
    name = f"the {f'number {before}'.rstrip()}"
    if changed.other is None:
        return f"{where}, {name} has to be {_multiple(before, after)}"
    name = f"`{changed.other.name}`"
    with suppress(ValueError, ZeroDivisionError):  # one may be an expression, or 0
        if (ratio := float(after) / float(before)) == -1:
            return f"`{changed.operation}` has to be multiplied by -1"
        if ratio:
            parts = f"{1 / ratio:.5g}"  # such as the number of samples
            by = f"multiplied by {ratio:.6g}"
            by = f"divided by {parts}" if parts.isdecimal() and ratio < 1 / 2 else by
            return f"{where}, {name} ({before} here) has to be {by}"
    return f"{where}, {name}{before and f', which is {before} here,'} has to be {after}"


def _multiple(before: str, after: str) -> str:
    """A number, or how many times another it is, where that is what people write."""
    with suppress(ValueError, ZeroDivisionError):
        times = f"{float(after) / float(before):.5g}"
        if times.isdecimal() and len(after.replace(".", "").strip("0")) > FEW_DIGITS:
            return f"multiplied by {times}"
    return after


PLACES = {
    "1": "the first operand",
    "2": "the second operand",
    "left": "the left operand has",
    "right": "the right operand has",
    "both": "both operands have",
    "result": "the result has",
}
"""What an operand is called, or what has to be transposed."""

FEW_DIGITS = 3  # of a number that is said as it is

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


MEANS = "Adam's means begin at 0, and are not both divided by 1 − β^t"

OF_ALL = {
    "ascends": "it goes up the gradient, and the other parameters go down",
    "step": "it goes {factor:.6g} times as far along the gradient as the others",
    "kept": "it uses less of what is kept from step to step than the updates of the others do",
    "unread": "what is computed of its gradients and kept from step to step moves nothing",
    "zero": "what is kept from step to step is not written where it is read: it is 0 at every step",
    "shared": "`{names[0]}` and `{names[1]}` keep one and the same array",
    "accumulates": "the gradients of all steps are added up: the sum never begins anew",
    "rate": "what is kept is multiplied by {factor:.6g}, and that of the others is not",
    "aside": "the parameter is moved here, and not by its gradient",
    "still": "its gradient is computed here, and moves nothing",
    "stops": "`{names[0]}` stops here, whatever it is given: {names[1]}",
    "idle": "`{names[0]}` computes nothing, and moves no parameter",
    "shares": "the mean of gradients keeps {factor:.6g} of itself: its two shares are exchanged",
    "unkept": "the parameter is moved here, and what comes of it is not kept in its place",
    "update": "the gradient is right, and the update does not take it off the parameter",
    "stale": "each step uses the gradient of the first one: that of the later ones is computed, "
    "and moves nothing",
    "put over": "what is to be added to the parameter is put in its place: use `-=`",
    ADDS: "the gradients are added to the parameters, so the cost grows: subtract them",
    "downhill": "the gradients of a number that has to grow are subtracted: add them",
    "infinite": "numbers that are not finite are made here of finite ones",
    "other": "the gradient of `{names[1]}` is used here in the place of that of `{names[0]}`",
    "no effect": "`{names[0]}` is read, and no update has anything of it",
    "unused rate": "`{names[0]}` is given, and not used: multiply the step by it",
    "twice": "`{names[0]}` multiplies the gradient here for the second time",
    "growth": "the weights grow by a multiple of themselves: a decay has to be taken off",
    "turned": "the parameter itself is subtracted here: only its gradient has to be",
    "unbounded": "large gradients have to get smaller by a bound of their norm: multiply them by "
    "min(1, bound / norm), and not by {operation}",
    "unrooted": "{operation} is a sum of squares: the norm to be bounded is its root",
    "unclipped": "the gradient is in a norm that is to be bounded, and is not multiplied by the "
    "factor that bounds it",
    "behind": "the gradient is not taken where the velocity goes to: w + μ v",
    "ahead": "the velocity is added here to where the gradient is taken, and not to the parameter",
    "former": "the gradient is kept here, and not the step: the next one adds more of it than of "
    "its own",
    "forgets": "nothing of what is kept from step to step is used here: the gradient stands there",
    "decay of gradient": "the gradient is multiplied by a decay here: the parameter has to be",
    "minus": "what is kept from step to step is subtracted here: it has to be added",
}

OF_MEANS = {
    "square": "the mean of the gradient has to be kept here, not that of its square",
    "no square": "the mean of the square of the gradient has to be kept here",
    "uncorrected": MEANS,
    "uncorrected mean": f"{MEANS}: that of the gradient is not",
    "uncorrected square": f"{MEANS}: that of the squares is not",
    "no root": "this divides by the mean of the squares, and not by its square root",
    "beside": "ε is added to the quotient: add it to the root that is divided by",
    "correction mean": "β2 is in the correction of the mean of the gradient: that is divided by "
    "1 − {0:.6g}^t, and has to be divided by 1 − {1:.6g}^t (β1)",
    "correction square": "β1 is in the correction of the mean of the squares: that is divided by "
    "1 − {0:.6g}^t, and has to be divided by 1 − {1:.6g}^t (β2)",
    "base mean": "the mean of the gradient is divided by 1 − {0:.6g}^t; it keeps {1:.6g} of "
    "itself, so divide it by 1 − {1:.6g}^t",
    "base square": "the mean of the squares is divided by 1 − {0:.6g}^t; it keeps {1:.6g} of "
    "itself, so divide it by 1 − {1:.6g}^t",
    "rate mean": "the mean of the gradient keeps {0:.6g} of itself here, and its correction is "
    "1 − {1:.6g}^t: it has to keep {1:.6g} (β1)",
    "rate square": "the mean of the squares keeps {0:.6g} of itself here, and its correction is "
    "1 − {1:.6g}^t: it has to keep {1:.6g} (β2)",
    "exchanged": "β1 and β2 are exchanged: this mean keeps {0:.6g} of itself, and its correction "
    "is 1 − {1:.6g}^t",
    "rest of mean": "the running mean keeps {0:.6g} of itself, and takes {1:.6g} of what is new: "
    "together they have to be 1",
    "number": "the number {0:.6g} moves each entry here, whatever the gradient is",
    "share": "what is added to the mean is multiplied by {0:.6g}, and has to be by {1:.6g}: "
    "1 less what the mean keeps of itself",
    "mixed": "{0:.6g} of the step is what is kept, and the rest the gradient: of the others' steps "
    "it is {1:.6g}",
    "mean": "the gradient is divided by the number of samples ({0:g}) twice; this is one of both",
    "sum": "1 − ρ of each square is added here, and what is kept never gets less: multiply it by ρ",
    "nesterov": "the step is a multiple of {0:.6g} v′ + {1:.6g} v, where v is kept before and v′ "
    "after it: by the momentum of Nesterov v goes into it {2:.6g} times",
    "twice kept": "what is kept is multiplied by {0:.6g} once more here, and no gradient is added "
    "beside it",
    "root of correction": "1 − β2^t corrects the mean of the squares outside of the root here: "
    "take the root of it",
    "rest": "this mean keeps {0:.6g} of itself, and {1:.6g} of what is new: exchange the two",
    "kept corrected": "the mean is kept as it is corrected by 1 − {0:.6g}^t, and is corrected "
    "again at each step: keep the mean itself",
    "stuck": "t in the correction 1 − β^t is {0:g} at each of these updates: count them",
    "late": "t in the correction 1 − β^t is {0:g} at update {1:g}: it has to be the same",
    "larger": "the larger of the two has to be kept here, and not the less",
    "before": "what is kept is used here before that of this gradient is in it: at the first step "
    "it is 0",
    "undivided": "the gradient is multiplied by the root of the mean of the squares of the steps, "
    "and has to be divided by that of its own, too",
    "size": "the largest |g| has to be kept here: take the absolute value of the gradient",
    "differences": "the mean of (g − m)² has to be kept here, where m is that of the gradient g",
    "steps kept": "the mean of the squares of the steps has to be kept here",
    "steps": "t in the correction 1 − β^t grows by {0:g} from update to update, and has to by 1",
}


def _of_update(cause: Cause) -> str:
    """What is wrong with an update."""
    if cause.kind in OF_MEANS:
        return OF_MEANS[cause.kind].format(*cause.numbers)
    operation = f"`{cause.operation}`"
    if cause.kind == "still" and cause.held is not None and cause.held.line is not None:
        others = f"others are moved on line {cause.held.line.line}"
        if cause.operation:
            return f"{operation} passes it over: its gradient moves nothing, and {others}"
        return f"{OF_ALL[cause.kind]}: {others}"
    said = OF_ALL[cause.kind].format(factor=cause.factor, names=cause.names, operation=operation)
    beside = cause.kind == "accumulates" and cause.operation
    return f"{said}: others are cleared here, and {operation} is not" if beside else said
