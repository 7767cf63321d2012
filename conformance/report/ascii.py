"""What an output cannot encode, in ASCII: `∂C/∂w` as `dC/dw`, `δ` as `delta`.

`write_anywhere` makes every output stream take every text. Left out: files, which are UTF-8.
"""

import codecs
import sys
import unicodedata

HANDLER = "conformance.ascii"  # the name of the error handler of the streams

PLAIN = {
    "∂": "d",
    "δ": "delta",
    "σ": "sigma",
    "η": "eta",
    "λ": "lambda",
    "θ": "theta",
    "γ": "gamma",
    "Σ": "sum",
    "∇": "nabla_",
    "′": "'",
    "ᵀ": "^T",
    "⊙": "(*)",
    "√": "sqrt",
    "×": "x",
    "÷": "/",
    "·": ".",
    "−": "-",
    "–": "-",
    "±": "+-",
    "‖": "||",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "←": "<-",
    "→": "->",
    "∞": "inf",
    "⌊": "floor(",
    "⌋": ")",
    "⁻": "^-",
    "¹": "1",
    "²": "^2",
    "³": "^3",
    "½": "1/2",
    "✓": "ok",
    "✗": "x",
    "○": "o",
    "●": "@",
    "◇": "?",
    "…": "...",
    "§": "section ",
    **dict.fromkeys("─━╸╺╌═", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╔╗╚╝", "+"),
}
"""Where Unicode's own decomposition would say something else, or nothing."""


def in_ascii(text: str) -> str:
    """The text in ASCII: signs of mathematics by their names, letters without their accents."""
    return "".join(each if each.isascii() else _named(each) for each in text)


def encodes(encoding: str | None, text: str) -> bool:
    """Whether an output of this encoding takes a text as it is; one without encoding does."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def as_written(text: str, encoding: str | None) -> str:
    """The text as an output of this encoding shows it, whose lines may be longer."""
    return "".join(each if encodes(encoding, each) else _named(each) for each in text)


def for_stdout(text: str) -> str:
    """The text as it is, or in ASCII if that is what stdout takes; for those who print it later."""
    return text if encodes(getattr(sys.__stdout__, "encoding", None), text) else in_ascii(text)


def write_anywhere() -> None:
    """Let stdout and stderr write in ASCII what they cannot encode, whatever they are."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a stream of somebody else's has none
        if reconfigure is not None:
            reconfigure(errors=HANDLER)


def _named(character: str) -> str:
    if character in PLAIN:
        return PLAIN[character]
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return letters or character.encode("ascii", "backslashreplace").decode()


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_ascii(error.object[error.start : error.end]), error.end


codecs.register_error(HANDLER, _replaced)
