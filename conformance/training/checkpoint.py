"""A training run on disk after an epoch: parameters as safetensors, all else as JSON beside them.

A resumed run ends bit for bit where an uninterrupted one ends, if the partners keep nothing but
their parameters. Nothing is unpickled. Left out: the loop (`lockstep.py`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from conformance.errors import UsageError
from conformance.files import write_whole
from conformance.training.lockstep import Lockstep
from conformance.training.record import Epoch, Jump
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
        write_whole(path, save(tensors, metadata={KEY: json.dumps(header)}))
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
        tensors: dict[str, Array] = load(raw)
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
