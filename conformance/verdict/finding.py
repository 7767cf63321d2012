"""What is wrong beside the equations, as a value: a kind, its numbers, and the lines to blame.

Left out: the words for it (`report/message.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from conformance.statement import Statement, Value
from conformance.tracing.frames import Frame


class Kind(StrEnum):
    """What may be wrong, and the values that belong to it."""

    OVERWRITTEN = "overwritten"
    """`method` changes `what`, which is not its own."""
    UNREPEATABLE = "unrepeatable"
    """A second call of `method` with the same arguments gives other numbers."""
    MEMORY_SHARED = "memory-shared"
    """Two layers share memory after the parameters were given as separate arrays."""
    ARRAY_SHARED = "array-shared"
    """Two layers of a new network of `sizes` share one array."""
    MISORDERED = "misordered"
    """backprop returns `lists` with the last layer first, the update takes the first one first."""

    MOVED_EARLY = "moved-early"
    """The update moves parameters before all samples have been sent through them."""

    RATE_IGNORED = "rate-ignored"
    """With half of η an update does not move `what` by half as much."""

    RUNS_DIFFER = "runs-differ"
    """Two runs of the same command differ in the quantity `name`, from inputs that do not."""
    ONE_RUN_STOPPED = "one-run-stopped"
    """Of two runs of the same command one wrote its numbers, and the other stopped."""

    STOPPED = "stopped"
    """SGD raises `error`."""
    PAIRS_BROKEN = "pairs-broken"
    """SGD pairs inputs with the targets of other samples."""
    SAMPLES_REPEATED = "samples-repeated"
    """`repeated` of `n` samples are in two mini-batches of `epoch`, and `left` in none."""
    REMAINDER_DROPPED = "remainder-dropped"
    """The last, short mini-batch of `n` samples by `m` is left out."""
    SAMPLES_LEFT_OUT = "samples-left-out"
    """`left` of `n` samples in mini-batches of `m` are left out in `epoch`."""
    EPOCH_EMPTY = "epoch-empty"
    """`epoch` has no mini-batch, although the loop over the mini-batches began."""
    NOMINAL_RATE = "nominal-rate"
    """The last, short mini-batch of `n` samples by `m` is given an η as if it were whole."""

    DECAY_FACTOR = "decay-factor"
    COSTS_SUMMED = "costs-summed"
    """total_cost has `factor` times the share of the decay, of `n` samples; `each`: n times."""
    ENTRIES_IGNORED = "entries-ignored"
    """Where one entry is 0 · log 0, `method` ignores all other entries."""

    OTHER = "other"
    """`words`, from a report of an earlier release."""


@dataclass(frozen=True)
class Finding(Statement):
    """Something that is wrong beside the equations.

    Attributes:
        kind: what it is.
        values: the numbers and names that belong to the kind, in the order of their names.
        frames: the subject's lines, the one to blame first; empty if none is known.
    """

    kind: Kind
    frames: tuple[Frame, ...] = ()


def finding(kind: Kind, frames: Iterable[Frame] = (), **values: Value) -> Finding:
    """A finding of some values by their names."""
    return Finding(kind, tuple(sorted(values.items())), tuple(frames))


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, with the first lines that are known of it."""
    found: dict[Finding, Finding] = {}
    for each in findings:
        key = replace(each, frames=())
        if not found.get(key, key).frames:
            found[key] = each
    return list(found.values())
