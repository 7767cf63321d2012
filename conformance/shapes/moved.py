"""The verdict on a class that moves parameters: whether it takes the gradients off, and its rule.

The gradients are ours, so they are right. Left out: how the class is called (`optimisers.py`).
"""

import linecache
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import FunctionType

import numpy as np

from conformance.backward.findings import ADDS, Accused, Cause, Examined, Judged, merged
from conformance.backward.source import lines_of
from conformance.backward.syntax import forget
from conformance.programs.vocabulary import kinds_of
from conformance.script.clipping import is_clipped
from conformance.script.judgement import Judgement
from conformance.script.linear import alike, links
from conformance.script.multiples import shrinking
from conformance.script.parameters import Parameter, parameters
from conformance.script.rule import faults, rules
from conformance.script.update import Multiple, Update
from conformance.script.update_reader import updates_of
from conformance.script_outcome import Ran
from conformance.shapes.arguments import taken
from conformance.shapes.found import UNRULED, NotJudged
from conformance.shapes.holders import Optimiser, hiding, moving_functions, optimisers
from conformance.shapes.optimisers import Moved, moved
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, bits_of_nodes

OTHER_RATE = 0.3125
OTHER_NUMBER = 2.0**-5  # of a decay or a momentum, and none that is tried else
LARGEST = 0.5  # of a parameter, that a decay may take off in one update


def judged_optimisers(
    place: str, classes: Sequence[type], functions: Sequence[FunctionType] = ()
) -> Iterator[tuple[Ran | NotJudged, Callable[[], Ran | None]]]:
    """The verdict on each class or function of a file that moves parameters, or why there is none.

    Each with what is known of it as it is when that is called: its code may be changed meanwhile. A
    function that no way was found to call may be one for something else.
    """
    for one in (*optimisers(classes), *moving_functions(functions)):
        made = moved(one) or _by_another_rate(one)
        if not (one.named or (made is not None and _is_kept(made))):
            continue
        again = partial(_judged, place, one, frozenset(one.code.__code__.co_names))
        yield again(made) or _not_judged(one, made), again


def _judged(
    place: str, one: Optimiser, read: frozenset[str], made: Moved | None = None
) -> Ran | None:
    """What is known of a class or function that moves parameters; None if nothing is.

    Args:
        place: of its file.
        one: it.
        read: the names in its code, as it was written.
        made: its updates; it is called for them if they are not known.
    """
    name, made = one.kind.__name__, made or moved(one) or _by_another_rate(one)
    ways = () if made is None else _ways(one, made)
    ran = next(filter(None, (judged_moves(f"{place}:{name}", each) for each in ways)), None)
    if ran is not None and made is not None and ran.examined.ok:
        ran = _with_its_rate(ran, one, made)
    if ran is not None and made is not None and ran.examined.ok and isinstance(one.kind, type):
        ran = _with_its_numbers(ran, one, read, made)
    if ran is not None and made is not None and ran.examined.ok and _decays_alone(one, made):
        ran = replace(ran, notes=(*ran.notes, ("decays alone", "")))
    return ran


def _not_judged(one: Optimiser, made: Moved | None) -> NotJudged:
    """Why there is no verdict on a class or function that moves parameters."""
    why = f"no way was found to have `{one.method}` move parameters"
    if made is not None:
        why = UNRULED
    runs = made is None and _is_used(one)
    return NotJudged(one.kind.__name__, why, network=True, final=True, runs=runs)


def _with_its_rate(ran: Ran, one: Optimiser, made: Moved) -> Ran:
    """What is known of right updates: they are not the same by another rate, but for Adadelta."""
    other = None if ran.rule.kind == "adadelta" else _by_another_rate(one)
    if other is None or not _same(made, other, FIRST):
        return ran
    names = _rate_of(one), ""
    accused = _wrong({n: e[1] for n, e in made.values.items()}, "unused rate", names)
    return replace(ran, examined=replace(ran.examined, accused=accused))


def _rate_of(one: Optimiser) -> str:
    """The name of its rate; nothing if it has none."""
    asked = (e.name for each in (one.code, one.kind) for e in taken(each))
    return next((e for e in asked if "rate" in kinds_of(e)), "")


def _by_another_rate(one: Optimiser) -> Moved | None:
    """Parameters that it has moved by a rate of ours: by one of 1 they may be 0 after a step."""
    name = _rate_of(one)
    return moved(one, rates={name: OTHER_RATE}) if name else None


