"""The first steps of a network in training, and the rule that they are meant to be of.

The gradients are the means of what its own backprop returns, so a mistake there changes nothing
here. A rule is meant if the update is one change of a line away from it: it has a constant for each
number between 0 and 1 that the update reads, and no other: what reads more is another rule. Left
out: updates that are those of a rule (`own_rule.py`), and judging one as what it is meant to be.
"""

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, permutations, product
from math import isclose
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.edits.live_functions import LiveFunction, live_functions
from conformance.edits.search_edits import holds, search
from conformance.errors import SubjectError
from conformance.script_outcome import NO_RULE, Rule
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.returned import means, returned
from conformance.subjects.book.update_rule import UpdateRule
from conformance.subjects.near import CLOSE, alike, same
from conformance.tracing.frames import Frame
from reference.step import Array, Batch, Parameters
from reference.updates import UPDATES

STEPS = 3


@dataclass(frozen=True)
class Start:
    """From where a network makes its first steps.

    Attributes:
        case: for the sizes, the update and its constants, η, λ and n.
        largest: of the targets, the others being 0: what bounds a gradient shows by large ones.
        lmbda: λ.
    """

    case: Case
    largest: float = 1.0

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the layers."""
        return self.case.sizes

    def network(self, network: BookNetwork) -> Any:
        """A network, always with the same parameters."""
        rng, dtype = np.random.default_rng(11), network.conventions.dtype
        pairs = [*pairwise(self.sizes)]
        w = tuple(rng.normal(size=(n, k)).astype(dtype) for k, n in pairs)
        b = tuple(rng.normal(size=(n, 1)).astype(dtype) for _, n in pairs)
        return network.begun(self.case, Parameters(w, b))

    def batches(self, network: BookNetwork) -> list[Batch]:
        """Mini-batches of two samples, of the classes among which there is the last."""
        rng, dtype = np.random.default_rng(12), network.conventions.dtype
        x = (rng.normal(size=(self.sizes[0], 2)).astype(dtype) for _ in range(STEPS))
        classes = self.largest * np.eye(self.sizes[-1], dtype=dtype)
        return [Batch(each, classes[:, [t % self.sizes[-1], -1]]) for t, each in enumerate(x)]

    def take(self, network: BookNetwork, net: Any, batch: Batch) -> None:
        """Let a network take a step."""
        network.update(net, batch, (self.case.eta, self.case.lmbda, self.case.n), self.case)


@dataclass(frozen=True)
class FirstStep:
    """A step of a network: its parameters, the gradients, and where it and a new one went."""

    before: Parameters
    nabla: list[tuple[Array, Array]]
    after: Parameters
    anew: Parameters

    @property
    def moved(self) -> list[Array]:
        """By how much each parameter was moved, in the order b w of each layer."""
        before = dict(self.before.named())
        return [array - before[name] for name, array in self.after.named()]

    @property
    def kept(self) -> set[str]:
        """Of which kind the parameters are that a new network moves otherwise: b, w."""
        anew = dict(self.anew.named())
        return {name[0] for name, array in self.after.named() if not same(array, anew[name])}


def first_steps(network: BookNetwork, start: Start) -> list[FirstStep]:
    """The first steps of a network.

    Raises:
        SubjectError: its parameters or its gradients have other shapes.
        Exception: whatever its code raises.
    """
    net, steps = start.network(network), list[FirstStep]()
    for batch in start.batches(network):
        before = _held(network, net)
        new = network.begun(start.case, before)
        gradients = nabla(network, start, before, batch)
        for each in (net, new):
            start.take(network, each, batch)
        steps.append(FirstStep(before, gradients, _held(network, net), _held(network, new)))
        shapes = [np.shape(each) for _, each in before.named()]
        for arrays in (steps[-1].after.named(), steps[-1].anew.named()):
            if [np.shape(each) for _, each in arrays] != shapes:
                raise SubjectError(f"{network.name}: its parameters get other shapes")
        if [np.shape(each) for pair in gradients for each in pair] != shapes:
            raise SubjectError(f"{network.name}: backprop gives other shapes")
    return steps


def follow(steps: Sequence[FirstStep], case: Case, kinds: str = "wb") -> bool:
    """Whether there are first steps of a network, and they are those of the update of a case.

    Args:
        steps: the first ones of a network.
        case: for the update and its constants, η and λ.
        kinds: of the parameters whose steps are compared.
    """
    if not steps:
        return False
    update, dtype = case.rule, case.dtype
    kept = update.begun(steps[0].before)
    for step in steps:
        here = Parameters(step.before.w, step.before.b, kept.state)
        kept = update.moved(here, step.nabla, {"eta": case.eta, "decay": case.decay})
        before = dict(step.before.named())
        right = {name: array - before[name] for name, array in kept.named()}
        moved = zip(right.items(), step.moved, strict=True)
        if not all(alike(m, r, CLOSE[dtype]) for (name, r), m in moved if name[0] in kinds):
            return False
    return True


def rates(steps: Sequence[FirstStep], dtype: str) -> list[float]:
    """How many times its gradient each step goes down, if all parameters go as far."""
    found = []
    for step in steps:
        nabla = [-each for pair in step.nabla for each in pair]
        square = sum(float(np.sum(each * each)) for each in nabla)
        along = sum(float(np.sum(m * g)) for m, g in zip(step.moved, nabla, strict=True))
        rate = along / square if square else 0.0
        if not all(
            alike(m, rate * g, CLOSE[dtype]) for m, g in zip(step.moved, nabla, strict=True)
        ):
            return []
        found.append(rate)
    return found


def goes_down(step: FirstStep) -> bool:
    """Whether each entry is moved against its gradient, or not at all."""
    nabla = (each for pair in step.nabla for each in pair)
    return all(np.all(m * g <= 0) for m, g in zip(step.moved, nabla, strict=True))


def _held(network: BookNetwork, net: Any) -> Parameters:
    return Parameters.of(network.inwards(net)).map(np.array)


def nabla(
    network: BookNetwork, start: Start, parameters: Parameters, batch: Batch
) -> list[tuple[Array, Array]]:
    """(∇b, ∇w) of each layer, the means over a mini-batch of what backprop returns.

    Raises:
        Exception: whatever its code raises.
    """
    found = means(returned(network, start.case, parameters, batch), network.conventions.dtype)
    layers = range(2, len(start.sizes) + 1)
    return [(found[f"nabla_b{i}"].value, found[f"nabla_w{i}"].value) for i in layers]


SECONDS = 4.0  # of the processor, after which no other change is tried
KINDS = ("momentum", "nesterov", "rmsprop", "adam")  # a decay is found once one of these is known


def meant_rule(
    network: BookNetwork, case: Case, steps: Sequence[FirstStep], held: Mapping[str, float]
) -> UpdateRule | None:
    """The rule whose steps a change of one line makes those of a network.

    If there is none, it is one that is not known. None if the update reads no constants of a rule.

    Args:
        network: it keeps arrays of each parameter between steps.
        case: of the steps.
        steps: its own.
        held: the numbers between 0 and 1 that it holds, by their names.
    """
    start, found = Start(case), list[Case]()
    functions = _of_update(network, start, steps[0])
    read = _numbers(functions, held)
    likes = [*_likes(case, {value for value, _ in read})]

    def is_of_a_rule() -> bool:
        changed = first_steps(network, start)
        kept = set[str]().union(*(each.kept for each in changed))
        same = all(map(np.array_equal, _flat(changed[0]), _flat(steps[0])))
        found[:] = [each for each in likes if same and len(kept) > 1 and follow(changed, each)]
        return bool(found)

    lines = [[frame] for frame in dict.fromkeys(frame for _, frame in read)]
    if likes and search(functions, lines, [is_of_a_rule], SECONDS) is not None:
        return UpdateRule((found[0].update,), constants=dict(found[0].constants))
    return UpdateRule(other=Rule(NO_RULE)) if read else None


def _of_update(network: BookNetwork, start: Start, step: FirstStep) -> list[LiveFunction]:
    """The functions that an update calls, without the lines that its gradients come from."""
    batch = start.batches(network)[0]
    behind = live_functions(lambda: nabla(network, start, step.before, batch))
    theirs = set[tuple[str, int]]().union(*(each.places for each in behind))
    every = live_functions(lambda: holds(lambda: bool(first_steps(network, start))))
    return [each.without(theirs) for each in every if each.without(theirs).ran]


def _flat(step: FirstStep) -> list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    return [each for pair in step.nabla for each in pair]


def _numbers(
    functions: Sequence[LiveFunction], held: Mapping[str, float]
) -> list[tuple[float, Frame]]:
    """The numbers between 0 and 1 that functions read, with the lines that do."""
    found = list[tuple[float, Frame]]()
    for each in functions:
        known = {**each.made[0].__globals__, **held}
        for part in ast.walk(each.definition):
            match part:
                case ast.Constant(value):
                    pass
                case ast.Name(name) | ast.Attribute(_, name):
                    value = known.get(name)
                case _:
                    continue
            if isinstance(value, float) and 0 < value < 1:
                found.append((value, Frame(each.file, part.lineno, each.name)))
    return found


def _likes(case: Case, numbers: Collection[float]) -> Iterator[Case]:
    """The cases that are like another one, by a rule that has these numbers as its constants.

    A number and what it lacks of 1 are one constant.
    """
    shares = list[list[float]]()
    for each in numbers:
        same = next((e for e in shares if isclose(e[0], 1 - each)), None)
        shares.append([each]) if same is None else same.append(each)
    for kind in KINDS:
        names = [*UPDATES[kind].constants]
        for order in permutations(shares) if len(names) == len(shares) else ():
            for values in product(*order):
                constants = tuple(zip(names, values, strict=True))
                yield replace(case, update=kind, constants=constants, lmbda=0.0)
