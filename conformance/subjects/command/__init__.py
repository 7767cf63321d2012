"""A command as a subject: a port in any language."""
