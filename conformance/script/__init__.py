"""A script that trains a network, run as it is, and what it trains judged."""
