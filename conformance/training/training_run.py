"""A whole training run: epochs one after the other, kept and reported, and ended cleanly.

It is kept on disk after an epoch: parameters as safetensors, all else as JSON beside them. A
resumed run ends bit for bit where an uninterrupted one ends, if the partners keep nothing but
their parameters. Nothing is unpickled. Left out: an epoch (`lockstep.py`), how it is shown
(`show_training.py`).
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors
from threadpoolctl import threadpool_limits

from conformance.corpus.case import Case
from conformance.errors import UsageError
from conformance.files import write_whole
from conformance.programs.load import is_spec, load
from conformance.report.message import finding_text
from conformance.subjects import Subject
from conformance.subjects.adapt import adapt
from conformance.subjects.command.command_subject import CommandSubject
from conformance.subjects.named import find
from conformance.training.lockstep import Done, Lockstep
from conformance.training.settings import Settings
from conformance.training.show_training import TrainReport
from conformance.training.training_data import Source
from conformance.training.training_record import Epoch, Jump
from conformance.values import from_values, to_values
from reference.step import Array, Parameters

KEY, VERSION = "training", 1
COMPANION = "companion"
ROOM = 64 << 20  # bytes for what is no parameter
EXTENDED = "epochs"  # the setting in which a resumed run may differ


def write(path: Path, run: Lockstep, epochs: Sequence[Epoch]) -> None:
    """Write the run after an epoch; an older file is replaced once the new one is complete.

    Raises:
        UsageError: it cannot be written.
    """
    header = {
        "version": VERSION,
        "settings": to_values(run.settings),
        "data": fingerprint(run),
        "epoch": run.epoch,
        "explained": run.explained,
        "generator": run.rng.bit_generator.state,
        "epochs": to_values(epochs),
        "partners": [
            {"drift": to_values(each.drift), "jump": to_values(each.jump)} for each in run.partners
        ],
    }
    tensors = {
        f"{who}/{name}": np.ascontiguousarray(array)
        for who, parameters in _walkers(run).items()
        for name, array in (*parameters.named(), *parameters.state.items())
    }
    try:
        write_whole(path, safetensors.save(tensors, metadata={KEY: json.dumps(header)}))
    except OSError as error:
        raise UsageError(f"--checkpoint {path}: {error.strerror}") from error


def restore(path: Path, run: Lockstep) -> tuple[Epoch, ...]:
    """Set a fresh run to where a checkpoint was written; the records of its epochs.

    Raises:
        UsageError: it is no checkpoint, or one of another run; the message says in what.
    """
    parameters = sum(
        array.nbytes
        for each in _walkers(run).values()
        for _, array in (*each.named(), *each.state.items())
    )
    header, tensors = _read(path, ROOM + parameters)
    try:
        _same_run(path, run, header)
        epochs: tuple[Epoch, ...] = from_values(tuple[Epoch, ...], header["epochs"])
        walkers = {who: _parameters(path, run, who, tensors) for who in _walkers(run)}
        run.rng.bit_generator.state = header["generator"]
        run.resume(walkers, int(header["epoch"]), float(header["explained"]))
        for partner, kept in zip(run.partners, header["partners"], strict=True):
            partner.drift = float(kept["drift"])
            partner.jump = from_values(Jump | None, kept["jump"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: not a checkpoint of a training run ({error})") from error
    return epochs


def fingerprint(run: Lockstep) -> str:
    """A hash of the training and test data of a run."""
    sha = hashlib.sha256()
    for array in (run.rows.x, run.rows.y, run.test.x, run.test.y):
        sha.update(str(array.shape).encode())
        sha.update(np.ascontiguousarray(array[:: max(1, len(array) // 500)]).tobytes())
    return sha.hexdigest()


def _walkers(run: Lockstep) -> dict[str, Parameters]:
    nets = {"reference": run.network, COMPANION: run.companion}
    own = {who: net.parameters for who, net in nets.items()}
    return own | {f"partner {i}": each.parameters for i, each in enumerate(run.partners)}


def _read(path: Path, most: int) -> tuple[dict[str, Any], dict[str, Array]]:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise UsageError(f"--resume {path}: no ordinary file")
        if path.stat().st_size > most:
            raise UsageError(f"{path}: larger than a checkpoint of this run can be")
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--resume {path}: {error.strerror}") from error
    try:
        tensors: dict[str, Array] = safetensors.load(raw)
        length = int.from_bytes(raw[:8], "little")
        header = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"][KEY])
        kept = header["version"]
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not a checkpoint of a training run ({error})") from error
    if kept != VERSION:
        raise UsageError(f"{path}: a checkpoint of version {kept}, not {VERSION}")
    return header, tensors


def _same_run(path: Path, run: Lockstep, header: Mapping[str, Any]) -> None:
    asked = to_values(run.settings)
    for name, kept in header["settings"].items():
        if name != EXTENDED and kept != asked.get(name):
            raise UsageError(
                f"{path}: a checkpoint of another run: {name} {_said(kept)}, "
                f"not {_said(asked.get(name))}"
            )
    if header["data"] != fingerprint(run):
        raise UsageError(f"{path}: a checkpoint of another run: other digits")
    if header["epoch"] >= run.settings.epochs:
        raise UsageError(f"{path}: the run is done: give more --epochs than {run.settings.epochs}")


def _said(value: object) -> str:
    return (",".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def _parameters(path: Path, run: Lockstep, who: str, tensors: Mapping[str, Array]) -> Parameters:
    prefix = f"{who}/"
    own = {n.removeprefix(prefix): a for n, a in tensors.items() if n.startswith(prefix)}
    parameters = Parameters.of(own)
    wrong = [name for name, array in parameters.named() if array.dtype != run.settings.dtype]
    if parameters.sizes != tuple(run.settings.sizes) or wrong:
        raise UsageError(f"{path}: a checkpoint of another network: {list(parameters.sizes)}")
    return parameters


Told = Callable[[Epoch], None]


def subjects(
    names: Sequence[str], settings: Settings, python_path: Sequence[Path] = ()
) -> tuple[Subject, ...]:
    """The subjects of these names, each fit for the run.

    Args:
        names: as for `conformance check`, but for a command or a recording.
        settings: of the run.
        python_path: folders from which a file or module may import.

    Raises:
        UsageError: there is no such subject, or it cannot take part in this run.
        SubjectError: it could not be loaded.
    """
    found = [
        adapt(load(name, python_path), name) if is_spec(name) else find(name) for name in names
    ]
    case = settings.case(settings.mini_batch)
    for each in found:
        if reason := _unfit(each, case):
            raise UsageError(f"{each.name} cannot take part: it {reason}")
    return tuple(found)


def _unfit(subject: Subject, case: Case) -> str:
    """Why a subject cannot walk along, or nothing."""
    if isinstance(subject, CommandSubject):
        return "runs recorded cases alone"
    return subject.unfit(case) or ("" if subject.runs_freely(case) else "knows no weight decay")


def train(
    settings: Settings,
    source: Source,
    partners: tuple[Subject, ...],
    told: Told = lambda _: None,
    done: Done = lambda *_: None,
    *,
    begun: Callable[[], None] = lambda: None,
    checkpoint: Path | None = None,
    resume: Path | None = None,
) -> TrainReport:
    """Train, epoch by epoch; Ctrl-C ends it with what was measured.

    Args:
        settings: of the run.
        source: the digits.
        partners: who walks beside the reference.
        told: called with the record of each epoch.
        done: called after each step.
        begun: called when nothing is wrong with what was asked for, before the first step.
        checkpoint: written after each epoch.
        resume: a checkpoint to go on from.

    Raises:
        UsageError: the checkpoint cannot be written, or is of another run.
        SubjectError: a partner could not be run.
    """
    settings.fit_digits()
    mnist, dtype = source.mnist, np.dtype(settings.dtype)
    with threadpool_limits(1), np.errstate(all="ignore"):  # a NaN is reported, not warned of
        walk = Lockstep(settings, mnist.training.batch(dtype), mnist.test.batch(dtype), partners)
        epochs = [] if resume is None else list(restore(resume, walk))
        begun()
        stopped = ""
        try:
            while walk.epoch < settings.epochs:
                epochs.append(walk.walk(done))
                told(epochs[-1])
                if checkpoint is not None:
                    write(checkpoint, walk, epochs)
        except KeyboardInterrupt:
            stopped = f"in epoch {walk.epoch}, step {walk.step}"
    return result(settings, source.words, epochs, walk, stopped)


def result(
    settings: Settings, data: str, epochs: Sequence[Epoch], walk: Lockstep, stopped: str = ""
) -> TrainReport:
    """The record of a run."""
    jumps: list[Jump] = [each.jump for each in walk.partners if each.jump is not None]
    faults = tuple(
        f"{each.name}: {finding_text(found)}" for each in walk.partners for found in each.findings
    )
    return TrainReport(settings, data, tuple(epochs), tuple(jumps), stopped, faults)
