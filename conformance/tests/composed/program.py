"""Composes programs of parts, and makes one mistake in them."""

import random
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from conformance.tests.composed.parts import (
    ADDED,
    HIDDEN,
    MISTAKES,
    OF_ONE,
    OPTIMISERS,
    OUTPUTS,
    PENALTIES,
)
from conformance.tests.composed.pieces import Pieces
from conformance.tests.composed.styles import STYLES


class Parts(NamedTuple):
    """What a program is composed of, by the names in `parts.py` and `styles.py`.

    Attributes:
        handed: whether the rate of the penalty is an argument; else it is held.
        main: whether the file trains when it is run.
    """

    style: str
    hidden: str
    output: str
    penalty: str
    added: str
    optimiser: str
    handed: bool
    main: bool

    @property
    def id(self) -> str:
        """The parts in one word, such as `lists/tanh/softmax/half/update/plain/handed/main`."""
        handed, main = "handed" if self.handed else "held", "main" if self.main else "none"
        return "/".join([*self[:-2], handed, main]).replace(" ", "-")


class Program(NamedTuple):
    """A program, and the line of its mistake, from 1; 0 if it is right."""

    id: str
    source: str
    line: int


def every() -> list[Parts]:
    """All combinations, of which each says something of its own."""
    found = product(
        STYLES, HIDDEN, OUTPUTS, PENALTIES, ADDED, OPTIMISERS, (False, True), (False, True)
    )
    first = next(iter(PENALTIES))

    def tells(parts: Parts) -> bool:
        has_penalty = parts.added != "nowhere"
        alone = not parts.handed and parts.main  # a script has no arguments, and trains
        return (has_penalty or parts.penalty == first) and (parts.style != "script" or alone)

    return [*filter(tells, map(Parts._make, found))]


def selected(count: int, seed: int) -> list[Parts]:
    """So many combinations, drawn by a seed."""
    return random.Random(seed).sample(every(), count)  # noqa: S311 - no secret


def of(id_: str) -> Parts:
    """The parts that an id names.

    Raises:
        KeyError: there is none.
    """
    return _by_id()[id_]


@cache
def _by_id() -> dict[str, Parts]:
    return {each.id: each for each in every()}


def right(parts: Parts) -> Program:
    """The program of some parts."""
    return Program(parts.id, "".join(f"{text}\n" for text, _ in _lines(parts)), 0)


def wrong(parts: Parts) -> Iterator[Program]:
    """The program with each of the mistakes that can be made in it."""
    lines = _lines(parts)
    for number, (text, kinds) in enumerate(lines, 1):
        for kind, (name, change) in ((e, each) for e in kinds for each in MISTAKES[e].items()):
            if (kind, name, parts.added) == ("decay", "twice", "update alone"):
                continue  # no loss states by how much
            others = [each for each, _ in lines]
            others[number - 1] = change(text)
            id_ = f"{parts.id}:{number} {kind}, {name}".replace(" ", "-")
            yield Program(id_, "".join(f"{each}\n" for each in others), number)


def _lines(parts: Parts) -> Sequence[tuple[str, tuple[str, ...]]]:
    """The lines of a program, each with the kinds of mistakes that are made in it."""
    pieces = Pieces(
        HIDDEN[parts.hidden],
        (OF_ONE if parts.style == "pairs" else OUTPUTS)[parts.output],
        PENALTIES[parts.penalty],
        parts.added,
        OPTIMISERS[parts.optimiser],
        handed=parts.handed,
        main=parts.main,
    )
    whole = ["import numpy as np", "", "", *STYLES[parts.style](pieces)]
    split = (each.partition("  #: ") for each in whole)
    return [(text, tuple(kinds.split())) for text, _, kinds in split]
