"""A network with the book's interface as a subject: how it is called, traced, and run on balls."""
