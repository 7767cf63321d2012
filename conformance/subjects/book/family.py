"""Of which family a network with the book's interface is: the activations of its layers.

It is known by what feedforward gives of generic numbers, which on balls is equal to what a family
gives or is not; where feedforward itself is wrong, by the activations of the layers in the update,
and where that sends the errors back through σ′, by that.
A family is blamed for nothing: a network is put to its cases, and a wrong σ is of no family.

A network of another one, such as softplus, is refused here: it is judged against its own forward
pass. So is one of an activation that is not known, if its output has one that is, or if some of its
gradients are right; else its σ is wrong. A layer that computes max(0, z) and sends its errors back
through σ′ is a layer of σ that is wrong.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.arithmetic.exact import to_exact
from conformance.corpus.case import Case
from conformance.edits.live_functions import LiveFunction, live_functions
from conformance.errors import ConformanceError, OtherFamilyError
from conformance.model import functions
from conformance.model.functions import (
    ACTIVATIONS,
    COSTS,
    DROPOUT,
    SAID,
    SIGMOID,
    UNKNOWN,
    families,
)
from conformance.model.table import of_layers
from conformance.running.quiet import quiet
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.network_patterns import NetworkPatterns
from conformance.subjects.book.traced_runs import examined_alone, forward_run, update_run
from conformance.subjects.generic import generic, trial_case
from conformance.subjects.pattern import M
from conformance.subjects.readings import mentioned, named
from conformance.subjects.searched import BITS, Searched
from conformance.tracing.index import as_floats, common_factor, overlap
from conformance.tracing.replay import Replay
from reference.backprop import feedforward
from reference.step import Array, Batch, Parameters

Family = tuple[str, str]
"""The activation of the hidden layers, and that of the output."""

BOOK: Family = (SIGMOID, SIGMOID)
COST = "quadratic"
SAMPLES = 4
NEAR = 1e-9  # how near floats are that are equal, where they cannot be traced


def family_of(network: BookNetwork, patterns: NetworkPatterns) -> Family:
    """The family of a network; the book's if it has no activation that is known to be another.

    Raises:
        OtherFamilyError: it has, and is of no known family.
    """
    cost = network.conventions.cost if SIGMOID in COSTS[network.conventions.cost].outputs else COST
    case = trial_case(network.probe, cost, network.conventions.dtype)
    stand_in, start, batch = generic(case, SAMPLES, case.sizes)
    outputs = [_output(network, stand_in, start, batch.columns((i,))) for i in range(SAMPLES)]
    known = [each for each in outputs if each is not None]
    for family in _families(case.layers):
        with precision(BITS), np.errstate(all="ignore"):
            if len(known) == SAMPLES and _is(family, start, batch, np.hstack(known)):
                return _meant(network, patterns, case, family)
    return _by_layers(network, activations_of(patterns, case))


def _meant(network: BookNetwork, patterns: NetworkPatterns, case: Case, family: Family) -> Family:
    """The family of a network that computes one, by the slopes that it has for those of σ.

    If its code names the activation that it computes, and not that of the slopes, these are wrong;
    or if the cost that it states goes with the output that it computes alone.
    """
    if family == BOOK:
        return family
    computed = activations(family, case.layers)
    by_slopes = _by_layers(network, activations_of(patterns, case, computed) or computed)
    if by_slopes == family:
        return family
    stated = network.conventions.stated and COSTS[network.conventions.cost].outputs
    if stated and family[1] in stated and by_slopes[1] not in stated:
        return family
    names = mentioned(_functions(network))
    return by_slopes if by_slopes[0] in names or family[0] not in names else family


def _families(layers: int) -> Iterator[Family]:
    """All of them, the book's first."""
    deep = layers > 2  # noqa: PLR2004 - then there are hidden layers
    known = (each for each in families() if not each[0].endswith(DROPOUT))
    yield from (each for each in known if deep or each[0] == SIGMOID)


def mask_scale(network: BookNetwork, patterns: NetworkPatterns) -> float:
    """What a network with dropout multiplies its masks by: 1 if it is not known."""
    hidden, output = network.family
    family = hidden.removesuffix(DROPOUT), output
    names = activations(family, len(network.probe))
    cost = network.conventions.cost
    case = trial_case(network.probe, cost, network.conventions.dtype, activations=names)
    run = patterns.tried(lambda: patterns.pattern(case, M, update_run), None)
    if run is None or not {"z2", "a2"} <= run.roles.found.keys():
        return 1.0
    with precision(BITS), np.errstate(all="ignore"):
        z, a = run.roles.values["z2"], run.roles.values["a2"]
        scale = common_factor(a, ACTIVATIONS[names[0]].function(z))
    return 1.0 if scale is None else float(scale)


def activations(family: Family, layers: int) -> tuple[str, ...]:
    """Those of the layers from 2 to L."""
    return (*[family[0]] * (layers - 2), family[1])


