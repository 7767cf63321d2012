"""Gradients that lack the decay of a loss: what moves the parameters may add it, and decides.

Left out: decays that the loss does not state (`backward/stated_loss.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from conformance.backward.findings import Examined
from conformance.backward.recorded_pass import NotAGradientError
from conformance.shapes.arguments import kinds_taken
from conformance.shapes.attempts import UnfitError
from conformance.shapes.called_updates import tried_update
from conformance.shapes.found import Found
from conformance.shapes.judge_readings import examined
from conformance.shapes.reading import PlainRun, Reading


def with_decay_of_updates(found: Found, names: Sequence[str]) -> Found:
    """The verdict, where nothing is wrong but that gradients lack the decay of the loss.

    What the parameters are moved by is judged by the same loss: it is right, or it has lines to
    blame. Where nothing moves them, gradients that are not told the rate of the decay are right.

    Args:
        found: the verdict.
        names: of the functions and methods that may move parameters.
    """
    again, known = found.again, found.examined
    if not known.undecayed or not isinstance(again, PlainRun):
        return found
    moved = [each for each in _moves(again.reading, names) if each.cost == "own"]
    told = (each for each in moved if all(one.mends for one in each.accused) and each.accused)
    if not any(each.ok for each in moved) and (moved or not _is_not_handed(again.reading)):
        return replace(found, examined=next(told, known))
    right = tuple(replace(each, ok=True) for each in known.gradients)
    taken = replace(found.recognised, undecayed=not moved)
    return replace(found, recognised=taken, examined=replace(known, gradients=right, accused=()))


def _is_not_handed(reading: Reading) -> bool:
    """Whether a loss is handed the rate of its decay, and what gives its gradients is not."""
    roles = {"loss": False, "gradients": False, "backward": False}
    for call, function, _ in reading.run.results:
        if call.role in roles:
            roles[call.role] |= "penalty" in kinds_taken(function)
    return roles.pop("loss") and not any(roles.values())


def _moves(reading: Reading, names: Sequence[str]) -> Iterator[Examined]:
    """What is known of that which moves parameters: in the run itself, and of updates by name."""
    if reading.places.moved:
        with suppress(UnfitError, NotAGradientError):
            made = reading.beginning_with(reading.run.begun)
            alone = replace(made, places=replace(made.places, direct=()))
            yield examined(alone, None, decays=False)
    for name in names:
        ran = tried_update(reading, name).ran
        if ran is not None and ran.updates > 1 and not ran.unjudged:
            yield ran.examined
