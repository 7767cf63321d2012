"""Networks of other families: told by what they compute, put to their cases, blamed for them.

Left out: the equations (`test_table.py`), the tolerances (`test_running_error.py`), the cases
(`test_corpus.py`).
"""

import re
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from conformance import check
from conformance.arithmetic.balls import KinkError
from conformance.cases.build import recorded_step
from conformance.cases.small import small_case
from conformance.changed_line import with_change
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.errors import OtherFamilyError, UnjudgedError
from conformance.explain.mistakes_to_explain import first_failing
from conformance.file_process import by_own_forward
from conformance.judging.judge import check_case
from conformance.programs.load import load
from conformance.report.book_report import Report
from conformance.report.file_report import FileReport
from conformance.subjects import Subject
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.book.traced_runs import examined_alone
from conformance.subjects.function.function_subject import function_subject
from conformance.tests.networks import book, families
from conformance.tests.networks.halves import ReluLinearByHalves
from conformance.tests.parts import few
from conformance.tests.support import recorded
from reference.step import Array, Batch, Parameters

SOURCE = Path(families.__file__).read_text("utf-8")
CASES = [case for case in store.cases(store.root(), None, "float64") if max(case.sizes) < 100]

FAMILIES = {
    "Network": (("relu", "softmax"), "log-likelihood"),
    "TanhSoftmax": (("tanh", "softmax"), "log-likelihood"),
    "TanhTanh": (("tanh", "tanh"), "quadratic"),
    "ReluLinear": (("relu", "linear"), "quadratic"),
    "SigmoidSoftmax": (("sigmoid", "softmax"), "log-likelihood"),
}


@cache
def subject(name: str) -> Subject:
    """A right network of `networks/families.py`."""
    return book_subject(getattr(families, name), name)


def edited(name: str, find: str, replace: str, place: Path) -> Subject:
    """The same with a line replaced."""
    assert SOURCE.count(find) == 1
    file = place / "edited.py"
    file.write_text(SOURCE.replace(find, replace), encoding="utf-8")
    return book_subject(cast("type", load(f"{file}:{name}")), name)


def judged(found: Subject) -> Report:
    """The report on small cases that fit it; in CI two, of three and of four layers."""
    fitting = [case for case in CASES if not found.unfit(case)][: few(2, len(CASES))]
    return Report(found.name, cases=tuple(check_case(found, recorded(c.id)) for c in fitting))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_right_network_is_told_its_family_and_is_conformant(name: str) -> None:
    found, (family, cost) = subject(name), FAMILIES[name]
    assert (found.family, found.costs) == (family, (cost,))
    report = judged(found)
    assert len(report.cases) >= 2
    assert report.ok, report.blames


def test_a_sum_is_not_taken_for_one_of_its_samples_of_which_the_others_have_zeros() -> None:
    report = judged(book_subject(ReluLinearByHalves, "ReluLinearByHalves"))
    assert report.ok, report.blames


@pytest.mark.usefixtures("brief_search")
@pytest.mark.parametrize(
    ("name", "find", "replace", "blamed"),
    [
        ("Network", "        return a - y\n", "        return (a - y) * a * (1 - a)\n", "BP1"),
        ("Network", "return (z > 0).astype(float)", "return (z < 0).astype(float)", "BP2"),
        (
            "SigmoidSoftmax",
            "return self.hidden(z) * (1 - self.hidden(z))",
            "return self.hidden(z) * (1 + self.hidden(z))",
            "BP2",
        ),
        ("TanhSoftmax", "* self.hidden_prime(zs[-k])", "* 1.0", "BP2"),
        ("TanhTanh", "return (a - y) * tanh_prime(z)", "return a - y", "BP1"),
        ("ReluLinear", "            nabla_b[-k] = delta\n", "", "BP3"),
    ],
    ids=lambda each: each.strip()[:24],
)
def test_a_wrong_network_is_told_its_equation_and_line(
    name: str, find: str, replace: str, blamed: str, tmp_path: Path
) -> None:
    wrong = edited(name, find, replace, tmp_path)
    (blame,) = with_change(judged(wrong), wrong, store.root()).blames
    assert blame.tag == blamed
    at = (replace or "self.biases = [").strip()  # of a ∇b that is nowhere the update is shown
    assert at in (tmp_path / "edited.py").read_text("utf-8").splitlines()[blame.frames[0].line - 1]


