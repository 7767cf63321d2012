"""Equations as MathML: nothing is lost, nothing is markup, and what differs is marked whole."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import fields

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.mistakes.catalogue import CATALOGUE
from conformance.report.mathml import DIFFERS, mathml, mathml_pair
from conformance.tests.support import PROFILE
from reference.equations import BOOK, COSTS, sigmoid, sigmoid_prime

SIGNS = st.text(st.sampled_from("wδσ′ᵀ²^_{}()[]‖⌊⌋∂Σ∇/−+=, .…lmx12<&⊙\x00\ud800"), max_size=40)


def formulas() -> Iterator[str]:
    """Those of the book, and of all known mistakes."""
    books = [BOOK.with_cost(cost) for cost in COSTS.values()]
    functions = [getattr(book, field.name) for book in books for field in fields(book)]
    for function in (sigmoid, sigmoid_prime, *functions):
        yield str(function.__doc__).splitlines()[0]
    for mistake in CATALOGUE.values():
        yield from (mistake.wrong, mistake.right)


FORMULAS = sorted(set(formulas()))


def shape(text: str) -> str:
    """A formula of MathML in a notation that shows its structure; «» is around what is marked."""
    return _shape(ET.fromstring(text))  # noqa: S314 - our own


def _shape(element: ET.Element) -> str:
    inner = [_shape(child) for child in element]
    if not inner:
        assert element.tag in {"mo", "mi", "mn", "mtext", "math", "mspace"}
        return (element.text or "").replace("\N{NO-BREAK SPACE}", " ")
    if element.tag == "mrow":
        return f"«{''.join(inner)}»" if element.get("class") else "".join(inner)
    pattern = {
        "math": "{}" * len(inner),
        "mfrac": "[{}/{}]",
        "msup": "{}^{{{}}}",
        "msub": "{}_{{{}}}",
        "munder": "{}_<{}>",
        "mover": "{}^<{}>",
        "msubsup": "{}_{{{}}}^{{{}}}",
        "munderover": "{}_<{}>^<{}>",
    }[element.tag]
    assert pattern.count("{}") == len(inner), f"{element.tag} of {len(inner)}"
    return re.sub("[\N{FUNCTION APPLICATION}\N{INVISIBLE SEPARATOR}]", "", pattern.format(*inner))


def words(text: str) -> str:
    """The signs of a formula, less what becomes structure."""
    plain = re.sub(r"[\s\[\](){}^_<>\N{INVISIBLE TIMES}]", "", text)
    return plain.translate(str.maketrans("Σᵀ²", "\N{N-ARY SUMMATION}T2"))


def marks(wrong: str, right: str) -> list[list[str]]:
    """What is marked in each of two formulas."""
    both = [shape(each).replace("\N{INVISIBLE TIMES}", " ") for each in mathml_pair(wrong, right)]
    return [re.findall("«([^»]*)»", each) for each in both]


def marks_of(id_: str) -> list[list[str]]:
    """What is marked in the wrong and in the right formula of a known mistake."""
    return marks(CATALOGUE[id_].wrong, CATALOGUE[id_].right)


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_sign_of_a_formula_is_lost(formula: str) -> None:
    assert words(shape(mathml(formula))) == words(formula)


@pytest.mark.parametrize("id_", CATALOGUE)
def test_marks_change_nothing_else(id_: str) -> None:
    mistake = CATALOGUE[id_]
    pair = mathml_pair(mistake.wrong, mistake.right)
    for formula, marked in zip((mistake.wrong, mistake.right), pair, strict=True):
        assert shape(marked).replace("«", "").replace("»", "") == shape(mathml(formula))


@pytest.mark.parametrize("id_", CATALOGUE)
def test_every_known_mistake_has_a_mark(id_: str) -> None:
    assert any(marks_of(id_))


@pytest.mark.parametrize("id_", CATALOGUE)
def test_no_mark_cuts_a_parenthesis(id_: str) -> None:
    for found in marks_of(id_):
        for mark in found:
            assert mark.count("(") == mark.count(")")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a^{l−1}", "a^{l−1}"),
        ("δ_j^{x,l}", "δ_{j}^{x,l}"),
        ("a^l_j", "a_{j}^{l}"),
        ("C_{x_m}", "C_{x_{m}}"),
        ("w_jk^l", "w_{jk}^{l}"),
        ("σ′(z^l)", "σ′(z^{l})"),
        ("(w^{l+1})ᵀ δ", "(w^{l+1})^{T}⁢δ"),
        ("σ′^2", "σ′^{2}"),
        ("∂C/∂w^l", "[∂C/∂w^{l}]"),
        ("∂C_{x_m}/∂b_j^l", "[∂C_{x_{m}}/∂b_{j}^{l}]"),
        ("(1/m)", "[1/m]"),
        ("(1/m)²", "([1/m])^{2}"),
        ("σ(1/m)", "σ([1/m])"),
        ("1 / (1 + e^−z)", "[1/1+e^{−z}]"),
        ("(1 − ηλ/n)", "(1−[η⁢λ/n])"),
        ("Σ_x δ", "\N{N-ARY SUMMATION}_<x>δ"),
        ("Σ_{x but the last} C_x", "\N{N-ARY SUMMATION}_<x but the last>C_{x}"),
        ("‖a^L − y‖²", "‖a^{L}−y‖^{2}"),
        ("⌊256 x⌋", "⌊256⁢x⌋"),
        ("∇_a C", "∇_{a}C"),
        ("a in float32", "a in float32"),
        ("(a", "(a"),
        ("a^", "a^"),
        ("a/b/c", "a/b/c"),
        ("∂/∂w", "[∂/∂w]"),
        ("", ""),
    ],
)
def test_a_formula_has_the_structure_that_it_is_read_with(formula: str, expected: str) -> None:
    assert shape(mathml(formula)) == expected


def test_letters_are_identifiers_and_signs_operators() -> None:
    made = mathml("w ← w − η ⊙ 2")
    for element in ("<mi>η</mi>", "<mo>←</mo>", "<mo>−</mo>", "<mo>⊙</mo>", "<mn>2</mn>"):
        assert element in made


def test_words_keep_the_spaces_around_them() -> None:
    made = ET.fromstring(mathml("z with b^l likewise"))  # noqa: S314
    assert "".join(made.itertext()).replace("\N{NO-BREAK SPACE}", " ") == "z with bl likewise"


def test_a_function_is_applied_and_factors_are_multiplied_without_being_seen() -> None:
    assert "<mo>\N{FUNCTION APPLICATION}</mo>" in mathml("σ′(z)")
    assert "<mo>\N{FUNCTION APPLICATION}</mo>" in mathml("ln(1 − a_j)")
    assert '<mo>\N{FUNCTION APPLICATION}</mo><mspace width="0.17em"/>' in mathml("ln a_j")
    assert "<mo>\N{INVISIBLE TIMES}</mo>" in mathml("w (1 − z)")
    assert "\N{INVISIBLE TIMES}" not in mathml("Σ_x δ + ∇_a C, and w")


def test_a_formula_may_stand_on_a_line_of_its_own() -> None:
    assert mathml("x", block=True) == '<math display="block"><mi>x</mi></math>'
    assert all('display="block"' in each for each in mathml_pair("x", "y", block=True))


@pytest.mark.parametrize(
    ("id_", "wrong", "right"),
    [
        ("bp2-no-sigma-prime", [], ["⊙σ′(z^{l})"]),
        ("bp2-no-transpose", ["w^{l+1}"], ["(w^{l+1})^{T}"]),
        ("bp2-wrong-layer", ["w^{l}"], ["w^{l+1}"]),
        ("sigma-prime-of-a", ["a^{l}"], ["z^{l}"]),
        ("ascends", ["+", "+"], ["−", "−"]),
        ("bp3-mean-for-sum", ["m^{2}"], ["m"]),
        ("bp3-sum-for-mean", [], ["[1/m]"]),
        ("bias-moves-with-weights", ["[∂C/∂w^{l}]"], ["[∂C/∂b^{l}]"]),
        ("delta-negated", ["(y−a^{L})"], ["(a^{L}−y)"]),
        ("update-before-bp2", ["−η [∂C/∂w^{l+1}]"], []),
        ("float32-inside", ["float32"], ["float64"]),
        ("shuffle-duplicates-rows", ["x_{2},y_{2}=x_{1},y_{1}"], ["each sample once"]),
        ("l2-after-step", ["(w^{l}−η [∂C/∂w^{l}])"], ["w^{l}−η [∂C/∂w^{l}]"]),
    ],
)
def test_just_what_differs_is_marked(id_: str, wrong: list[str], right: list[str]) -> None:
    assert marks_of(id_) == [wrong, right]


def test_equal_formulas_have_no_mark() -> None:
    assert marks("z^l = w a", "z^l = w a") == [[], []]


def test_all_is_marked_where_little_is_common() -> None:
    assert marks("a b c d e f", "x f y z u v w") == [["a b c d e f"], ["x f y z u v w"]]


def test_a_formula_is_data() -> None:
    hostile = '<script>alert("1")</script>&amp;<mrow class="differs">'
    made = mathml(hostile)
    assert "<script" not in made
    assert DIFFERS not in made
    assert {each.tag for each in ET.fromstring(made).iter()} <= {  # noqa: S314
        "math", "mrow", "mo", "mi", "mn", "mtext", "mfrac"
    }  # fmt: skip


@PROFILE
@given(st.text(max_size=60) | SIGNS)
@example("(" * 5000 + "x" + ")" * 5000)
@example("x" + "^a" * 5000)
@example("x" + "′" * 5000)
@example("∂" * 5000)
@example("a^∂b/" * 2000)
@example("a/" * 2000)
@example("0/(")
@example("\x00\x1b\ud800\uffff")
def test_any_text_at_all_becomes_well_formed(text: str) -> None:
    shape(mathml(text))


@PROFILE
@given(SIGNS, SIGNS)
@example("(" * 500 + "x" + ")" * 500, "(" * 500 + "y" + ")" * 500)
def test_any_two_texts_at_all_are_compared(one: str, other: str) -> None:
    for text, marked in zip((one, other), mathml_pair(one, other), strict=True):
        assert re.sub("[«»]", "", shape(marked)) == shape(mathml(text))
