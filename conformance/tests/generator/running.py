"""Running a program in its recorded cases: its gradients, outputs and new parameters.

Left out: judging it (`judgement.py`), which imports nothing from here.
"""

import linecache
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.tests.generator.program import Program
from conformance.tests.generator.style import Style
from conformance.tests.support import recorded
from reference.step import Array, Batch, Parameters

Numbers = dict[str, Array]
VISIBLE = 1e-9
"""Of the largest entry of a quantity: a fault changes more than that, rounding far less."""


@contextmanager
def loaded(program: Program, folder: Path) -> Iterator[Any]:
    """The class or function of a program, which is a file in the folder while it is in use."""
    name = "p_" + "".join(c if c.isalnum() else "_" for c in program.id)
    path = folder / f"{name}.py"
    path.write_text(program.source, encoding="utf-8")
    linecache.checkcache(str(path))
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        exec(compile(program.source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102
        yield getattr(module, program.style.entry)
    finally:
        del sys.modules[name]
        path.unlink()


def numbers(thing: Callable[..., Any], style: Style, case: str) -> Numbers:
    """What a program computes in the first step of a case, in the layout of the project.

    The gradient of the mean and the output of each sample, the parameters after one step and after
    the same step again; of a function, all that it returns.
    """
    made = recorded(case)
    step = made.steps[0]
    with redirect_stdout(StringIO()), np.errstate(all="ignore"):
        run = _function if "function" in style.options else _network
        return run(thing, style, made.case, step.parameters, step.batch)


def program_numbers(program: Program) -> dict[str, Numbers]:
    """What a program computes, by the cases of its style."""
    with tempfile.TemporaryDirectory() as folder, loaded(program, Path(folder)) as thing:
        return {case: numbers(thing, program.style, case) for case in program.style.cases}


def expected(case: str) -> Numbers:
    """The recorded values of the first step of a case, as `numbers` names them."""
    step = recorded(case).steps[0].expected
    return {name: step[name] for name in step if name.startswith(("nabla", "b", "w"))}


def differ(first: Numbers, second: Numbers) -> bool:
    """Whether some number is another, beyond what rounding explains."""
    return any(_far(first[name], second[name]) for name in first)


def comparable(first: Numbers, second: Numbers) -> bool:
    """Whether the same quantities are there, in the same shapes, and finite."""
    same = first.keys() == second.keys()
    return same and all(
        first[name].shape == array.shape and np.isfinite(array).all()
        for name, array in second.items()
    )


def distance(first: Array, second: Array) -> float:
    """How far two arrays are apart, relative to the largest entry of the first."""
    return float(np.max(np.abs(first - second)) / max(np.max(np.abs(first)), 1e-300))


def _far(first: Array, second: Array) -> bool:
    return distance(first, second) > VISIBLE


def _function(
    step: Callable[..., Any], style: Style, case: Case, start: Parameters, batch: Batch
) -> Numbers:
    w, b = _outwards(style, start)
    rows = "x-rows" in style.options
    x, y = (np.array(each.T if rows else each, order="C") for each in (batch.x, batch.y))
    more = {"lmbda": case.lmbda, "n": case.n} if "decay" in style.options else {}
    returned: Mapping[str, Any] = step(w, b, x, y, case.eta, **more)
    return {name: np.array(value, dtype=float) for name, value in returned.items()}


def _network(
    make: Callable[..., Any], style: Style, case: Case, start: Parameters, batch: Batch
) -> Numbers:
    net = make(list(start.sizes))
    _fill(net, style, start)
    pairs = [_sample(style, batch, i) for i in range(batch.m)]
    parts = [tuple(net.backprop(*pair)) for pair in pairs]
    shown = {f"out{i}": _array(net.feedforward(x)).ravel() for i, (x, _) in enumerate(pairs)}
    for each, weights in (("nabla_b", False), ("nabla_w", True)):
        first = weights == ("weights-first" in style.options)
        gradients = [list(part[0 if first else 1]) for part in parts]
        for layer in range(2, case.layers + 1):
            mean = np.mean([_array(g[layer - 2]) for g in gradients], axis=0)
            shown[f"{each}{layer}"] = _ours(style, mean, start, layer, weights=weights)
    more = {"lmbda": case.lmbda, "n": case.n} if "decay" in style.options else {}
    for mark in ("", "again"):
        net.update_mini_batch(pairs, case.eta, **more)
        for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), 2):
            shown[f"{mark}b{layer}"] = _ours(style, _array(b), start, layer, weights=False)
            shown[f"{mark}w{layer}"] = _ours(style, _array(w), start, layer, weights=True)
    return shown


def _array(value: Any) -> Array:
    return np.array(value.detach().numpy() if hasattr(value, "detach") else value, dtype=float)


def _outwards(style: Style, start: Parameters) -> tuple[list[Any], list[Any]]:
    """Copies of the parameters in the layout of a style."""
    turned, flat = "transposed" in style.options, "flat" in style.options
    w: list[Any] = [np.array(each.T if turned else each, order="C") for each in start.w]
    b: list[Any] = [np.array(each.ravel() if flat else each) for each in start.b]
    if "bias-rows" in style.options:
        b[:] = [np.array(each.T, order="C") for each in b]
    if "torch" not in style.options:
        return w, b
    import torch

    for arrays in (w, b):
        arrays[:] = map(torch.tensor, arrays)
    return w, b


def _fill(net: Any, style: Style, start: Parameters) -> None:
    w, b = _outwards(style, start)
    if "in-place" in style.options:
        for held, given in ((net.weights, w), (net.biases, b)):
            for array, new in zip(held, given, strict=True):
                array[...] = new
        return
    net.weights, net.biases = w, b


def _sample(style: Style, batch: Batch, i: int) -> tuple[Any, Any]:
    pair: list[Any] = [np.array(each[:, [i]]) for each in (batch.x, batch.y)]
    if "x-flat" in style.options:
        pair = [each.ravel() for each in pair]
    if "x-rows" in style.options:
        pair = [each.T for each in pair]
    if "torch" in style.options:
        import torch

        pair = [torch.tensor(each) for each in pair]
    return pair[0], pair[1]


def _ours(style: Style, array: Array, start: Parameters, layer: int, *, weights: bool) -> Array:
    """An array of a style in our layout, if its shape is as it should be."""
    if weights:
        return array.T if "transposed" in style.options else array
    n = start.b[layer - 2].shape[0]
    flat = "flat" in style.options and array.shape == (n,)
    rows = "bias-rows" in style.options and array.shape == (1, n)
    return array.reshape(n, 1) if flat or rows else array
