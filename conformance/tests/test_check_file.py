"""`conformance check FILE.py`: what a file has is found, and judged, with nothing to write."""

import json
import sys
from pathlib import Path

import pytest

import conformance
from conformance.cli import main
from conformance.programs.absent import stand_ins
from conformance.programs.vocabulary import is_parameter, is_role, kinds_of, stem
from conformance.shapes.definitions import trains_at_import
from conformance.tests.shapes.measure import PROGRAMS, program


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code of a command, and what it prints."""
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    said = capsys.readouterr()
    code = left.value.code
    assert isinstance(code, int)
    return code, said.out + said.err


def written(folder: Path, *names: str, fault: int | None = None) -> Path:
    """A file with some programs."""
    file = folder / "net.py"
    file.write_text("\n".join(program(name, fault)[0] for name in names), encoding="utf-8")
    return file


def test_a_forgotten_derivative_is_told_in_three_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = checked(capsys, "check", str(written(tmp_path, "rows_class", fault=0)))
    what, where, why = said.splitlines()[:3]
    assert code == 1
    assert what.startswith("wrong: the gradients of W1 and b1")
    assert where == "net.py:29: d1 = np.dot(d2, self.W2.T)"
    assert "the derivative of `sigmoid(self.z1)`" in why
    assert why.endswith("is missing")


def test_what_was_recognised_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = checked(capsys, "check", str(written(tmp_path, "rows_class")))
    assert code == 0
    assert (
        "recognised: NeuralNetwork(n_inputs, n_hidden, n_outputs); rows, one-hot; forward(X), "
        "backward(X, y, output, lr) updates the parameters itself; parameters W1, b1, W2, b2"
    ) in said.splitlines()


LISTS = """
import math, random

class Network:
    def __init__(self, sizes):
        pairs = list(zip(sizes, sizes[1:]))
        self.biases = [[random.gauss(0, 1) for _ in range(n)] for _, n in pairs]
        row = lambda k: [random.gauss(0, 1) for _ in range(k)]
        self.weights = [[row(k) for _ in range(n)] for k, n in pairs]

    def backprop(self, x, y):
        acts = [x]
        for W, b in zip(self.weights, self.biases):
            zs = [sum(w * v for w, v in zip(row, acts[-1])) + bias for row, bias in zip(W, b)]
            acts.append([1 / (1 + math.exp(-z)) for z in zs])
        d = [(o - t) * o * (1 - o) for o, t in zip(acts[-1], y)]
        gb, gw = [], []
        for W, a in zip(reversed(self.weights), reversed(acts[:-1])):
            gb.insert(0, d)
            gw.insert(0, [[e * v for v in a] for e in d])
            d = [sum(row[i] * e for row, e in zip(W, d)) * v * (1 - v) for i, v in enumerate(a)]
        return gb, gw
