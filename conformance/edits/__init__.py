"""Changes of one line of a program, and which of them makes it right."""
