"""Gradients that lack the decay of a loss: what moves the parameters may add it, and decides.

Left out: decays that the loss does not state (`backward/stated_loss.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain

from conformance.backward.findings import Examined
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.syntax import attributes, tree
from conformance.programs.execution import names_in
from conformance.programs.vocabulary import kinds_of
from conformance.shapes.arguments import kinds_taken
from conformance.shapes.attempts import UnfitError
from conformance.shapes.called_updates import tried_update
from conformance.shapes.found import Found
from conformance.shapes.function_sources import definition_of
from conformance.shapes.judge_readings import examined
from conformance.shapes.network_optimisers import judged, ways
from conformance.shapes.reading import PlainRun, Reading


def with_decay_of_updates(found: Found, names: Sequence[str]) -> Found:
    """The verdict, where gradients lack the decay of the loss: that without it, if it is added.

    What the parameters are moved by is judged by the same loss: it is right where the gradients are
    without the decay, or it has lines to blame. Where nothing moves them, gradients that are not
    told the rate of the decay need none.

    Args:
        found: the verdict.
        names: of the functions and methods that may move parameters.
    """
    again, known = found.again, found.examined
    bare: Examined | None = known.undecayed
    if bare is None or not isinstance(again, PlainRun):
        return found
    moved = [each for each in _moves(again.reading, names) if each.cost == "own"]
    told = (each for each in moved if all(one.mends for one in each.accused) and each.accused)
    right = any(_wrong(each) <= _wrong(bare) for each in moved)  # if not by one rule
    unknown = not moved and (_is_not_handed(again.reading) or _is_read_elsewhere(again.reading))
    if not right and not unknown:
        return replace(found, examined=next(told, known))
    taken = replace(found.recognised, undecayed=unknown)
    return replace(found, recognised=taken, examined=bare)


def _wrong(examined: Examined) -> set[str]:
    return {each.name for each in examined.gradients if not each.ok}


def _is_not_handed(reading: Reading) -> bool:
    """Whether a loss is handed the rate of its decay, and what gives its gradients is not."""
    roles = {"loss": False, "gradients": False, "backward": False}
    for call, function, _ in reading.run.results:
        if call.role in roles:
            roles[call.role] |= "penalty" in kinds_taken(function)
    return roles.pop("loss") and not any(roles.values())


def _is_read_elsewhere(reading: Reading) -> bool:
    """Whether something else in the file reads the rate of a decay, and that of a step."""
    functions = [getattr(each, "__func__", each) for _, each, _ in reading.run.results]
    called = {*map(definition_of, functions)}
    file = next((each.__code__.co_filename for each in functions if hasattr(each, "__code__")), "")
    others = (
        each
        for each in ast.walk(tree(file) or ast.Pass())
        if isinstance(each, ast.FunctionDef) and each.name != "__init__" and each not in called
    )
    read = (names_in(each, ast.Load) | attributes(each) for each in others)
    kinds = ({kind for name in names for kind in kinds_of(name)} for names in read)
    return any(each >= {"penalty", "rate"} for each in kinds)


def _moves(reading: Reading, names: Sequence[str]) -> Iterator[Examined]:
    """What is known of that which moves parameters: in the run, by name, or made of the network."""
    if reading.places.moved:
        with suppress(UnfitError, NotAGradientError):
            made = reading.beginning_with(reading.run.begun)
            alone = replace(made, places=replace(made.places, direct=()))
            yield examined(alone, None, decays=False)
    module = reading.plan.module
    kinds = [e for e in vars(module).values() if isinstance(e, type)]
    kinds = [each for each in kinds if each.__module__ == module.__name__]
    by_name = (tried_update(reading, name).ran for name in names)
    of_kinds = (judged(e.tried, kind.__name__) for kind in kinds for e in ways(kind, reading))
    for ran in chain(by_name, of_kinds):
        if ran is not None and ran.updates > 1 and not ran.unjudged:
            yield ran.examined
