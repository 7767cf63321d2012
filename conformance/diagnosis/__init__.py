"""From a verdict to its cause: which known mistake does this, or what can be measured of it."""
