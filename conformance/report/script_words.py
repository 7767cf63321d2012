"""What is said of a script that was run: what is wrong, which line, why; how it updates.

Left out: what is known (`script/findings.py`).
"""

from collections.abc import Iterator

from conformance.report.backward_words import place
from conformance.report.backward_words import report_lines as backward_lines
from conformance.report.visible import visible
from conformance.script.findings import Fault, Ran


def report_lines(ran: Ran) -> list[str]:
    """The whole report, line by line."""
    lines = [line for each in ran.faults for line in fault_lines(each)]
    right = all(each.ok for each in ran.examined.gradients)
    if lines and right:
        lines.append(f"all {len(ran.examined.gradients)} gradients are right")
    else:
        lines += backward_lines(ran.script, ran.examined)
    return [visible(each) for each in (*lines, *_notes(ran))]


def fault_lines(fault: Fault) -> list[str]:
    """What is wrong with an update, which line, why."""
    names = " and ".join(fault.names)
    what = {
        "ascends": f"`{names}` moves up its gradient, and the others move down",
        "factor": f"the step of `{names}` is {fault.factor:.6g} times that of the others",
    }
    lines = [f"wrong: the update of {names}"]
    if fault.line is not None:
        lines.append(place(fault.line))
    return [*lines, what[fault.kind]]


def _notes(ran: Ran) -> Iterator[str]:
    yield f"parameters: {', '.join(ran.parameters)}; {ran.updates} updates judged"
    for kind, text in ran.notes:
        if kind == "failed":
            yield f"note: after these updates it {text}"
        elif kind == "time":
            yield f"note: stopped after {text} s"
        elif kind == "memory":
            yield f"note: stopped after {text} GB were recorded; what came later is left out"
