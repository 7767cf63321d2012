"""What is said of a measure of a wrong quantity, in every form that a report has."""

from collections.abc import Callable

from conformance.diagnosis.measured import Measure, Measured


def measure_text(measure: Measure) -> str:
    """The measure as a clause, without a full stop."""
    words = _WORDS[measure.kind]
    return words(measure) if callable(words) else words.format(**dict(measure.values))


def _factor(measure: Measure) -> str:
    return f"it is {_number(measure['factor'])} × the right value"


def _proportional(measure: Measure) -> str:
    low, high = (f"{float(measure[name]):.4g}" for name in ("low", "high"))
    return f"it is proportional to the right value, by {low} to {high}"


def _momentum(measure: Measure) -> str:
    move = f"{_number(measure['part'])} × the last change of {measure['quantity']}^l"
    return f"it is the right value + {move}: momentum"


def _clipped(measure: Measure) -> str:
    limit = _number(measure["limit"])
    what = "it moves as if its gradient were" if measure["moves"] else "it is"
    of = " as a sum over the mini-batch" if measure["of_sum"] else ""
    return f"{what} clipped to [−{limit}, {limit}]{of}"


def _one_sample(measure: Measure) -> str:
    often = ", m times" if measure["often"] else ""
    return f"it is made of the {measure['sample']} sample alone{often}"


def _offset(measure: Measure) -> str:
    offset = float(measure["offset"])
    return f"it is the right value {'+' if offset > 0 else '−'} {_number(abs(offset))}"


def _only(measure: Measure) -> str:
    ending, be = ("s", "are") if measure["several"] else ("", "is")
    return f"only {measure['axis']}{ending} {measure['places']} {be} wrong"


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


_WORDS: dict[Measured, str | Callable[[Measure], str]] = {
    Measured.COMPLEX: "its numbers are complex",
    Measured.NOT_FINITE: "it is not a finite number",
    Measured.OTHER_DTYPE: "its numbers are right: only their dtype is not",
    Measured.BIG_ENDIAN: "{name} is right, but its bytes are big-endian, not little-endian",
    Measured.BY_COLUMNS: "{name} is right, but it was written column by column, not row by row",
    Measured.FEW_DIGITS: "no number that was shown has more than {most} digits: as text, a {dtype} "
    "needs {needed}",
    Measured.FLUSHED: "subnormal numbers, below {least:.3g}, are flushed to zero",
    Measured.SHAPE: "it has the shape {got}, not {right}",
    Measured.REDUCED: "its {by} over the samples is the right value",
    Measured.ZERO: "it is zero",
    Measured.FACTOR: _factor,
    Measured.PROPORTIONAL: _proportional,
    Measured.MOVES: "it moves {factor} × as far as it should",
    Measured.CLIPPED: _clipped,
    Measured.MULTIPLIED: "it is {function} × the right value, entry by entry",
    Measured.DIVIDED: "it is the right value / {function}, entry by entry",
    Measured.WITHOUT: "it is the right value without {term}",
    Measured.WITH_ONE_MORE: "it is the right value with one more {term}",
    Measured.WITH_MINUS: "it is the right value with minus {term}",
    Measured.ONE_SAMPLE: _one_sample,
    Measured.TRANSPOSED: "it is the right value transposed",
    Measured.PERMUTED: "it is right but for the order of the {axis}s: {order} in the first failure",
    Measured.OF_STEP_BEFORE: "it is the value of the step before",
    Measured.AS_BEFORE: "it is what it was before the step",
    Measured.MOMENTUM: _momentum,
    Measured.OFFSET: _offset,
    Measured.ONLY_LAST: "only the last {axis} is wrong",
    Measured.ALL_BUT_LAST: "only the last {axis} is right, all others are wrong",
    Measured.ALL_BUT_FIRST: "only the first {axis} is right, all others are wrong",
    Measured.ONLY: _only,
    Measured.SIZE: lambda size: (
        f"it is off by up to {float(size['part']):.2g} of the largest entry"
    ),
    Measured.NOT_ZERO: "it is not zero",
    Measured.SAMPLES: "it is the mean over the samples {samples} of the mini-batch; its own are "
    "{own}",
}
