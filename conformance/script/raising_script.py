"""The change of one line with which a script runs that raises an error, and with right gradients.

Such is a product whose operands are not turned. Left out: the changes there are (`edits`), and
whether a changed script is right, which the caller tells.
"""

import ast
from collections.abc import Callable, Sequence
from pathlib import Path

from conformance.backward.findings import Line
from conformance.backward.syntax import statement
from conformance.edits.edit import Change
from conformance.edits.live_functions import runs_of
from conformance.edits.search_edits import holds, search
from conformance.running.quiet import quiet
from conformance.script import edited_script
from conformance.script.edited_script import forget_own_modules, parts_of
from conformance.script.plain_script import PlainScript
from conformance.tracing.frames import Frame

MOST = 12  # scripts that run on, and are judged


def repaired(
    script: str,
    raised: Sequence[Line],
    arguments: Sequence[str],
    seed: int,
    confirmed: Callable[[ast.Module], bool],
) -> Change | None:
    """The change; None if none is found.

    Args:
        script: its path.
        raised: the lines that led to the error, the innermost first.
        arguments: that it was given.
        seed: of its random numbers, where it gave none.
        confirmed: whether a changed script updates its parameters, and rightly.
    """
    file, seconds = str(Path(script).absolute()), edited_script.SECONDS
    own = [each.line for each in raised if each.file == file]
    until = [each for each in own if not isinstance(statement(file, each), ast.Return)]
    if not (seconds and until and file.endswith(".py")):
        return None
    tree = ast.parse(Path(file).read_bytes(), file)
    plain, left = PlainScript(file, tree, arguments, seed, (), until=until[0]), iter(range(MOST))

    def goes_on() -> bool:
        return not plain.values()

    def is_right() -> bool:
        return next(left, None) is not None and confirmed(plain.tree)

    forget_own_modules()
    with quiet():
        parts = [*parts_of(plain, runs_of(lambda: holds(goes_on, seconds), file.__eq__))]
    return search(parts, [[Frame(file, own[0], "")]], [goes_on, is_right], seconds)
