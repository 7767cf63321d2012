"""A way to run a program that runs and leaves gradients: whether it fits, and how it runs again.

It is run again without being recorded, for the gradients that it gives. Left out: how it is found
(`search.py`), where its gradients are (`places.py`), and its verdict (`judge_readings.py`).
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.recorded_pass import Goal
from conformance.backward.unknown_cost import given_in, is_summed
from conformance.programs.held_state import Leaf, leaves, short
from conformance.shapes.arguments import by_name, kinds_taken, needed, ways
from conformance.shapes.attempt import attempt
from conformance.shapes.attempts import OPERATIONS, Attempt, Plan, UnfitError
from conformance.shapes.example_data import Data
from conformance.shapes.found import Gradients
from conformance.shapes.layer_outputs import is_stretched
from conformance.shapes.learned import is_number, parts_of
from conformance.shapes.places import MOST, Places, places, returned
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array

GIVING = ("backward", "gradients", "train")
"""What the functions do that give gradients."""
COMPARING = ("loss", *GIVING)
"""What those do that are given targets."""


@dataclass(frozen=True)
class Reading:
    """A way to run a program that runs and leaves gradients.

    Attributes:
        plan: how it is run.
        data: what it is given.
        run: the recorded run.
        places: its gradients.
        of_zeros: the run to its first update, where a program that trains begins with zeros: it
            shows little, and so the run goes on to the second update.
    """

    plan: Plan
    data: Data
    run: Attempt
    places: Places
    of_zeros: "Reading | None" = None

    def beginning_with(
        self,
        values: Mapping[str, Any],
        data: Data | None = None,
        *,
        second: bool = False,
        chosen: Sequence[int] = (),
    ) -> "Reading":
        """The reading of a run that begins with some numbers, by their paths.

        Args:
            values: they.
            data: in the place of its own.
            second: whether the gradients are those of the second updates.
            chosen: which way each call goes, in the place of its own.

        Raises:
            UnfitError: it does not run so.
        """
        trains = self.plan.calls[-1].role == "train"
        trace = Trace(sites=True, most=OPERATIONS if trains else MOST)
        chosen, data = chosen or self.run.ways, data or self.data
        run = attempt(self.plan, data, trace=trace, values=values, chosen=[*chosen])
        return Reading(self.plan, data, run, places(run, second=second))

    def given_otherwise(self) -> Iterator["Reading"]:
        """The readings in which what is given targets is called in the other ways that it takes.

        They are of functions whose arguments' names do not tell what each is.
        """
        run, every, names = self.run, list[Sequence[int]](), list[tuple[str, ...]]()
        forms = list[list[tuple[int, ...]]]()
        for (call, function, _), way in zip(run.results, run.ways, strict=True):
            told = self.plan.told.get(getattr(function, "__name__", ""))
            open_to = call.role in COMPARING and by_name(function, run.scope) is None
            each = [*ways(function, call.role, run.scope, told)] if open_to else []
            every.append([i for i, _ in enumerate(each)] or [way])
            names.append(tuple(e.name for e in needed(function)))
            forms.append([tuple(map(id, args)) for args, _ in each])
        for chosen in product(*every):
            taken = {(n, f[i]) for n, f, i in zip(names, forms, chosen, strict=True) if f}
            same = len(taken) == len({n for n, _ in taken})  # what has the same names is the same
            with suppress(UnfitError):
                if same and [*chosen] != run.ways:
                    yield self.beginning_with(run.begun, chosen=chosen)

    @property
    def misshapen(self) -> bool:
        """Whether another layout has to be tried: the shapes of gradients are of none or of one.

        None has the shape of its parameter; or those of all biases are not summed over the samples
        and nothing is divided by their number, as in a program that takes one sample at a time; or
        the output is compared with the targets of all samples, or something smaller is added to a
        gradient.
        """
        goals = self.places.goals
        wrong = [e for e in goals if np.shape(e.node.value) != np.shape(e.parameter.value)]
        if self._is_stretched() or any(is_stretched(each.node) for each in goals):
            return True
        if not wrong or len(wrong) == len(goals):
            return bool(wrong)
        added = [e for e in goals if _is_added(e.parameter)]
        flat = [
            e
            for e in goals
            if max(np.shape(e.parameter.value), default=1) == e.parameter.value.size
        ]
        vectors = added or flat
        m = self.data.sizes.m
        unsummed = [e for e in wrong if e.node.value.size == m * e.parameter.value.size]
        return bool(vectors) and {*vectors} <= {*unsummed} and not self._counts(m)

    @property
    def without_targets(self) -> bool:
        """Whether targets were left out that a function takes: of another coding it may take them.

        `def forward(self, X, y=None)` gives the loss, if it is given y.
        """
        return any(
            way and "targets" in kinds_taken(function)
            for (call, function, _), way in zip(self.run.results, self.run.ways, strict=True)
            if call.role == "forward"
        )

    def _is_stretched(self) -> bool:
        """Whether the output is compared with every sample's target, as (m, n, 1) with (m,)."""
        targets, found = np.asarray(self.data.y), self.run.target
        whole = isinstance(self.data.y, int) or targets.ndim > 0
        for node in self.run.recorded.nodes:
            if node.operation != "subtract" or len(node.args) != 2:  # noqa: PLR2004 - a − y
                continue
            sides = [each.value if type(each) is Node else each for each in node.args]
            told = [
                e is found or (whole and np.array_equal(v, targets))
                for e, v in zip(node.args, sides, strict=True)
            ]
            more = np.size(node.value) > max(map(np.size, sides))
            if sum(told) == 1 and (more or self._adds_samples(node.value, targets)):
                return True
        return False

    def _adds_samples(self, errors: Array, targets: Array) -> bool:
        """Whether a target is that of several outputs, and not of the parts of one output."""
        before = (1,) * (errors.ndim - targets.ndim) + targets.shape
        longer = [n > known for n, known in zip(errors.shape, before, strict=True)]
        width = len(longer) - (2 if "column" in self.data.layout else 1)
        return any(each for axis, each in enumerate(longer) if axis != width)

    def _counts(self, m: int) -> bool:
        """Whether a gradient is divided by the number of samples, or multiplied by its inverse."""
        goals = self.places.goals
        for node in self.run.recorded.nodes:
            if node.operation in ("divide", "multiply") and any(
                each.node.depends_on(node) for each in goals
            ):
                numbers = (e.value if type(e) is Node else e for e in node.args)
                if any(np.ndim(e) == 0 and e in (m, 1 / m) for e in numbers):
                    return True
        return False

    @property
    def is_turned(self) -> bool:
        """Whether the program makes its parameters for as many inputs as there are samples."""
        made = [each.parameter for each in self.places.goals]
        for node in self.run.recorded.nodes:
            sides = node.inputs if node.operation in ("matmul", "dot") else ()
            of_them = [e for e in sides if any(map(e.depends_on, made))]
            if len(of_them) == 1 and of_them[0] in made:
                left = np.shape(sides[0].value) if len(sides) > 1 else ()
                if left[-1:] == (self.data.sizes.m,):
                    return True
        return False

    @property
    def spreads_parameters(self) -> bool:
        """Whether `einsum` repeats a parameter along an axis, as a kernel of one channel."""
        made = [each.parameter for each in self.places.goals]
        for node in self.run.recorded.nodes:
            if node.operation != "einsum" or type(node.args[0]) is not str or "." in node.args[0]:
                continue
            words = node.args[0].replace(" ", "").partition("->")[0].split(",")
            shapes = [np.shape(e.value if type(e) is Node else e) for e in node.args[1:]]
            pairs = [[*zip(*each, strict=False)] for each in zip(words, shapes, strict=False)]
            longer = {letter for each in pairs for letter, n in each if n > 1}
            own = (
                each
                for e, each in zip(node.args[1:], pairs, strict=False)
                if type(e) is Node and e in made
            )
            if any(n == 1 and letter in longer for each in own for letter, n in each):
                return True
        return False

    @property
    def is_of_a_part(self) -> bool:
        """Whether its gradients are made of a part of the inputs, as of a sample that is drawn."""
        inputs = self.run.node(self.run.scope.kinds["inputs"])
        goals = [each.node for each in self.places.goals]
        used = [e for e in inputs.consumers if any(each.depends_on(e) for each in goals)]
        part = all(each.operation in ("getitem", "take") for each in used)
        parts = {each.value.tobytes(): np.size(each.value) for each in used}  # a loop takes several
        alone = len(parts) == 1 or set(parts.values()) == {1}
        return part and alone and sum(parts.values()) < np.size(inputs.value)

    @property
    def is_of_numbers(self) -> bool:
        """Whether the parameters are numbers that the program makes itself, of all samples."""
        numbers = all(each.parameter.value.ndim == 0 for each in self.places.goals)
        own = self.run.roots.keys() <= {"self"}
        return numbers and own and self.fits and (self.places.several or not self.is_of_a_part)

    @property
    def is_of_an_entry(self) -> bool:
        """Whether the loss of several samples is an entry of an array, as of a matrix product.

        Then there is to be one output: `(Y @ np.log(A).T)[0, 0]`.
        """
        losses = [found for call, _, found in self.run.results if call.role == "loss"]
        parts = walk(
            map(self.run.node, losses), lambda e: e.inputs if np.ndim(e.value) == 0 else ()
        )
        entries = [e for e in parts if e.operation == "getitem" and np.ndim(e.value) == 0]
        more = any(one.function and np.size(one.value) > 1 for e in entries for one in e.inputs)
        return more and not self.data.single and len(entries) < self.data.sizes.m

    @property
    def is_of_some_outputs(self) -> bool:
        """Whether the loss of several samples has only some of their outputs: `z = out[:, 0]`.

        Then there are to be no others.
        """
        losses = [found for call, _, found in self.run.results if call.role == "loss"]
        shape, goals = self.data.output_shape, [each.parameter for each in self.places.goals]
        if not losses or self.data.single or len(shape) != 2:  # noqa: PLR2004 - samples, outputs
            return False
        way = {*walk(map(self.run.node, losses), lambda each: each.inputs)}
        for node in way:
            users = [each for each in node.consumers if each in way]
            taken = users and all(e.operation == "getitem" and e.inputs == (node,) for e in users)
            if taken and np.shape(node.value) == shape and any(map(node.depends_on, goals)):
                used = np.zeros(shape, bool)
                for each in users:
                    used[each.args[1]] = True
                return not used.any(axis=1 if "column" in self.data.layout else 0).all()
        return False

    @property
    def is_constant(self) -> bool:
        """Whether the output is the same for all inputs, as a softmax over one class."""
        output = self.run.scope.kinds.get("output")
        return isinstance(output, np.ndarray) and output.size > 1 and np.ptp(output) == 0

    @property
    def is_narrow(self) -> bool:
        """Whether a matrix of weights has one entry: its transpose and its sums are the same."""
        weights = (each.parameter for each in self.places.goals if each.parameter.value.ndim > 1)
        return any(
            user.operation in ("matmul", "dot")
            for each in weights
            if each.value.size == 1
            for user in each.consumers
        )

    @property
    def gives_parameters(self) -> bool:
        """Whether what would be the gradients are the parameters themselves, as of a getter."""
        goals = self.places.direct
        same = (np.array_equal(each.node.value, each.parameter.value) for each in goals)
        return bool(goals) and all(same)

    @property
    def is_zero(self) -> bool:
        """Whether each gradient is computed, and 0 but for an ε: an output is compared with itself.

        Or with what is 0 until another method puts an output there, or is one number that is
        divided by its own size.
        """
        nodes = [each.node for each in self.places.goals]
        return not any(e.constant or np.any(np.abs(e.value) > HALF_OF_THE_DIGITS) for e in nodes)

    @property
    def is_a_loss(self) -> bool:
        """Whether each gradient that is returned is a sum of squares: then it is a loss."""
        given, goals = given_in(self.run.recorded), self.places.direct
        return bool(goals) and all(_is_of_squares(each.node, given) for each in goals)

    @property
    def fits(self) -> bool:
        """Whether each parameter has a finite gradient of its shape, one of them of the inputs."""
        return self._fits(of_no_shape=False)

    @property
    def fits_but_for_numbers(self) -> bool:
        """Whether it fits, but for gradients that are summed over everything."""
        return self._fits(of_no_shape=True)

    def _fits(self, *, of_no_shape: bool) -> bool:
        goals = self.places.goals
        shapes = [(np.shape(each.node.value), np.shape(each.parameter.value)) for each in goals]
        shaped = all(a == b or (of_no_shape and a == ()) for a, b in shapes)
        finite = all(np.all(np.isfinite(e.node.value)) for e in goals)
        inputs = self.run.node(self.run.scope.kinds["inputs"])
        learns = any(each.node.depends_on(inputs) for each in goals)
        return len(goals) == len(self.run.start) and shaped and finite and learns


