"""Arguments for a `torch.autograd.Function`, found by the names that people give them.

Each name has a few readings: `weight` may be a matrix or a vector, `alpha` a tensor or a number.
They are tried together, those of one layout of the samples at a time. Left out: which fit
(`fitting.py`).
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import torch

from conformance.custom.context import Function, is_separate

TRIED = 200  # choices of a layout
SEED = 20

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The shapes of one way to lay samples out.

    Attributes:
        name: of it.
        x: of the inputs.
        weights: of matrices and kernels.
        channels: the axis of the inputs that vectors such as a bias belong to.
        n_out: the length of a bias.
    """

    name: str
    x: Shape
    weights: tuple[Shape, ...]
    channels: int
    n_out: int = 5


LAYOUTS = (
    Layout("rows", (4, 6), ((5, 6), (6, 5)), 1),
    Layout("samples, time steps, features", (2, 4, 6), ((5, 6), (6, 5)), 2),
    Layout("samples, channels, length", (2, 4, 7), ((5, 4, 3),), 1),
    Layout("images", (2, 4, 5, 6), ((5, 4, 3, 3),), 1),
    Layout("one vector", (6,), ((5, 6), (6, 5)), 0),
    Layout("a number", (), (), 0),
)
NUMBERS: dict[str, tuple[Any, ...]] = {
    r"dims?|axis|axes": (-1, 1, 0),
    r"eps(ilon)?": (1e-5,),
    r"p|prob|rate|ratio|drop(out)?(p|prob|rate)?": (0.4,),
    r"(is)?train(ing)?|inplace|(is)?causal|affine": (True,),
    r"(n|num)?groups?|g": (2,),
    r"stride|padding|pad|dilation": (1,),
    r"kernel(size)?|ksize|window": (2,),
    r"reduction": ("mean",),
    r"shape|size|normalizedshape": ((6,),),
    r"(n|num)?bits?|levels?": (4,),
    r"min\w*|low(er)?|lo": (-0.6,),
    r"max\w*|high|hi|upper": (0.7,),
}
"""Arguments that are no tensors, by their names without underscores."""

BIAS = r"b|bias|biases|beta|shift"
SCALE = r"gamma|scale|gain|slope|alpha|g|a"
MATRIX = r"w\d?|weights?|kernel|filters?|theta|mat\w*"
LABELS = r"targets?|labels?|y|ys|ytrue|gt|truth"
PLACES = r"idx|index|indices|ids|inputids|tokens"
MASK = r"\w*mask"
RATES = (
    r"lambd?a?|alpha|beta|gamma|scale|slope|temperature|temp|tau|delta|margin|sigma|threshold|k|s"
)
HELPFUL = 0.7  # a number that is neither 0 nor 1


def arguments(kind: type[Function], dtype: torch.dtype) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The layouts and the arguments that may fit, those that are likely first."""
    given = list(inspect.signature(kind.forward).parameters.values())
    yield from suiting(given if is_separate(kind) else given[1:], dtype)


def suiting(
    parameters: Sequence[inspect.Parameter], dtype: torch.dtype
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The same for the parameters of a function."""
    given = [each for each in parameters if each.kind is not inspect.Parameter.VAR_POSITIONAL]
    for layout in LAYOUTS:
        drawn = _Drawn(layout, dtype, torch.Generator().manual_seed(SEED))
        choices = [list(drawn.readings(each, first=not i)) for i, each in enumerate(given)]
        for chosen in islice(product(*choices), TRIED):
            yield layout.name, chosen


@dataclass(frozen=True)
class _Drawn:
    """Tensors of one layout.

    Attributes:
        layout: their shapes.
        dtype: of those of floats.
        generator: draws them.
    """

    layout: Layout
    dtype: torch.dtype
    generator: torch.Generator

    def readings(self, parameter: inspect.Parameter, *, first: bool) -> Iterator[Any]:
        """What an argument may be; the first one is never a number."""
        default = parameter.default
        if default is not inspect.Parameter.empty and default is not None:
            yield default
            return
        name = re.sub(r"[\W_]", "", parameter.name.lower())
        numbers = next((e for each, e in NUMBERS.items() if re.fullmatch(each, name)), None)
        tensors = [] if first else [*self._named(name)]
        if numbers is not None and not first:
            yield from numbers
            yield from tensors
            return
        yield from tensors
        yield self.floats(self.layout.x)
        if not first and not tensors:  # a name that says nothing
            yield from map(self.floats, ((self.count,), *self.layout.weights))
        if not first and re.fullmatch(RATES, name):
            yield HELPFUL
        if default is None:
            yield None

    def _named(self, name: str) -> Iterator[torch.Tensor]:
        """The tensors that a name suggests."""
        x, count = self.layout.x, self.count
        if re.fullmatch(LABELS, name):
            yield self._places(count, x[:1])
        elif re.fullmatch(PLACES, name):
            yield self._places(x[0] if x else 1, (3, 2))
            yield self._places(x[0] if x else 1, x)
        elif re.fullmatch(MASK, name):
            chosen = torch.rand(x, generator=self.generator) > HELPFUL / 2
            yield from (chosen, chosen.to(self.dtype))
        elif re.fullmatch(MATRIX, name):
            yield from map(self.floats, (*self.layout.weights, (count,)))
        elif re.fullmatch(BIAS, name):
            yield from map(self.floats, ((self.layout.n_out,), (count,)))
        elif re.fullmatch(SCALE, name):
            yield self.floats((count,))

    @property
    def count(self) -> int:
        """How many channels there are."""
        return self.layout.x[self.layout.channels] if self.layout.x else 1

    def floats(self, shape: Shape) -> torch.Tensor:
        """Generic numbers."""
        return torch.randn(shape, generator=self.generator, dtype=torch.float64).to(self.dtype)

    def _places(self, count: int, shape: Shape) -> torch.Tensor:
        return torch.randint(0, count, shape, generator=self.generator)