def _is(family: Family, start: Parameters, batch: Batch, output: Array) -> bool:
    """Whether an output, on balls or in floats, is that of a family."""
    exact = output.dtype.hasobject
    lift = to_exact if exact else np.asarray
    names = activations(family, len(start.sizes))
    book = of_layers("quadratic", names)
    right = feedforward(start.map(lift), lift(batch.x), book)[1][-1]
    if exact:
        return overlap(output, right)
    return bool(np.allclose(output, right, rtol=NEAR, atol=0))


def _output(network: BookNetwork, case: Case, start: Parameters, batch: Batch) -> Array | None:
    """What feedforward gives of a sample, on balls if it can be followed, or in floats."""
    with suppress(Exception):  # it may refuse traced arrays in any way, or give anything
        found = _traced(network, case, start, batch)
        if found is not None:
            return found
    try:
        net = network.begun(case, start)
        return network.feedforward(net, np.array(batch.x))
    except Exception:  # noqa: BLE001 - the cases will show it
        return None


def _traced(network: BookNetwork, case: Case, start: Parameters, batch: Batch) -> Array | None:
    """The output on balls; None if it cannot be followed."""
    made = forward_run(network, case, start, batch)
    node = made.returned[0].get("output")
    with precision(BITS), np.errstate(all="ignore"):
        held = None if node is None else Replay(made.trace).value(node)
    if held is None or not np.asarray(held).dtype.hasobject:
        return None
    return np.reshape(held, (-1, 1))


def _by_layers(network: BookNetwork, found: tuple[str, ...]) -> Family:
    """The family by the activations of the layers in the update."""
    if set(found) <= {"", SIGMOID, UNKNOWN} and not _is_meant(network, found):
        return BOOK if any(found) else _by_names(network)
    family = found[0] if found[:-1] else SIGMOID, found[-1] if found else ""
    if len(set(found[:-1])) > 1 or family not in families():
        told = ", ".join(SAID.get(each, each) or UNKNOWN for each in found) or UNKNOWN
        raise OtherFamilyError(f"{network.name} is of no known family: its activations are {told}")
    return family


def _by_names(network: BookNetwork) -> Family:
    """The family by the two activations that code names of which nothing else is seen."""
    names = named(_functions(network))[0]
    fitting = [family for family in families() if {*family} == names != {family[0]}]
    return fitting[0] if len(fitting) == 1 else BOOK


def _functions(network: BookNetwork) -> tuple[LiveFunction, ...]:
    """Those that backprop calls."""

    def run() -> None:
        with quiet(), suppress(Exception):  # the cases will show it
            network.backprop(network.make(network.probe), *network.probe_sample)

    return live_functions(run)


def _is_meant(network: BookNetwork, found: tuple[str, ...]) -> bool:
    """Whether an activation that is not known, or not seen, is meant, and no σ that is wrong."""
    seen, last = UNKNOWN in found, found[-1] if found else ""
    if SIGMOID in found and not seen:
        return False
    if last not in ("", UNKNOWN):
        return True
    try:
        examined = examined_alone(network)
    except ConformanceError:  # nothing tells
        return False
    if seen:
        return any(each.ok for each in examined.gradients)
    return examined.ok and not network.numbers.autograd  # which follows from whatever is computed


OF_FAMILIES = {
    name: each.function for name, each in functions.ACTIVATIONS.items() if not each.masked
}

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    **OF_FAMILIES,
    "softplus": lambda z: np.log(1 + np.exp(z)),
}
"""Each takes z of shape (n, m), a sample a column."""

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
        like = [i for i in each[:-1] if meant[i - 2] and _is_activation(run, i, names[-1])]
        sloped = COSTS[run.run.cost].sloped(SIGMOID)
    found = [SIGMOID if own else name for own, name in zip(meant, names, strict=True)]
    if set(found[:-1]) - {SIGMOID} or not (sloped or like):
        found[-1] = names[-1]  # not of σ by that alone: a σ′ may be too much there
    return tuple(found)


def _activation(run: Searched, layer: int, *, is_output: bool) -> str:
    """The name of the activation of a layer; empty if it is not seen what it computes."""
    if f"z{layer}" in run.roles.wrong:
        return ""
    for name in FUNCTIONS:
        if (is_output or name not in AT_THE_OUTPUT) and _is_activation(run, layer, name):
            return name
    return UNKNOWN if {f"z{layer}", f"a{layer}"} <= run.roles.found.keys() else ""


def _is_activation(run: Searched, layer: int, name: str) -> bool:
    """Whether a layer computes an activation of its z."""
    roles, z, a = run.roles, f"z{layer}", f"a{layer}"
    if name not in FUNCTIONS or not {z, a} <= roles.found.keys():
        return False
    return overlap(roles.values[a], FUNCTIONS[name](roles.values[z]))


def _is_sent_through_sigmoid(run: Searched, layer: int) -> bool:
    """Whether the error of a layer that computes another activation is that of σ."""
    roles, delta = run.roles, f"delta{layer}"
    known = {f"z{layer}", f"a{layer}", delta} <= roles.found.keys()
    wrong = f"a{layer}" in roles.wrong and not {f"z{layer}", delta} & {*roles.wrong}
    return known and wrong and bool(as_floats(roles.values[delta]).any())
