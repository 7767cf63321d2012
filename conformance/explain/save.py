"""The smallest network as files to take along: a short script in plain NumPy, and the case as JSON.

Left out: which network it is (`mistakes_to_explain.py`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from conformance.corpus.case import Case
from conformance.corpus.casefile import readable, write
from conformance.corpus.recorded import tensors
from conformance.errors import UsageError
from conformance.explain.mistakes_to_explain import FailingCase
from conformance.model.formula import has_prime, line
from conformance.model.row import of_batch
from conformance.programs.load import is_spec
from conformance.verdict.compare import FREE, Status
from reference.step import STATE, Array, Batch, Parameters, split
from reference.updates import OLD


def save(texts: Mapping[str, str], folder: Path) -> list[Path]:
    """Write files by their names, all or none, and return their paths.

    Raises:
        UsageError: another file of that name is there.
        CorpusError: the folder cannot be written to.
    """
    raw = {folder / name: text.encode() for name, text in texts.items()}
    for path, content in raw.items():
        if path.exists() and not (path.is_file() and path.read_bytes() == content):
            raise UsageError(f"{path} is there already: remove it, or give another folder")
    for path, content in raw.items():
        write(path, content)
    return list(raw)


def files(failing: FailingCase, folders: Sequence[Path] = ()) -> dict[str, str]:
    """A failing case as `<id>.py` and `<id>.json`: the texts by these names, the script first.

    Args:
        failing: what to write.
        folders: from which the subject may import when the script runs it.
    """
    case = failing.case
    script = "\n".join(_script(failing, folders)) + "\n"
    return {
        f"{case.id}.py": script,
        f"{case.id}.json": readable(case, tensors(failing.recorded)).decode(),
    }


def _script(failing: FailingCase, folders: Sequence[Path]) -> Iterator[str]:
    case, t, free = failing.case, failing.failure.step, failing.failure.mode == FREE
    wrong = [v.name for v in failing.verdicts.values() if v.status is Status.FAIL]
    yield f'"""{" and ".join(failing.tags)} wrong: what {", ".join(wrong)} should be."""'
    yield ""
    if is_spec(failing.report.subject):
        yield from ("from pathlib import Path", "")
    yield "import numpy as np"
    if is_spec(failing.report.subject):
        yield from ("", "from conformance.explain.replay_step import replay")
    yield ""
    yield from _start(case, failing.recorded.steps[0 if free else t].parameters)
    updated = [name for name, row in case.rows.items() if row.quantity.part == "Update"]
    for s in range(0 if free else t, t + 1):
        yield from ("", f"# step {s}: {list(case.sizes)}, {case.cost} cost")
        yield from _batch(failing.recorded.steps[s].batch, case)
        last = s == t
        names = _needed(wrong if last else updated, case)
        decaying = bool(case.lmbda)
        yield from (f"{OLD}{name} = {name}" for name in names if split(name)[0] in STATE)
        yield from (line(case.rows[name], decaying=decaying) for name in names)
    yield ""
    yield from _prints(failing, wrong, folders)


def _prints(failing: FailingCase, wrong: list[str], folders: Sequence[Path]) -> Iterator[str]:
    """Each wrong quantity, and what the subject makes of it where it can be loaded again."""
    t, mode, spec = failing.failure.step, failing.failure.mode, _absolute(failing.report.subject)
    if spec:
        yield 'case = Path(__file__).with_suffix(".json")'
        places = _places(spec, folders)
        at = f"({t}, {json.dumps(mode)})" + f", {json.dumps(places)}" * bool(places)
        yield f"yours = replay({json.dumps(spec)}, case, {at})"
    for name in wrong:
        yield f'print("{name} expected", np.asarray({name}).tolist())'
        if spec:
            yield f'print("{name} yours   ", yours["{name}"].tolist())'


def _start(case: Case, start: Parameters) -> Iterator[str]:
    rates = f"eta, lmbda, n = {case.eta}, {case.lmbda}, {case.n}"
    yield rates if case.lmbda else f"eta = {case.eta}"
    if case.constants:
        names, values = zip(*case.constants, strict=True)
        yield f"{', '.join(names)} = {', '.join(map(str, values))}"
    for name, array in (*start.named(), *start.state.items()):
        yield f"{name} = {_literal(array, case)}"


def _batch(batch: Batch, case: Case) -> Iterator[str]:
    for name, array in of_batch(batch).items():
        yield f"{name} = {_literal(array, case)}" + "  # a sample a column" * (name == "x")
    yield f"m = {batch.m}"


def _literal(array: Array, case: Case) -> str:
    dtype = ', "float32"' if case.dtype == "float32" else ""
    return f"np.array({json.dumps(array.tolist())}{dtype})"


def _needed(names: list[str], case: Case) -> list[str]:
    """These quantities and all that they follow from, in causal order."""
    found = set(names)
    for row in reversed(list(case.rows.values())):
        if row.name in found:
            found.update(row.made, [f"a{row.layer}"] if has_prime(row) else [])
    return [name for name in case.rows if name in found]


def _places(spec: str, folders: Sequence[Path]) -> list[str]:
    """The folders from which `load` lets it import, wherever the script will run."""
    here = [] if spec.rpartition(":")[0].endswith(".py") else [Path()]
    return [str(folder.resolve()) for folder in (*here, *folders)]


def _absolute(subject: str) -> str:
    """A subject that can be loaded again from anywhere, or nothing."""
    if not is_spec(subject):
        return ""
    place, _, name = subject.rpartition(":")
    return f"{Path(place).resolve()}:{name}" if place.endswith(".py") else subject
