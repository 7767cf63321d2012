"""What is said of a backward pass: which gradients are wrong, which line, why.

Left out: what is known (`backward/findings.py`).
"""

import linecache
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from conformance.backward.findings import (
    UPDATES,
    Accused,
    Cause,
    Changed,
    Entry,
    Examined,
    Judged,
    Line,
    Named,
)
from conformance.report.visible import visible

NAME = re.compile(r"[\w.]+(\[[^\]]*\]|\([^()]*\))*")  # `h`, `self.a[1]`, `np.exp(z)`
MANY = 8  # gradients, beyond which their names are not all said
FEW = 4  # the same in a headline
FACTOR = 1e-6  # a factor is said that differs from 1 by more
LOCATED = 2  # further lines that are named


def report_lines(name: str, examined: Examined) -> list[str]:
    """The whole report, line by line."""
    lines: list[str] = []
    for each in examined.accused:
        lines += ([""] if lines else []) + blame_lines(each, examined.gradients)
    if all(each.ok for each in examined.gradients):
        lines += ([""] if lines else []) + [_all_right(name, examined.gradients)]
    said = [f"note: {each}" for each in (*conventions(examined), *notes(examined))]
    return [visible(each) for each in (*lines, *said)]


def in_one_line(name: str, examined: Examined) -> str:
    """The program, the verdict, and the first line to blame with the reason."""
    if not examined.accused:
        return visible(report_lines(name, examined)[0])
    first, *others = examined.accused
    more = f" (and {len(others)} more)" if others else ""
    at = f", {where(first.lines[0])}" if first.lines else ""
    wrong = _names(first.gradients)
    what = "update" if first.cause.kind in UPDATES else "gradient"
    return visible(f"{name}: wrong: the {what} of {wrong}{at}: {why(first.cause)}{more}")


def headline(examined: Examined) -> str:
    """The verdict in a sentence, without the program's name and without a full stop."""
    if not examined.accused:
        said = _right(examined.gradients)
        return f"{said[0].upper()}{said[1:]}"
    wrong = [*dict.fromkeys(name for each in examined.accused for name in each.gradients)]
    judged = [each for each in examined.gradients if each.declared is None]
    right = [each.name for each in judged if each.ok and each.name not in wrong]
    what = "update" if examined.accused[0].cause.kind in UPDATES else "gradient"
    be = "are" if len(wrong) > 1 else "is"
    by = f", by {len(examined.accused)} lines" if len(examined.accused) > 1 else ""
    few = _names(right) if len(right) <= FEW else f"{len(right)} others"
    beside = f"; {few} {'is' if len(right) == 1 else 'are'} right" if right else ""
    return f"The {what}{'s'[: len(wrong) > 1]} of {_names(wrong, FEW)} {be} wrong{by}{beside}"


def _wrong(names: Sequence[str], accused: Accused, gradients: Sequence[Judged]) -> tuple[str, str]:
    """What is wrong, such as `gradients of W1 and b1`, and what is right beside it."""
    judged = [each for each in gradients if each.declared is None]
    right = [each.name for each in judged if each.ok and each.name not in names]
    beside = f"; {_names(right)} {'is' if len(right) == 1 else 'are'} right" if right else ""
    what = "update" if accused.cause.kind in UPDATES else "gradient"
    return f"{what}{'s'[: len(names) > 1]} of {_names(names)}", beside


def _all_right(name: str, gradients: Sequence[Judged]) -> str:
    return f"{name}: {_right(gradients)}"


def _right(gradients: Sequence[Judged]) -> str:
    """That all are right, and what decided it."""
    gradients = [e for e in gradients if e.declared is None or e.declared.kind == "straight"]
    if not gradients:
        return "no gradient is judged: what its backward gives is a convention"
    exact = sum(each.exact for each in gradients)
    count = _count(len(gradients), "gradient")
    if exact == len(gradients):
        return f"{count}, all right, decided on balls"
    how = "in floats, to half of their digits" if not exact else f"{exact} of them decided on balls"
    return f"{count}, all right, {how}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s'[: n != 1]}"


