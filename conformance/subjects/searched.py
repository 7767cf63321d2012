"""A run whose quantities were looked for: where they are, which are wrong, and the lines to blame.

A recorded value is a quantity if it satisfies the quantity's equation from what the program itself
computed before, and something was made of it that its own consumers' equations make. Where there is
no such value, the one is taken of which those equations were made: a wrong quantity is known by its
use. Both are decided on balls, by equality, in a run whose numbers are generic.

Left out: which runs stand for others (`pattern.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.backward.findings import Line
from conformance.backward.syntax import only_renaming
from conformance.corpus.case import Case
from conformance.subjects.stepped import TURNED, Stepped
from conformance.tracing.ancestors import walk
from conformance.tracing.arranging import arranged_last, before_arranging, whole
from conformance.tracing.deltas import ErrorSearch
from conformance.tracing.frames import Frame
from conformance.tracing.index import Location, as_floats
from conformance.tracing.nablas import GradientSearch
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from conformance.tracing.traced_run import Lookup, Roles, Run, quantities_at
from conformance.tracing.z_and_a import ForwardSearch
from reference.step import Array

BITS = 400


def roles_in(run: Run) -> Roles:
    """Where the quantities of a step are."""
    lookup = Lookup(run)
    ForwardSearch(lookup).search()
    ErrorSearch(lookup).search()
    GradientSearch(lookup).search()
    return lookup.roles


@dataclass(eq=False)
class Searched:
    """A run whose quantities were looked for.

    Attributes:
        run: with its exact numbers.
        roles: where the quantities are.
        trace: of the run.
        after: the numbers of the nodes of what it returned or left, by the names.
        named: the quantities that it returned under their names.
        own: whether its numbers are those of a case, some of which may be equal by chance.
    """

    run: Run
    roles: Roles
    trace: Trace
    after: dict[str, int]
    named: Mapping[str, Location]
    own: bool = False
    _wrong: dict[str, bool] = field(default_factory=dict)

    def frames(self, name: str, index: tuple[int, ...]) -> tuple[Frame, ...]:
        """The lines to blame for an entry of a quantity; none if nothing holds it."""
        location = self.roles.found.get(name)
        number = self.after.get(name)
        if location is not None:
            shape = location.nodes.shape  # smaller than the case's where it stands for a large one
            fits = len(index) == len(shape)
            entry = tuple(np.minimum(index, np.subtract(shape, 1))) if fits else (0,) * len(shape)
            number = int(location.nodes[entry])
        if name in self.roles.nothing and location is None:
            if name.startswith("delta"):  # the layer above it was the last
                above = self.roles.found.get(f"delta{int(name[5:]) + 1}")
                return () if above is None else self.trace.nodes[above.numbers[0]].frames
            number = self.after[name.removeprefix("nabla_")]
            if unwritten := self._unwritten(name, self.trace.nodes[number]):
                return unwritten
        if number is None:
            return ()
        if name[0] in "bw" and not self.run.rewritten.get(name, not self.trace.nodes[number].given):
            return self._lost(name)
        at = location or _everywhere(self.trace.nodes[number])
        computed = self.trace.nodes[self._first_wrong(name, before_arranging(at, self.trace.nodes))]
        computed = self.roles.used.get(name, computed)
        if self._is_of_a_helper(name, computed):
            first, *others = computed.frames[1:]
            named = only_renaming(Line(first.file, first.line))
            return (first if named is None else first._replace(line=named.line), *others)
        return arranged_last(computed).frames or self.trace.nodes[number].frames

    def _is_of_a_helper(self, name: str, node: Node) -> bool:
        """Whether a function that gives a δ is right as what it is: its caller leaves a part out.

        Of δ^L it gives ∂C/∂a, as it is handed a^L and no z^L; of another σ′(z^l), as it is handed
        z^l, and uses no δ^{l+1}.
        """
        if not name.startswith("delta") or not node.frames[1:]:
            return False
        layer, found, nodes = int(name[5:]), self.roles.found, self.trace.nodes
        handed = self.trace.handed[node.calls[0]]
        z, a, above = (
            found.get(f"{e}{n}") for e, n in (("z", layer), ("a", layer), ("delta", layer + 1))
        )
        if z is None or a is None:
            return False
        if layer <= len(self.run.w):
            alone = above and not any(node.depends_on(nodes[n]) for n in above.numbers)
            return bool(alone) and not handed.isdisjoint(z.numbers)
        if handed.isdisjoint(a.numbers) or not handed.isdisjoint(z.numbers):
            return False
        with precision(BITS):
            slope = self.roles.values[f"a{layer}"] - self.run.batch.y
            return np.array_equal(as_floats(self.roles.values[name]), as_floats(slope))

    def _unwritten(self, name: str, new: Node) -> tuple[Frame, ...]:
        """The lines of a δ, if zeros of the call that makes it move a parameter: its ∇ is lost."""
        delta = self.roles.found.get(f"delta{name.removeprefix('nabla_')[1:]}")
        frames = () if delta is None else self.trace.nodes[delta.numbers[0]].frames
        zeros = {e.frames for e in walk([new]) if e.constant and not np.any(e.value)}
        calls = {(each[0].function, each[1:]) for each in zeros if each}
        made = (frames[i:] for i in range(len(frames)))
        return next((e for e in made if (e[0].function, e[1:]) in calls), ())

    def _first_wrong(self, name: str, at: Location) -> int:
        """The first node that computed a wrong entry of a quantity; the first if none is known."""
        if len(at.numbers) > 1 and name in self.roles.values:
            wrong = self._wrong_entries(name)
            if wrong.shape == at.nodes.shape and wrong.any():
                return int(at.nodes[wrong].min())
        return at.numbers[0]

    def _lost(self, name: str) -> tuple[Frame, ...]:
        """The lines that computed a parameter which was not kept, or left it where others moved.

        If none moved, they are those that computed the gradient that was not taken.
        """
        every = [e for e in self.trace.nodes if e.number in self._moved and e.frames]
        every.sort(key=lambda e: self._moved[e.number] != name[0])  # its own kind comes first
        gradient = self.roles.found.get(f"nabla_{name}")
        if every or gradient is None:
            return every[0].frames if every else ()
        return self.trace.nodes[gradient.numbers[-1]].frames

    @cached_property
    def _moved(self) -> dict[int, str]:
        """The numbers of the nodes that computed a new parameter, and whether it is b or w."""
        names, nodes = dict(self.run.start.named()), self.trace.nodes
        every = ((name[0], nodes[n]) for name, n in self.after.items() if name in names)
        computed = ((kind, before_arranging(whole(e), nodes)) for kind, e in every)
        return {number: kind for kind, at in computed for number in at.numbers}

    def wrong(self, name: str) -> bool:
        """Whether a quantity does not follow from its equation in this run."""
        if name not in self._wrong:
            self._wrong[name] = self._is_wrong(name)
        return self._wrong[name]

    def _is_wrong(self, name: str) -> bool:
        if name in self.named:
            return bool(self._wrong_entries(name).any())
        if name in self.roles.wrong:
            return True
        number = self.after.get(name)
        if number is None or name.startswith("nabla"):
            return False
        with precision(BITS), np.errstate(all="ignore"):
            row, known = self.run.rows[name], {**self.roles.values, **self.run.given}
            if not known.keys() >= {*row.inputs}:
                return False
            right = np.asarray(row.function(*(known[each] for each in row.inputs)))
            held = self.run.index.replay.value(self.trace.nodes[number])
            return not np.array_equal(as_floats(right), as_floats(held))

    def _wrong_entries(self, name: str) -> Array:
        """Where a quantity is another than its equation gives of what comes before it."""
        others = {each: at for each, at in self.roles.found.items() if each != name}
        with precision(BITS), np.errstate(all="ignore"):
            right = quantities_at(self.run, others).values[name]
            return np.asarray(as_floats(right) != as_floats(self.roles.values[name]))


def _everywhere(node: Node) -> Location:
    """All of a value; of what we turned or took from an array, where it is in that."""
    shape = np.shape(node.value)
    places = np.arange(int(np.prod(shape))).reshape(shape)
    while node.operation in TURNED and not node.frames and node.function is not None:
        (before,) = node.inputs
        grid = np.arange(np.size(before.value)).reshape(np.shape(before.value))
        turned = node.again(lambda _: grid)  # noqa: B023 - called at once
        node, places = before, np.asarray(turned).reshape(-1)[places]
    return Location(np.full(shape, node.number), places)


def searched(case: Case, made: Stepped, *, decays: bool) -> Searched:
    """Look for the quantities of a run in its own numbers, where they are not known by name."""
    with precision(BITS), np.errstate(all="ignore"):
        run = made.run(case, decays=decays)
        roles = roles_in(run)
        if made.named:
            known = quantities_at(run, {**roles.found, **made.named})
            known.first, known.moved, known.used = roles.first, roles.moved, roles.used
            known.wrong = [each for each in roles.wrong if each not in made.named]
            known.nothing = [each for each in roles.nothing if each not in made.named]
            roles = known
    return _searched(run, roles, made)


def in_its_own_numbers(
    case: Case, made: Stepped, found: dict[str, Location], *, decays: bool
) -> Searched:
    """A run of a case, with the exact values of its quantities at the places that are known."""
    with precision(BITS), np.errstate(all="ignore"):
        run = made.run(case, decays=decays)
        roles = quantities_at(run, found)
    return _searched(run, roles, made)


def _searched(run: Run, roles: Roles, made: Stepped) -> Searched:
    returned = {name: node for each in made.returned[:1] for name, node in each.items()}
    after = {name: node.number for name, node in {**returned, **made.after}.items()}
    return Searched(run, roles, made.trace, after, made.named)
