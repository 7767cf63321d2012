"""Programs as courses and tutorials have people write them, right and with one line wrong."""
