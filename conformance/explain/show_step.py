"""`conformance explain`: one step of the reference, every equation of it with numbers in it.

Left out: the command line (`cli`), and the smallest network of a subject
(`mistakes_to_explain.py`).
"""

from collections.abc import Sequence
from difflib import get_close_matches

from conformance.cases.small import batch_of, entries, small_case, start_of
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.errors import UsageError
from conformance.explain.worked import Worked, worked_step

SIZES = (2, 3, 1)
MOST = 2_000_000  # products in a layer's z or ∇w, all samples together: a few seconds


def example(
    case: str | None = None,
    sizes: Sequence[int] | None = None,
    cost: str | None = None,
    samples: int | None = None,
) -> Worked:
    """The worked example of the first step of a case, or of a network of given sizes.

    Raises:
        UsageError: there is no such case, both are given, or the network is too large.
        CorpusError: the case is damaged.
    """
    if case is None:
        return _of_sizes(tuple(sizes or SIZES), cost or "quadratic", samples or 1)
    if sizes is not None or cost is not None or samples is not None:
        raise UsageError("--case has its own sizes, cost and samples: give it alone")
    place = store.root()
    found = _case(case, store.cases(place))
    recorded = store.read(place, found)
    first = recorded.steps[0]
    return worked_step(recorded.case, first.parameters, first.batch)


def _of_sizes(sizes: tuple[int, ...], cost: str, samples: int) -> Worked:
    if entries(sizes) * samples > MOST:
        words = f"--sizes {','.join(map(str, sizes))} with --samples {samples}"
        raise UsageError(f"{words}: more than is worked exactly; give a smaller network")
    case = small_case(sizes, (samples,), cost=cost)
    return worked_step(case, start_of(case), batch_of(case, 0))


def _case(id_: str, cases: Sequence[Case]) -> Case:
    found = {case.id: case for case in cases}
    if id_ not in found:
        near = get_close_matches(id_, found, n=3, cutoff=0.5)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"--case {id_}: no such case; {meant}`conformance fixtures list` has all")
    return found[id_]
