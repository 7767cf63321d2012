"""Why an equation is wrong, as a record that travels.

Left out: finding it (`diagnose.py`) and showing it (`report`).
"""

from dataclasses import dataclass

from conformance.diagnosis.measured import Measure


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
