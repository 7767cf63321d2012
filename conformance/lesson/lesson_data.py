"""What the script of the page is given: the table, the words, every number, and known mistakes.

A mistake runs as a subject does and is judged as one. Left out: the markup (`page.py`), which
mistakes are known (`mistakes`), what the script makes of it.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

import numpy as np

from conformance.cases.build import recorded_step
from conformance.explain.formulas import SYMBOLS
from conformance.explain.worked import Worked
from conformance.lesson.words import factors_of, why, why_slope
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.dropout import DROPOUT
from conformance.mistakes.mistake import Mistake, MistakenSession
from conformance.mistakes.optimiser_mistakes import OPTIMISERS
from conformance.mistakes.situation import Situation, evaluate
from conformance.model.formula import has_prime, prime_tree, tree, tree_of
from conformance.model.row import Row, given
from conformance.report.mathml import mathml_pair
from conformance.report.message import line
from conformance.verdict.compare import RESTARTED, Status, Verdict, judge
from conformance.verdict.deviation import Target, malformed
from reference.step import Array, Batch, Parameters, split

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


STEPS = 40
"""How often the step is taken to see what becomes of the cost."""

WRONG = (Status.FAIL, Status.EXPLAINED)


def broken_steps(worked: Worked) -> dict[str, dict[str, Any]]:
    """Each known mistake in an equation, by its id, as it shows in this step."""
    start, batch = _start(worked)
    truth = _truth(worked, start, batch)
    return {each.id: _broken(each, worked, truth) for each in known()}


def known() -> list[Mistake]:
    """The mistakes in an equation of plain SGD without dropout."""
    others = (*OPTIMISERS, *DROPOUT)
    return [each for each in CATALOGUE.values() if each.formulas and each not in others]


def formulas(mistake: Mistake) -> tuple[str, str]:
    """The wrong formula and the right one, what differs marked."""
    return mathml_pair(mistake.wrong, mistake.right)


def _start(worked: Worked) -> tuple[Parameters, Batch]:
    return Parameters.of(worked.given), Batch(worked.given["x"], worked.given["y"])


def _truth(worked: Worked, start: Parameters, batch: Batch) -> dict[str, Target]:
    values, bounds = recorded_step(worked.case, start, batch)
    return {name: Target(values[name], bounds[name]) for name in values}


def _broken(mistake: Mistake, worked: Worked, truth: Mapping[str, Target]) -> dict[str, Any]:
    """Of each quantity that a mistake makes wrong, the numbers and the verdict."""
    case, (start, batch) = worked.case, _start(worked)
    shown = MistakenSession(mistake.formulas, case, start).step(batch)
    with np.errstate(all="ignore"):
        verdicts = judge(case, (0, RESTARTED), (start, batch), truth, shown)
    wrong = [each for each in verdicts if each.status in WRONG]
    return {
        "seen": bool(wrong),
        "quantities": {each.name: _quantity(each, shown[each.name], truth) for each in wrong},
        "says": [line(case, each).strip() for each in wrong if each.status is Status.FAIL],
        "costs": list(_costs(mistake, worked)) if wrong else [],
    }


def _quantity(verdict: Verdict, shown: Array, truth: Mapping[str, Target]) -> dict[str, Any]:
    """What a program with the mistake has of one quantity, and whether that equation is blamed."""
    right = truth[verdict.name].centre
    problem = malformed(shown, right.shape, right.dtype)
    rows: Iterable[Array] = () if problem else np.atleast_2d(shown)
    return {
        "status": str(verdict.status),
        "problem": problem,
        "numbers": [[_number(each) for each in row] for row in rows],
    }


def _costs(mistake: Mistake, worked: Worked) -> Iterator[float | None]:
    """The true cost before each of some steps with the mistake; it ends where the program stops."""
    case, (start, batch) = worked.case, _start(worked)
    session = MistakenSession(mistake.formulas, case, start)
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            try:
                parameters = Parameters.of(session.after)
                session.step(batch)
            except ValueError:  # its parameters make no network any more
                return
            before = Situation(case, given(parameters, batch, case.eta, case.decay))
            yield _number(evaluate(before, {}, until=f"delta{case.layers}")["cost"])


def _number(number: Any) -> float | None:
    """The number to eight digits, which is more than is shown; None if it is not finite."""
    return float(f"{float(number):.8g}") if isfinite(number) else None
