"""What can be checked: an implementation that starts from parameters and shows its steps.

A subject is started afresh for every step of the restarted mode, and once for a whole free run,
in which it keeps whatever it keeps. Left out: the verdicts (`verdict`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.model.functions import DROPOUT, SIGMOID
from conformance.model.update_kinds import SGD
from conformance.subjects.observation import Observation
from reference.backprop import Layered, step
from reference.equations import BOOK, COSTS
from reference.step import Array, Batch, Parameters, Step

COMMAND = "cmd:"  # what the name of a command as a subject begins with


class Session(Protocol):
    """An implementation in training."""

    def step(self, batch: Batch) -> Observation | Step | Mapping[str, Array]:
        """Take one step and show its quantities, all or some of them."""


@runtime_checkable
class Unobserved(Protocol):
    """A session that can also take a step without being observed, which is faster."""

    def move(self, batch: Batch) -> Mapping[str, Array]:
        """Take one step and show the parameters after it."""


class Reading(NamedTuple):
    """The activations of hidden layers and output, and the cost, that a network may have."""

    family: tuple[str, str]
    cost: str


@dataclass(frozen=True)
class Subject:
    """An implementation by its name, how to start it, and what it can be asked.

    Attributes:
        name: for messages.
        start: gives a session that starts from a case's parameters.
        start_free: the same for a free run, where only the parameters matter; `start` if None.
        conventions: those that were recognised, in words.
        costs: the costs that it has.
        dtypes: the dtypes in which it can be judged.
        decays: whether it knows weight decay.
        folders: from which it was told to import.
        stops: how it stops on networks of some numbers of layers, if it is written for others.
        family: the activations of its hidden layers and of its output; empty if it has any.
        updates: the update rules that it has, names in `UPDATES`; empty if it has any.
        constants: those that its update has and that it cannot be given others for.
        moves_otherwise: whether it moves by none of the rules in `UPDATES`.
        moves_unknown: whether by no rule that is known, so that its updates are not judged.
        takes_state: whether it can be given what an update keeps, as it is before a step; if not,
            it begins with nothing kept.
        given_masks: whether it is given the masks of a dropout, which may keep all neurons too.
        takes_classes: whether it looks only at which target of a sample is the largest.
        is_right: whether it is right in a case, run as it is, without being traced; None if it
            can only be judged.
        otherwise: gives the family and the cost that it may be meant to have, where its own are
            guessed; None if they are not.
        goes_back: whether it has a backward pass, by which another family is judged.
        returns_parameters: whether it shows its new parameters.
        refuses: why else a case cannot be put to it, or nothing.
    """

    name: str
    start: Callable[[Case, Parameters], Session]
    start_free: Callable[[Case, Parameters], Session] | None = None
    conventions: tuple[str, ...] = ()
    costs: tuple[str, ...] = tuple(COSTS)
    dtypes: tuple[str, ...] = ("float32", "float64")
    decays: bool = True
    folders: tuple[Path, ...] = ()
    stops: Mapping[int, str] = field(default_factory=dict)
    family: tuple[str, ...] = (SIGMOID, SIGMOID)
    updates: tuple[str, ...] = (SGD,)
    constants: Mapping[str, float] = field(default_factory=dict)
    moves_otherwise: bool = False
    moves_unknown: bool = False
    takes_state: bool = True
    given_masks: bool = False
    takes_classes: bool = False
    is_right: Callable[[Recorded], bool] | None = None
    otherwise: Callable[[], Reading | None] | None = None
    goes_back: bool = True
    returns_parameters: bool = True
    refuses: Callable[[Case], str] = lambda _: ""

    def has_activations_of(self, case: Case) -> bool:
        """Whether it has the activations of a case, or any."""
        plain = tuple(each.removesuffix(DROPOUT) for each in self.family)
        families = (self.family, plain) if self.given_masks else (self.family,)
        return not self.family or any(case.is_of(*each) for each in families)

    def unfit(self, case: Case) -> str:
        """Why a case cannot be put to the subject, or nothing."""
        if not self.has_activations_of(case):
            return "has other activations"
        if reason := self._moves_otherwise(case):
            return reason
        if case.dtype not in self.dtypes:
            return f"computes in {' or '.join(self.dtypes)}"
        if case.cost not in self.costs:
            return f"has no {case.cost} cost"
        if self.takes_classes and not case.has_classes:
            return "takes each target for a class, one-hot"
        stopped = self.stops.get(case.layers)
        layers = f"takes no networks of {case.layers} layers: {stopped}" if stopped else ""
        return layers or self.refuses(case)

    def _moves_otherwise(self, case: Case) -> str:
        if self.updates and case.update not in self.updates:
            own = " or ".join(self.updates)
            return f"has no {case.update}" if case.update != SGD else f"moves by {own}"
        others = self.constants and dict(case.constants) != self.constants
        return "has other constants in its update" if others else ""

    def declines(self, _case: Case) -> str:
        """Why the subject itself declines a case that fits it, or nothing."""
        return ""

    def runs_freely(self, case: Case) -> bool:
        """Whether its own parameters can be followed through the steps of a case."""
        follows = self.returns_parameters and not self.moves_otherwise
        return follows and (self.decays or not case.lmbda)

    def ahead(self, _cases: Sequence[Case]) -> AbstractContextManager[None]:
        """Hear which cases come, in their order; it lasts until they are done."""
        return nullcontext()


class ReferenceSession:
    """The hand-written NumPy backprop, with the book's equations or others."""

    def __init__(self, case: Case, parameters: Parameters, equations: Layered = BOOK) -> None:
        """Start from the parameters of a case."""
        self.case, self.parameters = case, parameters
        self.equations = equations

    def step(self, batch: Batch) -> Step:
        """Take one step."""
        rates = self.case.eta, self.case.decay
        taken = step(self.parameters, batch, *rates, self.equations, self.case.rule)
        self.parameters = taken.parameters
        return taken
