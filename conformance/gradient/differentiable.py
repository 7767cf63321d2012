"""A subject as functions of its parameters: its gradient, its output, whatever it is inside.

Parameters are lists in the order b2 w2 b3 w3 …, named by the book's layers, in the shapes that the
subject gave them. Left out: its cost, and how samples are laid out (`gradient_check.py`).
"""

import copy
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from conformance.arithmetic.place import raised_at
from conformance.backward.recorded_pass import NotAGradientError
from conformance.errors import ConformanceError, SubjectError, UsageError
from reference.step import Array

MESSAGE = 240  # characters of another program's message


class Network:
    """A subject whose parameters are set for every call.

    Attributes:
        subject: the network itself.
        name: of its class.
        names: of its parameters, `b2 w2 b3 w3 …`.
        start: its own parameters in the same order.

    Raises:
        UsageError: it lacks what is needed; the message says what it has.
    """

    def __init__(self, subject: Any) -> None:
        self.subject, self.name = subject, type(subject).__name__
        missing = [name for name in ("weights", "biases") if not hasattr(subject, name)]
        missing += [] if callable(getattr(subject, "backprop", None)) else ["backprop(x, y)"]
        if missing:
            raise UsageError(f"{self.name} has no {', '.join(missing)}; it has {found(subject)}")
        self._weights = self._arrays("weights")
        self._biases = self._arrays("biases")
        if len(self._weights) != len(self._biases) or not self._weights:
            raise SubjectError(
                f"{self.name} has {len(self._weights)} weight arrays and "
                f"{len(self._biases)} bias arrays"
            )
        self.start = _interleaved(self._biases, self._weights)
        layers = range(2, len(self._weights) + 2)
        self.names = tuple(f"{kind}{layer}" for layer in layers for kind in "bw")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons of each layer, the input first, whichever axis of a weight array they are.

        Raises:
            SubjectError: the first weights are no matrix from the inputs to the first biases.
        """
        first, bias = self._weights[0], self._biases[0]
        lengths = list(first.shape)
        if len(lengths) != 2 or bias.size not in lengths:  # noqa: PLR2004 - a matrix
            raise SubjectError(
                f"{self.name}: weights of the shape {first.shape} and biases of {bias.shape} "
                "are no dense layer; `conformance check` takes other layers"
            )
        lengths.remove(bias.size)
        return (lengths[0], *(each.size for each in self._biases))

    def use(self, parameters: Sequence[Array]) -> None:
        """Give the subject copies of these parameters.

        Raises:
            SubjectError: it does not let them be set.
        """
        for name, arrays in (("biases", parameters[0::2]), ("weights", parameters[1::2])):
            copies = [each.copy() for each in arrays]
            try:
                setattr(self.subject, name, _of_kind(getattr(self.subject, name), copies))
            except AttributeError as error:
                raise SubjectError(f"{self.name}.{name} cannot be set: {error}") from error

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Put the subject's own parameters back in the end."""
        own = self.subject.biases, self.subject.weights
        try:
            yield
        finally:
            with suppress(AttributeError):  # what cannot be set was not
                self.subject.biases, self.subject.weights = own

    def call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """What a method of the subject gives for copies of the arguments; warnings are its own."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return method(*copy.deepcopy(arguments))

    def nabla(self, parameters: Sequence[Array], x: Any, y: Any) -> list[Array]:
        """Its backprop's gradient, in the order of the parameters, entries of whatever type.

        Raises:
            SubjectError: it is not a pair of lists of arrays of the shapes of the parameters.
        """
        self.use(parameters)
        pair = self.call(self.subject.backprop, x, y)
        if not isinstance(pair, tuple | list) or len(pair) != 2:  # noqa: PLR2004 - a pair
            raise SubjectError(
                f"backprop(x, y) gives a {type(pair).__name__}, not (nabla_b, nabla_w)"
            )
        halves = [[self._array(e, "backprop(x, y)") for e in _values(half)] for half in pair]
        if self._fitting(halves[::-1]) > self._fitting(halves):
            halves.reverse()
        count = len(self._biases)
        if [*map(len, halves)] != [count, count] or self._fitting(halves) != 2 * count:
            raise SubjectError(f"backprop(x, y): {self._misfit(halves)}")
        return _interleaved(*halves)

    def _fitting(self, halves: Sequence[Sequence[Array]]) -> int:
        """How many arrays have the shapes of (biases, weights)."""
        own = (self._biases, self._weights)
        pairs = [
            pair for each in zip(halves, own, strict=True) for pair in zip(*each, strict=False)
        ]
        return sum(given.shape == kept.shape for given, kept in pairs)

    def _misfit(self, halves: Sequence[Sequence[Array]]) -> str:
        """Which array of the gradient has another shape than its parameter."""
        count = len(self._biases)
        if any(len(half) != count for half in halves):
            return f"{' and '.join(str(len(half)) for half in halves)} arrays, not twice {count}"
        given, start = _interleaved(*halves), self.start
        wrong = [
            f"nabla_{name} has the shape {nabla.shape}, {name} has {own.shape}"
            for name, nabla, own in zip(self.names, given, start, strict=True)
            if nabla.shape != own.shape
        ]
        return wrong[0]

    def _arrays(self, name: str) -> list[Array]:
        arrays = [self._array(each, name) for each in _values(getattr(self.subject, name))]
        for each in arrays:
            if each.dtype.kind not in "fiu" or not each.size:
                raise SubjectError(
                    f"{self.name}.{name}: an array of {each.dtype} and shape {each.shape}"
                )
        return arrays

    def _array(self, value: object, whose: str) -> Array:
        try:
            return value if isinstance(value, np.ndarray) else np.asarray(value)
        except (ValueError, TypeError) as error:
            raise SubjectError(f"{self.name}.{whose}: not an array: {error}") from error


def built(subject: object, sizes: Sequence[int]) -> Network:
    """The subject itself, or what its class or factory builds from the sizes.

    Raises:
        UsageError: none of `(sizes)`, `()`, `(*sizes)` builds it, or it lacks something.
    """
    if not callable(subject) or (hasattr(subject, "backprop") and not isinstance(subject, type)):
        return Network(subject)
    errors: list[Exception] = []
    for arguments in ((list(sizes),), (), tuple(sizes)):
        try:
            return Network(subject(*arguments))
        except Exception as error:  # noqa: BLE001 - whatever the subject's constructor raises
            errors.append(error)
    for each in errors:
        if isinstance(each, ConformanceError):
            raise each
    name = getattr(subject, "__name__", type(subject).__name__)
    raise UsageError(f"{name}({list(sizes)}) cannot be built: {reason(errors[0])}")


def found(subject: object) -> str:
    """The public names of a subject, as a sentence ends with them."""
    names = sorted({*dir(type(subject)), *getattr(subject, "__dict__", {})})
    public = [name for name in names if not name.startswith("_")]
    return ", ".join(public[:12]) + (", …" if len(public) > 12 else "") or "no public names"  # noqa: PLR2004 - a line


def reason(error: Exception) -> str:
    """An exception in one line, with the line of the subject's code where there is one."""
    text = textwrap.shorten(str(error), MESSAGE) or "no message"
    if isinstance(error, NotAGradientError | SubjectError | Refused):
        return text
    place = raised_at(error.__traceback__)
    at = f"{place}: " if place else ""
    return f"{at}{type(error).__name__}: {text}{place.quoted if place else ''}"


class Refused(Exception):  # noqa: N818 - a layout declines, nothing failed
    """A layout does not fit this subject; the message says why."""


def _values(arrays: Any) -> list[Any]:
    """The arrays of a list, or of a dict in its order."""
    return list(arrays.values()) if isinstance(arrays, Mapping) else list(arrays)


def _of_kind(model: Any, arrays: list[Array]) -> Any:
    """The arrays in a list, tuple or dict like another."""
    if isinstance(model, Mapping):
        return dict(zip(model, arrays, strict=True))
    return tuple(arrays) if isinstance(model, tuple) else arrays


def _interleaved(biases: Sequence[Array], weights: Sequence[Array]) -> list[Array]:
    return [each for pair in zip(biases, weights, strict=True) for each in pair]
