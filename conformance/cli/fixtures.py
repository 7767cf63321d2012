"""The commands `conformance fixtures …`. Left out: how cases are built, verified and exported."""

from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.examples import epilog
from conformance.cli.options import (
    CaseGlob,
    Dtype,
    Workers,
    case_of,
    cores_of,
    dtype_of,
    option,
)
from conformance.cli.progress import console, progress
from conformance.cli.say import say
from conformance.errors import UsageError
from conformance.usage import one_of

Package = Annotated[
    str | None,
    typer.Option(
        metavar="npm|crate|go|python",
        help="Make a package of the small cases, with a loader, to depend on in tests.",
    ),
]

fixtures = typer.Typer(no_args_is_help=True, help="The recorded cases: build, verify, export.")


@fixtures.command("build", epilog=epilog("fixtures build"))
def fixtures_build(
    to: Annotated[
        Path | None, typer.Option(help="The folder to write to, instead of this fixtures folder.")
    ] = None,
    workers: Workers = None,
    mnist: Annotated[
        Path | None, typer.Option(help="Make the MNIST subset from these canonical files first.")
    ] = None,
) -> None:
    """Compute every value of every case in ball arithmetic and write the files."""
    from conformance.cases import recipes
    from conformance.cases.build import build
    from conformance.corpus import store
    from conformance.corpus.embedded import embed_mnist

    source = store.root()
    place = source if to is None else to
    if mnist is not None:
        embed_mnist(mnist, source)
    built = list(progress(build(source, place, cores_of(workers)), "building", len(recipes())))
    say(f"{place}: {len(built)} cases built, corpus {store.corpus_hash(place)[:12]}")


@fixtures.command("verify", epilog=epilog("fixtures verify"))
def fixtures_verify(workers: Workers = None) -> None:
    """Recompute every value of every case and compare bytes, hashes and the schemas."""
    from conformance.cases import recipes
    from conformance.cases.verify import schema_checked, verify
    from conformance.corpus import store

    place = store.root()
    parts = list(progress(verify(place, cores_of(workers)), "verifying", len(recipes()) + 4))
    problems = [problem for _, found in parts for problem in found]
    for problem in problems:
        say(problem)
    if not schema_checked():
        say("the JSON schemas were not checked: pip install 'backprop-conformance[dev]'")
    count = f"{len(recipes())} cases recomputed in ball arithmetic"
    if problems:
        say(f"{place}: {count}, {len(problems)} problems")
        raise typer.Exit(1)
    say(f"{place}: {count}, every byte is right; corpus {store.corpus_hash(place)[:12]}")


@fixtures.command("list", epilog=epilog("fixtures list"))
def fixtures_list(case: CaseGlob = None, dtype: Dtype = None) -> None:
    """Print the table of the cases."""
    from conformance.corpus import store
    from conformance.report.terminal import show_cases

    show_cases(console(), store.cases(store.root(), case_of(case), dtype_of(dtype)))


@fixtures.command("export", epilog=epilog("fixtures export"))
def fixtures_export(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The folder to write to; created if it does not exist."),
    ],
    to: Annotated[str | None, option("FORM", "json, npz, or bin: raw bytes with an index.")] = None,
    package: Package = None,
    case: CaseGlob = None,
    dtype: Dtype = None,
) -> None:
    """Write cases in a form other than safetensors; no bit of a number changes."""
    from conformance.corpus import store
    from conformance.corpus.export import FORMS, PACKAGES, export, export_package
    from conformance.report.sentence import pluralize

    one_of("--to", to, *FORMS)
    one_of("--package", package, *PACKAGES)
    if (to is None) == (package is None):
        raise UsageError("give --to FORM or --package LANGUAGE: one of the two")
    place = store.root()
    chosen = store.cases(place, case_of(case), dtype_of(dtype))
    if package is not None:
        files = export_package(place, chosen, package, folder)
        size = sum(path.stat().st_size for path in files)
        say(f"{folder}: version {store.version(place)}, {size:,} bytes in {len(files)} files")
    elif to is not None:
        written = [*progress(export(place, chosen, to, folder), "exporting", len(chosen))]
        count = pluralize(sum(map(len, written)), "file")
        say(f"{folder}: {pluralize(len(chosen), 'case')} in {count}")
