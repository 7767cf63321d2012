"""How a layer is made, and what its two methods take, argument by argument.

What goes backward takes ∂C/∂(an output), and what the forward part was handed, stored or returned
by the same name. An argument whose name says nothing is what was handed, else what came out, else
a number, else ∂C/∂(a further output), by whichever more is right. Left out: calling them
(`layers.py`).
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import Parameter, signature
from itertools import product
from typing import Any

import numpy as np

from conformance.programs.vocabulary import (
    BIAS,
    WEIGHT,
    bare,
    differentiated,
    is_upstream,
    kinds_of,
)
from conformance.shapes.arguments import (
    PENALTY,
    RATE,
    Scope,
    called,
    needed,
    size_kinds,
    taken,
    ways,
)
from conformance.shapes.attempts import UnfitError, result_of
from conformance.shapes.draws import seed
from conformance.shapes.example_data import IMAGES, N_IN, N_OUT, Data, M
from conformance.shapes.function_sources import returned_names, stored_names

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
        seed()
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


NOT_AHEAD = {"targets", "params", "rate", "inputs", "count"}
"""What no layer is given as the state of a cell."""

SETTINGS: dict[str, Any] = {"rate": RATE, "penalty": PENALTY, **OPTIONS}
KNOWN = ("rate", "inputs", "penalty", "output", "cache")
"""What an argument of the backward part may be by its name, beside ∂C/∂(an output)."""

UNKNOWN, MOST = ("inputs", "output", "rate", "upstream"), 2
"""What an argument may be of which its name says nothing, and of how many that is tried."""


@dataclass(frozen=True)
class Takes:
    """What the two methods of a layer take, argument by argument.

    Attributes:
        forward: `inputs` first, then `state`, or an option.
        backward: `upstream`, `kept`, `unknown`, one of `KNOWN`, or an option.
        names: of the arguments of the backward part.
        outs: the name of the output that each of them is ∂C/∂ of; nothing if its own tells none.
    """

    forward: tuple[str, ...]
    backward: tuple[str, ...]
    names: tuple[str, ...]
    outs: tuple[str, ...] = ()

    @property
    def states(self) -> int:
        """How many arrays it is given beside its inputs."""
        return self.forward.count("state")

    @property
    def upstreams(self) -> int:
        """How many ∂C/∂(an output) it is given."""
        return self.backward.count("upstream")

    @property
    def named(self) -> tuple[str, ...]:
        """The outputs that it is given ∂C/∂ of, by their names; none if one is not known so."""
        pairs = zip(self.backward, self.outs, strict=False)
        told = tuple(name for kind, name in pairs if kind == "upstream")
        return told if len({*filter(None, told)}) == self.upstreams else ()

    def choices(self) -> Iterator["Takes"]:
        """The same, each `unknown` argument taken for what it may be, the likeliest first."""
        for each in product(*(UNKNOWN if e == "unknown" else (e,) for e in self.backward)):
            yield replace(self, backward=each)

    def handed_back(
        self, upstreams: Sequence[Any], known: Mapping[str, Any], kept: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """What the backward part is given.

        Args:
            upstreams: ∂C/∂(each output).
            known: the inputs, the output and the cache.
            kept: what the forward part was handed, stored or returned, by name.

        Raises:
            UnfitError: it takes more ∂C/∂(an output) than there are, or what the forward part did
                not keep.
        """
        if len(upstreams) < self.upstreams:
            raise UnfitError("it takes more than its forward part gives")
        waiting = iter(upstreams)
        known = {**SETTINGS, **known}
        given = []
        for kind, name in zip(self.backward, self.names, strict=True):
            if kind == "upstream":
                given.append(next(waiting))
                continue
            same = name if name in kept else next((e for e in kept if bare(e) == bare(name)), "")
            if (kind == "kept" and not same) or kind not in ("kept", *known):
                raise UnfitError(f"its forward part keeps no {name}")
            given.append(kept[same] if kind == "kept" else known[kind])
        return tuple(given)


def takes(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *,
    named: bool = True,
    targets: bool = False,
) -> Takes | None:
    """What two functions take as those of a layer; None if one takes what no layer is given.

    Args:
        forward: of an object, or as one.
        backward: of the same; what it needs, and its rate, which is what else it asks for.
        named: whether an argument is ∂C/∂(an output) by its name alone; else the only one of which
            its name says nothing is.
        targets: whether what goes forward may take what is named as targets for a further input.
    """
    names = [each.name for each in needed(forward)]
    ahead = ("inputs", *(_ahead(each, targets=targets) for each in names[1:]))
    asked = needed(backward)
    asked += [e for e in taken(backward) if e not in asked and "rate" in kinds_of(e.name)]
    returned, stored = returned_names(forward), stored_names(forward)
    kept = {bare(e) for e in (*names, *returned, *stored)}
    outs = [_output(each.name, returned, stored) for each in asked]
    several = len(ahead) > 1
    back = [
        _back(e.name, kept, of_one=bool(out), more=several)
        for e, out in zip(asked, outs, strict=True)
    ]
    silent = [i for i, each in enumerate(asked) if not kinds_of(each.name)]
    if not named and "upstream" not in back and len(silent) == 1:
        back[silent[0]] = "upstream"
    found = Takes(ahead, tuple(back), tuple(each.name for each in asked), tuple(outs))
    unknown = back.count("unknown") > MOST
    if not names or "" in (*ahead, *back) or not found.upstreams or unknown:
        return None
    return found


def _ahead(name: str, *, targets: bool) -> str:
    if bare(name) in OPTIONS:
        return bare(name)
    told = NOT_AHEAD & {*kinds_of(name)}
    return "" if told and not (targets and "targets" in told) else "state"


def _output(name: str, returned: Sequence[str], stored: Sequence[str]) -> str:
    """The name of the output that an argument of the backward part may be ∂C/∂ of; else nothing.

    What is stored alone may be one if nothing else says what the argument is.
    """
    told = differentiated(name, filter(str.isidentifier, returned))
    return told or ("" if kinds_of(name) else differentiated(name, stored))


def _back(name: str, kept: Collection[str], *, of_one: bool, more: bool) -> str:
    """What an argument of the backward part is, by its name; nothing if no layer is given it.

    Args:
        name: of it.
        kept: the names of what the forward part was handed, stored or returned.
        of_one: whether its name says of which output it is ∂C/∂.
        more: whether the forward part is handed more than its inputs.
    """
    kinds = kinds_of(name)
    if "upstream" in kinds or (of_one and bare(name) not in kept):
        return "upstream"
    if bare(name) in kept:
        return "kept"
    told = next((each for each in KNOWN if each in kinds), "")
    if told or bare(name) in OPTIONS:
        return told or bare(name)
    if "prev" in bare(name):  # the activations of the layer before
        return "inputs"
    if more and is_upstream(name):  # such as dh_next
        return "upstream"
    return "" if kinds else "unknown"