"""


def test_the_outputs_of_one_sample_are_no_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lists.py"
    file.write_text(LISTS, encoding="utf-8")
    code, said = checked(capsys, "check", str(file))
    assert code == 0
    assert "judged by the quadratic cost" in said
    assert "times those of this cost" not in said
    assert "parameters biases (8 of them), weights (45 of them)" in said


def test_a_name_picks_one_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "two_layer_net", "per_sample")
    code, said = checked(capsys, "check", "-q", f"{file}:Network")
    assert code == 0
    assert [line.split(": ")[0] for line in said.splitlines()] == [f"{file}:Network"]


def test_two_classes_of_a_file_are_both_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "two_layer_net", "per_sample")
    code, said = checked(capsys, "check", "-q", str(file))
    assert code == 0
    assert [line.split(": ")[0].split(":")[-1] for line in said.splitlines()] == [
        "TwoLayerNet",
        "Network",
    ]


def test_every_output_has_the_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "rows_class", fault=0)
    outputs = [tmp_path / name for name in ("o.json", "o.md", "o.html")]
    options = [f"--{kind}={path}" for kind, path in zip(("json", "markdown", "html"), outputs)]  # noqa: B905
    assert checked(capsys, "check", str(file), *options)[0] == 1
    values = json.loads(outputs[0].read_text(encoding="utf-8"))
    assert values["exit_code"] == 1
    assert values["blames"][0]["lines"][0]["line"] == 29
    assert values["recognised"]["parameters"] == ["W1", "b1", "W2", "b2"]
    for path in outputs[1:]:
        assert "d1 = np.dot(d2, self.W2.T)" in path.read_text(encoding="utf-8")


def test_a_notebook_is_its_code_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, line = program("rows_class", 0)
    cells = [
        {"cell_type": "markdown", "source": ["# A network"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import numpy as np\n"]},
        {"cell_type": "code", "source": source.splitlines(keepends=True)},
    ]
    file = tmp_path / "net.ipynb"
    file.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    code, said = checked(capsys, "check", str(file))
    assert code == 1
    assert said.splitlines()[1] == f"net.ipynb, cell 2:{line}: d1 = np.dot(d2, self.W2.T)"


def test_a_notebook_whose_cells_train_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = "import numpy as np\nX, Y = np.random.rand(9, 3), np.random.rand(9, 2)"
    start = "!ls\nA, B = np.random.rand(3, 4), np.random.rand(4, 2)"
    train = (
        "%%conformance\n"
        "for epoch in range(9):\n"
        "    H = np.tanh(X @ A)\n"
        "    D = (H @ B - Y) / len(X)\n"
        "    dA = X.T @ (D @ B.T * (1 - H))\n"
        "    A, B = A - 0.1 * dA, B - 0.1 * H.T @ D"
    )
    cells = [{"cell_type": "code", "source": each} for each in (data, start, train)]
    file = tmp_path / "flat.ipynb"
    file.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    code, said = checked(capsys, "check", str(file))
    assert code == 1
    assert said.splitlines()[1] == "flat.ipynb, cell 3:5: dA = X.T @ (D @ B.T * (1 - H))"


def test_what_fits_no_shape_is_refused_with_an_adapter_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gizmo.py"
    file.write_text(
        "import numpy as np\n\n\nclass Gizmo:\n    def __init__(self, n_in, n_out):\n"
        "        self.kernel = np.random.randn(n_in, n_out)\n\n"
        "    def forward(self, X):\n        return X @ self.kernel\n\n"
        "    def backward(self, X, y, settings):\n        raise RuntimeError(settings)\n",
        encoding="utf-8",
    )
    code, said = checked(capsys, "check", str(file))
    assert code == 3
    assert "it defines class Gizmo" in said
    assert "net = Gizmo(n_in=6, n_out=3)" in said
    code, said = checked(capsys, "init", str(file))
    assert code == 0
    assert "recognises" not in said
    monkeypatch.syspath_prepend(str(tmp_path))
    adapter = tmp_path / "check_gizmo.py"
    with pytest.raises(SystemExit) as left:
        exec(compile(adapter.read_bytes(), adapter, "exec"), {"__name__": "check_gizmo"})  # noqa: S102
    assert left.value.code == 1
    assert "wrong: the gradient of kernel" in capsys.readouterr().out


def test_an_adapter_for_what_is_recognised_is_said_to_be_needless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = PROGRAMS / "x_and_y.py"
    _, said = checked(capsys, "init", str(file), "-o", str(tmp_path / "judge.py"))
    assert f"note: `conformance check {file}` recognises it without this program" in said


def test_a_file_that_trains_when_it_is_imported_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = program("rows_class")[0] + (
        "\n\nnp.random.seed(1)\nX = np.random.randn(8, 3)\ny = np.eye(2)[np.arange(8) % 2]\n"
        "net = NeuralNetwork(3, 4, 2)\nfor epoch in range(50):\n"
        "    net.backward(X, y, net.forward(X), 0.1 * 2)\n"
    )
    file = tmp_path / "trains.py"
    file.write_text(source, encoding="utf-8")
    assert trains_at_import(str(file))
    assert not trains_at_import(str(PROGRAMS / "x_and_y.py"))
    code, said = checked(capsys, "check", "-q", str(file))
    assert code == 0, said


def test_a_module_that_is_not_installed_is_stood_in_for() -> None:
    source = "import nowhere.to_be.found as far\nfrom scipy.special import expit\nimport json\n"
    with stand_ins(source) as names:
        assert "nowhere" in names
        assert "json" not in names
        far = __import__("nowhere.to_be.found")
        assert far.to_be.found.anything.at_all is not None
        with pytest.raises(Exception, match="nowhere is not installed"):
            far.to_be.found.called()
    for name in [each for each in sys.modules if each.startswith("nowhere")]:
        del sys.modules[name]


def test_a_rate_that_floats_tell_to_fifteen_digits_accuses_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = checked(capsys, "check", str(written(tmp_path, "neurons")))
    assert (code, "53 gradients, all right, in exact arithmetic" in said) == (0, True)


TRAINS = """import numpy as np
import pandas_of_nobody as pd

frame = pd.read_csv("train.csv")
X, y = frame.values[:, 1:] / 255, frame.values[:, 0]


