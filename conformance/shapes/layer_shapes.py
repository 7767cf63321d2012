"""The shapes of what a layer is given: its inputs, weights, biases, gains and shifts.

Left out: calling it (`layers.py`, `function_pairs.py`).
"""

import re
from collections.abc import Sequence

from conformance.shapes.example_data import IMAGES, N_IN, N_OUT, M
from conformance.shapes.vocabulary import BIAS, WEIGHT, bare

SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "rows": {"x": (M, N_IN), "w": (N_IN, N_OUT), "b": (N_OUT,), "scale": (N_IN,)},
    "rows, biases (1, n)": {
        "x": (M, N_IN),
        "w": (N_IN, N_OUT),
        "b": (1, N_OUT),
        "scale": (1, N_IN),
    },
    "columns": {"x": (N_IN, M), "w": (N_OUT, N_IN), "b": (N_OUT, 1), "scale": (N_IN, 1)},
    "images": {"x": IMAGES, "w": (4, 3, 3, 3), "b": (4,), "scale": (3,)},
    "one vector": {"x": (N_IN,), "w": (N_OUT, N_IN), "b": (N_OUT,), "scale": (N_IN,)},
}
"""The shapes of the arguments of a layer."""


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
