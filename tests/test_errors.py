"""Errors that people see."""

import pickle

import pytest

from colorizer.errors import (
    ColorizerError,
    MissingExtraError,
    NoClassesError,
    OutOfMemoryError,
    one_line,
)


def test_one_line_cuts_long_messages() -> None:
    assert len(one_line(ValueError("word " * 100))) == 200


@pytest.mark.parametrize(
    "error",
    [MissingExtraError("it", "dask", "dask"), NoClassesError("model2"), OutOfMemoryError("it")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_another_process_says_the_same(error: ColorizerError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (type(error), str(error))