class MLP:
    def __init__(self, layer_dims):
        pairs = list(zip(layer_dims, layer_dims[1:]))
        self.W = [np.random.randn(n, k) for k, n in pairs]
        self.b = [np.zeros((n, 1)) for _, n in pairs]

    def forward(self, X):
        self.A = [X]
        for W, b in zip(self.W[:-1], self.b):
            self.A.append(np.maximum(0, W @ self.A[-1] + b))
        e = np.exp(self.W[-1] @ self.A[-1] + self.b[-1])
        self.A.append(e / e.sum(axis=0))
        return self.A[-1]

    def backward(self, Y):
        dZ, self.dW, self.db = self.A[-1] - Y, [], []
        for l in range(len(self.W) - 1, -1, -1):
            self.dW.insert(0, dZ @ self.A[l].T / Y.shape[1])
            self.db.insert(0, dZ.sum(axis=1, keepdims=True) / Y.shape[1])
            dZ = (self.W[l].T @ dZ) * (self.A[l] > 0)

    def fit(self, X, Y):
        for _ in range(10):
            self.forward(X)
            self.backward(Y)
            for l in range(len(self.W)):
                self.W[l] -= 0.1 * self.dW[l]
                self.b[l] -= 0.1 * self.db[l]


model = MLP([784, 64, 10])
model.fit(X.T, np.eye(10)[y].T)
"""


def test_a_file_without_its_data_is_judged_with_other_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mlp.py"
    file.write_text(TRAINS, encoding="utf-8")
    code, said = checked(capsys, "check", str(file))
    assert code == 0
    assert said.splitlines()[-1] == (
        "note: mlp.py:4: it calls pandas_of_nobody.read_csv, and pandas_of_nobody is not "
        "installed; what the file defines is judged with other data"
    )


def test_a_file_whose_own_data_do_not_fit_is_judged_with_other_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mlp.py"
    own = "X, y = np.ones((3, 4)), np.array([0, 1, 2])"
    source = f"import numpy as np\n{own}\n{TRAINS[TRAINS.index('class') :]}"
    file.write_text(source, encoding="utf-8")
    code, said = checked(capsys, "check", str(file))
    assert code == 0, said
    note = said.splitlines()[-1]
    assert note.startswith(f"note: mlp.py:{len(source.splitlines())}: ValueError: ")
    assert note.endswith("what the file defines is judged with other data")


def test_a_network_without_hidden_layers_clears_no_slope_between_layers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = TRAINS.replace("(self.A[l] > 0)", "(self.A[l + 1] > 0)")
    file = tmp_path / "mlp.py"
    file.write_text(wrong, encoding="utf-8")
    code, _ = checked(capsys, "check", str(file))
    assert code


def test_a_script_runs_without_the_modules_that_only_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "train.py"
    train = Path(conformance.__file__).parent / "examples" / "train.py"
    source = train.read_text(encoding="utf-8")
    file.write_text(f"import plots_of_nobody as plt\n{source}\nplt.show()\n", encoding="utf-8")
    code, said = checked(capsys, "run", str(file))
    assert code == 1
    assert "train.py:33: b1 -= lr * dh.mean(axis=0)" in said


def test_sizes_of_absent_data_are_ours_where_a_file_puts_its_network_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = program("added_layers", None)[0]
    given = "images, labels = datasets_of_nobody.digits()\n"
    apart = source.replace("    from datasets_of_nobody import digits\n\n", "")
    apart = apart.replace("    images, labels = digits()\n", "").replace(
        "28 * 28", "images.shape[1]"
    )
    file = tmp_path / "net.py"
    file.write_text(f"import datasets_of_nobody\n\n{given}{apart}", encoding="utf-8")
    code, said = checked(capsys, "check", str(file))
    assert code == 0
    assert said.startswith(f"{file}:Stack: 8 gradients, all right")


@pytest.mark.parametrize(
    "name", ["gamma_grad", "gammaGrad", "gamma_gradients", "dgamma", "grad_gamma"]
)
def test_a_parameter_is_told_by_the_name_of_its_gradient(name: str) -> None:
    assert stem(name) == "gamma"


@pytest.mark.parametrize("name", ["dhs", "d_outputs", "dhidden_states", "dout"])
def test_what_a_layer_is_given_back_is_told_by_its_name(name: str) -> None:
    assert "upstream" in kinds_of(name)


def test_a_step_that_gives_the_loss_trains() -> None:
    assert is_role("loss_and_step", "train") == len(("step", "train", "fit"))


@pytest.mark.parametrize(
    "pair", [("propagation_av", "propagation_ar"), ("propager", "propagation_arriere")]
)
def test_french_names_tell_forward_and_backward(pair: tuple[str, str]) -> None:
    assert [
        is_role(e, role) is None for e, role in zip(pair, ("forward", "backward"), strict=True)
    ] == [False, False]


@pytest.mark.parametrize("name", ["bias_scale", "weight_decay", "weight_regularizer_l2"])
def test_what_is_done_with_weights_is_no_parameter(name: str) -> None:
    assert not is_parameter(name)


@pytest.mark.parametrize("head", ["from .common import slope", "from digits.common import slope"])
@pytest.mark.parametrize("is_package", [True, False])
def test_a_file_of_a_package_imports_what_is_beside_it(
    head: str, is_package: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if head.startswith("from digits") and not is_package:
        return  # where the package ends is not known
    folder = tmp_path / "digits"
    folder.mkdir()
    if is_package:
        (folder / "__init__.py").touch()
    (folder / "common.py").write_text("def slope(h):\n    return 1 - h**2\n", encoding="utf-8")
    source = program("fixed_biases", None)[0].replace("(1 - self.h**2)", "slope(self.h)")
    file = folder / "unit.py"
    file.write_text(f"{head}\n{source}", encoding="utf-8")
    code, said = checked(capsys, "check", str(file))
    assert code == 0, said
    assert said.startswith(f"{file}:Threshold: 2 gradients, all right")


def test_why_nothing_came_of_running_a_file_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "waits.py"
    file.write_text(
        "import time\nimport numpy as np\n\n\ndef prepare(x):\n    while True:\n"
        "        time.sleep(0.02)\n        x = x + 1\n\n\n"
        'if __name__ == "__main__":\n    prepare(np.ones(3))\n',
        encoding="utf-8",
    )
    monkeypatch.setattr("conformance.file_check.PATIENTLY", 1.0)
    monkeypatch.setattr("conformance.shapes.adapter.LONGEST", 0.1)  # it waits ten times as long
    code, said = checked(capsys, "check", str(file))
    assert code == 3
    assert "when it was run: " in said
    assert "it ran for 1 s, and no parameter was seen to be updated" in said


def test_a_loss_that_gives_no_numbers_is_no_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "loss.py"
    file.write_text(
        "class Cost:\n    def __init__(self, value):\n        self.value = value\n\n\n"
        "def quadratic(output, y):\n    return Cost((output - y) ** 2)\n\n\n"
        "def quadratic_prime(output, y):\n    return Cost(output - y)\n",
        encoding="utf-8",
    )
    code, said = checked(capsys, "check", str(file))
    assert code == 3
    assert "fits no known shape" in said


ATTACHED = """\
import torch


