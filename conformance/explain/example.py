"""The smallest network on which an equation is wrong, as a record that travels.

Left out: finding it (`step_lines.py`) and showing it (`report`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

WRONG = "✗ wrong"
"""How the text marks what a subject got wrong."""


@dataclass(frozen=True)
class Row:
    """One equation of a worked example as it is written, for tables.

    Attributes:
        tag: of the equation, such as BP2; empty for σ′, a part of BP1 and BP2.
        symbol: what is computed, such as `δ2[0,1]`.
        formula: in symbols.
        numbers: the same with numbers put in.
        result: what is right, from these numbers.
        yours: what the subject showed, if it is wrong or follows from what is; else empty.
        status: `fail`, `explained`, `pass` or `not observed`.
        remark: what explains it, or what is wrong with its shape.
        of: the shape of the whole quantity, where one entry stands for all.
    """

    tag: str
    symbol: str
    formula: str
    numbers: str
    result: str
    yours: str = ""
    status: str = "not observed"
    remark: str = ""
    of: str = ""


@dataclass(frozen=True)
class Example:
    """A small network on which a subject is wrong.

    Attributes:
        case: the id of the case.
        tags: the equations that are wrong on it.
        text: every equation of the step with its numbers, what the subject said beside it.
        files: a script and the case as JSON, by their names.
        heading: the network and the step in words.
        given: what the step starts from, by names as they are written.
        rows: the equations of `text` one by one.
    """

    case: str
    tags: tuple[str, ...]
    text: str
    files: Mapping[str, str] = field(default_factory=dict)
    heading: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
