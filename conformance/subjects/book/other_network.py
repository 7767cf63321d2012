"""Which activation each layer has: the one that it agrees with on balls, of generic numbers.

Left out: of which family that makes a network (`family.py`).
"""

from collections.abc import Callable

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.corpus.case import Case
from conformance.model import functions
from conformance.subjects.book.network_patterns import NetworkPatterns
from conformance.subjects.book.traced_runs import update_run
from conformance.subjects.pattern import M
from conformance.subjects.searched import BITS, Searched
from conformance.tracing.index import overlap
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


def activations_of(patterns: NetworkPatterns, case: Case) -> tuple[str, ...]:
    """The names of the activations of the layers from 2 to L in an update, empty if not known."""
    run = patterns.tried(lambda: patterns.pattern(case, M, update_run), None)
    return () if run is None else activations_in(run, case.layers)


def activations_in(run: Searched, layers: int) -> tuple[str, ...]:
    """The names of the activations of the layers from 2 to L in a run, empty if not known."""
    each = range(2, layers + 1)
    return tuple(_activation(run, layer, is_output=layer == layers) for layer in each)


def _activation(run: Searched, layer: int, *, is_output: bool) -> str:
    """The name of the activation of a layer; empty if it is not known."""
    roles, z, a = run.roles, f"z{layer}", f"a{layer}"
    if z in roles.wrong or z not in roles.found or a not in roles.found:
        return ""
    with precision(BITS), np.errstate(all="ignore"):
        for name, function in ACTIVATIONS.items():
            there = is_output or name not in AT_THE_OUTPUT
            if there and overlap(roles.values[a], function(roles.values[z])):
                return name
    return ""
