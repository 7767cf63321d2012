"""What the process of a file does: it judges each candidate, and sends what comes of it.

Left out: making the report of it (`file_check.py`).
"""

import builtins
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from time import process_time
from types import FunctionType
from typing import Any, cast

import numpy as np
from threadpoolctl import threadpool_limits

from conformance.backward.recorded_pass import NoGradientError
from conformance.programs.vocabulary import is_role, kinds_of
from conformance.script_outcome import Ran
from conformance.shapes.adapter import adapter, names_of
from conformance.shapes.arguments import needed
from conformance.shapes.candidate import Candidate
from conformance.shapes.candidates import candidates, of_class, of_thing, slopes
from conformance.shapes.definitions import (
    Definitions,
    definitions,
    has_main,
    trains_at_import,
)
from conformance.shapes.edited import mended
from conformance.shapes.function_pairs import PairSearch
from conformance.shapes.judge_readings import Found, Recognised
from conformance.shapes.losses import LossSearch
from conformance.shapes.not_judged import (
    NotHere,
    NotJudged,
    Refused,
    beside_gradients,
    without_gradients,
    without_names,
)
from conformance.shapes.own_calls import OwnCall, own_calls
from conformance.shapes.plans import methods
from conformance.shapes.solved_losses import SolvedLossSearch
from conformance.shapes.vector_losses import VectorLossSearch
from conformance.values import to_values

