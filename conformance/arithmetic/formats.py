"""The floating-point formats in which programs compute, and arrays of one that NumPy does not have.

bfloat16 numbers stand in float32 arrays. Left out: how far computing in a format may be off
(`rounding.py`), and rounding what is exact (`balls.py`).
"""

import math
from dataclasses import dataclass
from math import ceil, log10
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from reference.step import Array

_DOUBLE = 53  # bits of a float64


@dataclass(frozen=True)
class Format:
    """A binary format with gradual underflow.

    Attributes:
        name: such as float16.
        bits: of the significand, the first one counted.
        lowest: the smallest number above 0 is 2 to this power.
        biggest: the largest finite number.
        container: the dtype of arrays of its numbers; of its own or a wider format.
    """

    name: str
    bits: int
    lowest: int
    biggest: float
    container: "np.dtype[Any]"

    @property
    def unit(self) -> float:
        """u, the largest relative error of one rounding."""
        return 2.0**-self.bits

    @property
    def subnormal(self) -> float:
        """The smallest number above 0, the largest absolute error of one underflow."""
        return 2.0**self.lowest

    @property
    def tiny(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (self.lowest + self.bits - 1)

    @property
    def digits(self) -> int:
        """About how many decimal digits a number has."""
        return round(self.bits * log10(2))

    @property
    def short(self) -> bool:
        """Whether it is one of those of 16 bits, in which no case is recorded."""
        return self.bits < FLOATS["float32"].bits

    @property
    def text_digits(self) -> int:
        """Decimal digits by which a number is read back as itself."""
        return ceil(1 + self.bits * log10(2))

    @property
    def spare(self) -> int:
        """The bits at the end of a number in its container that are 0."""
        return int(np.finfo(self.container).nmant) + 1 - self.bits

    def rounded(self, array: Any) -> Array:
        """The nearest numbers of the format, ties to even, in its container.

        Args:
            array: of floats; what is in a wider format than float64 may be rounded twice.
        """
        with np.errstate(over="ignore", under="ignore"):
            if not self.spare:
                return np.asarray(array, self.container)
            wide = np.asarray(array, np.float64)
            _, exponent = np.frexp(wide)  # of numbers in [1/2, 1)
            last = np.maximum(exponent - self.bits, self.lowest)
            nearest = np.ldexp(np.rint(np.ldexp(wide, -last)), last)
            nearest = np.where(np.isfinite(wide), nearest, wide)
            return np.asarray(nearest, self.container)

    def spacing(self, array: Any) -> Array:
        """The distance from the modulus of each number to the next above it, in float64."""
        number = abs(self.rounded(array)).astype(np.float64)
        _, exponent = np.frexp(number)
        last = np.where(number == 0, self.lowest, np.maximum(exponent - self.bits, self.lowest))
        return np.where(np.isfinite(number), np.ldexp(1.0, last), np.nan)

    def gap(self, number: float) -> float:
        """The same of one number."""
        nearest = number if self.bits == _DOUBLE else float(self.rounded(number))
        if not math.isfinite(nearest):
            return math.nan
        _, exponent = math.frexp(nearest)
        return math.ldexp(1.0, max(exponent - self.bits, self.lowest) if nearest else self.lowest)

    def above(self, array: Array) -> Array:
        """The next number of the format above each."""
        with np.errstate(over="ignore"):
            if not self.spare:
                return np.asarray(np.nextafter(array, array.dtype.type(np.inf)))
            number = np.asarray(array + 0, self.container)  # −0 becomes 0
            bits = number.view(f"i{number.itemsize}")
            further = bits + np.where(number < 0, -1, 1) * (1 << self.spare)
            return np.asarray(further.astype(bits.dtype).view(self.container))

    def even(self, array: Array) -> Array:
        """Whether the last bit of each number is 0."""
        bits = np.asarray(array, self.container).view(f"i{self.container.itemsize}")
        return np.asarray((bits >> self.spare) % 2 == 0)


def _of_numpy(dtype: DTypeLike) -> Format:
    info = np.finfo(np.dtype(dtype))
    bits = int(info.nmant) + 1
    return Format(
        str(info.dtype), bits, int(info.minexp) - bits + 1, float(info.max), np.dtype(info.dtype)
    )


FLOATS = {
    each.name: each
    for each in (
        _of_numpy(np.float64),
        _of_numpy(np.float32),
        _of_numpy(np.float16),
        Format("bfloat16", 8, -133, (2 - 2.0**-7) * 2.0**127, np.dtype(np.float32)),
    )
}
"""The formats by their names."""

SHORT = tuple(name for name, each in FLOATS.items() if each.short)
"""The names of those of 16 bits."""


def format_of(dtype: Format | DTypeLike) -> Format:
    """A format itself, that of a name in `FLOATS`, or that of a dtype of NumPy's.

    Raises:
        KeyError: there is none.
    """
    if isinstance(dtype, Format):
        return dtype
    return FLOATS[dtype if isinstance(dtype, str) else np.dtype(dtype).name]


class Short(np.ndarray[Any, Any]):
    """An array of numbers of a format, of which every operation's result is rounded to it.

    NumPy computes in the container, sums too, and the result is rounded once: as processors do
    that add up the products of short numbers in float32. +, −, ×, ÷ and √ are correctly rounded,
    since 24 bits are more than 2 · 8 + 1.
    """

    format: Format

    @classmethod
    def of(cls, array: Array, of: Format) -> "Short":
        """The array rounded to a format."""
        made = of.rounded(array).view(cls)
        made.format = of
        return made

    def __array_finalize__(self, other: Any) -> None:
        """Views are of the same format."""
        self.format = getattr(other, "format", FLOATS["bfloat16"])

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """The result of NumPy's, rounded."""
        plain = (each.view(np.ndarray) if isinstance(each, Short) else each for each in inputs)
        result = getattr(ufunc, method)(*plain, **kwargs)
        floats = np.asarray(result).dtype.kind == "f"
        return self.of(result, self.format) if floats else result