LIKELIHOOD = """    def cost(self, a: Any, y: Any) -> Any:
        return -np.sum(y * np.log(a))

    def hidden(self, z: Any)"""


def test_the_cost_that_is_stated_tells_the_output_that_is_meant(tmp_path: Path) -> None:
    source = SOURCE.replace("return a - y", "return (a - y) * a * (1 - a)", 1)
    source = source.replace("return relu(z)", "return 1 / (1 + np.exp(-z))", 1)
    source = source.replace(
        "return relu_prime(z)", "return self.hidden(z) * (1 - self.hidden(z))", 1
    )
    file = tmp_path / "stated.py"
    file.write_text(source.replace("    def hidden(self, z: Any)", LIKELIHOOD, 1), encoding="utf-8")
    found = book_subject(cast("type", load(f"{file}:Network")), "Network")
    assert found.family == ("sigmoid", "softmax")
    assert {each.tag for each in judged(found).blames} == {"BP1"}


SIGMOID_PRIME = "1 / (1 + np.exp(-z)) * (1 - 1 / (1 + np.exp(-z)))"
SLOPES = {
    "named": "sigmoid(z) * (1 - sigmoid(z))\n\nsigmoid = lambda z: 1 / (1 + np.exp(-z))",
    "not named": SIGMOID_PRIME,
}
LINES = {
    "named": ("sigmoid", "A", "return np.tanh(z)"),
    "not named": ("tanh", "BP1", "return (a - y) * tanh_prime(z)"),
}


@pytest.mark.parametrize("name", SLOPES)
def test_another_slope_tells_the_activation_that_is_meant_if_it_is_named(
    name: str, tmp_path: Path
) -> None:
    meant, tag, line = LINES[name]
    found = edited("TanhTanh", "1 - np.tanh(z) ** 2", SLOPES[name], tmp_path)
    assert found.family == (meant, meant)
    blame = judged(found).blames[0]
    assert blame.tag == tag
    lines = (tmp_path / "edited.py").read_text("utf-8").splitlines()
    assert lines[blame.frames[0].line - 1].strip() == line


def test_a_wrong_softmax_network_has_a_smallest_network_of_its_family(tmp_path: Path) -> None:
    wrong = edited("TanhSoftmax", "* self.hidden_prime(zs[-k])", "* 1.0", tmp_path)
    found = first_failing(wrong, ("BP2",))
    assert found is not None
    assert found.case.activations == ("tanh", "softmax")


def test_a_network_that_is_meant_to_be_of_sigmoids_is_wrong_in_its_activation() -> None:
    found = book_subject(families.TanhTanh, "TanhTanh", family=("sigmoid", "sigmoid"))
    case = next(case for case in CASES if case.id == "square-4-4-4-4")
    assert found.unfit(case) == ""
    report = check_case(found, recorded(case.id))
    assert "A" in report.blamed


def test_the_books_network_is_of_sigmoids_and_is_put_to_no_other_cases() -> None:
    found = book_subject(book.Network, "book")
    assert found.family == ("sigmoid", "sigmoid")
    others = [case for case in CASES if set(case.activations) != {"sigmoid"}]
    assert {found.unfit(case) for case in others} == {"has other activations"}


def softmax_step(
    weights: list[Array], biases: list[Array], x: Array, y: Array, eta: float
) -> dict[str, Array]:
    """tanh, and softmax with the log-likelihood, for two layers of weights or more."""
    activations = [x]
    for w, b in zip(weights, biases, strict=True):
        z = w @ activations[-1] + b
        e = np.exp(z - z.max(axis=0))
        last = len(activations) == len(weights)
        activations.append(e / e.sum(axis=0) if last else np.tanh(z))
    delta, shown = activations[-1] - y, {}
    for layer in range(len(weights) + 1, 1, -1):
        w, b, below = weights[layer - 2], biases[layer - 2], activations[layer - 2]
        shown[f"nabla_b{layer}"] = delta.sum(axis=1, keepdims=True) / x.shape[1]
        shown[f"nabla_w{layer}"] = delta @ below.T / x.shape[1]
        shown[f"b{layer}"] = b - eta * shown[f"nabla_b{layer}"]
        shown[f"w{layer}"] = w - eta * shown[f"nabla_w{layer}"]
        if layer > 2:
            delta = (w.T @ delta) * (1 - below**2)
    return shown


