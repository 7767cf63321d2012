"""The update of a network that keeps arrays from step to step, with constants of its own.

Its first steps are recorded, and tell by which rule parameters are moved, as those of any program
do (`script/conclude.py`). If they tell none, the names that its constants have promise a rule, as
parameters of these names do (`update_rule.py`). Left out: whether the rule is kept to.
"""

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.errors import ConformanceError
from conformance.model.update_kinds import SGD
from conformance.running.quiet import quiet
from conformance.script_outcome import Ran
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.update_rule import UpdateRule, promised
from reference.step import Batch, Parameters
from reference.updates import UPDATES

STEPS = 3
ETA, N = 0.25, 4
LMBDA = 0.5

NAMES = {"mu": ("μ", "β1"), "rho": ("β2", "β"), "epsilon": ("ε",)}
"""What the constants are called where a rule is told by its steps."""

DEEP = 3  # objects within objects


def kept_rule(network: BookNetwork) -> UpdateRule:
    """The rule of a network that moves otherwise in a later step than a new one would.

    Args:
        network: whose conventions are known, and whose parameters promise no rule.
    """
    if network.mask or network.rule.names != (SGD,):
        return network.rule
    equal = (2,) * len(network.probe)  # layers of other widths may stop it
    sizes = next((each for each in (network.probe, equal) if _keeps(network, each)), None)
    if sizes is None:
        return network.rule
    ran = _recorded(network, sizes)
    if ran is not None and ran.rule.kind not in ("other", "unknown"):
        return _told(ran, network.rule)
    return promised(_floats(network.make(network.probe)), network.name) or network.rule


def _told(ran: Ran, plain: UpdateRule) -> UpdateRule:
    """The rule of steps that were judged."""
    kind, found = ran.rule.kind, dict(ran.rule.numbers)
    kind = "adamw" if kind == "adam" and found.get("λ") else kind
    if kind not in UPDATES:
        moves = kind != "plain" and all(each.ok for each in ran.examined.gradients)
        wrong = moves and ran.examined.accused
        return plain if kind == "plain" or wrong or ran.unjudged else replace(plain, other=ran.rule)
    constants = {
        each: float(f"{found[name]:.12g}")
        for each in UPDATES[kind].constants
        for name in NAMES[each]
        if name in found
    }
    right = constants.keys() == UPDATES[kind].constants.keys()
    right = right and all(0 < each < 1 for each in constants.values())
    return UpdateRule((kind,), constants=constants) if right else plain


def _keeps(network: BookNetwork, sizes: tuple[int, ...]) -> bool:
    """Whether weights and biases go otherwise in a later step than those of a new network.

    Or to no finite numbers: then nobody knows.
    """
    try:
        with quiet(), np.errstate(all="ignore"):
            net, again = _made(network, sizes), _made(network, sizes)
            for t, batch in enumerate(_batches(network, sizes)):
                here = Parameters.of(network.inwards(net)).map(np.array)
                new = network.make(sizes)
                network.fill(new, *network.outwards(here))
                for each in (net, again, new):
                    network.update(each, batch, (ETA, 0.0, N))
                after, twice, anew = map(network.inwards, (net, again, new))
                if _other(after, twice):  # it draws numbers
                    return False
                if not all(np.isfinite(each).all() for each in after.values()):
                    return True
                if other := _other(after, anew):
                    return t > 0 and {each[0] for each in other} == {"w", "b"}
    except Exception:  # noqa: BLE001 - the cases will show it
        return False
    return False


def _recorded(network: BookNetwork, sizes: tuple[int, ...]) -> Ran | None:
    """What is known of the first steps of a network, if anything is."""
    from conformance.script.recording import Recording  # here: few networks keep arrays

    net, recording = _made(network, sizes), Recording(network.name, STEPS)
    module = vars(sys.modules[type(net).__module__])
    lmbda = LMBDA if network.decays else 0.0
    with suppress(ConformanceError), quiet(), np.errstate(all="ignore"):
        with recording.within([{"network": net}, module]):
            for batch in _batches(network, sizes):
                network.update(net, batch, (ETA, lmbda, N))
        return recording.report.ran
    return None


def _made(network: BookNetwork, sizes: tuple[int, ...]) -> Any:
    """A network of these sizes, always with the same parameters."""
    rng, dtype = np.random.default_rng(11), network.conventions.dtype
    w = tuple(rng.normal(size=(n, k)).astype(dtype) for k, n in pairwise(sizes))
    start = Parameters(w, tuple(rng.normal(size=(n, 1)).astype(dtype) for n in sizes[1:]))
    net = network.make(sizes)
    network.fill(net, *network.outwards(start))
    return net


def _batches(network: BookNetwork, sizes: tuple[int, ...]) -> list[Batch]:
    """Mini-batches of two samples, of the classes among which there is the last."""
    rng, dtype = np.random.default_rng(12), network.conventions.dtype
    x = (rng.normal(size=(sizes[0], 2)).astype(dtype) for _ in range(STEPS))
    classes = np.eye(sizes[-1], dtype=dtype)
    return [Batch(each, classes[:, [t % sizes[-1], -1]]) for t, each in enumerate(x)]


def _other(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The parameters that are not the same."""
    return [e for e in one if not np.array_equal(one[e], other[e], equal_nan=True)]


def _floats(held: Any, deep: int = DEEP) -> dict[str, float]:
    """The numbers between 0 and 1 that an object holds, also in other objects, by their names."""
    found: dict[str, float] = {}
    parts = held if isinstance(held, Mapping) else getattr(held, "__dict__", {})
    for name, each in parts.items():
        if isinstance(each, float) and 0 < each < 1:
            found.setdefault(str(name), float(each))
        elif deep and not isinstance(each, type):
            found = {**_floats(each, deep - 1), **found}
    return found
