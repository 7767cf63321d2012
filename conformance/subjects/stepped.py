"""A traced run of one step of a program.

Left out: running it (each kind of subject), the numbers that it is given (`generic.py`), which of
the recorded values is which quantity (`searched.py`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.arithmetic.exact import to_exact
from conformance.corpus.case import Case
from conformance.model.table import of_layers
from conformance.model.update_kinds import SGD
from conformance.running.quiet import quiet
from conformance.tracing.arranging import ARRANGING, before_arranging, whole
from conformance.tracing.index import Index, Location
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.recorder import telling
from conformance.tracing.replay import Replay
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace
from conformance.tracing.traced_run import Run
from reference.backprop import step
from reference.step import Array, Batch, Parameters
from reference.updates import Update


@dataclass(eq=False)
class Stepped:
    """A traced run, of which the last mini-batch is judged.

    Attributes:
        trace: of the run.
        batch: the last mini-batch.
        before: the nodes of the parameters `b2 w2 …` before it, in our layout.
        w: the bits of the weights of each layer, as the network holds them then.
        x: the bits of each sample's input.
        y: the bits of all targets.
        after: the nodes of the parameters after it, in our layout.
        left: the same in floats.
        returned: the nodes of what backprop gave for each sample, by the names of the gradients.
        earlier: the sizes of the mini-batches before it.
        named: where the quantities are that it returned under their names.
        origin: the parameters at which the run began.
        past: the mini-batches before the judged one.
    """

    trace: Trace
    batch: Batch
    before: dict[str, Node] = field(default_factory=dict)
    w: list[int] = field(default_factory=list)
    x: list[int] = field(default_factory=list)
    y: int = 0
    after: dict[str, Node] = field(default_factory=dict)
    left: dict[str, Array] = field(default_factory=dict)
    returned: list[dict[str, Node]] = field(default_factory=list)
    earlier: tuple[int, ...] = ()
    named: dict[str, Location] = field(default_factory=dict)
    origin: Parameters | None = None
    past: tuple[Batch, ...] = ()

    def kept(self, case: Case) -> dict[str, Array]:
        """What the update of a case has kept before the judged step, exact."""
        if case.update == SGD or self.origin is None:
            return {}
        rule = exact_rule(case)
        at = rule.begun(self.origin).map(to_exact)
        eta: Any = to_exact(case.eta)[()]
        decay: Any = to_exact(case.lmbda)[()] / case.n
        book = of_layers(case.cost, case.activations)
        for batch in self.past:
            at = step(at, batch.map(to_exact), eta, decay, book, rule).parameters
        return dict(at.state)

    def run(self, case: Case, *, decays: bool) -> Run:
        """The same with its exact numbers, at the precision in force."""
        replay = Replay(self.trace)
        before = {name: replay.value(node) for name, node in self.before.items()}
        start = Parameters.of(before | self.kept(case))
        decay = to_exact(case.lmbda)[()] / case.n if decays else 0
        rates = to_exact(case.eta)[()], decay
        untraced = self.untraced
        after, movers, rewritten = self._updated(replay, start, rates, untraced)
        return Run(
            Index(replay, (each for each in self.trace.nodes if not each.uses & untraced)),
            start,
            self.batch.map(to_exact),
            case.cost,
            self.w,
            self._parameters(),
            self.x,
            self.y,
            after,
            rates,
            movers,
            rewritten,
            case.activations,
            case.update,
            exact_rule(case).constants,
            dict(self._side_by_side(replay)),
        )

    def _updated(
        self, replay: Replay, start: Parameters, rates: tuple[Any, Any], untraced: int
    ) -> tuple[dict[str, Any], dict[str, int], dict[str, bool]]:
        """The new parameters; the nodes that each is computed from, as bits; whether it is."""
        after = {
            name: replay.value(node)
            for name, node in self.after.items()
            if replay.exact(node) and not node.uses & untraced
        }
        nodes = self.trace.nodes
        made = {name: before_arranging(whole(e), nodes).numbers for name, e in self.after.items()}
        movers = {name: self.trace.uses_of(numbers) for name, numbers in made.items()}
        rewritten = {
            name: any(nodes[n].function is not None for n in numbers)
            for name, numbers in made.items()
        }
        for name, moved, uses in self._followed(replay, start, rates):
            after[name], movers[name], rewritten[name] = moved, uses, True
        return after, movers, rewritten

    @property
    def untraced(self) -> int:
        """The bits of numbers that the program computed of samples and nobody noted."""
        return _untraced(self.trace) & ~self._before_samples()

    def _before_samples(self) -> int:
        """The bits of the nodes before those of all samples, of which nothing can be made there."""
        first = 0 if self.earlier else min((each & -each for each in self.x), default=0)
        return max(first, 1) - 1

    def _side_by_side(self, replay: Replay) -> Iterator[tuple[str, Array]]:
        """What backprop returned of the samples alone: ∇b each a column, of ∇w the mean."""
        m = self.batch.m
        for name in self.returned[0] if len(self.returned) == m else {}:
            exact = self.exactly(replay, name)
            if not exact:
                continue
            if name.startswith("nabla_w"):
                yield name, sum(exact[1:], exact[0]) / m
            elif exact[0].shape[1:] == (1,):
                yield name, np.hstack(exact)

    def exactly(self, replay: Replay, name: str) -> list[Array]:
        """What backprop returned of each sample under a name; none if it is not known of all."""
        nodes = [each[name] for each in self.returned if name in each]
        found = [replay.value(each) for each in nodes if replay.exact(each)]
        alike = len(found) == self.batch.m and len({each.shape for each in found}) == 1
        return found if alike else []

    def _parameters(self) -> list[int]:
        """The bits of the nodes of the weights and biases of each layer, and of no other."""
        layers = enumerate(self.w, 2)
        found = [bits | bits_of(self.before[f"b{layer}"]) for layer, bits in layers]
        return [each & ~reduce(or_, found[:i] + found[i + 1 :], 0) for i, each in enumerate(found)]

    def _followed(
        self, replay: Replay, start: Parameters, rates: tuple[Any, Any]
    ) -> Iterator[tuple[str, Array, int]]:
        """The parameters after the book's update by what was returned as their ∇."""
        eta, decay = rates
        for name, before in start.named():
            at = self.named.get(f"nabla_{name}")
            if at is not None:
                held = at.gather(lambda n: replay.value(self.trace.nodes[n]), object)
                kept = before * (1 - eta * decay) if name[0] == "w" else before
                uses = self.trace.uses_of(at.numbers)
                yield name, kept - eta * at.without_factor(held), uses