def blame_lines(accused: Accused, gradients: Sequence[Judged] = ()) -> list[str]:
    """Which gradients, which line, why; then what else is known of it."""
    what, beside = _wrong(accused.gradients, accused, gradients)
    lines = [f"wrong: the {what}{beside}"]
    lines += map(place, accused.lines[:1])
    lines.append(why(accused.cause))
    return lines + [f"  {each}" for each in details(accused)]


def wrong_words(accused: Accused) -> str:
    """What an operation makes wrong: `the gradients of W1 and b1 are wrong`."""
    be = "are" if len(accused.gradients) > 1 else "is"
    return f"the {_wrong(accused.gradients, accused, ())[0]} {be} wrong"


def details(accused: Accused) -> Iterator[str]:
    """The entry that is farthest off, and the lines that may be to blame as well."""
    if accused.cause.worst is not None:
        yield _entry(accused.cause.worst)
    sure = accused.cause.changed is not None
    for each in () if sure else accused.lines[1 : 1 + LOCATED]:
        yield f"or else {place(each)}"


def _names(names: Sequence[str], most: int = MANY) -> str:
    some = list(names[:most])
    if len(names) > most:
        some.append(f"{len(names) - most} more")
    return " and ".join([", ".join(some[:-1]), some[-1]] if len(some) > 1 else some)


def place(line: Line) -> str:
    """A line with what stands there: `model.py:24: dh = d @ W2.T`."""
    source = linecache.getline(line.file, line.line).strip()
    return f"{where(line)}: {source}".removesuffix(": ")


def where(line: Line) -> str:
    """A line without what stands there: `model.py:24`."""
    return f"{Path(line.file).name}:{line.line}"


def shape_text(shape: Sequence[int]) -> str:
    """`3 × 4`, or `a number`."""
    return " × ".join(map(str, shape)) or "a number"


def has_factor(factor: float) -> bool:
    """Whether a factor differs from 1 by more than is left unsaid."""
    return abs(factor - 1) > FACTOR


def _entry(entry: Entry) -> str:
    at = f"[{', '.join(map(str, entry.at))}]" if entry.at else ""
    return f"{entry.name}{at}: the gradient is {entry.given:.6g}, right is {entry.right:.6g}"


def of(named: Named) -> str:
    """A value as it stands behind ∂C/∂: an expression in parentheses."""
    return named.name if NAME.fullmatch(named.name) else f"({named.name})"


def _value(named: Named | None) -> str:
    """`h` (line 6), as it stands behind ∂C/∂."""
    if named is None:
        return "?"
    return of(named) if named.line is None else f"{of(named)} (line {named.line.line})"


def _quoted(named: Named) -> str:
    """`np.maximum(z, 0)` (line 6)."""
    return f"`{named.name}`" if named.line is None else f"`{named.name}` (line {named.line.line})"


def why(cause: Cause) -> str:
    """The cause in a sentence or two."""
    changed, missing = cause.changed, cause.missing
    if cause.instead is not None:
        it = cause.instead
        gain = instead_words(it.write, it.digits, it.line.line)
        return f"{_of_kind(cause)}; {gain}"
    if changed is not None and changed.what == "factor" and changed.other and missing is not None:
        return f"{_of_kind(cause)}: {changed.after} `{changed.other.name}`"
    if cause.changed is not None:
        return _of_change(cause.changed)
    return _of_kind(cause)


def instead_words(write: str, digits: int, line: int) -> str:
    """What to write so that digits are kept."""
    return f"`{write}` on line {line} keeps {digits} more"


