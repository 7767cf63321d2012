"""Which recorded value is which quantity of the book's step.

A recorded value is a quantity if it satisfies the quantity's equation from what the program itself
computed before, and something was made of it that its own consumers' equations make. Where there is
no such value, the one is taken of which those equations were made: a wrong quantity is known by its
use. Both are decided on balls, by equality, in a run whose numbers are generic.

Left out: the run (`subjects/book`), what is judged of it, and the line (`blame.py`).
"""

from conformance.tracing.deltas import ErrorSearch
from conformance.tracing.lookup import Lookup
from conformance.tracing.nablas import GradientSearch
from conformance.tracing.run import Roles, Run
from conformance.tracing.uses import Uses
from conformance.tracing.z_and_a import ForwardSearch


def roles_in(run: Run) -> Roles:
    """Where the quantities of a step are."""
    lookup = Lookup(run)
    uses = Uses(lookup)
    ForwardSearch(uses).search()
    ErrorSearch(uses).search()
    GradientSearch(lookup).search()
    return lookup.roles
