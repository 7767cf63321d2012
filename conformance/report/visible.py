"""Text from a subject with everything in it to be seen.

Left out: what is markup in the language that it is put into.
"""

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PICTURES = 0x2400  # where Unicode has a visible sign for each control character
_DELETE, _DELETE_PICTURE = "\x7f", "\u2421"


def visible(words: str, keep: str = "") -> str:
    """Words with signs in place of characters that are not seen, or that move others about."""
    return "".join(each if each in keep else _sign(each) for each in words)


def _sign(character: str) -> str:
    if character < " ":
        return chr(_PICTURES + ord(character))
    if character == _DELETE:
        return _DELETE_PICTURE
    unseen = unicodedata.category(character) in _UNSEEN
    return "\N{REPLACEMENT CHARACTER}" if unseen else character
