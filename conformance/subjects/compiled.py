"""A subject whose steps are compiled, which takes so long that few cases are put to it."""

from dataclasses import dataclass

from conformance.corpus.case import Case
from conformance.subjects import Subject

COMPILED = ("hand-2-3-1", "square-4-4-4-4", "relu-softmax-4-4-4-3")
"""Cases that are compiled: each of another shape takes the compiler some seconds."""


@dataclass(frozen=True)
class CompiledSubject(Subject):
    """The twin, compiled, in a few cases."""

    def unfit(self, case: Case) -> str:
        """Why a case cannot be put to the subject, or nothing."""
        few = case.id.removesuffix("-float32") in COMPILED
        return super().unfit(case) if few else "is compiled in a few cases alone"
