"""What is known of a file beside what was judged: what was not, and what it asked for.

Left out: the words (`report/file_report.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class NotJudged:
    """A thing that fits no shape, though its names say that it goes backwards.

    Attributes:
        name: of it.
        why: how far the readings came.
        network: whether it is what is to be judged: a class, or what goes backward by its name.
        guess: whether no name says that it goes backward, so that it is said only beside nothing.
        final: whether that is all that can be said: neither to run the file nor to write a program
            that calls it would show whether it is right.
        runs: whether a run of the file that uses it shows that after all.
    """

    name: str
    why: str
    network: bool = False
    guess: bool = False
    final: bool = False
    runs: bool = False


def without_gradients(name: str, parameters: Sequence[str]) -> NotJudged:
    """A thing with parameters of which no gradient is found, though that of its input is."""
    return NotJudged(name, f"no gradient is found of {', '.join(parameters)}", True, final=True)


def beside_gradients(name: str, beside: Sequence[str]) -> NotJudged:
    """A thing that was judged, but for gradients of what is no parameter."""
    words = f"it returns {', '.join(beside)} as well, and of what is not known"
    return NotJudged(name, words, final=True)


def without_names(name: str, arrays: Sequence[str]) -> NotJudged:
    """A thing that was judged, but for arrays that no name says are parameters."""
    words = f"its output is made of {', '.join(arrays)} as well, and no gradient of it is found"
    return NotJudged(name, words, final=True)


@dataclass(frozen=True)
class NotHere:
    """What a file asked for, such as data.

    Attributes:
        where: its file and line.
        why: it is not here.
        endless: whether it went on for too long instead.
    """

    where: str
    why: str
    endless: bool = False


@dataclass(frozen=True)
class Refused:
    """A file of which nothing fits a shape.

    Attributes:
        said: the file, as it was given.
        defines: what it defines.
        adapter: a program that judges it, once it has what it lacks.
        unfit: what in it may not be meant to be judged, with the reason why it is not.
    """

    said: str
    defines: str
    adapter: str
    unfit: tuple[NotJudged, ...] = ()
