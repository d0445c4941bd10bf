"""Train, judge and use networks that colour black-and-white photographs."""

__version__ = "0.1.0"
