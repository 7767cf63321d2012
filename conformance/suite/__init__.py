"""The pytest suite that judges a subject: one file a concern, one test an equation.

`pytest --pyargs conformance.suite --conformance-subject NAME`; `-k bp2` picks an equation.
"""
