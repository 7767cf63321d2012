"""Files of a program, executed as Python does, and what stands in for modules that are not here."""