def _is_of_squares(node: Node, given: int) -> bool:
    """Whether a value is a sum of squares of what is given, as bits."""
    parts = walk([node], lambda each: each.inputs if is_summed(each, given) else ())
    ends = [each for each in parts if not is_summed(each, given) and each.uses & given]
    return bool(ends) and all(map(_is_square, ends))


def _is_square(node: Node) -> bool:
    by_itself = node.operation == "multiply" and node.args[0] is node.args[1]
    squared = node.operation == "power" and node.args[1] == 2  # noqa: PLR2004
    return by_itself or squared or node.operation == "square"


def _is_parameter(run: Attempt, leaf: Leaf, node: Node) -> bool:
    """Whether an array is a parameter: by its name, since it is handed over, or of the output."""
    if leaf.is_parameter or not leaf.path.startswith("self"):
        return True
    output = run.scope.kinds.get("output")
    return isinstance(output, np.ndarray) and run.node(output).depends_on(node)


def generic(run: Attempt, goals: Sequence[Goal] = ()) -> dict[str, Any]:
    """Generic numbers for the parameters of a run, small enough for no unit to saturate.

    Args:
        run: of the program.
        goals: the gradients that were found: a number becomes an array by that of one number.
    """
    rng = np.random.default_rng(3)
    values: dict[str, Any] = {}
    after = {e.name: e.node.value for e in goals if np.size(e.node.value) == 1}
    after |= {short(leaf.path): leaf.value for leaf in run.end() if np.shape(leaf.value)}
    known = {each.parameter for each in goals}
    for path, (leaf, node) in run.start.items():
        if node is None or not (node in known or _is_parameter(run, leaf, node)):
            continue
        if known and node not in known and not np.shape(leaf.value):
            continue  # such as `beta` of an update
        shape = np.shape(leaf.value) or np.shape(after.get(short(path), 0.0))
        drawn = rng.normal(size=shape) / np.sqrt(max(shape, default=1)) + 0.1
        dtype = np.asarray(leaf.value).dtype
        values[path] = drawn.astype(dtype) if shape else float(drawn)
    return values


