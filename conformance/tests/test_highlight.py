"""Source with colours: no character is lost, no line is left out, every colour can be read."""

import re
from itertools import product
from pathlib import Path

import pytest

from conformance.report.document import styled
from conformance.report.page import highlight
from conformance.report.page.highlight import CLASSES, excerpt, source_lines, text_lines, wrapped

SOURCE = '''def f(x):
    """Two

    lines."""

    y = x + 1  # one
    return y
'''
STYLE = styled()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "source.py"
    path.write_text(SOURCE, "utf-8")
    return str(path)


def plain(runs: highlight.Runs) -> str:
    return "".join(text for _, text in runs)


def test_no_character_is_lost_and_a_string_of_many_lines_is_one(file: str) -> None:
    lines = source_lines(file, range(-3, 20))
    assert [(n, plain(runs)) for n, runs in lines] == [*enumerate(SOURCE.splitlines(), 1)]
    assert lines[3][1][-1][0] == "string"
    assert ("number", "1") in lines[5][1]
    assert {("keyword", "def"), ("function", "f")} <= set(lines[0][1])


def test_an_excerpt_skips_no_line_and_shares_no_indentation(file: str) -> None:
    lines = excerpt(file, 6, 2)
    assert [n for n, _ in lines] == [4, 5, 6, 7]
    assert plain(lines[-1][1]) == "return y"
    assert [n for n, _ in excerpt(file, 6, 1)] == [6, 7]  # an empty line at the edge says nothing


def test_json_and_other_texts_have_lines_too() -> None:
    assert [plain(each) for each in text_lines('{\n "a": 1\n}\n', "x.json")] == [
        "{",
        ' "a": 1',
        "}",
    ]
    assert text_lines("a < b", "x.txt") == [(("", "a < b"),)]


@pytest.mark.parametrize("width", [8, 13, 80])
def test_a_wrapped_line_fits_and_says_where_it_is_cut(width: int, file: str) -> None:
    runs = source_lines(file, range(6, 7))[0][1]
    whole = wrapped(runs, width, 9)
    assert all(len(plain(each)) <= width for each in whole)
    assert "".join(map(plain, whole)).replace(" ", "") == "y=x+1#one"
    (short,) = wrapped(runs, width, 1)
    assert plain(short).endswith("…") is (len(whole) > 1)


def luminance(color: str) -> float:
    digits = color * 2 if len(color) == 3 else color
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_colour_of_code_can_be_read_in_both_themes() -> None:
    light, dark = (
        dict(re.findall(r"--(\w+): #(\w+);", part))
        for part in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    )
    for theme in (light, dark):
        colors = {"soft", "ink", "fail", "pass", "link", *CLASSES.values()}
        for color, ground in product(colors, ("paper", "sheet", "blamed")):
            assert contrast(theme[color], theme[ground]) >= 4.5, (color, ground)
