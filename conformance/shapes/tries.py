"""Runs that are tried while it is searched how a program is called, each of them once.

Many readings begin with the same data and the same calls. Left out: a run itself (`attempt.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from conformance.shapes.arguments import PENALTY
from conformance.shapes.attempt import Call, Plan, UnfitError, attempt, is_number
from conformance.shapes.example_data import Data
from conformance.shapes.plans import Made

Given = tuple[Data, Made]
Key = tuple[int | str, ...]


def key_of(made: Made, data: Data, calls: Sequence[Call]) -> Key:
    """What tells a run from others, as long as what it is of is kept."""
    names = (e.function if isinstance(e.function, str) else id(e.function) for e in calls)
    return (id(data), id(made), *(each.role for each in calls), *names)


@dataclass(frozen=True)
class Tries:
    """What is known of a program's runs.

    Attributes:
        module: of the program.
        ended: by the data, the way in which it is made, and the calls: whether the last call
            returned a number, or why it did not run.
        given: the data and the ways to make it, by their layouts, as far as they were asked for.
    """

    module: ModuleType
    ended: dict[Key, bool | UnfitError] = field(default_factory=dict)
    given: dict[tuple[str, ...], tuple[list[Given], Iterator[Given]]] = field(default_factory=dict)

    def gives_number(self, made: Made, data: Data, calls: Sequence[Call]) -> bool:
        """Whether the last of some calls returns a number.

        Raises:
            UnfitError: it does not run so.
        """
        key = key_of(made, data, calls)
        if key not in self.ended:
            try:
                run = attempt(Plan(made.said, made.make, tuple(calls), self.module), data, PENALTY)
                self.ended[key] = is_number(run.results[-1][2])
            except UnfitError as error:
                self.ended[key] = error
        found = self.ended[key]
        if isinstance(found, UnfitError):
            raise found
        return found

    def all_given(
        self, layouts: tuple[str, ...], more: Callable[[tuple[str, ...]], Iterator[Given]]
    ) -> Iterator[Given]:
        """The data and the ways to make it that `more` gives: the same ones each time."""
        kept, rest = self.given.setdefault(layouts, ([], more(layouts)))
        yield from kept
        for each in rest:
            kept.append(each)
            yield each
