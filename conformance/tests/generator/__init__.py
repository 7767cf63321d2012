"""Programs for measuring the checker: right networks in many styles, and each with one fault.

A style is a program as people write it, `styles/NAME.txt`. Lines that begin with `#` and one of the
marks below say where faults may be laid, and are no part of the program:

- `#? ENTRY OPTION…`, the first line: the class or function, and what `style.py` lists as options;
- `#= TAG`: the line above computes this equation, and any change of its right side is a fault of
  that equation; with an expression after the tag, changes of that part of the line alone;
- `#- TAG expression`: likewise, but changes within the expression are left out, for instance since
  they belong to another equation;
- `#! TAG name: line`: this line in the place of the one above is a fault of that equation;
  `#! TAG name @2: line` if the second line below may be named too.

Two tags joined by `+`: the line breaks both equations, and both are to be blamed.

What is a fault: a line that no longer computes its equation from its own inputs, so that a
gradient, an output or a new parameter is another number in one of the cases of the style at least.
What is none: a step that is m times or 1/m times as long for all parameters (`selection.py`),
unless the line is the update's own; and a program that stops. Where no line decides between two
equations, as in a sum over samples that is never formed before the parameters move, no place is
marked. Where δ holds the 1/m, it stays in every fault of δ: without it nobody could say whether the
update lacks it.

`python -m conformance.tests.generator` measures. Imports nothing of the project but `check`, the
recorded cases and their vocabulary.
"""
