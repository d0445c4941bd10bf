import sqlite3
from collections import Counter
from contextlib import closing
from datetime import date
from pathlib import Path
from random import Random
from threading import Thread

import pytest

from colorizer.apps.turing.database import Database
from colorizer.apps.turing.trials import Protocol
from colorizer.errors import ColorizerError

PHOTOS = [f"photo-{number}.jpg" for number in range(12)]
PROTOCOL = Protocol(seconds=1.0, practice=2, pairs=10, photos="c" * 64)
DAY = date(2026, 3, 14)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    created = Database.create(tmp_path / "turing.db", PROTOCOL)
    created.add_method("one", "a" * 64)
    return created


def add(
    database: Database, *, seed: int = 7, methods: tuple[int, ...] = (1,), day: date = DAY
) -> str:
    return database.add_person(methods, PHOTOS, today=day, chance=Random(seed))


def finish(database: Database, person: str) -> None:
    while (number := database.progress(person).number) <= 12:  # type: ignore[union-attr]
        assert database.answer(person, number, side="left", layout="beside", seconds=1.5)


def test_a_person_s_pairs_are_all_stored_at_once(database: Database) -> None:
    person = add(database)
    trials = [database.trial(person, number) for number in range(1, 13)]
    assert sorted(trial.photo for trial in trials if trial) == sorted(PHOTOS)
    assert database.trial(person, 13) is None
    assert database.progress(person).number == 1  # type: ignore[union-attr]


def test_who_is_not_known_has_no_progress(database: Database) -> None:
    assert database.progress("nobody") is None


def test_progress_survives_a_restart(database: Database) -> None:
    person = add(database)
    for number in (1, 2, 3):
        database.answer(person, number, side="left", layout="beside", seconds=1.0)
    again = Database.create(database.path, PROTOCOL)
    assert again.progress(person).number == 4  # type: ignore[union-attr]
    assert again.id == database.id
    assert again.trial(person, 4) == database.trial(person, 4)


def test_an_answer_counts_once_and_only_in_order(database: Database) -> None:
    person = add(database)
    assert not database.answer(person, 2, side="left", layout="beside", seconds=1.0)
    assert database.answer(person, 1, side="left", layout="beside", seconds=1.0)
    assert not database.answer(person, 1, side="right", layout="in turn", seconds=2.0)
    finish(database, person)
    assert not database.answer(person, 13, side="left", layout="beside", seconds=1.0)
    first = database.answers(1)[0]
    assert (first.side, first.layout, first.seconds) == ("left", "beside", 1.0)


def test_of_two_answers_at_once_one_counts(database: Database) -> None:
    person = add(database)
    taken: list[bool] = []

    def answer() -> None:
        taken.append(database.answer(person, 1, side="left", layout="beside", seconds=1.0))

    threads = [Thread(target=answer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == 7 * [False] + [True]


def test_only_those_who_finished_are_answers(database: Database) -> None:
    people = [add(database, seed=seed) for seed in range(3)]
    for person in people[:2]:
        finish(database, person)
    database.answer(people[2], 1, side="left", layout="beside", seconds=1.0)
    answers = database.answers(1)
    assert Counter(answer.person for answer in answers) == {1: 12, 2: 12}
    assert [answer.trial for answer in answers[:12]] == [
        database.trial(people[0], number) for number in range(1, 13)
    ]
    assert database.count_unfinished(1) == 1


def test_people_go_where_the_fewest_are(database: Database) -> None:
    database.add_method("two", "b" * 64)
    database.add_method("three", "d" * 64)
    people = [add(database, seed=seed, methods=(1, 2, 3)) for seed in range(30)]
    models = [database.progress(person).method for person in people]  # type: ignore[union-attr]
    assert all(set(models[at : at + 3]) == {1, 2, 3} for at in range(0, 30, 3))
    assert len({tuple(models[at : at + 3]) for at in range(0, 30, 3)}) > 3  # ties: at random


def test_who_left_on_another_day_does_not_count(database: Database) -> None:
    database.add_method("two", "b" * 64)
    for seed in range(5):
        add(database, seed=seed, methods=(1,))
    finished = add(database, seed=5, methods=(2,))
    finish(database, finished)
    later = date(2026, 3, 15)
    newcomer = add(database, seed=6, methods=(1, 2), day=later)
    assert database.progress(newcomer).method == 1  # type: ignore[union-attr]


def test_weights_that_changed_are_another_method(database: Database) -> None:
    same, changed = database.add_method("one", "a" * 64), database.add_method("one", "b" * 64)
    assert (same.id, changed.id) == (1, 2)
    assert len(database.list_methods()) == 2


def test_nothing_personal_has_a_place(database: Database) -> None:
    person = add(database)
    finish(database, person)
    with closing(sqlite3.connect(database.path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(people)")]
        started = connection.execute("SELECT started_on FROM people").fetchone()[0]
    assert columns == ["id", "model", "seed", "started_on"]
    assert started == "2026-03-14"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trials SET answer = 'middle' WHERE number = 1",
        "UPDATE trials SET answer = 'left' WHERE number = 1",  # without its layout and seconds
        "UPDATE trials SET kind = 'vigilance', other = NULL WHERE number = 1",
        "UPDATE trials SET photo = (SELECT photo FROM trials WHERE number = 2) WHERE number = 1",
        "UPDATE people SET model = 9",
        "UPDATE people SET started_on = '2026-03-14 12:30'",
    ],
)
def test_the_tables_refuse_what_cannot_be(database: Database, change: str) -> None:
    add(database)
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(change)


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "turing.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(ColorizerError, match=r"turing\.db: file is not a database: name another"):
        Database(path)


def test_another_program_s_database_is_one_line_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "turing.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    before = path.read_bytes()
    with pytest.raises(ColorizerError, match=r"turing\.db is no database of this version"):
        Database.create(path, PROTOCOL)
    assert path.read_bytes() == before


def test_a_missing_database_or_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ColorizerError, match="no such file: name the study's database"):
        Database(tmp_path / "turing.db")
    with pytest.raises(ColorizerError, match="unable to open database file"):
        Database.create(tmp_path / "nowhere" / "turing.db", PROTOCOL)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Protocol(0.5, 2, 10, "c" * 64), "begun with --seconds 1 --practice 2 --pairs 10: keep"),
        (Protocol(1.0, 2, 40, "c" * 64), "begun with --seconds 1 --practice 2 --pairs 10: keep"),
        (Protocol(1.0, 2, 10, "d" * 64), "is a study of other photographs"),
    ],
)
def test_another_study_is_one_line(database: Database, other: Protocol, message: str) -> None:
    add(database)
    with pytest.raises(ColorizerError, match=message):
        Database.create(database.path, other)
    assert (database.protocol, len(database.list_methods())) == (PROTOCOL, 1)


def test_an_empty_file_becomes_a_study_and_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    assert Database.create(tmp_path / "empty.db", PROTOCOL).protocol == PROTOCOL
    with pytest.raises(ColorizerError, match="is a folder: name the study's database"):
        Database.create(tmp_path, PROTOCOL)


def test_a_study_that_nobody_takes_part_in_begins_anew(database: Database) -> None:
    other = Protocol(0.5, 3, 20, "d" * 64)
    Database.create(database.path, other)
    assert (database.protocol, database.list_methods()) == (other, [])
