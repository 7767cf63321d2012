"""Tests of grading the submissions of a class."""