def exact_rule(case: Case) -> Update:
    """The update of a case with exact constants."""
    constants: dict[str, Any] = {name: to_exact(e)[()] for name, e in case.constants}
    return case.rule.with_constants(**constants)


TURNED = ("copy", "reshape", "transpose", "getitem")
"""What may have been done to an array that holds the same numbers."""


def bits_of(node: Node) -> int:
    """The bits of a node, and of what it was put together from."""
    arranged = node.inputs if node.operation in ARRANGING else ()
    return reduce(or_, map(bits_of, arranged), 1 << node.number)


def _untraced(trace: Trace) -> int:
    """The bits of numbers that a program computed and nobody noted, such as by `numpy.matrix`.

    They are rounded, and of no sample that they were made of is anything known.
    """
    constants = (each for each in trace.nodes if each.constant and each.frames)
    arrays = (each for each in constants if each.value.dtype.kind == "f" and telling(each.value))
    return bits_of_nodes(each for each in arrays if np.ptp(each.value))


@contextmanager
def traced_run(trace: Trace) -> Iterator[Any]:
    """Note what a program computes, silently, until the end of the block; it gives the tensors."""
    with quiet(), traced_program(trace) as tensors:
        yield tensors


def given_rate(trace: Trace, case: Case) -> Any:
    """η as a program is handed it, traced: a Python number, which widens no narrower floats."""
    return trace.number(case.eta, trace.node("given eta", None, (), {}, np.array(case.eta)))


def gathered(location: Location, made: Stepped) -> Array:
    """The numbers of a quantity in a run, in floats."""
    nodes = made.trace.nodes
    dtype = np.result_type(*(nodes[n].value.dtype for n in location.numbers))
    return location.without_factor(location.gather(lambda n: nodes[n].value, dtype))
