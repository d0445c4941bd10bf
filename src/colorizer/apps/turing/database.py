"""The study's file: an SQLite database of the planned pairs and the answers.

About a person it stores a random id, the day, the pairs, and the answers with their seconds: no
name, no address, no time of day.
"""

import secrets
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from datetime import date
from pathlib import Path
from random import Random
from typing import Literal

from colorizer.apps.turing.schema import APPLICATION, SCHEMA, VERSION, connect
from colorizer.apps.turing.trials import (
    Answer,
    Layout,
    Method,
    Progress,
    Protocol,
    Side,
    Trial,
    plan_trials,
)
from colorizer.errors import ColorizerError, UsageError

TRIAL = "number, kind, photo, other, fake"
"""The columns of a `Trial`, in its order."""

UNFINISHED = "EXISTS (SELECT 1 FROM trials WHERE person = people.id AND answer IS NULL)"


class Database:
    """The study's database. Each call is one transaction.

    Args:
        path: an existing file, from `create`.

    Raises:
        ColorizerError: if the file is missing or no such database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            raise UsageError(f"{path} is a folder: name the study's database with --db")
        if not path.is_file():
            raise UsageError(f"{path}: no such file: name the study's database with --db")
        with self._transaction() as connection:
            kind, version = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            )
        if (kind, version) != (APPLICATION, VERSION):
            raise ColorizerError(
                f"{path} is no database of this version of colorizer turing: name another with --db"
            )

    @classmethod
    def create(cls, path: Path, protocol: Protocol) -> "Database":
        """Open a study's database, or create it. A study without people takes the new protocol.

        Raises:
            ColorizerError: if people take part by another protocol, or the file is no such
                database.
        """
        if not path.exists() or (path.is_file() and not path.stat().st_size):
            with connect(path) as connection:
                connection.executescript(
                    f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION}; "
                    f"PRAGMA user_version = {VERSION}"
                )
                study = (secrets.token_hex(8), *astuple(protocol))
                connection.execute("INSERT INTO study VALUES (?, ?, ?, ?, ?)", study)
        database = cls(path)
        database._begin_anew(protocol)
        _require_same(path, database.protocol, protocol)
        return database

    @property
    def id(self) -> str:
        """The study's random id."""
        with self._transaction() as connection:
            return str(connection.execute("SELECT id FROM study").fetchone()[0])

    @property
    def protocol(self) -> Protocol:
        """The study's protocol."""
        with self._transaction() as connection:
            query = "SELECT seconds, practice, pairs, photos FROM study"
            return Protocol(*connection.execute(query).fetchone())

    def add_method(self, name: str, weights: str) -> Method:
        """Return the model with this name and weights; add it if it is new."""
        with self._transaction("IMMEDIATE") as connection:
            connection.execute(
                "INSERT INTO models (name, weights) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (name, weights),
            )
        return next(m for m in self.list_methods() if (m.name, m.weights) == (name, weights))

    def list_methods(self) -> list[Method]:
        """Return all models of the study."""
        with self._transaction() as connection:
            found = connection.execute("SELECT id, name, weights FROM models ORDER BY id")
            return [Method(*row) for row in found]

    def add_person(
        self, methods: Collection[int], photos: Sequence[str], *, today: date, chance: Random
    ) -> str:
        """Plan and store all pairs of a new person, for the model with the fewest people.

        People who finished count, and those who began today. Ties are broken at random.

        Args:
            methods: the ids of the models to choose from.
            photos: the photographs' names.
            today: stored with the person.
            chance: draws the person's id and seed, and breaks ties.

        Returns:
            The person's id.
        """
        person, seed = f"{chance.getrandbits(128):032x}", chance.getrandbits(32)
        with self._transaction("IMMEDIATE") as connection:
            people = dict.fromkeys(methods, 0) | _count_people(connection, methods, today)
            fewest = [method for method in methods if people[method] == min(people.values())]
            values = (person, chance.choice(fewest), seed, today.isoformat())
            connection.execute("INSERT INTO people VALUES (?, ?, ?, ?)", values)
            practice, pairs = connection.execute("SELECT practice, pairs FROM study").fetchone()
            connection.executemany(
                f"INSERT INTO trials (person, {TRIAL}) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (person, *astuple(trial))
                    for trial in plan_trials(photos, practice=practice, pairs=pairs, seed=seed)
                ],
            )
        return person

    def progress(self, person: str) -> Progress | None:
        """Return a person's progress; None if there is no such person."""
        with self._transaction() as connection:
            found = connection.execute(
                "SELECT model, 1 + count(answer) FROM people JOIN trials ON person = people.id "
                "WHERE people.id = ? GROUP BY people.id",
                (person,),
            ).fetchone()
        return Progress(*found) if found else None

    def trial(self, person: str, number: int) -> Trial | None:
        """Return a person's pair; None if there is no such pair."""
        with self._transaction() as connection:
            query = f"SELECT {TRIAL} FROM trials WHERE person = ? AND number = ?"
            found = connection.execute(query, (person, number)).fetchone()
        return Trial(*found) if found else None

    def answer(
        self, person: str, number: int, *, side: Side, layout: Layout, seconds: float
    ) -> bool:
        """Store an answer if the pair is the person's next one; return whether it was."""
        with self._transaction("IMMEDIATE") as connection:
            done = connection.execute(
                "UPDATE trials SET answer = ?, layout = ?, seconds = ? "
                "WHERE person = ? AND number = ? AND number = "
                "(SELECT 1 + count(answer) FROM trials WHERE person = ?)",
                (side, layout, seconds, person, number, person),
            )
            return done.rowcount == 1

    def count_unfinished(self, method: int) -> int:
        """Count the people who began with a model and have not finished."""
        with self._transaction() as connection:
            query = f"SELECT count(*) FROM people WHERE model = ? AND {UNFINISHED}"
            return int(connection.execute(query, (method,)).fetchone()[0])

    def answers(self, method: int) -> list[Answer]:
        """Return the answers of everyone who finished with a model."""
        with self._transaction() as connection:
            found = connection.execute(
                f"SELECT dense_rank() OVER (ORDER BY people.rowid), {TRIAL}, layout, answer, "
                "seconds FROM people JOIN trials ON person = people.id "
                f"WHERE model = ? AND NOT {UNFINISHED} ORDER BY people.rowid, number",
                (method,),
            )
            return [Answer(row[0], Trial(*row[1:6]), *row[6:]) for row in found]

    def _begin_anew(self, protocol: Protocol) -> None:
        """Replace the protocol and remove the models, unless somebody has begun."""
        nobody = "WHERE NOT EXISTS (SELECT 1 FROM people)"
        with self._transaction("IMMEDIATE") as connection:
            connection.execute(f"DELETE FROM models {nobody}")
            connection.execute(
                f"UPDATE study SET seconds = ?, practice = ?, pairs = ?, photos = ? {nobody}",
                astuple(protocol),
            )

    @contextmanager
    def _transaction(
        self, mode: Literal["DEFERRED", "IMMEDIATE"] = "DEFERRED"
    ) -> Iterator[sqlite3.Connection]:
        with connect(self.path) as connection:
            connection.execute(f"BEGIN {mode}")
            yield connection


def _count_people(
    connection: sqlite3.Connection, methods: Collection[int], today: date
) -> dict[int, int]:
    """Count, for each model, the people who finished or began today."""
    found = connection.execute(
        f"SELECT model, count(*) FROM people WHERE started_on = ? OR NOT {UNFINISHED} "
        "GROUP BY model",
        (today.isoformat(),),
    )
    return {method: people for method, people in found if method in methods}


def _require_same(path: Path, begun: Protocol, asked: Protocol) -> None:
    """Refuse to mix answers to different questions."""
    if begun.photos != asked.photos:
        raise UsageError(
            f"{path} is a study of other photographs: name these with --photos, or another --db"
        )
    if begun != asked:
        options = f"--seconds {begun.seconds:g} --practice {begun.practice} --pairs {begun.pairs}"
        raise UsageError(f"{path} was begun with {options}: keep these or name another --db")
