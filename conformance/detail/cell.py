"""One quantity of one step behind its verdict: its worst entries, its errors, and a map of them.

Left out: which quantities are looked at (`look.py`) and how they are drawn (`report`).
"""

import base64
import zlib

import numpy as np

from conformance.judging.records import Cell, Entry
from conformance.verdict.deviation import Deviation
from reference.step import Array

SHOWN = 5  # of the worst entries
STEPS = 2  # levels of the map for each doubling of error over tolerance
EXACT, LOWEST, AT, HIGHEST, LOST = 0, 1, 128, 254, 255
"""Levels: no error; almost none; the tolerance itself, the highest that is right; most; no number.
"""
TOP = 64  # the last bin of the histogram holds 2^63 ulps and more


def cell(where: tuple[int, str, str], against: str, array: Array, found: Deviation) -> Cell:
    """The cell of a well-formed array.

    Args:
        where: step, mode and name.
        against: what it was compared with.
        array: as the subject showed it.
        found: its deviation from that.
    """
    return Cell(
        *where,
        tuple(array.shape),
        str(array.dtype),
        against,
        tuple(_worst(found)),
        tuple(_histogram(found.ulps)),
        _limits(array, found),
        base64.b64encode(zlib.compress(_level(found).tobytes(), 9)).decode(),
    )


def _worst(found: Deviation) -> list[Entry]:
    """The entries that are furthest out; of equal ones the first in row order."""
    ratio = found.ratio.ravel()
    count = min(SHOWN, ratio.size)
    order = np.argsort(-ratio, kind="stable")[:count]
    places = [np.unravel_index(int(i), found.ratio.shape) for i in order]
    return [
        Entry(
            tuple(int(i) for i in place),
            *(float(part[place]) for part in (found.got, found.right, found.ulps, found.ratio)),
        )
        for place in places
    ]


def _histogram(ulps: Array) -> list[int]:
    """How many entries are exact, and how many lie in each doubling of ulps; no empty tail."""
    with np.errstate(divide="ignore"):
        doubling = np.ceil(np.log2(ulps.ravel()))
    bins = np.where(ulps.ravel() == 0, 0, np.clip(doubling, 0, TOP - 1) + 1).astype(int)
    return [int(count) for count in np.bincount(bins)]


def _limits(array: Array, found: Deviation) -> tuple[float, float]:
    with np.errstate(all="ignore"):
        ulp = np.spacing(np.abs(found.right).astype(array.dtype)).astype(np.float64)
        limits = found.tolerance / ulp
    known = limits[np.isfinite(limits)]
    return (float(known.min()), float(known.max())) if known.size else (np.inf, np.inf)


def _level(found: Deviation) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Error over tolerance on a scale of doublings: above `AT` is what lies outside."""
    with np.errstate(all="ignore"):
        scaled = AT + np.ceil(STEPS * np.log2(found.ratio))
        levels = np.clip(np.nan_to_num(scaled, nan=LOST), LOWEST, HIGHEST)
    levels = np.where(found.error == 0, EXACT, levels)
    return np.where(np.isfinite(found.got), levels, LOST).astype(np.uint8)
