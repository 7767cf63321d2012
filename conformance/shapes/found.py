"""What is known of the programs of a file: what was judged, what was not, what it asked for.

Left out: the words (`report/file_report.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from conformance.backward.findings import OWN, Examined
from conformance.shapes.reruns import Gradients, Rerun


@dataclass(frozen=True)
class Recognised:
    """What a program was taken for.

    Attributes:
        made: the call that makes it.
        layout: of the samples.
        coding: of the targets; nothing where there are none.
        calls: its functions, in the order in which they were called, each with its arguments.
        source: where its gradients are: `returned` or `moved`.
        parameters: their names.
        backward: the place among the calls of the one that gives the gradients.
        constant: the biases, where the program moves none of them.
        alone: if it is right for one alone, and not for several, of what: an output, a vector;
            `ones` if it is for samples that begin with 1.
        off: what it may be told, and was not, such as `momentum=True`.
        rule: by which it moves its parameters, in words, if it is another than the book's.
        unruled: its methods that move parameters, by a rule that is not judged.
        sums: the parameters of which the gradients are added up, and nothing sets them back.
    """

    made: str
    layout: str
    coding: str
    calls: tuple[str, ...]
    source: str
    parameters: tuple[str, ...]
    backward: int = -1
    constant: tuple[str, ...] = ()
    alone: str = ""
    off: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    unruled: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A program, recognised and judged.

    Attributes:
        recognised: what it was taken for.
        examined: what is known of its gradients.
        used: the names of the functions and classes of the file that took part.
        unjudged: the parameters of which no gradient is found.
        beside: the gradients that it returns and that are of nothing that is known.
        unnamed: arrays that may be parameters as well, and of which no gradient is found.
        again: runs it as it is then, in the process that judged it, and gives its gradients.
        elsewhere: tells whether it is right then, with other numbers.
    """

    recognised: Recognised
    examined: Examined
    used: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    again: Callable[[], Gradients] | None = field(
        default=None, compare=False, repr=False, metadata=OWN
    )
    elsewhere: Callable[[], bool] | None = field(
        default=None, compare=False, repr=False, metadata=OWN
    )

    def rerun(self, by: Rerun) -> "Found":
        """The same, with what runs it again."""
        return replace(self, again=by.again, elsewhere=by.elsewhere)

    @property
    def misshapen(self) -> bool:
        """Whether a gradient has another shape than its parameter."""
        return any(each.cause.kind == "shape" for each in self.examined.accused)


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
