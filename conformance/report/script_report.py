"""The report on a script: that on its gradients, and what is said of its updates.

Left out: what is known (`script_outcome.py`), and the words on its gradients (`backward_words.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.backward.findings import ADDS
from conformance.report.backward_report import BackwardReport
from conformance.report.backward_words import blame_lines, names_text
from conformance.report.visible import visible
from conformance.script_outcome import RULES, Ran, Rule


@dataclass(frozen=True, repr=False)
class ScriptReport(BackwardReport):
    """What is known of a script that trains a network.

    Attributes:
        ran: what is known beside its gradients.
    """

    ran: Ran

    @property
    def exit_code(self) -> int:
        """0 right, 1 wrong, 3 if how a parameter is moved could not be judged."""
        return 3 if self.examined.ok and [*_unjudged(self.ran)] else super().exit_code

    def __str__(self) -> str:
        """Three lines first: what is wrong, on which line, why."""
        return "\n".join(
            [*_not_judged(self), super().__str__(), *(f"note: {each}" for each in notes(self.ran))]
        )

    def in_one_line(self) -> str:
        """The program, the verdict, and the first line to blame with the reason."""
        said = super().in_one_line()
        return "; ".join([said, *_not_judged(self)])

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, by `report/backward.schema.json`."""
        return {**super().to_json(), "script": to_json(self.ran)}

    def as_markdown(self) -> str:
        """The report as GitHub-flavoured Markdown."""
        from conformance.report.gfm import text

        said = [*_not_judged(self), *notes(self.ran)]
        return super().as_markdown() + "\n" + "".join(f"- {text(e)}\n" for e in said)

    def further(self) -> list[str]:
        """How it moves its parameters, and how it ended."""
        return [*_not_judged(self), *notes(self.ran)]


@dataclass(frozen=True, repr=False)
class UpdateReport(ScriptReport):
    """What is known of a class that moves parameters, by gradients of ours."""

    def __str__(self) -> str:
        """What is wrong, on which line, why; then the rule."""
        return "\n".join(_update_lines(self.name, self.ran))

    def in_one_line(self) -> str:
        """The class, the verdict, and the first line to blame with the reason."""
        return super().in_one_line() if self.blames else str(self).splitlines()[0]


SATURATED = "at saturated outputs its derivative is that of an ε, a bound or none"

MANY = 12  # parameters, beyond which their names are not all said


def notes(ran: Ran) -> Iterator[str]:
    """What is said, sentence by sentence."""
    names = list(ran.parameters[:MANY])
    if len(ran.parameters) > MANY:
        names.append(f"{len(ran.parameters) - MANY} more")
    count = "1 update" if ran.updates == 1 else f"{ran.updates} updates"
    count = count if ran.updates else "no updates; judged are the gradients that are attached to"
    of = " of" if ran.updates else ""
    if names:
        yield visible(f"{count}{of} {', '.join(names)}{_rule(ran.rule)}")
    for each in dict.fromkeys(map(_rule, ran.later)):
        if each != _rule(ran.rule):
            yield visible(f"a later training{each}")
    if ran.at > 1 and not ran.examined.ok:
        yield f"the numbers are those of update {ran.at}"
    for kind, text in ran.notes:
        said = {
            "failed": f"after these updates it {text}",
            "time": f"it was stopped after {text} s",
            ADDS: "it adds the gradients, which are those of minus the cost: a convention",
            "unfollowed": f"what it computes with {text} is not followed",
            "later": f"it was stopped before {text}, where another training begins: not judged",
            "unchanged": f"not judged are the updates that change no parameter: {text}",
            "twice": f"not judged are the updates that move a row twice: {text}",
            "back": f"not judged are the updates that take back the one before: {text}",
            "loss": f"it computes a loss ({text}), of which these are not the gradients",
            "grows": f"it goes up the number of {text}: nothing tells that it has to get less",
            "rate": f"{text}, a rate of its own",
            "unseen": f"{text} is not judged: by what it is updated was not seen to be computed",
            "unread": f"{text} is computed, and not used",
            "frozen": f"{text} is used as the parameters are, and is not updated",
            "saturated": f"it computes a loss ({text}); {SATURATED}",
            "untried": f"{text} is not tried",
            "without": f"it was given {text} other than 0, and no update has anything of it",
            "used": f"{'of ' * bool(text)}{text}, only what these updates use is judged".lstrip(
                ", "
            ),
            "itself": "found where the file itself trains; with generated data no mistake is found",
            "decays alone": "λ w is taken off, whatever η is, where AdamW of PyTorch has η λ w",
            "training": f"this is training {text} of the script; no mistake was found before it",
            "unjudged": f"training {text} of the script was tried, and is not judged",
            "memory": f"it was stopped after {text} GB were recorded",
            **{f"by {key}": f"{text} is moved by {name}" for key, name in RULES.items()},
        }
        if kind in said:
            yield visible(said[kind])


def _not_judged(report: ScriptReport) -> Iterator[str]:
    """That some parameters are moved as is not known, where all else is right."""
    if report.exit_code == 3:  # noqa: PLR2004 - that of not judged
        yield from map(visible, _unjudged(report.ran))


def _unjudged(ran: Ran) -> Iterator[str]:
    """The updates that are not judged, each with why."""
    if ran.unjudged:
        names = names_text(ran.unjudged)
        yield f"not judged: the updates of {names}: those of no rule that is known"
    for kind, text in ran.notes:
        if kind == "aside":
            yield f"not judged: the updates of {text}: no gradient of it is in them"


def _update_lines(name: str, ran: Ran) -> list[str]:
    """The report on a class that moves parameters, line by line."""
    lines: list[str] = []
    for each in ran.examined.accused:
        lines += ([""] if lines else []) + blame_lines(each)
    lines = lines or [f"{name}: its updates are right"]
    return [*map(visible, lines), *(f"note: {each}" for each in notes(ran))]


def _rule(rule: Rule) -> str:
    kind = rule.kind.removeprefix("uncorrected ")
    if kind not in RULES:
        return ""
    less = "" if kind == rule.kind else " without the correction of its first steps"
    numbers = ", ".join(f"{name} = {value:.6g}" for name, value in rule.numbers)
    return f", by {RULES[kind]}{less}" + (f": {numbers}" if numbers else "")


def to_json(ran: Ran) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "parameters": list(ran.parameters),
        "updates": ran.updates,
        "at": ran.at,
        "rule": {"kind": ran.rule.kind, **dict(ran.rule.numbers)},
        "notes": [visible(each) for each in notes(ran)],
    }
