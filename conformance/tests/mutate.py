"""Right outputs of a command, and seeded mutations of their bytes, for fuzzing the readers."""

import json
from collections.abc import Callable
from random import Random

from safetensors.numpy import save

from conformance.tests.support import recorded

CASE = "hand-2-3-1"

PIECES = [
    *(b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b"-", b"e", b".", b"[]", b"{}", b"0/"),
    *(b"NaN", b"Infinity", b"null", b"true", b"1e999", b"9" * 400, b"[" * 40, b'{"":' * 40),
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\x1b[2J", b"\n", b"free/", b"__metadata__"),
    *(b"F32", b"I64", b"C64", b"BF16", b"F8_E4M3", b"BOOL", b"18446744073709551616", b"-1"),
]
"""What means something to one reader or the other."""


def outputs() -> dict[str, bytes]:
    """A right output of the case in each format, both modes in it."""
    steps = enumerate(recorded(CASE).steps)
    shown = {f"{t}/{name}": array for t, step in steps for name, array in step.expected.items()}
    shown |= {f"free/{name}": array for name, array in shown.items()}
    written = {name: array.tolist() for name, array in shown.items()}
    return {
        "safetensors": save({n: a.copy() for n, a in shown.items()}, metadata={"case": CASE}),
        "json": json.dumps(written).encode(),
    }


def _flip(random: Random, raw: bytearray, at: int) -> None:
    if raw:
        raw[at % len(raw)] ^= 1 << random.randrange(8)


def _digit(random: Random, raw: bytearray, at: int) -> None:
    """Another digit for the next one: the text stays well formed."""
    digits = [i for i in range(at, min(at + 40, len(raw))) if chr(raw[i]).isdecimal()]
    if digits:
        raw[digits[0]] = random.choice(b"0123456789")


def _insert(random: Random, raw: bytearray, at: int) -> None:
    raw[at:at] = random.choice(PIECES)


def _replace(random: Random, raw: bytearray, at: int) -> None:
    piece = random.choice(PIECES)
    raw[at : at + len(piece)] = piece


def _remove(random: Random, raw: bytearray, at: int) -> None:
    del raw[at : at + random.randrange(1, 30)]


def _copy(random: Random, raw: bytearray, at: int) -> None:
    to = random.randrange(len(raw) + 1)
    raw[to:to] = raw[at : at + random.randrange(60)]


def _cut(_random: Random, raw: bytearray, at: int) -> None:
    del raw[at:]


CHANGES: list[Callable[[Random, bytearray, int], None]] = [
    *(_flip, _digit, _digit, _insert, _replace, _remove, _copy, _cut)
]


def mutated(random: Random, raw: bytes, *, container: bool) -> bytes:
    """The bytes with one change or a few; a container mostly keeps the right length of header."""
    changed = bytearray(raw)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        random.choice(CHANGES)(random, changed, random.randrange(len(changed) + 1))
    if container and random.random() < 0.7:
        header = int.from_bytes(raw[:8], "little") + len(changed) - len(raw)
        changed[:8] = max(header, 0).to_bytes(8, "little")
    return bytes(changed)