Send = Callable[[object], None]
PROMISED = PairSearch | LossSearch | SolvedLossSearch | VectorLossSearch
"""What promises gradients by its names."""
TABLE = 2
"""The dimensions of an array with a row for each sample."""


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
    """

    place: str
    name: str | None = None
    cost: str | None = None
    python_path: tuple[Path, ...] = ()
    timeout: float = 60.0
    as_book: bool = True

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
    from conformance.subjects.book.idle_biases import check_biases
    from conformance.subjects.book.own_rule import own_rule, wrong_update
    from conformance.subjects.book.traced_runs import examined_alone

    ran, rule = None, tuple[str, ...]()
    with threadpool_limits(1):
        examined = examined_alone(factory, said, cost)
        if examined.ok:
            check_biases(examined, said)
            network = BookNetwork(factory, said)
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
    judging = _Judging(asked.cost, found, send)
    with threadpool_limits(1), _no_exit():
        for each in _candidates(asked, found):
            if not each.functions & judging.used:  # else it was judged as a part of another
                send({"tried": each.name})  # its silence is that of one candidate
                judging.judge(each)
        if not judging.judged_any and asked.name is None:
            judging.on_own_calls()
        for one in _optimisers(asked, *judging.unused()):
            if isinstance(one, NotJudged) and one.name in judging.bases:
                continue
            judging.judged_any = True
            send({"moved" if isinstance(one, Ran) else "left": to_values(one)})
        judging.on_derivatives(asked)
        for left in {each.name: each for each in judging.left}.values():
            if left.name not in judging.used:
                send({"left": to_values(left)})
        if not judging.judged_any:
            made = adapter(found, asked.name)
            unfit = tuple(judging.unfit)
            send({"refused": to_values(Refused(asked.said, names_of(found), made, unfit))})


class _Judging:
    """The candidates of a file, one after another.

    Attributes:
        used: the names of what was judged.
        left: what fits no shape, unless it takes part in what is judged after it.
        unfit: what may not be meant to be judged, such as a list of layers.
        called: of the functions that were called on the way.
        judged_any: whether any was judged.
    """

    def __init__(self, cost: str | None, found: Definitions, send: Send) -> None:
        self._cost, self._found, self._send = cost, found, send
        self.used, self.called = set[str](), set[str]()
        self.judged_any = self._of_the_book = False
        self.left: list[NotJudged] = []
        self.unfit: list[NotJudged] = []
        self._asked_own, self._spent = False, 0.0

    def judge(self, each: Candidate) -> None:
        """Judge a candidate, and send what comes of it."""
        if each.book:
            self.judged_any = self._of_the_book = True  # by itself, and with it all that it uses
            self.used.add(each.name)
            self._send({"book": each.name, "uses": sorted(self._found.used_by(each.name))})
            return
        try:
            judged = each.found(self._cost)
        except NoGradientError as error:
            self.judged_any = True
            final = NotJudged(each.name, str(error), True, final=True)
            self._send({"left": to_values(final)})
            return
        if judged is not None and judged.recognised.alone:
            judged = self._of_several(each, judged)
        without = judged is not None and judged.examined.cost != "own" and not judged.examined.ok
        unsure = judged is None or without or judged.recognised.alone
        if unsure and self.on_own_calls(each.name):
            return
        if judged is not None:
            self._take(each.name, judged)
        elif each.name not in self.bases:
            left, told = _left(each, getattr(self._found.module, each.name, None))
            (self.left if told else self.unfit).append(left)

    def on_own_calls(self, name: str = "") -> bool:
        """Judge what gives a loss and gradients on what the file calls it with, once.

        Args:
            name: of a function or a class; whether it took part is returned.
        """
        if not self._asked_own:
            self._asked_own = True
            for each in self._calls:
                known = {each.name, each.function.__name__} & (self.used | self.called)
                judged = None if known else each.found(self._cost)
                if judged is not None:
                    self._take(each.name, judged)
        return name in self.used

    def on_derivatives(self, asked: Asked) -> None:
        """Judge the derivatives of functions that nothing judged uses, nor would use in a run."""
        runs = asked.name or has_main(asked.place) or trains_at_import(asked.place)
        for each in () if runs or self._of_the_book else slopes(self._found, self.left):
            if not each.functions & (self.used | self.called):
                self.judge(each)

    @cached_property
    def _calls(self) -> list[OwnCall]:
        """What the file calls its functions with that give a loss and gradients."""
        return own_calls(self._found)

    def _of_several(self, each: Candidate, judged: Found) -> Found:
        """The verdict on a loss for several outputs, if the file itself calls it with several."""
        if not isinstance(each.layer, LossSearch) or not each.layer.of_several:
            return judged
        calls = [e for e in self._calls if e.function.__name__ in judged.used]
        given = (np.shape(first) for e in calls for first in islice(e.arguments.values(), 1))
        several = any(len(shape) == TABLE and min(shape) > 1 for shape in given)
        return each.layer.of_several[0].blamed() if several else judged

    def _take(self, name: str, judged: Found) -> None:
        """Send what is known of a thing, and keep what took part."""
        began = process_time()
        judged = mended(judged, self._spent)
        self._spent += process_time() - began
        self.judged_any = True
        self.used |= set(judged.used)
        self.called |= {each.partition("(")[0] for each in judged.recognised.calls}
        self._send({"name": name, "found": to_values(judged)})
        if judged.unjudged:
            self._send({"left": to_values(without_gradients(name, judged.unjudged))})
        if judged.beside:
            self._send({"left": to_values(beside_gradients(name, judged.beside))})
        if judged.unnamed:
            self._send({"left": to_values(without_names(name, judged.unnamed))})

    @property
    def bases(self) -> set[str]:
        """The names of the classes that others of the file derive from, and are judged by these."""
        own = self._found.classes
        return {base.__name__ for each in own for base in each.__mro__[1:] if base in own}

    def unused(self) -> tuple[list[type], list[FunctionType]]:
        """The classes and functions that belong to nothing that was judged."""
        rest = self.used | self.called
        return (
            [each for each in self._found.classes if each.__name__ not in self.used],
            [each for each in self._found.functions if each.__name__ not in rest],
        )


def _left(candidate: Candidate, thing: Any) -> tuple[NotJudged, bool]:
    """A thing that fits no shape, and whether it is told beside what is judged.

    One of which no parameters are found is told only if it goes back by its name; else it may be
    such as a list of layers.
    """
    name = candidate.name
    known = [name, *(each for each, _ in methods(thing))] if isinstance(thing, type) else [name]
    given = needed(thing) if isinstance(thing, type) else []
    tells = any("activation" in kinds_of(each.name) for each in given)  # it is as right as these
    goes_back = not tells and any(is_role(each, "backward") == 0 for each in known)
    network = candidate.whole and (isinstance(thing, type) or candidate.layer is not None)
    says = any(
        is_role(e, role) is not None for e in known for role in ("backward", "loss", "train")
    )
    takes = any(len(needed(getattr(thing, each))) > len(("self",)) for each in known[1:])
    told = says or takes or candidate.layer or candidate.stated
    refusal = candidate.refusal
    backward = any(is_role(each, "backward") is not None for each in known)
    sure = refusal.parameters or bool(candidate.stated)
    guess = not told or (not sure and (tells or not backward))
    promised = isinstance(candidate.layer, PROMISED)
    whole = (network or goes_back or promised) and sure and not refusal.unmade  # else a base
    words = refusal.words.removeprefix(f"{name}: ")
    left = NotJudged(name, words, whole, guess, final=refusal.empty)
    return left, bool(sure or refusal.unmade or backward)


def _optimisers(
    asked: Asked, classes: Sequence[type], functions: Sequence[FunctionType]
) -> "Iterator[Ran | NotJudged]":
    """The verdicts on those classes and functions that move parameters."""
    wanted = [each for each in classes if asked.name in (None, each.__name__)]
    others = [each for each in functions if asked.name in (None, each.__name__)]
    if wanted or others:
        from conformance.shapes.moved import judged_optimisers

        yield from judged_optimisers(asked.place, wanted, others)


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