def test_a_function_is_told_its_family_and_is_conformant() -> None:
    found = function_subject(softmax_step, "softmax_step")
    assert (found.family, found.costs) == (("tanh", "softmax"), ("log-likelihood",))
    assert judged(found).ok


@pytest.mark.xdist_group("torch")
@pytest.mark.parametrize(
    ("name", "family", "cost"),
    [
        ("ReluLogits", ("relu", "softmax"), "log-likelihood"),
        ("TanhSoftmax", ("tanh", "softmax"), "log-likelihood"),
        ("ReluRegression", ("relu", "linear"), "quadratic"),
    ],
)
def test_a_module_is_told_its_family_and_is_conformant(
    name: str, family: tuple[str, str], cost: str
) -> None:
    from conformance.subjects.module.module_subject import module_subject
    from conformance.tests.networks import family_modules

    found = module_subject(getattr(family_modules, name), name)
    assert (found.family, found.costs) == (family, (cost,))
    report = judged(found)
    assert len(report.cases) >= 2
    assert report.ok, report.blames


def test_the_activations_that_are_named_tell_the_family_of_which_nothing_else_is_seen(
    tmp_path: Path,
) -> None:
    source = re.sub(r"(np\.dot\([\w.\[\]-]+, a\)) \+ [\w.\[\]-]+", r"\1", SOURCE)
    (tmp_path / "wrong.py").write_text(source, encoding="utf-8")
    wrong = book_subject(cast("type", load(f"{tmp_path / 'wrong.py'}:Network")), "Network")
    assert wrong.family == ("relu", "softmax")


# Networks of no known family

SOFTPLUS = ("    return np.maximum(0, z)", "    return np.log(1 + np.exp(z))")
ITS_SLOPE = ("    return (z > 0).astype(float)", "    return 1 / (1 + np.exp(-z))")


def of_softplus(place: Path, *edits: tuple[str, str]) -> str:
    """A file with a network whose hidden layers are of softplus."""
    source = SOURCE
    for find, replace in (SOFTPLUS, ITS_SLOPE, *edits):
        assert source.count(find) == 1
        source = source.replace(find, replace)
    file = place / "softplus.py"
    file.write_text(source, encoding="utf-8")
    return f"{file}:Network"


def test_a_network_of_no_known_family_is_refused_by_its_activations(tmp_path: Path) -> None:
    made = cast("type", load(of_softplus(tmp_path)))
    with pytest.raises(OtherFamilyError, match="softplus, softmax"):
        book_subject(made, "Network")


def test_a_network_of_no_known_family_is_judged_by_its_own_forward_pass(tmp_path: Path) -> None:
    examined = examined_alone(BookNetwork(cast("type", load(of_softplus(tmp_path))), "Network"))
    assert examined.cost == "log-likelihood"
    assert all(each.ok for each in examined.gradients)


IN_A_LOOP = """
    for i in range(len(z)):
        z[i] = max(0.01 * z[i], z[i])
    return z
"""


def test_an_activation_that_is_not_seen_is_meant_if_all_gradients_follow_from_it(
    tmp_path: Path,
) -> None:
    source = SOURCE.replace("\n    return np.maximum(0, z)\n", IN_A_LOOP)
    source = source.replace("(z > 0).astype(float)", "np.where(z <= 0, 0.01, 1)")
    source = source.replace("return softmax(z)", "return relu(z)")
    file = tmp_path / "loop.py"
    file.write_text(source.replace("return a - y", "return (a - y) * relu_prime(a)"), "utf-8")
    assert check(f"{file}:Network").ok


