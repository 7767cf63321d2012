"""The commands `conformance train` and `conformance mnist fetch`.

Heavy imports wait until a command needs them. Left out: everything that a command does.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from conformance.cli.examples import epilog
from conformance.cli.options import (
    JsonFile,
    PythonPath,
    cost_of,
    dtype_of,
    option,
    sizes_of,
    taking,
)
from conformance.cli.say import say, say_written
from conformance.errors import UsageError
from conformance.usage import one_of

if TYPE_CHECKING:
    from conformance.training.settings import Settings
    from conformance.training.show_training import TrainReport
    from conformance.training.training_record import Epoch

BAR_STEPS = 50  # steps between two looks of the bar

mnist = typer.Typer(no_args_is_help=True, help="The full MNIST: fetch its files.")


@mnist.command(epilog=epilog("mnist fetch"))
def fetch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put the four files.")],
    url: Annotated[
        str | None, typer.Option(help="Another address than PyTorch's mirror of MNIST.")
    ] = None,
) -> None:
    """Fetch the four canonical files, check their hashes, and go on where a transfer broke off."""
    from conformance.training.fetch import MIRROR
    from conformance.training.fetch import fetch as fetched

    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:

        def moved(name: str, there: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name)
            bar.update(tasks[name], completed=there, total=total)

        paths = fetched(folder, url or MIRROR, moved)
    say(f"{folder}: {len(paths)} files, every hash is right; MNIST_DIR={folder} uses them")


class Options(NamedTuple):
    """The options of `conformance train`."""

    sizes: Annotated[str, typer.Option(help="Neurons of each layer.")] = "784,30,10"
    epochs: Annotated[int, typer.Option(help="How many times to go through the data.")] = 30
    mini_batch: Annotated[int, option("M", "Samples of a mini-batch.")] = 10
    eta: Annotated[float, typer.Option(help="The learning rate η.")] = 3.0
    cost: Annotated[str, typer.Option(help="quadratic, cross-entropy or log-likelihood.")] = (
        "quadratic"
    )
    lmbda: Annotated[float, typer.Option(help="The weight decay λ.")] = 0.0
    family: Annotated[
        str | None,
        typer.Option(help="Activations of hidden layers and output, such as relu,softmax."),
    ] = None
    update: Annotated[
        str, typer.Option(help="sgd, momentum, nesterov, rmsprop, adam or adamw.")
    ] = "sgd"
    subjects: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME",
            help="reference, then the networks to compare with it: names or FILE.py:Name; "
            "reference,torch_impl if not given.",
        ),
    ] = None
    python_path: PythonPath = None
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64"
    seed: Annotated[int, typer.Option(help="Seed of the start and of the order.")] = 0
    folder: Annotated[
        Path | None,
        option("DIR", "The full MNIST; else MNIST_DIR, else the embedded part.", "--mnist"),
    ] = None
    json_file: JsonFile = None
    plot: Annotated[Path | None, option("FILE.svg|png", "Draw accuracy, cost and drift.")] = None
    checkpoint: Annotated[Path | None, option("FILE", "Write the run there after each epoch.")] = (
        None
    )
    resume: Annotated[Path | None, option("FILE", "Go on from this checkpoint.")] = None


@taking(Options)
def train(given: Options) -> None:
    """Train the reference and others side by side, and distinguish rounding from a mistake."""
    from conformance.training.training_output import check_writable, write_json
    from conformance.training.training_run import subjects as found

    files = {"--json": given.json_file, "--plot": given.plot, "--checkpoint": given.checkpoint}
    check_writable({option: path for option, path in files.items() if path is not None})
    settings = _settings(given)
    partners = found(settings.subjects, settings, given.python_path or ())
    run = _trained(settings, partners, given.folder, given.checkpoint, given.resume)
    if given.json_file is not None:
        write_json(given.json_file, run)
    if given.plot is not None:
        from conformance.training.training_output import plot

        plot(given.plot, run)
    say_written(tuple(files.values()))
    raise typer.Exit(run.exit_code)


def _settings(given: Options) -> "Settings":
    """What the training is to be."""
    from conformance.model.functions import family_of
    from conformance.training.settings import Settings
    from reference.updates import UPDATES

    settings = Settings(
        *(sizes_of(given.sizes), given.epochs, given.mini_batch, given.eta),
        *(cost_of(given.cost), given.lmbda, dtype_of(given.dtype), given.seed),
        _partners(given.subjects),
        family=family_of(given.family),
        update=one_of("--update", given.update, *UPDATES),
    )
    settings.fit_digits()
    return settings


def _trained(
    settings: Any, partners: Any, folder: Path | None, checkpoint: Path | None, resume: Any
) -> "TrainReport":
    """Train, with a bar within the epoch and lines after it."""
    from conformance.training.show_training import epoch_lines, verdict_lines
    from conformance.training.training_data import digits
    from conformance.training.training_run import train as trained

    source = digits(folder)

    def begun() -> None:
        say(source.words)
        say(", ".join(("reference", *settings.subjects)) + f": {settings.words()}")

    def told(epoch: "Epoch") -> None:
        for line in epoch_lines(epoch):
            say(line)

    with _bar() as done:
        run = trained(
            *(settings, source, partners, told, done),
            begun=begun,
            checkpoint=checkpoint,
            resume=resume,
        )
    for line in verdict_lines(run):
        say(line)
    return run


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A function that is told the steps of an epoch, and draws a bar where there is a terminal."""
    console = Console(stderr=True)
    if not (console.is_terminal and sys.stdout.isatty()):
        yield lambda *_: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("epoch")

        def done(step: int, steps: int) -> None:
            if step % BAR_STEPS == 0 or step == steps:
                bar.update(task, completed=step, total=steps)

        yield done


def _partners(names: str | None) -> tuple[str, ...]:
    if names is None:
        from conformance.subjects.named import available

        names = ",".join(available())
        if "torch_impl" not in names:
            say("note: torch is not installed: only the reference is trained", error=True)
    first, *others = names.split(",")
    if first != "reference" or len(set(others)) < len(others) or "reference" in others:
        raise UsageError(f"--subjects {names}: give reference first, and each other once")
    return tuple(others)
