"""The smallest network on which an equation is wrong, as a record that travels.

Left out: finding it (`find.py`) and showing it (`conformance.report`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

WRONG = "✗ wrong"
"""How the text marks what a subject got wrong."""


@dataclass(frozen=True)
class Example:
    """A small network on which a subject is wrong.

    Attributes:
        case: the id of the rung.
        tags: the equations that are wrong on it.
        text: every equation of the step with its numbers, what the subject said beside it.
        files: a script and the case as JSON, by their names.
    """

    case: str
    tags: tuple[str, ...]
    text: str
    files: Mapping[str, str] = field(default_factory=dict)
