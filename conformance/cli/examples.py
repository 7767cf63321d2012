"""The examples that `--help` shows below a command. Left out: the commands."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": (
        "conformance check my_network.py",
        "conformance run train.py",
        "conformance check -h",
    ),
    "check": (
        "conformance check my_network.py",
        "conformance check homework.ipynb",
        "conformance check network.py:Network --case 'hand*' -v",
        "conformance check network.py:Network --html report.html --badge badge.json",
        "conformance check --command './port {case} {out}'",
    ),
    "run": (
        "conformance run train.py",
        "conformance run --updates 5 train.py data.csv",
        "conformance run --html report.html train.py",
    ),
    "init": ("conformance init my_network.py", "conformance init -o judge.py network.py:Network"),
    "grade": (
        "conformance grade homework1 --html homework1.html",
        "conformance grade homework1 --file network.py --sandbox bwrap --jobs 4",
        "conformance grade homework1 --gradescope results --hide-answers",
    ),
    "gradcheck": (
        "conformance gradcheck network.py:Network",
        "conformance gradcheck network.py:Network --sizes 4,5,3",
    ),
    "mistakes": ("conformance mistakes", "conformance mistakes bp2-no-sigma-prime"),
    "prove": ("conformance prove", "conformance prove --pairs 20"),
    "explain": (
        "conformance explain --sizes 2,3,1",
        "conformance explain --case hand-2-3-1",
        "conformance explain --html lesson.html",
    ),
    "train": (
        "conformance train --epochs 3",
        "conformance train --subjects reference,network.py:Network",
        "conformance train --mnist mnist --plot training.svg",
    ),
    "bench": ("conformance bench", "conformance bench --json speed.json"),
    "fixtures build": ("conformance fixtures build --to other",),
    "fixtures verify": ("conformance fixtures verify",),
    "fixtures list": ("conformance fixtures list --case '*-float32'",),
    "fixtures export": (
        "conformance fixtures export --to json --case 'hand*' cases",
        "conformance fixtures export --package npm backprop-fixtures",
    ),
    "mnist fetch": ("conformance mnist fetch mnist",),
}
"""By the words of the command; none for `conformance` itself."""


def epilog(command: str, before: str = "") -> str:
    """What `--help` says at the end: an empty line is a new line there."""
    said = ("Examples:", *(f"$ {each}" for each in EXAMPLES.get(command, ())))
    return "\n\n".join((before, *said) if before else said)
