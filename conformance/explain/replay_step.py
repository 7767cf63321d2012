"""What a subject shows of a saved case, for the script beside it. Left out: saving (`save.py`)."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, assembled
from conformance.explain.mistakes_to_explain import seen
from conformance.model.functions import SIGMOID
from conformance.programs.load import load
from conformance.subjects.adapt import adapt
from conformance.verdict.deviation import plain
from reference.step import Array


def replay(
    spec: str, path: Path, at: tuple[int, str], folders: Sequence[str] = ()
) -> dict[str, Array]:
    """What the subject shows of one step, by the names of the quantities.

    Args:
        spec: `path/to/file.py:Name` or `package.module:Name`; its code runs here.
        path: a case as JSON.
        at: the step, and the mode: "restarted", "feedforward" or "free run".
        folders: from which the file or module may import.

    Raises:
        UsageError: there is no such subject.
        SubjectError: it could not be run.
    """
    recorded = read(path)
    case, thing = recorded.case, load(spec, [*map(Path, folders)])
    hidden = case.activations[0] if case.layers > 2 else SIGMOID  # noqa: PLR2004 - hidden layers
    family = hidden, case.activations[-1]
    subject = adapt(thing, spec, None if case.cost == "quadratic" else case.cost, family)
    return {name: plain(each) for name, each in seen(subject, recorded, at).shown.items()}


def read(path: Path) -> Recorded:
    """A case that `save` wrote.

    Raises:
        OSError: the file is not there.
        ValueError: it is no case.
    """
    written = json.loads(path.read_text(encoding="utf-8"))
    case = Case.from_json(written["case"])
    tensors = {name: np.array(rows, case.type) for name, rows in written["tensors"].items()}
    return assembled(case, tensors)
