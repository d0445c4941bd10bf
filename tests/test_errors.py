"""Errors that people see."""

from colorizer.errors import one_line


def test_one_line_cuts_long_messages() -> None:
    assert len(one_line(ValueError("word " * 100))) == 200