def line(x, w):
    return x @ w


def line_back(x, result, w):
    w.g = x.t() @ result.g


def error_back(guess, wanted):
    guess.g = 2 * (guess - wanted) / len(wanted)


def both(x, wanted):
    guess = line(x, w)
    print((guess - wanted).pow(2).mean())
    error_back(guess, wanted)
    line_back(x, guess, w)


w = torch.randn(4, 1)
both(torch.randn(9, 4), torch.randn(9, 1))
"""


@pytest.mark.parametrize(("line", "code"), [("x.t() @ result.g", 0), ("x.t() @ result.g**2", 1)])
def test_a_gradient_that_is_attached_to_a_tensor_is_judged(
    line: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "attached.py"
    file.write_text(ATTACHED.replace("x.t() @ result.g", line), encoding="utf-8")
    given, said = checked(capsys, "check", str(file))
    assert given == code, said
    assert "the gradients that are attached to w" in said
    assert code == 0 or "attached.py:9: w.g = x.t() @ result.g**2" in said


UNUSED = """\
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)

    def forward(self, X):
        self.h = np.tanh(X @ self.W1 + self.b1)
        return self.h @ self.W2 + self.b2

    def train_step(self, X, y, lr=0.1):
        out = self.forward(X)
        loss = ((out - y) ** 2).mean()
        d = 2 * (out - y) / out.size
        dh = d @ self.W2.T * (1 - self.h**2)
        db1 = dh.sum(0)
        db2 = d.sum(0)
        self.W1 -= lr * (X.T @ dh)
        self.W2 -= lr * (self.h.T @ d)
        return loss
"""


def test_biases_whose_gradients_are_computed_and_unused_are_never_moved(tmp_path: Path) -> None:
    file = tmp_path / "unused.py"
    file.write_text(UNUSED)
    words = str(conformance.check(str(file)))
    for name in ("b1", "b2"):
        line = next(i for i, each in enumerate(UNUSED.splitlines(), 1) if f"d{name} =" in each)
        assert f"wrong: the update of {name}" in words
        assert f"unused.py:{line}: d{name}" in words
    assert "its gradient is computed here, and moves nothing" in words


def test_biases_without_gradients_stay_as_the_program_makes_them(tmp_path: Path) -> None:
    file = tmp_path / "unused.py"
    file.write_text("".join(e for e in UNUSED.splitlines(keepends=True) if " db" not in e))
    report = conformance.check(str(file))
    assert report.exit_code == 0
    assert "never moved: b1, b2" in str(report)


LAYERS = """import numpy as np

class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_out, n_in), np.random.randn(n_out, 1)

    def forward(self, x):
        self.x, self.s = x, 1 / (1 + np.exp(-(self.W @ x + self.b)))
        return self.s

    def slope(self):
        return self.s - self.s ** 2

    def grads(self, error):
        return error.copy(), error @ self.x.T

    def error_below(self, error):
        return self.W.T @ error

