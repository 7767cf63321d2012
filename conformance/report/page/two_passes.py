"""The two passes as rows of a drawing: which values have one, in which order, what leads to what.

Left out: where they stand (`passes_drawing.py`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from conformance.backward.findings import Examined, Named, Passed

NAME = re.compile(r"[\w.]+(\[[^\]]*\])*")
MANY = 16  # rows, beyond which those that are far from what is to blame are drawn as one
NEAR = 4  # rows before and after one that is to blame
FEWEST = 4  # rows that are drawn as one


@dataclass(frozen=True)
class Row:
    """A value of the forward pass, or several that are drawn as one.

    Attributes:
        places: in the list of values: of the value, after those that it is computed by; none for a
            cost that the program does not compute.
        kind: `parameter`, `value`, `cost`, or `several`.
        state: of the backward pass: `given`, `wrong`, `blamed`, `missing` where what is to blame
            leaves nothing right, or empty where it has nothing.
    """

    places: tuple[int, ...]
    kind: str
    state: str = ""

    @property
    def place(self) -> int:
        """Of the value itself."""
        return self.places[-1]


@dataclass(frozen=True)
class TwoPasses:
    """What is drawn.

    Attributes:
        rows: from the top.
        forward: pairs of rows, of which the second is computed from the first.
        backward: pairs of rows, of which the first takes its ∂C/∂v on to that of the second.
    """

    rows: tuple[Row, ...]
    forward: tuple[tuple[int, int], ...]
    backward: tuple[tuple[int, int], ...]


def two_passes(examined: Examined) -> TwoPasses:
    """The rows of a program of which something is to blame."""
    passes = examined.passes
    listed = _ordered(passes, [*_rows(examined)])
    rows = _collapsed([*_missing(passes, [*listed])], ordinals(passes))
    row_of = {place: i for i, row in enumerate(rows) for place in row.places}
    edges = {
        (row_of[k], row_of[i])
        for i, each in enumerate(passes)
        for k in each.inputs
        if k in row_of and i in row_of and row_of[k] < row_of[i]
    }
    if all(row.kind != "cost" for row in rows):  # it is made of what nothing else is made of
        ends = set(range(len(rows))) - {i for i, _ in edges}
        edges |= {(i, len(rows)) for i in ends if rows[i].kind != "parameter"}
        rows.append(Row((), "cost"))
    return TwoPasses(tuple(rows), tuple(sorted(edges)), tuple(sorted(_back(rows, edges))))


def _rows(examined: Examined) -> Iterator[Row]:
    """A row for each value that has a name, is to blame, or has a derivative of its own."""
    passes, last = examined.passes, len(examined.passes) - 1
    cost = {last} if examined.cost == "own" and passes[last].shape == () else set()
    kept = [i for i, each in enumerate(passes) if i in cost or _is_kept(each, passes)]
    into = _into(passes, kept)
    for i in kept:
        each = passes[i]
        parts = tuple(k for k, row in into.items() if row == i)
        kind = "parameter" if _is_given(each) else "cost" if i in cost else "value"
        yield Row((*parts, i), kind, _state(each, examined))


def _is_given(passed: Passed) -> bool:
    return passed.forward.line is None and not passed.inputs


def _is_kept(passed: Passed, passes: Sequence[Passed]) -> bool:
    if passed.blamed or passed.wrong or NAME.fullmatch(passed.forward.name):
        return True
    named = {e.backward for e in passes if NAME.fullmatch(e.forward.name)}
    return passed.backward is not None and passed.backward not in named


def _into(passes: Sequence[Passed], kept: Sequence[int]) -> dict[int, int]:
    """Of each value without a row, the first one with a row that is computed from it."""
    rows = set(kept)
    first: dict[int, int] = {}
    for i, each in reversed([*enumerate(passes)]):
        for k in each.inputs:
            target = i if i in rows else first.get(i)
            if target is not None and k not in rows:
                first[k] = target
    return dict(sorted(first.items()))


def _state(passed: Passed, examined: Examined) -> str:
    lines = {each.lines[0] for each in examined.accused if each.lines}
    own = passed.backward is not None and passed.backward.line in lines
    if passed.blamed or (passed.wrong and own):
        return "blamed"
    if passed.wrong:
        return "wrong"
    return "given" if passed.backward is not None else ""


def _ordered(passes: Sequence[Passed], rows: Sequence[Row]) -> Iterator[Row]:
    """The rows in the order of time, each parameter before the first that takes it."""
    waiting = {row.place: row for row in rows if row.kind == "parameter"}
    for row in rows:
        if row.kind == "parameter":
            continue
        taken = {k for place in row.places for k in passes[place].inputs}
        yield from (waiting.pop(k) for k in sorted(taken) if k in waiting)
        yield row


def _missing(passes: Sequence[Passed], rows: Sequence[Row]) -> Iterator[Row]:
    """The rows; those between what is to blame and a gradient that is wrong by it say so."""
    blamed = {k for k, each in enumerate(passes) if each.blamed}
    before = set(blamed)  # what these are computed from
    for i, each in reversed([*enumerate(passes)]):
        before |= set(each.inputs) if i in before else set()
    after: set[int] = set()  # what is computed from a parameter whose gradient is wrong
    for i, each in enumerate(passes):
        after |= {i} if each.wrong or after & set(each.inputs) else set()
    for row in rows:
        between = not row.state and row.place in before & after
        yield replace(row, state="missing") if between else row


def _collapsed(rows: list[Row], again: Sequence[int]) -> list[Row]:
    """The rows, of which some are one: repetitions, and in a long program what is far away."""
    states = {row.state for row in rows}
    state = "blamed" if "blamed" in states else "wrong"
    marked = {i for i, row in enumerate(rows) if row.state == state} | {len(rows)}
    near = {i + k for i in marked for k in range(-NEAR, NEAR + 1)}

    def is_far(each: tuple[int, Row]) -> bool:
        i, row = each
        repeated = row.kind == "value" and not row.state and again[row.place] > 0
        return repeated or (len(rows) > MANY and i not in near)

    made: list[Row] = []
    for far, group in groupby(enumerate(rows), key=is_far):
        run = [row for _, row in group]
        made += [_together(run)] if far and len(run) >= FEWEST else run
    return made


def _together(rows: Sequence[Row]) -> Row:
    states = {row.state for row in rows}
    state = "wrong" if "wrong" in states else "given" if "given" in states else ""
    return Row(tuple(k for row in rows for k in row.places), "several", state)


def _back(rows: Sequence[Row], edges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """From the row of a ∂C/∂v to those that come next on the way back, rows without one left out.

    The cost begins: its own derivative is 1.
    """
    above: dict[int, set[int]] = {}
    for i, j in edges:
        above.setdefault(j, set()).add(i)
    shown = {i for i, row in enumerate(rows) if row.state or row.kind == "cost"}
    reached: dict[int, set[int]] = {}
    for i in range(len(rows)):  # of each row the nearest above it that have one
        own = above.get(i, set())
        reached[i] = {k for each in own for k in ({each} if each in shown else reached[each])}
        if i in shown:
            yield from ((i, k) for k in reached[i])


def ordinals(passes: Sequence[Passed]) -> list[int]:
    """How often a value of the same name and line was there before, for each."""
    seen: dict[Named, int] = {}
    found = []
    for each in passes:
        found.append(seen.get(each.forward, 0))
        seen[each.forward] = found[-1] + 1
    return found
