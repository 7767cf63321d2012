"""How a layer is made, and the shapes of what it takes.

Left out: what its methods take (`layer_arguments.py`), calling it (`layers.py`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from inspect import Parameter, signature
from typing import Any

import numpy as np

from conformance.programs.vocabulary import BIAS, WEIGHT, bare
from conformance.shapes.arguments import Scope, called, needed, size_kinds, taken, ways
from conformance.shapes.attempts import result_of
from conformance.shapes.example_data import IMAGES, N_IN, N_OUT, Data, M

OPTIONS: dict[str, Any] = {
    "convparam": {"stride": 1, "pad": 1},
    "poolparam": {"pool_height": 2, "pool_width": 2, "stride": 2},
    "bnparam": {"mode": "train"},
    "lnparam": {},
    "gnparam": {},
    "dropoutparam": {"mode": "train", "p": 0.375, "seed": 1},
    "stride": 1,
    "pad": 1,
    "padding": 1,
    **dict.fromkeys(
        ("training", "istraining", "train", "trainflg", "fortraining", "fortrainning"), True
    ),
    "mode": "train",
    "activation": "relu",
    "keeprate": 0.375,
    "keepprob": 0.375,
    "eps": 2.0**-10,
    "epsilon": 2.0**-10,
    "momentum": 0.875,
}
"""Arguments that are no arrays."""

SIZES: dict[str, Any] = {
    **OPTIONS,
    "kernelsize": 3, "filtersize": 3, "ksize": 3, "kernel": 3,
    "depth": N_OUT, "poolsize": 2, "poolh": 2, "poolw": 2,
    "nheads": 2, "numheads": 2, "heads": 2, "nhead": 2,
}  # fmt: skip
"""Numbers that a layer is made of, beside the widths of its inputs and outputs."""

PROBABILITY = 0.375
"""What a layer may be told whose one argument is no size."""


SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "rows": {"x": (M, N_IN), "w": (N_IN, N_OUT), "b": (N_OUT,), "scale": (N_IN,)},
    "rows, biases (1, n)": {
        "x": (M, N_IN),
        "w": (N_IN, N_OUT),
        "b": (1, N_OUT),
        "scale": (1, N_IN),
    },
    "columns": {"x": (N_IN, M), "w": (N_OUT, N_IN), "b": (N_OUT, 1), "scale": (N_IN, 1)},
    "sequences": {"x": (2, 4, N_IN), "w": (N_IN, N_OUT), "b": (N_OUT,), "scale": (N_IN,)},
    "images": {"x": IMAGES, "w": (4, 3, 3, 3), "b": (4,), "scale": (3,)},
    "one vector": {"x": (N_IN,), "w": (N_OUT, N_IN), "b": (N_OUT,), "scale": (N_IN,)},
    "places": {"x": (M,), "w": (N_IN, N_OUT), "b": (N_OUT,), "scale": (N_IN,)},
}
"""The shapes of the arguments of a layer."""


Make = Callable[[Data, Scope], dict[str, Any]]


SCALE = re.compile(r"gamma|beta|scale|shift|gain|g")


def argument_kind(name: str, names: Sequence[str]) -> str:
    """What an argument of a layer is, by its name: a key of the shapes; `x` if nothing tells.

    A gain or a shift is as long as what it follows: the weights' output, else the inputs.

    Args:
        name: of the argument.
        names: of all arguments but the inputs.
    """
    bared = [bare(each) for each in names]
    scaled, own = any(map(SCALE.fullmatch, bared)), bare(name)
    after = "b" if any(map(WEIGHT.fullmatch, bared)) else "scale"
    if scaled and SCALE.fullmatch(own):
        return after
    if BIAS.fullmatch(own):
        return after if scaled else "b"
    return "w" if WEIGHT.fullmatch(own) else "x"


GATES = (1, 4, 3)
"""Of a cell: one, as in a plain recurrent network; those of an LSTM and of a GRU."""


def cell_shapes(names: Sequence[str], layout: str) -> Iterator[dict[str, tuple[int, ...]]]:
    """The shapes of the arrays of a cell: weights of the input and of the state, and biases."""
    kinds = [argument_kind(each, names) for each in names]
    weights = [each for each, kind in zip(names, kinds, strict=True) if kind == "w"]
    if len(weights) != len(("of the input", "of the state")) or not set(kinds) <= {"w", "b"}:
        return
    columns = "column" in layout
    for gates in GATES:
        n = gates * N_OUT
        for first, second in (weights, weights[::-1]):
            sizes = {first: N_IN, second: N_OUT}
            yield {
                each: ((n, sizes[each]) if columns else (sizes[each], n))
                if each in sizes
                else ((n, 1) if columns else (n,))
                for each in names
            }


def _maker(kind: Callable[..., Any], args: Any, kwargs: Any) -> Make:
    def make(_data: Data, _scope: Scope) -> dict[str, Any]:
        np.random.seed(0)  # noqa: NPY002 - the program's own random numbers
        return {"self": result_of(kind, *args, **{**kwargs, **_told(kind)})}

    return make


def _told(kind: Callable[..., Any]) -> dict[str, Any]:
    """What a class is told anyway."""
    return kind.keywords if isinstance(kind, partial) else {}


def layer_constructions(kind: Callable[..., Any], data: Data) -> Iterator[tuple[str, Make]]:
    """The ways in which a layer may be made."""
    s = replace(data.sizes, n_in=IMAGES[1]) if data.layout == "images" else data.sizes
    sizes = size_kinds(replace(data, sizes=s))
    known = {key: e for key, e in sizes.items() if key not in ("sizes", "n_hiddens")}
    known["n_hidden"] = s.n_out
    said = called(kind, told=_told(kind))
    own = {e.name for e in taken(kind) if type(e.default) is int and e.default > 1}
    for args, kwargs in ways(kind, "", Scope(known, {**SIZES, **_shapes(data)})):
        fewer = {name: e for name, e in kwargs.items() if name not in own}  # such as its stride
        if len(fewer) < len(kwargs):
            yield said, _maker(kind, args, fewer)
        yield said, _maker(kind, args, kwargs)
    yield from ((said, _maker(kind, (), arrays)) for arrays in _arrays(kind, data.layout))
    by_order: dict[int, list[tuple[Any, ...]]] = {
        0: [()], 1: [(s.n_out,), (s.n_in,), (PROBABILITY,)],
        2: [(s.n_in, s.n_out), (s.n_out, s.n_in)],
        3: [
            (s.n_in, s.n_out, s.n_out),  # of two inputs, which may be as long as the output
            (s.n_out, s.n_in, s.n_out),  # of filters, channels, and their width
        ],
        4: [(s.n_in, s.n_hidden, s.n_hidden + 1, s.n_out)],  # of several layers
    }  # fmt: skip
    for args in by_order.get(len(needed(kind)), []):
        yield said, _maker(kind, args, {})


def _shapes(data: Data) -> dict[str, Any]:
    """Shapes that a layer is told, of one sample: that of its input, and a column as long."""
    shape = np.shape(data.x)[1:] if data.layout == "images" else np.shape(data.x)
    return {"inputshape": shape, "outputshape": (int(np.prod(shape)), 1), "shape": shape}


def _arrays(kind: Callable[..., Any], layout: str) -> Iterator[dict[str, Any]]:
    """The arrays that a layer may be made of, by its arguments; none if one is something else."""
    names = [each.name for each in needed(kind)]
    kinds = {name: argument_kind(name, names) for name in names}
    if not names or "x" in kinds.values():
        return
    rng = np.random.default_rng(5)
    for shapes in cell_shapes(names, layout):
        yield {name: rng.normal(size=shape) for name, shape in shapes.items()}
    for key, shapes in SHAPES.items():
        if key.partition(",")[0] == layout:
            yield {name: rng.normal(size=shapes[each]) for name, each in kinds.items()}


def takes_parts(kind: Callable[..., Any]) -> bool:
    """Whether a class is made of as many parts as it is given, and of nothing else."""
    try:
        asked = [*signature(kind).parameters.values()]
    except (TypeError, ValueError):
        return False
    return any(each.kind is Parameter.VAR_POSITIONAL for each in asked) and all(
        each.kind is not Parameter.POSITIONAL_OR_KEYWORD or each.default is not Parameter.empty
        for each in asked
    )


def called_itself(kind: type) -> list[str]:
    """The name of the method by which objects of a class are called, if they are."""
    return ["__call__"] if any("__call__" in vars(each) for each in kind.__mro__[:-1]) else []


def only(names: Sequence[str], beginning: str) -> list[str]:
    """The only name that begins so: `forward_conv`, of a class of convolutions."""
    found = [name for name in names if bare(name).startswith(beginning)]
    return found if len(found) == 1 else []