def test_a_slope_beyond_a_bound_is_seen(tmp_path: Path) -> None:
    source = SOURCE.replace("return np.maximum(0, z)", "return np.clip(z, 0, 2)", 1)
    file = tmp_path / "bounded.py"
    file.write_text(source)
    assert check(f"{file}:Network").exit_code == 1
    file.write_text(source.replace("(z > 0).astype(float)", "((z > 0) & (z < 2)).astype(float)"))
    assert check(f"{file}:Network").exit_code == 0


FLAT = """import numpy as np

class Flat:
    def __init__(self, sizes):
        self.weights = [np.random.randn(n, m) for m, n in zip(sizes, sizes[1:])]
        self.biases = [np.random.randn(n) for n in sizes[1:]]

    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = np.maximum(w @ a + b, 0)
        return a

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(np.maximum(w @ a[-1] + b, 0))
        d, nb, nw = a[-1] - y, [], []
        for i in reversed(range(len(self.weights))):
            d = d * (a[i + 1] > 0)
            nb.insert(0, d)
            nw.insert(0, np.outer(d, a[i]))
            d = self.weights[i].T @ d
        return nb, nw

    def update_mini_batch(self, mini_batch, eta):
        for nb, nw in [self.backprop(x, y) for x, y in mini_batch]:
            self.biases = [b - eta / len(mini_batch) * n for b, n in zip(self.biases, nb)]
            self.weights = [w - eta / len(mini_batch) * n for w, n in zip(self.weights, nw)]
"""


@pytest.mark.usefixtures("no_search")
def test_biases_of_one_dimension_have_gradients_of_one(tmp_path: Path) -> None:
    (tmp_path / "flat.py").write_text(FLAT)
    report = check(str(tmp_path / "flat.py"))
    assert "another shape" not in str(report)


def test_a_wrong_slope_in_such_a_network_is_seen(tmp_path: Path) -> None:
    wrong = of_softplus(tmp_path, ("* self.hidden_prime(zs[-k])", "* self.hidden(zs[-k])"))
    examined = examined_alone(BookNetwork(cast("type", load(wrong)), "Network"))
    assert {each.name: each.ok for each in examined.gradients} == {
        "b2": False,
        "w2": False,
        "b3": True,
        "w3": True,
    }


@pytest.mark.usefixtures("no_search")
def test_an_object_of_no_known_family_is_judged_so_by_the_python_interface(tmp_path: Path) -> None:
    made = cast("type", load(of_softplus(tmp_path)))
    assert check(made).ok
    wrong = of_softplus(tmp_path, ("* self.hidden_prime(zs[-k])", "* self.hidden(zs[-k])"))
    assert not check(load(wrong)).ok


def test_an_update_that_does_not_follow_from_its_right_gradients_is_blamed(tmp_path: Path) -> None:
    right, wrong = "b - (eta / m) * nb", "b - eta * nb"
    place = of_softplus(tmp_path, (right, wrong))
    report = check(load(place))
    lines = Path(place.rpartition(":")[0]).read_text("utf-8").splitlines()
    assert report.exit_code == 1
    assert wrong in lines[(report.blames[0].line or 0) - 1]


def test_an_update_of_no_known_rule_is_not_called_right(tmp_path: Path) -> None:
    with pytest.raises(UnjudgedError, match="by something else than η/m times the sum"):
        check(
            load(
                of_softplus(
                    tmp_path,
                    ("w - (eta / m) * nw", "w - (eta / m / 2) * nw"),
                    ("b - (eta / m)", "b - (eta / m / 2)"),
                )
            )
        )


AUGMENTED = """
class Augmented(ReluLinear):
    def __init__(self, sizes):
        super().__init__(sizes)
        self.one = 0.0

    def feedforward(self, a):
        return self.forward(a)[0][-1]

    def forward(self, a):
        zs, activations = [], [self.with_one(a)]
        for b, w in zip(self.biases, self.weights):
            zs.append(np.hstack((b, w)) @ activations[-1])
            activations.append(self.with_one(relu(zs[-1])))
        return zs, activations

    def with_one(self, a):
        return np.vstack((np.full((1, 1), self.one), a))

    def backprop(self, x, y):
        zs, activations = self.forward(x)
        delta, both = zs[-1] - y, []
        for k in range(len(zs) - 1, -1, -1):
            both.insert(0, delta @ activations[k].T)
            if k:
                delta = self.weights[k].T @ delta * relu_prime(zs[k - 1])
        return [each[:, :1] for each in both], [each[:, 1:] for each in both]
"""


