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
from conformance.training import training_output as plotting
from conformance.training.settings import Settings
from conformance.training.show_training import TrainReport
from conformance.training.training_data import VARIABLE

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


def test_a_wrong_loop_of_its_own_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parent / "networks" / "book.py").read_text()
    wrong = text.replace("range(0, n, mini", "range(0, n - n % mini_batch_size, mini")
    assert wrong != text
    (tmp_path / "mine.py").write_text(wrong)
    subject = f"{tmp_path / 'mine.py'}:Network"
    assert run(*QUICK, "--subjects", f"reference,{subject}") == 1
    last, first = capsys.readouterr().out.splitlines()[:-3:-1]
    assert first.startswith(f"{subject}: SGD leaves out the last, short mini-batch of 10 samples")
    assert last.startswith(f"{subject}: rounding: each step")


def test_a_network_imports_from_the_python_path(tmp_path: Path) -> None:
    (tmp_path / "helpers").mkdir()
    source = Path(__file__).parent / "networks" / "book.py"
    (tmp_path / "helpers" / "theirs.py").write_text(source.read_text())
    (tmp_path / "mine.py").write_text("from theirs import Network\n")
    options = ("--subjects", f"reference,{tmp_path / 'mine.py'}:Network")
    assert run(*QUICK, *options) == 3
    assert run(*QUICK, *options, "--python-path", str(tmp_path / "helpers")) == 0


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
        (("--cost", "hinge"), "--cost hinge: give quadratic, cross-entropy or log-likelihood"),
        (("--dtype", "float16"), "--dtype float16: give float64 or float32"),
        (("--subjects", "torch_impl"), "give reference first"),
        (("--subjects", "reference,nobody"), "no subject 'nobody'"),
        (("--mnist", "/nowhere"), "/nowhere/train-images-idx3-ubyte: no such file"),
        (("--plot", "run.gif"), "--plot run.gif: give a name that ends in .svg or .png"),
        (("--json", "/nowhere/run.json"), "--json /nowhere/run.json: there is no such folder"),
        (("--json", "/proc/run.json"), "--json /proc/run.json: No such file or directory"),
        (("--plot", "/proc/run.svg"), "--plot /proc/run.svg: No such file or directory"),
        (("--checkpoint", "/proc/kept"), "--checkpoint /proc/kept: No such file or directory"),
        (("--sizes", "784,99999999999,10"), "has more than 100,000,000 weights and biases"),
        (("--eta", "1e300", "--dtype", "float32"), "--eta 1e+300: float32 has no such number"),
        (("--eta", "1e-300", "--dtype", "float32"), "--eta 1e-300: float32 has no such number"),
        (("--subjects", "reference,cmd:true"), "cmd:true cannot take part: it runs recorded cases"),
        (("--resume", "/nowhere"), "--resume /nowhere: No such file"),
        (("--resume", "/dev/null"), "--resume /dev/null: no ordinary file"),
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
    out, error = capsys.readouterr()
    assert said in error
    assert (out, len(error.splitlines())) == ("", 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--checkpoint", "--plot"])
def test_what_is_no_file_is_not_replaced(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe.svg"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert run(*QUICK, "--subjects", "reference", option, str(pipe)) == 2
    os.close(reader)
    assert capsys.readouterr().err.endswith("is there, and no ordinary file\n")
    assert pipe.is_fifo()


def test_a_checkpoint_is_no_larger_than_one_can_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "huge").touch()
    os.truncate(tmp_path / "huge", 1 << 40)
    assert run(*QUICK, "--resume", str(tmp_path / "huge")) == 2
    assert "huge: larger than a checkpoint of this run can be" in capsys.readouterr().err


def test_a_disk_that_is_full_in_the_end_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*QUICK, "--subjects", "reference", "--json", "/dev/full") == 2
    assert capsys.readouterr().err == "error: --json /dev/full: No space left on device\n"


def test_numbers_that_are_none_any_more_are_no_warning_and_no_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Decay of 1e300 makes every parameter NaN or infinite, the twin's as the reference's."""
    assert run(*QUICK, "--lmbda", "1e300", "--cost", "cross-entropy") == 1
    out, error = capsys.readouterr()
    assert "cost nan" in out
    assert error == ""
    assert out.splitlines()[-1] == (
        "torch_impl: from epoch 0 on there are numbers that are not finite, the reference's too, "
        "and nothing to compare; 1 step was judged before, all right"
    )


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
    plotting.plot(path, TrainReport(Settings(), "nothing", stopped="in epoch 0, step 3"))
    assert path.stat().st_size


@pytest.mark.usefixtures("signals_are_heard")
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