def _is_kept(made: Moved) -> bool:
    """Whether something is taken off parameters: what they become has them once, but for a decay.

    What is computed of a parameter and its gradient may be something else, as `dw + c w`.
    """
    found = _found(made) or []
    return bool(found) and all(abs(e.decay) < LARGEST for e in updates_of(made.trace, found, 1))


def _with_its_numbers(ran: Ran, one: Optimiser, read: frozenset[str], made: Moved) -> Ran:
    """What is known of right updates: those by another decay, or momentum, are others.

    One that is 0 by default, and that what moves parameters does not read, is for something else.
    """
    for name in hiding(one.kind) if isinstance(one.kind, type) else ():
        other = moved(one, rates={name: OTHER_NUMBER})
        if other is None or not _same(made, other):
            continue
        if name not in read:
            ran = replace(ran, notes=(*ran.notes, ("without", name)))
            continue
        accused = _wrong({n: e[1] for n, e in made.values.items()}, "no effect", (name, ""))
        ran = replace(ran, examined=replace(ran.examined, accused=accused))
    return ran


def _decays_alone(one: Optimiser, made: Moved) -> bool:
    """Whether parameters decay by as much at another rate: by λ, and not by η λ."""
    rate = _rate_of(one)
    for each in _ways(one, made) if rate else ():
        other = moved(one, each.filled if each is not made else (), {rate: OTHER_RATE})
        pairs = zip(_decays(each), _decays(other), strict=False) if other is not None else ()
        if any(share and alike(share, again) for share, again in pairs):
            return True
    return False


def _decays(made: Moved) -> list[float]:
    """How many times each parameter is taken away in its first update."""
    return [*map(shrinking, updates_of(made.trace, _found(made) or [], 1))]


def _same(made: Moved, other: Moved, count: int | None = None) -> bool:
    """Whether the updates are the same: all, or only what comes of the first few."""
    pairs = (
        zip(each[:count], other.values[name][:count], strict=True)
        for name, each in made.values.items()
    )
    return all(np.array_equal(a.value, b.value) for each in pairs for a, b in each)


FIRST = 2  # values: what a parameter was, and what its first update makes of it


def _ways(one: Optimiser, made: Moved) -> Iterator[Moved]:
    """The updates; then those with zeros in what it keeps before, if the first is the same."""
    yield made
    filled = moved(one, made.filled) if any(made.filled) else None
    if filled is not None and _same(made, filled, FIRST):
        yield filled


def _is_used(one: Optimiser) -> bool:
    """Whether the file names a class again, so that a run of it may use it."""
    lines = linecache.getlines(one.code.__code__.co_filename)
    return len(re.findall(rf"\b{one.kind.__name__}\b", "".join(lines))) > 1


def judged_moves(script: str, made: Moved) -> Ran | None:
    """What is known of some updates; None if they are those of no rule that is known.

    Args:
        script: what is said for the class.
        made: the updates.
    """
    forget()
    names = tuple(made.values)
    count = len(made.values[names[0]]) - 2  # what the last one keeps is not used any more
    gradients = tuple(map(_right, names, (each[0] for each in made.values.values())))
    unused = {n: e[1] for n, e in made.values.items() if not e[1].depends_on(made.gradients[n][0])}
    if unused:
        accused = tuple(_strange(made, unused)) or _wrong(unused, "update")
        return Ran(script, names, count, Examined(gradients, accused))
    if (found := _found(made)) is None:
        return None
    for parameter, name in zip(found, names, strict=True):
        parameter.name = name
    results: list[Judgement] = []
    for k in range(count):
        given = [each[k] for each in made.gradients.values()]
        updates = [*map(_by, updates_of(made.trace, found, k + 1), given)]
        chosen = tuple(map(_multiple, updates, given))
        up = {n: e.new for n, e, (_, by) in zip(names, updates, chosen, strict=True) if by > 0}
        if 0 < len(up) < len(names):
            return Ran(script, names, count, Examined(gradients, _wrong(up, "ascends")))
        kept, right = chosen if all(by for _, by in chosen) else (), Examined(gradients)
        results.append(Judgement(tuple(updates), right, True, False, chosen[0][1], kept))
    moving = all(each.chosen for each in results)
    told = rules(results)
    accused = tuple(faults(results, told, counts=made.counts)) or _growth(results[0], made)
    if not accused and moving and results[0].factor > 0:
        accused = _wrong({n: e.new for n, e in zip(names, results[0].updates, strict=True)}, ADDS)
    accused = accused or _wrong(_kept_zeros(made), "zero")
    unknown = not moving or any(each.rule.kind in ("other", "unknown") for each in told)
    if unknown and (not accused or accused[0].cause.kind == ADDS):
        return None
    rule = told[0].rule
    rule = rule.without_rate() if is_clipped(results[0]) else rule
    return Ran(script, names, count, Examined(gradients, accused), 1, rule)


