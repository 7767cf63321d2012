"""The files that a training run writes: whether they can be, before hours of training, and JSON.

Left out: the picture (`plot.py`) and the checkpoint (`checkpoint.py`).
"""

import json
import math
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from conformance.errors import UsageError
from conformance.train.record import Run


def check_writable(paths: dict[str, Path]) -> None:
    """Find out before hours of training.

    Raises:
        UsageError: a file cannot be written there, or a picture cannot be drawn.
    """
    for option, path in paths.items():
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UsageError(f"{option} {path}: no such folder, or a folder itself")
        if path.exists() and not path.is_file():
            if option != "--json":  # which may go to a pipe; a checkpoint replaces what is there
                raise UsageError(f"{option} {path}: is there, and no ordinary file")
            continue
        try:
            TemporaryFile(dir=path.absolute().parent).close()
        except OSError as error:
            raise UsageError(f"{option} {path}: {error.strerror}") from error
    if "--plot" in paths:
        from conformance.train.plot import ready

        ready(paths["--plot"])


def write_json(path: Path, run: Run) -> None:
    """Write the record of a run.

    Raises:
        UsageError: it cannot be written.
    """
    text = json.dumps(_finite(run.to_json()), indent=1, ensure_ascii=False, allow_nan=False)
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--json {path}: {error.strerror}") from error


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
