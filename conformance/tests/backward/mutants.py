"""The wrong programs: edits that run, and give finite gradients of the right shapes that differ."""

import hashlib
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from conformance.tests.backward.edits import Edit, edits
from conformance.tests.backward.program import (
    SEED,
    Outcome,
    Program,
    distance,
    loaded,
    outcome,
    program,
)

T = TypeVar("T")
DIFFERENT = 1e-6  # relative to the largest entry: below it an edit changes next to nothing


@dataclass(frozen=True)
class Mutant:
    """A program with one line wrong.

    Attributes:
        program: which is right.
        edit: what was done.
        right: what the right program returns.
        got: what this one returns.
    """

    program: Program
    edit: Edit
    right: Outcome
    got: Outcome

    @property
    def id(self) -> str:
        """The name of its program, and its edit's id."""
        return f"{self.program.name}/{self.edit.id}"

    @cached_property
    def wrong(self) -> frozenset[str]:
        """The places of its wrong gradients."""
        right, got = self.right.gradients, self.got.gradients
        return frozenset(n for n in right if distance(right[n], got[n]) > DIFFERENT)

    @cached_property
    def factor(self) -> float | None:
        """By which it multiplies all gradients; None if it does something else."""
        right, got = _joined(self.right), _joined(self.got)
        factor = float(right @ got / (right @ right))
        return factor if distance(factor * right, got) < DIFFERENT else None


def mutant(id_: str) -> Mutant:
    """The mutant of this id."""
    name, _, edit_id = id_.partition("/")
    right = program(name)
    edit = next(each for each in edits(right.source) if each.id == edit_id)
    found = _mutant(right, edit, outcome(*_arguments(right.source)))
    if found is None:
        raise ValueError(f"{id_} is not to be judged")
    return found


def mutants(right: Program, count: int | None = None) -> list[Mutant]:
    """So many mutants of a program, or all; always the same ones, in the order of their lines.

    They are spread over the lines and the kinds of edits. Of those on one line that give the same
    gradients there is one.
    """
    truth = outcome(*_arguments(right.source))

    def judged(edit: Edit) -> tuple[Mutant, str] | None:
        each = _mutant(right, edit, truth)
        return None if each is None else (each, _fingerprint(each.got))

    found = spread(edits(right.source), judged, count)
    return sorted(found, key=lambda each: (each.edit.line, each.edit.kind, each.edit.number))


def spread(
    found: Iterable[Edit], judged: Callable[[Edit], tuple[T, str] | None], count: int | None
) -> list[T]:
    """So many of what edits make, or all: spread over the lines and the kinds of edits.

    Args:
        found: the edits.
        judged: gives what an edit makes, and what all edits of a line have in common that make the
            same; None for what is left out.
        count: of them.
    """
    waiting = [_distinct(line, judged) for line in _by_line(found)]
    chosen: list[T] = []
    while waiting and (count is None or len(chosen) < count):
        line = waiting.pop(0)
        for each in line:
            chosen.append(each)
            waiting.append(line)
            break
    return chosen


def _distinct(line: Sequence[Edit], judged: Callable[[Edit], tuple[T, str] | None]) -> Iterator[T]:
    """What edits of one line make, no two the same."""
    seen: set[str] = set()
    for edit in line:
        each = judged(edit)
        if each and each[1] not in seen:
            seen.add(each[1])
            yield each[0]


def _by_line(found: Iterable[Edit]) -> list[list[Edit]]:
    """The edits of each line, one of each kind in turn."""
    by_line: dict[int, dict[str, list[Edit]]] = defaultdict(lambda: defaultdict(list))
    for edit in sorted(found, key=lambda edit: hashlib.sha256(edit.id.encode()).hexdigest()):
        by_line[edit.line][edit.kind].append(edit)
    return [_in_turn(list(kinds.values())) for _, kinds in sorted(by_line.items())]


def _in_turn(groups: list[list[Edit]]) -> list[Edit]:
    """The first of each group, then the second of each, and so on."""
    longest = max(map(len, groups), default=0)
    return [group[n] for n in range(longest) for group in groups if n < len(group)]


def _arguments(source: str) -> tuple[types.ModuleType, Any, tuple[Any, ...]]:
    module = loaded(source)
    return module, *module.make(SEED)


def _mutant(right: Program, edit: Edit, truth: Outcome) -> Mutant | None:
    """The edited program, if it is one to be judged."""
    try:
        got = outcome(*_arguments(edit.source))
    except Exception:  # noqa: BLE001  # an edited program may raise anything: it is left out
        return None
    if got.loss != truth.loss or got.gradients.keys() != truth.gradients.keys():
        return None
    if any(value.dtype.kind != "f" for value in got.gradients.values()):
        return None
    apart = [distance(truth.gradients[place], value) for place, value in got.gradients.items()]
    return Mutant(right, edit, truth, got) if DIFFERENT < max(apart) < np.inf else None


def _fingerprint(of: Outcome) -> str:
    """The same for gradients that agree to about ten digits."""
    return " ".join(f"{number:.9e}" for number in _joined(of))


def _joined(of: Outcome) -> np.ndarray:
    return np.concatenate([value.ravel() for value in of.gradients.values()])