WITHOUT_BIASES = [
    ("z = np.dot(w, a) + b", "z = np.dot(w, a) + 0 * b"),
    ("np.dot(w, a) + b)", "np.dot(w, a))"),
    ("np.dot(self.weights[-1], a) + self.biases[-1]", "np.dot(self.weights[-1], a)"),
    ("    nabla_b[-1] = delta", "    nabla_b[-1] = 0 * delta"),
    ("    nabla_b[-k] = delta", "    nabla_b[-k] = 0 * delta"),
]
"""They enter nothing, and all gradients are right."""


def test_a_network_whose_biases_change_nothing_is_not_called_right(tmp_path: Path) -> None:
    wrong = cast("type", load(of_softplus(tmp_path, *WITHOUT_BIASES)))
    with pytest.raises(UnjudgedError, match="b2, b3 change nothing in its output"):
        by_own_forward(wrong, "it", "Network", None)


def test_a_network_whose_biases_change_nothing_is_what_a_change_of_one_line_makes_of_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "wrong.py").write_text(SOURCE + AUGMENTED, encoding="utf-8")
    wrong = book_subject(cast("type", load(f"{tmp_path / 'wrong.py'}:Augmented")), "Augmented")
    assert wrong.family == ("relu", "linear")


ELU = "np.where(z > 0, z, np.expm1(z))", "np.where(z > 0, 1, np.exp(z))"
SINE = "np.sin(z)", "np.cos(z)"
SIGMOID = "1 / (1 + np.exp(-z))", "np.exp(-z) / (1 + np.exp(-z)) ** 2"
RELU = "np.maximum(0, z)", "(z > 0)"
PAIRS = {"ELU and σ": (ELU, SIGMOID), "sines": (SINE, SINE), "ReLU": (RELU, RELU)}


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("name", PAIRS)
def test_a_family_without_cases_is_judged_by_its_own_forward_pass(
    name: str, right: bool, tmp_path: Path
) -> None:
    (f, slope), (g, last) = PAIRS[name]
    source = SOURCE.replace("return relu(z)", f"return {f}", 1)
    source = source.replace("return relu_prime(z)", f"return {slope if right else f}", 1)
    source = source.replace("return softmax(z)", f"return {g}", 1)
    file = tmp_path / "other.py"
    file.write_text(source.replace("return a - y", f"return (a - y) * {last}", 1), "utf-8")
    report = check(f"{file}:Network")
    assert isinstance(report, FileReport)
    assert report.ok == right


# Cases


def described(case: Case, **changed: object) -> Case:
    return Case.from_json({**case.to_json(), **changed})


@pytest.mark.parametrize(
    "activations",
    [["tanh"], ["tanh", "softmax"], ["softmax", "sigmoid"], ["gelu", "sigmoid"], 3, [["tanh"]]],
    ids=str,
)
def test_activations_that_no_case_can_have_are_refused(activations: object) -> None:
    case = recorded("hand-2-3-1").case  # of the quadratic cost
    with pytest.raises(ValueError, match=r"."):
        described(case, activations=activations)


def test_a_case_of_sigmoids_does_not_write_them_down() -> None:
    assert "activations" not in recorded("hand-2-3-1").case.to_json()
    other = recorded("relu-softmax-3-5-2").case
    assert other.to_json()["activations"] == ("relu", "softmax")
    assert described(other) == other


def test_a_z_of_zero_is_no_case_of_relu() -> None:
    case = small_case((1, 1, 1), family=("relu", "linear"))
    assert case.kinks == (2,)
    one, nothing = np.ones((1, 1)), np.zeros((1, 1))
    start = Parameters((one, one), (nothing, nothing))
    with pytest.raises(KinkError, match="z2 is 0"):
        recorded_step(case, start, Batch(nothing, one))
