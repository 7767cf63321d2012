"""What is known of a backward pass after it was judged: values, no prose.

Left out: the words (`report/backward_words.py`).
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

OWN = {"sent": False}  # of a field that is not handed to another process


class Line(NamedTuple):
    """A line of the program."""

    file: str
    line: int


@dataclass(frozen=True)
class Named:
    """A value of the forward pass.

    Attributes:
        name: that the program gave it, or the source of the expression, or the operation.
        line: that computed it; None for what was given.
        is_operation: whether the name is that of the operation alone.
    """

    name: str
    line: Line | None
    is_operation: bool = False


@dataclass(frozen=True)
class Changed:
    """Another operation in the place of one.

    Attributes:
        what: is changed (`changes.Change`), or `rate`: the number by which weights decay.
        before: what the program has.
        after: what it has to have.
        operation: the source of the operation.
        other: the operand, factor or term that it needs; the name of a number.
    """

    what: str
    before: str
    after: str
    operation: str
    other: Named | None = None


@dataclass(frozen=True)
class Entry:
    """An entry of a gradient: its name, where it is, what the program gives and what is right.

    And the entry of a matrix that it is, where all parameters are one vector: `W1[0, 3]`.
    """

    name: str
    at: tuple[int, ...]
    given: float
    right: float
    part: str = ""


@dataclass(frozen=True)
class Instead:
    """What to write so that digits are kept: its source, how many it gains, on which line."""

    write: str
    digits: int
    line: Line


ADDS = "uphill"  # the kind of cause, and of note, of an optimiser that adds what it is given

UPDATES = frozenset((
    "ascends", "step", "kept", "zero", "shared", "rate", "accumulates", "square", "no square",
    "infinite", "still", "unkept", "update", ADDS, "downhill", "uncorrected", "uncorrected mean",
    "uncorrected square", "no root", "beside", "minus", "behind", "correction mean",
    "correction square", "base mean", "base square", "rate mean", "rate square", "exchanged",
    "share", "root of correction", "stuck", "late", "steps", "other", "growth", "number", "larger",
    "size", "differences", "steps kept", "stops", "idle", "aside", "unused rate", "turned",
    "no effect", "mixed", "forgets", "decay of gradient", "unbounded", "unrooted", "unread",
    "nesterov", "unclipped", "sum", "twice", "mean", "kept corrected", "put over", "rest",
    "twice kept", "before", "ahead", "undivided", "stale", "shares", "former",
    "rest of mean",
))  # fmt: skip
"""The kinds of causes that are of an update."""


@dataclass(frozen=True)
class Cause:
    """Why a line is to blame.

    Attributes:
        kind: which cause it is:
            `value`: what the operation gives is not the derivative that is needed there; `term`:
            nor the contribution to it; `misused`: it is right, as the derivative with respect to
            something else; `scaled`: it is right but for a constant; `part`: it is only some of the
            contributions; `begins`: what is computed from it is not the derivative that is needed;
            `slope`: a right derivative is multiplied by it, and it is not that of `missing`;
            `updated`: a parameter (`needed`) is used after its update (`held`); `decay`: it is
            `factor` times the derivative of the decay of the loss; `decay alone`: the loss has none
            of it; `handed`: another value has to
            be handed on there; `aliased`: an array is changed in place while another name stands
            for what it was; `changed`: the operation is another one than it has to be; `gradient`:
            the gradient is wrong and no operation is known that mends it; `another`: it is that of
            another parameter (the second of `names`); `shape`: it has another
            shape than its parameter; `unused`: `needed` is given and not used; `absent`: no
            gradient is given, which is taken for 0; `search`: none in `factor` s; `output`: the
            output error is the derivative of no cost; `uneven`: nor adds it up to 0; `negated`: all
            gradients have the wrong sign; `grows`: a decay is taken off a gradient where it has to
            be added; `overwritten`, `last`: a derivative is written that has to be added, or so is
            the gradient of each of `factor` mini-batches; `anew`: what these are added to (the
            first of `names`) begins anew with each; `skipped`: a loop leaves out the first or last
            (`operation`) of `factor` steps; `order`: a value is gone through before all its
            uses are; `crossed`: all outputs are compared with all targets; `edited`: a change of
            the line makes all right; `small`: the gradient is wrong by less than rounding; `lost`:
            digits are lost. of what is wrong with an update, though the gradients may be right
            (`UPDATES`): `ascends`, `step`: it moves the parameter up its gradient, or `factor`
            times as far as others are moved; `kept`, `zero`: it keeps nothing from step to step
            where others do, or what it keeps is never written; `unread`: nor does it move anything;
            `shared`: two parameters (`names`) keep one array; `rate`, `accumulates`: what it keeps
            is multiplied by another number (`factor`) than that of others, or never gets less;
            `square`, `no square`: the mean that it keeps is that of the square, or of no square;
            `infinite`: it makes numbers that are not finite; `still`: the parameter is not moved at
            all, though its gradient is computed;
            `unkept`: nor is what it is moved to kept; `update`: what it takes off the parameter is
            not the gradient, which is right; `uphill`, `downhill`: it adds, or subtracts, all
            gradients; `uncorrected`: a moment of Adam's is not corrected for its first steps, or
            neither is; `correction mean`, `correction square`: one is by the β of the other
            (`numbers`); `base mean`, `base square`: by one of neither; `rate mean`, `rate square`,
            `exchanged`: one keeps, or each keeps, what the other ought to; `share`: what is added
            to one is multiplied by another number than 1 − β; `stuck`, `late`, `steps`: t in 1 −
            β^t is always the same, does not begin with 1, does not grow by 1; `root of correction`:
            1 − β^t stands outside of the root without a root of its own; `no root`: it divides by a
            mean of squares without its root; `beside`: ε is added to the quotient; `larger`,
            `size`, `differences`, `steps kept`: it keeps another value; `minus`: what is kept is
            taken off; `behind`: nor looks it ahead; `ahead`: it moves on from there;
            `other`: it takes, or keeps, the gradient of another parameter (the second of
            `names`); `number`: it adds a number to, or takes it off, each entry; `unused rate`: it
            uses none, and is given one (the first of `names`); `no effect`: it reads a number
            (the first of `names`), and has nothing of it;
            `twice`: a variable (the first of `names`) multiplies the gradient twice;
            `twice kept`: the factor (`numbers`) of what is kept does;
            `before`: it uses what is kept before it is written; `undivided`: AdaDelta does not
            divide; `former`: it keeps the gradient for the next step, which adds more of it;
            `rest of mean`: a running mean keeps a share, and what it takes is not the rest
            (`numbers`);
            `mean`: it takes the mean over the samples (`numbers`) of what is one already;
            `turned`: it takes off the parameter itself; `stops`, `idle`: what is to move it (the
            first of `names`) stops there with an error (the second), or computes nothing.
        operation: the source of the operation whose value has to be another.
        needed: the forward value whose derivative is needed; `held`: the one whose it is.
        factor: given / right, of `scaled`; of `small` how far it is off.
        changed: what makes all gradients right.
        worst: the entry that is farthest off.
        missing: the forward operation whose derivative is needed, of `misused` and `slope`.
        names: of `aliased`: the one that is written into, and the other.
        instead: of `lost`, what to write, if that is known.
        numbers: of a rule of updates: those that stand there, and those that have to.
        at: the line of the operation, where it is not the one to blame.
    """

    kind: str
    operation: str = ""
    needed: Named | None = None
    held: Named | None = None
    factor: float = 1.0
    changed: Changed | None = None
    worst: Entry | None = None
    missing: Named | None = None
    names: tuple[str, str] = ("", "")
    instead: Instead | None = None
    numbers: tuple[float, ...] = ()
    at: Line | None = None


class Edited(NamedTuple):
    """A change of a line that makes all gradients right: its kind, and the line after it.

    Beside other mistakes it may make those right that one of them makes wrong.
    """

    kind: str
    text: str
    beside: bool = False


class RightValue(NamedTuple):
    """A value that the operation of a line gave, and the one with which all gradients are right."""

    line: Line
    given: Any
    right: Any


def never_moved_beside(moved: Iterable[Line]) -> Cause:
    """Why a parameter is to blame that nothing moves, with the last line that moves others."""
    last = max(moved, key=lambda each: each.line, default=None)
    return Cause("still", held=None if last is None else Named("", last))


@dataclass(frozen=True)
class Accused:
    """An operation that is to blame.

    Attributes:
        gradients: the names of the parameters whose gradients it makes wrong.
        lines: the lines in question, the one to blame first.
        cause: why.
        mends: whether all gradients are right once it is mended.
        edited: how the line has to be, if the program was right with it.
        right_values: of the operations that mend all gradients, in the process that judged.
    """

    gradients: tuple[str, ...]
    lines: tuple[Line, ...]
    cause: Cause
    mends: bool
    edited: Edited | None = None
    right_values: tuple[RightValue, ...] = field(
        default=(), compare=False, repr=False, metadata=OWN
    )


def merged(accused: Iterable[Accused], key: Callable[[Accused], Hashable]) -> tuple[Accused, ...]:
    """The operations to blame, those with one key as one that makes the gradients of all wrong."""
    found: dict[Hashable, Accused] = {}
    for each in accused:
        first = found.setdefault(key(each), each)
        if first is not each:
            names = dict.fromkeys((*first.gradients, *each.gradients))
            found[key(each)] = replace(first, gradients=tuple(names))
    return tuple(found.values())


def by_one_line(accused: tuple[Accused, ...]) -> tuple[Accused, ...]:
    """The operations to blame as one, by the lines that are in question in each of them.

    One mistake is likelier than several; where no line is in question in all, they stay apart. The
    first of them tells why whose first line is in question in the others.
    """
    shared = set[Line]().union(*(each.lines for each in accused[:1]))
    shared = shared.intersection(*(each.lines for each in accused))
    if len(accused) < 2 or not shared:  # noqa: PLR2004 - of two
        return accused
    first = next((each for each in accused if {*each.lines[:1]} <= shared), accused[0])
    every = [line for each in (first, *accused) for line in each.lines]
    lines = dict.fromkeys((*(line for line in every if line in shared), *every))
    names = tuple(name for each in accused for name in each.gradients)
    values = tuple(value for each in accused for value in each.right_values)
    return (replace(first, gradients=names, lines=tuple(lines), right_values=values),)


@dataclass(frozen=True)
class Declared:
    """Why what a backward pass gives is its own choice, and no derivative.

    Attributes:
        kind: which reason it is:
            `unchanged`: the forward pass hands its argument on as it is;
            `step`: the derivative of what the forward pass does is 0, or no use;
            `straight`: it is the derivative with the step taken for the identity;
            `held`: it is right but for rows that are set to 0, which are not trained then;
            `none`: no gradient is given, and none was asked for.
        operation: the step, if there is one.
    """

    kind: str
    operation: Named | None = None


@dataclass(frozen=True)
class Judged:
    """A gradient.

    Attributes:
        name: of its parameter.
        ok: whether it is right.
        error: the largest error, relative to the largest right entry.
        exact: whether balls say that it is right; else floats decided.
        lost: whether it is right on balls and lacks half of its digits in floats.
        untraced: whether it is right by a difference of the loss alone: the record misses a part.
        apart: how far it is off though it is taken as right, as by an ε in the loss; else 0.
        dead: whether every entry has to be 0.
        shape: that it has.
        expected: that the parameter has.
        digits: to which it is right on balls, all entries together; None where they do not go.
        ratio: given / right, if that is one number for all entries of a wrong one.
        worst: the entry of a wrong one that is farthest off.
        declared: why it is taken as it is, where it is no derivative.
    """

    name: str
    ok: bool
    error: float
    exact: bool
    lost: bool
    untraced: bool
    apart: float
    dead: bool
    shape: tuple[int, ...]
    expected: tuple[int, ...]
    digits: int | None = None
    ratio: float | None = None
    worst: Entry | None = None
    declared: Declared | None = None


@dataclass(frozen=True)
class Passed:
    """A value of the forward pass, beside what the backward pass has at its place.

    Attributes:
        forward: the value.
        shape: of it.
        backward: the value that is its ∂C/∂v, if there is one.
        factor: of that one beside ∂C/∂v.
        blamed: whether what is needed there is what the first line to blame does not give.
        wrong: whether v is a parameter, and `backward` the gradient of it that is wrong.
        inputs: the places, among the values that are listed, of those that it is computed from.
    """

    forward: Named
    shape: tuple[int, ...]
    backward: Named | None = None
    factor: float = 1.0
    blamed: bool = False
    wrong: bool = False
    inputs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Examined:
    """What is known of a program.

    Attributes:
        gradients: each one, judged.
        accused: the operations to blame, the first to be read first.
        kinks: whether the sample hits a kink, where every slope between both sides is right.
        cost: that they were judged by: `own`, the program's; a known one; or `unknown`.
        factor: that all gradients have beside the right ones, which is a convention.
        clipped: whether they are multiplied by a number that is computed of them.
        samples: of whose costs the right ones are the mean, where the cost is a known one; else 1.
        decay: the rate at which weights decay in them, where the cost does not state it.
        penalty: whose derivative that decay is (`decay.py`).
        output_error: the line that computes the output error, where the cost is unknown.
        decay_beside: whether the weights decay beside the program's own loss.
        passes: the two passes side by side, where something is to blame.
        truncated: the steps through time that gradients go back, if not all; else 0.
        rights: the right gradients by their names, in the process that judged, if some are wrong.
        ahead: the lines that compute the loss alone, likewise.
        undecayed: what is known of them by the own loss without the decay that it states, likewise,
            if more of them are right so.
    """

    gradients: tuple[Judged, ...]
    accused: tuple[Accused, ...] = ()
    kinks: bool = False
    cost: str = "own"
    factor: float = 1.0
    clipped: bool = False
    samples: int = 1
    decay: float = 0.0
    penalty: str = "squares"
    output_error: Line | None = None
    decay_beside: bool = False
    passes: tuple[Passed, ...] = ()
    truncated: int = 0
    rights: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False, metadata=OWN)
    ahead: frozenset[Line] = field(default=frozenset(), compare=False, repr=False, metadata=OWN)
    undecayed: Any = field(default=None, compare=False, repr=False, metadata=OWN)

    @property
    def free(self) -> bool:
        """Whether nothing tells the factor of all gradients: none is right, nor is it wrong."""
        return not self.right and all(each.cause.kind != "scaled" for each in self.accused)

    @property
    def right(self) -> int:
        """How many gradients are right."""
        return sum(each.ok for each in self.gradients)

    @property
    def ok(self) -> bool:
        """Whether every gradient is right, and there are some, and nothing else is wrong."""
        return bool(self.gradients) and all(e.ok for e in self.gradients) and not self.accused
