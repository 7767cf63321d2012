"""What is known of a backward pass after it was judged: values, no prose.

Left out: the words (`report/backward_words.py`).
"""

from dataclasses import dataclass
from typing import NamedTuple


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
    """

    name: str
    line: Line | None


@dataclass(frozen=True)
class Cause:
    """Why a line is to blame.

    Attributes:
        kind: which cause it is:
            `value`: what the operation gives is not the derivative that is needed there;
            `misused`: it is right, as the derivative with respect to something else;
            `scaled`: it is right but for a constant;
            `part`: it is only some of the contributions;
            `changed`: the operation is another one than it has to be;
            `gradient`: the gradient is wrong and no single operation mends it;
            `shape`: the gradient has another shape than its parameter;
            `untraced`: the gradient was not computed from the parameters.
        operation: the source of the operation.
        needed: the forward value whose derivative is needed.
        held: the forward value whose derivative it is.
        factor: given / right, of `scaled`.
        changes: what the operation has to be instead, as (what, from, to).
        given: the entry that is farthest off.
        right: what it has to be.
        at: where it is.
    """

    kind: str
    operation: str = ""
    needed: Named | None = None
    held: Named | None = None
    factor: float = 1.0
    changes: tuple[str, str, str] | None = None
    given: float | None = None
    right: float | None = None
    at: tuple[int, ...] = ()


@dataclass(frozen=True)
class Accused:
    """An operation that is to blame.

    Attributes:
        gradients: the names of the parameters whose gradients it makes wrong.
        lines: the lines in question, the one to blame first.
        cause: why.
        mends: whether all gradients are right once it is mended.
    """

    gradients: tuple[str, ...]
    lines: tuple[Line, ...]
    cause: Cause
    mends: bool


@dataclass(frozen=True)
class Judged:
    """A gradient.

    Attributes:
        name: of its parameter.
        ok: whether it is right.
        error: the largest error, relative to the largest right entry.
        exact: whether balls decided.
        shape: that it has.
        expected: that the parameter has.
    """

    name: str
    ok: bool
    error: float
    exact: bool
    shape: tuple[int, ...]
    expected: tuple[int, ...]
