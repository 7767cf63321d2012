"""What in a file may be judged, and whether it is the book's network or one of any shape.

Left out: judging it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.shapes.definitions import Definitions
from conformance.shapes.judging import Found, judged
from conformance.shapes.plans import by_role, constructors, methods
from conformance.shapes.search import Refusal, Searched
from conformance.subjects.adapt import is_of_the_book

BACKWARD = ("backward", "train")


@dataclass(frozen=True)
class Candidate:
    """A thing that may be judged.

    Attributes:
        name: of it.
        book: whether it has the interface of the book's network.
        searched: its readings, if it has not.
    """

    name: str
    book: bool
    searched: Searched | None = None

    @property
    def refusal(self) -> Refusal:
        """How far its readings came."""
        return Refusal() if self.searched is None else self.searched.refusal

    def found(self, cost: str | None) -> Found | None:
        """It, recognised and judged; None if no reading fits."""
        return None if self.searched is None else judged(self.searched.readings(), cost)


def candidates(found: Definitions) -> Iterator[Candidate]:
    """What a file has that may be judged, in its order."""
    for kind in found.classes:
        made = of_class(kind, found)
        if made is not None:
            yield made


def of_class(kind: type, found: Definitions) -> Candidate | None:
    """A class as a candidate; None if nothing in it goes backwards."""
    if is_of_the_book(kind):
        return Candidate(kind.__name__, book=True)
    roles = by_role(methods(kind))
    if not any(roles[each] for each in (*BACKWARD, "loss")):
        return None
    searched = Searched(lambda data: constructors(kind, data), roles, found.module)
    return Candidate(kind.__name__, book=False, searched=searched)


def of_thing(thing: Any, name: str, found: Definitions) -> Candidate | None:
    """Whatever a name in the file stands for, as a candidate."""
    if isinstance(thing, type):
        return of_class(thing, found)
    del name
    return None
