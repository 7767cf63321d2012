"""The commands `conformance train` and `conformance mnist fetch`.

Heavy imports wait until a command needs them. Left out: everything that a command does.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

mnist = typer.Typer(no_args_is_help=True, help="The full MNIST: fetch its files.")


@mnist.command()
def fetch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put the four files.")],
    url: Annotated[
        str | None, typer.Option(help="Another address than PyTorch's mirror of MNIST.")
    ] = None,
) -> None:
    """Fetch the four canonical files, check their hashes, and go on where a transfer broke off."""
    from conformance.train.fetch import MIRROR
    from conformance.train.fetch import fetch as fetched

    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:

        def moved(name: str, there: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name)
            bar.update(tasks[name], completed=there, total=total)

        paths = fetched(folder, url or MIRROR, moved)
    typer.echo(f"{folder}: {len(paths)} files, every hash is right; MNIST_DIR={folder} uses them")
