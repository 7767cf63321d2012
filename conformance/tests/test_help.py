"""`--help` and `-h`: every command shows examples, and they are commands that it takes."""

import shlex
from typing import Any

import pytest
import typer

from conformance.cli.app import app
from conformance.cli.examples import EXAMPLES


def commands() -> dict[str, Any]:
    """Every command by its words."""
    found: dict[str, Any] = {}
    for name, each in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(each, "commands", None) or {}
        found |= {f"{name} {word}": command for word, command in inner.items()}
        found |= {} if inner else {name: each}
    return found


COMMANDS = commands()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_has_examples_that_it_understands(name: str) -> None:
    known = {word for each in COMMANDS[name].params for word in (*each.opts, *each.secondary_opts)}
    for example in EXAMPLES[name]:
        words = shlex.split(example)
        start = ["conformance", *name.split()]
        assert words[: len(start)] == start
        assert {each for each in words[len(start) :] if each.startswith("-")} <= known
        assert example in COMMANDS[name].epilog


def test_no_example_is_of_a_command_that_is_not_there() -> None:
    assert set(EXAMPLES) == {"", *COMMANDS}


@pytest.mark.parametrize("name", ["bench", "check", "gradcheck", "grade", "prove", "run", "train"])
def test_a_command_that_judges_says_its_exit_codes(name: str) -> None:
    assert "Exit codes: 0 " in COMMANDS[name].epilog


def test_h_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        app(args=["fixtures", "list", "-h"])
    assert left.value.code == 0
    assert "conformance fixtures list --case" in capsys.readouterr().out
