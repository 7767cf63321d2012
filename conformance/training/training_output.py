"""The files that a training run writes: whether they can be, before hours of training; JSON.

And the picture: accuracy, cost and drift against epochs, which needs the extra `report`. Left out:
the numbers as text (`show_training.py`).
"""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.files import check_output, put_json
from conformance.training.training_record import REFERENCE, TrainOutcome


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
        _ready(paths["--plot"])


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


SUFFIXES = (".svg", ".png")
DASHES = ("-", "--", ":", "-.")


def _ready(path: Path) -> None:
    """Check that a picture can be drawn, before anything is trained.

    Raises:
        UsageError: it is another format, or matplotlib is not installed.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"--plot {path}: give a name that ends in {' or '.join(SUFFIXES)}")
    if find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib: pip install 'backprop-conformance[report]'")


def plot(path: Path, run: TrainOutcome) -> None:
    """Draw the run.

    Raises:
        UsageError: the file cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "conformance", "font.size": 9}):
        figure = Figure(figsize=(9, 3), layout="constrained")
        accuracy, cost, drift = figure.subplots(1, 3)
        _draw(accuracy, cost, drift, run)
        figure.suptitle(run.settings.words(), fontsize=9)
        try:
            figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        except OSError as error:
            raise UsageError(f"--plot {path}: {error.strerror}") from error


def _draw(accuracy: Any, cost: Any, drift: Any, run: TrainOutcome) -> None:
    epochs = [each.number for each in run.epochs]
    for i, who in enumerate(run.epochs[0].walked if run.epochs else ()):
        walked = [each.walked[i] for each in run.epochs]
        style = {"label": who.name, "color": f"C{i}", "linestyle": DASHES[i % len(DASHES)]}
        percent = [100 * w.correct / each.tests for w, each in zip(walked, run.epochs, strict=True)]
        accuracy.plot(epochs, percent, **style)
        cost.plot(epochs, [each.cost for each in walked], **style)
        if who.name != REFERENCE:
            drift.plot(epochs, [each.drift or float("nan") for each in walked], **style)
    explained = [each.explained or float("nan") for each in run.epochs]
    drift.plot(epochs, explained, label="rounding can explain", color="0.6")
    for jump in run.jumps:
        drift.axvline(jump.epoch, color="C3", linewidth=0.8, label=f"jump of {jump.subject}")
    drift.set_yscale("log")
    titles = ("test images right, %", "cost of the test images", "largest drift of a parameter")
    for axes, title in zip((accuracy, cost, drift), titles, strict=True):
        axes.set(title=title, xlabel="epoch")
        axes.grid(color="0.9")
        if axes.lines:
            axes.legend(frameon=False)
