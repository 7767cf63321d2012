"""What the process of a file does: it judges each candidate, and sends what comes of it.

Left out: making the report of it (`file_check.py`).
"""

import builtins
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from threadpoolctl import threadpool_limits

from conformance.backward.culprit import right_alone
from conformance.file_judging import FileJudging, Send
from conformance.script_outcome import Ran
from conformance.shapes.adapter import adapter, names_of
from conformance.shapes.candidate import Candidate
from conformance.shapes.candidates import candidates, of_class, of_thing
from conformance.shapes.definitions import (
    Definitions,
    definitions,
)
from conformance.shapes.found import (
    Found,
    NotHere,
    NotJudged,
    Recognised,
    Refused,
)
from conformance.values import to_values

LARGER = (-4.0, 16.0)  # times the inputs
APART = 1e-3  # of a gradient: by less an approximation is off, and what is almost saturated


@dataclass(frozen=True)
class Asked:
    """What is to be judged.

    Attributes:
        place: the file.
        name: in the file; None for all that it defines.
        cost: the cost to judge with, in the place of the program's own.
        python_path: folders from which the file may import.
        timeout: the longest silence of its process in seconds.
        as_book: whether what has the interface of the book's network is judged as that.
        edits: whether changes are tried that make a wrong program right.
    """

    place: str
    name: str | None = None
    cost: str | None = None
    python_path: tuple[Path, ...] = ()
    timeout: float = 60.0
    as_book: bool = True
    edits: bool = True

    @property
    def said(self) -> str:
        """As it was given."""
        return self.place if self.name is None else f"{self.place}:{self.name}"


def by_own_forward(
    factory: Callable[..., Any], said: str, name: str, cost: str | None
) -> tuple[Found, Ran | None]:
    """What is known of a class with the book's interface, by its own forward pass, here.

    The second is what is known of its updates, if they are wrong.
    """
    from conformance.subjects.book.book_network import BookNetwork
    from conformance.subjects.book.own_rule import own_rule, wrong_update
    from conformance.subjects.book.traced_runs import check_biases, examined_alone

    ran, rule = None, tuple[str, ...]()
    with threadpool_limits(1):
        network = BookNetwork(factory, said)
        examined = examined_alone(network, cost)
        for scale in LARGER if examined.ok else ():  # beyond the bounds that an activation may have
            beyond = examined_alone(network, cost, scale)
            wrong = (each for each in beyond.gradients if not (each.ok or each.lost))
            examined = beyond if any(each.error > APART for each in wrong) else examined
        if examined.ok:
            check_biases(examined, said)
            network.rule = own_rule(network)
            ran, rule = wrong_update(network), tuple(network.rule.said())
    names = tuple(each.name for each in examined.gradients)
    how = "columns", "one-hot", ("backprop(x, y)",), "returned", names
    return Found(Recognised(f"{name}(sizes)", *how, backward=0, rule=rule), examined), ran


def send_alone(asked: Asked, send: Send) -> None:
    """What the child does: it judges a class with the book's interface by its own forward pass."""
    from conformance.programs.load import load

    thing = cast("Callable[..., Any]", load(asked.said, asked.python_path))
    found, ran = by_own_forward(thing, asked.said, str(asked.name), asked.cost)
    send({"found": to_values(found), "ran": None if ran is None else to_values(ran)})


def send_all(asked: Asked, send: Send) -> None:
    """What the process does: it judges each candidate, and sends it as soon as it is known."""
    found = definitions(asked.place, asked.python_path)
    if found.failed:
        first = found.failed[0]
        send({"failed": to_values(NotHere(first.where, first.why, first.endless))})
    judging = FileJudging(asked.cost, found, send, edits=asked.edits)
    with threadpool_limits(1), _no_exit(), right_alone(judging.right):
        for each in _candidates(asked, found):
            if each.functions & judging.used:  # it was judged as a part of another
                judging.on_discarded(each)
                continue
            send({"tried": each.name})  # its silence is that of one candidate
            judging.judge(each)
        if not judging.judged_any and asked.name is None:
            judging.on_own_calls()
        judging.on_training(asked.place, asked.name)
        judging.on_promised(asked.name)
        judging.on_handed(asked.name)
        classes, functions = judging.unused()
        wanted = [each for each in classes if asked.name in (None, each.__name__)]
        judging.on_optimisers(asked.place, _optimisers(asked, wanted, functions), wanted)
        judging.on_derivatives(asked.place, asked.name)
        judging.on_unjudged()
        for left in {each.name: each for each in judging.left}.values():
            if left.name not in judging.used and not judging.is_of_values(left.name):
                send({"left": to_values(left)})
        if judging.judged_any:
            send({"aside": [each.name for each in judging.unfit]})
        else:
            made = adapter(found, asked.name)
            unfit = tuple(judging.unfit)
            send({"refused": to_values(Refused(asked.said, names_of(found), made, unfit))})


def _optimisers(
    asked: Asked, classes: Sequence[type], functions: Sequence[FunctionType]
) -> "Iterator[tuple[Ran | NotJudged, Callable[[], Ran | None]]]":
    """The verdicts on those classes and functions that move parameters; see `moved`."""
    others = [each for each in functions if asked.name in (None, each.__name__)]
    if classes or others:
        from conformance.shapes.moved import judged_optimisers

        yield from judged_optimisers(asked.place, classes, others)


@contextmanager
def _no_exit() -> Iterator[None]:
    """Let a program that is called in a way that it refuses by `exit()` raise an error instead."""

    def stopped(*_: object) -> None:
        raise RuntimeError("it calls exit()")

    ends: list[tuple[Any, str]] = [(builtins, "exit"), (builtins, "quit"), (sys, "exit")]
    before = [getattr(module, name) for module, name in ends]
    try:
        for module, name in ends:
            setattr(module, name, stopped)
        yield
    finally:
        for (module, name), own in zip(ends, before, strict=True):
            setattr(module, name, own)


def send_adapter(asked: Asked, send: Send) -> None:
    """What the process does: it sends the source of a program that judges the file."""
    send(adapter(definitions(asked.place, asked.python_path), asked.name))


def _candidates(asked: Asked, found: Definitions) -> Sequence[Candidate]:
    if asked.name is None:
        return list(candidates(found))
    thing = getattr(found.module, asked.name, None)
    made = of_thing(thing, found) if asked.as_book else of_class(thing, found, as_book=False)
    return [] if made is None else [made]
