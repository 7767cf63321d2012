"""What a program does with its loss, in the place of printing it now and then."""

from collections.abc import Callable, Sequence

TELLING: dict[str, Callable[[str], tuple[str, str]] | None] = {
    "printed": None,
    "untold": lambda _: ("", ""),
    "assigned": lambda loss: ("", f"last = {loss}"),
    "summed": lambda loss: ("sum_of_losses = 0.0", f"sum_of_losses += {loss}"),
    "kept": lambda loss: ("history = []", f"history.append({loss})"),
}
"""By its name: of a loss, the line before the loop, and the line in it; as it is, if nothing."""


def retold(lines: Sequence[str], telling: str) -> list[str]:
    """The lines of a program, with another use of its loss.

    Args:
        lines: of which two print the loss, in a loop.
        telling: the name of the use.

    Raises:
        ValueError: no line of these prints a loss.
    """
    change = TELLING[telling]
    if change is None:
        return [*lines]
    at = next((i for i, each in enumerate(lines) if each.strip().startswith("print(")), 0)
    if not lines[at - 1].strip().startswith("if "):
        raise ValueError("no loss is printed under a condition")
    _, _, loss = lines[at].strip().removesuffix(")").partition(", ")
    within = _indent(lines[at - 1])
    loop = next(i for i in range(at - 1)[::-1] if _indent(lines[i]) < within)
    before, inside = change(loss)
    return [
        *lines[:loop],
        *([" " * _indent(lines[loop]) + before] if before else []),
        *lines[loop : at - 1],
        *([" " * within + inside] if inside else []),
        *lines[at + 1 :],
    ]


def _indent(line: str) -> int:
    """The spaces before a line; many if it is empty."""
    return len(line) - len(line.lstrip()) if line.strip() else len("    ") ** 2
