"""The update of a network, if it is another than the one that its parameters promise.

Its first steps tell it. They are held to what is promised, and else recorded: then a rule is known
by its trace, as that of any program is (`script/conclude.py`). A rule that is none of `UPDATES` is
judged so alone. If the steps tell none, it may be one that is meant (`meant_rule.py`). Left out:
whether a rule is kept to.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isclose
from typing import Any

import numpy as np

from conformance.backward.findings import UPDATES as OF_UPDATES
from conformance.corpus.case import Case
from conformance.errors import ConformanceError, UnjudgedError
from conformance.model.update_kinds import SGD
from conformance.running.quiet import quiet
from conformance.running.tracebacks import is_ours
from conformance.script_outcome import Ran, Rule
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.meant_rule import (
    STEPS,
    FirstStep,
    Start,
    first_steps,
    follow,
    goes_down,
    meant_rule,
    rates,
)
from conformance.subjects.book.total_cost import states_l1
from conformance.subjects.book.update_rule import UpdateRule
from conformance.subjects.generic import trial_case
from conformance.subjects.near import CLOSE
from reference.updates import UPDATES

ETA, LMBDA, N = 0.25, 0.5, 4
LARGE = 1024.0  # a target by which the gradients get so large that they are clipped
PLAIN = "plain"
BY_SIZE = (PLAIN, "momentum", "nesterov")
"""The rules by which a parameter goes as much farther as its gradients are larger."""

NAMES = {"mu": ("μ", "β1"), "rho": ("β2", "β"), "epsilon": ("ε",)}
"""What the constants are called where a rule is told by its steps."""

DEEP = 3  # objects within objects


def own_rule(network: BookNetwork) -> UpdateRule:
    """The rule of a network whose conventions are known; see the module."""
    promise = network.rule
    if network.mask:
        return promise
    for sizes in (network.probe, (2,) * len(network.probe)):  # other widths may stop it
        case = _case(network, sizes, promise.names[-1], _constants_of(promise))
        steps = _steps(network, Start(case))
        if steps:
            with quiet(), np.errstate(all="ignore"):
                return _followed(network, case, steps)
    return promise


def has_l1(network: BookNetwork) -> bool:
    """Whether weights decay by their signs in another update than the book's: no case has both."""
    rule = network.rule
    if rule.names[-1] == SGD or not states_l1(network):
        return False
    case = _case(network, network.probe, rule.names[-1], _constants_of(rule))
    return not _decays_as(network, case)


def wrong_update(network: BookNetwork) -> Ran | None:
    """What is known of the first steps of a network whose backprop is right; None if they are too.

    Raises:
        UnjudgedError: they are not those of the network's rule, and nothing tells what is wrong.
    """
    if network.rule.is_unknown:
        raise UnjudgedError(
            f"{network.name}: what backprop returns of each sample is right, and update_mini_batch "
            "moves the parameters by no rule that is known"
        )
    case = _case(network, network.probe, network.rule.names[-1], _constants_of(network.rule))
    steps = [] if network.mask or network.rule.other else _steps(network, Start(case))
    with quiet(), np.errstate(all="ignore"):
        if not steps or follow(steps, case):
            return None
        ran = _recorded(network, Start(case))
    if ran is None or ran.unjudged or ran.examined.ok:
        raise UnjudgedError(
            f"{network.name}: what backprop returns of each sample is right, and update_mini_batch "
            "moves the parameters by something else than η/m times the sum of it"
        )
    return ran


def _constants_of(rule: UpdateRule) -> Mapping[str, float]:
    """The constants of a rule that a network has, or as cases have them."""
    return rule.constants or UPDATES[rule.names[-1]].constants


def _followed(network: BookNetwork, case: Case, steps: Sequence[FirstStep]) -> UpdateRule:
    """The rule of some steps, which are those of a case or not."""
    promise = network.rule
    if follow(steps, case):
        if case.update == SGD and _decays_as(network, replace(case, update="l1")):
            return UpdateRule(("l1",))  # as much off each weight, whatever its size
        clips = case.update == SGD and _clips(network, case)
        return replace(promise, other=Rule(PLAIN)) if clips else promise
    kept = set[str]().union(*(each.kept for each in steps))
    alone = len(kept) == 1 and case.update == SGD  # nothing promises a rule of the weights alone
    if steps[0].kept or alone or follow(steps, case, "w"):
        return promise  # it draws numbers, or no rule of another kind moves the biases alone
    found = rates(steps, case.dtype)
    if found and not np.allclose(found, found[0], rtol=CLOSE[case.dtype]):  # a rate that changes
        return replace(promise, other=Rule(PLAIN)) if case.update == SGD else promise
    ran = _recorded(network, Start(case))
    told = None if ran is None else _told(network, case, steps, ran)
    right = ran is not None and ran.examined.ok
    if case.update != SGD or (told and (right or told.other)):
        return told or promise
    meant = meant_rule(network, case, steps, _floats(network.make(case.sizes)))
    unknown = meant is None or meant.other is not None
    return told if told and unknown else meant or promise


