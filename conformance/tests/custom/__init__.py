"""Custom functions of torch as people write them, and mutants of them."""
