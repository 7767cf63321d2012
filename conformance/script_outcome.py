"""What is known of a script that was run: values, no prose.

Left out: the words (`report/script_report.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from conformance.backward.findings import OWN, Examined
from reference.step import Array

ENDED = "ended"  # what the process of a script sends before the script is judged


RULES = {
    "plain": "gradient descent",
    "momentum": "gradient descent with momentum",
    "nesterov": "gradient descent with the momentum of Nesterov",
    "qhm": "quasi-hyperbolic momentum",
    "adam": "Adam",
    "rmsprop": "RMSProp",
    "adagrad": "AdaGrad",
    "nadam": "NAdam",
    "amsgrad": "AMSGrad",
    "adamax": "AdaMax",
    "adabelief": "AdaBelief",
    "adadelta": "AdaDelta",
    "lion": "Lion",
    "signs": "the signs of the gradients",
    "signum": "the signs of means of the gradients",
    "exponentiated": "exponentiated gradients",
    "mixed": "steps that are not judged: they mix the entries of the gradient, as Newton's do",
}
"""What each rule is called, by its kind."""

KIN_OF_ADAM = ("adam", "nadam", "amsgrad", "adamax", "adabelief")

OF_CORRECTIONS = frozenset((
    "uncorrected", "uncorrected mean", "uncorrected square", "correction mean",
    "correction square", "base mean", "base square", "rate mean", "rate square", "exchanged",
    "root of correction", "stuck", "late", "steps", "kept corrected", "rest",
))  # fmt: skip
"""Causes of what the corrections of Adam are made of."""

NO_RULE = "other"
"""The kind of a rule that is none of these."""


@dataclass(frozen=True)
class Rule:
    """How parameters are moved.

    Attributes:
        kind: `plain`, `momentum`, `nesterov`, `adagrad`, `rmsprop`, `adam` and its kin (`nadam`,
            `amsgrad`, `adamax`, `adabelief`, `adadelta`), `lion`, `signs`, `exponentiated`,
            `mixed`; `other` if it is none of them; `unknown` if there are too few updates to tell.
        numbers: of the rule, by the names that they have in it: η, μ, β1, β2, ε, λ.
    """

    kind: str
    numbers: tuple[tuple[str, float], ...] = ()

    def without_rate(self) -> "Rule":
        """The rule without η, as where each step has its own by the norm of its gradient."""
        return replace(self, numbers=tuple(each for each in self.numbers if each[0] != "η"))


@dataclass(frozen=True)
class NextValue:
    """A parameter, or what an update keeps, after an update.

    Attributes:
        name: what the script calls it.
        update: which one it is, from 1.
        old: its value before this one.
        new: its value after.
        rights: what it had to be, by each factor that all gradients may have.
        lines: that lead to its computation, each with its file.
        occurrence: how many times the first of them has been run then, if what the script calls it
            is known there alone; else 0.
        others: what else the script calls it, in other functions.
    """

    name: str
    update: int
    old: Array
    new: Array
    rights: tuple[Array, ...]
    lines: tuple[tuple[str, int], ...]
    occurrence: int = 0
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Training:
    """Where a training of a script runs.

    Attributes:
        loop: the file and the line of the loop around its updates.
        lines: those that led to its updates, each with its file.
    """

    loop: tuple[str, int]
    lines: tuple[tuple[str, int], ...]

    def is_within(self, others: Sequence["Training"]) -> bool:
        """Whether it runs no lines but those of others."""
        return {*self.lines} <= {line for each in others for line in each.lines}


@dataclass(frozen=True)
class Ran:
    """A script that was run, and what it trains.

    Attributes:
        script: its path.
        parameters: their names.
        updates: how many of them were judged.
        examined: the gradients of the first update that is wrong, or of one that is right; with
            what is wrong with the updates.
        at: which one that is, from 1.
        rule: how the parameters are moved, or most of them.
        unjudged: those that are moved by no rule that is known.
        notes: what else is said, as pairs of a kind and a text of the script's own.
        next_values: what the update that was judged has to make of the parameters, in the process
            that judged, if some gradients are wrong.
        within: the names of the classes and functions of the script that led to the updates.
        operations: of which all results go into the parameters: the file, the line, the source, or
            none where all of the line does.
        training: where it runs, if another one may follow.
        later: how the parameters are moved in trainings after it that run other lines.
    """

    script: str
    parameters: tuple[str, ...]
    updates: int
    examined: Examined
    at: int = 1
    rule: Rule = Rule("unknown")
    unjudged: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    next_values: tuple[NextValue, ...] = field(default=(), compare=False, repr=False, metadata=OWN)
    within: tuple[str, ...] = ()
    operations: tuple[tuple[str, int, str], ...] = field(default=(), compare=False, repr=False)
    training: Training | None = field(default=None, compare=False, repr=False)
    later: tuple[Rule, ...] = ()


def is_judged_as_far(other: Ran, ran: Ran) -> bool:
    """Whether one run is judged as far as another, and moves its parameters by the same rule.

    Those too that the other one was to move, and as often: it has not stopped. Where that is no
    known rule, by one that keeps as much: plain descent is another program.
    """
    accused = ran.examined.accused
    asked = {*ran.parameters, *(name for each in accused for name in each.gradients)}
    lost = {name for e in accused if e.cause.kind == "forgets" for name in e.gradients}
    moved = asked <= {*other.parameters} and other.updates >= ran.updates
    same = moved and {*other.unjudged} <= {*ran.unjudged} - lost
    known = other.examined.cost != "unknown" or ran.examined.cost == "unknown"
    kind, causes = other.rule.kind, {each.cause.kind for each in accused}
    plain = ran.rule.kind == "plain" and bool(causes & {"zero", "forgets"})
    if ran.rule.kind not in (NO_RULE, Rule("unknown").kind) and not plain:
        return same and known and kind == ran.rule.kind
    if "steps kept" in causes:  # without them it would be RMSProp
        return same and known and kind == "adadelta"
    return same and known and (kind in KIN_OF_ADAM if causes & OF_CORRECTIONS else kind != "plain")
