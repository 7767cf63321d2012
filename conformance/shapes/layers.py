"""Layers: a forward function or method, and one that takes ∂C/∂(its output) back.

A layer is judged alone: the loss is the sum of its output times a generic array, which is what the
backward part is given. Gradients of its parameters may be means over the samples while that of its
input is none, so the two are judged apart. Which classes may be layers is told by the names of
their methods; or, whatever they are called, one takes inputs and gives an output, and another takes
one thing whose name tells nothing. Left out: networks (`search.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import CO_VARARGS
from itertools import chain, product
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass, last_return
from conformance.programs.held_state import doubles, is_floats
from conformance.programs.vocabulary import is_role
from conformance.running.quiet import quiet
from conformance.shapes.arguments import RATE, Scope, called, method_of
from conformance.shapes.attempt import begin
from conformance.shapes.attempts import Attempt, Call, Plan, UnfitError
from conformance.shapes.example_data import TOKENS, Data, Sizes, example_data
from conformance.shapes.found import Found, Gradients, Recognised, Rerun, moved
from conformance.shapes.iterated_layers import states_held
from conformance.shapes.layer_arguments import (
    Make,
    Takes,
    called_itself,
    layer_constructions,
    only,
    takes,
    takes_parts,
)
from conformance.shapes.layer_outputs import (
    ENTRIES,
    StretchedError,
    given_beside,
    input_goals,
    is_smaller,
    is_stretched,
    judged_apart,
    kept_after,
    known_after,
    made_whole,
    of_output,
    output_made_of,
    outputs,
    parameters_of,
    upstream,
    went_ahead,
    went_back,
)
from conformance.shapes.layer_updates import after_update, unruled, untried
from conformance.shapes.other_settings import not_given, off, switched_off, told, training
from conformance.shapes.places import places
from conformance.shapes.plans import Made, Named, closed
from conformance.shapes.reading import generic
from conformance.shapes.update_findings import with_sums
from conformance.tracing.frames import raised_in
from conformance.tracing.node import Node
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace

LAYOUTS = (
    "rows", "columns", "one column", "one row", "one vector", "an array of three axes",
    "an image of channels", "images", "sequences", "places", "a list of columns", *TOKENS,
)  # fmt: skip

GIVEN = "what the file gives it"


@dataclass(frozen=True)
class Way:
    """How a layer is made, what its methods are given, and by which output it is judged.

    Attributes:
        plan: how it is made.
        data: that it is given.
        takes: what its two methods are given.
        later: whether it is judged by what it gives that is made of its first output.
        held: whether the states that it carries on by itself are constants.
    """

    plan: Plan
    data: Data
    takes: Takes
    later: bool = False
    held: bool = False


@dataclass(frozen=True)
class LayerSearch:
    """A class whose objects are layers.

    Attributes:
        kind: the class.
        module: it is defined in.
        forward: the name of the method that goes forward.
        backward: the name of the method that goes backward.
        takes: what the two are given.
        assembled: the ways in which the file itself puts it together.
        sure: whether its names tell that it is a layer.
        problems: how the second stopped where the first did not.
    """

    kind: Callable[..., Any]
    module: ModuleType
    forward: str
    backward: str
    takes: Takes
    assembled: tuple[Made, ...] = ()
    sure: bool = True
    problems: list[str] = field(default_factory=list)

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run as a layer."""
        misshapen: Found | None = None
        problem = "how it is made is not known"
        last: list[Way] = []  # it may be written for arrays of other shapes
        for each in chain(self._ways(), last):
            if each.data.layout in TOKENS and self.problems:  # it takes numbers
                continue
            try:
                way, found = self._by_an_output(each, stretched=each in last)
            except StretchedError:
                last.append(each)
                continue
            except UnfitError as error:
                sure = error.of_no_data
                if error.stage or sure:  # one that runs to its end tells more
                    at = len(self.problems) if error.stage == 1 and not sure else 0
                    name = raised_in(sure)[0].function if sure else self.backward
                    self.problems.insert(at, f"{name}: {error}")
                problem = str(error)
                continue
            except NotAGradientError:
                continue
            if found is not None and not found.misshapen:
                if found.examined.ok:
                    return self._where_it_trains(found, way)
                return self._right(last) or found
            misshapen = misshapen or found
        others: Sequence[type] = self.kind.__subclasses__() if isinstance(self.kind, type) else ()
        if misshapen is None and not others:  # else it is their base
            self.problems.append(problem)
        return misshapen

    def on(self, given: Mapping[str, Any]) -> Found | None:
        """An object, judged with the inputs that the file gives it; None if that fails.

        Args:
            given: the object and its inputs.
        """
        whole, x, *others = given.values()
        if others or not is_floats(x):
            return None
        data = replace(next(example_data(Sizes(), LAYOUTS[:1])), layout=GIVEN, x=x)
        plan = Plan(called(self.kind), lambda *_: {"self": deepcopy(whole)}, (), self.module)
        with suppress(UnfitError, NotAGradientError):
            return self._by_an_output(Way(plan, data, self.takes), stretched=True)[1]
        return None

    def _by_an_output(self, way: Way, *, stretched: bool) -> tuple[Way, Found | None]:
        """It, judged by its output; or by one that is made of it, if more is right then.

        Raises:
            UnfitError, StretchedError: as `_judged`.
        """
        wrong: list[tuple[Way, Found]] = []
        problems: list[UnfitError] = []
        later = (False,) if way.takes.named else (False, True)
        for taken, last in product(way.takes.choices(), later):
            each = replace(way, takes=taken, later=last)
            try:
                found = self._judged(each, stretched=stretched)
                if found is not None and not found.examined.ok:
                    found = self._sparsely(each, found)
                if found is not None and not found.examined.ok:
                    apart = replace(each, held=True)
                    held = self._judged(apart, stretched=stretched)
                    if held is not None and held.examined.right > found.examined.right:
                        each, found = apart, held
            except UnfitError as error:
                problems.append(error)
                continue
            if found is None or found.examined.ok:
                return each, found
            wrong.append((each, found))
        if not wrong:
            raise problems[0]
        return max(wrong, key=lambda pair: _right_and_told(pair[1]))

    def _where_it_trains(self, found: Found, way: Way) -> Found:
        functions = [getattr(self.kind, e, None) for e in (self.forward, self.backward)]
        settings = training(functions)
        trains = replace(way, data=replace(way.data, settings={**way.data.settings, **settings}))
        with suppress(UnfitError, NotAGradientError):
            again = self._judged(trains) if settings else None
            if again is not None:
                return again if again.examined.ok else self._sparsely(trains, again)
        tried = {*map(told, way.data.settings)}
        more = (each for each in switched_off(None, functions) if each not in tried)
        off = (*found.recognised.off, *more)
        return replace(found, recognised=replace(found.recognised, off=off))

    def _right(self, ways: Sequence[Way]) -> Found | None:
        """It, in the first of some ways in which all is right; None if there is none."""
        arrays = (way for way in ways if isinstance(way.data.x, np.ndarray))
        found = (self._judged(way, blame=False) for way in arrays)
        return next((each for each in found if each is not None and each.examined.ok), None)

    def _ways(self) -> Iterator[Way]:
        """How it may be made, and what it may be given.

        What is made of any number of others is made as the file makes it, if that shows how. What
        goes forward may have to be told to keep what is needed on the way back.
        """
        switches = {each.name: True for each in off(getattr(self.kind, self.forward, None))}
        for layout, settings in product(LAYOUTS, ({}, switches) if switches else ({},)):
            data = replace(next(example_data(Sizes(), (layout,))), settings=settings)
            own = self._own(data)
            apart = takes_parts(self.kind) or (own and not_given(self.kind))
            others = () if apart else layer_constructions(self.kind, data)
            for said, make in chain(own, others):
                yield Way(Plan(said, make, (), self.module), data, self.takes)

    def _own(self, data: Data) -> list[tuple[str, Make]]:
        """The ways in which the file itself makes it, those that work."""
        found = []
        for each in self.assembled:
            with suppress(UnfitError):
                each.make(data, Scope())
                found.append((each.said, each.make))
        return found

    def _sparsely(self, way: Way, wrong: Found) -> Found:
        """It, which is wrong for all entries of its output, or for one if more is right then.

        A backward part that is linear is right for all entries together if it is for each. One
        that counts on a single entry, that of the label, is right as it is used. So it is judged by
        one entry at a time, and the one for which least is right tells.
        """
        least: tuple[int, Found] | None = None
        for at in range(ENTRIES):
            one = self._judged(way, at, blame=False)  # lines where they are asked for
            if one is None:
                raise UnfitError("it gives no gradients")
            if one.examined.right <= wrong.examined.right:
                return wrong
            if least is None or one.examined.right < least[1].examined.right:
                least = at, one
        assert least is not None  # noqa: S101 - there are entries
        at, found = least
        return found if found.examined.ok else self._judged(way, at) or found

    def _judged(
        self,
        way: Way,
        at: int | None = None,
        *,
        stretched: bool = True,
        blame: bool = True,
        begun: Any = None,
    ) -> Found | None:
        """It, judged by all entries of its output, or by one.

        Raises:
            UnfitError: it does not run so, or not each parameter has a gradient.
            StretchedError: something smaller is added to a gradient, where that may not be.
        """
        first, out, _ = self._run(way, None, at)
        numbers = begun or of_output(generic(first), first, out)
        run, out, inner = self._run(way, numbers, at)
        if way.held and not states_held(run, out):
            return None
        found = places(run)
        found = after_update(run, found) if found.direct or not found.moved else found
        goals, unseen = found.goals, [e.name for e in inner if not out.depends_on(e.parameter)]
        inner = [each for each in inner if each.name not in unseen]  # it left the record
        if not goals and not inner:
            return None
        smaller = any(map(is_smaller, found.updates)) and not found.direct
        if not stretched and (smaller or any(is_stretched(each.node) for each in goals)):
            raise StretchedError
        back = last_return(run.results[1][1])
        step = OwnPass(run.recorded, goals, loss=out, scaled=not found.direct, returns=back)
        examined = judged_apart(run, step, inner, found, blame=blame)
        again = partial(self._again, way, at)
        examined, sums = with_sums(run, found.direct, examined, again)
        recognised = self._recognised(way.plan, run, found.source, (*goals, *inner))
        recognised = replace(
            recognised,
            sums=sums,
            unruled=unruled(run, found),
            constant=found.constant if found.direct else (),
        )
        left = (*found.missing, *found.unfound) if goals else parameters_of(run, out)
        left = (*left, *unseen)
        beside, used = given_beside(run, (*goals, *inner)), run.used()
        other = partial(self._judged, way, at, stretched=stretched, blame=False)
        right = partial(_is_right, lambda: other(begun=moved(numbers)))
        rerun = Rerun(partial(again, run.begun), right)
        return Found(recognised, examined, used, left, beside, found.unnamed).rerun(rerun)

    def _again(self, way: Way, at: int | None, begun: Any) -> Gradients:
        """The gradients that it gives where it begins with some numbers."""
        anew, out, inner = self._run(way, begun, at)
        found = {each.name: each.node.value for each in (*places(anew).goals, *inner)}
        return {"its output": out.value, **found}

    def _recognised(
        self, plan: Plan, run: Attempt, source: str, goals: Sequence[Goal]
    ) -> Recognised:
        names = tuple(each.name for each in goals)
        data, off = run.data, (*switched_off(run.roots["self"]), *untried(run, goals))
        off += not_given(self.kind) if plan.said == called(self.kind) else ()
        calls = tuple(called(function, told=data.settings) for _, function, _ in run.results)
        at = 1 if source == "returned" else len(calls) - 1  # its update, if that is called
        return Recognised(plan.said, data.layout, "", calls, source, names, backward=at, off=off)

    def _run(self, way: Way, values: Any, at: int | None) -> tuple[Attempt, Node, list[Goal]]:
        """A recorded run: the loss, and the gradients of what it was given, and may write into."""
        trace, rng = Trace(sites=True), np.random.default_rng(9)
        run = Attempt(way.plan, way.data, Scope({"rate": RATE}), trace=trace)
        with quiet(), doubles():
            run.roots = made_whole(run, self.forward, way.takes)
            begin(run, values or {})
            layer = run.roots["self"]
            with traced_program(trace):
                forward, backward = (getattr(layer, e) for e in (self.forward, self.backward))
                handed, ahead, result = went_ahead(run, forward, way.takes, rng)
                run.results = [(Call("forward", forward), forward, result)]
                kept = kept_after(forward, handed, result)
                outs = outputs(run, result, kept, way.takes)
                if way.later:
                    outs = [output_made_of(run, outs[0], result)]
                run.scope.kinds["output"] = outs[0]
                douts = [upstream(rng, out, at) for out in outs]
                terms = [(out * each).sum() for out, each in zip(outs, douts, strict=True)]
                loss = run.node(sum(terms[1:], terms[0]))
                since = len(trace.nodes)
                given_back = [trace.given(each, f"dout{i or ''}") for i, each in enumerate(douts)]
                known = known_after(run, result)
                back = went_back(run, backward, way.takes.handed_back(given_back, known, kept))
            run.note_gradients(since)
            inner = input_goals(run, back, ahead, given_back[0])
            run.inner = {each.node for each in inner}
            return run, loss, inner


