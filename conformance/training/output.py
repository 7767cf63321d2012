"""The files that a training run writes: whether they can be, before hours of training, and JSON.

Left out: the picture (`plot.py`) and the checkpoint (`checkpoint.py`).
"""

import math
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.files import check_output, put_json
from conformance.training.record import TrainOutcome


def check_writable(paths: dict[str, Path]) -> None:
    """Find out before hours of training.

    Raises:
        UsageError: a file cannot be written there, or a picture cannot be drawn.
    """
    for option, path in paths.items():
        check_output(option, path)
        if option != "--json" and path.exists() and not path.is_file():
            raise UsageError(f"{option} {path}: is there, and no ordinary file")
    if "--plot" in paths:
        from conformance.training.plot import ready

        ready(paths["--plot"])


def write_json(path: Path, run: TrainOutcome) -> None:
    """Write the record of a run.

    Raises:
        UsageError: it cannot be written.
    """
    put_json("--json", path, _finite(run.to_json()))


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
