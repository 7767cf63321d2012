"""Arrays that record what NumPy does with them.

Left out: where it is recorded (`recording.py`).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.watching.events import FILL, NARROWING, PART, Event

if TYPE_CHECKING:
    from conformance.watching.recording import Recording


class Watched(np.ndarray[Any, Any]):
    """An array that records what is done with it."""

    recording: "Recording | None"
    event: Event | None

    def __array_finalize__(self, parent: object) -> None:
        """A view or a copy shares its parent's event."""
        self.recording = getattr(parent, "recording", None)
        self.event = getattr(parent, "event", None)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute with plain arrays and record the result."""
        out = kwargs.get("out", ())
        recording = _recording((*inputs, *out))
        sources = recording.sources(inputs) if recording else ((), ())
        operands = [*map(unwatched, inputs)]
        result = getattr(ufunc, method)(*operands, **(kwargs and unwatched(kwargs)))
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        if recording is None:
            return result
        if method == "at":
            return recording.rewrite(name, inputs[0], sources)
        for target in out:
            recording.rewrite(name, target, sources)
        if out:
            return out[0] if len(out) == 1 else out
        return recording.note(name, result, sources)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        """Compute with plain arrays and record the result."""
        recording = _recording((*args, *kwargs.values()))
        sources = recording.sources((*args, *kwargs.values())) if recording else ((), ())
        result = func(*map(unwatched, args), **(kwargs and unwatched(kwargs)))
        if recording is None:
            return result
        name = getattr(func, "__name__", "function")
        if isinstance(kwargs.get("out"), np.ndarray):
            recording.rewrite(name, kwargs["out"], sources)
            return kwargs["out"]
        return recording.note(name, result, sources)

    def __getitem__(self, key: Any) -> Any:
        """The entries; some rows and columns of a matrix are recorded as what they are a part of.

        Single rows are not, over which programs loop.
        """
        part = super().__getitem__(key)
        matrix = isinstance(part, Watched) and part.ndim == 2  # noqa: PLR2004
        if self.recording is None or not matrix or part.size == self.size:
            return part
        event = self.recording.record(PART, part, self.recording.sources((self,)))
        return part if event is None else self.recording.known(part, event)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write the entries and record the array that has them."""
        recording = self.recording
        sources = recording.sources((self, value)) if recording else ((), ())
        self.view(np.ndarray)[unwatched(key)] = unwatched(value)
        if recording is not None and not recording.filled_on(self, key, sources):
            recording.rewrite(FILL, self, sources)

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The transposed array, recorded so that its line is known."""
        return self.transpose()

    def transpose(self, *axes: Any) -> Any:
        """The array with its axes turned, recorded so that its line is known."""
        turned = self.view(np.ndarray).transpose(*axes)
        if self.recording is None:
            return turned
        return self.recording.note("transpose", turned, self.recording.sources((self,)))

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """The array in another dtype, recorded where floats, or objects, become narrower floats."""
        array = super().astype(dtype, *args, **kwargs)
        itemsize = np.dtype(np.float64).itemsize if self.dtype.hasobject else self.itemsize
        floats = self.dtype.kind in "fO" and array.dtype.kind == "f"
        narrower = floats and array.itemsize < itemsize
        if self.recording is None or not narrower:
            return array
        sources = self.recording.sources((self,))
        return self.recording.note(NARROWING, array.view(np.ndarray), sources)

    def dot(self, other: Any, out: Any = None) -> Any:
        """np.dot, which records; the method would not."""
        return np.dot(self, other) if out is None else np.dot(self, other, out=out)

    def mean(self, *args: Any, **kwargs: Any) -> Any:
        """np.mean, which records it as one operation, be it of some entries or of all."""
        return np.mean(self, *args, **kwargs)

    def __reduce__(self) -> Any:
        """A pickled array is a plain one."""
        return self.view(np.ndarray).__reduce__()


def plain(value: Any) -> Any:
    """The value with every watched array in it made plain, as a copy."""
    if isinstance(value, Watched):
        return np.array(value.view(np.ndarray))
    if isinstance(value, list | tuple):
        return type(value)(plain(each) for each in value)
    return value


def _recording(values: Iterable[Any]) -> "Recording | None":
    for each in flat(values):
        if isinstance(each, Watched) and each.recording is not None:
            return each.recording
    return None


def flat(values: Iterable[Any]) -> Iterator[Any]:
    """The values, those within lists and tuples one by one."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from flat(value)
        else:
            yield value


def unwatched(value: Any) -> Any:
    """The value with every watched array in it made plain, sharing its memory."""
    if isinstance(value, Watched):
        return value.view(np.ndarray)
    if isinstance(value, list | tuple):
        return type(value)(unwatched(each) for each in value)
    if isinstance(value, dict):
        return {key: unwatched(each) for key, each in value.items()}
    return value
