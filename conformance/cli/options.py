"""Options that several commands share, what they may say, and commands of many options.

Left out: what a command does.
"""

import os
from collections.abc import Callable
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from conformance.errors import UsageError
from conformance.usage import COSTS, DTYPES, OF_THE_BOOK, Text, one_of

Record = TypeVar("Record")


def option(metavar: str, words: str, *names: str, **more: Any) -> Any:
    """An option: what stands for its value, and what `--help` says of it."""
    return typer.Option(*names, metavar=metavar, help=words, **more)


def taking(record: type[Record]) -> Callable[[Callable[[Record], None]], Callable[..., None]]:
    """Make a command of a function that is given one record, whose fields are its options."""

    def made(run: Callable[[Record], None]) -> Callable[..., None]:
        @wraps(run)
        def command(**given: Any) -> None:
            run(record(**given))

        command.__annotations__ = get_type_hints(record, include_extras=True)
        command.__signature__ = signature(record)  # type: ignore[attr-defined]  # which typer asks
        return command

    return made


SUBJECT = (
    "FILE.py, FILE.py:Name, a notebook, package.module:Name, reference, torch_impl, "
    "a .safetensors trace, or cmd:COMMAND"
)


def _case_ids(incomplete: str) -> list[str]:
    """What a shell completes the name of a case to."""
    from conformance.corpus import store

    return [each.id for each in store.cases(store.root()) if each.id.startswith(incomplete)]


CaseGlob = Annotated[
    list[str] | None,
    typer.Option(
        "--case", metavar="GLOB", help="Only these cases; repeatable.", autocompletion=_case_ids
    ),
]
Dtype = Annotated[str | None, option("float64|float32", "Only the cases with this dtype.")]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="float16|bfloat16",
        help="The format in which the subject computes; inputs of the cases are rounded to it.",
    ),
]
Cost = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(COSTS),
        help="The cost to judge by. For the network of the book it is one of the first three, and "
        "only the cases with it are used; a network whose constructor takes no cost has this one, "
        "quadratic if not given.",
    ),
]
Family = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[,NAME]",
        help="The activations that the network should have, of hidden layers and output, such as "
        "relu,softmax; if not given, they are found by what the network computes.",
    ),
]
PythonPath = Annotated[list[Path] | None, option("DIR", "A folder to import from; repeatable.")]
Timeout = Annotated[float, option("SECONDS", "How long the subject may give no result.", min=0.1)]
Workers = Annotated[
    int | None,
    typer.Option("-n", "--workers", min=1, help="Processes; one for each core if not given."),
]
JsonFile = Annotated[Path | None, option("FILE", "Write the results as JSON.", "--json")]


def case_of(globs: list[str] | None) -> str | list[str] | None:
    """The cases that `--case` gives: any if not given, one glob, or several."""
    return globs[0] if globs and len(globs) == 1 else globs or None


def dtype_of(value: Text) -> Text:
    """The dtype that `--dtype` gives; as `one_of`."""
    return one_of("--dtype", value, *DTYPES)


def cost_of(value: Text) -> Text:
    """The cost of the network of the book that `--cost` gives; as `one_of`."""
    return one_of("--cost", value, *OF_THE_BOOK)


def sizes_of(text: str) -> tuple[int, ...]:
    """The layer sizes in a text such as 784,30,10.

    Raises:
        UsageError: it does not hold two positive whole numbers or more.
    """
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError as error:
        raise UsageError(f"--sizes {text}: give numbers with commas, such as 784,30,10") from error
    if len(sizes) < 2 or min(sizes) < 1:  # noqa: PLR2004 - an input and an output layer
        raise UsageError(f"--sizes {text}: give two layers or more, none of them empty")
    return sizes


def cores_of(workers: int | None) -> int:
    """How many processes: one a core if not given."""
    return workers or os.cpu_count() or 1
