"""What is stated of a subject, as a value: a kind, and the numbers that belong to it.

Left out: which kinds there are (`verdict/finding.py`, `diagnosis/measured.py`), and their words.
"""

from dataclasses import dataclass
from enum import StrEnum

Value = bool | int | float | str


@dataclass(frozen=True)
class Statement:
    """A kind with its values.

    Attributes:
        kind: what is stated.
        values: the numbers and names that belong to the kind, in the order of their names.
    """

    kind: StrEnum
    values: tuple[tuple[str, Value], ...] = ()

    def __getitem__(self, name: str) -> Value:
        """The value of this name."""
        return dict(self.values)[name]
