"""The HTTP service `colorizer serve`: photographs in, the same in color out, for other programs."""
