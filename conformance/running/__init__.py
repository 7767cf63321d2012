"""Other people's code and programs: run under limits, ended with all that they started."""
