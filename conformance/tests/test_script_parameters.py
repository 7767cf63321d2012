"""Which arrays of a script are its parameters, and which are data, states or steps on the way."""

from pathlib import Path

from conformance.tests.scripts import run_edited

GRAPH = """import numpy as np
rng = np.random.default_rng(1)
S, X, T = rng.random((6, 6)), rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
Ws = [rng.normal(size=(3, 4)), rng.normal(size=(4, 2))]
for step in range(20):
    hs = [X]
    for W in Ws:
        hs.append(np.tanh(S @ hs[-1] @ W))
    loss = np.mean((hs[-1] - T) ** 2)
    d = 2 * (hs[-1] - T) / T.size
    for i in (1, 0):
        dz = S.T @ (d * (1 - hs[i + 1] ** 2))
        d, Ws[i] = dz @ Ws[i].T, Ws[i] - 0.1 * (hs[i].T @ dz)
"""


def test_data_of_which_the_gradient_is_computed_are_no_parameter(tmp_path: Path) -> None:
    report = run_edited(tmp_path, GRAPH)
    assert report.exit_code == 0, str(report)