def _told(
    network: BookNetwork, case: Case, steps: Sequence[FirstStep], ran: Ran
) -> UpdateRule | None:
    """The rule of steps that are not those that were promised, as their trace tells it."""
    promise, kind, numbers = network.rule, ran.rule.kind, dict(ran.rule.numbers)
    moved_wrong = any(each.cause.kind in OF_UPDATES for each in ran.examined.accused)
    right = not (moved_wrong or ran.unjudged)  # whatever the gradients are
    if kind in UPDATES:
        constants = _constants(kind, numbers)
        like = _case(network, case.sizes, kind, constants)
        if len(constants) == len(like.rule.constants) and (not right or follow(steps, like)):
            if case.update != SGD:
                named = {*promise.init, *promise.update} >= constants.keys()
                return replace(promise, names=(*promise.names[:-1], kind)) if named else promise
            return UpdateRule((_decaying(network, kind, constants),), constants=constants)
    if kind == PLAIN and "λ" in numbers:
        like = replace(case, update=SGD, constants=(), lmbda=numbers["λ"] * N)
        right = right and follow(steps, like)
    elif kind == PLAIN:
        right = False
    if right and goes_down(steps[0]) and _is_of_the_rate(ran, rates(steps[:1], case.dtype)):
        given = UPDATES[case.update].constants
        return replace(promise, names=(SGD,), constants=given, other=ran.rule)
    return None


def _is_of_the_rate(ran: Ran, first: Sequence[float]) -> bool:
    """Whether steps are η times what a rule makes of the gradients, or of their mean by 1 − μ.

    All rules but those of `BY_SIZE` make the same of any multiple of the gradients. With momentum
    the first step, if it is a multiple of its gradients, tells of what: others may be dampened.
    """
    numbers = dict(ran.rule.numbers)
    mu = numbers.get("μ", 0.0)
    factor = ran.examined.factor if ran.rule.kind in BY_SIZE else 1.0
    found = numbers.get("η", 0.0) * factor
    if ran.rule.kind == "momentum" and first:
        (found,) = first
    return any(isclose(found, ETA * share, rel_tol=CLOSE["float32"]) for share in (1.0, 1 - mu))


def _constants(kind: str, numbers: Mapping[str, float]) -> dict[str, float]:
    """The constants of a rule that were told by its steps, those that it may have."""
    found = {
        each: float(f"{numbers[name]:.12g}")
        for each in UPDATES[kind].constants
        for name in NAMES[each]
        if name in numbers
    }
    return {each: value for each, value in found.items() if 0 < value < 1}


def _decaying(network: BookNetwork, kind: str, constants: Mapping[str, float]) -> str:
    """The rule with its decay, which stands beside the step or in the gradient."""
    like = _case(network, network.probe, "adamw", constants)
    return "adamw" if kind == "adam" and _decays_as(network, like) else kind


def _decays_as(network: BookNetwork, case: Case) -> bool:
    """Whether a network that knows decay makes the steps of a case with it."""
    apart = replace(case, lmbda=LMBDA)
    return network.decays and follow(_steps(network, Start(apart)), apart)


def _clips(network: BookNetwork, case: Case) -> bool:
    """Whether large gradients are bounded, and else all is right."""
    start = Start(case, LARGE)
    steps = _steps(network, start)
    if not steps or follow(steps, case):
        return False
    ran = _recorded(network, start)
    return ran is not None and ran.examined.ok and ran.rule.kind == PLAIN and not ran.unjudged


def _case(
    network: BookNetwork, sizes: tuple[int, ...], update: str, constants: Mapping[str, float]
) -> Case:
    outputs = (*["sigmoid"] * (len(sizes) - 2), network.family[1])
    case = trial_case(
        sizes, network.conventions.cost, network.conventions.dtype, activations=outputs,
        update=update, constants=tuple(constants.items()),
    )  # fmt: skip
    return replace(case, eta=ETA, n=N)


def _recorded(network: BookNetwork, start: Start) -> Ran | None:
    """What is known of the first steps of a network, if anything is."""
    from conformance.script.program_recorder import (
        ProgramRecorder,  # here: most networks need it not
    )

    net, recorder = start.network(network), ProgramRecorder(network.name, STEPS)
    module = vars(sys.modules[type(net).__module__])
    try:
        with recorder.within([{"self": net}, module]):
            for batch in start.batches(network):
                start.take(network, net, batch)
        ran = recorder.ran
    except Exception as error:  # a network may refuse traced arrays in any way
        if is_ours(error) and not isinstance(error, ConformanceError):
            raise
        return None
    return ran


def _steps(network: BookNetwork, start: Start) -> list[FirstStep]:
    """The first steps of a network; none if it stops, or makes other shapes."""
    try:
        with quiet(), np.errstate(all="ignore"):
            return first_steps(network, start)
    except Exception:  # noqa: BLE001 - the cases will show it
        return []


def _floats(held: Any, deep: int = DEEP) -> dict[str, float]:
    """The numbers between 0 and 1 that an object and its class hold, by their names.

    Also within other objects, of a list within the first.
    """
    found: dict[str, float] = {}
    for name, each in _parts(held).items():
        if isinstance(each, float) and 0 < each < 1:
            found.setdefault(str(name), float(each))
        elif deep and not isinstance(each, type):
            found = {**_floats(each, deep - 1), **found}
    return found


def _parts(held: Any) -> dict[Any, Any]:
    if isinstance(held, Mapping):
        return dict(held)
    if isinstance(held, list | tuple):
        return dict(enumerate(held[:1]))
    own = type(held).__module__ not in ("builtins", "numpy", "torch")
    return {**(vars(type(held)) if own else {}), **getattr(held, "__dict__", {})}
