"""Composes programs of parts, and makes one mistake in them."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from conformance.tests.composed.parts import (
    ADDED,
    BETWEEN,
    HIDDEN,
    IN_COLUMNS,
    IN_LISTS,
    MISTAKES,
    OF_ONE,
    ON_NUMBERS,
    OPTIMISERS,
    OUTPUTS,
    PENALTIES,
    SCHEDULES,
)
from conformance.tests.composed.pieces import Pieces
from conformance.tests.composed.styles import STYLES
from conformance.tests.composed.telling import TELLING, retold

HALF = 0.5
OF_NUMBERS = {
    (penalty, name)
    for penalty, (_, slope) in PENALTIES.items()
    for name, moving in OPTIMISERS.items()
    if "np" not in slope and "{m}" not in slope
    if name != "clipped" and not any("np." in e.replace("np.sqrt", "") for e in moving.lines)
}
COMMON = ("nothing", "constant", "printed")
OUTPUTS_OF = {"pairs": OF_ONE, "columns": IN_COLUMNS, "lists": IN_LISTS}
HIDDEN_OF = {"lists": ON_NUMBERS}


class Parts(NamedTuple):
    """What a program is composed of, by the names in `parts.py` and `styles.py`.

    Attributes:
        handed: whether the rate of the penalty is an argument; else it is held.
        main: whether the file trains when it is run.
        between: what stands beside a hidden layer.
        schedule: of the rate of the optimiser.
        telling: what is done with the loss where the file trains.
    """

    style: str
    hidden: str
    output: str
    penalty: str
    added: str
    optimiser: str
    handed: bool
    main: bool
    between: str = "nothing"
    schedule: str = "constant"
    telling: str = "printed"

    @property
    def id(self) -> str:
        """The parts in one word, such as `pairs/tanh/softmax/half/update/plain/handed/main`."""
        handed, main = "handed" if self.handed else "held", "main" if self.main else "none"
        others = [each for each in self[8:] if each not in COMMON]
        return "/".join([*self[:6], handed, main, *others]).replace(" ", "-")

    @property
    def tells(self) -> bool:
        """Whether no part says what another says."""
        return (
            self.hidden in HIDDEN_OF.get(self.style, HIDDEN)
            and self.output in OUTPUTS_OF.get(self.style, OUTPUTS)
            and (self.added != "nowhere" or self.penalty == next(iter(PENALTIES)))
            # a script has no arguments, and trains
            and (self.style != "script" or (not self.handed and self.main))
            # an estimator holds all its settings
            and (self.style != "estimator" or not self.handed)
            # what is handed one vector knows no sizes, and gives the gradient of its loss
            and (self.style != "flat" or (self.main and self.added != "update"))
            # views of one vector decay where their gradients are computed
            and (self.style != "views" or self.added in ("gradient", "nowhere"))
            # lists are of one sample, each number of which is moved as its gradient is known
            and (self.style != "lists" or (self.penalty, self.optimiser) in OF_NUMBERS)
            and (self.style != "lists" or self.added != "update")
            # the output of an autoencoder is linear
            and (self.style != "tied" or self.output == "linear")
            and (self.between == "nothing" or self.style.startswith("layers"))
            # an estimator keeps its losses itself
            and (self.telling == "printed" or (self.main and self.style != "estimator"))
        )


class Program(NamedTuple):
    """A program, and the line of its mistake, from 1; 0 if it is right."""

    id: str
    source: str
    line: int


def selected(count: int, seed: int, style: str | None = None) -> list[Parts]:
    """So many combinations, drawn by a seed.

    Args:
        count: how many.
        seed: of the choice.
        style: of all of them, if they have one.
    """
    drawn = random.Random(seed)  # noqa: S311 - no secret
    found: dict[Parts, None] = {}
    while len(found) < count:
        parts = Parts(
            drawn.choice([*STYLES]),
            drawn.choice([*HIDDEN]),
            drawn.choice([*OUTPUTS]),
            drawn.choice([*PENALTIES]),
            drawn.choice(ADDED),
            drawn.choice([*OPTIMISERS]),
            handed=drawn.random() < HALF,
            main=drawn.random() < HALF,
            between=drawn.choice([*BETWEEN]) if drawn.random() < HALF else BETWEEN[0],
            schedule=drawn.choice([*SCHEDULES]) if drawn.random() < HALF else "constant",
            telling=drawn.choice([*TELLING]),
        )
        if parts.tells and style in (None, parts.style):
            found[parts] = None
    return [*found]


def of(id_: str) -> Parts:
    """The parts that an id names.

    Raises:
        KeyError: an id of that name is not known.
    """
    *names, handed, main = id_.replace("-", " ").split("/")[:8]
    others = id_.replace("-", " ").split("/")[8:]
    between = next((each for each in others if each in BETWEEN), "nothing")
    schedule = next((each for each in others if each in SCHEDULES), "constant")
    telling = next((each for each in others if each in TELLING), "printed")
    style, hidden, output, penalty, added, optimiser = names
    given = style, hidden, output, penalty, added, optimiser, handed == "handed", main == "main"
    parts = Parts(*given, between, schedule, telling)
    if parts.id != id_:
        raise KeyError(id_)
    return parts


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
            if others[number - 1] == text:
                raise ValueError(f"{kind}, {name} changes nothing of `{text}`")
            id_ = f"{parts.id}:{number} {kind}, {name}".replace(" ", "-")
            yield Program(id_, "".join(f"{each}\n" for each in others), number)


def _lines(parts: Parts) -> Sequence[tuple[str, tuple[str, ...]]]:
    """The lines of a program, each with the kinds of mistakes that are made in it."""
    pieces = Pieces(
        HIDDEN_OF.get(parts.style, HIDDEN)[parts.hidden],
        OUTPUTS_OF.get(parts.style, OUTPUTS)[parts.output],
        PENALTIES[parts.penalty],
        parts.added,
        OPTIMISERS[parts.optimiser],
        handed=parts.handed,
        main=parts.main,
        between=parts.between,
        schedule=SCHEDULES[parts.schedule],
    )
    module = "import math\nimport random" if parts.style == "lists" else "import numpy as np"
    program = retold(STYLES[parts.style](pieces), parts.telling)
    whole = [*module.splitlines(), "", "", *program]
    split = (each.partition("  #: ") for each in whole)
    return [(text, tuple(kinds.split())) for text, _, kinds in split]
