"""What else a program may be meant to be: a network of another family, or with another cost.

What a wrong line computes can be taken for another activation or another cost, by which right lines
look wrong. If a change of one line makes the program right in a case of the activations that it
names, it is meant to be that. Left out: judging it so (`api.py`).
"""

import ast
import re
from collections.abc import Callable, Collection, Sequence

from conformance.cases.build import read
from conformance.cases.small import entries
from conformance.corpus import store
from conformance.corpus.recorded import Recorded
from conformance.edits.live_functions import LiveFunction, live_functions
from conformance.edits.search_edits import holds, search
from conformance.model.update_kinds import SGD
from conformance.subjects import Reading

NAMED = {
    "sigmoid": re.compile(r"sigm|expit|logistic", re.IGNORECASE),
    "tanh": re.compile(r"tanh", re.IGNORECASE),
    "relu": re.compile(r"(?<!leaky)(?<!leaky_)(?<!l)relu|maximum", re.IGNORECASE),
    "leaky-relu": re.compile(r"leaky|lrelu", re.IGNORECASE),
    "softmax": re.compile(r"softmax", re.IGNORECASE),
}
"""How code names an activation."""

UNNAMED = {"sigmoid", "softmax"}
"""What may be written without a name, by the exponential; a linear layer has none anyway."""

MADE_OF_EXP = {"sigmoid", "softmax", "tanh"}
"""One of these a network has in which the exponential is computed."""

NUMPY = ("np", "numpy", "torch")


def other_reading(
    is_right: Callable[[Recorded], bool], own: Reading | None, costs: Collection[str], dtype: str
) -> Reading | None:
    """The reading, other than its own, in which a change of one line makes a program right.

    Of the readings that its code names: with every activation that is named in what runs, and no
    other.

    Args:
        is_right: whether it is right in a case, run as it is.
        own: in which no such change is known; None if it has none.
        costs: those that it may have.
        dtype: in which it computes.
    """
    cases = _first_cases(costs, dtype)
    right: list[Reading] = []

    def is_right_in(recorded: Recorded) -> bool:
        try:
            return is_right(recorded)
        except (Exception, SystemExit):  # noqa: BLE001 - other people's code; its time is that of all
            return False

    def any_is_right() -> bool:
        right[:] = [each for each, recorded in cases.items() if is_right_in(recorded)]
        return bool(right)

    functions = live_functions(lambda: holds(any_is_right))
    if right:  # in a case of its own; what is wrong is so in others
        return None if own in right else right[0]
    must, may = named(functions)
    words = _words(_parts(functions), own=False)
    computed = MADE_OF_EXP if re.search(r"\bexp\b", words) else may
    for each in [*cases]:
        has = {*each.family}
        if each == own or not (must <= has <= may and has & computed):
            del cases[each]
    return right[0] if cases and search(functions, (), [any_is_right]) else None


def _first_cases(costs: Collection[str], dtype: str) -> dict[Reading, Recorded]:
    """The smallest case with hidden layers of each reading, by the book's update."""
    found: dict[Reading, Recorded] = {}
    place = store.root()
    for case in sorted(store.cases(place, None, dtype), key=lambda each: entries(each.sizes)):
        hidden, output = case.activations[0], case.activations[-1]
        plain = case.layers > 2 and case.is_of(hidden, output) and not case.masks  # noqa: PLR2004
        reading = Reading((hidden, output), case.cost)
        if plain and case.update == SGD and case.cost in costs and reading not in found:
            found[reading] = read(place, case)
    return found


def named(functions: Sequence[LiveFunction]) -> tuple[set[str], set[str]]:
    """The activations that functions name themselves, and all that they may have.

    A function of NumPy may be a part of another activation, as tanh is of a σ.
    """
    files = {each.file: each.tree for each in functions}.values()
    words = _words([e for tree in files for e in ast.walk(tree)], own=False)
    may = _of_words(words) | {"linear"} | (UNNAMED if re.search(r"\bexp\b|tanh", words) else set())
    return _of_words(_words(_parts(functions), own=True)), may


def mentioned(functions: Sequence[LiveFunction]) -> set[str]:
    """The activations that functions name, also by a function of NumPy."""
    return _of_words(_words(_parts(functions), own=False))


def _of_words(words: str) -> set[str]:
    return {name for name, pattern in NAMED.items() if pattern.search(words)}


def _parts(functions: Sequence[LiveFunction]) -> list[ast.AST]:
    return [part for each in functions for part in ast.walk(each.definition)]


def _words(parts: Sequence[ast.AST], *, own: bool) -> str:
    """The names in parts of a program, without those of NumPy's functions if they are to be own."""
    names = [each.id for each in parts if isinstance(each, ast.Name)]
    held = (each for each in parts if isinstance(each, ast.Attribute))
    names += (e.attr for e in held if not (own and getattr(e.value, "id", "") in NUMPY))
    return " ".join(names)