class Stack:
    def __init__(self, sizes):
        self.layers = [Dense(n, m) for n, m in zip(sizes, sizes[1:])]

    @property
    def weights(self):
        return [each.W for each in self.layers]

    @weights.setter
    def weights(self, values):
        for each, value in zip(self.layers, values):
            each.W = value

    @property
    def biases(self):
        return [each.b for each in self.layers]

    @biases.setter
    def biases(self, values):
        for each, value in zip(self.layers, values):
            each.b = value

    def feedforward(self, a):
        for each in self.layers:
            a = each.forward(a)
        return a

    def backprop(self, x, y):
        error = (self.feedforward(x) - y) * self.layers[-1].slope()
        found = [self.layers[-1].grads(error)]
        for lower, upper in zip(self.layers[-2::-1], self.layers[:0:-1]):
            error = upper.error_below(error) * lower.slope()
            found.insert(0, lower.grads(error))
        return [b for b, _ in found], [w for _, w in found]

    def update_mini_batch(self, mini_batch, eta):
        rate = eta / len(mini_batch)
        for one in [self.backprop(x, y) for x, y in mini_batch]:
            for layer, b, w in zip(self.layers, *one):
                layer.b = layer.b - rate * b
                layer.W = layer.W - rate * w
"""


@pytest.mark.usefixtures("no_search")
def test_a_layer_of_a_network_that_is_judged_is_judged_with_it(tmp_path: Path) -> None:
    file = tmp_path / "layers.py"
    file.write_text(LAYERS)
    report = conformance.check(str(file))
    assert report.exit_code == 0
    assert "Stack" in str(report)
    assert "Dense" not in str(report)


OPEN = """from conformance.tests.programs.base import Network

class Open(Network):
    def feedforward(self, a):
        raise NotImplementedError

class Whole(Open):
    def feedforward(self, a):
        return Network.feedforward(self, a)
"""


@pytest.mark.usefixtures("no_search")
def test_a_class_that_leaves_a_method_to_others_is_judged_by_these(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(OPEN)
    report = conformance.check(str(file))
    assert report.exit_code == 0
    assert "Open" not in str(report)


UNWRITTEN = """import numpy as np

class Tanh:
    def forward(self, z):
        self.a = np.tanh(z)
        return self.a

    def backward(self, upstream):
        return upstream * (1 - self.a ** 2)

class Softmax:
    def forward(self, z):
        e = np.exp(z - np.max(z, axis=1, keepdims=True))
        return e / np.sum(e, axis=1, keepdims=True)

    def backward(self, upstream):
        raise Exception("write me")
"""


@pytest.mark.usefixtures("no_search")
def test_a_backward_pass_that_only_raises_an_error_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "layers.py"
    file.write_text(UNWRITTEN)
    report = conformance.check(str(file))
    assert report.exit_code == 0
    assert "not judged: Softmax: backward: Exception: write me" in str(report)
    file.write_text(UNWRITTEN.replace("raise", "if upstream.ndim: raise"))
    assert conformance.check(str(file)).exit_code == 3


CELL = """import numpy as np


class Cell:
    def __init__(self, Wx, Wh):
        self.Wx, self.Wh = Wx, Wh

    def forward(self, x, h_prev):
        n, _ = self.Wh.shape
        self.x, self.h_prev = x, h_prev
        self.h = np.sigmoid(x @ self.Wx[:, :n] + h_prev @ self.Wh)
        return self.h

    def backward(self, dh):
        dz = dh * self.h * (1 - self.h)
        self.dWx, self.dWh = self.x.T @ dz, self.h_prev.T @ dz
        return dz @ self.Wx.T, dz @ self.Wh.T
"""

CLASSIFIER = """import numpy as np


class Classifier:
    def __init__(self, lr=0.1, n_iter=10):
        self.lr, self.n_iter = lr, n_iter
        self.w = None

    def fit(self, X, y):
        n_samples, n_features = X.shape()
        self.w = np.zeros(n_features)
        for _ in range(self.n_iter):
            self.w -= self.lr * X.T @ (self.predict(X) - y) / n_samples

    def predict(self, X):
        return 1 / (1 + np.exp(-(X @ self.w)))
"""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (CELL, "Cell: forward: AttributeError: module 'numpy' has no attribute 'sigmoid'"),
        (CLASSIFIER, "Classifier: fit: TypeError: 'tuple' object is not callable"),
    ],
    ids=["a name that is missing", "what trains"],
)
def test_the_reason_is_no_failure_of_other_data_or_of_another_call(
    source: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "net.py"
    file.write_text(source, encoding="utf-8")
    code, said = checked(capsys, "check", str(file))
    assert code == 3
    assert reason in said


LEAKY = """import numpy as np


def leaky(x):
    return x if x > 0 else 0.1 * x


def slope(x):
    return 1 if x > 0 else 0.1


