"""A network with the book's interface as a subject: how it is called, watched, and run on balls."""
