"""Which reading of a program runs: how it is made, what it is given, what is called.

Each is tried until one runs and leaves gradients. Left out: judging it (`judge_readings.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from time import process_time
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from conformance.programs.held_state import leaves
from conformance.programs.vocabulary import is_role
from conformance.shapes.arguments import Scope, kinds_taken, needed
from conformance.shapes.attempt import attempt
from conformance.shapes.attempts import Attempt, Call, Plan, Refusal, UnfitError
from conformance.shapes.example_data import (
    LAYOUTS,
    NUMBERS,
    PICTURES,
    SIDES,
    TABLES,
    TRIPLES,
    Data,
    Sizes,
    convolves,
    example_data,
)
from conformance.shapes.function_sources import taken_apart
from conformance.shapes.learned import is_number
from conformance.shapes.matched import list_of
from conformance.shapes.places import Places, first_run, places
from conformance.shapes.plans import OUTS, PARAMETERS_AND_DATA, Made, Named, chains, sizes_of
from conformance.shapes.reading import Reading, begins_with_zeros, generic
from conformance.tracing.trace import Trace

SEARCHED, LONGER, LEAST = 6.0, 30.0, 2.0
"""Seconds of the processor after which no further reading is tried; where all of them misfit.

Each search of a file that has found nothing leaves half the time to the next, but the least.
"""
_FRUITLESS: WeakKeyDictionary[ModuleType, int] = WeakKeyDictionary()

Asked = tuple[tuple[Sizes, str], ...]
"""The sizes that a network is asked for, with the layout of its data."""

LOSS = "it returns a sum of squares, as a loss is, and no gradients"
HELD = "it returns the parameters, and no gradients"
ZERO = "every gradient is 0: it may compare the output with itself, or need a call before"


@dataclass(frozen=True)
class Searched:
    """What is searched: a class, or the functions of a file.

    Attributes:
        makers: gives the ways in which it is made for some data.
        roles: its functions by what they do.
        module: it is defined in.
        refusal: how far readings came.
        outs: how many outputs a network of it may have.
        ones: whether the first input of each sample is 1.
        only: the function that gives the gradients; None if any may.
        told: as in `Plan`.
        own: the names of all that it uses, if they are known.
    """

    makers: Any
    roles: dict[str, list[Named]]
    module: ModuleType
    refusal: Refusal = field(default_factory=Refusal)
    outs: tuple[int, ...] = OUTS
    ones: bool = False
    only: Callable[..., Any] | None = None
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: frozenset[str] | None = None
    _made: dict[Any, Any] = field(default_factory=dict)
    _ran: dict[Any, bool] = field(default_factory=dict)
    _functions: dict[Any, Any] = field(default_factory=dict)

    def readings(self) -> Iterator[Reading]:
        """Those that run, the likeliest first."""
        began = process_time()
        self.refusal.until = began + max(SEARCHED / 2 ** _FRUITLESS.get(self.module, 0), LEAST)
        misshapen: list[Reading] = []
        tried = (PICTURES, *LAYOUTS) if convolves(self.module, self.own) else LAYOUTS
        rounds = [(each, narrow) for narrow in (False, True) for each in tried]
        for i, (layouts, narrow) in enumerate(rounds):
            found, again = False, (layouts, narrow) in rounds[i + 1 :]
            asked = tuple(self._narrow(layouts) if narrow else self._asked(layouts))
            for needs_loss in (True, False):
                for each in self._of(asked, needs_loss=needs_loss):
                    unfit = not (each.is_of_numbers if again else each.plan.said or each.fits)
                    if unfit or each.is_constant or each.spreads_parameters:
                        continue  # the parameters or the outputs may have other shapes
                    loss = self.only is not None and each.is_a_loss
                    if each.is_zero or each.gives_parameters or loss:
                        words = LOSS if loss else ZERO if each.is_zero else HELD
                        self.refusal.note(UnfitError(words, len(each.plan.calls) + 1))
                        continue
                    if _misfits(each):
                        misshapen.append(each)  # in another layout they may fit
                        self.refusal.until = began + LONGER
                        continue
                    found = True
                    yield self._of_one_step(each)
                if found:
                    return
        _FRUITLESS[self.module] = _FRUITLESS.get(self.module, 0) + 1
        whole = process_time() <= self.refusal.until  # else others may be meant, that fit
        for each in sorted(misshapen, key=lambda e: not e.fits_but_for_numbers) if whole else ():
            if not each.places.missing:
                yield each
                continue
            words = f"no gradient is found of {', '.join(each.places.missing)}"
            self.refusal.note(UnfitError(words, len(each.plan.calls) + 1))

    def _of_one_step(self, reading: Reading) -> Reading:
        """The reading of one sample, where a loss of them all stands beside a step of a part."""
        has_loss = any(each.role == "loss" for each in reading.plan.calls)
        of_one = reading.places.several or reading.is_of_a_part
        if not (has_loss and of_one) or reading.data.single:
            return reading
        alike = example_data(replace(reading.data.sizes, m=1), (reading.data.layout,))
        found = (e.with_ones() if self.ones else e for e in alike)
        data = next((e for e in found if e.coding == reading.data.coding), None)
        made = None if data is None else self._recorded(reading.plan, data)
        if made is not None and not made.places.several:
            return made
        without = tuple(each for each in reading.plan.calls if each.role != "loss")
        plan = replace(reading.plan, calls=without)
        return self._recorded(plan, reading.data) or reading

    def _of(self, asked: Asked, *, needs_loss: bool) -> Iterator[Reading]:
        for forward, loss, backward, update in chains(self.roles):
            if not needs_loss and not loss:
                continue  # it was tried so before
            if self.only not in (None, backward.function):
                continue
            for data, made in self._known_data(asked):
                if process_time() > self.refusal.until:
                    return
                back = backward.function
                own = [
                    e for e in loss if needs_loss or self._takes_the_same(made, data, e[1], back)
                ]
                found = self._fitting(made, data, (forward, own, backward, update))
                if found is not None:
                    yield found

    def _known_data(self, asked: Asked) -> Iterator[tuple[Data, Made]]:
        """The same as before, where they were asked for already: each chain is tried with each."""
        known, further = self._made.setdefault(asked, ([], self._data(asked)))
        yield from known
        for each in further:
            known.append(each)
            yield each

    def _data(self, every: Asked) -> Iterator[tuple[Data, Made]]:
        """The data and the ways to make it; a network of fewer layers would clear nothing."""
        seen = set()
        for asked, layout in every:
            first = next(example_data(asked, (layout,)), None)
            if first is None:
                continue
            most: dict[str, int] = {}
            for i, made in enumerate(self.makers(first)):
                held = self._held(made, first)
                count = sum(1 for name in held for _ in leaves(held[name], name, self.module))
                if made.said and count < most.get(made.said, 0):
                    continue
                most[made.said] = count
                found = sizes_of(held, self.module, asked, sized=made.sized)
                if layout in PICTURES:  # of the dense layer the shorter side
                    told = {each.n_out for each in found}
                    n_out = asked.n_out if asked.n_out in told else min(told)
                    found = [replace(asked, n_out=n_out)]
                for sizes in found:
                    if (i, layout, sizes) in seen:
                        continue
                    seen.add((i, layout, sizes))
                    for data in example_data(sizes, (layout,)):
                        yield data.with_ones() if self.ones else data, made

    def _asked(self, layouts: tuple[str, ...]) -> Iterator[tuple[Sizes, str]]:
        """The sizes that are asked for in each layout."""
        if layouts is PICTURES:
            yield from (
                (replace(sizes, n_out=n), e) for sizes, e, n in product(SIDES, layouts, OUTS)
            )
            return
        for n in self.outs:
            yield from ((Sizes(n_out=n), each) for each in layouts)

    def _narrow(self, layouts: tuple[str, ...]) -> Iterator[tuple[Sizes, str]]:
        """One input and one output, where nothing else fits."""
        if layouts is PICTURES or 1 not in self.outs or self.ones:
            return
        for each in layouts:
            if each in NUMBERS or not self.refusal.failed:  # else a product of any shapes would fit
                yield Sizes(n_in=1, n_out=1), each

    def _held(self, made: Made, data: Data) -> dict[str, Any]:
        """What holds the parameters; nothing if it is not made so."""
        try:
            with np.errstate(all="ignore"):
                held = made.make(data, Scope())
        except UnfitError as error:
            self.refusal.note(error)
            return {}
        self.refusal.made = True
        if made.said and any(leaves(root, name, self.module) for name, root in held.items()):
            self.refusal.parameters = True
        return held

    def _fitting(
        self, made: Made, data: Data, chain: tuple[list[Named], list[Named], Call, list[Named]]
    ) -> Reading | None:
        """The reading with the first functions that run; None if the chain does not."""
        forward, loss, backward, update = chain
        if data.layout in TABLES and not self._takes_table(made, data, backward.function):
            return None
        if data.layout in TRIPLES and not self._takes_triples(made, data):
            return None
        takes_y = [pair for pair in forward if "targets" in self._kinds(made, data, pair[1])]
        if "targets" in self._kinds(made, data, backward.function):
            loss = [pair for pair in loss if not self._is_of_others(made, data, pair[1])]
        calls = self._first_that_runs(made, data, (), "loss", takes_y)  # `forward(X, y=None)`
        for role, names in () if calls else (("forward", forward), ("loss", loss)):
            calls += self._first_that_runs(made, data, calls, role, names)
            if role == "loss" and names and not any(each.role == "loss" for each in calls):
                return None
        if backward.role != "train":  # that may go on for long, and is recorded at once
            try:
                self._attempt(made, data, (*calls, backward))
            except UnfitError as error:
                again = partial(self._attempt, made, data, (*calls, backward))
                self.refusal.note(error, again)
                self.refusal.failed |= any(each.role == "loss" for each in calls)
                return None
        calls += [backward]
        named = [pair for pair in update if is_role(pair[0], "update") is not None]
        calls += self._first_that_runs(made, data, calls, "update", named)
        found = self._recorded(self._plan(made, calls), data)
        moves = bool(named) or (found is not None and bool(found.places.updates))
        for _, each in () if moves else update:
            other = self._recorded(self._plan(made, (*calls, Call("update", each))), data)
            if other is not None and _takes_a_gradient(other.places):
                return other
        return found

    def _function(self, made: Made, data: Data, function: Any) -> Any:
        """A function, or the method of a name."""
        key = id(made), function
        if isinstance(function, str) and key not in self._functions:
            self._functions[key] = getattr(self._held(made, data).get("self"), function, None)
        return self._functions.get(key, function)

    def _kinds(self, made: Made, data: Data, function: Any) -> set[str]:
        """What a function takes by the names of its arguments."""
        return kinds_taken(self._function(made, data, function))

    def _takes_the_same(self, made: Made, data: Data, *functions: Any) -> bool:
        """Whether a loss takes all that something that goes back takes, and more than two."""
        given = [needed(self._function(made, data, each)) for each in functions]
        one, other = ([argument.name for argument in each] for each in given)
        return one == other and len(one) >= PARAMETERS_AND_DATA

    def _takes_table(self, made: Made, data: Data, function: Any) -> bool:
        """Whether a function takes a table, and which of its entries are known."""
        told = self._kinds(made, data, function)
        return "mask" in told and not {"inputs", "targets"} <= told

    def _takes_triples(self, made: Made, data: Data) -> bool:
        """Whether a function takes samples of three parts one by one."""
        every = (self._function(made, data, e) for pairs in self.roles.values() for _, e in pairs)
        parts = (names for each in every for names in taken_apart(each).values())
        return any(len(names) == len(("u", "i", "r")) for names in parts)

    def _is_of_others(self, made: Made, data: Data, function: Any) -> bool:
        """Whether a loss makes its own targets of inputs, beside those of a step."""
        return {"inputs", "targets"} & self._kinds(made, data, function) == {"inputs"}

    def _plan(self, made: Made, calls: Iterable[Call]) -> Plan:
        return Plan(made.said, made.make, tuple(calls), self.module, self.told)

    def _attempt(self, made: Made, data: Data, calls: Iterable[Call]) -> Attempt:
        return attempt(self._plan(made, calls), data)

    def _first_that_runs(
        self, made: Made, data: Data, calls: Sequence[Call], role: str, names: list[Named]
    ) -> list[Call]:
        for _, each in names:
            call = Call(role, each)
            key = id(data), id(made), (*calls, call)
            if key not in self._ran:
                self._ran[key] = self._runs(made, data, key[-1])
            if self._ran[key]:
                return [call]
        return []

    def _runs(self, made: Made, data: Data, calls: Sequence[Call]) -> bool:
        """Whether some calls run, of which the last gives a number if it is to give a loss."""
        try:
            run = self._attempt(made, data, calls)
        except UnfitError as error:
            self.refusal.note(error, partial(self._attempt, made, data, calls))
            if calls[-1].role == "update" and isinstance(calls[-1].function, str):
                self.refusal.crashes.setdefault(calls[-1].function, []).extend(error.raised)
            return False
        return calls[-1].role != "loss" or is_number(run.results[-1][2])

    def _recorded(self, plan: Plan, data: Data) -> Reading | None:
        """The recorded run with generic parameters, and its gradients; None if it has none."""
        try:
            run, found, most = first_run(plan, data)
            of_zeros = None
            if begins_with_zeros(found):
                of_zeros = Reading(plan, data, run, found)
                data, most = replace(data, rounds=2), 2 * most
            values, ways = generic(run, found.direct), run.ways
            trace = Trace(sites=True, most=most)
            run = attempt(plan, data, trace=trace, values=values, chosen=ways)
            unused = [path for path in values if _is_unused(run, path)]
            if unused:  # the program makes them anew when it trains
                kept = {path: value for path, value in values.items() if path not in unused}
                trace = Trace(sites=True, most=most)
                run = attempt(plan, data, trace=trace, values=kept, chosen=ways)
            return Reading(plan, data, run, places(run), of_zeros)
        except UnfitError as error:
            error.stage += plan.calls[-1].role == "train"  # what is tried before it is no reason
            self.refusal.note(error, partial(first_run, plan, data))
            return None


def _misfits(reading: Reading) -> bool:
    """Whether not all that it needs is there, or has the shape that it has to have."""
    part = reading.places.missing or any(map(list_of, reading.places.unfound))
    misfits = reading.misshapen or part or reading.without_targets
    return bool(misfits or reading.is_turned or reading.is_of_an_entry) or (
        reading.is_of_some_outputs
    )


def _is_unused(run: Attempt, path: str) -> bool:
    """Whether a parameter was put where the object has None, and nothing was computed with it."""
    node = run.start[path][1] if path in run.late else None
    return node is not None and not node.consumers


def _takes_a_gradient(places: Places) -> bool:
    """Whether something is moved by gradients that are there: a bound on parameters needs none."""
    known = [each.node for each in places.direct]
    return any(not known or any(map(each.node.depends_on, known)) for each in places.updates)
