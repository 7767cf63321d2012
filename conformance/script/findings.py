"""What is known of a script that was run: values, no prose.

Left out: the words (`report/script_words.py`).
"""

from dataclasses import dataclass

from conformance.backward.findings import Examined, Line


@dataclass(frozen=True)
class Rule:
    """How parameters are moved.

    Attributes:
        kind: `plain`, `momentum`, `nesterov`, `adagrad`, `rmsprop`, `adam`; `other` if it is none
            of them; `unknown` if there are too few updates to tell.
        numbers: of the rule, by the names that they have in it: η, μ, β1, β2, ε, λ.
    """

    kind: str
    numbers: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something that an update does wrongly though its gradients may be right.

    Attributes:
        kind: which: `ascends`, `factor`, `still`, `shared`, `kept`, `accumulates`, `rule`.
        names: of the parameters.
        line: to blame.
        factor: of `factor`: how many times the step of the other parameters.
        other: what it is beside: the parameter that a state is shared with, the rule that it nearly
            is.
        detail: of `rule`: what is done otherwise.
    """

    kind: str
    names: tuple[str, ...]
    line: Line | None
    factor: float = 1.0
    other: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Ran:
    """A script that was run, and what it trains.

    Attributes:
        script: its path.
        parameters: their names.
        updates: how many of them were judged.
        examined: the gradients of the first update that is wrong, or of the first.
        at: which one that is, from 1.
        rule: how the parameters are moved.
        faults: of the update.
        own_loss: whether the script has a loss that its gradients are judged by.
        notes: what else is said, as pairs of a kind and a text of the script's own.
    """

    script: str
    parameters: tuple[str, ...]
    updates: int
    examined: Examined
    at: int = 1
    rule: Rule = Rule("unknown")
    faults: tuple[Fault, ...] = ()
    own_loss: bool = True
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        gradients = self.examined.gradients
        return bool(gradients) and all(each.ok for each in gradients) and not self.faults