def forward(X, W1):
    return np.vectorize(leaky)(X @ W1)


def loss(X, y, W1):
    return np.mean((forward(X, W1) - y) ** 2)


def gradient(X, y, W1):
    e = 2 * np.sum(forward(X, W1) - y) / y.size
    return X.T @ (e * np.vectorize(slope)(X @ W1))
"""


def test_a_slope_that_python_computes_of_each_number_may_be_a_whole_number(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(LEAKY, encoding="utf-8")
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 1


ASIDE = """import numpy as np


class Bend:
    def __init__(self, n, rng):
        self.held = {"a": rng.uniform(0.5, 1.5, n)}
        self.out = {}

    def ahead(self, x):
        self.x = x
        return np.sin(self.held["a"] * x)

    def astern(self, g):
        self.out["a"] = (g * self.x * np.cos(self.held["a"] * self.x)).sum(axis=0)
        return g * self.held["a"] * np.cos(self.held["a"] * self.x)


def squared_error(out, want):
    diff = out - want
    return (diff**2).mean(), 2 * diff / diff.size


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    one, two = Bend(3, rng), Bend(3, rng)
    x, t = rng.normal(size=(9, 3)), rng.normal(size=(9, 3))
    for epoch in range(5):
        loss, g = squared_error(two.ahead(one.ahead(x)), t)
        one.astern(two.astern(g))
        for each in (one, two):
            each.held["a"] -= 0.1 * each.out["a"]
"""


@pytest.mark.parametrize(("cosine", "code"), [("np.cos", 0), ("np.sin", 1)])
def test_classes_whose_methods_are_not_known_are_judged_as_the_main_block_uses_them(
    cosine: str, code: int, tmp_path: Path
) -> None:
    source = ASIDE.replace("(g * self.x * np.cos", f"(g * self.x * {cosine}")
    (tmp_path / "net.py").write_text(source)
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == code, str(report)
    assert "updates of" in str(report)


RECORDS = """from dataclasses import dataclass, field

import numpy as np


@dataclass
class Gradient:
    weights: list
    biases: list


@dataclass
class Network:
    sizes: tuple
    momentum: float = 0.9
    velocity: Gradient = field(init=False)

    def __post_init__(self):
        rng = np.random.default_rng(0)
        pairs = list(zip(self.sizes, self.sizes[1:]))
        self.weights = [rng.normal(0, 0.7, pair) for pair in pairs]
        self.biases = [np.zeros(n) for _, n in pairs]
        self.velocity = Gradient(
            [np.zeros_like(w) for w in self.weights], [np.zeros_like(b) for b in self.biases]
        )

    def feedforward(self, x):
        acts = [x]
        for w, b in zip(self.weights, self.biases):
            acts.append(np.tanh(acts[-1] @ w + b))
        return acts

    def backprop(self, x, y):
        acts = self.feedforward(x)
        grad = Gradient([None] * len(self.weights), [None] * len(self.weights))
        delta = (acts[-1] - y) * (1 - acts[-1] ** 2) / len(x)
        for l in reversed(range(len(self.weights))):
            grad.weights[l], grad.biases[l] = acts[l].T @ delta, delta.sum(axis=0)
            delta = (delta @ self.weights[l].T) * (1 - acts[l] ** 2)
        return grad

    def train(self, batch, eta):
        grad, v = self.backprop(*batch), self.velocity
        for l in range(len(self.weights)):
            v.weights[l] = self.momentum * v.weights[l] - eta * grad.weights[l]
            v.biases[l] = self.momentum * v.biases[l] - eta * grad.biases[l]
            self.weights[l] += v.weights[l]
            self.biases[l] += v.biases[l]


if __name__ == "__main__":
    rng = np.random.default_rng(5)
    x = rng.uniform(-2, 2, (40, 2))
    y = np.sin(x)
    net = Network((2, 5, 2))
    open("marks.txt", "w").close()
    for epoch in range(60):
        net.train((x, y), 0.1)
"""


@pytest.mark.parametrize(
    ("edits", "code"),
    [
        ([('    open("marks.txt", "w").close()\n', "")], 0),
        ([('    open("marks.txt", "w").close()\n', ""), ("weights[l] += v", "weights[l] -= v")], 1),
        ([("weights[l] += v", "weights[l] -= v")], 1),
    ],
    ids=["right", "wrong", "wrong, and it writes a file"],
)
def test_what_is_right_by_generated_data_is_also_judged_where_the_file_trains(
    edits: list[tuple[str, str]], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = RECORDS
    for old, new in edits:
        source = source.replace(old, new)
    (tmp_path / "net.py").write_text(source)
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == code, str(report)
    assert ("where the file itself trains" in str(report)) == bool(code)
    assert not (tmp_path / "marks.txt").exists()


FLAT = """import numpy as np


