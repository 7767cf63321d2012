"""Source lines as runs of characters, each with the class that its colour has in `document.css`.

The lexer is that of Pygments, which rich brings; a file is read as a whole, since a line alone does
not show that it stands in a string. Left out: the markup.
"""

import linecache
from collections.abc import Iterator
from functools import cache, lru_cache

Run = tuple[str, str]  # the class, empty for none, and the text
Runs = tuple[Run, ...]

CLASSES = {
    "Token.Keyword": "keyword",
    "Token.Operator.Word": "keyword",
    "Token.Literal.String": "string",
    "Token.Literal.Number": "number",
    "Token.Comment": "comment",
    "Token.Name.Tag": "keyword",  # the names in JSON
    "Token.Name.Function": "function",
    "Token.Name.Class": "function",
    "Token.Name.Decorator": "function",
}
"""The longest of these that a kind of token begins with decides."""

MANY = 50  # files that are kept
BREAKS = "([,./"  # after which a line may be broken where there is no space


def source_lines(file: str, numbers: range) -> list[tuple[int, Runs]]:
    """The lines of a Python file with these numbers, as many as there are."""
    lines = _lexed("".join(linecache.getlines(file)), "python")
    return [(n, lines[n - 1]) for n in numbers if 1 <= n <= len(lines)]


def excerpt(file: str, line: int, around: int) -> list[tuple[int, Runs]]:
    """A line with so many before and after it, without the indentation that all have."""
    lines = source_lines(file, range(line - around, line + around + 1))
    while lines and not any(text.strip() for _, text in lines[0][1]):
        del lines[0]
    while lines and not any(text.strip() for _, text in lines[-1][1]):
        del lines[-1]
    texts = ["".join(text for _, text in runs) for _, runs in lines]
    indent = min((len(t) - len(t.lstrip()) for t in texts if t.strip()), default=0)
    return [(n, _without(runs, indent)) for n, runs in lines]


def _without(runs: Runs, indent: int) -> Runs:
    """A line without so many characters at its beginning."""
    letters = [(kind, each) for kind, text in runs for each in text]
    return tuple(_runs(letters[indent:]))


def text_lines(text: str, name: str) -> list[Runs]:
    """The lines of a text, lexed by the ending of the name of its file."""
    return list(_lexed(text, {"py": "python", "json": "json"}.get(name.rpartition(".")[2], "text")))


@lru_cache(maxsize=MANY)
def _lexed(text: str, language: str) -> tuple[Runs, ...]:
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    lines: list[list[Run]] = [[]]
    for kind, value in lexer.get_tokens(text):
        first, *others = value.split("\n")
        _add(lines[-1], _class(str(kind)), first)
        for each in others:
            lines.append([])
            _add(lines[-1], _class(str(kind)), each)
    return tuple(map(tuple, lines[:-1] if not lines[-1] else lines))


def _add(line: list[Run], kind: str, text: str) -> None:
    """Append a text, to the last run if that is of its kind."""
    if line and line[-1][0] == kind:
        line[-1] = kind, line[-1][1] + text
    elif text:
        line.append((kind, text))


@cache
def _class(kind: str) -> str:
    found = [name for name in CLASSES if kind == name or kind.startswith(f"{name}.")]
    return CLASSES[max(found, key=len)] if found else ""


def wrapped(runs: Runs, width: int, most: int) -> list[Runs]:
    """A line in at most so many lines of so many characters, broken at spaces where it can be."""
    letters = [(kind, each) for kind, text in runs for each in text]
    while letters and letters[0][1].isspace():
        del letters[0]
    lines: list[Runs] = []
    while letters and len(lines) < most:
        end = min(width, len(letters))
        if end < len(letters):
            if len(lines) == most - 1:
                lines.append((*_runs(letters[: width - 1]), ("", "…")))
                break
            end = next((i for i in range(end, width // 2, -1) if letters[i][1] == " "), 0) or next(
                (i for i in range(end, width // 2, -1) if letters[i - 1][1] in BREAKS), end
            )
        lines.append(tuple(_runs(letters[:end])))
        letters = letters[end:]
        while letters and letters[0][1] == " ":
            del letters[0]
    return lines


def _runs(letters: list[Run]) -> Iterator[Run]:
    """Characters as runs."""
    line: list[Run] = []
    for kind, each in letters:
        _add(line, kind, each)
    yield from line
