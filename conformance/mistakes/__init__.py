"""The catalogue of known mistakes: each a wrong equation that runs in the place of the right one."""
