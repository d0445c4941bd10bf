"""Errors that people see."""

import pickle

import pytest

from colorizer.errors import (
    ColorizerError,
    MissingExtraError,
    NoClassesError,
    OutOfMemoryError,
    is_out_of_memory,
    one_line,
    require_memory,
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


def test_too_little_memory_is_known_by_what_libraries_say_and_by_what_they_hide() -> None:
    for said in (
        "Error tokenizing data. C error: out of memory",
        "libtorch.so: failed to map segment from shared object",
        "could not create a primitive",
    ):
        assert is_out_of_memory(RuntimeError(said))
    try:
        try:
            raise RuntimeError("can't start new thread")
        except RuntimeError:
            raise AttributeError("'DummyProcess' object has no attribute 'terminate'")  # noqa: B904
    except AttributeError as error:
        assert is_out_of_memory(error)
    assert not is_out_of_memory(ColorizerError("broken: out of memory"))
    assert not is_out_of_memory(ValueError("no number"))


def test_a_process_begins_only_with_the_memory_that_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_memory()
    monkeypatch.setattr("colorizer.errors.LEAST_MEMORY", 2**60)
    with pytest.raises(ColorizerError, match=rf"less than {2**40} MiB are left; end other"):
        require_memory()
