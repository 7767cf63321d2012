"""The verdict in one sentence, the same in every report that is a page, and how much was judged.

Left out: what supports it (`terminal.py`, `markdown.py`, the HTML page).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from conformance.judging.case_report import CaseReport
from conformance.model.table import CAUSAL
from conformance.outcome import Blame, Outcome
from conformance.report.blame_words import (
    LISTED,
    at_layers,
    change_words,
    declined_words,
    equation_of_blame,
    skipped_words,
)
from conformance.report.cause_words import joined, mistakes
from conformance.report.exact_words import loss_text
from conformance.report.measure_words import measure_text
from conformance.report.message import accused, finding_texts
from conformance.verdict.compare import FREE, Status, Verdict
from reference.step import STATE, split

WORDS = {0: "conformant", 1: "not conformant"}
SIGNS = {0: "✓", 1: "✗"}
"""By the exit code; anything else is not judged, and has an exclamation mark."""

UNKNOWN_RULE = "update_mini_batch moves the parameters by no rule that is known"


def verdict(report: Outcome) -> str:
    """The verdict in a word or two, to stand after "is"."""
    return WORDS.get(report.exit_code, "not judged")


def outcome(report: Outcome) -> str:
    """The verdict, and of how many cases it is if the subject declined others."""
    if not report.declined:
        return verdict(report)
    if not report.ok:
        return f"{verdict(report)}, {declined(report)}"
    judged, refused = len(report.cases), len(report.declined)
    right = f"{judged} of {pluralize(judged + refused, 'case')} {verdict(report)}"
    return f"{right}, {refused} declined: {declined_words(report)}"


def declined(report: Outcome, most: int | None = LISTED) -> str:
    """How many cases the subject declined, why, and which; see `declined_words`."""
    cases = pluralize(len(report.cases) + len(report.declined), "case")
    return f"{len(report.declined)} of {cases} declined: {declined_words(report, most)}"


def sentence(report: Outcome) -> str:
    """What is wrong and why, without the subject's name and without a full stop.

    Such as `BP2 is wrong at layer 2: σ′ is taken at a, which has been through σ already`. It may
    hold the subject's own words: whoever shows it escapes it.
    """
    lost = [loss_text(report, each).rsplit(", ", 1)[0] for each in report.losses]
    badly = any(each.badly for each in report.losses)
    told = [*_wrong(report)] or finding_texts(report) or (lost if badly else [])
    if told:
        return "; ".join(told)
    passes = [each for case in report.cases for each in case.passes]
    cases = pluralize(len(report.cases), "case")
    if report.compares_right:
        right = f"all {len(passes):,} quantities that it shows in {cases} are right"
        right += f", {len(report.declined)} declined" if report.declined else ""
        unknown = [UNKNOWN_RULE] if report.moves_unknown else []
        return "; ".join([*unknown, right, *lost])
    if report.declined and not report.cases:
        return f"nothing was compared: it declined {pluralize(len(report.declined), 'case')}"
    stopped = [each for each in report.cases if each.status is Status.ERROR]
    if not stopped:
        return "nothing was compared"
    return f"it could not be judged in {len(stopped)} of {cases}{_stopped(report, stopped)}"


def counts(report: Outcome) -> str:
    """How many quantities agree, how many are wrong, and which are not shown."""
    passes = [each for case in report.cases for each in case.passes]
    entries = sum(each.worst.entries for each in passes if each.worst)
    failures = sum(bool(each.name) for case in report.cases for each in case.failures)
    lost = sum(len(case.lost) for case in report.cases)
    unseen = {
        each.name.rstrip("0123456789")
        for case in report.cases
        for each in case.verdicts
        if each.name and each.status is Status.NOT_OBSERVED and each.mode != FREE
    }
    hidden = f", not observed: {', '.join(sorted(unseen))}" if unseen else ""
    digits = f", {lost} with lost digits" if lost else ""
    few = sum(len(case.undecided) for case in report.cases)
    digits += f", {few} undecided" if few else ""
    return (
        f"{pluralize(len(report.cases), 'case')}: {len(passes):,} quantities ({entries:,} entries) "
        f"agree, {failures} wrong{digits}{hidden}"
    )


def facts(report: Outcome) -> Iterator[str]:
    """How much was judged, by which conventions, and what was not and why."""
    yield from change_words(report, "")
    yield counts(report)
    yield judged_words(report.cases)
    yield from format_words(report)
    if report.conventions:
        yield f"conventions recognised: {', '.join(report.conventions)}"
    if report.skipped:
        yield f"not put to it: {skipped_words(report)}"
    if report.declined:
        yield declined(report)
    yield from report.notes


def format_words(report: Outcome) -> Iterator[str]:
    """That the inputs are rounded to a short format, and which quantities it cannot decide."""
    if not report.cases or not report.cases[0].case.format.short:
        return
    of = report.cases[0].case.format
    yield f"inputs of the cases are rounded to {of.name}, and what is right is computed from them"
    needed: dict[str, list[int]] = {}
    for case in report.cases:
        for each in case.undecided:
            needed.setdefault(case.case.rows[each.name].tag, []).append(each.bits)
    said = [f"{tag} {len(needed[tag])}{_bits(needed[tag])}" for tag in CAUSAL if tag in needed]
    if said:
        yield f"undecided in {of.name}, which has {of.bits} bits: {', '.join(said)}"


def _bits(needed: Sequence[int]) -> str:
    """How many bits would decide, in brackets."""
    known = sorted({*needed} - {0})
    if not known:
        return " (no number of bits is known to)"
    return f" ({'' if len(known) == 1 else f'{known[0]} to '}{known[-1]} bits would decide)"


def pluralize(count: int, noun: str) -> str:
    """A number of things: `1 case`, `2 cases`."""
    return f"{count:,} {noun}{'s'[: count != 1]}"


def _stopped(report: Outcome, stopped: Sequence[CaseReport]) -> str:
    """Why the first of some cases was not judged to the end."""
    lines = [line for each in stopped for line in each.error.splitlines()[:1]]
    if not lines:
        return ""
    said = lines[0].rstrip(":").removeprefix(report.subject).lstrip().removeprefix("stopped ")
    return f", first {said}" if said.startswith("in ") else f": {said.removeprefix(': ')}"


def _wrong(report: Outcome) -> Iterator[str]:
    """The equations that are wrong, those together that one cause explains."""
    told = [(_why(report, blame), blame) for blame in report.blames]
    for why, group in groupby(told, key=lambda each: each[0]):
        together = [blame for _, blame in group]
        for blames in [together] if why else [[blame] for blame in together]:
            yield f"{_where(blames)}{': ' * bool(why)}{why}"


def _where(blames: Sequence[Blame]) -> str:
    be = "is" if len(blames) == 1 else "are"
    places = {blame.layers for blame in blames}
    if len(places) == 1:
        tags = joined([blame.tag for blame in blames])
        return f"{tags} {be} wrong{at_layers(places.pop())}"
    return f"{joined([f'{blame.tag}{at_layers(blame.layers)}' for blame in blames])} {be} wrong"


def _why(report: Outcome, blame: Blame) -> str:
    """The cause of one wrong equation, if there is one formula alone, or what can be measured."""
    if blame.first.doubted:
        return accused(blame.first, equation_of_blame(report, blame).field)
    known = mistakes(report, blame.tag)
    if known:
        same = len({(each.wrong, each.right) for each in known}) == 1
        return _within(known[0].sentence) if same else ""
    measured = (m for each in report.causes if each.tag == blame.tag for m in each.measured)
    return next(map(measure_text, measured), "")


def _within(text: str) -> str:
    """A sentence as it stands within another."""
    text = text.removesuffix(".")
    first = text.split(" ", 1)[0]
    plain = first.isascii() and first.istitle() and first.isalpha()
    return f"{text[0].lower()}{text[1:]}" if plain else text


KINDS = {
    "a": "activations",
    "cost": "cost",
    "nabla_b": "gradients",
    "nabla_w": "gradients",
    "delta": "δ",
    "reduced_b": "reduced gradients",
    "reduced_w": "reduced gradients",
    "z": "weighted inputs",
    "b": "updated parameters",
    "w": "updated parameters",
    **dict.fromkeys(STATE, "velocities and moments"),
}
OUTPUTS, FREE_RUN = "outputs", "free run"
DEPTHS = (
    *(OUTPUTS, "cost", "gradients", "δ", "activations", "weighted inputs"),
    *("reduced gradients", "velocities and moments", "updated parameters"),
)
COMPARED = (Status.PASS, Status.FAIL, Status.LOST, Status.EXPLAINED)


def judged(reports: Iterable[CaseReport]) -> list[str]:
    """What was compared, as words of `DEPTHS`, and "free run" if one was followed."""
    found = {
        depth
        for report in reports
        for verdict in report.verdicts
        if verdict.name and verdict.status in COMPARED
        for depth in _depths(verdict, report.case.layers)
    }
    return [depth for depth in (*DEPTHS, FREE_RUN) if depth in found]


def judged_words(reports: Iterable[CaseReport]) -> str:
    """The same as a line of a report."""
    return f"judged: {', '.join(judged(reports)) or 'nothing'}"


def _depths(verdict: Verdict, layers: int) -> list[str]:
    quantity, layer = split(verdict.name)
    output = quantity == "a" and layer == layers
    return [OUTPUTS if output else KINDS[quantity], *[FREE_RUN] * (verdict.mode == FREE)]
