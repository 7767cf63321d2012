"""A part of a long list, in which everything is there once; with CONFORMANCE_WHOLE=1 all of it.

The programs, styles, cases and mistakes that tests go through are many more than CI has minutes
for. What is left out of a part is another example of what is in it: each program is there, and each
kind of edit. Left out: the lists.
"""

import io
import keyword
import os
import tokenize
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

import numpy as np
import pytest

T = TypeVar("T")

WHOLE = bool(os.environ.get("CONFORMANCE_WHOLE"))
"""Whether tests take all that they could, as before a release, and not a part of it."""


def part(
    items: Iterable[T],
    *kinds: Callable[[Any], Hashable],
    slow: Callable[[Any], bool] = lambda _: False,
) -> list[T]:
    """Few of the items, in their order, so that each value of each kind is there; or all of them.

    Args:
        items: not empty.
        kinds: each says in what way an item is like others: of which program it is, which equation
            is wrong in it; a frozen set says it of several ways, as of all that an edit changed.
        slow: whether an item takes seconds; it is taken for what no other shows.

    Raises:
        ValueError: if there is no item, or no kind.
    """
    given = list(items)
    if not given or not kinds:
        raise ValueError("a part of nothing, or of no kind, tests nothing")
    if WHOLE:
        return given
    values = [
        frozenset((i, value) for i, kind in enumerate(kinds) for value in _each(kind(each)))
        for each in given
    ]
    times = Counter(value for each in values for value in each)
    order = sorted(
        range(len(given)), key=lambda i: (slow(given[i]), min(times[v] for v in values[i]), i)
    )
    waiting, chosen = set(times), set[int]()
    for i in order:
        if values[i] & waiting:
            chosen.add(i)
            waiting -= values[i]
    return [given[i] for i in sorted(chosen)]


def _each(value: Hashable) -> Iterable[Hashable]:
    return value if isinstance(value, frozenset) else (value,)


def in_ci(items: Iterable[Any], one_in: int = 2) -> list[Any]:
    """The parameters of a test, of which CI takes one in so many; the others are seldom run.

    Args:
        items: values, tuples of them, or `pytest.param`s.
        one_in: how many are there for each that CI takes, the first of them.
    """
    found = []
    for i, each in enumerate(items):
        values = each if isinstance(each, tuple) else (each,)
        marked = each if hasattr(each, "marks") else pytest.param(*values)
        marks = marked.marks if i % one_in == 0 else (*marked.marks, pytest.mark.seldom)
        found.append(pytest.param(*marked.values, id=marked.id, marks=marks))
    return found


def few(some: T, every: T) -> T:
    """The first, or before a release the second: numbers of what is drawn, or lists."""
    return every if WHOLE else some


def kind_of_edit(before: str, after: str) -> str:
    """The operators and functions that an edit takes away (−) and puts there (+).

    The names that a program chose itself are all alike: what only takes another of them is "".
    """
    return " ".join(
        sorted(changes_of_edit(before, after), key=lambda word: (word[:1] == "+", word))
    )


def changes_of_edit(before: str, after: str) -> frozenset[str]:
    """The same one by one, where it is enough that each of them is in some edit."""
    old, new = _words(before), _words(after)
    gone, come = (f"-{word}" for word in old - new), (f"+{word}" for word in new - old)
    return frozenset((*gone, *come)) or frozenset(("",))


def _words(code: str) -> Counter[str]:
    """The operators, keywords and functions of NumPy in a piece of code."""
    found: Counter[str] = Counter()
    try:
        for each in tokenize.generate_tokens(io.StringIO(code.strip()).readline):
            named = each.type == tokenize.NAME and _is_known(each.string)
            if named or (each.type == tokenize.OP and each.string not in "()[],.:"):
                found[each.string] += 1
    except (tokenize.TokenError, IndentationError):
        pass  # a piece of a line may end within a bracket
    return found


def _is_known(name: str) -> bool:
    return keyword.iskeyword(name) or hasattr(np, name) or hasattr(np.ndarray, name)
