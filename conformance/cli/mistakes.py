"""The commands `conformance mistakes` and `prove`. Left out: the catalogue and its proof."""

from typing import Annotated

import typer

from conformance.cli.options import Workers, cores_of, option
from conformance.cli.progress import console, progress
from conformance.cli.say import say


def _ids(incomplete: str) -> list[str]:
    """What a shell completes the name of a mistake to."""
    from conformance.mistakes.catalogue import CATALOGUE

    return [each for each in CATALOGUE if each.startswith(incomplete)]


def mistakes(
    id_: Annotated[
        str | None, typer.Argument(metavar="ID", help="Show this one at work.", autocompletion=_ids)
    ] = None,
    verbose: Annotated[bool, typer.Option("-v", help="Show what each case says of it.")] = False,
) -> None:
    """List the known mistakes, or show one at work."""
    from conformance.proof.show_proof import show_all, show_one

    if id_ is None:
        show_all(console())
    else:
        show_one(console(), id_, verbose=verbose)


def prove(
    case: Annotated[
        str | None,
        option("GLOB", "In these cases, few of which show all; all in float64 if not given."),
    ] = None,
    pairs: Annotated[int, option("N", "Try so many pairs of mistakes too.", min=0)] = 0,
    workers: Workers = None,
) -> None:
    """Try every known mistake: it must be caught, blamed on its equations alone, and named."""
    from conformance.corpus import store
    from conformance.mistakes.catalogue import CATALOGUE
    from conformance.proof.proof import Proof
    from conformance.proof.proof_matrix import show_pairs, show_proof
    from conformance.proof.prove import chosen, drawn, pair_proofs, proofs, visible

    place, cores = store.root(), cores_of(workers)
    cases = tuple(each.case for each in chosen(place, case))
    rows = proofs([*CATALOGUE], case, place, cores)
    proof = Proof(cases, tuple(progress(rows, "proving", len(CATALOGUE))))
    show_proof(console(), proof)
    problems = [] if case else _of_processes(cores)
    if pairs:
        some = drawn(visible(proof.rows), pairs)
        tried = pair_proofs(some, case, place, cores)
        of_pairs = [each for found in progress(tried, "pairs", len(some)) for each in found]
        show_pairs(console(), proof, len(some), of_pairs)
        problems += of_pairs
    raise typer.Exit(1 if proof.problems or problems else 0)


def _of_processes(cores: int) -> list[str]:
    """Prove the mistakes of several processes; the problems."""
    from conformance.processes.prove_processes import WRONG, lines, proofs

    proved = [*progress(proofs(cores), "proving", len(WRONG))]
    for line in ("", *lines(proved)):
        say(line)
    return [problem for each in proved for problem in each.problems]
