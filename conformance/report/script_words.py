"""What is said of a script beside its gradients: its parameters, the update rule, how it ended.

Left out: what is known (`script_outcome.py`), and its gradients (`backward_words.py`).
"""

from collections.abc import Iterator
from typing import Any

from conformance.backward.findings import ADDS, UPDATES
from conformance.report.backward_words import blame_lines
from conformance.report.visible import visible
from conformance.script_outcome import Ran, Rule

MANY = 12  # parameters, beyond which their names are not all said

RULES = {
    "plain": "gradient descent",
    "momentum": "gradient descent with momentum",
    "nesterov": "gradient descent with the momentum of Nesterov",
    "adam": "Adam",
    "uncorrected adam": "Adam without the correction of its first steps",
    "rmsprop": "RMSProp",
    "adagrad": "AdaGrad",
    "lion": "Lion",
    "signs": "the signs of the gradients",
}
"""What each rule is called, by its kind."""


def notes(ran: Ran) -> Iterator[str]:
    """What is said, sentence by sentence."""
    names = list(ran.parameters[:MANY])
    if len(ran.parameters) > MANY:
        names.append(f"{len(ran.parameters) - MANY} more")
    count = "1 update" if ran.updates == 1 else f"{ran.updates} updates"
    count = count if ran.updates else "no updates; judged are the gradients that are attached to"
    of = " of" if ran.updates else ""
    wrong = any(each.cause.kind in UPDATES for each in ran.examined.accused)
    rule = "" if wrong and ran.rule.kind == "other" else _rule(ran.rule)
    yield visible(f"{count}{of} {', '.join(names)}{rule}")
    if ran.at > 1 and not ran.examined.ok:
        yield f"the numbers are those of update {ran.at}"
    for kind, text in ran.notes:
        said = {
            "failed": f"after these updates it {text}",
            "time": f"it was stopped after {text} s",
            ADDS: "it adds the gradients, which are those of minus the cost: a convention",
            "memory": f"it was stopped after {text} GB were recorded",
        }
        if kind in said:
            yield visible(said[kind])


def update_lines(name: str, ran: Ran) -> list[str]:
    """The report on a class that moves parameters, line by line."""
    lines: list[str] = []
    for each in ran.examined.accused:
        lines += ([""] if lines else []) + blame_lines(each)
    lines = lines or [f"{name}: its updates are right"]
    return [*map(visible, lines), *(f"note: {each}" for each in notes(ran))]


def _rule(rule: Rule) -> str:
    if rule.kind == "other":
        return ", by no rule that is known: how they are moved is not judged"
    if rule.kind not in RULES:
        return ""
    numbers = ", ".join(f"{name} = {value:.6g}" for name, value in rule.numbers)
    return f", by {RULES[rule.kind]}: {numbers}"


def to_json(ran: Ran) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "parameters": list(ran.parameters),
        "updates": ran.updates,
        "at": ran.at,
        "rule": {"kind": ran.rule.kind, **dict(ran.rule.numbers)},
        "notes": [visible(each) for each in notes(ran)],
    }
