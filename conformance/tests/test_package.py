"""Packages of the small cases: each loader gives every bit, and the ports pass their tests with it.

A missing compiler is a skip, or with CONFORMANCE_REQUIRE_PORTS=1 a failure, save for Go. Left out:
the numbers themselves (`test_corpus.py`).
"""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from conformance import cli
from conformance.cases import recipes
from conformance.corpus import store
from conformance.corpus.export import PACKAGES, PORTS, export_package, is_small
from conformance.corpus.recipe import Mnist
from conformance.corpus.recorded import tensors
from conformance.errors import UsageError
from conformance.model.update_kinds import SGD
from conformance.tests.support import recorded

ROOT = store.root()
SMALL = [case for case in store.cases(ROOT) if is_small(case)]
WRITTEN = [case for case in SMALL if case.update == SGD and not case.masks]
"""The cases that the ports are written for."""
MOST = 1_000_000  # bytes of a package


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a package."""

    @cache
    def made(form: str) -> Path:
        folder = tmp_path_factory.mktemp("packages") / form
        export_package(ROOT, store.cases(ROOT), form, folder)
        return folder

    return made


Package = Callable[[str], Path]


def needed(program: str) -> str:
    """A program that a test runs; without it, the test is skipped, or fails in CI."""
    found = shutil.which(program)
    if found is None and program != "go" and os.environ.get("CONFORMANCE_REQUIRE_PORTS") == "1":
        pytest.fail(f"there is no {program}")
    return found or pytest.skip(f"there is no {program} to try the package with")


def run(words: list[str], place: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder."""
    return subprocess.run(  # noqa: S603
        words,
        cwd=place,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


# What a package holds


def test_the_small_cases_are_those_without_images_of_mnist() -> None:
    without = {each.case.id for each in recipes() if not isinstance(each.data, Mnist)}
    assert {case.id for case in SMALL} == without


@pytest.mark.parametrize("form", PACKAGES)
def test_a_package_is_small_and_complete(form: str, package: Package) -> None:
    folder = package(form)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST
    texts = {path.name: path.read_text("utf-8") for path in files if path.suffix != ".bin"}
    assert texts["LICENSE"] == (PORTS.parent.parent / "LICENSE").read_text("utf-8")
    for text in texts.values():
        assert "@version@" not in text
    readme = texts["README.md"]
    assert f"version, {store.version(ROOT)}," in readme
    for title in ("Tensors", "Equations", "A port's test", "Versions", "Licence"):
        assert f"\n\n## {title}\n" in readme
    described = json.loads(texts["cases.json"])
    assert described["version"] == store.version(ROOT)
    assert described["corpus"] == store.corpus_hash(ROOT)
    raw = (folder / PACKAGES[form] / "cases.bin").read_bytes()
    assert described["sha256"] == hashlib.sha256(raw).hexdigest()


def test_the_version_stands_where_each_language_looks_for_it(package: Package) -> None:
    said = store.version(ROOT)
    assert json.loads((package("npm") / "package.json").read_text("utf-8"))["version"] == said
    for form, name, words in (
        ("crate", "Cargo.toml", f'version = "{said}"'),
        ("python", "pyproject.toml", f'version = "{said}"'),
        ("go", "fixtures.go", f'const Version = "{said}"'),
    ):
        assert words in (package(form) / name).read_text("utf-8").splitlines()


def test_mnist_alone_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no cases on MNIST"):
        export_package(ROOT, store.cases(ROOT, "mnist-*"), "npm", tmp_path)
    assert not [*tmp_path.iterdir()]


def test_an_export_over_an_edited_package_changes_nothing(tmp_path: Path) -> None:
    few = store.cases(ROOT, "hand*")
    files = export_package(ROOT, few, "npm", tmp_path)
    edited = tmp_path / "package.json"
    edited.write_text("{}", encoding="utf-8")
    (tmp_path / "index.js").unlink()
    with pytest.raises(UsageError, match=r"package\.json is there with another content"):
        export_package(ROOT, few, "npm", tmp_path)
    assert {path for path in files if path.exists()} == {*files} - {tmp_path / "index.js"}


@pytest.mark.parametrize("words", [(), ("--to", "json", "--package", "npm"), ("--package", "gem")])
def test_a_form_or_a_package_is_asked_for(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["fixtures", "export", *words, str(tmp_path / "x")])
    assert left.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


# Every bit, by each loader


def bits() -> Iterator[str]:
    """A line for each tensor: case, name, shape, and its numbers as doubles, bit by bit."""
    for case in SMALL:
        for name, array in tensors(recorded(case.id)).items():
            doubles = np.ascontiguousarray(array, ">f8")
            yield f"{case.id} {name} {','.join(map(str, array.shape))} {doubles.tobytes().hex()}"


JAVASCRIPT = """
import { cases, read } from './index.js';
for (const { id } of cases()) {
  for (const [name, { shape, data }] of Object.entries(read(id))) {
    const view = new DataView(new ArrayBuffer(8 * data.length));
    data.forEach((value, e) => view.setFloat64(8 * e, value));
    console.log(id, name, shape.join(','), Buffer.from(view.buffer).toString('hex'));
  }
}
"""
RUST = """
fn main() {
    for case in backprop_fixtures::cases() {
        for (name, tensor) in backprop_fixtures::read(&case.id).unwrap() {
            let shape: Vec<String> = tensor.shape.iter().map(|n| n.to_string()).collect();
            let hex: String = tensor.data.iter().map(|v| format!("{:016x}", v.to_bits())).collect();
            println!("{} {} {} {}", case.id, name, shape.join(","), hex);
        }
    }
    assert!(backprop_fixtures::read("none").is_none());
}
"""
GO = """package fixtures

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

func TestBits(t *testing.T) {
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	file, _ := os.Create("bits.txt")
	for _, c := range cases {
		tensors, err := Read(c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for name, tensor := range tensors {
			shape := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(tensor.Shape)), ","), "[]")
			fmt.Fprint(file, c.ID, " ", name, " ", shape, " ")
			for _, value := range tensor.Data {
				fmt.Fprintf(file, "%016x", math.Float64bits(value))
			}
			fmt.Fprintln(file)
		}
	}
	file.Close()
	if _, err := Read("none"); err == nil {
		t.Fatal("there is no such case")
	}
}
"""


def test_the_python_loader_gives_every_bit(package: Package) -> None:
    read = importlib.util.spec_from_file_location(
        "backprop_fixtures", package("python") / "backprop_fixtures/__init__.py"
    )
    assert read is not None
    assert read.loader is not None
    loaded = sys.modules["backprop_fixtures"] = importlib.util.module_from_spec(read)
    try:
        read.loader.exec_module(loaded)
        lines = [
            f"{case.id} {name} {','.join(map(str, tensor.shape))} "
            + struct.pack(f">{len(tensor.data)}d", *tensor.data).hex()
            for case in loaded.cases()
            for name, tensor in loaded.read(case.id).items()
        ]
        assert sorted(lines) == sorted(bits())
        for case, ours in zip(loaded.cases(), SMALL, strict=True):
            assert (*case.activations,) == ours.activations
            assert case.batches == [[*batch] for batch in ours.batches]
        with pytest.raises(KeyError):
            loaded.read("none")
    finally:
        del sys.modules["backprop_fixtures"]


@pytest.mark.thorough
def test_the_javascript_loader_gives_every_bit(package: Package, tmp_path: Path) -> None:
    folder = tmp_path / "a folder with späces"
    shutil.copytree(package("npm"), folder)
    (folder / "bits.mjs").write_text(JAVASCRIPT, encoding="utf-8")
    done = run([needed("node"), "bits.mjs"], folder)
    assert (done.stderr, sorted(done.stdout.splitlines())) == ("", sorted(bits()))


@pytest.mark.thorough
def test_the_rust_loader_gives_every_bit(package: Package, tmp_path: Path) -> None:
    shutil.copytree(package("crate"), tmp_path / "crate")
    (tmp_path / "crate/examples").mkdir()
    (tmp_path / "crate/examples/bits.rs").write_text(RUST, encoding="utf-8")
    words = [needed("cargo"), "run", "--quiet", "--offline", "--example", "bits"]
    done = run(words, tmp_path / "crate", RUSTFLAGS="-D warnings")
    assert (done.stderr, sorted(done.stdout.splitlines())) == ("", sorted(bits()))


@pytest.mark.thorough
def test_the_go_loader_gives_every_bit(package: Package, tmp_path: Path) -> None:
    shutil.copytree(package("go"), tmp_path / "go")
    (tmp_path / "go/bits_test.go").write_text(GO, encoding="utf-8")
    offline = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOCACHE": str(tmp_path / "cache")}
    go = needed("go")
    done = run([go, "vet", "."], tmp_path / "go", **offline)
    assert done.returncode == 0, done.stderr
    done = run([go, "test", "."], tmp_path / "go", **offline)
    assert done.returncode == 0, done.stdout
    lines = (tmp_path / "go/bits.txt").read_text("utf-8").splitlines()
    assert sorted(lines) == sorted(bits())


def test_the_go_package_has_what_its_code_names(package: Package) -> None:
    folder = package("go")
    source = (folder / "fixtures.go").read_text("utf-8")
    embedded = [line.split()[1] for line in source.splitlines() if line.startswith("//go:embed")]
    assert all((folder / name).is_file() for name in embedded)
    assert (folder / "go.mod").read_text("utf-8").startswith("module backprop.test/fixtures\n")
    keys = set(re.findall(r'json:"(\w+)"', source))
    described = json.loads((folder / "cases.json").read_bytes())
    assert keys == {"schema_version", "cases", *described["cases"][0]}


@pytest.mark.thorough
def test_the_python_package_is_installed_by_pip_without_a_network(
    package: Package, tmp_path: Path
) -> None:
    pytest.importorskip("hatchling", reason="the package's own build backend is not installed")
    shutil.copytree(package("python"), tmp_path / "source")
    words = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--quiet"]
    there = str(tmp_path / "there")
    done = run([*words, "--no-build-isolation", "--target", there, "./source"], tmp_path)
    assert done.returncode == 0, done.stderr
    code = (
        "import backprop_fixtures as f; "
        "print(f.version(), len(f.cases()), len(f.read('hand-2-3-1')))"
    )
    done = run([sys.executable, "-P", "-c", code], tmp_path, PYTHONPATH=there)
    count = len(tensors(recorded("hand-2-3-1")))
    assert done.stdout == f"{store.version(ROOT)} {len(SMALL)} {count}\n", done.stderr


# The ports' own tests, as fixtures/README.md describes them


@pytest.fixture
def port(package: Package, tmp_path: Path) -> Callable[[str, str], Path]:
    """A copy of a port with its package in `fixtures`."""

    def copied(language: str, form: str) -> Path:
        shutil.copytree(PORTS / language, tmp_path / language)
        shutil.copytree(package(form), tmp_path / language / "fixtures")
        return tmp_path / language

    return copied


Port = Callable[[str, str], Path]


@pytest.mark.seldom
def test_the_port_to_rust_passes_its_test(port: Port) -> None:
    place, cargo = port("rust", "crate"), needed("cargo")
    words = [cargo, "test", "--offline", "--quiet", "--test", "test"]
    done = run([*words, "--", "--nocapture"], place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(WRITTEN)} cases compared\n" in done.stdout
    done = run(words, place, PORT_BREAK="1")
    assert done.returncode != 0
    assert "hand-2-3-1: 0/delta3" in done.stdout


@pytest.mark.seldom
def test_the_port_to_javascript_passes_its_test(port: Port) -> None:
    place, npm = port("javascript", "npm"), needed("npm")
    done = run([npm, "install", "--offline", "--no-audit", "--no-fund"], place)
    assert done.returncode == 0, done.stderr
    done = run([npm, "test"], place)
    assert done.returncode == 0, done.stdout
    steps = sum(case.steps for case in WRITTEN)
    assert f"# pass {steps + 1}\n" in done.stdout
    done = run([npm, "test"], place, PORT_BREAK="1")
    assert done.returncode != 0
    assert "b2[0] is " in done.stdout


# The promise: an id and a version never change their meaning

RELEASED = {
    "1.0.0": (
        "48a53c4ceca16d3f85f72686ee37ca674c0de804d7ac87eff54b5eb09a33712c",
        "c19885ce1c6f269f713ee896cc2c7c75495225cb3905ab16160fb54f83d2bffc",
    ),
}
"""By version: the SHA-256 of its ids, and of the hashes of its files.

None of these ever changes: a change of the corpus is a new version, and a new entry.
"""


def test_ids_and_files_are_those_of_the_version() -> None:
    manifest = store.read_manifest(ROOT)
    said = manifest["version"]
    ids = "\n".join(sorted(case["id"] for case in manifest["cases"]))
    hashes = sorted((name, each["sha256"]) for name, each in manifest["files"].items())
    files = "\n".join(f"{name} {sha256}" for name, sha256 in hashes)
    digests = tuple(hashlib.sha256(f"{said}\n{text}".encode()).hexdigest() for text in (ids, files))
    entry = f'"{said}": {digests}'
    assert RELEASED[said] == digests, f"the corpus changed: a new CORPUS_VERSION? add {entry}"
    assert [*RELEASED][-1] == said
