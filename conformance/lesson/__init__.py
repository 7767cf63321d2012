"""One step of a network as a page that a student walks through."""
