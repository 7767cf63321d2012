"""A change of one line that makes a program right, in words."""

from conformance.edits.edit import EditKind

CHANGES = {
    EditKind.REPLACED: "{what} is right with{this}:  {text}",
    EditKind.REMOVED: "{what} is right without {line}",
    EditKind.MOVED_OUT: "{what} is right with {line} after the block that it is in",
    EditKind.MOVED_IN: "{what} is right with {line} at the end of the block before it",
    EditKind.EXCHANGED: "{what} is right with {line} after the next one",
    EditKind.BEFORE: "{what} is right with {line} before the one above it",
    EditKind.ADDED: "{what} is right with one more line before {line}, in the loop:  {text}",
    EditKind.ABOVE: "{what} is right with one more line before {line}:  {text}",
}


def edit_words(kind: str, text: str, what: str, at: str = "") -> str:
    """What is right with a change: `every case is right with:  return a - y`.

    Args:
        kind: of the change, an `EditKind`.
        text: the line after it.
        what: is right.
        at: file and number of the line, if another was named before.
    """
    line, this = (f"line {at}", f" this at {at}") if at else ("this line", "")
    return CHANGES[EditKind(kind)].format(what=what, this=this, line=line, text=text)
