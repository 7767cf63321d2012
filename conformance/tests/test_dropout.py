"""Dropout: the reference, by hand and at test, and a class that is given its masks.

Left out: the table, tolerances and the twin, which the tests of every family cover.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conformance import check
from conformance.explain.show_step import example
from conformance.explain.step_lines import as_text
from conformance.report.book_report import Report
from conformance.tests.networks import dropout
from conformance.tests.parts import part
from reference import Batch, Network, network2
from reference.equations import LINEAR, RELU

SOURCE = Path(dropout.__file__)
X, Y = np.array([[0.5, -1.0, 0.25], [1.0, 0.75, -0.5]]), np.array([[1.0, 0.0, 0.5]])
MASKS = (np.array([[0.0, 2.0, 2.0], [2.0, 0.0, 2.0], [2.0, 2.0, 0.0]]),)


# The reference


def test_the_gradient_with_a_mask_is_the_slope_of_the_cost_with_it() -> None:
    net, h = Network([2, 3, 1], np.random.default_rng(1), dropout=0.5), 1e-6

    def cost() -> float:
        hidden = MASKS[0] / (1 + np.exp(-(net.weights[0] @ X + net.biases[0])))
        output = 1 / (1 + np.exp(-(net.weights[1] @ hidden + net.biases[1])))
        return float(((output - Y) ** 2).sum() / 6)

    nabla_b, nabla_w = net.backprop(X, Y, MASKS)
    for parameter, nabla in zip((*net.biases, *net.weights), (*nabla_b, *nabla_w), strict=True):
        for index in np.ndindex(parameter.shape):
            parameter[index] += h
            above = cost()
            parameter[index] -= 2 * h
            slope = (above - cost()) / (2 * h)
            parameter[index] += h
            assert nabla[index] == pytest.approx(slope, rel=1e-6, abs=1e-10)


def test_a_neuron_that_is_left_out_of_all_samples_does_not_move() -> None:
    net = Network([2, 3, 1], np.random.default_rng(1), dropout=0.5)
    before, mask = [w.copy() for w in net.weights], np.array([[1.0] * 3, [0.0] * 3, [1.0] * 3])
    net.update_mini_batch(Batch(X, Y, (mask,)), 0.5)
    moved = net.weights[0] != before[0], net.weights[1] != before[1]
    assert moved[0].any(axis=1).tolist() == moved[1].any(axis=0).tolist() == [True, False, True]


def test_the_network_at_test_is_the_mean_of_those_in_training() -> None:
    """Of a linear output; all masks of three neurons, each as likely as the others."""
    net = Network([2, 3, 1], np.random.default_rng(1), output=LINEAR, dropout=0.5)
    hidden = 1 / (1 + np.exp(-(net.weights[0] @ X + net.biases[0])))
    masks = [np.array([[i & 1], [i >> 1 & 1], [i >> 2 & 1]]) for i in range(8)]
    outputs = [net.weights[1] @ (hidden * mask) + net.biases[1] for mask in masks]
    np.testing.assert_allclose(net.feedforward(X), np.mean(outputs, axis=0))


def test_masks_are_drawn_for_each_sample_and_step() -> None:
    """A neuron's bias moves unless the neuron is left out; of one sample that shows its mask."""
    net = Network([2, 400, 1], np.random.default_rng(1), dropout=0.25)
    moved = []
    for sample in (0, 1, 0):
        before = net.biases[0]
        net.update_mini_batch(Batch(X, Y).columns((sample,)), 0.5)
        moved.append(net.biases[0] != before)
    assert [each.mean() for each in moved] == pytest.approx([0.75] * 3, abs=0.05)
    assert len({each.tobytes() for each in moved}) == 3


def test_a_network_with_dropout_learns_and_is_saved_with_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    net = network2.Network([2, 16, 2], rng=rng, activation=RELU, dropout=0.25)
    x = rng.normal(size=(2, 64))
    batch = Batch(x, np.stack([x[0] > 0, x[0] <= 0]).astype(float))
    net.SGD(batch, 40, 8, 0.5)
    assert net.accuracy(zip(x.T[:, :, None], batch.y.argmax(axis=0), strict=True)) > 58
    net.save(str(tmp_path / "net.json"))
    again = network2.load(str(tmp_path / "net.json"))
    np.testing.assert_array_equal(again.feedforward(x), net.feedforward(x))


