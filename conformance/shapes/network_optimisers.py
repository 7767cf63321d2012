"""What moves the parameters of the file's own network: `Optimizer(model.layers).step()`.

It is made with what the network holds, and called after the gradients are there. Left out: classes
that are given gradients, which are called with ours (`optimisers.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, product
from typing import Any

from conformance.backward.syntax import defined_around
from conformance.programs.vocabulary import bare, is_role, kinds_of
from conformance.script_outcome import Ran
from conformance.shapes.arguments import RATE, method_of, needed
from conformance.shapes.attempts import Attempt
from conformance.shapes.called_updates import Tried, computes_of_gradients, tried_update
from conformance.shapes.found import Found
from conformance.shapes.holders import holds, is_named_as_a_move, number_of
from conformance.shapes.plans import methods
from conformance.shapes.reading import PlainRun, Reading
from conformance.shapes.recorded_updates import is_right, wrong_in

MOST = 4
"""The ways of making one that are tried."""

Owner = Callable[[Attempt], Any]
"""Makes it of a run, and what it is made of is the run's own network."""


@dataclass(frozen=True)
class Moving:
    """A class that is made of what a network holds, and what its updates come to.

    Attributes:
        again: what is known of them, as its code is then; None if nothing is.
        ran: what is known of them.
        still: the name of its method, where it computes with the gradients and moves nothing.
    """

    again: Callable[[], Ran | None]
    ran: Ran | None = None
    still: str = ""


def network_optimiser(kind: type, known: Sequence[Found]) -> Moving | None:
    """What is known of a class by a network of the same file that is right; None if it is none."""
    right = [(e, e.again.reading) for e in known if isinstance(e.again, PlainRun) and e.examined.ok]
    moving: Moving | None = None
    for found, reading in right:
        own = found.examined.cost == "own"  # else it may be of another pass
        for way in ways(kind, reading, without="update" if own else "update loss"):
            if not _takes_gradients(reading, way):
                continue
            made = way.tried()
            again = partial(judged, way.tried, kind.__name__)
            if (ran := _of(made, kind.__name__)) is not None:
                return Moving(again, ran)
            if made.moves:
                moving = Moving(again)
            elif moving is None and is_role(way.method, "update") is not None:
                moving = Moving(again, still=way.method)
    return moving


@dataclass(frozen=True)
class Way:
    """A way in which a class is made of what a network holds, and moves its parameters."""

    method: str
    owner: Owner
    tried: Callable[[], Tried]


def ways(kind: type, reading: Reading, without: str = "update") -> Iterator[Way]:
    """The ways of a class, the likeliest first.

    Args:
        kind: the class.
        reading: of the network.
        without: as in `tried_update`.
    """
    network = reading.run.roots.get("self")
    moving = [] if network is None else [e for e, _ in methods(kind) if is_named_as_a_move(e)]
    for name in moving[:1]:
        for owner in islice(_owners(kind, name, network), MOST):
            tried = partial(tried_update, reading, name, owner=owner, without=without)
            yield Way(name, owner, tried)


def _takes_gradients(reading: Reading, way: Way) -> bool:
    """Whether an update computes with the gradients that are there; what trains has its own."""
    trains = is_role(way.method, "update") is None
    return trains or computes_of_gradients(reading, way.method, way.owner)


def judged(tried: Callable[[], Tried], name: str) -> Ran | None:
    """What is known of the updates of a class, as those of `_of`."""
    return _of(tried(), name)


def _of(tried: Tried, name: str) -> Ran | None:
    """What is known of updates, if they are right, or wrong in a line of their class."""
    ran = tried.ran
    if ran is None or not (is_right(ran) or ran.examined.accused) or ran.unjudged:
        return None
    own = all(e.lines and defined_around(e.lines[0]) == name for e in ran.examined.accused)
    return ran if own or wrong_in(ran) is not None else None


def _owners(kind: type, method: str, network: Any) -> Iterator[Owner]:
    """The ways of making a class of what a network holds, or of handing it to its method.

    There are none if neither asks for anything of it.
    """
    names = [each.name for each in needed(kind)]
    handed = [each.name for each in needed(method_of(kind, method)) if _is_of_a_network(each.name)]
    if any(map(_is_of_a_network, (*names, *handed))):
        for chosen in product(*(_given(each, network) for each in (*names, *handed))):
            of_kind, of_method = chosen[: len(names)], chosen[len(names) :]
            given = (
                dict(zip(names, of_kind, strict=True)),
                dict(zip(handed, of_method, strict=True)),
            )
            yield partial(_made, kind, *given)


def _made(kind: type, given: Mapping[str, Owner], handed: Mapping[str, Owner], run: Attempt) -> Any:
    """An object of the class; what its method is handed is noted by the names of arguments."""
    run.scope.names |= {name: each(run) for name, each in handed.items()}
    return kind(**{name: each(run) for name, each in given.items()})


def _given(name: str, network: Any) -> list[Owner]:
    """What an argument may be given of a run, by its name, the likeliest first."""
    if not _is_of_a_network(name):
        number = number_of(name, RATE)
        return [lambda run: run.scope.value(name)[1] if run.scope.value(name)[0] else number]
    held = [each for each in getattr(network, "__dict__", ()) if holds(each)]
    asked = [each for each, _ in methods(type(network)) if holds(each) and _is_alone(network, each)]
    parts: list[Owner] = [partial(_part, each, asks=False) for each in held]
    parts += [partial(_part, each, asks=True) for each in asked]
    same = [each for each, e in zip(parts, (*held, *asked), strict=True) if bare(e) == bare(name)]
    return same or [*parts, lambda run: run.roots["self"]]


def _is_of_a_network(name: str) -> bool:
    """Whether an argument is a network, or what one holds, by its name: `x` is inputs, too."""
    return holds(name) and not {"inputs", "targets"} & {*kinds_of(name)}


def _part(name: str, run: Attempt, *, asks: bool) -> Any:
    """What a network holds, or gives if it is asked."""
    found = getattr(run.roots["self"], name)
    return found() if asks else found


def _is_alone(network: Any, name: str) -> bool:
    """Whether a method needs nothing."""
    return not needed(getattr(network, name))
