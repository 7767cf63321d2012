"""Custom functions of torch and mutants of them, put to `conformance.check_vjp`.

What an edit does is found by torch itself: the edited function is applied, and its gradients are
compared with those of the right one. Left out: the command line (`__main__.py`).
"""

import tempfile
import time
import types
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import conformance
from conformance.custom.applied import asked, called, names_of, plain
from conformance.custom.context import is_function
from conformance.custom.custom_calls import calls_of
from conformance.shapes.fitting import fitting
from conformance.tests.backward.edits import Edit, edits
from conformance.tests.backward.measure import Said, share
from conformance.tests.backward.mutants import spread
from conformance.tests.backward.program import distance, imported

FOLDER = Path(__file__).with_name("programs")
SEED = 5
DIFFERENT = 1e-4  # relative to the largest entry, in numbers of four bytes too


@dataclass(frozen=True)
class Wrong:
    """An edited function: what was done, and the names of the arguments with wrong gradients."""

    edit: Edit
    names: tuple[str, ...]


def programs() -> list[str]:
    """The names of the programs."""
    return sorted(each.stem for each in FOLDER.glob("*.py"))


def source_of(name: str) -> str:
    """The source of a right program."""
    return (FOLDER / f"{name}.py").read_text(encoding="utf-8")


def function_of(module: types.ModuleType) -> Any:
    """The only custom function of a module."""
    (found,) = (e for e in vars(module).values() if is_function(e))
    return found


@cache
def arguments(name: str) -> tuple[Any, ...]:
    """The arguments of the program's own call, or such as fit."""
    path = FOLDER / f"{name}.py"
    kind = function_of(imported(path))
    torch.manual_seed(SEED)
    own = calls_of(str(path), [kind.__qualname__])[0].get(kind.__qualname__)
    args = next(fitting(kind)).args if own is None else own
    what = asked(kind, args)
    absent = called(kind, args, what.needs).absent
    for each, argument, need in zip(args, names_of(kind, len(args)), what.needs, strict=True):
        if need:
            each.requires_grad_(argument not in absent)
    return args


def gradients(kind: Any, args: Sequence[Any]) -> list[np.ndarray]:
    """What torch gives for the arguments that want a gradient, 0 for None."""
    what = asked(kind, args)
    leaves = plain(args)
    given = [
        e.requires_grad_().clone() if need else e
        for e, need in zip(leaves, what.needs, strict=True)
    ]
    wanted = [e for e, need in zip(leaves, what.needs, strict=True) if need]
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(SEED)
        result = kind.apply(*given)
        some = [e for e in (result if isinstance(result, tuple) else (result,)) if e.requires_grad]
        total = sum((e * torch.randn_like(e)).sum() for e in some)
        found = torch.autograd.grad(total, wanted, allow_unused=True)
    return [
        np.zeros(tuple(e.shape)) if g is None else g.numpy()
        for e, g in zip(wanted, found, strict=True)
    ]


def wrongs(name: str, count: int | None = None) -> list[Wrong]:
    """So many edits of a program that torch runs and that change a gradient, or all."""
    args = arguments(name)
    right = gradients(function_of(imported(FOLDER / f"{name}.py")), args)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "edited.py")

        def judged(edit: Edit) -> tuple[Wrong, str] | None:
            path.write_text(edit.source, encoding="utf-8")
            try:
                kind = function_of(imported(path))
                got = gradients(kind, args)
            except Exception:  # noqa: BLE001  # an edited program may raise anything: it is left out
                return None
            apart = [distance(a, b) for a, b in zip(right, got, strict=True)]
            if not DIFFERENT < max(apart, default=0.0) < np.inf:
                return None
            what = asked(kind, args)
            names = names_of(kind, len(args))
            wanted = [n for n, need in zip(names, what.needs, strict=True) if need]
            wrong = tuple(n for n, far in zip(wanted, apart, strict=True) if far > DIFFERENT)
            told = " ".join(f"{x:.5e}" for each in got for x in each.ravel())
            return Wrong(edit, wrong), told

        return spread(edits(source_of(name)), judged, count)


def judge(name: str, wrong: Wrong | None, folder: Path) -> Said:
    """What is said of a right function or of an edited one."""
    id_ = f"{name}/{wrong.edit.id if wrong else 'right'}"
    path = folder / f"{id_.replace('/', '--')}.py"
    path.write_text(wrong.edit.source if wrong else source_of(name), encoding="utf-8")
    start = time.perf_counter()
    names: set[str] = set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = conformance.check_vjp(function_of(imported(path)), *arguments(name))
        code, said = report.exit_code, str(report)
        names = {each.name for each in report.gradients if not each.ok}
        places = [line for each in report.blames for line in each.lines]
        blamed = tuple(dict.fromkeys(e.line for e in places if Path(e.file) == path))
    except Exception as error:  # noqa: BLE001  # an exception of the engine's is counted
        code, said, blamed = 4, f"{type(error).__name__}: {error}", ()
    return Said(
        id=id_,
        line=wrong.edit.line if wrong else 0,
        text=wrong.edit.text if wrong else "",
        computes=wrong is None or wrong.edit.computes,
        missed=tuple(sorted(set(wrong.names) - names)) if wrong else (),
        exit_code=code,
        blamed=blamed,
        said=said,
        seconds=time.perf_counter() - start,
    )


def judged(names: Sequence[str], count: int) -> Iterator[Said]:
    """What is said of programs, and of so many mutants of each."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            yield judge(name, None, Path(folder))
            for each in wrongs(name, count):
                yield judge(name, each, Path(folder))


ROW = "{:<14} {:<10} {:>7} {:>11} {:>12}"


def table(found: Sequence[Said]) -> list[str]:
    """The figures of each program and of all, as lines of text.

    `line first` counts those mutants alone whose edited line holds an operation.
    """
    names = list(dict.fromkeys(each.id.partition("/")[0] for each in found))
    rows = [_row(n, [e for e in found if e.id.startswith(f"{n}/")]) for n in names]
    heading = ROW.format("function", "right", "mutants", "seen", "line first")
    return [heading, *rows, _row("all", found)]


def _row(name: str, found: Sequence[Said]) -> str:
    rights = [each for each in found if not each.line]
    wrong = [each for each in found if each.line]
    accused = sum(each.exit_code != 0 for each in rights)
    verdict = f"{accused} accused" if accused else f"{len(rights)} right"
    place = [each for each in wrong if each.computes]
    shares = share([e.seen for e in wrong]), share([e.first for e in place])
    return ROW.format(name, verdict, len(wrong), *shares)