@pytest.mark.parametrize("p", [-0.1, 1.0])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="give a probability below 1"):
        Network([2, 3, 1], dropout=p)


def test_without_dropout_nothing_is_drawn_for_masks() -> None:
    ours = [Network([2, 3, 1], np.random.default_rng(1), dropout=p) for p in (0.0, 0.0)]
    ours[0].update_mini_batch(Batch(X, Y), 0.5)
    assert ours[0].rng.random() == ours[1].rng.random()


def test_a_mask_that_does_not_fit_the_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="a mask"):
        replace(Batch(X, Y), masks=(MASKS[0][:, :2],))


# A class that is given its masks


def judged(name: str, edit: tuple[str, str], folder: Path) -> Report:
    """The report on a network of the file, with an edit of its source, in the cases of dropout."""
    source, file = SOURCE.read_text("utf-8"), folder / "edited.py"
    assert source.count(edit[0]) == 1
    file.write_text(source.replace(*edit), encoding="utf-8")
    report = check(f"{file}:{name}", case=["*dropout*"])
    assert isinstance(report, Report)
    return report


@pytest.mark.parametrize(("name", "count"), [("Network", 9), ("Inverted", 4)])
def test_a_class_with_masks_is_judged_with_and_without_them(name: str, count: int) -> None:
    report = check(f"{SOURCE}:{name}", case=["*2-*", "square*", "softmax*", "tanh-softmax*"])
    assert isinstance(report, Report)
    assert report.ok, str(report)
    assert "the masks of each sample as `masks`" in report.conventions
    masked = [each for each in report.cases if each.case.masks]
    assert len(report.cases) == count
    assert len(masked) == 1
    seen = {verdict.name for verdict in masked[0].passes}
    assert {"z2", "a2", "delta2", "nabla_w2", "b2"} <= seen


@pytest.mark.parametrize("p", [0.5, 0.2])
def test_a_class_that_scales_its_masks_itself_is_right(p: float, tmp_path: Path) -> None:
    source = SOURCE.read_text("utf-8")
    for own in ("values[-1] * mask", "delta * masks[i]"):
        assert source.count(own) == 1
        source = source.replace(own, f"{own} / {1 - p}")
    (tmp_path / "own.py").write_text(source, encoding="utf-8")
    report = check(f"{tmp_path / 'own.py'}:Inverted", case=["*dropout*", "tanh-softmax*"])
    assert isinstance(report, Report)
    assert report.ok, str(report)
    assert f"masks times {1 / (1 - p):g}" in report.conventions


def test_masks_of_a_family_without_such_cases_may_keep_all_neurons(tmp_path: Path) -> None:
    softmax, source = "a: Array = e / e.sum()", SOURCE.read_text("utf-8")
    assert source.count(softmax) == 1
    source = source.replace(softmax, "a: Array = z")
    (tmp_path / "linear.py").write_text(source, encoding="utf-8")
    report = check(f"{tmp_path / 'linear.py'}:Inverted", case=["tanh-linear*"])
    assert isinstance(report, Report)
    assert report.ok, str(report)
    assert len(report.cases) > 1


SENT = "self.weights[i + 1].T @ delta * masks[i]"
SLOPE = "self.slope(values[i])"
OF_A = "self.slope(activations[i + 1])"
MUTANTS = {  # the edit, the tag, and the line: of a factor that is nowhere, that of the last one
    "mask-not-sent-back": ("Network", (SENT, "self.weights[i + 1].T @ delta"), "BP2", SLOPE),
    "mask-scaled-twice": ("Inverted", (SENT, f"{SENT} * masks[i]"), "BP2", SENT),
    "mask-scale-left-out": ("Inverted", (SENT, f"{SENT} / 2"), "BP2", SENT),
    "slope-of-masked-activation": ("Inverted", (SLOPE, OF_A), "BP2", OF_A),
    "mask-not-applied": ("Network", ("values[-1] * mask", "values[-1]"), "A", "append(values[-1])"),
}


def blamed(report: Report, folder: Path) -> tuple[str, str]:
    """The equation to blame, and the text of the line."""
    (blame,) = report.blames
    lines = (folder / "edited.py").read_text("utf-8").splitlines()
    return blame.tag, lines[blame.first.frames[0].line - 1]


