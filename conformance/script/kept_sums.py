"""What is kept of gradients from step to step, held to what is kept of those of others.

By another factor, or for ever: sums of gradients that are never cleared. Left out: which rule it is
(`known_rules.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from conformance.backward.compared_quantities import multiple
from conformance.backward.findings import Accused, Cause, Line, by_one_line, merged
from conformance.backward.groups import operation_key
from conformance.backward.named_numbers import stated_numbers
from conformance.backward.source import lines_of, written_name
from conformance.backward.syntax import cleared_on, clearing, function_around, is_call_of, tree
from conformance.script.histories import roots
from conformance.script.judgement import Judgement
from conformance.script.kept_states import accused
from conformance.script.linear import (
    alike,
    ancestors,
    entrywise,
    kept,
    read_forward,
    way,
    written_places,
)
from conformance.script.update import Update
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node

HALF = 0.5  # what is kept keeps more of itself than is added


def forgetting(judgement: Judgement) -> Iterator[Accused]:
    """What is kept by another factor than that of the other parameters, or for ever.

    Of what is kept of a table the rows that are moved alone may be. Beside parameters of which
    nothing is kept, all gradients may not be added up.
    """
    pairs = [
        sorted(
            ((kept(*e, read_forward(made.old)), *e) for e in _kept_whole(made)),
            key=lambda e: e[0],
        )
        for made in judgement.updates
    ]
    if not judgement.ok:
        return
    if not all(pairs):
        yield from _never_cleared(judgement, pairs)
        return
    if len({len(each) for each in pairs}) > 1:
        return
    stated = stated_numbers(judgement.updates[0].new)
    for several in zip(*pairs, strict=True):
        rates = [rate for rate, *_ in several]
        means = [
            rate
            for made, (rate, old, new) in zip(judgement.updates, several, strict=True)
            if _is_mean(made, old, new, rate)
        ]
        told = [e for e in rates if any(alike(e, number) for number in stated)]
        order = {e: (rates.count(e), abs(e) < 1, e in means, e in told, e > HALF) for e in rates}
        usual = max(rates, key=order.__getitem__)
        sums = list[Accused]()
        for made, (rate, old, new) in zip(judgement.updates, several, strict=True):
            if rate == usual >= 1 and not made.adaptive:
                sums.append(_accumulating(made, old, new))
            elif not alike(usual, rate):
                yield accused(made, lines_of(new), Cause("rate", factor=rate))
        yield from _together(sums)


def exchanged_shares(judgement: Judgement) -> Iterator[Accused]:
    """The means that keep 1 − β of themselves, where β is more than half: they take β of it.

    A share of its own, as α is in `(1 - α) m + α g`, is less.
    """
    for made in judgement.updates if judgement.ok else ():
        for old, new in _kept_whole(made):
            rate, stated = kept(old, new, read_forward(made.old)), stated_numbers(new)
            least = 0 < rate < HALF and not any(alike(rate, each) for each in stated)
            of_rest = least and any(alike(1 - rate, each) for each in stated)
            if of_rest and _is_mean(made, old, new, rate):
                yield accused(made, lines_of(new), Cause("shares", factor=rate))


def _never_cleared(
    judgement: Judgement, pairs: Sequence[Sequence[tuple[float, Node, Node]]]
) -> Iterator[Accused]:
    """The gradients that are added up beside others of which nothing is kept.

    Where one of these is cleared twice one after the other, one of them is to be cleared there; or
    where these are cleared that the same function adds up.
    """
    again = tuple(_cleared_again(judgement))
    others = [made for made, each in zip(judgement.updates, pairs, strict=True) if not each]
    sums = list[Accused]()
    for made, each in zip(judgement.updates, pairs, strict=True):
        for rate, old, new in each:
            if rate == 1 and not made.adaptive:
                found, anew = _accumulating(made, old, new), tuple(_cleared_beside(others, new))
                why = Cause("accumulates", written_name(new)) if anew and not again else found.cause
                sums.append(replace(found, lines=(*again, *anew, *found.lines), cause=why))
    yield from _together(sums)


def _cleared_beside(others: Sequence[Update], new: Node) -> Iterator[Line]:
    """The lines that clear the sums of other gradients, if none clears a sum.

    Those that are added up in the function that adds to it.
    """
    lines, own = lines_of(new), [(each.file, each.function) for each in new.frames[:1]]
    if not lines or clearing(written_name(new), lines[0]):
        return
    for each in walk([gradient for made in others for gradient, _ in made.options]):
        if each.operation == "add" and own == [(e.file, e.function) for e in each.frames[:1]]:
            yield from cleared_on(written_name(each), lines[0])


def _cleared_again(judgement: Judgement) -> Iterator[Line]:
    """The first line that clears what a line of the same function has cleared just before."""
    for each in walk([gradient for made in judgement.updates for gradient, _ in made.options[-1:]]):
        before = each.args[0] if each.operation == FILLED else None
        if type(before) is Node and before.operation == FILLED and not np.any(before.value):
            frames = (e for e in zip(each.frames, before.frames, strict=False) if e[0] != e[1])
            own, other = next(frames, each.frames[:1] * 2)
            if own.function == other.function and not np.any(each.value):
                yield Line(own.file, own.line)
                return


def adding_up(judgement: Judgement) -> Iterator[Accused]:
    """The gradients that are sums over all steps, of which means and squares are kept then.

    The terms of a sum of squares are none that are less than 0.
    """
    sums = list[Accused]()
    for made in judgement.updates if judgement.ok else ():
        for old, new in _kept_whole(made):
            others = any(e is not new and e.depends_on(new) for _, e in made.states)
            less = np.any(np.asarray(new.value) < np.asarray(old.value))
            if others and less and kept(old, new, read_forward(made.old)) == 1:
                sums.append(_accumulating(made, old, new))
                break
    yield from _together(sums)


def of_numbers(judgement: Judgement) -> Iterator[Accused]:
    """The parameters that are moved over the root of a mean of 1, as 1 − β added to β v makes it.

    Where no root has anything of a gradient: else such a mean corrects another for its first steps.

    Args:
        judgement: of an update after the first.
    """
    for made in judgement.updates:
        found, begun = [*roots(made)], made.parameter.values[0]
        of_gradients = any(each.depends_on(begun) for each in found)
        within = (entrywise(each, frozenset({made.old})) for each in found if not of_gradients)
        node = next(filter(_is_of_1, set().union(*within)), None)
        if node is not None:
            yield accused(made, lines_of(node), Cause("no square"))


def _is_of_1(node: Node) -> bool:
    """Whether 1 − β is added to β times what the same operation gave before."""
    before = next((e for e in ancestors(node) if operation_key(e) == operation_key(node)), node)
    rate = kept(before, node)
    rest = np.ravel(np.asarray(node.value) - rate * np.asarray(before.value))
    return 0 < rate < 1 and all(alike(1 - rate, float(each)) for each in rest)


def _together(sums: Sequence[Accused]) -> Sequence[Accused]:
    """What sums are accused of: those of one line, or of one cause, together."""
    return merged(by_one_line(tuple(sums)), lambda each: each.cause)


def _accumulating(made: Update, old: Node, new: Node) -> Accused:
    lines = (*_lines_between(old, new), *_where_called(made, new))
    return accused(made, lines, Cause("accumulates"))


def _where_called(made: Update, new: Node) -> Iterator[Line]:
    """The line of the loop that leads to a sum, where the program has a method that clears it.

    Or that of a loop there that calls this of a part of what it goes through.
    """
    loop = {(each.file, each.function) for each in made.new.frames}
    lines = (Line(e.file, e.line) for e in new.frames[1:] if (e.file, e.function) in loop)
    methods = clearing(written_name(new), lines_of(new)[0]) if new.frames else []
    for line in islice(lines, 1 if methods else 0):
        parts = ast.walk(function_around(line) or tree(line.file) or ast.Pass())
        loops = (e for e in parts if isinstance(e, ast.For) and isinstance(e.iter, ast.Subscript))
        clear = (e for e in loops if any(_calls(e, each) for each in methods))
        yield next((Line(line.file, each.lineno) for each in clear), line)


def _calls(loop: ast.For, method: str) -> bool:
    return any(isinstance(e, ast.Call) and is_call_of(e, method) for e in ast.walk(loop))


def _lines_between(old: Node, new: Node) -> tuple[Line, ...]:
    """The lines through which what is kept goes from one step to the next, the last first."""
    sums = (e for e in ancestors(new) if e.number > old.number and kept(old, e) == 1)
    return tuple(line for each in (new, *sums) for line in lines_of(each))


def _is_mean(made: Update, old: Node, new: Node, rate: float) -> bool:
    """Whether what is kept and what is added of a gradient are shares that add up to 1."""
    added = np.asarray(new.value) - rate * np.asarray(old.value)
    gradients = (np.asarray(e.value) for node, _ in made.options for e in made.parts_of(node))
    shares = (multiple(added, each) for each in gradients if each.shape == added.shape)
    return any(each is not None and alike(rate + each, 1.0) for each in shares)


def _kept_whole(made: Update) -> list[tuple[Node, Node]]:
    """What is kept in whole arrays, but for what begins anew with the parameter at each update."""
    own = {*made.parameter.chain.before, *made.parameter.values}
    pairs = [(old, new, ancestors(new)) for old, new in made.states if not written_places(new)]
    return [
        (old, new)
        for old, new, within in pairs
        if old not in within or own.isdisjoint(way(old, new, within))
    ]
