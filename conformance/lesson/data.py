"""What the script of the page is given: the table, the words, and every number before the step.

Left out: the markup (`page.py`), known mistakes (`broken.py`), what the script makes of it.
"""

import base64
import json
from typing import Any

import numpy as np

from conformance.explain.pieces import SYMBOLS
from conformance.explain.worked import Worked
from conformance.lesson.broken import broken_steps
from conformance.lesson.words import factors_of, why, why_slope
from conformance.model.formula import has_prime, prime_tree, tree, tree_of
from conformance.model.row import Row
from reference.step import Array, split

WORDS = {
    "x": "x, the inputs",
    "y": "y, the targets",
    "b": "b{layer}, the biases of layer {layer}",
    "w": "w{layer}, the weights into layer {layer}",
}


def is_whole(worked: Worked) -> bool:
    """Whether every entry of every quantity is shown."""
    return not any(line.shape for line in worked.lines)


def numbers(worked: Worked) -> str:
    """The numbers as JSON that cannot end a script element, whatever text it holds."""
    text = json.dumps(_described(worked), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _described(worked: Worked) -> dict[str, Any]:
    case = worked.case
    rows = case.rows.values()
    return {
        "sizes": list(case.sizes),
        "rates": {"eta": case.eta, "lmbda": case.lmbda, "n": case.n},
        "table": {
            "rows": [_row(row, worked) for row in rows],
            "symbols": SYMBOLS,
            "functions": {row.layer: _function(row) for row in rows if row.tag == "A"},
        },
        "slopes": {"x": tree_of(case.rows["nabla_b2"], "w2.T @ delta2 / m")},
        "whole": is_whole(worked),
        "pick": _pick(worked),
        "words": {name: _words(name) for name in worked.given},
        "given": {name: _table(array) for name, array in worked.given.items()},
        "broken": broken_steps(worked) if is_whole(worked) else {},
    }


def _row(row: Row, worked: Worked) -> dict[str, Any]:
    shape = row.shape(worked.case.sizes, worked.given["x"].shape[1]) or (1, 1)
    factors = [
        {"top": each.top, "bottom": each.bottom, "tree": value, "words": each.words}
        for each, value in factors_of(row, worked.case)
    ]
    return {
        "name": row.name,
        "tag": row.tag,
        "part": row.quantity.part,
        "about": row.quantity.about.format(layer=row.layer),
        "shape": shape,
        "tree": tree(row),
        "prime": f"prime{row.layer}" if has_prime(row) else "",
        "why": why(row, worked.case),
        "why_slope": why_slope(row, worked.case) if has_prime(row) else "",
        "factors": factors,
    }


def _function(row: Row) -> dict[str, Any]:
    """The activation of a layer: its symbol, and f′ as a tree if it has one of its own."""
    f = row.activation
    return {"symbol": f.symbol, "prime": prime_tree(row) if f.hidden else None}


def _pick(worked: Worked) -> dict[str, Any]:
    """The sample, and by layers the neuron and the neuron below it, that stand for all."""
    entries = {split(line.name)[1]: line.index for line in worked.lines if "nabla_w" in line.name}
    own = {layer: index for layer, index in entries.items() if not is_whole(worked)}
    return {
        "s": 0,
        "j": {layer: j for layer, (j, _) in own.items()},
        "k": {layer: k for layer, (_, k) in own.items()},
    }


def _words(name: str) -> str:
    quantity, layer = split(name)
    return WORDS[quantity].format(layer=layer)


def _table(array: Array) -> dict[str, Any]:
    rows, cols = array.shape
    raw = np.ascontiguousarray(array, dtype="<f8").tobytes()  # float32 is exact in float64
    return {"rows": rows, "cols": cols, "base64": base64.b64encode(raw).decode("ascii")}
