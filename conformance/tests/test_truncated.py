"""Backpropagation through time that is cut after some steps is no mistake, as in WildML's RNN."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance import check_backward
from conformance.errors import SubjectError
from conformance.report.script_report import ScriptReport
from conformance.run_script import run_script
from conformance.tests.parts import few

TEXT = (Path(__file__).parent / "programs" / "wildml.py").read_text()
WHOLE = "bptt_truncate=4", "bptt_truncate=99"
SHORT = "np.random.randint(4, 6))) for _ in range(6)", "np.random.randint(3, 4))) for _ in range(2)"
"""Fewer and shorter sentences, which are searched through in less time."""
FAULTS = [
    ("* (1 - (s[t] ** 2))", "* (1 - s[t])"),
    ("dLdU[:,x[bptt_step]] += delta_t", "dLdU[:,x[t]] += delta_t"),
    ("delta_t = self.W.T.dot(delta_t)", "delta_t = self.W.dot(delta_t)"),
    ("dLdW += np.outer(delta_t, s[bptt_step-1])", "dLdW += np.outer(delta_t, s[bptt_step])"),
    ("dLdU[:,x[bptt_step]] += delta_t", "dLdU[:,x[bptt_step]] = delta_t"),
]


def judged(folder: Path, *edits: tuple[str, str]) -> ScriptReport:
    text = TEXT
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    place = folder / "rnn.py"
    place.write_text(text)
    return run_script(str(place), updates=2)


@pytest.mark.parametrize("steps", [2])
def test_truncated_gradients_are_judged_as_such(steps: int, tmp_path: Path) -> None:
    report = judged(tmp_path, ("bptt_truncate=4", f"bptt_truncate={steps}"))
    assert report.exit_code == 0, str(report)
    assert f"go back {steps} steps through time and no further" in str(report)


def test_gradients_that_go_back_all_the_way_are_not_called_truncated(tmp_path: Path) -> None:
    report = judged(tmp_path, WHOLE)
    assert report.exit_code == 0
    assert "no further" not in str(report)


def test_after_one_step_it_may_be_meant_or_not(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="as many steps as the sequence has"):
        judged(tmp_path, ("bptt_truncate=4", "bptt_truncate=1"))


@pytest.mark.thorough
def test_a_state_that_is_never_gone_back_through_is_a_mistake(tmp_path: Path) -> None:
    assert judged(tmp_path, SHORT, ("bptt_truncate=4", "bptt_truncate=0")).exit_code == 1


@pytest.mark.thorough
@pytest.mark.parametrize("edit", few(FAULTS[4:], FAULTS))
def test_a_wrong_line_is_found_truncated_or_not(edit: tuple[str, str], tmp_path: Path) -> None:
    short = few((SHORT,), ())
    assert judged(tmp_path, edit, *short, ("bptt_truncate=4", "bptt_truncate=2")).exit_code == 1
    report = judged(tmp_path, edit, *short, WHOLE)
    (line, *_) = (each.lines[0].line for each in report.examined.accused)
    assert TEXT[: TEXT.index(edit[0])].count("\n") + 1 == line


LSTM = """
import numpy as np
rng = np.random.default_rng(0)
T, n, h, K = 5, 3, 4, {steps}
X, Y = rng.normal(size=(T, n, 1)), rng.normal(size=(T, 1))
Wf, Wi, Wo, Wc = (rng.normal(size=(h, h + n)) * 0.5 for _ in range(4))
Wy = rng.normal(size=(1, h)) * 0.5
sig = lambda x: 1 / (1 + np.exp(-x))
for epoch in range(10):
    hs, cs, cache = {{-1: np.zeros((h, 1))}}, {{-1: np.zeros((h, 1))}}, {{}}
    loss = 0
    err = {{}}
    for t in range(T):
        z = np.vstack((hs[t - 1], X[t]))
        f, i, o, g = sig(Wf @ z), sig(Wi @ z), sig(Wo @ z), np.tanh(Wc @ z)
        cs[t] = f * cs[t - 1] + i * g
        hs[t] = o * np.tanh(cs[t])
        cache[t] = z, f, i, o, g
        err[t] = Wy @ hs[t] - Y[t]
        loss += 0.5 * np.sum(err[t] ** 2)
    dWf, dWi, dWo, dWc, dWy = (np.zeros_like(w) for w in (Wf, Wi, Wo, Wc, Wy))
    for t in range(T):
        dWy += err[t] @ hs[t].T
        dh, dc = Wy.T @ err[t], np.zeros((h, 1))
        for k in range(t, max(-1, t - K - 1), -1):
            z, f, i, o, g = cache[k]
            tc = np.tanh(cs[k])
            dc = dc + dh * o * (1 - tc ** 2)
            do = dh * tc * o * (1 - o)
            df = dc * cs[k - 1] * f * (1 - f)
            di = dc * g * i * (1 - i)
            dg = dc * i * (1 - g ** 2)
            dWf += df @ z.T
            dWi += di @ z.T
            dWo += do @ z.T
            dWc += dg @ z.T
            dz = Wf.T @ df + Wi.T @ di + Wo.T @ do + Wc.T @ dg
            dh, dc = dz[:h], dc * f
    for w, d in zip((Wf, Wi, Wo, Wc, Wy), (dWf, dWi, dWo, dWc, dWy)):
        w -= 0.1 * d
"""


@pytest.mark.parametrize("steps", [3, 9])
def test_cells_with_two_states_go_back_as_many_steps(steps: int, tmp_path: Path) -> None:
    place = tmp_path / "lstm.py"
    place.write_text(LSTM.format(steps=steps))
    report = run_script(str(place), updates=2)
    assert report.exit_code == 0, str(report)
    assert ("go back 3 steps" in str(report)) == (steps == 3)


def test_an_adjoint_that_is_overwritten_at_each_target_is_not_taken_for_truncated() -> None:
    def flow(w: Any, y: Any, targets: Any, kept: float = 0.0, substeps: int = 3) -> tuple[Any, Any]:
        states, outputs = [y], []
        for _ in targets:
            for _ in range(substeps):
                y = np.tanh(y @ w)
                states.append(y)
            outputs.append(y)
        loss = sum(np.sum((y - t) ** 2) for y, t in zip(outputs, targets, strict=True))
        a, g = np.zeros_like(y), np.zeros_like(w)
        for i in reversed(range(len(targets))):
            a = kept * a + 2 * (outputs[i] - targets[i])
            for j in reversed(range(substeps)):
                d = a * (1 - states[i * substeps + j + 1] ** 2)
                g += states[i * substeps + j].T @ d
                a = d @ w.T
        return loss, g

    rng = np.random.default_rng(0)
    given = rng.normal(size=(3, 3)), rng.normal(size=(4, 3)), rng.normal(size=(3, 4, 3))
    assert check_backward(flow, *given, 1.0).exit_code == 0
    assert check_backward(flow, *given).exit_code == 1