class Classifier:
    def __init__(self, lr=0.1, steps=50):
        self.lr, self.steps = lr, steps

    def fit(self, X, y):
        y = y.reshape(-1)
        self.w, self.b = np.zeros((X.shape[1], 1)), 0.0
        for _ in range(self.steps):
            p = 1 / (1 + np.exp(-(X @ self.w + self.b)))
            gap = p - y
            self.w = self.w - self.lr * X.T @ gap / len(X)
            self.b = self.b - self.lr * gap.sum() / len(X)


if __name__ == "__main__":
    X = np.random.default_rng(2).normal(size=(40, 3))
    Classifier().fit(X, (X[:, 0] > 0).astype(float))
"""


def test_outputs_that_are_compared_with_all_targets_are_seen_where_the_file_trains(
    tmp_path: Path,
) -> None:
    for source, code in ((FLAT, 1), (FLAT.replace("reshape(-1)", "reshape(-1, 1)"), 0)):
        (tmp_path / "flat.py").write_text(source)
        report = conformance.check(str(tmp_path / "flat.py"))
        assert (report.exit_code, "flat.py:13" in str(report)) == (code, bool(code)), str(report)


TWO_DECAYS = """import numpy as np


class Pairs:
    def __init__(self, n, k, reg_w=0.01, reg_v=0.02):
        rng = np.random.default_rng(0)
        self.w0, self.w, self.v = 0.0, rng.normal(size=n), rng.normal(size=(n, k))
        self.reg_w, self.reg_v = reg_w, reg_v

    def forward(self, x):
        xv = x @ self.v
        return self.w0 + x @ self.w + 0.5 * (xv**2 - x**2 @ self.v**2).sum(axis=1), xv

    def cost(self, x, y):
        fit = np.mean(np.log1p(np.exp(-y * self.forward(x)[0])))
        return fit + self.reg_w * np.sum(self.w**2) + self.reg_v * np.sum(self.v**2)

    def grad(self, x, y):
        s, xv = self.forward(x)
        e = -y / (1 + np.exp(y * s)) / len(y)
        dv = x.T @ (e[:, None] * xv) - self.v * ((x**2).T @ e)[:, None]
        return e.sum(), x.T @ e + 2 * self.reg_w * self.w, dv + 2 * self.reg_v * self.v

    def fit(self, x, y, lr=0.3, n_iter=40):
        for _ in range(n_iter):
            g0, gw, gv = self.grad(x, y)
            self.w0 -= lr * g0
            self.w -= lr * gw
            self.v -= lr * gv


if __name__ == "__main__":
    rng = np.random.default_rng(1)
    x = rng.random((80, 6))
    Pairs(6, 3).fit(x, np.where(x[:, 0] + 0.5 * x[:, 2] > 0.7, 1.0, -1.0))
"""


def test_what_is_right_by_its_own_loss_is_not_wrong_by_a_known_cost(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(TWO_DECAYS)
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 0, str(report)


TRAINED_LAYERS = """import numpy as np


class Dense:
    def __init__(self, n, k, rng):
        self.W, self.b = rng.normal(size=(n, k)), np.zeros(k)

    def __call__(self, x):
        self.x = x
        return x @ self.W + self.b

    def back(self, g):
        self.gW, self.gb = self.x.T @ g, g.sum(0)
        return g @ self.W.T


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    below, above = Dense(3, 4, rng), Dense(4, 2, rng)
    for step in range(50):
        h = np.tanh(below(X))
        e = above(h) - y
        loss = 0.5 * np.sum(e ** 2) / 20
        below.back(above.back(e / 20) * (1 - h ** 2))
        for each in (below, above):
            each.W -= 0.1 * each.gW
            each.b -= 0.1 * each.gb
"""


@pytest.mark.parametrize(("slope", "code"), [("(1 - h ** 2)", 0), ("(1 - h)", 1)])
def test_layers_that_are_right_are_also_judged_where_their_file_trains(
    slope: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(TRAINED_LAYERS.replace("(1 - h ** 2)", slope))
    assert conformance.check(str(tmp_path / "net.py")).exit_code == code


LINKED = """import numpy as np


class Stage:
    def __init__(self, n, k, rng, below=None):
        self.w, self.b, self.below = rng.normal(size=(k, n)), np.zeros(k), below

    def answer(self, x):
        self.x = x if self.below is None else self.below.answer(x)
        self.y = np.tanh(self.w @ self.x + self.b)
        return self.y

    def send_back(self, blame):
        slope = blame * (1 - self.y ** 2)
        self.dw, self.db = np.outer(slope, self.x), slope
        if self.below is not None:
            self.below.send_back(self.w.T @ slope)

    def learn(self, rate):
        self.w = self.w - rate * self.dw
        self.b = self.b - rate * self.db
        if self.below is not None:
            self.below.learn(rate)


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    top = Stage(4, 2, rng, Stage(3, 4, rng))
    for x in rng.normal(size=(30, 3)):
        top.send_back(top.answer(x) - np.array([x[0] > 0, x[1] > 0]))
        top.learn(0.1)
