"""The command line, the page and the human test."""
