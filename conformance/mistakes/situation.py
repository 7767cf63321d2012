"""Where an equation stands: all that a program knows at that point of a step, and of earlier steps.

A known mistake replaces equations of the table by wrong formulas in these terms. Like the equations
of `reference` such a formula is a plain NumPy expression, so it runs on floats as a subject, and on
running errors as an expectation. Left out: the mistakes themselves (`catalogue.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from conformance.corpus.case import Case
from conformance.model.functions import ACTIVATIONS, DROPOUT, SIGMOID, Activation
from conformance.model.row import MASK, Row, run
from conformance.model.table import name_of
from reference.step import split
from reference.updates import OLD

Formula = Callable[["Situation"], Any]
Formulas = Mapping[str, Formula]
"""Wrong formulas by the tags of the equations whose place they take."""


@dataclass(frozen=True, eq=False)
class Situation:
    """One equation at one layer of one step; shapes as in `reference.step`.

    Attributes:
        case: cost, rates and sizes.
        given: what the step starts from; see `given` of the table.
        named: the quantities of this step so far, by their names.
        layer: of the equation, as in the book.
        quantity: what the equation gives, such as `v_w`, without the layer.
        previous: the same equation in the step before, where the program has just been.
    """

    case: Case
    given: Mapping[str, Any]
    named: dict[str, Any] = field(default_factory=dict)
    layer: int = 0
    previous: "Situation | None" = None
    quantity: str = ""

    def value(self, name: str) -> Any:
        """What an equation takes under a name: of a weight or bias, that before the step."""
        return self.given[name] if name in self.given else self.named[name]

    def with_given(self, **given: Any) -> "Situation":
        """The same where something else was given."""
        return replace(self, given={**self.given, **given})

    @property
    def x(self) -> Any:
        """The samples, (n_1, m)."""
        return self.given["x"]

    @property
    def y(self) -> Any:
        """The targets, (n_L, m)."""
        return self.given["y"]

    @property
    def eta(self) -> Any:
        """The learning rate η."""
        return self.given["eta"]

    @property
    def decay(self) -> Any:
        """λ/n."""
        return self.given["decay"]

    @property
    def m(self) -> int:
        """The size of the mini-batch."""
        return int(self.x.shape[1])

    @property
    def last(self) -> int:
        """L, the output layer."""
        return self.case.layers

    @property
    def f(self) -> Activation:
        """The activation of the layer, without its mask."""
        name = self.case.activations[self.layer - 2]
        return ACTIVATIONS[name.removesuffix(DROPOUT)]

    @property
    def masked(self) -> bool:
        """Whether a mask leaves neurons of the layer out."""
        return f"{MASK}{self.layer}" in self.given

    @property
    def mask(self) -> Any:
        """r^l, (n_l, m); 1 in a layer without dropout."""
        return self.given[f"{MASK}{self.layer}"] if self.masked else 1

    @property
    def quadratic(self) -> bool:
        """Whether the cost is the quadratic one."""
        return self.case.cost == "quadratic"

    @property
    def sigmoid(self) -> bool:
        """Whether the layer is one of sigmoids."""
        return self.f == ACTIVATIONS[SIGMOID]

    @property
    def sloped(self) -> bool:
        """Whether the error of the layer has an f′."""
        return self.case.rows[f"delta{self.layer}"].of_own is not None

    def w(self, layer: int) -> Any:
        """w^l at the start of the step, (n_l, n_{l-1})."""
        return self.given[f"w{layer}"]

    def b(self, layer: int) -> Any:
        """b^l at the start of the step, (n_l, 1)."""
        return self.given[f"b{layer}"]

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
        quantity, layer = split(name)[0], split(name)[1] or self.last
        before = self.previous and replace(self.previous, layer=layer, quantity=quantity)
        return replace(self, layer=layer, previous=before, quantity=quantity)

    @property
    def kept(self) -> Any:
        """What the step before left of a quantity of the state."""
        return self.given[f"{OLD}{self.quantity}{'' if self.quantity == 't' else self.layer}"]

    @property
    def of(self) -> str:
        """Of which parameter a quantity of the update is, `b` or `w`."""
        return self.quantity[-1]

    @property
    def nabla(self) -> Any:
        """The gradient of that parameter."""
        return self.named[f"nabla_{self.of}{self.layer}"]

    def state(self, letter: str) -> Any:
        """The `v` or `s` of that parameter after the step."""
        return self.named[f"{letter}_{self.of}{self.layer}"]


def by_the_book(at: Situation, tag: str, **others: Any) -> Any:
    """What the right equation of a tag gives in a situation, of other inputs where some are given.

    They have the names of the quantities without layers, such as `delta`.
    """
    named = f"{at.quantity}{'' if at.quantity == 't' else at.layer}"
    row = at.case.rows[named if tag == "V" else name_of(tag, at.layer)]
    names = row.names.items()
    return row.function(*(others[n] if n in others else at.value(name) for n, name in names))


def where(tag: str, holds: Callable[[Situation], Any], formula: Formula) -> Formulas:
    """The formula in the situations where a mistake can be made, the book's in the others."""
    return {tag: lambda at: formula(at) if holds(at) else by_the_book(at, tag)}


def evaluate(situation: Situation, formulas: Formulas, until: str = "") -> dict[str, Any]:
    """All quantities of a step, some of them by other formulas; they fill `situation.named`.

    Args:
        situation: before the step.
        formulas: in the place of the book's.
        until: the name of the first quantity that is not wanted, if not all are.
    """
    named = situation.named

    def compute(row: Row, arguments: tuple[Any, ...]) -> Any:
        formula = formulas.get(row.tag)
        own = row.function(*arguments) if formula is None else formula(situation.at(row.name))
        named[row.name] = own
        return own

    rows = situation.case.rows.values()
    run(takewhile(lambda row: row.name != until, rows), compute, situation.given)
    return named
