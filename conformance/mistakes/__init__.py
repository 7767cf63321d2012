"""The catalogue of known mistakes: wrong equations that run in the place of the right ones."""
