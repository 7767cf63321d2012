"""A program run again as it was read, without being recorded, for the gradients that it gives.

Left out: the recorded run (`attempt.py`), and where its gradients are (`places.py`).
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from conformance.programs.held_state import Leaf, leaves
from conformance.shapes.attempt import attempt
from conformance.shapes.attempts import OPERATIONS, Attempt, UnfitError
from conformance.shapes.learned import is_number, parts_of
from conformance.shapes.places import MOST, places, returned
from conformance.shapes.reading import Reading
from conformance.shapes.reruns import Gradients
from conformance.tracing.trace import Trace
from reference.step import Array

Key = tuple[str, str]
"""Whether it is returned or held in the end, and its path."""


class PlainRun:
    """What runs a program again, and gives its gradients.

    Raises:
        UnfitError: a gradient is nowhere in what it returns or holds; or whatever its code raises.
    """

    def __init__(self, reading: Reading) -> None:
        """Take the reading; where its gradients are is found when it is run for the first time."""
        self.reading = reading
        self.at: dict[str, tuple[Key, float]] = {}
        self.begun: dict[str, Any] = {}

    def __call__(self) -> Gradients:
        """The gradients, and what has to stay as it is: outputs and losses."""
        reading, run = self.reading, self.reading.run
        direct = bool(reading.places.direct)
        self.begun = numbers = self.begun or run.begun
        if not direct and reading.places.several:
            return self._recorded()
        self.at = self.at or (_returned_at(reading) if direct else _moved_at(reading))
        made = attempt(reading.plan, reading.data, reading.penalty, values=numbers, chosen=run.ways)
        leaf_at = _held(made)
        held = {key: np.asarray(leaf.value) for key, leaf in leaf_at.items()}
        own = {id(leaf_at[key].value) for key, _ in self.at.values()}
        if direct:
            found = {name: held[key] for name, (key, _) in self.at.items()}
        else:
            found = {n: (numbers[e[1]] - held[e]) / rate for n, (e, rate) in self.at.items()}
        return {**_outputs(made, own), **found}

    def beginning_with(self, begun: Mapping[str, Any]) -> Gradients:
        """The gradients, where the program begins with some numbers, by their paths."""
        other = PlainRun(self.reading)
        other.begun = dict(begun)
        return other()

    def _recorded(self) -> Gradients:
        """The gradients of the first update, where others follow it."""
        plan = self.reading.plan
        trace = Trace(sites=True, most=OPERATIONS if plan.calls[-1].role == "train" else MOST)
        data, penalty, ways = self.reading.data, self.reading.penalty, self.reading.run.ways
        made = attempt(plan, data, penalty, trace=trace, values=self.begun, chosen=ways)
        return {each.name: np.asarray(each.node.value) for each in places(made).goals}


def _outputs(run: Attempt, gradients: Collection[int]) -> Gradients:
    """What functions that go forward returned, and the losses among gradients.

    What was there before them, such as parameters that are kept for the way back, may be moved.

    Args:
        run: that was made.
        gradients: the ids of these.
    """
    found: dict[str, Array] = {}
    given = {id(leaf.value) for leaf, _ in run.start.values()}
    for i, (call, _, result) in enumerate(run.results):
        every = leaves(result, f"result {i}", None)
        apart = call.role in ("forward", "loss")
        made = (each for each in every if apart and id(each.value) not in given)
        found |= {each.path: np.asarray(each.value) for each in made}
        numbers = enumerate([] if apart else [result, *parts_of(result)])
        losses = ((k, e) for k, e in numbers if is_number(e) and id(e) not in gradients)
        found |= {f"number {i}.{k}": np.asarray(e) for k, e in losses}
    return found


def _held(run: Attempt) -> dict[Key, Leaf]:
    """What a run returned and what it holds in the end."""
    found = {("returned", each.path): each for each in returned(run)}
    return found | {("held", each.path): each for each in run.end()}


def _returned_at(reading: Reading) -> dict[str, tuple[Key, float]]:
    """Where each gradient is, by the name of its parameter."""
    held = reversed(_held(reading.run).items())
    nodes = {reading.run.node(leaf.value): key for key, leaf in held}
    for each in reading.places.direct:
        if each.node not in nodes:
            raise UnfitError(f"the gradient of {each.name} is made of what is held")
    return {each.name: (nodes[each.node], 1.0) for each in reading.places.direct}


def _moved_at(reading: Reading) -> dict[str, tuple[Key, float]]:
    """Where each parameter is after its update, and how many times its gradient it went down."""
    held, run = _held(reading.run), reading.run
    found: dict[str, tuple[Key, float]] = {}
    for goal in reading.places.moved:
        path = next((path for path, (_, node) in run.start.items() if node is goal.parameter), "")
        leaf, given = held.get(("held", path)), np.asarray(goal.node.value)
        if leaf is None or not np.any(given) or np.shape(leaf.value) != given.shape:
            raise UnfitError(f"how far {goal.name} is moved is not known")
        moved = np.asarray(goal.parameter.value) - np.asarray(run.node(leaf.value).value)
        found[goal.name] = ("held", path), float(np.sum(moved * given) / np.sum(given * given))
    return found
