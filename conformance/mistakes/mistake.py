"""A known mistake, and the subject that makes it.

Left out: which mistakes are known (`catalogue.py`), and telling them apart (`diagnosis`).
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.mistakes.situation import Formulas, Situation, evaluate
from conformance.model.row import given
from conformance.model.table import rows
from conformance.subjects import Subject
from reference.step import Array, Batch, Parameters

BOOK = {row.tag: row.formula for row in rows(3).values()}
"""The equations of the book's network, by their tags; of BP1 and BP2, those of sigmoids."""


@dataclass(frozen=True)
class Mistake:
    """One thing that people do wrong.

    Attributes:
        id: short and stable.
        sentence: what is done wrong.
        wrong: the formula as it is written then.
        right: the book's; the table's, of the one equation that it breaks, if it is not given.
        formulas: what takes the place of the right equations, by their tags.
        source: where it was seen, or "common".
        hidden: the set-ups in which nobody can see it, in words.
        convention: when the same is a convention and no mistake, a sentence; empty if never.
        subject: makes a subject of a mistake that is in no equation; None if `formulas` say it all.
        remark: what is said of such a subject.
    """

    id: str
    sentence: str
    wrong: str
    right: str = ""
    formulas: Formulas = field(default_factory=dict)
    source: str = "common"
    hidden: str = ""
    convention: str = ""
    subject: Callable[[str], Subject] | None = None
    remark: str = ""

    def __post_init__(self) -> None:
        """Fill in the formula that was not given."""
        if not self.right:
            object.__setattr__(self, "right", BOOK[next(iter(self.formulas))])

    @property
    def blames(self) -> tuple[str, ...]:
        """The tags of the equations that it breaks."""
        return tuple(self.formulas)


class MistakenSession:
    """A right program in training, but for some formulas."""

    def __init__(self, formulas: Formulas, case: Case, parameters: Parameters) -> None:
        """Start from the parameters of a case."""
        self.formulas, self.case = formulas, case
        self.after: dict[str, Array] = {**dict(parameters.named()), **parameters.state}
        self.previous: Situation | None = None

    def step(self, batch: Batch) -> dict[str, Array]:
        """Take one step and show everything, or what was there when shapes did not fit.

        Raises:
            ValueError: the parameters that the step before left do not make a network.
        """
        case, start = self.case, Parameters.of(self.after)
        values = given(start, batch, case.eta, case.decay, dict(case.constants))
        now = Situation(case, values, previous=self.previous)
        with np.errstate(all="ignore"), suppress(ValueError):
            evaluate(now, self.formulas)
        shown = {name: np.asarray(array, case.type) for name, array in now.named.items()}
        self.previous = now
        self.after = dict(start.named()) | dict(start.state) | shown
        return shown


def mistaken(formulas: Formulas, name: str) -> Subject:
    """The subject that computes by these formulas what they give, and the rest by the book."""

    def start(case: Case, parameters: Parameters) -> Any:
        return MistakenSession(formulas, case, parameters)

    return Subject(name, start, family=(), updates=())


def subject_of(mistake: Mistake) -> Subject:
    """The subject that makes a mistake, and is right otherwise."""
    if mistake.subject is not None:
        return mistake.subject(mistake.id)
    return mistaken(mistake.formulas, mistake.id)
