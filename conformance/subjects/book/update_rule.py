"""By which keywords a network takes the constants of another update than the book's.

A constructor or an update that has a parameter of such a name promises the rule: `momentum` or `mu`
for momentum (Nesterov's, if its name or another keyword says so), `beta1` and `beta2` for Adam
(AdamW, if its name says so), `rho` or `decay_rate` for RMSProp. What is kept starts at zero in a
new network, and is not set from outside. Left out: whether the rule is kept to.
"""

import dis
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.corpus.case import Case
from conformance.model.update_kinds import SGD
from conformance.script_outcome import NO_RULE, RULES, Rule
from reference.updates import UPDATES

NAMES = {
    "mu": re.compile(r"mu|μ|momentum|moment|mom|beta_?1|β1|b1|momentum_(coef\w*|rate|factor|term)"),
    "rho": re.compile(r"rho|ρ|decay_?rate|alpha|smoothing|beta_?2|β2|b2"),
    "epsilon": re.compile(r"eps(ilon)?|ε"),
}
"""How constants are called."""


@dataclass(frozen=True)
class UpdateRule:
    """Which updates a network has, and how it is given their constants.

    Attributes:
        names: of the updates; the book's among them if it is that where the constants are 0.
        init: the keywords of the constructor by the constants.
        update: those of `update_mini_batch`.
        constants: those that it has and is not given.
        other: by which it moves that is none of these, and was judged apart.
    """

    names: tuple[str, ...] = (SGD,)
    init: Mapping[str, str] = field(default_factory=dict)
    update: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    other: Rule | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether it is no rule that is known, by which nothing can be judged."""
        return self.other is not None and self.other.kind == NO_RULE

    def made(self, case: Case | None) -> dict[str, float]:
        """The keywords with which a network of a case is made; of no case it is the book's."""
        return self._given(self.init, case)

    def stepped(self, case: Case | None) -> dict[str, float]:
        """The keywords of an update of a case; likewise."""
        return self._given(self.update, case)

    def _given(self, keywords: Mapping[str, str], case: Case | None) -> dict[str, float]:
        if self.other is not None:
            return {
                w: self.constants[each] for each, w in keywords.items() if each in self.constants
            }
        if case is None or case.update == SGD:
            return dict.fromkeys(keywords.values(), 0.0) if SGD in self.names else {}
        constants = dict(case.constants)
        return {word: constants[each] for each, word in keywords.items() if each in constants}

    def said(self) -> list[str]:
        """The rule and its keywords, in words."""
        words = [f"{each} as `{word}`" for each, word in {**self.init, **self.update}.items()]
        words += [f"{each} = {value:g}" for each, value in self.constants.items()]
        if self.other is not None:
            if self.is_unknown:
                return ["moves by no rule that is known"]
            words = [f"{each} = {value:g}" for each, value in self.other.numbers if each != "η"]
            if not self.other.numbers:
                words = ["with a rate that changes, or bounded gradients or weights"]
            return [", ".join((f"judged apart: moves by {RULES[self.other.kind]}", *words))]
        others = [each for each in self.names if each != SGD]
        return [", ".join((" and ".join(others), *words))] if others else []


def is_read(function: Callable[..., Any], parameter: str) -> bool:
    """Whether a function may do something with a parameter: its code reads it, or hands it on."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if (
        code is None
        or parameter not in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    ):
        return True  # it stands in what is handed on
    return any(
        each.argval == parameter and each.opname.startswith("LOAD")
        for each in dis.get_instructions(code)
    )


def update_rule(
    init: Mapping[str, Any], update: Mapping[str, Any], name: str, kind: Callable[..., Any]
) -> UpdateRule:
    """The rule that the parameters of a constructor and of an update promise.

    Args:
        init: the parameters of the constructor.
        update: those of the update behind the mini-batch and η.
        name: of the class.
        kind: what it makes.
    """
    by_init, by_update = _keywords(init), _keywords(update)
    rule = _named({**by_init, **by_update}, f"{name} {kind.__name__}", (*init, *update))
    if rule == SGD:
        return UpdateRule()
    wanted = UPDATES[rule].constants
    by_init, by_update = (
        {c: w for c, w in each.items() if c in wanted} for each in (by_init, by_update)
    )
    return UpdateRule((rule,) if "rho" in wanted else (SGD, rule), by_init, by_update)


def _named(found: Collection[str], words: str, names: Iterable[str]) -> str:
    """The update that has these constants, by what the class and everything it takes is called."""
    words = " ".join((words, *names)).lower()
    if "mu" in found and "rho" in found:
        return "adamw" if "adamw" in words else "adam"
    if "mu" in found:
        return "nesterov" if "nesterov" in words else "momentum"
    return "rmsprop" if "rho" in found and "epsilon" in found else SGD


def _keywords(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that are called like constants, by these."""
    pairs = (
        (c, word)
        for c, name in NAMES.items()
        for word in parameters
        if name.fullmatch(word.lower())
    )
    found: dict[str, str] = {}
    for constant, word in pairs:
        found.setdefault(constant, word)
    return found
