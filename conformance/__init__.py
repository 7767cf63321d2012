"""The suite that checks an implementation of the book's backprop, equation by equation."""
