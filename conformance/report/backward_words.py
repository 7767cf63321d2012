"""What is said of a backward pass: which gradients are wrong, which line, why.

Left out: what is known (`backward/findings.py`).
"""

import linecache
from collections.abc import Iterator, Sequence
from html import escape

from conformance.backward.findings import UPDATES, Accused, Entry, Examined, Judged, Line
from conformance.report.backward_causes import quoted, why
from conformance.report.edit_words import edit_words
from conformance.report.sentence import pluralize
from conformance.report.source_words import file_and_line
from conformance.report.visible import visible

MANY = 8  # gradients, beyond which their names are not all said
FEW = 4  # the same in a headline
FACTOR = 1e-6  # a factor is said that differs from 1 by more
LOCATED = 2  # further lines that are named
JUDGED = ("straight", "held")  # kinds of choices that are judged as such


def report_lines(name: str, examined: Examined) -> list[str]:
    """The whole report, line by line."""
    lines: list[str] = []
    for each in examined.accused:
        lines += ([""] if lines else []) + blame_lines(each, examined.gradients)
    if all(each.ok for each in examined.gradients):
        lines += ([""] if lines else []) + [f"{name}: {_right(examined.gradients)}"]
    said = [f"note: {each}" for each in (*conventions(examined), *notes(examined))]
    return [visible(each) for each in (*lines, *said)]


def in_one_line(name: str, examined: Examined) -> str:
    """The program, the verdict, and the first line to blame with the reason."""
    if not examined.accused:
        right = all(each.ok for each in examined.gradients)
        said = report_lines(name, examined)[0] if right else f"{name}: {headline(examined)}"
        return visible(said)
    first, *others = examined.accused
    more = f" (and {len(others)} more)" if others else ""
    at = f", {file_and_line(first.lines[0])}" if first.lines else ""
    wrong, _ = _wrong(first.gradients, first, ())
    return visible(f"{name}: wrong: the {wrong}{at}: {'; '.join(reasons(first))}{more}")


def headline(examined: Examined) -> str:
    """The verdict in a sentence, without the program's name and without a full stop."""
    wrong = [*dict.fromkeys(name for each in examined.accused for name in each.gradients)]
    wrong = wrong or [each.name for each in examined.gradients if not each.ok]
    if not wrong:
        said = _right(examined.gradients)
        return f"{said[0].upper()}{said[1:]}"
    judged = [each for each in examined.gradients if each.declared is None]
    right = [each.name for each in judged if each.ok and each.name not in wrong]
    kinds = {each.cause.kind for each in examined.accused[:1]}
    what = "update" if kinds & set(UPDATES) else "gradient"
    be = "are" if len(wrong) > 1 else "is"
    by = f", by {len(examined.accused)} lines" if len(examined.accused) > 1 else ""
    few = names_text(right) if len(right) <= FEW else f"{len(right)} others"
    beside = f"; {few} {'is' if len(right) == 1 else 'are'} right" if right else ""
    return f"The {what}{'s'[: len(wrong) > 1]} of {names_text(wrong, FEW)} {be} wrong{by}{beside}"


def _wrong(names: Sequence[str], accused: Accused, gradients: Sequence[Judged]) -> tuple[str, str]:
    """What is wrong, such as `gradients of W1 and b1`, and what is right beside it."""
    judged = [each for each in gradients if each.declared is None]
    right = [each.name for each in judged if each.ok and each.name not in names]
    beside = f"; {names_text(right)} {'is' if len(right) == 1 else 'are'} right" if right else ""
    return f"{_what(accused)}{'s'[: len(names) > 1]} of {names_text(names)}", beside


def _what(accused: Accused) -> str:
    """What of each parameter is wrong."""
    return "update" if accused.cause.kind in UPDATES else "gradient"


def _right(gradients: Sequence[Judged]) -> str:
    """That all are right, and what decided it."""
    judged = [e for e in gradients if e.declared is None or e.declared.kind in JUDGED]
    if not judged:
        why = ": what its backward gives is a convention" if gradients else ""
        return f"no gradient is judged{why}"
    exact = sum(each.exact for each in judged)
    count = pluralize(len(judged), "gradient")
    if exact == len(judged):
        return f"{count}, all right, in exact arithmetic"
    some = f"{exact} of them in exact arithmetic, the others " if exact else ""
    return f"{count}, all right, {some}in floats, to 8 digits"


def blame_lines(accused: Accused, gradients: Sequence[Judged] = ()) -> list[str]:
    """Which gradients, which line, why; then what else is known of it."""
    what, beside = _wrong(accused.gradients, accused, gradients)
    lines = [f"wrong: the {what}{beside}"]
    lines += map(place, accused.lines[:1])
    lines += reasons(accused)
    return lines + [f"  {each}" for each in details(accused)]


def reasons(accused: Accused) -> list[str]:
    """The cause, and the change of the line that makes all gradients right, as far as known."""
    said = [] if accused.cause.kind == "edited" else [why(accused.cause)]
    if accused.edited is not None:
        kind, line, beside = accused.edited
        what = f"the {_what(accused)} of {names_text(accused.gradients)}"
        said.append(edit_words(kind, line, what if beside else f"every {_what(accused)}"))
    return said


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


def names_text(names: Sequence[str], most: int = MANY) -> str:
    """Some names, such as `W1, b1 and 2 more`."""
    some = list(names[:most])
    if len(names) > most:
        some.append(f"{len(names) - most} more")
    return " and ".join([", ".join(some[:-1]), some[-1]] if len(some) > 1 else some)


