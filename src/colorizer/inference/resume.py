"""Tells whether a result that exists is the one that would be made: by its mark, not its name."""

from pathlib import Path

from colorizer.photo.marking import Mark, read_mark


def difference(result: Path, mark: Mark) -> str:
    """Return what a result says that it was made otherwise, or "".

    A result without a mark, such as one of --no-mark, a BMP file or a copy, says nothing. The
    version of this tool makes no difference.

    Args:
        result: a file that exists.
        mark: what would be written in its place.

    Raises:
        OSError: if it cannot be read.
    """
    there = read_mark(result)
    if there is None:
        return ""
    if there.source != mark.source:
        return "was made from another file"
    if _model(there) != _model(mark):
        return f"was made by another model{_model(there)}"
    if there.parameters != mark.parameters:
        return f"was made with other options ({there.parameters or 'none'})"
    return ""


def _model(mark: Mark) -> str:
    """Return the model in a mark's software: what follows the tool and its version."""
    return "".join(mark.software.partition(" (")[1:])
