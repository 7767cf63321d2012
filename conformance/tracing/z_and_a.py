"""Which recorded values are the z and a of each layer.

Left out: how a value is known by its uses (`uses.py`).
"""

from collections.abc import Collection
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.tracing.arranging import ARRANGING, LIMITING, consumers_of
from conformance.tracing.index import Location, overlap
from conformance.tracing.node import Node
from conformance.tracing.traced_run import Candidate
from conformance.tracing.uses import Made, Use, Uses
from reference.equations import BOOK
from reference.step import Array

FAR = 1e6  # a z of which every bounded f has its limit
EPSILON = float(np.finfo(float).eps)


class ForwardSearch(Uses):
    """The search for z and a, from the first layer to the last."""

    def search(self) -> None:
        """Find all of them."""
        run, a = self.run, self.run.batch.x
        for layer, (w, b) in enumerate(zip(run.start.w, run.start.b, strict=True), start=2):
            bit = run.w[layer - 2]
            right = BOOK.weighted_input(w, a, b)
            z = self._quantity(
                f"z{layer}", right, self._uses_of_weighted_input(layer), (len(b), bit)
            )
            right = run.activated(layer, z)
            a = self._quantity(f"a{layer}", right, self._uses_of_activation(layer), (len(b), bit))

    def _uses_of_weighted_input(self, layer: int) -> Made:
        function = self.run.f(layer).function
        return lambda v, _: [Use(function(v))]

    def _uses_of_activation(self, layer: int) -> Made:
        """The next z; of the last layer the error."""
        run = self.run
        if layer < self.lookup.layers:
            w, b = run.start.w[layer - 1], run.start.b[layer - 1]
            return lambda v, lift: [
                Use(sign * BOOK.weighted_input(lift(w), v, lift(b))) for sign in (1, -1)
            ]
        y = run.batch.y
        return lambda v, lift: [Use(v - lift(y)), Use(lift(y) - v)]

    def _product(self, layer: int) -> Made:
        """The product in the next z; of the last layer the error."""
        if layer == self.lookup.layers:
            return self._uses_of_activation(layer)
        w = self.run.start.w[layer - 1]
        return lambda v, lift: [Use(lift(w) @ v)]

    def _quantity(self, name: str, right: Array, made: Made, where: tuple[int, int]) -> Array:
        """Find z or a of a layer; returns it as the program has it."""
        location = self.lookup.columns(right)
        negative = self.lookup.columns(-right) if location is None and name[0] == "z" else None
        if negative is not None:  # of −z σ is 1 − a, which would be taken for its use
            return self.lookup.take(name, right, replace(negative, factor=-1.0))
        within = 0 if location is None else self._used(name, right, made, location)
        changed = location if name[0] == "z" else None  # what stands for z is made of it
        above = reduce(or_, self.run.parameters[int(name[1:]) - 1 :], self.run.targets)
        if location is not None and within:
            if name[0] == "z" and not self._goes_on(right, name):
                found = self._going_on(name, (*where, above), made, changed)
                twice = found and overlap(found.value, self.run.activated(int(name[1:]), right))
                turned = found and self._turned_for_its_use(found.location, location)
                if found and not (twice or turned):  # of a right z f is made twice
                    return self.lookup.take(name, found.value, found.location, wrong=True)
            self.roles.first[name] = location
            last = self.place(right, made, location, self.lookup.columns(right, within))
            # What f limits is larger elsewhere; of what is turned, f is to be of the first.
            other = self._is_limited(name, last, location) or self._is_turned_back(last, location)
            return self.lookup.take(name, right, location if name[0] == "z" and other else last)
        asked = name, (*where, above), made, changed
        signs = () if name[0] != "z" else (1, -1) if location is None else (1,)
        both = (self._going_on(*asked, sign=sign) for sign in signs)
        found = next(filter(None, both), None) or self.by_use(*asked)
        if found is None and name[0] == "a":
            found = self.by_use(*asked[:2], self._product(int(name[1:])), changed)
        if location is not None and found is not None:  # what takes it may be made of the right one
            other = name[0] == "a" and self._enters_a_gradient(location)
            found = None if other or self._turned_for_its_use(found.location, location) else found
        if found is not None and not self._made_for_nothing(name, location, found):
            return self.lookup.take(name, found.value, found.location, wrong=True)
        return self.lookup.take(name, right, location)

    def _used(self, name: str, right: Array, made: Made, location: Location) -> int:
        """What was computed of z or a on the way to its use; of a wrong z a is in the product."""
        within = self.used(right, made, location)
        if within or name[0] == "z":
            return within
        return self.used(right, self._product(int(name[1:])), location, alike=True)

    def _is_limited(self, name: str, last: Location, first: Location) -> bool:
        """Whether z was limited by what f calls, or so far out that f is the same.

        It is the same number here because it is small.
        """
        nodes = self.nodes
        if name[0] != "z" or any(nodes[n].operation not in LIMITING for n in last.numbers):
            return False
        depth = max(len(nodes[n].frames) for n in first.numbers)
        if all(len(nodes[n].frames) > depth for n in last.numbers):
            return True
        f, own = self.run.f(int(name[1:])).function, set(first.numbers)
        every = [(nodes[n], sign * FAR) for n in last.numbers for sign in (1, -1)]
        with np.errstate(all="ignore"):
            pairs = [(_limited(n, own, far), np.full_like(n.value, far)) for n, far in every]
            return all(np.allclose(f(one), f(other), rtol=0, atol=EPSILON) for one, other in pairs)

    def _is_turned_back(self, last: Location, first: Location) -> bool:
        """Whether a value is the same again after an operation that gave another, as −(−z)."""
        nodes, own = self.nodes, set(first.numbers)

        def is_another(node: Node, before: Node) -> bool:
            same = np.array_equal(np.ravel(before.value), np.ravel(node.value))
            return not same and before.number not in own  # a cast of it is no way back

        return all(
            nodes[number].operation not in ARRANGING
            and any(nodes[number].depends_on(nodes[each]) for each in first.numbers)
            and all(is_another(nodes[number], each) for each in nodes[number].inputs)
            for number in set(last.numbers) - own
        )

    def _going_on(
        self,
        name: str,
        where: tuple[int, int, int],
        made: Made,
        changed: Location | None,
        sign: int = 1,
    ) -> Candidate | None:
        """The z that σ and the next equation were made of, of which the program holds ±z."""
        found = self.by_use(
            name,
            where,
            lambda v, lift: made(sign * v, lift),
            changed,
            lambda v: self._goes_on(sign * v, name),
        )
        if found is None:
            return None
        at = replace(found.location, factor=sign * found.location.factor)
        return Candidate(sign * found.value, at)

    def _turned_for_its_use(self, location: Location, right: Location) -> bool:
        """Whether a value is used on the line that computed it, as −z in σ(−z).

        If the right one was made on another line, a function that is called there may use it.
        """
        nodes = [self.nodes[number] for number in location.numbers]
        lines = {self.nodes[number].frames[:1] for number in right.numbers}
        return all(
            e.frames[:1] not in lines and c.frames[-len(e.frames) :] == e.frames
            for e in nodes
            for c in consumers_of(e)
        )

    def _goes_on(self, z: Array, name: str) -> bool:
        """Whether the next product, or ∇w, is made of what σ makes of a z; of −z it makes 1 − a."""
        layer = int(name[1:])
        a = self.run.activated(layer, z)
        location, made = self.lookup.columns(a), self._product(layer)
        if location is None:
            return False
        return bool(self.used(a, made, location)) or self._enters_a_gradient(location)

    def _enters_a_gradient(self, a: Location) -> bool:
        """Whether a program makes ∇w of an a: what takes another one is the next equation."""
        nodes, targets = self.nodes, self.run.targets
        return all(
            any(
                each.uses & targets and np.size(each.value) != np.size(nodes[number].value)
                for each in consumers_of(nodes[number])
            )
            for number in a.numbers
        )

    def _made_for_nothing(self, name: str, right: Location | None, found: Candidate) -> bool:
        """Whether the right value was made and nobody took it, but another that has a role.

        Of the last layer nobody takes it but the error; what f′ alone takes was made for that.
        """
        nodes, last = self.nodes, name == f"a{self.lookup.layers}"
        if last and any(map(self._is_its_z, range(2, self.lookup.layers))):
            return False  # all layers hand on z
        made = right is not None and any(
            (last and not self._made_for_slope(nodes[n])) or not nodes[n].consumers
            for n in right.numbers
        )
        known = (self.roles.values[each] for each in self.roles.found)
        alike = (each for each in known if each.shape == found.value.shape)
        return made and any(overlap(found.value, each) for each in alike)

    def _is_its_z(self, layer: int) -> bool:
        """Whether z of a layer is taken for its a."""
        a, values = f"a{layer}", self.roles.values
        return a in self.roles.wrong and overlap(values[a], values[f"z{layer}"])

    def _made_for_slope(self, a: Node) -> bool:
        """Whether an a of the last layer was made where f′ is, as by σ(z)(1 − σ(z)), and for it."""
        nodes, layer = self.nodes, self.lookup.layers
        z, f = f"z{layer}", self.run.f(layer)
        slope = self.lookup.columns(f.prime(self.roles.values[z])) if f.hidden else None
        if not f.hidden or not a.consumers:
            return False
        calls = {c for n in self.roles.found[z].numbers for c in nodes[n].calls}
        if slope is None:  # it is no value, as in δ = (a − y) ⊙ σ(z) ⊙ σ(−z)
            return all(_is_made_with(a, each, calls) for each in a.consumers)
        slopes = [nodes[n] for n in slope.numbers if _is_made_with(a, nodes[n], calls)]
        return all(any(each.depends_on(c) for each in slopes) for c in a.consumers)


def _limited(node: Node, of: Collection[int], far: float) -> Any:
    """What operations that limit make of a number in the place of some nodes."""
    if node.number in of:
        return np.full_like(node.value, far)
    return node.again(lambda n: _limited(n, of, far)) if node.operation in LIMITING else node.value


def _is_made_with(node: Node, other: Node, outer: set[int]) -> bool:
    """Whether two values were made on one line, or in one call that is none of the outer ones."""
    frames = other.frames[not outer.issuperset(other.calls[:1]) :]
    return node.frames[-len(frames) :] == frames
