"""Why an equation is wrong: known mistakes, and what can be measured, a kind and its numbers.

Left out: finding it (`diagnose.py`, `measure.py`), the words for it (`report/measure_words.py`).
"""

from dataclasses import dataclass
from enum import StrEnum

from conformance.statement import Statement, Value


class Measured(StrEnum):
    """What may be measured, and the values that belong to it."""

    COMPLEX = "complex"
    """Its numbers are complex."""
    NOT_FINITE = "not-finite"
    """Some of its numbers are not finite."""
    OTHER_DTYPE = "other-dtype"
    """Its numbers are right, and their dtype is another one."""
    BIG_ENDIAN = "big-endian"
    """The bytes of `name` are turned round."""
    BY_COLUMNS = "by-columns"
    """`name` was written column by column."""
    FEW_DIGITS = "few-digits"
    """No number has more than `most` digits; as text, a `dtype` needs `needed`."""
    FLUSHED = "flushed"
    """Numbers below `least`, the smallest normal one, are zero."""
    SHAPE = "shape"
    """It has the shape `got`, not `right`."""
    REDUCED = "reduced"
    """Its sum or mean (`by`) over the samples is the right value."""

    ZERO = "zero"
    """It is zero."""
    FACTOR = "factor"
    """It is `factor`, a number or a name, times the right value."""
    PROPORTIONAL = "proportional"
    """It is `low` to `high` times the right value, which differs from case to case."""
    MOVES = "moves"
    """A parameter moves `factor` times as far as it should."""
    CLIPPED = "clipped"
    """It is clipped to ±`limit`; a parameter (`moves`) by its gradient, of the sum (`of_sum`)."""
    MULTIPLIED = "multiplied"
    """It is a `function` of z times the right value, entry by entry."""
    DIVIDED = "divided"
    """It is the right value over a `function` of z, entry by entry."""
    WITHOUT = "without"
    """A `term` is missing."""
    WITH_ONE_MORE = "with-one-more"
    """A `term` comes twice."""
    WITH_MINUS = "with-minus"
    """A `term` has the other sign."""
    ONE_SAMPLE = "one-sample"
    """It is made of the first or the last `sample` alone, perhaps m times (`often`)."""
    TRANSPOSED = "transposed"
    """It is the right value transposed."""
    PERMUTED = "permuted"
    """Along `axis`, samples or neurons are in another `order`."""
    OF_STEP_BEFORE = "of-step-before"
    """It is the value of the step before."""
    AS_BEFORE = "as-before"
    """It is what it was before the step."""
    MOMENTUM = "momentum"
    """It has `part` of the last change of its `quantity` once more."""
    OFFSET = "offset"
    """`offset` is added everywhere."""

    ONLY_LAST = "only-last"
    """Only the last one along `axis` is wrong."""
    ALL_BUT_LAST = "all-but-last"
    """Only the last one along `axis` is right."""
    ALL_BUT_FIRST = "all-but-first"
    """Only the first one along `axis` is right."""
    ONLY = "only"
    """Only these `places` along `axis` are wrong, `several` or one."""
    SIZE = "size"
    """It is off by up to this `part` of its largest entry."""
    NOT_ZERO = "not-zero"
    """It is not zero, which is right."""

    SAMPLES = "samples"
    """A gradient of a part is the mean over these `samples`; its `own` are others."""


@dataclass(frozen=True)
class Measure(Statement):
    """A true statement on a wrong quantity."""

    kind: Measured


def measure(kind: Measured, **values: Value) -> Measure:
    """A statement with some values by their names."""
    return Measure(kind, tuple(sorted(values.items())))


@dataclass(frozen=True)
class Cause:
    """Why one equation is wrong.

    Attributes:
        tag: of the equation.
        mistakes: the ids of the known mistakes that reproduce every entry of every case; if there
            are several, no case tells them apart.
        alone: if there are none, those that do so in this equation, but break others too.
        unseen: if there are none either, those that do so in equations before this one, whose
            quantities are not shown.
        partly: if there are none either, those that reproduce what is wrong, but not what is right.
        measured: true statements on what is wrong, if no mistake explains all of it.
    """

    tag: str
    mistakes: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    measured: tuple[Measure, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """The ids of the known mistakes that are the cause; none if no mistake explains it all."""
        return self.mistakes or self.alone or self.unseen
