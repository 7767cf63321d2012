"""A class with the book's interface, and its conventions, which a small network of it shows.

Left out: how its networks are run (`book_calls.py`), loading it (`programs/load.py`).
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.backward.recorded_pass import last_return
from conformance.errors import ConformanceError, SubjectError, UsageError
from conformance.model.functions import ACTIVATIONS, COSTS, DROPOUT, SIGMOID
from conformance.running.quiet import quiet
from conformance.running.tracebacks import call
from conformance.subjects.book.array_numbers import ArrayNumbers
from conformance.subjects.book.book_calls import BookCalls, check_assignable, check_mini_batch
from conformance.subjects.book.book_conventions import decay_parameters, storage
from conformance.subjects.book.constructor import (
    cost_of,
    cost_of_error,
    costs_of,
    forms_of,
    has_sizes,
    parameters_of,
)
from conformance.subjects.book.cost_methods import cost_methods
from conformance.subjects.book.own_cost import costs_shown
from conformance.subjects.book.trial_runs import (
    batch_layout,
    check_output,
    recognised,
    stops,
    trial_of_decay,
)
from conformance.subjects.book.update_rule import is_read, update_rule
from conformance.verdict.finding import Finding, Kind, finding
from reference.step import Batch, Parameters

MASKS = re.compile(r"(dropout_?)?masks?|dropouts?|drops?|r")
"""How the parameter of an update is called that is given the masks of a dropout."""


class BookNetwork(BookCalls):
    """How to make, fill and run networks of one class, in the conventions that it has.

    Attributes:
        unfit: why nothing that its update leaves can be judged: the order of the layers is another
            than backprop's, or the parameters move too early.
        takes_classes: whether backprop looks only at which target of a sample is the largest.
        stops: how networks of some numbers of layers stop, where others run.
        family: the activations of its hidden layers and its output.
    """

    family = (SIGMOID, SIGMOID)

    def __init__(self, factory: Callable[..., Any], name: str, cost: str | None = None) -> None:
        """Try the class on a small network and recognise its conventions.

        Args:
            factory: called with sizes, and with `cost=` if it takes that.
            name: for messages.
            cost: the one that it has, if it cannot be chosen; if that is not said, the one that it
                shows, or that of its output error.

        Raises:
            UsageError: it does not have the book's interface; the message says what is missing.
            SubjectError: its code failed.
        """
        super().__init__(factory, name)
        net = self._first_made()
        taken = parameters_of(net.update_mini_batch, type(net), "update_mini_batch")
        check_mini_batch(
            inspect.signature(net.update_mini_batch, follow_wrapped=False).parameters, name
        )
        further = dict([*taken.items()][2:])  # behind the mini-batch and η
        read = {each: e for each, e in further.items() if is_read(net.update_mini_batch, each)}
        constructor = self._constructor(net)
        self.rule = update_rule(constructor, read, name, type(net))
        self.mask = next((each for each in further if MASKS.fullmatch(each)), "")
        own = self.mask, *self.rule.update.values()
        further = {each: e for each, e in further.items() if each not in own}
        check_assignable(net, name)
        try:
            self.numbers = _numbers_of([*net.weights, *net.biases])
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from error
        try:
            stored = storage(*self.held(net), self.probe)
        except SubjectError as error:
            raise UsageError(f"{name}: {error}") from error
        if isinstance(stored, str):
            raise UsageError(f"{name}: {stored}")
        self.costs = costs_of(factory, net, constructor)
        stored = replace(stored, dtype=self.numbers.dtype or stored.dtype)
        self.conventions = recognised(self, stored)
        check_output(self)
        layout = batch_layout(self, self.probe, further)
        self.conventions = replace(self.conventions, batch=layout)
        # Where others have the arrays too, and do not look at the list, they are filled instead.
        tests = self._ignored, self._unmoved
        self.in_place = any(e() and not e(in_place=True) for e in tests)
        self.cost_methods = cost_methods(self)
        stated = cost or cost_of(net) or max(self.costs, default="")
        of_error, known = self._cost_of_error(), [] if stated else costs_shown(self)
        stated = stated or (of_error if of_error in known else next(iter(known), ""))
        self.conventions = replace(self.conventions, cost=stated or of_error, stated=bool(stated))
        held = [each for each, value in vars(net).items() if type(value) in (float, int)]
        self.decay = decay_parameters(further, held, trial_of_decay(self, self.probe), name)
        self.takes_classes = self._takes_classes()
        self.unfit, self.stops = self._misordered(), stops(self, len(self.probe))

    def take_family(self, family: tuple[str, str]) -> None:
        """Take it for one with these activations of hidden layers and output."""
        hidden, output = family
        self.family = f"{hidden.removesuffix(DROPOUT)}{DROPOUT * bool(self.mask)}", output
        goes = [name for name, each in COSTS.items() if family[1] in each.outputs]
        if self.conventions.cost not in goes:
            found = self._cost_of_error()
            cost = found if found in goes else goes[0]
            self.conventions = replace(self.conventions, cost=cost, stated=False)

    def said(self) -> list[str]:
        """The conventions that are not the book's, in words."""
        filled = ["parameters filled in place"] if self.in_place else []
        wrong = any(each.kind is Kind.MISORDERED for each in self.unfit)
        c = replace(self.conventions, backwards=()) if wrong else self.conventions
        epsilon = [] if self.epsilon is None else [self.epsilon.said]
        return [
            *self.numbers.said,
            *self._said_family(),
            *c.said(),
            *epsilon,
            *filled,
            *self.decay.said(),
            *self.rule.said(),
            *(self.cost_method.said_factor(self.probe[-1]) if self.cost_method else []),
            *([f"the masks of each sample as `{self.mask}`"] if self.mask else []),
            *([f"masks times {self.mask_scale:g}"] if self.mask_scale != 1 else []),
        ]

    def _constructor(self, net: Any) -> Mapping[str, Any]:
        """The parameters of what makes a network, as far as they are known."""
        try:
            return parameters_of(self.factory, type(net), "__init__")
        except (TypeError, ValueError):
            return {}

    def _said_family(self) -> list[str]:
        hidden, output = (ACTIVATIONS[each].symbol or each for each in self.family)
        deep = len(self.probe) > 2  # noqa: PLR2004 - it has hidden layers
        if set(self.family[not deep :]) == {SIGMOID}:
            return []
        return [f"{hidden} in the hidden layers" * deep, f"{output} at the output"][not deep :]

    def _first_made(self) -> Any:
        """A network in the first form and of the first sizes with which it can be made.

        Raises:
            ConformanceError: there is none.
        """
        problem: ConformanceError | None = None
        other: tuple[Any, ...] = ()
        for form, probe in forms_of(self.factory):
            self.form, self.probe = form, probe
            try:
                net = self.make(probe)
            except ConformanceError as error:
                problem = problem or error
                continue
            if has_sizes(net, probe):
                return net
            other = other or (form, probe, net)
        if not other:
            raise problem or UsageError(f"{self.name} is made in no form")
        self.form, self.probe, net = other
        return net

    def _ignored(self, *, in_place: bool = False) -> bool:
        """Whether a network computes the same with other parameters."""
        self.in_place, x, outputs = in_place, np.full((self.probe[0], 1), 0.5), []
        try:
            with quiet():
                net = self.make(self.probe)
                for value in (0.25, -0.5):
                    self.fill(net, *self.outwards(self._alike(value)))
                    outputs.append(self.feedforward(net, x))
        except Exception:  # noqa: BLE001 - the cases will show it
            return in_place
        first, second = outputs
        return np.array_equal(first, second)

    def _unmoved(self, *, in_place: bool = False) -> bool:
        """Whether an update moves none of the parameters that a network was given."""
        self.in_place, x, y = in_place, np.full((self.probe[0], 1), 0.5), self.probe[-1]
        try:
            with quiet():
                net = self.filled(self.probe, self._alike(0.25))
                targets = np.ones((y, 1)), np.zeros((y, 1))  # errors of both signs
                pairs = [self.sample(Batch(x, each), 0) for each in targets]
                call(net.update_mini_batch, pairs, 1.0)
                return all(
                    np.array_equal(each, 0.25 + 0 * each) for each in self.inwards(net).values()
                )
        except Exception:  # noqa: BLE001 - the cases will show it
            return in_place

    def _alike(self, value: float) -> Parameters:
        """Parameters that are all one number."""
        w = [np.full((n, k), value) for k, n in pairwise(self.probe)]
        return Parameters(tuple(w), tuple(each[:, :1] for each in w))

    def _cost_of_error(self) -> str:
        """The cost that a network has by its output error."""
        net, (x, y) = self.make(self.probe), self.probe_sample
        masks = self.ones(net) if self.mask else []
        try:
            with quiet(), self.numbers.tried(), np.errstate(all="ignore"):
                own = [np.asarray(e[-1]) for e in self.backprop(net, x, y, masks)]
                if not self.mask:
                    error = np.asarray(self.feedforward(net, x)) - y
                else:  # feedforward is another network: how the error moves with the target tells
                    other = self.backprop(net, x, y[::-1], masks)
                    own = [e - np.asarray(o[-1]) for e, o in zip(own, other, strict=True)]
                    error = y[::-1] - y
        except Exception:  # noqa: BLE001 - the cases will show it
            return "quadratic"
        return cost_of_error(net, *own, error=error, dtype=self.conventions.dtype)

    def _takes_classes(self) -> bool:
        """Whether backprop looks only at which target is the largest."""
        net, classes, (x, y) = self.make(self.probe), np.eye(self.probe[-1]), self.probe_sample
        targets = y, classes[:, -1:], classes[:, :1]  # that of y is the last
        try:
            with quiet(), self.numbers.tried(), np.errstate(all="ignore"):
                found = [[np.asarray(e[-1]) for e in self.backprop(net, x, t)] for t in targets]
        except Exception:  # noqa: BLE001 - the cases will show it
            return False
        own, *others = found
        same, different = (all(map(np.array_equal, own, each)) for each in others)
        return same and not different

    def _misordered(self) -> tuple[Finding, ...]:
        """What is wrong if an update does not take the layers in the order of backprop."""
        backwards = self.conventions.backwards
        if not backwards:
            return ()
        net = self.make(self.probe)
        shapes = [np.shape(each) for each in (*net.weights, *net.biases)]
        try:
            with np.errstate(all="ignore"):
                self.update(net, Batch(*self.probe_sample), (0.5, 0.0, 1))
        except Exception:  # noqa: BLE001 - layers that do not fit stop it in any way
            fits = False
        else:
            fits = shapes == [np.shape(each) for each in (*net.weights, *net.biases)]
        line = last_return(inspect.unwrap(net.backprop))
        return () if fits else (finding(Kind.MISORDERED, line, lists=" and ".join(backwards)),)


def _numbers_of(parameters: Iterable[Any]) -> ArrayNumbers:
    """What a new network computes with, by its parameters; torch is not imported for that.

    Raises:
        UsageError: it is tensors of a dtype in which nothing is judged.
    """
    torch = sys.modules.get("torch")
    tensors = [each for each in parameters if torch and isinstance(each, torch.Tensor)]
    if not tensors:
        return ArrayNumbers()
    from conformance.subjects.book.tensor_numbers import TensorNumbers

    return TensorNumbers(tensors)
