"""Exported cases: each form is read back without our code, bit for bit; and what is refused."""

import json
import struct
from collections.abc import Callable, Iterator
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance import cli
from conformance.corpus import casefile, store
from conformance.corpus.export import FORMS, export
from conformance.errors import CorpusError, UsageError
from conformance.tests.parts import part
from conformance.tests.support import corpus_of, every_case, rewrite

HAND, SMALL = "hand-2-3-1", "cancelling-2-2-2"
ROOT = store.root()
IDS = [case.id for case in store.cases(ROOT)]

Bits = dict[str, tuple[list[int], bytes]]
"""By name: the shape, and the numbers row by row, little-endian."""


def exported(form: str, folder: Path, *ids: str, place: Path = ROOT) -> list[str]:
    """The names of the files that an export writes."""
    cases = [every_case()[id_] for id_ in ids]
    return [path.name for path in chain(*export(place, cases, form, folder))]


def safetensors(id_: str) -> tuple[dict[str, Any], Bits]:
    """The header and the tensors of the recorded file, read by hand."""
    raw = (ROOT / f"cases/{id_}.safetensors").read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    header, data = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    described = json.loads(header.pop("__metadata__")["case"])
    return described, {
        name: (entry["shape"], data[slice(*entry["data_offsets"])])
        for name, entry in header.items()
    }


def flat(rows: Any) -> Iterator[float]:
    """The numbers of nested lists."""
    if isinstance(rows, list):
        for row in rows:
            yield from flat(row)
    else:
        yield rows


def shape(rows: Any) -> list[int]:
    """The shape of nested lists."""
    return [len(rows), *shape(rows[0])] if isinstance(rows, list) else []


def from_json(folder: Path, id_: str) -> tuple[dict[str, Any], Bits]:
    """By the json module and struct."""
    header = json.loads((folder / f"{id_}.json").read_bytes())
    code = {"float64": "d", "float32": "f"}[header["case"]["dtype"]]
    bits = {}
    for name, rows in header.pop("tensors").items():
        numbers = [*flat(rows)]
        bits[name] = shape(rows), struct.pack(f"<{len(numbers)}{code}", *numbers)
    return header, bits


def from_npz(folder: Path, id_: str) -> tuple[dict[str, Any], Bits]:
    """By NumPy, which is to unpickle nothing."""
    with np.load(folder / f"{id_}.npz", allow_pickle=False) as archive:
        arrays = dict(archive)
    header = json.loads(arrays.pop("case").tobytes())
    assert {array.dtype.str for array in arrays.values()} == {
        {"float64": "<f8", "float32": "<f4"}[header["case"]["dtype"]]
    }
    return header, {name: ([*array.shape], array.tobytes()) for name, array in arrays.items()}


def from_bin(folder: Path, id_: str) -> tuple[dict[str, Any], Bits]:
    """By what its index says, which covers every byte once."""
    header = json.loads((folder / f"{id_}.index.json").read_bytes())
    raw = (folder / header.pop("file")).read_bytes()
    assert (header.pop("bytes"), header.pop("sha256")) == (len(raw), casefile.sha256(raw))
    width, end, bits = {"float64": 8, "float32": 4}[header["case"]["dtype"]], 0, {}
    for each in header.pop("tensors"):
        assert (each["dtype"], each["offset"]) == (header["case"]["dtype"], end)
        assert each["bytes"] == prod(each["shape"]) * width
        end += each["bytes"]
        bits[each["name"]] = each["shape"], raw[each["offset"] : end]
    assert end == len(raw)
    return header, bits


READ: dict[str, Callable[[Path, str], tuple[dict[str, Any], Bits]]] = {
    "json": from_json,
    "npz": from_npz,
    "bin": from_bin,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "id_",
    part(
        IDS,
        lambda id_: (every_case()[id_].dtype, every_case()[id_].cost),
        lambda id_: every_case()[id_].update,
        lambda id_: every_case()[id_].activations[-2:],
        lambda id_: every_case()[id_].layers,
    ),
)
def test_an_exported_case_has_every_bit_of_the_recorded_one(
    id_: str, form: str, tmp_path: Path
) -> None:
    exported(form, tmp_path, id_)
    assert READ[form](tmp_path, id_) == safetensors(id_)


