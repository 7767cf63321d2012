"""Which of the further parameters of an update are λ and n, whatever they are called.

Those that must be given and are named so are, for who names them promises the decay. Others are if
they do what λ and n do. What is neither keeps its default. Left out: whether the decay is right.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from conformance.errors import UsageError
from conformance.subjects.near import alike
from reference.step import Array

LAMBDA = re.compile(r"(la?mb?d?a?|λ|l2|reg|regulari[sz]ation|weight_?decay)(_.*)?")
SAMPLES = re.compile(r"n|size|total|(n|num|len|size)_?(of_?)?[a-z]+|[a-z]+_(n|size|len|length)")
TRIED, OTHER = (0.5, 4), 8  # λ and n of a trial, and another n; all quotients are exact
CLOSE = 1e-4  # of the largest entry; for recognising, not for judging


class Moved(NamedTuple):
    """The parameters of a network after an update, and its weights before, in its own layout."""

    before: Sequence[Array]
    w: Sequence[Array]
    b: Sequence[Array]


Trial = Callable[[Mapping[str, Any]], Moved | None]
"""Updates a network with these keywords by η = 1, always from the same start; None if it stops."""


@dataclass(frozen=True)
class DecayParameters:
    """By which keywords an update is given the decay.

    Attributes:
        lmbda: of λ, or of λ/n where there is no n; empty if it does not decay.
        n: of n; empty if it takes none.
    """

    lmbda: str = ""
    n: str = ""

    def keywords(self, lmbda: float, n: int) -> dict[str, Any]:
        """The keywords of a step with this λ and n."""
        decay = {self.lmbda: lmbda if self.n else lmbda / n} if self.lmbda else {}
        return {**decay, **({self.n: n} if self.n else {})}

    def said(self) -> Iterator[str]:
        """The departures from the book, in words."""
        if self.lmbda and (self.lmbda, self.n) != ("lmbda", "n"):
            yield f"λ as `{self.lmbda}`, n as `{self.n}`" if self.n else f"λ/n as `{self.lmbda}`"


def decay_parameters(
    further: Mapping[str, inspect.Parameter], trial: Trial, name: str
) -> DecayParameters:
    """Which of the parameters behind the mini-batch and η are λ and n.

    Raises:
        UsageError: one must be given, and nobody knows what it is.
    """
    needed = [key for key, each in further.items() if each.default is inspect.Parameter.empty]
    if needed and trial({}) is not None:  # it is wrapped, and takes other arguments than it says
        needed = []
    lmbda = _first(LAMBDA, further)
    n = _first(SAMPLES, [key for key in further if key != lmbda])
    unknown = [key for key in needed if key not in (lmbda, n)]
    if lmbda in needed and not n and len(unknown) == 1:
        n, unknown = unknown[0], []
    if not unknown:
        found = DecayParameters(lmbda, n)
        return found if lmbda in needed or _acts(found, trial) else _idle(n, needed)
    pairs = (DecayParameters(*pair) for pair in permutations(needed, 2) if len(needed) == 2)  # noqa: PLR2004 - λ and n
    found_pair = next((pair for pair in pairs if _is_decay(pair, trial)), None)
    if found_pair is None:
        raise UsageError(
            f"{name}: update_mini_batch asks for `{'`, `'.join(unknown)}`, which "
            "is neither λ nor n: give it a default"
        )
    return found_pair


def _first(pattern: re.Pattern[str], names: Sequence[str] | Mapping[str, Any]) -> str:
    return next((each for each in names if pattern.fullmatch(each.lower())), "")


def _idle(n: str, needed: Sequence[str]) -> DecayParameters:
    """No decay; n must be given all the same if it has no default."""
    return DecayParameters("", n if n in needed else "")


def _acts(found: DecayParameters, trial: Trial) -> bool:
    """Whether λ does something; where it stands for λ/n, whether it does just that."""
    if not found.lmbda:
        return False
    without, moved = trial(found.keywords(0.0, TRIED[1])), trial(found.keywords(*TRIED))
    if without is None or moved is None:
        return False
    if found.n:
        return not _equal(without.w, moved.w) or not _equal(without.b, moved.b)
    rate = TRIED[0] / TRIED[1]
    arrays = zip(without.w, moved.w, moved.before, strict=True)
    return all(alike(one - other, rate * before, CLOSE) for one, other, before in arrays)


def _is_decay(found: DecayParameters, trial: Trial) -> bool:
    """Whether two parameters act on the weights alone, and the second only beside the first."""
    tried = (found.keywords(*each) for each in (TRIED, (0.0, TRIED[1]), (0.0, OTHER)))
    moved, without, other = map(trial, tried)
    if moved is None or without is None or other is None:
        return False
    alone = _equal(without.w, other.w) and _equal(without.b, other.b)
    return alone and _equal(moved.b, without.b) and not _equal(moved.w, without.w)


def _equal(first: Sequence[Array], second: Sequence[Array]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