def begins_with_zeros(found: Places) -> bool:
    """Whether a program that trains makes parameters of zeros, which show little."""
    made = [each.parameter for each in found.moved]
    return not any(each.given or np.any(each.value) for each in made)


Key = tuple[str, str]
"""Whether it is returned or held in the end, and its path."""


UPDATES = 3  # that are recorded, of which the first is compared


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
        if not direct and (reading.places.several or run.recorded.stopped):
            return self._recorded()
        self.at = self.at or (_returned_at(reading) if direct else _moved_at(reading))
        how: Any = {"values": numbers, "chosen": run.ways, "late": run.late}
        made = attempt(reading.plan, reading.data, **how)
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
        """The gradients of the first update, where others follow it, or would."""
        reading = self.reading
        last = max(each.node.number for each in reading.places.goals)
        trace, ways = Trace(sites=True, most=UPDATES * last), reading.run.ways
        run = attempt(reading.plan, reading.data, trace=trace, values=self.begun, chosen=ways)
        goals = places(run).goals
        return {each.name: np.asarray(each.node.value) for each in goals}


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
    """Where each gradient is, by the name of its parameter.

    Of one that is returned at several places, as by mistake, the place that has this name.
    """
    nodes = defaultdict[Node | None, list[Key]](list)
    for key, leaf in _held(reading.run).items():
        nodes[reading.run.node(leaf.value)].append(key)
    found: dict[str, tuple[Key, float]] = {}
    for each in reading.places.direct:
        if each.node not in nodes:
            raise UnfitError(f"the gradient of {each.name} is made of what is held")
        name, keys = _letters(each.name), nodes[each.node]
        found[each.name] = next((e for e in keys if _letters(e[1]).endswith(name)), keys[0]), 1.0
    return found


def _letters(path: str) -> str:
    return re.sub(r"\W", "", path)


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


def _is_added(parameter: Node) -> bool:
    """Whether a parameter is a bias: all that is done with it is to add it."""
    used = {each.operation for each in parameter.consumers}
    return bool(used) and used <= {"add", "subtract"}
