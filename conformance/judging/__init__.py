"""A subject through a case: its steps run, each equation judged, its code run on balls."""
