"""The line to blame where a change of it makes all gradients right.

Left out: the changes, and whether they do (`shapes/edited.py`, `script/edited_script.py`).
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from linecache import getlines

import numpy as np

from conformance.backward.findings import (
    ADDS,
    UPDATES,
    Accused,
    Cause,
    Edited,
    Examined,
    Line,
    Named,
)
from conformance.edits.edit import Change, EditKind
from conformance.edits.named_edits import KnownChange
from conformance.edits.right_values import RightValues
from conformance.edits.search_edits import Mistake
from conformance.tracing.frames import Frame
from reference.step import Array

NOISE = 1e-6  # of the largest gradient: a smaller one may be 0 but for rounding


def by_edit(examined: Examined, change: Change) -> Examined:
    """What is known, with the changed line as the only one to blame; why, if that is known of it.

    Args:
        examined: what is known, with what was blamed before.
        change: of the line.
    """
    accused, line = examined.accused, Line(*change.place)
    here = (e for e in accused if e.cause.changed is None or e.cause.at in (None, line))
    known = (each for each in here if line in each.lines[:1] or each.cause.kind in UPDATES)
    first = next(known, None)
    names = tuple(dict.fromkeys(name for each in accused for name in each.gradients))
    cause = Cause("edited", worst=accused[0].cause.worst) if first is None else first.cause
    edited = Edited(change.kind, change.text)
    turned = cause.kind in (ADDS, "downhill")  # in each of several lines, or once in another
    others = (each for one in accused for each in one.lines if each != line) if turned else ()
    lines = (line, *dict.fromkeys(others))
    return replace(examined, accused=(Accused(names, lines, cause, mends=True, edited=edited),))


def blamed_as(examined: Examined, one: Accused) -> Examined:
    """What is known, with the blame of a part that is wrong by itself for all that is wrong.

    A number by which that has to be multiplied may be another one there.
    """
    names = tuple(dict.fromkeys(name for each in examined.accused for name in each.gradients))
    changed = one.cause.changed
    by_number = changed is not None and changed.what == "factor" and not _has_line(changed.other)
    cause = Cause("edited") if by_number else one.cause
    cause = replace(cause, worst=examined.accused[0].cause.worst)
    return replace(examined, accused=(replace(one, gradients=names, cause=cause),))


def changed_source(one: Accused) -> ast.Module | None:
    """The source of a file with the line that is to blame as it has to be; None if that is no line.

    It is none where what stands there is removed or moved, or spans several lines.
    """
    at = one.lines[0]
    lines = [*getlines(at.file)]
    if one.edited is None or one.edited.kind != EditKind.REPLACED:
        return None
    old = lines[at.line - 1]
    lines[at.line - 1] = f"{old[: len(old) - len(old.lstrip())]}{one.edited.text}\n"
    with suppress(SyntaxError):
        return ast.parse("".join(lines), at.file)
    return None


def _has_line(named: Named | None) -> bool:
    return named is not None and named.line is not None


def by_each(examined: Examined, changes: Sequence[Change]) -> Examined:
    """What is known, with the changed line of each mistake as the one to blame for it."""
    accused = tuple(
        replace(each, lines=(Line(*change.place),), edited=Edited(change.kind, change.text, True))
        for each, change in zip(examined.accused, changes, strict=True)
    )
    return replace(examined, accused=accused)


def blamed_frames(accused: Sequence[Accused]) -> list[list[Frame]]:
    """The lines in question of each operation that is to blame, as the search takes them."""
    return [[Frame(*line, "") for line in each.lines] for each in accused]


def sizes_of(rights: Iterable[Array]) -> tuple[list[float], float]:
    """The largest entry of each of some gradients or steps, and that of one that may be noise.

    A smaller one may be 0 but for rounding, so distances from it are relative to this size.
    """
    sizes = [float(np.max(np.abs(each), initial=0.0)) for each in rights]
    return sizes, NOISE * max(sizes, default=0.0)


def right_values(accused: Sequence[Accused]) -> RightValues:
    """What operations gave and have to give, by their lines, where one of them is to blame."""
    found: dict[tuple[str, int], list[tuple[Array, Array]]] = {}
    for line, given, right in accused[0].right_values if len(accused) == 1 else ():
        found.setdefault(line, []).append((np.asarray(given), np.asarray(right)))
    return found


def mistakes_of(accused: Sequence[Accused], is_right: Callable[[Accused], bool]) -> list[Mistake]:
    """What a change is looked for of each of several operations; nothing if one is to blame.

    Args:
        accused: they.
        is_right: whether what one of them makes wrong is right, whatever the others do.
    """
    return [
        Mistake(
            blamed_frames([e]), [partial(is_right, e)], [*known_changes([e])], right_values([e])
        )
        for e in (accused if len(accused) > 1 else ())
    ]


def known_changes(accused: Sequence[Accused]) -> Iterator[KnownChange]:
    """What the expressions that are blamed have to be instead, as far as that is known."""
    for each in accused:
        changed = each.cause.changed
        if changed is None and each.cause.missing is not None:
            yield KnownChange("slope", each.cause.operation, "", "", None)
            match _parsed(each.cause.operation), _parsed(each.cause.missing.name):
                case ast.Call(args=[_]), ast.Call(args=[of]):  # f'(a) where a = f(z)
                    yield KnownChange("operand", each.cause.operation, "1", "", of)
        if changed is not None:
            other = _parsed("" if changed.other is None else changed.other.name)
            what, before, after = changed.what, changed.before, changed.after
            yield KnownChange(what, changed.operation, before, after, other)


def _parsed(text: str) -> ast.expr | None:
    """The expression of a text, if it is one."""
    with suppress(SyntaxError):
        return ast.parse(text, mode="eval").body
    return None
