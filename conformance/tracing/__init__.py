"""One run of somebody's code, recorded so that it can be evaluated again on balls."""
