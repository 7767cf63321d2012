"""The lines at which a function of several processes is wrong.

Most is seen in one process with two micro-batches. Left out: the verdicts (`test_processes.py`).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import cli
from conformance.api import check
from conformance.processes.division import divided
from conformance.processes.rank_lines import right_of, with_alone
from conformance.processes.rank_program import FunctionProgram, Job
from conformance.processes.workers import Workers
from conformance.programs.load import load
from conformance.subjects.adapt import adapt

pytestmark = pytest.mark.xdist_group("torch")

EXAMPLE = Path(__file__).parents[1] / "examples" / "data_parallel.py"
SHARE = "g * (x.shape[1] / m)"
RIGHT = EXAMPLE.read_text(encoding="utf-8").replace("        each /= world\n", "")
RIGHT = RIGHT.replace("g / len(micro_batches)", SHARE)

HAND = """
import numpy as np

def step(rank, world, weights, biases, micro_batches, m, eta):
    own = []
    for x, y in micro_batches:
        activations = [x]
        for w, b in zip(weights, biases):
            activations.append(1 / (1 + np.exp(-(w @ activations[-1] + b))))
        a = activations.pop()
        delta = (a - y) * a * (1 - a)
        shown = {}
        for l, w in reversed([*enumerate(weights, 2)]):
            below = activations.pop()
            shown[f"nabla_w{l}"] = delta @ below.T / x.shape[1]
            shown[f"nabla_b{l}"] = delta.sum(axis=1, keepdims=True) / x.shape[1]
            delta = (w.T @ delta) * below
        own.append(shown)
    return {"own": own}
"""

BUFFER = """
import torch
import torch.distributed as dist

def step(rank, world, weights, biases, micro_batches, m, eta):
    layers = torch.nn.ModuleList()
    for w, b in zip(weights, biases):
        layers.append(torch.nn.Linear(w.shape[1], w.shape[0], dtype=torch.float64))
        with torch.no_grad():
            layers[-1].weight.copy_(torch.from_numpy(w))
            layers[-1].bias.copy_(torch.from_numpy(b[:, 0]))
    params = list(layers.parameters())
    for p in params:
        p.grad = torch.zeros_like(p)
    for x, y in micro_batches:
        out = torch.from_numpy(x.T)
        for layer in layers:
            out = torch.sigmoid(layer(out))
        (0.5 * ((out - torch.from_numpy(y.T)) ** 2).sum() / m).backward()
    flat = torch.cat([p.grad.reshape(-1) for p in params])
    dist.all_reduce(flat)
    offset = 0
    for p in params:
        p.grad.copy_(flat[offset:offset + p.numel()].view_as(p))
        offset += p.numel()
    result = {}
    for i, layer in enumerate(layers, start=2):
        result[f"nabla_w{i}"] = layer.weight.grad.numpy().copy()
        result[f"nabla_b{i}"] = layer.bias.grad.numpy().reshape(-1, 1).copy()
    return result
"""


def lines_of(source: str, old: str) -> set[int]:
    """The lines of a source on which something stands."""
    return {i for i, each in enumerate(source.splitlines(), 1) if old in each}


@pytest.fixture
def alone_in_a_group() -> Iterator[None]:
    from torch import distributed

    store = distributed.HashStore()  # type: ignore[attr-defined]  # torch exports it tacitly
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (SHARE, "g / len(micro_batches)", "t + g / len"),
        (f"t + {SHARE}", f"{SHARE}", f"[{SHARE}"),
        ("dist.all_reduce(each)\n", "dist.all_reduce(each)\n        each /= 2\n", "each /= 2"),
    ],
    ids=["a mean of means", "the last one alone", "divided twice"],
)
@pytest.mark.usefixtures("alone_in_a_group")
def test_the_line_of_a_wrong_sum_of_micro_batches_is_known(
    old: str, new: str, place: str, tmp_path: Path
) -> None:
    assert old in RIGHT
    source = RIGHT.replace(old, new)
    assert blamed_alone(source, tmp_path) == lines_of(source, place)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("reduce(flat)\n", "reduce(flat)\n    flat /= len(micro_batches)\n", "flat /="),
        ("reduce(flat)\n", "reduce(flat)\n    flat = flat.abs()\n", "flat.abs()"),
        ("in micro_batches:", "in micro_batches[:1]:", "torch.cat"),
    ],
    ids=["divided twice", "no sum", "the first one alone"],
)
@pytest.mark.usefixtures("alone_in_a_group")
def test_the_line_of_a_wrong_gradient_in_a_flat_buffer_is_known(
    old: str, new: str, place: str, tmp_path: Path
) -> None:
    assert old in BUFFER
    source = BUFFER.replace(old, new)
    assert blamed_alone(source, tmp_path) == lines_of(source, place)


def blamed_alone(source: str, folder: Path) -> set[int]:
    """The lines that are blamed in a process that has two micro-batches."""
    file = folder / "mine.py"
    file.write_text(source, encoding="utf-8")
    of = next(each for each in divided(1, "float64") if each.case.id == "uneven-remainder-3-4-2")
    samples = tuple((part.x, part.y) for _, _, part in of.parts(0))
    job = Job(of.of_step(0), 0, of.parameters, samples, of.batches[0].m)
    found = FunctionProgram(f"{file}:step").open().lines(job, right_of(of, 0))
    assert found.keys() == {"reduced_b2", "reduced_b3", "reduced_w2", "reduced_w3"}
    return {frames[0].line for frames in found.values()}


@pytest.mark.thorough
def test_the_line_at_which_ranks_are_added_up_is_known(tmp_path: Path) -> None:
    source = RIGHT.replace(SHARE, "g")
    file = tmp_path / "mine.py"
    file.write_text(source, encoding="utf-8")
    of = next(each for each in divided(2, "float64") if each.case.id == "uneven-remainder-3-4-2")
    with Workers("mine.py:step", 2, FunctionProgram(f"{file}:step"), 30) as workers:
        found = workers.lines(of, 0)
    assert len(found) == 4
    assert {each[0].line for each in found.values()} == lines_of(source, "all_reduce")


def test_a_step_of_several_processes_is_traced_as_that_of_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(HAND, encoding="utf-8")
    subject = adapt(load(f"{file}:step", ()), "step")
    alone = check(subject, case="remainder-3-4-2", dtype="float64")
    (place,) = lines_of(HAND, "(w.T @ delta)")
    assert [(each.tag, each.frames[0].line) for each in alone.blames] == [("BP2", place)]


@pytest.mark.seldom
def test_a_part_has_the_line_and_the_cause_that_it_has_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(HAND, encoding="utf-8")
    words = [f"{file}:step", "--processes", "2", "--case", "equal-*", "--dtype", "float64"]
    with pytest.raises(SystemExit) as left:
        cli.main(["check", *words])
    assert left.value.code == 1
    first, place, cause, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("not conformant: BP3 is wrong")
    assert "delta = (w.T @ delta) * below" in place
    assert "sigma-for-sigma-prime" in cause


def test_lines_change_no_verdict() -> None:
    report = check("reference", case="remainder-3-4-2", dtype="float64")
    assert with_alone(report, report) == report
