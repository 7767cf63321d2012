"""What is said of a script by its trace: its parameters, each update, the rule.

Left out: running it (`child.py`).
"""

from collections.abc import Sequence

from conformance.backward.program import NotAGradientError
from conformance.errors import SubjectError
from conformance.script.findings import Ran
from conformance.script.judge import judged
from conformance.script.names import Held, names
from conformance.script.parameters import Parameter, steps
from conformance.script.rule import faults
from conformance.tracing.trace import Trace

Notes = Sequence[tuple[str, str]]


def conclude(
    script: str,
    trace: Trace,
    found: Sequence[Parameter],
    variables: Sequence[Held],
    most: int,
    notes: Notes,
) -> Ran:
    """What is known of a script.

    Args:
        script: its path.
        trace: of its run.
        found: its parameters.
        variables: what its variables held when it ended.
        most: updates that are judged.
        notes: what is to be said beside.

    Raises:
        SubjectError: nothing can be judged.
    """
    count = min(steps(found), most)
    if not count:
        raise SubjectError(_nothing(trace, notes))
    moved = [each for each in found if each.chain.count >= count]
    said = names([each.values for each in moved], variables)
    try:
        results = [judged(trace, moved, said, k) for k in range(1, count + 1)]
    except (NotAGradientError, NotImplementedError) as error:
        raise SubjectError(f"its gradients cannot be judged: {error}") from error
    at = next((i for i, each in enumerate(results) if not each.ok), 0)
    wrong = faults(results, said)
    return Ran(
        script,
        tuple(said),
        count,
        results[at].examined,
        at + 1,
        faults=tuple(wrong),
        own_loss=results[at].own_loss,
        notes=tuple(notes),
    )


def _nothing(trace: Trace, notes: Notes) -> str:
    """Why there is nothing to judge."""
    said = dict(notes)
    if "time" in said:
        where = f", in {said['at']}" if said.get("at") else ""
        return f"it ran for {said['time']} s and updated no parameter{where}"
    if not trace.nodes:
        return "it ran to its end and computed nothing with NumPy"
    return "it ran to its end and updated no parameter: no array moved by what was computed from it"
