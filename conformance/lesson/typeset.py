"""An equation of a docstring as markup: one place, so that how it is typeset can change.

Left out: typesetting; the text stands as it is.
"""

from html import escape


def typeset(formula: str) -> str:
    """Safe markup of an equation such as `z^l = w^l a^{l−1} + b^l`."""
    return escape(formula)
