"""The version, which results bear too."""

__version__ = "0.1.0"
