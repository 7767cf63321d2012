"""Which recorded values are the δ of each layer.

Left out: how a value is known by its uses (`uses.py`).
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.model.functions import Activation
from conformance.tracing.ancestors import walk
from conformance.tracing.index import Location, as_floats, common_factor, times
from conformance.tracing.node import bits_of_nodes
from conformance.tracing.traced_run import Candidate, Lookup, has_factor
from conformance.tracing.uses import Lift, Made, Use, Uses
from reference.equations import BOOK
from reference.step import Array


class ErrorSearch(Uses):
    """The search for δ, from the last layer to the first."""

    def __init__(self, lookup: Lookup) -> None:
        """Search in the run that is looked up."""
        super().__init__(lookup)
        self._scales = set[float]()  # how many times its equation's ∇ the program holds

    @property
    def _everything(self) -> int:
        """The bits of all inputs and targets."""
        return reduce(or_, self.run.samples, self.run.targets)

    def search(self) -> None:
        """Find all of them."""
        run, values = self.run, self.roles.values
        for layer in range(self.lookup.layers, 1, -1):
            z, a = values[f"z{layer}"], values[f"a{layer}"]
            if layer == self.lookup.layers:
                row = run.rows[f"delta{layer}"]
                rights = [row.function(z, a, run.batch.y)]
                if row.of_own is not None:
                    rights.append(row.of_own(a, a, run.batch.y))
            else:
                sent = run.start.w[layer - 1].T @ values[f"delta{layer + 1}"]
                rights = _sloped(sent, run.f(layer), (z, a), run.masks(layer))
            self._error(layer, rights)

    def _error(self, layer: int, rights: Sequence[Array]) -> None:
        """Find δ^l, perhaps with a factor that the program keeps in it."""
        made, name = self._uses_of_error(layer), f"delta{layer}"
        factors = self._possible_factors(layer, rights[0])
        located = [
            (right, at)
            for right in rights
            for factor in factors
            if (at := self.lookup.located(right, factors=(factor,)))
        ]
        products = self._products_of_error(layer)  # a ∇b may be the sum of −δ, turned before
        if self._is_turned(layer, rights[0], made):
            located = []
        if any(self._is_used(name, of, e, factors) for of in (products, made) for e in located):
            return
        found = self._by_use(layer, rights[0], made)
        ways = ((r, at) for r, at in located if self._is_bias_gradient(layer, times(r, at.factor)))
        returned = next(ways, None)
        if returned is not None and not (found and self._is_divided(returned, found)):
            self.roles.first[name] = returned[1]
            self.lookup.take(name, *returned)
        elif found is not None:
            same = any(has_factor(common_factor(found.value, each), 1.0) for each in rights)
            factor = 1.0 if same else self._kept_in(layer, found.value)
            location = Location(found.location.nodes, found.location.places, factor)
            self.lookup.take(name, times(found.value, 1 / factor), location, wrong=True)
            self._note_scales(factor)
        elif self._stands_still(layer):
            self._take_zeros(name, rights[0])
        else:
            self.lookup.take(name, *next(iter(located), (rights[0], None)))

    def _is_turned(self, layer: int, right: Array, made: Made) -> bool:
        """Whether −δ^l is used, and all gradients of the layer are made of that.

        In what is sent to the next layer its sign may be turned once more.
        """
        ratios = self._ratios(layer, right)
        if len(ratios) < 2 or not all(has_factor(each, -1.0) for each in ratios):  # noqa: PLR2004
            return False
        found = self._by_use(layer, right, made)
        return found is not None and has_factor(common_factor(found.value, right), -1.0)

    def _is_used(
        self,
        name: str,
        made: Made,
        located: tuple[Array, Location],
        factors: tuple[float, ...],
    ) -> bool:
        """Whether a value that is right is also used as δ; then it is taken."""
        right, location = located
        scales = {each / abs(location.factor) for each in self._scales}
        within = self.used(right, made, location, alike=True, scales=scales)
        if within:
            self._note_scales(location.factor)
            self.roles.first[name] = location
            last = self.lookup.located(right, within, factors)
            self.lookup.take(name, right, self.place(right, made, location, last))
        return bool(within)

    def _by_use(self, layer: int, right: Array, made: Made) -> Candidate | None:
        """What is used as δ^l, whatever it is."""
        kept = [1.0]
        if f"delta{layer + 1}" in self.roles.found:
            kept += [abs(each) for each in self.lookup.factors if self._kept_above(layer, each)]
        scales = {each / factor for each in self._scales for factor in kept}
        shape = len(right), self._everything, 0
        return self.by_use(f"delta{layer}", shape, made, None, scales=scales)

    def _take_zeros(self, name: str, right: Array) -> None:
        """Take 0 for the δ of a layer that stands still."""
        self.roles.nothing.append(name)
        every = self.lookup.candidates.of(len(right), uses=self.run.targets)
        zeros = (each.location for each in every if not as_floats(each.value).any())
        self.lookup.take(name, np.asarray(right * 0), next(zeros, None), wrong=True)

    def _is_divided(self, returned: tuple[Array, Location], found: Candidate) -> bool:
        """Whether what is returned was made of the δ that is used, which keeps a loss scale.

        That is a number of no sample: of a single one any other is a multiple.
        """
        right, location = returned
        nodes = self.nodes
        own = bits_of_nodes(nodes[each] for each in found.location.numbers)
        later = min(found.location.numbers) < min(location.numbers)
        if not later or not common_factor(found.value, right):
            return False
        made = walk(
            (nodes[each] for each in location.numbers),
            lambda node: () if own >> node.number & 1 else node.inputs,
        )
        return all(own & each.uses or not each.uses & self._everything for each in made)

    def _is_bias_gradient(self, layer: int, delta: Array) -> bool:
        """Whether the δ of single samples is their ∇b, which was returned, or moved the biases.

        All of it may be 0, which is known by nothing else.
        """
        pairs = (
            (self.run.returned.get(f"nabla_b{layer}"), delta),
            (self.lookup.moved(f"b{layer}"), BOOK.bias_gradient(delta)),
        )
        return any(
            has_factor(common_factor(held, made), 1.0)
            or not (as_floats(held).any() or as_floats(made).any())
            for held, made in pairs
            if held is not None and held.shape == made.shape
        )

    def _note_scales(self, factor: float) -> None:
        """Note how many times its equation's ∇ a program holds; in no layer below it is another.

        Args:
            factor: that the program keeps in the δ of which it made the ∇.
        """
        self._scales |= {abs(factor) * each for each in self.scales}

    def _stands_still(self, layer: int) -> bool:
        """Whether the update computes the parameters of a layer, and leaves them as they were."""
        if not self.roles.found:  # nothing was computed of any sample, not even z
            return False
        moved = [self.lookup.moved(f"{each}{layer}") for each in ("b", "w")]
        return all(
            each is not None and self.run.rewritten[f"{name}{layer}"] and not as_floats(each).any()
            for name, each in zip(("b", "w"), moved, strict=True)
        )

    def _possible_factors(self, layer: int, right: Array) -> tuple[float, ...]:
        """The factors that a program may keep in δ^l: 1, m, 1/m, and −1 if it all ascends by it.

        A factor that is still in the step was not kept, but is wrong; so is one that the δ of the
        layer above does not have, but for a sign that is no longer in the step.
        """
        factors, above = self.lookup.factors, self.roles.found.get(f"delta{layer + 1}")
        ratios = self._ratios(layer, right)
        turned = any(bool(ratio > 0) for ratio in ratios)
        if layer == self.lookup.layers:
            still = [each for each in factors if all(has_factor(r, each) for r in ratios)]
            kept = [each for each in factors if each == 1 or not ratios or each not in still]
            return tuple(each for each in kept if each > 0 or turned)
        negative = above is not None and above.factor < 0
        signed = [each for each in factors if turned or (each < 0) == negative]
        signs = (1, -1) if turned else (1,)
        return tuple(
            each
            for each in signed
            if above is None or any(self._kept_above(layer, sign * each) for sign in signs)
        )

    def _kept_above(self, layer: int, factor: float) -> bool:
        """Whether the δ of the layer above is recorded with the same factor."""
        name = f"delta{layer + 1}"
        if self.roles.found[name].factor == factor:
            return True
        return self.lookup.located(self.roles.values[name], factors=(factor,)) is not None

    def _ratios(self, layer: int, delta: Array) -> list[Any]:
        """How many times as far each parameter of a layer was moved, or is to be, as by a δ^l."""
        b, w = f"b{layer}", f"w{layer}"
        mean = {name: self.lookup.mean_gradient(name, delta) for name in (b, w)}
        returned = self.run.returned.get
        pairs = [(self.lookup.moved(name), mean[name]) for name in (b, w)]
        pairs += [(returned(f"nabla_{b}"), delta), (returned(f"nabla_{w}"), mean[w])]
        alike = ((e, own) for e, own in pairs if e is not None and e.shape == own.shape)
        found = (common_factor(held, own) for held, own in alike)
        return [each for each in found if each is not None]

    def _kept_in(self, layer: int, delta: Array) -> float:
        """The factor, ±1 or ±1/m, that a program keeps in a δ^l that is wrong."""
        moved, m = self.lookup.moved(f"b{layer}"), self.run.m
        mean, above = BOOK.bias_gradient(delta), self.roles.found.get(f"delta{layer + 1}")
        ratios = self._ratios(layer, delta)
        for each in (-1.0, -1 / m):
            if len(ratios) > 1 and all(has_factor(ratio, 1 / each) for ratio in ratios):
                return each  # both parameters ascend by it
        if m > 1 and moved is not None and moved.shape == mean.shape:
            ratio = common_factor(moved, mean)
            return next((each for each in (1.0, 1 / m) if has_factor(ratio, 1 / each)), 1.0)
        return 1.0 if above is None else above.factor

    def _uses_of_error(self, layer: int) -> Made:
        """What is made of δ: products, and their ∇b, which is a sum."""
        products = self._products_of_error(layer)

        def made(delta: Array, lift: Lift) -> Iterator[Use]:
            yield from products(delta, lift)
            if self.run.m > 1:  # the sum over one sample is δ itself
                yield Use(delta.sum(axis=1, keepdims=True), gradient=True)

        return made

    def _products_of_error(self, layer: int) -> Made:
        """∇w of the mini-batch or of its samples, and what is sent to the layer below."""
        run, values, below = self.run, self.roles.values, self.lookup.below(layer)

        def made(delta: Array, lift: Lift) -> Iterator[Use]:
            yield Use(delta @ lift(below).T, summed=True, gradient=True)
            if layer > 2:  # noqa: PLR2004 - the first layer sends nothing
                z, a = lift(values[f"z{layer - 1}"]), lift(values[f"a{layer - 1}"])
                sent = lift(run.start.w[layer - 2]).T @ delta
                yield Use(sent)
                masks = tuple(map(lift, run.masks(layer - 1)))
                yield from map(Use, _sloped(sent, run.f(layer - 1), (z, a), masks))

        return made


def _sloped(
    sent: Array, f: Activation, of: tuple[Array, Array], masks: tuple[Array, ...]
) -> list[Array]:
    """What is sent to a layer ⊙ f′, made of z or of a, and its mask."""
    (z, a), of_a = of, [] if f.prime_of_a is None or f.masked else [f.prime_of_a]
    return [
        reduce(np.multiply, masks, sent * slope) for slope in (f.prime(z), *(e(a) for e in of_a))
    ]
