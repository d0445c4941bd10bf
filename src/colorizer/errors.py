"""Errors that end in one clear line instead of a traceback."""

from typing import Any

DISTRIBUTION = "colorizer-unet"
"""The name that `pip install` knows this package by."""

MEMORY = (
    "the memory does not suffice: end other programs (in the pipeline, lower engine.workers in "
    "params.yaml)"
)


LEAST_MEMORY = 448 * 2**20
"""Bytes that any command needs beyond what it has when it starts."""


class ColorizerError(Exception):
    """Says in one line what was found, what was expected, and what to do about it."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Let other processes have it: the line is made once, not again from itself."""
        return Exception.__new__, (type(self), *self.args), vars(self)


class ImageError(ColorizerError):
    """The bytes are not an image that can be used."""


class UsageError(ColorizerError):
    """A command, an option or a path is not what the command takes."""


class OutOfMemoryError(ColorizerError, MemoryError):
    """The memory does not suffice for a photograph."""

    def __init__(self, photo: str) -> None:
        super().__init__(f"{photo}: {MEMORY}")


class MissingExtraError(ColorizerError):
    """An optional library is not installed.

    Args:
        task: what needs the library.
        library: its name.
        extra: the extra of `DISTRIBUTION` that installs it.

    Example:
        >>> print(MissingExtraError("colorizer web", "fastapi", "web"))
        colorizer web needs fastapi: pip install 'colorizer-unet[web]'
    """

    def __init__(self, task: str, library: str | None, extra: str) -> None:
        super().__init__(f"{task} needs {library}: pip install '{DISTRIBUTION}[{extra}]'")


class NoClassesError(ColorizerError):
    """A network predicts one color a pixel, and not how likely each color is.

    Args:
        model: the network's name.

    Example:
        >>> print(NoClassesError("model2"))
        model2 predicts one color a pixel, not classes: use the flagship
    """

    def __init__(self, model: str) -> None:
        super().__init__(f"{model} predicts one color a pixel, not classes: use the flagship")


class NoFeaturesError(ColorizerError):
    """A network does not tell by what photographs could be compared.

    Args:
        model: the network's name.

    Example:
        >>> print(NoFeaturesError("model2"))
        model2 cannot compare photographs: use the flagship (of an ONNX file, one exported anew)
    """

    def __init__(self, model: str) -> None:
        super().__init__(
            f"{model} cannot compare photographs: use the flagship (of an ONNX file, one exported "
            "anew)"
        )


NO_MEMORY = (
    *("allocate memory", "bad_alloc", "insufficient memory", "out of memory"),
    "can't start new thread",
    "could not create a primitive",  # oneDNN's
    *("error return without exception set", "without setting an exception"),  # of code in C
    "failed to map segment",  # of a library that is loaded
    "read(nbytes)",  # pandas', of a table
)
"""What libraries say where memory does not suffice, and seldom elsewhere."""


def one_line(error: BaseException | str) -> str:
    """Return any error's message on one line, cut where it becomes long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"


def printable(text: str) -> str:
    """Return text on one line: file names may hold line breaks and other control characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def require_memory() -> None:
    """Make sure that a process has the memory to begin with, before it does anything.

    Where less is left, libraries in C crash and a thread's start can wait for ever, so that no
    line would be said at all. What is asked for is given back at once, and costs nothing.

    Raises:
        ColorizerError: if there are less than `LEAST_MEMORY`.
    """
    try:
        bytes(LEAST_MEMORY)
    except MemoryError as error:
        raise ColorizerError(
            f"the memory does not suffice: less than {LEAST_MEMORY >> 20} MiB are left; end other "
            "programs or raise the limit (`ulimit -v`)"
        ) from error


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error says that the memory does not suffice, as libraries do in words.

    So does one that arose while such an error was handled.
    """
    if error is None or isinstance(error, ColorizerError | MemoryError):
        return isinstance(error, MemoryError)
    said = str(error).lower()
    return any(words in said for words in NO_MEMORY) or is_out_of_memory(error.__context__)
