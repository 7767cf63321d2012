"""The command `conformance explain`. Left out: the worked step and the lesson."""

from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import cost_of, option, sizes_of
from conformance.cli.say import say


def explain(
    case: Annotated[str | None, option("ID", "Explain the first step of this case.")] = None,
    sizes: Annotated[str | None, typer.Option(help="Layer sizes; 2,3,1 if not given.")] = None,
    cost: Annotated[
        str | None, typer.Option(help="quadratic, cross-entropy or log-likelihood.")
    ] = None,
    samples: Annotated[
        int | None, option("M", "The number of samples; 1 if not given.", min=1)
    ] = None,
    html: Annotated[
        Path | None, option("FILE", "Write the step as a page instead.", "--html")
    ] = None,
) -> None:
    """Print one right step, equation by equation, with the numbers in the book's formulas."""
    from conformance.explain.show_step import example
    from conformance.explain.step_lines import as_text

    worked = example(case, None if sizes is None else sizes_of(sizes), cost_of(cost), samples)
    if html is None:
        say(as_text(worked), end="")
        return
    from conformance.errors import UsageError
    from conformance.lesson.page import write_lesson
    from conformance.model.update_kinds import SGD

    if worked.case.update != SGD:
        raise UsageError(f"--html: the page is of plain SGD; {case} moves by {worked.case.update}")
    if worked.case.masks:
        raise UsageError(f"--html: the page has no dropout; {case} has")
    write_lesson(html, worked)
    say(f"{html}: one step to walk through; open it in a browser")