def _of_kind(cause: Cause) -> str:
    """What is wrong with the value of an operation."""
    operation, needed, held = f"`{cause.operation}`", _value(cause.needed), _value(cause.held)
    lacks = f": the derivative of {_quoted(cause.missing)} is missing" if cause.missing else ""
    said = {
        "value": f"{operation} has to give ∂C/∂{needed}, and gives something else",
        "misused": f"{operation} is ∂C/∂{held}; what follows needs ∂C/∂{needed}{lacks}",
        "scaled": f"{operation} is {cause.factor:g} times the ∂C/∂{needed} that is needed",
        "part": f"{operation} is only a part of ∂C/∂{needed}: a contribution is left out",
        "handed": f"what is handed on here has to be ∂C/∂{needed}",
        "loop": "this loop leaves something out: with what is missing all gradients are right",
        "aliased": f"`{cause.names[0]}` is changed in place, and is the same array as "
        f"`{cause.names[1]}`, which is read later as what it was",
        "shape": "the gradient has another shape than its parameter",
        "unused": f"{operation} does not use {needed}, by which it has to be multiplied",
        "absent": "no gradient is given here, which is taken for 0",
        "update": "the gradient is right, and the update does not take it off the parameter",
        "output": "this output error is the derivative of no known cost",
        "small": f"off by {cause.factor:.1g} of its largest entry: on balls, so it is no rounding",
        "lost": "the right formula, evaluated badly: more than half of the digits are lost",
        "negated": "this output error has the wrong sign: all gradients do",
        "overwritten": "a value that is used twice has the sum of the derivatives of its uses: "
        "add to what is there (+=)",
        "order": "each operation alone is right; where a value is used twice, it is gone through "
        "before all its uses have added to its derivative",
    }
    if cause.kind in UPDATES:
        return _of_update(cause)
    return said.get(cause.kind, "no single operation is known that would make it right")


def _of_update(cause: Cause) -> str:
    """What is wrong with an update."""
    said = {
        "ascends": "it goes up the gradient, and the other parameters go down",
        "step": f"it goes {cause.factor:.6g} times as far along the gradient as the others",
        "kept": "it keeps nothing from step to step, and the updates of the others do",
        "zero": "what is kept from step to step is never written: it is 0 at every step",
        "shared": f"`{cause.names[0]}` and `{cause.names[1]}` keep one and the same array",
        "accumulates": "the gradients of all steps are added up: the sum never begins anew",
        "rate": f"what is kept is multiplied by {cause.factor:.6g}, and that of the others is not",
        "square": "the mean of the gradient has to be kept here, not that of its square",
        "no square": "the mean of the square of the gradient has to be kept here",
        "still": "its gradient is computed here, and it is never moved",
        "infinite": "the update makes numbers that are not finite of finite ones",
    }
    return said[cause.kind]


def _of_change(changed: Changed) -> str:
    """What an operation has to be instead."""
    operation, before, after = f"`{changed.operation}`", changed.before, changed.after
    other = f"`{changed.other.name}`" if changed.other else ""
    number = f"number {before}".rstrip()
    said = {
        "operator": f"in {operation}, {before} has to be {after}",
        "function": f"in {operation}, {before} has to be {after}",
        "axis": f"in {operation}, the axis {before} has to be {after}",
        "constant": f"in {operation}, the {number} has to be {after}",
        "variable": f"the {number} that this gives to `{changed.operation}` has to be {after}",
        "start": f"the sum `{changed.operation}` has to begin with 0",
        "operand": f"{operation} has to take {other} as operand {before}",
        "transpose": f"in {operation}, an operand has to be transposed: {before}",
        "comparison": f"{operation} has to compare another way: {after.replace('_', ' ')}",
        "mask": f"{operation} has to write {f'where {other} {after} 0' if other else after}",
        "index": f"in {operation}, the index has to be {after}",
        "order": f"in {operation}, the operands have to be the other way round",
        "extra": f"in {operation}, {_extra(before)} is too much",
        "factor": f"{operation} lacks a factor: {after} {other}".rstrip(),
        "term": f"{operation} lacks a term: {after} {other}".rstrip(),
        "added": f"{operation} has to add (`+=`) and not overwrite",
    }
    return said[changed.what]


