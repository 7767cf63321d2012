"""Cells and layers whose parameters are one dict: `cell_forward(xt, a_prev, parameters)`.

The keys are those that the function reads, and tell the shapes: `Wax` leads from x to a. Left out:
functions that are given their parameters one by one (`function_pairs.py`).
"""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.program import NotAGradientError, OwnPass
from conformance.running.quiet import quiet
from conformance.shapes.arguments import needed
from conformance.shapes.definitions import definition_of
from conformance.shapes.example_data import N_HIDDEN, N_IN, N_OUT, M
from conformance.shapes.function_pairs import PairSearch, found_pair, goals_of, pairs
from conformance.shapes.judging import Found
from conformance.shapes.run import UnfitError, tried
from conformance.shapes.state import is_floats
from conformance.shapes.vocabulary import BIAS, bare
from conformance.tracing.program import traced_program
from conformance.tracing.trace import Trace

STEPS = 4
NAMED = re.compile(r"[wuvb]|[wub]_?[a-z]{1,2}", re.IGNORECASE)
LENGTHS = {"x": N_IN, "a": N_HIDDEN, "h": N_HIDDEN, "s": N_HIDDEN, "y": N_OUT}
"""Of what a letter in a name stands for; other letters are gates, as long as the state."""


@dataclass(frozen=True)
class DictCellSearch:
    """A function that goes forward, and one that goes backward from its cache.

    Attributes:
        forward: the first; its last argument is the dict.
        backward: the second.
        keys: of the dict.
        problems: why it could not be judged.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    keys: tuple[str, ...]
    problems: list[str] = field(default_factory=list)

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run."""
        for columns in (True, False):
            for steps in ((), (STEPS,)):
                try:
                    return self._judged(columns=columns, steps=steps)
                except (UnfitError, NotAGradientError) as error:
                    self.problems.append(str(error))
        return None

    def _judged(self, *, columns: bool, steps: tuple[int, ...]) -> Found:
        trace, rng = Trace(sites=True), np.random.default_rng(4)
        first, *others = [each.name for each in needed(self.forward)][:-1]
        state = (N_HIDDEN, M) if columns else (M, N_HIDDEN)
        given: dict[str, tuple[int, ...]] = dict.fromkeys(others, state)
        given[first] = (N_IN, M, *steps) if columns else (M, *steps, N_IN)
        shapes = {key: _shape(key, self.keys, columns=columns) for key in self.keys}
        arrays = {
            name: trace.given(rng.normal(size=shape) / 2, name)
            for name, shape in {**given, **shapes}.items()
        }
        parameters = {key: arrays[key] for key in self.keys}
        with quiet(), traced_program(trace, self.forward):
            args = [arrays[first], *(arrays[each] for each in others), parameters]
            *outs, cache = _parts(tried(self.forward, [(tuple(args), {})]))
            outs = _same_shape(outs)[: len(needed(self.backward)) - 1]
            douts = [trace.given(rng.normal(size=e.shape), f"dout{i}") for i, e in enumerate(outs)]
            loss = sum(((o * np.array(d)).sum() for o, d in zip(outs, douts, strict=True)), 0.0)
            back = tried(self.backward, [((*douts, cache), {})])
            goals = goals_of(trace, self.backward, back, arrays)
        if not goals:
            raise UnfitError(f"{self.backward.__name__}: it gives no gradients")
        step = OwnPass(trace, tuple(goals), loss=trace.argument(loss))
        layout = "columns" if columns else "rows"
        return found_pair(self.forward, self.backward, step, layout, arrays)


def pairs_and_cells(functions: Sequence[FunctionType]) -> Iterator[PairSearch | DictCellSearch]:
    """The pairs of functions, those that read parameters off a dict among them."""
    for each in pairs(functions):
        keys = keys_read(each.forward)
        yield DictCellSearch(each.forward, each.backward, tuple(keys)) if keys else each


def _parts(result: Any) -> tuple[Any, ...]:
    """What a function returned: outputs and, last, its cache.

    Raises:
        UnfitError: it is something else.
    """
    if not isinstance(result, tuple) or len(result) < 2 or not is_floats(result[0]):  # noqa: PLR2004
        raise UnfitError("it gives no output with a cache")
    return result


def _same_shape(outs: list[Any]) -> list[Any]:
    """The outputs that are states, as the first is."""
    return [each for each in outs if is_floats(each) and each.shape == outs[0].shape]


def _shape(key: str, keys: tuple[str, ...], *, columns: bool) -> tuple[int, ...]:
    """The shape of a parameter, by its name."""
    letters = re.sub(r"^(w|weights?|u|b|bias)_?", "", key.lower())
    rows, across = N_HIDDEN, N_IN
    if BIAS.fullmatch(bare(key)) or key.lower().startswith("b"):
        n = N_OUT if letters.endswith("y") else N_HIDDEN
        return (n, 1) if columns else (1, n)
    if {"U", "V", "W"} <= {*keys} and key in "UVW":
        rows, across = {"U": (N_HIDDEN, N_IN), "W": (N_HIDDEN,) * 2, "V": (N_OUT, N_HIDDEN)}[key]
    elif len(letters) == 2:  # noqa: PLR2004 - where it leads to, and from where, in either order
        first, second = (LENGTHS.get(each, N_HIDDEN) for each in letters)
        return first, second
    elif letters == "y":
        rows, across = N_OUT, N_HIDDEN
    elif letters:
        rows, across = N_HIDDEN, N_HIDDEN + N_IN
    return (rows, across) if columns else (across, rows)


def keys_read(function: Callable[..., Any]) -> list[str]:
    """The names of parameters by which a function subscripts its last argument, or what it calls.

    Empty if it holds something else too, such as a stride.
    """
    found = list(_keys_in(function))
    several = isinstance(function, FunctionType) and len(needed(function)) > 1
    for name in function.__code__.co_names if several else ():
        inner = function.__globals__.get(name)
        if isinstance(inner, FunctionType) and inner.__module__ == function.__module__:
            found += _keys_in(inner)
    own = [each for each in found if NAMED.fullmatch(each)]
    return list(dict.fromkeys(own)) if len(own) == len(found) and set("wuv") & _first(own) else []


def _first(keys: list[str]) -> set[str]:
    return {each[0].lower() for each in keys}


def _keys_in(function: Callable[..., Any]) -> Iterator[str]:
    names, definition = [each.name for each in needed(function)], definition_of(function.__code__)
    for each in ast.walk(definition) if definition is not None else ():
        if isinstance(each, ast.Subscript) and isinstance(each.value, ast.Name):
            key = each.slice.value if isinstance(each.slice, ast.Constant) else None
            if names and each.value.id == names[-1] and isinstance(key, str):
                yield key
