"""Numbers for reading: short decimals as they are, others to six digits, and more to part two.

Left out: what they mean.
"""

import math

SIX, SHORT = 6, 7
ALL = 17  # digits that tell any two floats apart


def written(number: float, digits: int = SIX) -> str:
    """The number in so many significant digits, with a minus that is no hyphen; exact if short."""
    if not math.isfinite(number):
        return str(number).replace("-", "−")
    short = f"{number:.{SHORT}g}"
    text = short if float(short) == number else f"{number:.{digits}g}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def apart(right: float, yours: float) -> tuple[str, str]:
    """Two numbers, to as many digits as tell them apart."""
    for digits in range(SIX, ALL + 1):
        pair = written(right, digits), written(yours, digits)
        if pair[0] != pair[1]:
            return pair
    return pair
