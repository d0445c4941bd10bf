"""What a person did not mean to do: errors that end in one clear line, not in a traceback."""


class ColorizerError(Exception):
    """What was found, what was expected, and what to do about it, in one line."""