"""


def test_a_file_of_which_nothing_is_judged_is_run(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(LINKED)
    report = conformance.check(str(tmp_path / "net.py"))
    assert (report.exit_code, "4 gradients, all right" in str(report)) == (0, True), str(report)
    (tmp_path / "net.py").write_text(LINKED.replace("self.w.T @ slope", "self.w.T @ blame"))
    report = conformance.check(str(tmp_path / "net.py"))
    assert (report.exit_code, [each.line for each in report.blames]) == (1, [17]), str(report)


HANDED_OVER = """import numpy as np
def costs(theta, x, y):
    w, b = theta[:6].reshape(2, 3), theta[6:]
    miss = np.tanh(x @ w.T + b) - y
    slope = miss * (1 - (miss + y) ** 2)
    return np.sum(miss**2) / 2, np.concatenate([(slope.T @ x).ravel(), slope.sum(axis=0)])
def descend(J, theta, alpha, rounds):
    velocity = np.zeros_like(theta)
    for _ in range(rounds):
        _, grad = J(theta)
        velocity = 0.9 * velocity + alpha * grad
        theta = theta - velocity
    return theta
if __name__ == "__main__":
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(20, 3)), rng.uniform(-0.9, 0.9, (20, 2))
    print(descend(lambda theta: costs(theta, x, y), rng.normal(size=8), 0.01, 50))
"""


def test_a_function_that_trains_what_it_is_given_is_judged_where_the_file_calls_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "net.py").write_text(HANDED_OVER)
    report = conformance.check(str(tmp_path / "net.py"))
    assert (report.exit_code, "descent with momentum" in str(report)) == (0, True), str(report)
    assert "not judged" not in str(report)


PADDED = """\
import numpy as np

class Lookup:
    def __init__(self, words, size, rng):
        self.rows = rng.normal(size=(words, size))
        self.rows[0] = 0.0
    def forward(self, at):
        self.at = at
        return self.rows[at]
    def backward(self, d):
        self.drows = np.zeros_like(self.rows)
        np.add.at(self.drows, self.at, d)
        self.drows[0] = 0.0

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    table, v = Lookup(12, 5, rng), rng.normal(size=5)
    at = rng.integers(0, 12, size=(40, 6))
    full = (at != 0)[..., None]
    y = rng.normal(size=40)
    for epoch in range(30):
        total = (table.forward(at) * full).sum(axis=1)
        e = (total @ v - y) / 40
        loss = 20 * (e**2).sum()
        table.backward(np.repeat((e[:, None] * v)[:, None], 6, axis=1) * full)
        v -= 0.01 * e @ total
        table.rows -= 0.01 * table.drows
"""


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [("", "", []), ("* v)[:, None]", "* np.abs(v))[:, None]", [25])],
    ids=["right", "wrong"],
)
def test_a_line_that_gives_right_gradients_where_its_file_trains_is_not_accused(
    old: str, new: str, lines: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "padded.py"
    file.write_text(PADDED.replace(old, new) if old else PADDED)
    code, said = checked(capsys, "check", str(file))
    assert code == (1 if lines else 0), said
    assert all(f"padded.py:{each}:" in said for each in lines), said


DISTILLED = """import numpy as np
def softmax(s):
    e = np.exp(s - s.max(axis=0))
    return e / e.sum(axis=0)
def kl(p, s, tau):
    q = softmax(s / tau)
    return tau ** 2 * (p * (np.log(p) - np.log(q))).sum() / s.shape[1], tau * (q - p) / s.shape[1]
class Student:
    names = ["W", "b"]
    def __init__(self, d, o, rng):
        self.W, self.b = rng.normal(size=(o, d)) * 0.3, np.zeros((o, 1))
    def logits(self, x):
        self.x = x
        return self.W @ x + self.b
    def back(self, ds):
        return ds @ self.x.T, ds.sum(1, keepdims=True)
if __name__ == "__main__":
    rng = np.random.default_rng(15)
    x = rng.normal(size=(4, 20))
    net, p = Student(4, 3, rng), softmax(x[:3] / 2)
    for k in range(20):
        loss, ds = kl(p, net.logits(x), 2.0)
        for name, g in zip(net.names, net.back(ds)):
            setattr(net, name, getattr(net, name) - 0.2 * g)
"""


@pytest.mark.parametrize(("new", "code"), [("(q - p)", 0), ("(q + p)", 1)], ids=["right", "wrong"])
def test_a_gradient_that_is_returned_beside_its_loss_is_right_where_its_file_trains(
    new: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "distilled.py"
    file.write_text(DISTILLED.replace("(q - p)", new))
    assert checked(capsys, "check", str(file))[0] == code