def _is_right(judge: Callable[[], Found | None]) -> bool:
    found = judge()
    return found is not None and found.examined.ok


def _right_and_told(found: Found) -> int:
    """How many gradients are right, of those that may be other than 0."""
    return sum(each.ok and not each.dead for each in found.examined.gradients)


def layer_search(
    kind: type, module: ModuleType, assembled: tuple[Made, ...] = (), *, targets: bool = False
) -> LayerSearch | None:
    """A class as one of layers; None if it has no such methods.

    Args:
        kind: the class.
        module: it is defined in.
        assembled: the ways in which the file itself makes an object of it.
        targets: as in `takes`.
    """
    names = [e for e in dir(kind) if callable(getattr(kind, e)) and not e.startswith("__")]
    forward = [e for e in names if is_role(e, "forward") == 0] or called_itself(kind)
    forward = forward or only(names, "forward")
    backward = [e for e in names if is_role(e, "backward") == 0] or only(names, "back")
    if not forward or not backward:
        return None
    found = takes(method_of(kind, forward[0]), method_of(kind, backward[0]), targets=targets)
    if found is None:
        return None
    return LayerSearch(kind, module, forward[0], backward[0], found, assembled)


def unnamed_layer(
    kind: Callable[..., Any],
    holder: Any,
    module: ModuleType,
    roles: dict[str, list[Named]],
    assembled: tuple[Made, ...] = (),
) -> LayerSearch | None:
    """A class as one of layers, whatever its methods and their arguments are called; None if not.

    Args:
        kind: the class.
        holder: it, or an object of it that has its methods.
        module: it is defined in.
        roles: its methods by what they may do.
        assembled: the ways in which the file itself makes an object of it.
    """
    for ahead, _ in roles["forward"]:
        for back, _ in roles["backward"]:
            functions = method_of(holder, str(ahead)), method_of(holder, str(back))
            found, named = takes(*functions, named=False), takes(*functions)
            if found is not None:
                sure = named is not None
                return LayerSearch(kind, module, ahead, back, found, assembled, sure)
    return None


def closure_layer(
    maker: FunctionType, module: ModuleType, roles: dict[str, list[Named]]
) -> LayerSearch | None:
    """A function as one that makes layers, which returns functions around its variables."""
    if maker.__code__.co_flags & CO_VARARGS:  # it puts others together
        return None
    kind = closed(maker)
    data = next(example_data(Sizes(), ("rows",)))
    for _, make in layer_constructions(kind, data):
        with suppress(UnfitError):
            return unnamed_layer(kind, make(data, Scope())["self"], module, roles)
    return None
