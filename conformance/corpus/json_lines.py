"""JSON for reading by eye: an entry a line at the outer levels, and one line for what is inside.

Left out: which levels are the outer ones.
"""

import json
from typing import Any


def json_lines(value: Any, levels: int, *, indent: int = 0) -> str:
    """JSON of which the outermost dicts and lists have an entry a line.

    Args:
        value: what JSON can carry.
        levels: how many levels are spread over lines.
        indent: the spaces before the line that opens it.

    Example:
        >>> print(json_lines({"id": "a", "sizes": [2, 3]}, 1))
        {
         "id": "a",
         "sizes": [2, 3]
        }
    """
    if not (levels and value and isinstance(value, dict | list | tuple)):
        return json.dumps(value, ensure_ascii=False)
    named = isinstance(value, dict)
    entries = [
        (f"{json.dumps(key)}: " if named else "") + json_lines(each, levels - 1, indent=indent + 1)
        for key, each in (value.items() if isinstance(value, dict) else enumerate(value))
    ]
    opened, closed = "{}" if named else "[]"
    line = f"\n{' ' * indent}"
    return f"{opened}{line} {f',{line} '.join(entries)}{line}{closed}"
