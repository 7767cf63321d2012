"""By which keywords a network takes the constants of another update than the book's.

A constructor or an update that has a parameter of such a name promises the rule: `momentum` or `mu`
for momentum (Nesterov's, if its name or another keyword says so), `beta1` and `beta2` for Adam
(AdamW, if its name says so), `rho` or `decay_rate` for RMSProp. What is kept starts at zero in a
new network, and is not set from outside. Left out: whether the rule is kept to.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.corpus.case import Case
from conformance.model.update_kinds import SGD
from reference.updates import UPDATES

NAMES = {
    "mu": re.compile(r"mu|μ|momentum|moment|mom|beta_?1|β1|b1|momentum_(coef\w*|rate|factor|term)"),
    "rho": re.compile(r"rho|ρ|decay_?rate|alpha|smoothing|beta_?2|β2|b2"),
    "epsilon": re.compile(r"eps(ilon)?|ε"),
}
"""How constants are called."""

INIT, UPDATE = "constructor", "update_mini_batch"


@dataclass(frozen=True)
class UpdateRule:
    """Which updates a network has, and how it is given their constants.

    Attributes:
        names: of the updates; the book's among them if it is that where the constants are 0.
        init: the keywords of the constructor by the constants.
        update: those of `update_mini_batch`.
    """

    names: tuple[str, ...] = (SGD,)
    init: Mapping[str, str] = field(default_factory=dict)
    update: Mapping[str, str] = field(default_factory=dict)

    def made(self, case: Case | None) -> dict[str, float]:
        """The keywords with which a network of a case is made; of no case it is the book's."""
        return self._given(self.init, case)

    def stepped(self, case: Case | None) -> dict[str, float]:
        """The keywords of an update of a case; likewise."""
        return self._given(self.update, case)

    def _given(self, keywords: Mapping[str, str], case: Case | None) -> dict[str, float]:
        if case is None or case.update == SGD:
            return dict.fromkeys(keywords.values(), 0.0) if SGD in self.names else {}
        constants = dict(case.constants)
        return {word: constants[each] for each, word in keywords.items() if each in constants}

    def said(self) -> list[str]:
        """The rule and its keywords, in words."""
        words = [f"{each} as `{word}`" for each, word in {**self.init, **self.update}.items()]
        others = [each for each in self.names if each != SGD]
        return [f"{' and '.join(others)}, {', '.join(words)}"] if others else []


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
    found = {**by_init, **by_update}
    words = f"{name} {kind.__name__}".lower()
    if "mu" in found and "rho" in found:
        rules: tuple[str, ...] = ("adamw" if "adamw" in words else "adam",)
    elif "mu" in found:
        ahead = "nesterov" in words or any("nesterov" in each.lower() for each in (*init, *update))
        rules = (SGD, "nesterov" if ahead else "momentum")
    elif "rho" in found and "epsilon" in found:
        rules = ("rmsprop",)
    else:
        return UpdateRule()
    wanted = UPDATES[rules[-1]].constants
    kept = ({c: w for c, w in each.items() if c in wanted} for each in (by_init, by_update))
    return UpdateRule(rules, *kept)


def _keywords(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that are called like constants, by these."""
    pairs = ((c, word) for c, name in NAMES.items() for word in parameters if name.fullmatch(word))
    found: dict[str, str] = {}
    for constant, word in pairs:
        found.setdefault(constant, word)
    return found
