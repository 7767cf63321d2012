"""Where an equation stands: all that a program knows at that point of a step, and of earlier steps.

A known mistake is a wrong formula in these terms. Like the equations of `reference` it is a plain
NumPy expression, so it runs on floats as a subject, and on running errors as an expectation. Left
out: the mistakes themselves (`catalogue.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.corpus.case import Case
from conformance.verdict.causality import TAGS, field_of
from reference.equations import BOOK, COSTS, Equations
from reference.step import Batch, Parameters, causal_order, split

Formula = Callable[["Situation"], Any]
Formulas = Mapping[str, Formula]
"""Wrong formulas by the tags of the equations whose place they take."""


@dataclass(frozen=True, eq=False)
class Situation:
    """One equation at one layer of one step; shapes as in `reference.step`.

    Attributes:
        case: cost, rates and sizes.
        start: the parameters from which the step starts.
        batch: the mini-batch.
        eta: the learning rate η.
        decay: λ/n.
        named: the quantities of this step so far, by their names.
        layer: of the equation, as in the book.
        previous: the same equation in the step before, where the program has just been.
    """

    case: Case
    start: Parameters
    batch: Batch
    eta: Any
    decay: Any
    named: dict[str, Any] = field(default_factory=dict)
    layer: int = 0
    previous: "Situation | None" = None

    @property
    def x(self) -> Any:
        """The samples, (n_1, m)."""
        return self.batch.x

    @property
    def y(self) -> Any:
        """The targets, (n_L, m)."""
        return self.batch.y

    @property
    def m(self) -> int:
        """The size of the mini-batch."""
        return self.batch.m

    @property
    def last(self) -> int:
        """L, the output layer."""
        return self.case.layers

    @property
    def quadratic(self) -> bool:
        """Whether the cost is the quadratic one; else it is the cross-entropy."""
        return self.case.cost == "quadratic"

    def w(self, layer: int) -> Any:
        """w^l at the start of the step, (n_l, n_{l-1})."""
        return self.start.w[layer - 2]

    def b(self, layer: int) -> Any:
        """b^l at the start of the step, (n_l, 1)."""
        return self.start.b[layer - 2]

    def z(self, layer: int) -> Any:
        """z^l, (n_l, m)."""
        return self.named[f"z{layer}"]

    def a(self, layer: int) -> Any:
        """a^l, (n_l, m); a^1 is x."""
        return self.x if layer == 1 else self.named[f"a{layer}"]

    def delta(self, layer: int) -> Any:
        """δ^l, (n_l, m)."""
        return self.named[f"delta{layer}"]

    def nabla_b(self, layer: int) -> Any:
        """∂C/∂b^l, (n_l, 1)."""
        return self.named[f"nabla_b{layer}"]

    def nabla_w(self, layer: int) -> Any:
        """∂C/∂w^l, (n_l, n_{l-1})."""
        return self.named[f"nabla_w{layer}"]

    def at(self, name: str) -> "Situation":
        """The situation in which the quantity of this name is computed."""
        layer = split(name)[1] or self.last
        before = self.previous and replace(self.previous, layer=layer)
        return replace(self, layer=layer, previous=before)


def tag_of(name: str, layers: int) -> str:
    """The tag of the equation that gives the quantity of this name."""
    return TAGS[field_of(name, layers)]


def by_the_book(at: Situation, tag: str) -> Any:
    """What the right equation of a tag gives in a situation."""
    return _RIGHT[tag](at, BOOK.with_cost(COSTS[at.case.cost]), at.layer)


_RIGHT: dict[str, Callable[[Situation, Equations, int], Any]] = {
    "Z": lambda at, book, i: book.weighted_input(at.w(i), at.a(i - 1), at.b(i)),
    "A": lambda at, book, i: book.activation(at.z(i)),
    "C": lambda at, book, i: book.cost(at.a(i), at.y),
    "BP1": lambda at, book, i: book.output_error(at.z(i), at.a(i), at.y),
    "BP2": lambda at, book, i: book.hidden_error(at.w(i + 1), at.delta(i + 1), at.z(i)),
    "BP3": lambda at, book, i: book.bias_gradient(at.delta(i)),
    "BP4": lambda at, book, i: book.weight_gradient(at.delta(i), at.a(i - 1)),
    "B": lambda at, book, i: book.updated_bias(at.b(i), at.nabla_b(i), at.eta),
    "W": lambda at, book, i: book.updated_weight(at.w(i), at.nabla_w(i), at.eta, at.decay),
}


def where(tag: str, holds: Callable[[Situation], Any], formula: Formula) -> Formula:
    """The formula in the situations where a mistake can be made, the book's in the others."""
    return lambda at: formula(at) if holds(at) else by_the_book(at, tag)


def evaluate(situation: Situation, formulas: Formulas, until: str = "") -> dict[str, Any]:
    """All quantities of a step, some of them by other formulas; they fill `situation.named`.

    Args:
        situation: before the step.
        formulas: in the place of the book's.
        until: the name of the last quantity that is wanted, if not all are.
    """
    layers = situation.last
    for name in causal_order(layers):
        at, tag = situation.at(name), tag_of(name, layers)
        formula = formulas.get(tag)
        situation.named[name] = by_the_book(at, tag) if formula is None else formula(at)
        if name == until:
            break
    return situation.named
