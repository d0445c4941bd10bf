"""The tables of a study's database, and connections to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from colorizer.errors import ColorizerError

APPLICATION = 0x54757269  # "Turi", in the file's header
VERSION = 1

SCHEMA = """
CREATE TABLE study (
    id TEXT NOT NULL,
    seconds REAL NOT NULL CHECK (seconds > 0),
    practice INTEGER NOT NULL CHECK (practice >= 0),
    pairs INTEGER NOT NULL CHECK (pairs > 0),
    photos TEXT NOT NULL
);
CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    weights TEXT NOT NULL CHECK (length(weights) = 64),
    UNIQUE (name, weights)
);
CREATE TABLE people (
    id TEXT NOT NULL UNIQUE,
    model INTEGER NOT NULL REFERENCES models,
    seed INTEGER NOT NULL,
    started_on TEXT NOT NULL CHECK (started_on IS date(started_on))
);
CREATE TABLE trials (
    person TEXT NOT NULL REFERENCES people (id),
    number INTEGER NOT NULL CHECK (number > 0),
    kind TEXT NOT NULL CHECK (kind IN ('practice', 'test', 'vigilance')),
    photo TEXT NOT NULL,
    other TEXT CHECK (other <> photo),
    fake TEXT NOT NULL CHECK (fake IN ('left', 'right')),
    layout TEXT CHECK (layout IN ('beside', 'in turn')),
    answer TEXT CHECK (answer IN ('left', 'right')),
    seconds REAL CHECK (seconds >= 0),
    PRIMARY KEY (person, number),
    UNIQUE (person, photo),
    CHECK ((other IS NOT NULL) = (kind = 'vigilance')),
    CHECK ((answer IS NULL) = (layout IS NULL) AND (answer IS NULL) = (seconds IS NULL))
);
"""


@contextmanager
def connect(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection. Its transaction is committed at the end, rolled back after an error."""
    try:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            with connection:
                yield connection
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise ColorizerError(f"{path}: {error}: name another database with --db") from None