@pytest.mark.parametrize(
    "cause", part(MUTANTS, lambda cause: MUTANTS[cause][0], lambda cause: MUTANTS[cause][2])
)
def test_a_mistake_with_the_mask_is_blamed_on_its_line_and_named(
    cause: str, tmp_path: Path
) -> None:
    name, edit, tag, said = MUTANTS[cause]
    report = judged(name, edit, tmp_path)
    found, line = blamed(report, tmp_path)
    assert found == tag
    assert said in line
    assert [each.mistakes for each in report.causes] == [(cause,)]


@pytest.mark.seldom  # the search takes five seconds; `test_edits.py` and `test_broken.py` hold it
def test_a_mask_that_is_drawn_again_is_blamed_and_the_one_that_was_drawn_is_told(
    tmp_path: Path,
) -> None:
    """Which mask it was nobody knows, so no mistake is named."""
    again = SENT.replace("masks[i]", "np.random.default_rng(1).integers(0, 2, masks[i].shape)")
    report = judged("Network", (SENT, again), tmp_path)
    tag, line = blamed(report, tmp_path)
    assert tag == "BP2"
    assert again in line
    assert report.change is not None
    assert report.change.text == f"delta = {SENT}"
    assert not any(each.mistakes for each in report.causes)


def test_a_step_with_masks_is_worked_entry_by_entry() -> None:
    text = as_text(example("dropout-2-3-3-2"))
    assert text.startswith(
        "[2, 3, 3, 2], σ, σ, σ, quadratic cost, m = 3, η = 1, λ = 0.3125, n = 3,"
    )
    assert "dropout" in text
    assert "r2 = " in text
    assert "a2[0,0] = σ(z2[0,0]) r2[0,0] = " in text
    assert " σ′(z2[0,0]) r2[0,0]" in text


def test_a_network_that_states_no_cost_has_the_cross_entropy_by_its_output_error(
    tmp_path: Path,
) -> None:
    """Its feedforward is another one than in training, so that its output tells nothing."""
    source, file = SOURCE.read_text("utf-8"), tmp_path / "edited.py"
    file.write_text(source.replace("(a - y) * a * (1 - a)", "a - y"), encoding="utf-8")
    report = check(f"{file}:Network", case=["*2-*-cross-entropy"])
    assert isinstance(report, Report)
    assert report.ok, str(report)


DROPS_ANEW = """import numpy as np

class Dropper:
    def __init__(self, n_in, n_hidden, n_out, p=0.5, seed=3):
        self.rng = np.random.RandomState(seed)
        self.W1 = self.rng.randn(n_in, n_hidden) * 0.4
        self.b1 = np.zeros(n_hidden)
        self.W2 = self.rng.randn(n_hidden, n_out) * 0.4
        self.p = p

    def forward(self, X, training=False):
        self.h = np.tanh(X @ self.W1 + self.b1)
        kept = self.rng.rand(*self.h.shape) > self.p
        self.m = kept / (1 - self.p) if training else np.ones_like(self.h)
        self.hd = self.h * self.m
        return self.hd @ self.W2

    def loss(self, X, Y):
        return np.mean(np.log(np.cosh(self.forward(X) - Y)))

    def grad(self, X, Y):
        d = np.tanh(self.forward(X, training=True) - Y) / Y.size
        dh = d @ self.W2.T * self.m * (1 - self.h ** 2)
        return {"W1": X.T @ dh, "b1": dh.sum(0), "W2": self.hd.T @ d}
"""


@pytest.mark.parametrize(
    ("edit", "line"),
    [(("", ""), 0), (("self.W2.T * self.m *", "self.W2.T *"), 23)],
    ids=["right", "the mask is left out"],
)
def test_gradients_of_a_pass_of_their_own_are_judged_by_it(
    tmp_path: Path, edit: tuple[str, str], line: int
) -> None:
    """The loss is of a pass in which no neuron is dropped."""
    (tmp_path / "dropper.py").write_text(DROPS_ANEW.replace(*edit))
    report = check(str(tmp_path / "dropper.py"))
    assert report.exit_code == bool(line), str(report)
    assert (f"dropper.py:{line}:" in str(report)) == bool(line)
