"""Elements of HTML and SVG whose texts cannot become markup.

Left out: what a page says (`conformance.report.backward_page`).
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from conformance.report.page.highlight import Runs
from conformance.report.visible import visible

Child = ET.Element | str


def element(tag: str, *children: Child, **attributes: object) -> ET.Element:
    """An element; `class_` stands for class, and `aria_label` for aria-label; None is left out."""
    names = {key: key.rstrip("_").replace("_", "-") for key in attributes}
    given = {names[k]: visible(str(v)) for k, v in attributes.items() if v is not None}
    made = ET.Element(tag, given)
    append(made, *children)
    return made


def append(parent: ET.Element, *children: Child) -> None:
    """Put children behind those that an element has."""
    for each in children:
        if not isinstance(each, str):
            parent.append(each)
        elif len(parent):
            parent[-1].tail = f"{parent[-1].tail or ''}{visible(each, keep=chr(10))}"
        else:
            parent.text = f"{parent.text or ''}{visible(each, keep=chr(10))}"


def markup(elements: Iterable[ET.Element]) -> str:
    """Elements as text, which is XML too; each has an end tag, as HTML wants it."""
    return "".join(
        ET.tostring(each, encoding="unicode", short_empty_elements=False) for each in elements
    )


def coloured(runs: Runs, tag: str = "span") -> list[Child]:
    """Source as children of an element."""
    return [element(tag, text, class_=kind) if kind else text for kind, text in runs]


def quoted(words: str) -> list[Child]:
    """Words of which what stands between backticks is code."""
    return [
        element("code", part) if i % 2 else part for i, part in enumerate(words.split("`")) if part
    ]
