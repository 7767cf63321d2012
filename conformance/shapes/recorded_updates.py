"""What several recorded updates tell of right gradients: that they are those of a rule, or wrong.

Left out: making them (`called_updates.py`).
"""

from dataclasses import replace

from conformance.backward.findings import UPDATES, Accused, Examined
from conformance.backward.syntax import function_around
from conformance.script_outcome import RULES, Ran
from conformance.shapes.found import Found

UNSEEN = {"aside", "still", "unkept", "stops", "idle"}
"""The causes that an update has which is not followed."""


def is_uneven(ran: Ran) -> bool:
    """Whether the output error is that of a known cost times another number at each update."""
    return ran.updates > 1 and {each.cause.kind for each in ran.examined.accused} == {"output"}


def with_wrong_output(examined: Examined, uneven: Examined) -> Examined:
    """What is known of gradients by their names, with the blame of an uneven output error."""
    gradients = tuple(replace(each, ok=False) for each in examined.gradients)
    names = tuple(each.name for each in gradients)
    accused = tuple(replace(each, gradients=names) for each in uneven.accused)
    return replace(examined, gradients=gradients, accused=accused)


def is_right(ran: Ran) -> bool:
    """Whether several updates are those of a rule, with right gradients."""
    return ran.updates > 1 and ran.examined.ok and not ran.unjudged and ran.rule.kind in RULES


def wrong_in(ran: Ran) -> Accused | None:
    """What is wrong with the updates, if it is they that move each parameter wrongly."""
    wrong = [each for each in ran.examined.accused if each.cause.kind in UPDATES - UNSEEN]
    blamed = {name for each in wrong for name in each.gradients}
    right = all(each.ok or each.name in blamed for each in ran.examined.gradients)
    told = right and ran.updates and not ran.unjudged
    return wrong[0] if told and wrong and wrong[0].lines else None


def wrong_sums(found: Found, name: str, ran: Ran, steps: int) -> Accused | None:
    """What an update makes wrongly of right gradients, such as the last one in the place of a sum.

    By the cost that makes them right, others are right in the same updates.
    """
    examined, wrong = ran.examined, ran.examined.accused
    known = examined.cost == found.examined.cost and ran.rule.kind in RULES and not ran.unjudged
    part = any(each.ok for each in examined.gradients) and all(each.mends for each in wrong)
    if ran.updates < steps or not (known and part and wrong):
        return None
    around = function_around(wrong[0].lines[0]) if wrong[0].lines else None
    return wrong[0] if around is not None and around.name == name else None


def said(name: str, ran: Ran) -> str:
    """An update with the rule that it is of."""
    return f"{name}: {RULES[ran.rule.kind]}"
