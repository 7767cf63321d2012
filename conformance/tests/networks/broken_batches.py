"""The programs that take a whole mini-batch at once, broken in one line at a time.

As `broken.py` breaks the book's.
"""

from typing import Literal

from conformance.tests.networks.broken import Edit

_SUM_B = "nabla_b = [d.sum(axis=1, keepdims=True) for d in deltas]"
_SUM_W = "nabla_w = [d @ below.T for d, below in zip(deltas, a[:-1])]"
_STACK = "x = np.hstack([x for x, _ in mini_batch])"
_TARGETS = "delta = (a[-1] - y) * sigmoid_prime(zs[-1])"
_SCALED = "delta = (a[-1] - y) / x.shape[1] * sigmoid_prime(zs[-1])"
_ROW_Y = "delta = (a[-1] - y.T) * sigmoid_prime(zs[-1])"
_MEAN_Y = "y.mean(axis=1, keepdims=True)"
_MEANS = "return [nb / m for nb in nabla_b], [nw / m for nw in nabla_w]"
_RATE = "self.biases = [b - eta * nb for b, nb in zip(self.biases, nabla_b)]"
_ROWS_B = "nabla_b.append(delta.sum(axis=0).reshape(-1, 1))"
_SMALL_B = "nabla_b.insert(0, np.sum(delta, axis=1, keepdims=True))"
_EIN_B = 'nabla_b = [np.einsum("jm->j", delta)[:, np.newaxis] for delta in deltas]'
_EIN_W = 'nabla_w = [np.einsum("jm,km->jk", delta, below) for delta, below in zip(deltas, a)]'
_EIN_BP2 = 'deltas.insert(0, np.einsum("jk,jm,km->km", w, deltas[0], sigmoid_prime(z)))'
_ONES = "return np.vstack([np.ones((1, a.shape[1])), a])"


def _edit(id_: str, find: str, replace: str, tags: str, why: str) -> Edit:
    layer: Literal["every", "hidden"] = "hidden" if find in (_EIN_BP2, _SMALL_B) else "every"
    return Edit(id_, find, replace, tuple(tags.split()), layer, why, "right_batches.py")


COLUMNS = (
    _edit("mean-for-sum-b", _SUM_B, _SUM_B.replace("sum", "mean"), "BP3", "∇w is a sum"),
    _edit("mean-for-sum-w", _SUM_W, _SUM_W.replace(".T", ".T / x.shape[1]"), "BP4", "∇b is a sum"),
    _edit(
        "one-for-all-b",
        _SUM_B,
        "nabla_b = [np.full((len(d), 1), d.sum()) for d in deltas]",
        "BP3",
        "summed over the neurons too",
    ),
    _edit(
        "one-mean-for-all-b",
        _SUM_B,
        "nabla_b = [np.full((len(d), 1), d.mean()) for d in deltas]",
        "BP3",
        "the mean over the neurons too",
    ),
    _edit("max-for-sum-b", _SUM_B, _SUM_B.replace("sum", "max"), "BP3", "the largest sample"),
    _edit(
        "first-sample-b", _SUM_B, "nabla_b = [d[:, :1] for d in deltas]", "BP3", "the first sample"
    ),
    _edit(
        "one-x-for-all",
        _STACK,
        "x = np.hstack([mini_batch[0][0] for _ in mini_batch])",
        "BP3 BP4",
        "the first input stands for all",
    ),
    _edit(
        "mean-y-for-all",
        _TARGETS,
        _TARGETS.replace("y)", f"{_MEAN_Y})"),
        "BP1",
        "the mean target stands for all",
    ),
)
AVERAGED = (
    _edit("mean-divided-again", _RATE, _RATE.replace("eta", "eta / 3"), "B", "∇b is a mean"),
)
DELTA_OVER_M = (
    _edit("delta-over-m-mean", _SMALL_B, _SMALL_B.replace("sum", "mean"), "BP3", "δ holds 1/m"),
    _edit("mean-y-over-m", _SCALED, _SCALED.replace("y)", f"{_MEAN_Y})"), "BP1", "the mean y"),
)
ROWS = (
    _edit("rows-mean-b", _ROWS_B, _ROWS_B.replace("sum", "mean"), "BP3", "∇w is a sum"),
    _edit("rows-mean-y", _ROW_Y, _ROW_Y.replace("y.T", f"{_MEAN_Y}.T"), "BP1", "the mean y"),
)
EINSUM = (
    _edit(
        "einsum-one-for-all",
        _EIN_B,
        'nabla_b = [np.einsum("jm->", delta) * np.ones((len(delta), 1)) for delta in deltas]',
        "BP3",
        "the neurons are summed over too",
    ),
    _edit(
        "einsum-all-pairs", _EIN_W, _EIN_W.replace("km->", "kn->"), "BP4", "each δ meets every a"
    ),
    _edit(
        "einsum-no-sigma-prime",
        _EIN_BP2,
        'deltas.insert(0, np.einsum("jk,jm->km", w, deltas[0]))',
        "BP2",
        "σ′(z^l) is left out",
    ),
)
AUGMENTED = (
    _edit(
        "augmented-with-less",
        _ONES,
        _ONES.replace("np.ones", "0.9 * np.ones"),
        "Z BP3",
        "the bias meets another number than 1",
    ),
)

BROKEN = {
    "BatchedColumns": COLUMNS,
    "Averaged": AVERAGED,
    "DeltaOverM": DELTA_OVER_M,
    "BatchedRows": ROWS,
    "Einsum": EINSUM,
    "Augmented": AUGMENTED,
}
"""The edits of each class."""
