"""The command `conformance train`: what it prints and writes, and that bad input is one line."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.train import plot as plotting
from conformance.train.data import VARIABLE
from conformance.train.record import Run
from conformance.train.settings import Settings

QUICK = ("train", "--mini-batch", "200", "--epochs", "1")


@pytest.fixture(autouse=True)
def _embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def run(*arguments: str) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    code = left.value.code
    assert isinstance(code, int)
    return code


def test_an_epoch_is_the_books_line_and_the_drift(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*QUICK) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("4,167 training, 833 validation and 1,000 test images")
    assert re.match(r"Epoch 0: \d+ / 1000   cost 0\.\d+   \d+\.\d+ s   [\d,]+ samples/s$", lines[2])
    assert lines[4].endswith(" × what rounding can explain")
    assert "× its bound or less; 4 steps judged" in lines[5]
    assert lines[6].startswith("torch_impl: rounding: each step ends where the reference's does")


def test_json_and_picture_hold_what_was_measured(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    paths = [tmp_path / name for name in ("run.json", "run.svg", "run.png")]
    assert run(*QUICK, "--json", str(paths[0]), "--plot", str(paths[1])) == 0
    assert run(*QUICK, "--subjects", "reference", "--plot", str(paths[2])) == 0
    record = json.loads(paths[0].read_text())
    (epoch,) = record["epochs"]
    assert [each["name"] for each in epoch["walked"]] == ["reference", "torch_impl"]
    assert 0 < epoch["walked"][1]["ratio"] < 1
    assert record["settings"]["mini_batch"] == 200
    assert b"what rounding" not in paths[1].read_bytes()[:100]
    assert paths[1].read_bytes().startswith(b"<?xml")
    assert paths[2].read_bytes().startswith(b"\x89PNG")


def test_a_resumed_command_writes_the_same_checkpoint(tmp_path: Path) -> None:
    whole, part = (str(tmp_path / name) for name in ("whole", "part"))
    two = ("train", "--mini-batch", "200", "--subjects", "reference", "--epochs", "2")
    assert run(*two, "--checkpoint", whole) == 0
    assert run(*QUICK, "--subjects", "reference", "--checkpoint", part) == 0
    assert run(*two, "--resume", part, "--checkpoint", part) == 0
    from safetensors.numpy import load_file

    one, other = load_file(whole), load_file(part)
    assert one.keys() == other.keys()
    assert all((one[name] == other[name]).all() for name in one)


def test_a_wrong_network_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = Path(__file__).parent / "networks" / "book.py"
    text = source.read_text()
    wrong = text.replace("(eta / len(mini_batch)) * nw", "(eta / 200) * nw")
    assert wrong != text
    (tmp_path / "mine.py").write_text(wrong)
    subjects = f"reference,{tmp_path / 'mine.py'}:Network"
    assert run(*QUICK, "--subjects", subjects) == 1
    out = capsys.readouterr().out
    assert "a jump at epoch 0, step 20, layer 2: W" in out
    assert "cause:" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mini-batch", "0"), "--mini-batch 0: give 1 or more"),
        (("--mini-batch", "-3"), "--mini-batch -3: give 1 or more"),
        (("--epochs", "0"), "--epochs 0: give 1 or more"),
        (("--eta", "nan"), "--eta nan: give a number above 0"),
        (("--lmbda", "-1"), "--lmbda -1.0: give 0 or more"),
        (("--seed", "-1"), "--seed -1: give 0 or more"),
        (("--sizes", "784,30,9"), "--sizes 784,30,9: begin with 784 pixels, end with 10"),
        (("--sizes", "784,x"), "--sizes 784,x: give numbers"),
        (("--sizes", "784"), "--sizes 784: give two layers or more"),
        (("--cost", "hinge"), "--cost hinge: give quadratic or cross-entropy"),
        (("--dtype", "float16"), "--dtype float16: give float64 or float32"),
        (("--subjects", "torch_impl"), "give reference first"),
        (("--subjects", "reference,nobody"), "no subject 'nobody'"),
        (("--mnist", "/nowhere"), "/nowhere/train-images-idx3-ubyte: no such file"),
        (("--plot", "run.gif"), "--plot run.gif: give a name that ends in .svg or .png"),
        (("--json", "/nowhere/run.json"), "--json /nowhere/run.json: there is no such folder"),
        (("--resume", "/nowhere"), "--resume /nowhere: No such file"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = ("--json", "run.json", "--checkpoint", "run.safetensors")
    assert run(*QUICK, *kept, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_a_picture_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plotting, "find_spec", lambda _: None)
    assert run(*QUICK, "--plot", "run.svg") == 2
    assert "pip install 'backprop-conformance[report]'" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", plotting.SUFFIXES)
def test_a_run_that_was_stopped_at_once_is_drawn_empty(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    path = tmp_path / f"run{suffix}"
    plotting.plot(path, Run(Settings(), "nothing", stopped="in epoch 0, step 3"))
    assert path.stat().st_size


def test_ctrl_c_ends_with_what_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    options = ["--subjects", "reference", "--epochs", "100000", "--json", str(path)]
    command = [sys.executable, "-u", "-m", "conformance", "train", *options]
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        while not child.stdout.readline().startswith("Epoch 0"):
            pass
        child.send_signal(signal.SIGINT)
        out, err = child.stdout.read(), child.stderr.read()
        assert (child.wait(), err) == (130, "")
    assert re.search(r"stopped in epoch \d+, step \d+", out)
    assert len(json.loads(path.read_text())["epochs"]) >= 1
