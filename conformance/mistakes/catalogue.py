"""All known mistakes by their ids.

Left out: how one is shown (`proof/show_proof.py`) and recognised (`diagnosis`).
"""

from conformance.mistakes.backward import BACKWARD
from conformance.mistakes.data_mistakes import DATA
from conformance.mistakes.decay_mistakes import DECAY
from conformance.mistakes.dropout import DROPOUT
from conformance.mistakes.family_mistakes import FAMILIES
from conformance.mistakes.forward import FORWARD
from conformance.mistakes.loops import LOOPS
from conformance.mistakes.mistake import Mistake
from conformance.mistakes.optimiser_mistakes import OPTIMISERS
from conformance.mistakes.output_mistakes import OUTPUT
from conformance.mistakes.processes import PROCESSES
from conformance.mistakes.update_mistakes import UPDATES

_STEP = (*FORWARD, *OUTPUT, *FAMILIES, *DROPOUT, *BACKWARD, *UPDATES, *OPTIMISERS, *DECAY)
_ALL = (*_STEP, *LOOPS, *DATA)

CATALOGUE: dict[str, Mistake] = {each.id: each for each in sorted(_ALL, key=lambda each: each.id)}

ALL = {**CATALOGUE, **PROCESSES}
"""The same, and those of several processes, which only these can make."""
