"""The candidates of a file, judged one after another in its process, and what is sent of each.

Left out: the process (`file_process.py`), and which candidates there are (`shapes/candidates.py`).
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from time import process_time
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.edited_line import blamed_as
from conformance.backward.recorded_pass import NoGradientError
from conformance.backward.syntax import defined_around
from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import bare, is_parameter, is_role, kinds_of
from conformance.script_outcome import Ran
from conformance.shapes import edited
from conformance.shapes.arguments import needed
from conformance.shapes.candidate import Candidate
from conformance.shapes.candidates import candidates, slopes
from conformance.shapes.definitions import (
    Definitions,
    has_main,
    is_open,
    trains_at_import,
)
from conformance.shapes.edited import mended, repaired, with_right_updates
from conformance.shapes.found import (
    UNRULED,
    Found,
    NotJudged,
    beside_gradients,
    without_gradients,
    without_names,
)
from conformance.shapes.function_pairs import PairSearch
from conformance.shapes.function_sources import source_parts
from conformance.shapes.handed_on import handed_on
from conformance.shapes.layers import LayerSearch
from conformance.shapes.losses import LossSearch
from conformance.shapes.named_losses import promises_gradients
from conformance.shapes.network_optimisers import network_optimiser
from conformance.shapes.own_calls import OwnCall, own_calls
from conformance.shapes.plans import methods
from conformance.shapes.solved_losses import SolvedLossSearch
from conformance.shapes.training_functions import training_functions, tried_training
from conformance.shapes.value_classes import ValueSearch
from conformance.values import to_values

Send = Callable[[object], None]
Again = Callable[[], Ran | None]
PROMISED = PairSearch | LossSearch | SolvedLossSearch
"""What promises gradients by its names."""
EDITING = {"editing": True}
"""What is sent before changes of a program are tried."""
UNTRIED = "it may train, and no way was found to try it"
HANDED = "the gradient of a loss is handed on to it, and no way was found to try it"
UNFOUND = "it gives a loss and gradients, and no arguments were found with which it runs"
TABLE = 2
"""The dimensions of an array with a row for each sample."""


class FileJudging:
    """The candidates of a file, one after another.

    Attributes:
        used: the names of what was judged.
        left: what fits no shape, unless it takes part in what is judged after it.
        unfit: what may not be meant to be judged, such as a list of layers.
        called: of the functions that were called on the way.
        giving: of those that give gradients, and of what they belong to.
        judged_any: whether any was judged.
        right: the names of what is right by itself.
        values: those of classes of values among them, which keep the derivatives themselves.
    """

    def __init__(
        self, cost: str | None, found: Definitions, send: Send, *, edits: bool = True
    ) -> None:
        self._cost, self._found, self._send, self._edits = cost, found, send, edits
        self.used, self.called, self.giving = set[str](), set[str](), set[str]()
        self.judged_any = self._of_the_book = False
        self._accused, self.right, self.values = set[str](), set[str](), set[str]()
        self.left: list[NotJudged] = []
        self.unfit: list[NotJudged] = []
        self._asked_own, self._spent = False, defaultdict[str, float](float)
        self._taken: list[tuple[str, Found]] = []

    def judge(self, each: Candidate) -> None:
        """Judge a candidate, and send what comes of it."""
        if each.book:
            self.judged_any = self._of_the_book = True  # by itself, and with it all that it uses
            self.used.add(each.name)
            self.giving.add(each.name)
            self._send({"book": each.name, "uses": sorted(self._found.used_by(each.name))})
            return
        if self._is_judged_on_own_call(each.name):
            return
        try:
            judged = each.found(self._cost)
        except NoGradientError as error:
            self.judged_any = True
            final = NotJudged(each.name, str(error), True, final=True)
            self._send({"left": to_values(final)})
            return
        given = [] if judged is not None else self._given(each)
        if given and self._accused & self._found.used_by(each.name):
            return  # it would be wrong with what it uses
        tried = (judge() for judge in given)
        judged = judged or next((e for e in tried if e is not None and not e.unjudged), None)
        if judged is not None and judged.recognised.alone:
            judged = self._of_several(each, judged)
        without = judged is not None and judged.examined.cost != "own" and not judged.examined.ok
        unsure = judged is None or without or judged.recognised.alone
        if unsure and self.on_own_calls(each.name):
            return
        if judged is not None:
            judged = self._around_what_is_right(each, judged)
            self._take(each.name, judged, partial(each.found, self._cost))
            if isinstance(each.layer, ValueSearch) and _is_right(judged):
                self.values.add(each.name)
        elif each.name not in self.bases:
            left, told = _left(each, getattr(self._found.module, each.name, None))
            left = self._repaired(each, left) if self._edits and told else left
            (self.left if told else self.unfit).append(left)

    def _around_what_is_right(self, each: Candidate, judged: Found) -> Found:
        """The verdict on a thing; what it uses and is blamed in its place is judged by itself."""
        first = (line for one in judged.examined.accused for line in one.lines[:1])
        blamed = {defined_around(line) for line in first} - {each.name, *self.right}
        others = [e for e in candidates(self._found) if e.name in blamed and e.layer is not None]
        right = {e.name for e in others if _is_right(e.found(self._cost))}
        self.right |= right
        return (each.found(self._cost) or judged) if right else judged

    def _repaired(self, each: Candidate, left: NotJudged) -> NotJudged:
        """What is said of a thing that raises an error, with the line with which it is right."""
        with self._editing("raising") as spent:
            is_right = partial(self._is_right, each.name)
            text = repaired(each.refusal, is_right, edited.SECONDS - spent)
        why = f"{left.why}; {text}"
        return replace(left, why=why, final=True, runs=True) if text else left

    @contextmanager
    def _editing(self, kind: str = "wrong") -> Iterator[float]:
        """Say that changes are tried, which may end the process; it gives the seconds so far."""
        self._send(EDITING)
        began = process_time()
        yield self._spent[kind]
        self._spent[kind] += process_time() - began

    def _is_right(self, name: str) -> bool:
        """Whether a thing is right as it is now."""
        made = next(each for each in candidates(self._found) if each.name == name)
        found = made.found(self._cost)
        return found is not None and found.examined.ok

    def _is_judged_on_own_call(self, name: str) -> bool:
        """Whether a function is judged by what the file calls it with, now or in another shape.

        Data of ours may have other shapes, or be of another kind, than it is written for.
        """
        calls = [e for e in self._calls if e.function is getattr(self._found.module, name, None)]
        if calls and name in self.used:
            return True
        found = calls[0].found(self._cost) if calls else None
        if found is not None:
            self._take(name, found, partial(calls[0].found, self._cost))
        return found is not None

    def _given(self, each: Candidate) -> list[Callable[[], Found | None]]:
        """What judges a layer, or two functions, by what the file gives what goes forward."""
        layer = each.either or each.layer
        if not isinstance(layer, PairSearch | LayerSearch):
            return []
        named = layer.forward if isinstance(layer, LayerSearch) else layer.forward.__name__
        owner = each.name if isinstance(layer, LayerSearch) else named
        calls = (e for e in self._noted if (e.name, e.function.__name__) == (owner, named))
        return [partial(layer.on, e.arguments) for e in calls]

    def on_discarded(self, each: Candidate) -> None:
        """Judge a pair that took part in what is right, if a part of what it gives is not read."""
        for judge in self._given(each) if isinstance(each.layer, PairSearch) else ():
            judged = judge() if self._found.discards(each.name) and not self._accused else None
            if judged is not None:
                self._take(each.name, judged)

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
                    self._take(each.name, judged, partial(each.found, self._cost))
        return name in self.used

    def on_training(self, place: str, name: str | None) -> None:
        """Judge the functions that train by their updates; beside what was judged, tell the rest.

        What calls one that is wrong is not judged: it would be wrong with it.

        Args:
            place: of the file.
            name: of the only function that is wanted; None for all.
        """
        module, functions = self._found.module, self._found.functions
        wrong = set[str]()
        for each in training_functions(functions):
            own = each.__name__
            known = {own} & (self.used | self.called) or wrong & {*each.__code__.co_names}
            if known or name not in (None, own):
                continue
            self._send({"tried": own})
            tried = tried_training(place, each, functions, module, partial(self._given_to, each))
            if tried is None:
                if self.judged_any and not self.is_of_values(own):
                    apart = {*each.__code__.co_names}.isdisjoint(self.giving)
                    self._send({"left": to_values(NotJudged(own, UNTRIED, apart, final=True))})
                continue
            self.judged_any = True
            self.used |= tried.used
            wrong |= set() if tried.ran.examined.ok else {own}
            ran = self._with_right_updates(tried.ran, tried.again)
            self._send({"trained": to_values(ran)})

    def _given_to(self, function: FunctionType) -> dict[str, Any] | None:
        """What the file calls a function with first, by name; None if it does not call it."""
        return next((e.arguments for e in self._noted if e.function is function), None)

    def is_of_values(self, name: str) -> bool:
        """Whether a thing computes with values whose derivatives are right, and nothing reads them.

        What reads them, such as an update, shows nothing of its own that could be judged.
        """
        used = self._found.used_by(name)
        return not self.values.isdisjoint(used) and not self._found.reads_gradients(self.values)

    def on_promised(self, name: str | None) -> None:
        """Tell, beside what was judged, of functions that give a loss and gradients, and were not.

        Args:
            name: of the only function that is wanted; None for all.
        """
        told = {each.name: each.why for each in (*self.unfit, *self.left)}
        known = self.used | self.called | {each.name for each in self.left if each.final}
        for each in self._found.functions if self.judged_any else ():
            own = each.__name__
            if own not in known and name in (None, own) and promises_gradients(each):
                why, runs = told.get(own, UNFOUND), self._found.names_elsewhere(own)
                whole = any(e.network for e in self.left if e.name == own)
                self.left.append(NotJudged(own, why, whole, final=True, runs=runs))

    def on_handed(self, name: str | None) -> None:
        """Tell of what the gradient of a loss that was judged is handed on to, if it was not.

        Args:
            name: of the only thing that is wanted; None for all.
        """
        known = self.used | self.called
        owners = handed_on(self._found, self.giving, known) if name is None else set[str]()
        told = known | {each.name for each in self.left}
        network = owners.isdisjoint(known)
        self.left += [NotJudged(each, HANDED, network) for each in sorted(owners - told)]

    def on_optimisers(
        self, place: str, made: Iterable[tuple[Ran | NotJudged, Again]], classes: Iterable[type]
    ) -> None:
        """Tell of what moves parameters, but for a class that others of the file derive from.

        Args:
            place: of the file.
            made: what is known by gradients of ours, or why nothing is.
            classes: that may move the parameters of a network of the file.
        """
        left, by_itself = dict[str, NotJudged](), set[str]()
        for one, again in made:
            if isinstance(one, Ran):
                self._send_moved(one, again)
                by_itself.add(one.script.rpartition(":")[2])
            else:
                left[one.name] = one
        known = [found for _, found in self._taken]
        for kind in classes:
            name = kind.__name__
            moved = None if name in by_itself else network_optimiser(kind, known)
            if moved is not None and moved.ran is not None:
                self._send_moved(replace(moved.ran, script=f"{place}:{name}"), moved.again)
                self.used.add(name)
                left.pop(name, None)
            elif moved is not None and name not in left:
                why = f"its {moved.still} moves no parameter" if moved.still else UNRULED
                runs = self._found.names_elsewhere(name)
                left[name] = NotJudged(name, why, True, final=True, runs=runs)
        for name, each in left.items():
            if name not in self.bases and not self.is_of_values(name):
                self.judged_any = True
                self._send({"left": to_values(each)})

    def _send_moved(self, ran: Ran, again: Again) -> None:
        self.judged_any = True
        self._send({"moved": to_values(self._with_right_updates(ran, again))})

    def _with_right_updates(self, ran: Ran, again: Again) -> Ran:
        """What is known of some updates, with the change of a line with which they are right.

        Args:
            ran: what is known of them.
            again: what is known of them as their code is then.
        """
        if not self._edits or not ran.examined.accused:
            return ran
        with self._editing() as spent:
            return with_right_updates(ran, again, spent)

    def on_derivatives(self, place: str, name: str | None) -> None:
        """Judge the derivatives of functions that nothing judged uses, nor would use in a run."""
        runs = name or has_main(place) or trains_at_import(place)
        for each in () if runs or self._of_the_book else slopes(self._found, self.left):
            if not each.functions & (self.used | self.called):
                self.judge(each)

    @cached_property
    def _noted(self) -> list[OwnCall]:
        """What the file calls its functions with that give several results, or go forward."""
        return own_calls(self._found)

    @cached_property
    def _calls(self) -> list[OwnCall]:
        """What the file calls its functions with that give a loss and gradients."""
        return [each for each in self._noted if each.gives_gradients]

    def _of_several(self, each: Candidate, judged: Found) -> Found:
        """The verdict on a loss for several outputs, if the file itself calls it with several."""
        if not isinstance(each.layer, LossSearch) or not each.layer.of_several:
            return judged
        calls = [e for e in self._calls if e.function.__name__ in judged.used]
        given = (np.shape(first) for e in calls for first in islice(e.arguments.values(), 1))
        several = any(len(shape) == TABLE and min(shape) > 1 for shape in given)
        return each.layer.of_several[0].blamed() if several else judged

    def _by_its_parts(
        self, name: str, judged: Found, again: Callable[[], Found | None], spent: float
    ) -> Found:
        """The verdict on what is wrong, with a change of what it uses that makes both right.

        Args:
            name: of it.
            judged: what is known of it.
            again: judges it as it is now.
            spent: the seconds of the processor that were spent on changes before.
        """

        def is_right(part: Found) -> bool:
            whole = again() if part.elsewhere is None or part.elsewhere() else None
            return whole is not None and whole.examined.ok

        parts = (e for e in candidates(self._found) if e.functions & {*judged.used} - {name})
        for each in (e for e in parts if e.layer is not None and e.name not in self.right):
            part = each.found(self._cost)
            if part is not None and part.examined.accused:
                part = mended(replace(part, elsewhere=partial(is_right, part)), spent)
                for found in (e for e in part.examined.accused if e.edited is not None):
                    return replace(judged, examined=blamed_as(judged.examined, found))
        return judged

    def _take(
        self, name: str, judged: Found, again: Callable[[], Found | None] | None = None
    ) -> None:
        """Send what is known of a thing, and keep what took part.

        Args:
            name: of it.
            judged: what is known of it.
            again: judges it as it is now.
        """
        if self._edits and judged.examined.accused:
            with self._editing() as spent:
                told = judged if again is None else self._by_its_parts(name, judged, again, spent)
                judged = mended(judged, spent) if told is judged else told
        self.judged_any = True
        self._accused |= {name} if judged.examined.accused else set()
        self.right |= {name} if _is_right(judged) else set()
        self.used |= set(judged.used)
        calls = [each.partition("(")[0] for each in judged.recognised.calls]
        self.called |= {*calls}
        moving = (each.partition(":")[0] for each in judged.recognised.rule)
        self.giving |= {name, *calls[judged.recognised.backward :][:1], *moving}
        self._send({"name": name, "found": to_values(judged)})
        self._taken.append((name, judged))
        if judged.beside:
            self._send({"left": to_values(beside_gradients(name, judged.beside))})
        if judged.unnamed:
            self._send({"left": to_values(without_names(name, judged.unnamed))})

    def on_unjudged(self) -> None:
        """Tell of parameters without a gradient, but for those that are judged in what uses them.

        Such are those of a layer, in a network that moves them.
        """
        for name, judged in self._taken:
            users = (e for other, e in self._taken if other != name and name in e.used)
            known = {each.rpartition(".")[2] for e in users for each in e.recognised.parameters}
            left = [each for each in judged.unjudged if each not in known]
            if left:
                self._send({"left": to_values(without_gradients(name, left))})

    @property
    def bases(self) -> set[str]:
        """The names of the classes that others of the file derive from, and are judged by these."""
        return {each.__name__ for each in self._found.bases}

    def unused(self) -> tuple[list[type], list[FunctionType]]:
        """The classes and functions that belong to nothing that was judged."""
        rest = self.used | self.called
        return (
            [each for each in self._found.classes if each.__name__ not in self.used],
            [each for each in self._found.functions if each.__name__ not in rest],
        )


def _is_right(found: Found | None) -> bool:
    """Whether nothing is blamed in a thing, of whatever number of outputs and samples."""
    return found is not None and not (found.examined.accused or found.recognised.alone)


def _is_of_time(function: Any) -> bool:
    """Whether a function gives derivatives by time: of a state, and of nothing that trains."""
    named = isinstance(function, FunctionType) and "deriv" in bare(function.__name__)
    names = [each.name for each in needed(function)] if named else []
    kinds = {kind for each in names for kind in kinds_of(each)}
    return bool(names) and kinds <= {"state"} and not any(map(is_parameter, names))


def _left(candidate: Candidate, thing: Any) -> tuple[NotJudged, bool]:
    """A thing that fits no shape, and whether it is told beside what is judged.

    One of which no parameters are found is told only if it goes back by its name; else it may be
    such as a list of layers.
    """
    name = candidate.name
    own = methods(thing) if isinstance(thing, type) else []
    known = [name, *(each for each, _ in own if not is_open(getattr(thing, each)))]
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
    backward = any(is_role(e, "backward") is not None for e in known) and not _is_of_time(thing)
    sure = refusal.parameters or bool(candidate.stated)
    guess = not told or (not sure and (tells or not backward))
    promised = isinstance(candidate.layer, PROMISED)
    whole = (network or goes_back or promised) and sure and not refusal.unmade  # else a base
    words = refusal.words.removeprefix(f"{name}: ")
    words = _lacks(thing, words) or words
    left = NotJudged(name, words, whole, guess, final=refusal.empty)
    return left, bool(sure or refusal.unmade or backward)


TRAIN = "let the file train with it, and use `conformance run`"


def _lacks(thing: Any, words: str) -> str:
    """What a function reads that our arguments do not give it: parts of an object, or arrays.

    Args:
        thing: the function, or what is none.
        words: how it ended with what it was given.
    """
    parts = source_parts(thing) if isinstance(thing, FunctionType) else ()
    for name in (each.name for each in needed(thing)) if parts else ():
        read = (e for e in parts if isinstance(e, ast.Attribute) and ast.unparse(e.value) == name)
        held = sorted({e.attr for e in read if not hasattr(np.ndarray, e.attr)})
        if held and "has no attribute" in words:
            return f"`{name}` is an object with {', '.join(held)}: {TRAIN}"
    own = {e: thing.__globals__.get(e) for e in thing.__code__.co_names} if parts else {}
    held = [name for name, each in own.items() if is_floats(each) and np.ndim(each)]
    return f"it reads {', '.join(held)} of the file, and is given none: {TRAIN}" if held else ""