def test_the_json_of_a_tiny_case_is_the_one_of_the_corpus(tmp_path: Path) -> None:
    (name,) = exported("json", tmp_path, HAND)
    assert (tmp_path / name).read_bytes() == (ROOT / "cases" / name).read_bytes()


@pytest.mark.parametrize("form", FORMS)
def test_an_export_has_the_files_that_it_names_and_no_companions(form: str, tmp_path: Path) -> None:
    names = exported(form, tmp_path / "new" / "folder", HAND, SMALL)
    assert names == [name.format(id_) for id_ in (HAND, SMALL) for name in FORMS[form][0]]
    assert sorted(names) == sorted(path.name for path in (tmp_path / "new/folder").iterdir())


@pytest.mark.parametrize("form", FORMS)
def test_an_export_gives_the_same_bytes_again(form: str, tmp_path: Path) -> None:
    names = exported(form, tmp_path / "a", HAND)
    exported(form, tmp_path / "b", HAND)
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("form", FORMS)
def test_an_export_into_its_own_folder_leaves_all_as_it_is(form: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    names = exported(form, tmp_path, HAND)
    inodes = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    assert exported(form, tmp_path, HAND) == names
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == inodes


@pytest.mark.parametrize("form", FORMS)
def test_another_content_is_kept_and_nothing_is_written(form: str, tmp_path: Path) -> None:
    exported(form, tmp_path / "right", HAND)
    mine = tmp_path / "mine" / FORMS[form][0][-1].format(HAND)
    right = (tmp_path / "right" / mine.name).read_bytes()
    mine.parent.mkdir()
    for content in (b"mine", right[:-1] + bytes([right[-1] ^ 1])):
        mine.write_bytes(content)
        with pytest.raises(UsageError, match=f"{mine.name} is there with another content"):
            exported(form, mine.parent, SMALL, HAND)  # the one that differs comes second
        assert [*mine.parent.iterdir()] == [mine]
        assert mine.read_bytes() == content


def test_a_folder_or_a_dead_link_in_the_place_of_a_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / f"{HAND}.json").mkdir()
    (tmp_path / f"{SMALL}.json").symlink_to(tmp_path / "nowhere")
    for id_ in (HAND, SMALL):
        with pytest.raises(UsageError, match=f"{id_}.json is there with another content"):
            exported("json", tmp_path, id_)
    assert not (tmp_path / "nowhere").exists()


def test_a_case_that_was_damaged_is_not_exported(tmp_path: Path) -> None:
    place = corpus_of(tmp_path / "c", SMALL)
    rewrite(place, SMALL, lambda tensors: tensors["0/z2"].fill(np.nan))
    with pytest.raises(CorpusError, match="0/z2 holds a number that is not finite"):
        exported("json", tmp_path / "out", SMALL, place=place)
    assert not (tmp_path / "out").exists()


# The command


def run(*words: str) -> int | str | None:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as left:
        cli.main(["fixtures", "export", *words])
    return left.value.code


def test_the_command_exports_what_the_glob_and_the_dtype_choose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--to", "bin", "--case", "hand*", "--dtype", "float32", str(tmp_path)) == 0
    assert capsys.readouterr().out == f"{tmp_path}: 1 case in 2 files\n"
    assert from_bin(tmp_path, f"{HAND}-float32") == safetensors(f"{HAND}-float32")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "xml", "."), "--to xml: give json, npz or bin"),
        (("--to", "npz", "--case", "none*", "."), "no case matches 'none*'"),
        (("--to", "npz", __file__), "test_export.py is no folder"),
        (("--to", "npz", f"{__file__}/x"), "Not a directory; give a folder that can be written to"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
