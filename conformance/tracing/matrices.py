"""Arrays of `np.matrix` that note in a trace what is done with them.

`*` is the product of matrices, and results stay matrices. Each operation is noted as one of arrays;
what NumPy makes of plain matrices tells the shape. Left out: arrays (`arrays.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.tracing.arrays import METHODS, Traced
from conformance.tracing.operations import MUTATING
from conformance.tracing.trace import plain


class TracedMatrix(Traced, np.matrix[Any, Any]):
    """A matrix that notes what is done with it."""

    _getitem = False  # what `np.matrix` asks of what it is a view of

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute with arrays; what is written into is a matrix already."""
        made = super().__array_ufunc__(ufunc, method, *_arrays(inputs), **_arrays(kwargs))
        return kwargs["out"][0] if "out" in kwargs else _matrix(made, (1, *np.shape(made))[-2:])

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        """Compute with arrays; a number times a matrix is no product of matrices."""
        if func is np.dot and not all(map(np.ndim, args)):
            return np.multiply(*args)
        made = super().__array_function__(func, types, _arrays(args), _arrays(kwargs))
        if func.__name__ in MUTATING or "out" in kwargs:
            return made
        return _alike(made, func(*_plain(args), **_plain(kwargs)))

    def __getitem__(self, key: Any) -> Any:
        """The entries at a key; rows and columns are matrices."""
        return _alike(self.A[_slices(key)], self.view(np.matrix)[_plain(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write entries, also a column into a column."""
        self.A[_slices(key)] = _arrays(value)

    @property
    def A(self) -> Any:  # noqa: N802 - NumPy's name
        """The same as an array."""
        return self.view(Traced)

    @property
    def A1(self) -> Any:  # noqa: N802 - NumPy's name
        """The numbers in one row, as an array."""
        return self.A.ravel()

    @property
    def flat(self) -> Any:
        """The numbers one by one, to be read and written."""
        return self.A.flat

    @flat.setter
    def flat(self, value: Any) -> None:
        self.A.flat = value

    def item(self, *key: Any) -> Any:
        """One number."""
        return self.A.item(*key)

    def tolist(self) -> Any:
        """The numbers in nested lists."""
        return self.A.tolist()


def as_matrix(array: Any) -> Any:
    """An array as a matrix, which notes what is done with it if that does."""
    return array.view(TracedMatrix if isinstance(array, Traced) else np.matrix)


def _slices(key: Any) -> Any:
    """A key that takes a row or a column as a matrix."""
    parts = key if isinstance(key, tuple) else (key,)
    ints = [isinstance(each, int | np.integer) for each in parts]
    if len(parts) > 1 and all(ints):
        return key
    pairs = zip(parts, ints, strict=True)
    return tuple(slice(e, e + 1 or None) if is_int else _arrays(e) for e, is_int in pairs)


def _arrays(value: Any) -> Any:
    """A value with an array in the place of each matrix in it."""
    return _with_matrices(
        value, lambda each: each.view(Traced if isinstance(each, Traced) else np.ndarray)
    )


def _plain(value: Any) -> Any:
    """A value as NumPy would have it without us."""
    return _with_matrices(value, lambda each: each.view(np.matrix), plain)


def _with_matrices(
    value: Any, made: Callable[[Any], Any], other: Callable[[Any], Any] = lambda each: each
) -> Any:
    if isinstance(value, np.matrix):
        return made(value)
    if type(value) is list or type(value) is tuple:
        return type(value)(_with_matrices(each, made, other) for each in value)
    if type(value) is dict:
        return {key: _with_matrices(each, made, other) for key, each in value.items()}
    return other(value)


def _alike(made: Any, known: Any) -> Any:
    """A result, or each of several, as a matrix if NumPy's own is one."""
    if isinstance(known, list | tuple):
        return type(made)(map(_alike, made, known)) if type(made) is type(known) else made
    return _matrix(made, known.shape) if isinstance(known, np.matrix) else made


def _matrix(made: Any, shape: tuple[int, ...]) -> Any:
    if not isinstance(made, Traced) or len(shape) != 2:  # noqa: PLR2004 - a matrix
        return made
    return (made if made.shape == shape else made.reshape(shape)).view(TracedMatrix)


def _method(name: str) -> Callable[..., Any]:
    def method(self: TracedMatrix, *args: Any, **kwargs: Any) -> Any:
        made = getattr(self.A, name)(*_arrays(args), **_arrays(kwargs))
        return _alike(made, getattr(self.view(np.matrix), name)(*_plain(args), **_plain(kwargs)))

    method.__name__, method.__doc__ = name, getattr(np.matrix, name).__doc__
    return method


for _name in METHODS:
    setattr(TracedMatrix, _name, _method(_name))
