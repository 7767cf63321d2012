"""`conformance bench`: every row, in order, as a table or as JSON.

Left out: what is timed (`work.py`, `growth.py`) and how (`timing.py`).
"""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from conformance.bench import growth, work
from conformance.bench.timing import Row, compared, row
from conformance.corpus import store
from conformance.versions import has_torch, installed

MNIST = "mnist-784-30-10"


def rows(folder: Path | None) -> Iterator[Row]:
    """Every row, as it is measured; one BLAS thread, one of torch's, whose rows need torch.

    Args:
        folder: of the full MNIST, on which alone the accuracy can be measured.

    Raises:
        UsageError, CorpusError: the digits or the fixtures cannot be read.
    """
    with threadpool_limits(1), np.errstate(over="ignore"):
        yield from _steps()
        yield growth.widths()
        yield growth.batches()
        yield growth.cases(store.root())
        yield from growth.training(folder)


def _steps() -> Iterator[Row]:
    case = store.cases(store.root(), MNIST)[0]
    recorded = store.read(store.root(), case)
    step = recorded.steps[0]
    sgd, products = work.sgd(case, step)
    check = work.full_check(recorded)
    yield compared("SGD step / its five matrix products", sgd, products, "≤ 2")
    if has_torch():
        yield compared("eager PyTorch's step / SGD step", work.eager(case, step), sgd, "≥ 4")
    yield compared("a per-sample loop / SGD step", work.per_sample(case, step), sgd, "≥ 6")
    certified = compared("certified step in balls / SGD step", work.certified(case, step), sgd)
    yield certified
    yield row("one certified step", certified.seconds[0], "s", (), "≤ 0.15")
    yield compared("tolerances of a step / SGD step", work.tolerances(case, step), sgd)
    for name, fast, budget in (("slow", False, "≥ 100"), ("fast", True, "")) if has_torch() else ():
        what = f"torch.autograd.gradcheck, {name} / a full check"
        yield compared(what, work.gradcheck(case, step, fast=fast), check, budget)
    if has_torch():
        yield from growth.processes(case, step, sgd)


def machine() -> dict[str, Any]:
    """Where it is measured: processor, versions, the BLAS and its threads."""
    with threadpool_limits(1):
        blas = [each for each in threadpool_info() if each["user_api"] == "blas"]
    return {
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": installed(["torch"]).removeprefix("torch "),
        "blas": [f"{b['internal_api']} {b['version']} {b.get('architecture', '')}" for b in blas],
        "threads": 1,
    }


def heading(where: dict[str, Any]) -> str:
    """The machine in one line."""
    blas = ", ".join(dict.fromkeys(where["blas"])) or "no BLAS that is known"
    return (
        f"{where['processor']}, Python {where['python']}, NumPy {where['numpy']}, "
        f"torch {where['torch']}, {blas}, {where['threads']} thread"
    )


def line(each: Row) -> str:
    """A row as text."""
    number = f"{each.value:,.0f}" if each.unit == growth.UNIT else f"{each.value:.3g}"
    value = f"{number} {'' if each.unit == 'slope' else each.unit}"
    seconds = " / ".join(f"{value * 1e3:.3g} ms" for value in each.seconds)
    said = {None: "", True: "met", False: "MISSED"}[each.met]
    judged = f"{each.budget} {said}" if each.budget else ""
    return f"{each.what:50} {value:>9}   {judged:13} {seconds}".rstrip()


def to_json(where: dict[str, Any], measured: Sequence[Row]) -> dict[str, Any]:
    """All of it as JSON values."""
    return {"machine": where, "rows": [asdict(each) for each in measured]}
