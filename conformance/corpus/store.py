"""Reading and writing the corpus: one safetensors file a case, and the manifest over them.

Nothing is unpickled. Every file is checked against the size and the SHA-256 in the manifest before
it is parsed. Left out: what the values should be (`cases`).
"""

import json
import re
from collections.abc import Collection
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from conformance.corpus.case import SCHEMA_VERSION, Case
from conformance.corpus.casefile import MOST_BYTES, RESTORE, case_header, parse, sha256
from conformance.corpus.recorded import Recorded, assembled
from conformance.errors import CorpusError, UsageError

MANIFEST = "manifest.json"


def root() -> Path:
    """The corpus of this copy: inside the installed package, or `fixtures/` of the clone.

    Raises:
        CorpusError: there is none.
    """
    package = Path(__file__).resolve().parent.parent
    for place in (package / "_fixtures", package.parent / "fixtures"):
        if (place / "README.md").is_file():
            return place
    raise CorpusError(f"{package}: no fixtures beside the package; install it again")


def read_manifest(place: Path) -> dict[str, Any]:
    """The manifest of a corpus.

    Raises:
        CorpusError: it is missing, damaged, or of another version.
    """
    path = place / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}; run `conformance fixtures build`") from error
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{path}: not JSON ({error}); {RESTORE}") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != SCHEMA_VERSION:
        raise CorpusError(
            f"{path}: schema version {version!r}, this program reads version {SCHEMA_VERSION}; "
            "use the fixtures that came with it"
        )
    for name, kind in {"cases": list, "files": dict, "version": str}.items():
        if not isinstance(manifest.get(name), kind):
            raise CorpusError(f"{path}: `{name}` is missing; {RESTORE}")
    return dict(manifest)


def cases(
    place: Path, pattern: str | Collection[str] | None = None, dtype: str | None = None
) -> tuple[Case, ...]:
    """The cases of a corpus in the order of their ids, those that a glob and the dtype admit.

    Raises:
        CorpusError: the manifest is damaged.
        UsageError: nothing matches.
    """
    manifest = read_manifest(place)
    try:
        everything = tuple(Case.from_json(entry) for entry in manifest["cases"])
    except (ValueError, TypeError, AttributeError) as error:
        raise CorpusError(f"{place / MANIFEST}: {error}; {RESTORE}") from error
    chosen = tuple(case for case in everything if case.matches(pattern, dtype))
    if not chosen:
        raise UsageError(_no_case(pattern, dtype, [case.id for case in everything]))
    return chosen


def _no_case(pattern: str | Collection[str] | None, dtype: str | None, ids: list[str]) -> str:
    """What is said where no case is chosen, with the names that come near."""
    globs = [pattern] if isinstance(pattern, str) else [*(pattern or ())]
    names = {re.split(r"-\d", each)[0]: None for each in ids}  # without sizes
    near = [f"{e}-*" for g in globs for e in get_close_matches(re.split(r"-?[*\d]", g)[0], names)]
    of = f" of dtype {dtype}" if dtype else ""
    meant = f" (did you mean {', '.join(near)}?)" if near else ""
    begin = "" if near else f"; their names begin with {', '.join(names)}"
    return (
        f"no case{of} matches {' or '.join(map(repr, globs))}{meant}: `conformance fixtures list` "
        f"shows all {len(ids)}, `*` stands for any letters{begin}"
    )


def read(place: Path, case: Case) -> Recorded:
    """The numbers of a case.

    Raises:
        CorpusError: the file is missing, damaged, edited, or not the case of the manifest.
    """
    name = file_name(case)
    path = place / name
    raw = checked_bytes(place, name)
    header, tensors = parse(raw, path)
    if header != case_header(case):
        raise CorpusError(f"{path}: its header is not that of {MANIFEST}; {RESTORE}")
    try:
        return assembled(case, tensors)
    except ValueError as error:
        raise CorpusError(f"{path}: tensor {error}; {RESTORE}") from error


def file_name(case: Case) -> str:
    """The case's file, relative to the corpus."""
    return f"cases/{case.id}.safetensors"


def checked_bytes(place: Path, name: str) -> bytes:
    """The bytes of a file of the corpus, which are those that the manifest lists.

    Raises:
        CorpusError: it is missing, or its size or hash is another.
    """
    path = place / name
    entry = _files(place).get(name)
    if not isinstance(entry, dict):
        raise CorpusError(f"{path}: not listed in {MANIFEST}; {RESTORE}")
    try:
        size, listed = path.stat().st_size, entry.get("bytes")
        if size != listed or size > MOST_BYTES:
            raise CorpusError(
                f"{path}: {size} bytes, {MANIFEST} says {listed} (truncated?); {RESTORE}"
            )
        raw = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}; {RESTORE}") from error
    if sha256(raw) != entry.get("sha256"):
        raise CorpusError(
            f"{path}: not the bytes of {MANIFEST} (edited?): SHA-256 differs; {RESTORE}"
        )
    return raw


def corpus_hash(place: Path) -> str:
    """One short hash over all of the corpus: the SHA-256 of its manifest.

    Raises:
        CorpusError: there is no manifest.
    """
    read_manifest(place)
    return sha256((place / MANIFEST).read_bytes())


def version(place: Path) -> str:
    """The version of a corpus.

    Raises:
        CorpusError: there is no manifest.
    """
    return str(read_manifest(place)["version"])


@cache
def _files(place: Path) -> dict[str, Any]:
    return dict(read_manifest(place)["files"])