def place(line: Line) -> str:
    """A line with what stands there: `model.py:24: dh = d @ W2.T`."""
    source = linecache.getline(line.file, line.line).strip()
    return f"{file_and_line(line)}: {source}".removesuffix(": ")


def shape_text(shape: Sequence[int]) -> str:
    """`3 × 4`, or `a number`."""
    return " × ".join(map(str, shape)) or "a number"


def has_factor(factor: float) -> bool:
    """Whether a factor differs from 1 by more than is left unsaid."""
    return abs(factor - 1) > FACTOR


def _entry(entry: Entry) -> str:
    at = f"[{', '.join(map(str, entry.at))}]" if entry.at else ""
    texts = [(f"{entry.given:.{n}g}", f"{entry.right:.{n}g}") for n in range(6, 18)]
    given, right = next((each for each in texts if each[0] != each[1]), texts[0])
    part = f" ({entry.part})" if entry.part else ""
    return f"{entry.name}{at}{part}: the gradient is {given}, right is {right}"


def notes(examined: Examined) -> Iterator[str]:
    """What is said beside the verdict and the conventions."""
    missed = [each.name for each in examined.gradients if each.untraced]
    if missed:
        yield (
            f"{names_text(missed)}: right by a difference of the loss, to a third of the digits; "
            "a part of the loss leaves NumPy (float(…), a library) and could not be followed"
        )
    near = [each for each in examined.gradients if each.apart]
    if near:
        size = max(each.apart for each in near)
        names = names_text([each.name for each in near])
        why = "an ε, or a constant that is rounded"
        yield f"{names}: off by {size:.1g} of its size, such as by {why}"
    yield from (_of_declared(each) for each in examined.gradients if each.declared is not None)
    dead = [e.name for e in examined.gradients if e.dead and e.ok and e.declared is None]
    if dead:
        yield f"{names_text(dead)}: every entry has to be 0 here, which shows little"
    if examined.kinks:
        yield "the sample hits a kink (equal numbers to choose from); the slope there is a choice"


COSTS = {
    "log-likelihood": "the log-likelihood of softmax, −Σ ln a_y / m",
    "quadratic": "the quadratic cost, ½ Σ (a − y)² / m",
    "cross-entropy": "the cross-entropy, −Σ (y ln a + (1 − y) ln(1 − a)) / m",
    "hinge": "the hinge loss, Σ max(0, s_j − s_y + 1) / m",
    "margin": "the hinge loss, Σ max(0, 1 − y a) / m",
    "perceptron": "the perceptron criterion, Σ max(0, −y a) / m",
    "logistic": "the logistic loss, Σ ln(1 + e^−ya) / m",
    "poisson": "the Poisson loss, Σ (a − y ln a) / m",
}
"""What each known cost is called, by its name."""

PENALTIES = {
    "squares": "weight decay",
    "absolutes": "an L1 penalty",
    "squares and absolutes": "an L1 penalty beside weight decay",
}
"""What each penalty of weights is called, by its name."""

WEIGHTED = "weighted "
"""What stands before the name of a cost in which each sample has a weight."""


def _decay(examined: Examined) -> str:
    return f"{PENALTIES[examined.penalty]} {examined.decay:.4g}"


def conventions(examined: Examined) -> Iterator[str]:
    """The cost that the gradients were judged by, where the program has none, and their factor."""
    factor = examined.factor
    decay = f", with {_decay(examined)}" if examined.decay else ""
    if examined.cost == "unknown":
        where = f": {place(examined.output_error)}" if examined.output_error else ""
        yield f"no known cost has this output error; the rest is judged by it{decay}{where}"
    elif (name := examined.cost.removeprefix(WEIGHTED)) in COSTS:
        weights = ", each sample with a weight of its own" if name != examined.cost else ""
        yield f"judged by {COSTS[name]}{weights}{decay}"
    elif examined.decay_beside:
        yield f"judged by the loss, with {_decay(examined)} beside it: a convention"
    shared = any(each.ok and not each.dead for each in examined.gradients)
    if shared and has_factor(factor):
        of = "the loss" if examined.cost == "own" else "this cost"
        clipped = " but for the bound that they are clipped by" if examined.clipped else ""
        yield f"the gradients are {factor:.6g} times those of {of}: a convention{clipped}"
    if examined.truncated:
        yield (
            f"the gradients go back {examined.truncated} steps through time and no further: "
            "a convention, judged as such"
        )


def _of_declared(each: Judged) -> str:
    """Why a gradient is taken as it is."""
    assert each.declared is not None  # noqa: S101 - asked of these alone
    step = each.declared.operation
    rounds = "a step of forward" if step is None else quoted(step)
    said = {
        "unchanged": "forward hands it on as it is; what backward gives is a convention, "
        "not judged",
        "step": f"the derivative of {rounds} is 0; what backward gives is a convention, not judged",
        "straight": f"right with {rounds} taken for the identity (straight-through): a convention",
        "held": "rows of it are set to 0, which are not trained then; the others are right",
        "none": "backward gives no gradient of it, so none is judged",
    }
    return f"{each.name}: {said[each.declared.kind]}"


def lines_html(said: Sequence[str]) -> str:
    """Lines as HTML for a notebook, which is well-formed XML too, the first as a heading."""
    first, *rest = said
    style = "background: rgba(128, 128, 128, .12); color: inherit; padding: .5em; overflow-x: auto"
    lines = "\n".join(rest)
    body = f'<pre style="{style}">{escape(lines)}</pre>' if lines else ""
    return f'<div style="color: inherit"><p><strong>{escape(first)}</strong></p>{body}</div>'