def _extra(what: str) -> str:
    """What is too much: an operand, a function, the whole of a write."""
    if what in ("left", "right"):
        return f"the {what} operand"
    return "the write" if what == "=" else f"`{what}`"


def notes(examined: Examined) -> Iterator[str]:
    """What is said beside the verdict and the conventions."""
    missed = [each.name for each in examined.gradients if each.untraced]
    if missed:
        yield (
            f"{_names(missed)}: right by a difference of the loss, to a third of the digits; "
            "a part of the loss leaves NumPy (float(…), a library) and could not be followed"
        )
    near = [each for each in examined.gradients if each.apart]
    if near:
        size = max(each.apart for each in near)
        names = _names([each.name for each in near])
        yield f"{names}: off by {size:.1g} of its size, such as by an ε in the loss"
    yield from (_of_declared(each) for each in examined.gradients if each.declared is not None)
    dead = [e.name for e in examined.gradients if e.dead and e.ok and e.declared is None]
    if dead:
        yield f"{_names(dead)}: every entry has to be 0 here, which shows little"
    if examined.kinks:
        yield "the sample hits a kink (equal numbers to choose from); the slope there is a choice"


COSTS = {
    "log-likelihood": "the log-likelihood of softmax, −Σ ln a_y / m",
    "quadratic": "the quadratic cost, ½ Σ (a − y)² / m",
    "cross-entropy": "the cross-entropy, −Σ (y ln a + (1 − y) ln(1 − a)) / m",
    "hinge": "the hinge loss, Σ max(0, s_j − s_y + 1) / m",
    "poisson": "the Poisson loss, Σ (a − y ln a) / m",
}
"""What each known cost is called, by its name."""


def conventions(examined: Examined) -> Iterator[str]:
    """The cost that the gradients were judged by, where the program has none, and their factor."""
    factor = examined.factor
    if examined.cost == "unknown":
        where = f": {place(examined.output_error)}" if examined.output_error else ""
        yield f"no loss, and no known cost has this output error; it is judged by it{where}"
    elif examined.cost in COSTS:
        decay = f", with weight decay {examined.decay:.4g}" if examined.decay else ""
        yield f"no loss; judged by {COSTS[examined.cost]}{decay}"
    shared = any(each.ok and not each.dead for each in examined.gradients)
    if shared and has_factor(factor):
        of = "the loss" if examined.cost == "own" else "this cost"
        yield f"the gradients are {factor:.6g} times those of {of}: a convention"


def _of_declared(each: Judged) -> str:
    """Why a gradient is taken as it is."""
    assert each.declared is not None  # noqa: S101 - asked of these alone
    step = each.declared.operation
    rounds = "a step of forward" if step is None else _quoted(step)
    said = {
        "unchanged": "forward hands it on as it is; what backward gives is a convention, "
        "not judged",
        "step": f"the derivative of {rounds} is 0; what backward gives is a convention, not judged",
        "straight": f"right with {rounds} taken for the identity (straight-through): a convention",
        "none": "backward gives no gradient of it, so none is judged",
    }
    return f"{each.name}: {said[each.declared.kind]}"


def report_html(name: str, examined: Examined) -> str:
    """The same as HTML for a notebook, which is well-formed XML too."""
    return lines_html(report_lines(name, examined))


def lines_html(said: Sequence[str]) -> str:
    """Lines as HTML, the first as a heading."""
    first, *rest = said
    style = "background: rgba(128, 128, 128, .12); color: inherit; padding: .5em; overflow-x: auto"
    lines = "\n".join(rest)
    body = f'<pre style="{style}">{escape(lines)}</pre>' if lines else ""
    return f'<div style="color: inherit"><p><strong>{escape(first)}</strong></p>{body}</div>'
