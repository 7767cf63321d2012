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
    detail = {"square": "its square", "no square": "the gradient itself"}.get(fault.detail, "")
    what = {
        "ascends": f"`{names}` moves up its gradient, and the others move down",
        "factor": f"the step of `{names}` is {fault.factor:.6g} times that of the others",
        "kept": f"`{names}` keeps nothing from update to update, and the others do",
        "zero": "what is kept from update to update is never written: it is 0 at every update",
        "shared": f"`{names}` and `{fault.other}` keep one and the same array",
        "accumulates": f"the gradients of `{names}` are added up over all updates: "
        "they are never set to 0",
        "rate": f"what `{names}` keeps is multiplied by {fault.factor:.6g}, "
        f"that of the others by {fault.detail}",
        "moment": f"here the mean of the gradient is kept; it has to be that of {detail}",
        "infinite": "the update makes numbers that are not finite of finite ones",
    }
    lines = [f"wrong: the update of {names}"]
    if fault.line is not None:
        lines.append(place(fault.line))
    return [*lines, what[fault.kind]]


def _notes(ran: Ran) -> Iterator[str]:
    yield f"parameters: {', '.join(ran.parameters)}; {_count(ran.updates)} judged"
    if ran.rule.kind in _RULES:
        numbers = ", ".join(f"{name} = {value:.6g}" for name, value in ran.rule.numbers)
        yield f"update: {_RULES[ran.rule.kind]}; {numbers}"
    for kind, text in ran.notes:
        if kind == "failed":
            yield f"note: after these updates it {text}"
        elif kind == "time":
            yield f"note: stopped after {text} s"
        elif kind == "memory":
            yield f"note: stopped after {text} GB were recorded; what came later is left out"


def _count(updates: int) -> str:
    return "1 update" if updates == 1 else f"{updates} updates"


_RULES = {
    "plain": "gradient descent",
    "momentum": "gradient descent with momentum",
    "adam": "Adam",
    "uncorrected adam": "Adam without the correction of its first steps",
    "rmsprop": "RMSProp",
    "adagrad": "AdaGrad",
}