def _kept_zeros(made: Moved) -> dict[str, Node]:
    """What the last updates keep of no gradient and of no parameter: arrays that are still 0."""
    first = (each[0] for each in made.values.values())
    data = bits_of_nodes([*first, *(e for each in made.gradients.values() for e in each)])
    found = dict[str, Node]()
    for name, (*_, old, new) in made.values.items():
        way = [each for each in walk([new]) if each.number > old.number and each.function]
        alike = (e for e in way if np.shape(e.value) == np.shape(old.value) and not np.any(e.value))
        kept = [each for each in alike if not each.uses & data]
        if kept:
            found[name] = min(kept, key=lambda each: each.number)
    return found


def _strange(made: Moved, unused: Mapping[str, Node]) -> Iterator[Accused]:
    """The first updates that take the gradient of another parameter, if each of some does."""
    for name, new in unused.items():
        for other, (gradient, *_) in made.gradients.items():
            taking = [each for each in gradient.consumers if new.depends_on(each)]
            if other != name and taking:
                why = Cause("other", names=(name, other))
                yield Accused((name,), lines_of(taking[0]), why, mends=False)


def _found(made: Moved) -> list[Parameter] | None:
    """The parameters with what is kept for their updates; None if some are not found as such."""
    known = parameters(made.trace.nodes)
    found = [
        next((each for each in known if each.values[: len(values)] == values), None)
        for values in made.values.values()
    ]
    several = [each for each in found if each is not None]
    return several if len(several) == len(found) else None


def _right(name: str, parameter: Node) -> Judged:
    """A gradient of ours."""
    shape = np.shape(parameter.value)
    return Judged(name, True, 0.0, False, False, False, 0.0, False, shape, shape)


def _by(made: Update, gradient: Node) -> Update:
    """An update, of which it is known by which gradient it is."""
    own = next((i for i, (node, _) in enumerate(made.options) if node is gradient), made.own)
    return replace(made, own=own)


def _multiple(made: Update, gradient: Node) -> Multiple:
    """How many times a gradient is added; 0 times if it is no multiple of it that is.

    It may have a decay of the parameter beside it, `g + λ w`, or what lets it grow.
    """
    for node, by, decays in _with_decays(made, gradient):
        if all(each * by >= 0 for each in decays) or _growing(node, by, decays) is not None:
            return gradient, by
    return gradient, 0.0


def _with_decays(made: Update, gradient: Node) -> Iterator[tuple[Node, float, list[float]]]:
    """What has a gradient in it, how many times that is added, and the parameter beside it.

    What is beside it and no multiple of the parameter is no number of times.
    """
    for node, factor in made.options:
        terms = {gradient: 1.0} if node is gradient else dict(links(node))
        by = factor * terms.pop(gradient, 0.0)
        if by:
            shares = (dict(links(e)).get(made.old, np.nan) * terms[e] for e in terms)
            yield node, by, [factor * each for each in shares]


def _growth(first: Judgement, made: Moved) -> tuple[Accused, ...]:
    """The parameters to whose gradients is added what lets them grow."""
    of_each = zip(first.updates, (each[0] for each in made.gradients.values()), strict=True)
    nodes = [next((_growing(*e) for e in _with_decays(*each)), None) for each in of_each]
    grown = zip(made.values, nodes, strict=True)
    return _wrong({name: each for name, each in grown if each is not None}, "growth")


def _growing(node: Node, by: float, decays: Sequence[float]) -> Node | None:
    """What lets a parameter grow that goes down its gradient; None if nothing does."""
    return node if by < 0 and decays and all(each > 0 for each in decays) else None


def _wrong(
    moved: dict[str, Node], kind: str, names: tuple[str, str] = ("", "")
) -> tuple[Accused, ...]:
    """The updates that do not take the gradients off, line by line."""
    why = Cause(kind, names=names)
    accused = (Accused((e,), lines_of(moved[e]), why, mends=False) for e in moved)
    return merged(accused, lambda each: each.lines)
