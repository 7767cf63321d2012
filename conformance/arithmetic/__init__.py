"""Two arithmetics for the same equations: balls give the truth, running errors the tolerance."""
