"""The smallest network on which each wrong equation shows, laid out in text of a given width.

Left out: looking for it (`mistakes_to_explain.py`), its numbers (`worked.py`), and files of it
(`save.py`).
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from conformance.explain.example import WRONG, Example, Row
from conformance.explain.formulas import NBSP, apart, word, written
from conformance.explain.mistakes_to_explain import first_failing
from conformance.explain.save import files
from conformance.explain.worked import Worked, worked
from conformance.model.functions import ACTIVATIONS, SIGMOID
from conformance.model.update_kinds import SGD
from conformance.subjects import Subject
from conformance.verdict.compare import FORWARD, FREE, Status
from reference.step import STATE, Array, split

WIDTH = 80
MARGIN = 5  # columns of the tag
FEW = 24  # entries of an array that is written out
SIGNS = {Status.FAIL: WRONG, Status.EXPLAINED: "·"}


def as_text(worked: Worked, width: int = WIDTH) -> str:
    """The whole example, a line of text ending with a line feed."""
    lines = [*_wrapped("", [heading(worked)], width), *_given(worked, width)]
    indices = legend(worked)
    lines += [*textwrap.wrap(indices, width), ""] if indices else [""]
    before = None
    for line, row in zip(worked.lines, rows(worked), strict=True):
        segments = parts_of(line.name, row)
        lines += _wrapped(line.tag if line.tag != before else "", segments, width)
        before = line.tag or before
    return "\n".join(each.rstrip() for each in lines).replace(NBSP, " ") + "\n"


def heading(worked: Worked) -> str:
    """The network and the step in words."""
    case, m = worked.case, worked.given["x"].shape[1]
    decay = f", λ = {written(case.lmbda)}, n = {case.n}" if case.lmbda else ""
    run = f" of the {worked.mode}" if worked.mode == FREE else ""
    at = f"; step {worked.step}{run}, counted from 0" if case.steps > 1 else ""
    own = ", in its own feedforward" if worked.mode == FORWARD else ""
    names = [ACTIVATIONS[each].symbol or each for each in case.activations]
    layers = "" if set(case.activations) == {SIGMOID} else f", {', '.join(names)}"
    network = f"{list(case.sizes)}{layers}, {case.cost} cost, m = {m}, η = {written(case.eta)}"
    update = ", dropout" * bool(case.masks) + f", {case.update}" * (case.update != SGD)
    return f"{network}{decay}{update}{at}{own}"


def given(worked: Worked) -> dict[str, str]:
    """What the step starts from, as it is written."""
    return {word(name): _array(name, array) for name, array in worked.given.items()}


def _given(worked: Worked, width: int) -> Iterator[str]:
    """The same, several arrays a line where they fit."""
    parts = [f"{name} = {array}" for name, array in given(worked).items()]
    row = ""
    for part in parts:
        if row and len(f"{row}   {part}") > width:
            yield row
            row = ""
        row = f"{row}   {part}" if row else part
        if len(row) > width:
            *full, row = textwrap.wrap(row, width, subsequent_indent="  ")
            yield from full
    yield row


def _array(name: str, array: Array) -> str:
    if array.size > FEW:
        return f"({' × '.join(map(str, array.shape))} numbers)"
    if array.size == 1:
        return written(float(array.flat[0]))
    single = split(name)[0][-1] != "w" and array.shape[1] == 1
    rows = [[written(float(each)) for each in row] for row in array]
    if single:
        return f"[{', '.join(row[0] for row in rows)}]"
    return f"[{', '.join('[' + ', '.join(row) + ']' for row in rows)}]"


def legend(worked: Worked) -> str:
    """What the indices mean, of those that there are."""
    x, single = worked.given["x"], worked.given["x"].shape[1] == 1
    first = max(worked.case.sizes[1:]) > 1 or x.size > 1
    weights = max(worked.case.sizes) > 1
    entry = "δ2[j]: neuron j" if single else "δ2[j,s]: neuron j, sample s"
    parts = [entry] * first + ["w2[j,k]: to neuron j, from neuron k"] * weights
    return f"{'; '.join(parts)}; all counted from 0" if parts else ""


def rows(worked: Worked) -> Iterator[Row]:
    """Its equations, one after the other, as they are written."""
    for line in worked.lines:
        result, yours = written(line.result), ""
        if line.yours is not None and line.status in SIGNS:
            result, yours = apart(line.result, line.yours)
        of = " × ".join(map(str, line.shape))
        formula = line.symbol, line.formula, line.numbers, result
        yield Row(line.tag, *formula, yours, str(line.status), line.remark, of)


def parts_of(name: str, row: Row) -> list[str]:
    """The parts of an equation between which a line is broken first."""
    arrow = "←" if split(name)[0] in ("b", "w", *STATE) else "="
    parts = [f"{row.symbol} {arrow} {row.formula}"]
    parts += [f"= {row.numbers}"] if row.numbers != row.result else []
    parts += [f"= {row.result}"]
    if row.of:
        parts.append(f"(one of {row.of})")
    if row.status in SIGNS:
        said = ["yours:", row.yours, SIGNS[Status(row.status)], row.remark]
        if not row.yours:  # it has no number here, but another shape
            said = ["yours", row.remark, SIGNS[Status(row.status)]]
        parts.append(f"{NBSP * 2}{' '.join(said)}".rstrip())
    return parts


def _wrapped(tag: str, segments: Sequence[str], width: int) -> Iterator[str]:
    """The segments one after the other, broken between them, and within them where they must."""
    margin = f"{tag:<{MARGIN}}" if tag or len(segments) > 1 else ""
    symbol = segments[0].split(" ", 1)[0]
    indent = " " * (MARGIN + len(symbol) + 1) if len(segments) > 1 else "  "
    rows = _packed(margin, segments, indent, width)
    for row in rows:
        yield from _broken(row, indent, width)


def _packed(margin: str, segments: Iterable[str], indent: str, width: int) -> list[str]:
    rows = [margin]
    for segment in segments:
        joint = "" if rows[-1] in (margin, indent) else " "
        if joint and len(rows[-1]) + 1 + len(segment) > width:
            rows.append(indent + segment.lstrip(NBSP))
        else:
            rows[-1] += joint + segment
    return rows


def _broken(row: str, indent: str, width: int) -> list[str]:
    if len(row) <= width:
        return [row]
    lead = row[: len(row) - len(row.lstrip(" "))]
    return textwrap.wrap(
        row.strip(" "),
        width,
        initial_indent=lead,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def examples(subject: Subject, tags: Sequence[str]) -> tuple[Example, ...]:
    """The smallest networks that show some wrong equations, each at least once.

    Args:
        subject: it runs here, in this process.
        tags: the equations that are blamed, in causal order.
    """
    found: list[Example] = []
    for tag in tags:
        if any(tag in each.tags for each in found):
            continue
        failing = first_failing(subject, (tag, *(other for other in tags if other != tag)))
        if failing is not None:
            shown = worked(failing)
            text = failing.case.id, failing.tags, as_text(shown), files(failing, subject.folders)
            found.append(Example(*text, heading(shown), given(shown), tuple(rows(shown))))
    return tuple(found)
