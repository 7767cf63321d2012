"""Which activation each layer has: the one that it agrees with on balls, of generic numbers.

Where the backward pass has the derivative of another one, it was meant to have that: a layer that
computes max(0, z) and sends its errors back through σ′ is a layer of σ that is wrong.

Left out: of which family that makes a network (`family.py`).
"""

from collections.abc import Callable

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.corpus.case import Case
from conformance.model import functions
from conformance.model.functions import COSTS, SIGMOID
from conformance.subjects.book.network_patterns import NetworkPatterns
from conformance.subjects.book.traced_runs import update_run
from conformance.subjects.pattern import M
from conformance.subjects.searched import BITS, Searched
from conformance.tracing.index import as_floats, overlap
from reference.step import Array

OF_FAMILIES = {
    name: each.function for name, each in functions.ACTIVATIONS.items() if not each.masked
}

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    **OF_FAMILIES,
    "softplus": lambda z: np.log(1 + np.exp(z)),
}
"""Each takes z of shape (n, m), a sample a column."""

SAID = {name: each.symbol for name, each in functions.ACTIVATIONS.items() if each.symbol}
"""As they are written."""

AT_THE_OUTPUT = tuple(name for name, each in functions.ACTIVATIONS.items() if not each.hidden)
"""In a hidden layer nobody means these: there the activation is missing."""


def activations_of(
    patterns: NetworkPatterns, case: Case, computed: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """The names of the activations in an update; see `activations_in`."""
    run = patterns.tried(lambda: patterns.pattern(case, M, update_run), None)
    return () if run is None else activations_in(run, case.layers, computed)


def activations_in(run: Searched, layers: int, computed: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names of the activations of the layers from 2 to L in a run, empty if not known.

    Args:
        run: of the book's network.
        layers: how many there are.
        computed: what they are seen to compute; found in the run if not given.
    """
    each = range(2, layers + 1)
    with precision(BITS), np.errstate(all="ignore"):
        names = computed or tuple(_activation(run, i, is_output=i == layers) for i in each)
        meant = [_is_sent_through_sigmoid(run, i) for i in each]
        like = [i for i in each[:-1] if meant[i - 2] and _is(run, i, names[-1])]
        sloped = COSTS[run.run.cost].sloped(SIGMOID)
    found = [SIGMOID if own else name for own, name in zip(meant, names, strict=True)]
    if set(found[:-1]) - {SIGMOID} or not (sloped or like):
        found[-1] = names[-1]  # not of σ by that alone: a σ′ may be too much there
    return tuple(found)


def _activation(run: Searched, layer: int, *, is_output: bool) -> str:
    """The name of the activation of a layer; empty if it is not known."""
    if f"z{layer}" in run.roles.wrong:
        return ""
    for name in ACTIVATIONS:
        if (is_output or name not in AT_THE_OUTPUT) and _is(run, layer, name):
            return name
    return ""


def _is(run: Searched, layer: int, name: str) -> bool:
    """Whether a layer computes an activation of its z."""
    roles, z, a = run.roles, f"z{layer}", f"a{layer}"
    if name not in ACTIVATIONS or not {z, a} <= roles.found.keys():
        return False
    return overlap(roles.values[a], ACTIVATIONS[name](roles.values[z]))


def _is_sent_through_sigmoid(run: Searched, layer: int) -> bool:
    """Whether the error of a layer that computes another activation is that of σ."""
    roles, delta = run.roles, f"delta{layer}"
    known = {f"z{layer}", f"a{layer}", delta} <= roles.found.keys()
    wrong = f"a{layer}" in roles.wrong and not {f"z{layer}", delta} & {*roles.wrong}
    return known and wrong and bool(as_floats(roles.values[delta]).any())
