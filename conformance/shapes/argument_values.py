"""What an argument may be, by its name and what was chosen before it, and as a docstring states it.

Arrays have generic entries. Unequal widths tell shapes apart: a width that no other array has is
tried where a name suggests one, such as the state of a cell. The targets of a loss have one coding:
labels, 0 or 1, one-hot, numbers. Left out: trying them (`solved.py`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from conformance.programs.vocabulary import BIAS, WEIGHT, bare, kinds_of
from conformance.shapes.example_data import IMAGES, N_HIDDEN, N_IN, N_OUT, M
from conformance.shapes.layer_arguments import OPTIONS
from reference.step import Array

Path = tuple[str, ...]
"""The name of an argument; with a key, if it is a dict."""
Shape = tuple[int, ...]

STEPS = 4
INPUTS: tuple[Shape, ...] = ((M, N_IN), (M, STEPS, N_IN), IMAGES, (N_IN,), (M, 2, STEPS, N_IN), ())
WIDTHS = (N_HIDDEN, N_OUT, 7, 10, 9)
"""Widths of what is no input, in the order in which they are taken."""
GATES = (4, 3, 2)
"""Of a cell: of an LSTM, of a GRU, of gated units."""
KERNELS: tuple[Shape, ...] = ((4, 3, 3, 3), (4, 3, 2, 2), (3, 3, 3, 4), (3, 3, 4, 5))

SCALE = re.compile(r"gamma|scale|shift|gain|g|alpha|running\w*|mean|mu|var|std")
WEIGHTS = re.compile(
    r"[ur][a-z]{0,2}\d*|v[a-z]\d*|emb\w*|embedding\w*|table|phi|proj\w*|\w*(vectors|vecs|embeddings)"
)
RUNNING = re.compile(r"cache|running(stats|params?)?")
"""Names of a running mean and variance in one argument."""
STATE = re.compile(
    r"(h|c|s|a|hidden|state|cell|mem)(\d|prev|t|tm1|old|init|last|next)*"
    r"|(prev|previous|last|old|init)(h|c|s|a|hidden|state|cell)+"
)
PLACES = re.compile(
    r"(x|token|word|input|char|label)?(ids?|tokens|words)|\w*(idx|idxs|index|indices|indexes)"
)
SPREAD = re.compile(
    r"\w*(var|std|sigma|variance|scale|temp|tau|temperature|prob|keep|delta|margin)\w*|p|q|eps\w*"
)
VECTOR = re.compile(r"\w*vec(tor)?")
TARGETS = re.compile(r"targets?|labels?|y|ys|ytrue|gt|truth")
MASK = re.compile(r"\w*mask\w*")
NUMBERS: dict[str, tuple[Any, ...]] = {
    r"dims?|axis|axes": (-1, 1, 0),
    r"(n|num)?(heads?|groups?)|g": (2,),
    r"(kernel|filter|pool|window)(size|h|w|height|width)?|k|size|ksize|hh|ww": (2, (2, 2), 3),
    r"dilation": (1,),
    r"istrain|(is)?causal|inplace|affine": (True,),
    r"reduction": ("mean",),
    r"(n|num)?(bits?|levels?)": (4,),
    r"(normalized)?shape": ((N_IN,),),
    r"min\w*|low(er)?|lo": (-0.6,),
    r"max\w*|high|hi|upper": (0.7,),
    r"drop(out)?(p|prob|rate)?|p|ratio": (0.4,),
}
"""Arguments that are no arrays, by their names."""
HELPFUL = 0.625
"""A number that is neither 0 nor 1."""
ALONE = HELPFUL, 2, 0.4375, 3
"""Numbers of which nothing is known; equal ones, such as two places, would hide a difference."""


def values(path: Path, chosen: Mapping[Path, Any]) -> Iterator[Any]:
    """What an argument may be, the likeliest first.

    Args:
        path: of the argument.
        chosen: those that are chosen already.
    """
    name = bare(path[-1])
    if name in OPTIONS and chosen:
        yield OPTIONS[name]
        return
    numbers = next((e for each, e in NUMBERS.items() if chosen and re.fullmatch(each, name)), ())
    if not (path[1:] and _is_array(name)):  # a dict of parameters holds the gain `g`
        yield from numbers
    rng = np.random.default_rng([4, len(chosen)])
    if PLACES.fullmatch(name) or (chosen and TARGETS.fullmatch(name)):
        yield from _whole(chosen, rng)
    shapes = [*dict.fromkeys(_shapes(name, chosen) if chosen else INPUTS)]
    vectors = [each for each in shapes if len(each) == 1 and VECTOR.fullmatch(name)]
    for shape in vectors or shapes:
        yield drawn(name, shape, rng)
        if MASK.fullmatch(name):
            yield drawn(name, shape, rng) > 0
    if not chosen and not PLACES.fullmatch(name):
        yield from _whole(chosen, rng)
    if chosen and not _is_array(name):
        known = [each for each in chosen.values() if np.ndim(each) == 0]
        yield from (each for each in ALONE if each not in known)
        yield from (each for each in ALONE[:2] if each in known)
    elif path[1:]:
        yield from numbers


def _whole(chosen: Mapping[Path, Any], rng: np.random.Generator) -> Iterator[Any]:
    """Arrays of whole numbers, which are places along the shortest axis: labels, tokens."""
    first = next((np.shape(each) for each in chosen.values() if np.ndim(each)), (M, STEPS))
    for shape in dict.fromkeys((first[:1], first[:2], first, (3, 2))):
        yield rng.integers(0, min((N_OUT, *first)), size=shape)


def drawn(name: str, shape: Shape, rng: np.random.Generator) -> Array:
    """An array of a shape, for an argument of this name."""
    made: Array = rng.normal(size=shape)
    if MASK.fullmatch(name):
        return (made > -1 / 2).astype(float)
    return np.abs(made) / 2 + 1 / 4 if SPREAD.fullmatch(name) else made


def _is_array(name: str) -> bool:
    return any(each.fullmatch(name) for each in (BIAS, WEIGHT, WEIGHTS, SCALE, STATE))


def _shapes(name: str, chosen: Mapping[Path, Any]) -> Iterator[Shape]:
    """The shapes that an array may have beside those that are chosen."""
    arrays = {bare(path[-1]): np.shape(each) for path, each in chosen.items() if np.ndim(each)}
    if not arrays:  # of numbers alone
        yield ()
    first = next(iter(arrays.values()), (M, N_IN))
    known = list(dict.fromkeys(n for shape in arrays.values() for n in shape))
    states = [shape for key, shape in arrays.items() if STATE.fullmatch(key)]
    if RUNNING.fullmatch(name):
        yield from ((2, n) for n in known)
    elif STATE.fullmatch(name):
        yield from states
        yield from _states(first, known)
    elif BIAS.fullmatch(name) or SCALE.fullmatch(name):
        weights = [shape for key, shape in arrays.items() if _is_weight(key)]
        inside = {n for shape in weights for n in shape}
        if len(first) == 1:  # that of a single neuron is a number
            yield ()
        ends = {shape[-1] for shape in weights}
        yield from _vectors(first, [n for n in known[::-1] if n in inside or not weights], ends)
    elif _is_weight(name):
        others = [shape for key, shape in arrays.items() if _is_weight(key)]
        beside = product(_own(states, first), _own(others, first))
        yield from (e for n, end in beside for e in ((n, end), (end, n)))
        yield from _weights(first, known, _own(states, first))
    else:
        yield from (first, *list(arrays.values())[::-1])
        yield from (first[:-1], *((n,) for n in known))
        yield from _states(first, known)


def _is_weight(name: str) -> bool:
    other = STATE.fullmatch(name) or BIAS.fullmatch(name) or SCALE.fullmatch(name)
    return not other and bool(WEIGHT.fullmatch(name) or WEIGHTS.fullmatch(name))


def _own(shapes: Sequence[Shape], first: Shape) -> list[int]:
    """The widths that the inputs do not have."""
    return list(dict.fromkeys(n for shape in shapes for n in shape if n not in first))


def _vectors(first: Shape, known: Sequence[int], ends: Collection[int]) -> Iterator[Shape]:
    """The shapes of biases and gains: a width that is known, along an axis of their own.

    The number of samples is none: it is in no weights. Where images end with their channels,
    weights end with the width.
    """
    yield from ((n,) for n in known)
    yield from (e for n in known for e in ((1, n), (n, 1)))
    if len(first) == len(IMAGES):
        yield from ((1, 1, 1, n) for n in known if n in ends)
        yield from ((1, n, 1, 1) for n in known)
    if len(first) > len(("samples", "features")):
        yield from (e for n in known for e in ((1, 1, n), (1, n, 1)))


def _states(first: Shape, known: Sequence[int]) -> Iterator[Shape]:
    """The shapes of a state beside inputs: as many samples, and a width of its own."""
    new, own = _new(known), [e for e in known if e not in first]
    gated = any(e == gates * new for e in own for gates in GATES)  # of its weights
    widths = (new, *own) if gated else (*own, new)
    for n in widths if len(first) > 1 else ():
        yield from ((first[0], n), (n, first[1]), *((e, n) for e in first[1:-1]))
    yield from ((new,), first, (new, 1), (1, new))
    if len(first) == len(("samples", "steps", "features")):
        yield from ((*first[:2], new), (first[0], new, first[-1]), (first[0], first[-1]))


def _weights(first: Shape, known: Sequence[int], states: Sequence[int]) -> Iterator[Shape]:
    """The shapes of weights: from a width that is known to another, or to one of their own."""
    new = _new(known)
    if len(first) == len(IMAGES):
        yield from KERNELS
    own = states or [new]
    for n, end in product(own, known):
        yield from ((end, n), (n, end))
    for other, n, gates in product(known[::-1], own, (1, *GATES)):
        yield from ((other, gates * n), (gates * n, other))
        if states and other in first:  # a state beside an input
            yield from ((gates * n, n + other), (n + other, gates * n))
    for n, other, gates in product(known[::-1], known[::-1], GATES):
        yield from ((other, gates * n), (gates * n, other))
    for end in (new, *known):
        yield from (e for n in known for e in ((n, end), (end, n)))
    for n, other in product(known, known):
        yield from ((n + other, new), (new, n + other), (n + other, n), (n, n + other))
    yield from ((n,) for n in known)
    yield from (e for n, other in product(known, known) for e in ((new, n, other), (2, n, other)))
    if len(first) == len(IMAGES) - 1:  # of one image, its channels last or first
        yield from ((new, 2, 2, first[-1]), (2, 2, first[-1], new), (new, first[0], 2, 2))


def _new(known: Sequence[int]) -> int:
    return next((n for n in WIDTHS if n not in known), WIDTHS[-1])


def is_input(name: str) -> bool:
    """Whether an argument is inputs by its name."""
    return "inputs" in kinds_of(name) or bare(name).startswith("x")


def is_target(name: str) -> bool:
    """Whether an argument is targets by its name."""
    return "targets" in kinds_of(name)


BETWEEN = 0.25, 0.875
"""The bounds of numbers that are positive, and shares."""

Values = Callable[[Path, Mapping[Path, Any]], Iterator[Any]]


def _coded(coded: Callable[[Array], Array | None]) -> Values:
    """The values of arguments, of which targets have one coding.

    A vector comes before matrices for what is called by a small letter, and in the order of size:
    it may be one of thresholds. A bias of one output is a number.
    """

    def found(path: Path, chosen: Mapping[Path, Any]) -> Iterator[Any]:
        name = path[-1]
        if not chosen or not is_target(name):
            every: Iterable[Any] = values(path, chosen)
            if chosen and WEIGHT.fullmatch(bare(name)) and name.islower():
                every = sorted(every, key=lambda each: np.ndim(each) != 1)
            yield from (np.sort(each) if np.ndim(each) == 1 else each for each in every)
            weights = [e for each, e in chosen.items() if WEIGHT.fullmatch(bare(each[-1]))]
            if BIAS.fullmatch(bare(name)) and 1 in map(np.ndim, weights):
                yield np.asarray(HELPFUL)
            return
        rng = np.random.default_rng([4, len(chosen)])
        shapes = [np.shape(each) for each in chosen.values() if np.ndim(each)]
        first = shapes[0] if shapes else ()
        wide = [(*first[:1], n) for shape in shapes for n in shape]
        for shape in dict.fromkeys([first[:1], *wide, first, first[:2]]):
            made = coded(rng.integers(0, N_OUT, size=shape))
            if made is not None:
                yield made

    return found


def as_stated(shapes: Mapping[str, Shape], coded: Values) -> Values:
    """The values of arguments of which some have shapes that are known.

    Args:
        shapes: they, by name.
        coded: the values of arguments, of which targets have one coding.
    """

    def found(path: Path, chosen: Mapping[Path, Any]) -> Iterator[Any]:
        shape = shapes.get(path[-1])
        every = coded(path, chosen)
        if shape is None or (chosen and is_target(path[-1])):
            yield from (e for e in every if shape is None or np.shape(e) == shape)
            return
        rng = np.random.default_rng([4, len(chosen)])
        yield drawn(bare(path[-1]), shape, rng) if shape else np.asarray(HELPFUL)
        yield rng.uniform(*BETWEEN, size=shape)
        yield from (each for each in every if np.shape(each) != shape)

    return found


def _one_hot(labels: Array) -> Array | None:
    wide = labels.shape[-1] if labels.ndim > 1 else 1
    return np.eye(wide)[labels[..., 0] % wide] if wide > 1 else None


CODINGS: tuple[Values, ...] = (
    _coded(lambda labels: labels),
    _coded(lambda labels: (labels % 2).astype(float)),
    _coded(_one_hot),
    _coded(lambda labels: np.random.default_rng(7).normal(size=labels.shape)),
    _coded(lambda labels: np.random.default_rng(7).uniform(*BETWEEN, size=labels.shape)),
)
"""Targets: labels, 0 or 1, one-hot, any numbers, and shares."""


STATED = re.compile(
    r"((?:\w+(?:\s*,\s*|\s+and\s+))*\w+)\s*:\s*(?:\w+ (?:of shape )?)?(\([^()]*\)|scalar|float)"
)
"""Names, and the shape of each."""
LENGTH = re.compile(r"(\w+)\s*(?:([+-])\s*(\d+))?")
"""A length in a shape: `n`, `3`, `C-1`."""
LENGTHS = (M, N_IN, N_OUT, N_HIDDEN, 7, 10, 9)
"""What letters stand for, in the order in which they are stated."""


def stated_shapes(function: Callable[..., Any], names: Sequence[str]) -> dict[str, Shape]:
    """The shapes of arguments that a docstring states, with a length for each letter.

    Args:
        function: it has the docstring, or none.
        names: of its arguments.
    """
    known: dict[str, int] = {}
    found: dict[str, Shape] = {}
    for told, shape in STATED.findall(function.__doc__ or ""):
        lengths = list(_lengths(shape, known))
        if None not in lengths:
            shapes = tuple(each for each in lengths if each is not None)
            found |= {e: shapes for e in re.findall(r"\w+", told) if e in names}
    return found


def _lengths(shape: str, known: dict[str, int]) -> Iterator[int | None]:
    """The lengths of a shape as it is stated; None for what is none."""
    for each in filter(None, map(str.strip, shape.strip("()").split(","))):
        length = LENGTH.fullmatch(each)
        if shape.isalpha():  # a number
            return
        if length is None:
            yield None
            continue
        letter, sign, more = length.groups()
        left = (n for n in LENGTHS if n not in known.values())
        base = int(letter) if letter.isdigit() else known.setdefault(letter, next(left, M))
        yield base + int(f"{sign or ''}{more or 0}")
