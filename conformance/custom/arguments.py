"""Arguments for a `torch.autograd.Function`, found by the names that people give them.

Each name has a few readings: `weight` may be a matrix or a vector, `alpha` a tensor or a number.
They are tried together, those of one layout of the samples at a time. Left out: which fit
(`search.py`).
"""

import inspect
import re
from collections.abc import Iterator
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
RATES = r"lambd?a?|alpha|beta|gamma|scale|slope|temperature|temp|tau|delta|margin|sigma|threshold|k|s"
HELPFUL = 0.7  # a number that is neither 0 nor 1


def arguments(kind: type[Function], dtype: torch.dtype) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The layouts and the arguments that may fit, those that are likely first."""
    given = list(inspect.signature(kind.forward).parameters.values())
    given = given if is_separate(kind) else given[1:]
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in given):
        given = [each for each in given if each.kind is not inspect.Parameter.VAR_POSITIONAL]
    for layout in LAYOUTS:
        generator = torch.Generator().manual_seed(SEED)
        choices = [
            list(_readings(each, layout, dtype, generator, first=not i))
            for i, each in enumerate(given)
        ]
        for chosen in islice(product(*choices), TRIED):
            yield layout.name, chosen


def _readings(
    parameter: inspect.Parameter,
    layout: Layout,
    dtype: torch.dtype,
    generator: torch.Generator,
    *,
    first: bool,
) -> Iterator[Any]:
    """What an argument may be."""
    name = re.sub(r"[\W_]", "", parameter.name.lower())

    def floats(shape: Shape) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    default = parameter.default
    if default is not inspect.Parameter.empty and default is not None:
        yield default
        return
    x = layout.x
    for pattern, numbers in NUMBERS.items():
        if not first and re.fullmatch(pattern, name):
            yield from numbers
            return
    count = x[layout.channels] if x else 1
    if not first and re.fullmatch(LABELS, name):
        yield torch.randint(0, count, x[:1], generator=generator)
        yield floats(x)
    elif not first and re.fullmatch(PLACES, name):
        yield torch.randint(0, x[0] if x else 1, (3, 2), generator=generator)
        yield torch.randint(0, x[0] if x else 1, x, generator=generator)
    elif re.fullmatch(MASK, name):
        yield torch.rand(x, generator=generator) > HELPFUL / 2
        yield (torch.rand(x, generator=generator) > HELPFUL / 2).to(dtype)
    elif re.fullmatch(MATRIX, name):
        yield from (floats(shape) for shape in layout.weights)
        yield floats((count,))
    elif not first and re.fullmatch(BIAS, name):
        yield floats((layout.n_out,))
        yield floats((count,))
    elif not first and re.fullmatch(SCALE, name):
        yield floats((count,))
    yield floats(x)
    if not first and re.fullmatch(RATES, name):
        yield HELPFUL
    if default is None:
        yield None
