"""MLflow's store, opened and told."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from colorizer.errors import ColorizerError
from colorizer.tracking.database import require_sound
from colorizer.tracking.registry import open_registry
from colorizer.tracking.store import Store, flatten


@pytest.mark.faults
def test_a_new_store_survives_being_opened_by_many_at_once(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    environment["DVC_ROOT"] = str(tmp_path)
    code = "from colorizer.tracking.store import Store; print(Store('test').experiment_id)"
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    answers = [opener.communicate() for opener in openers]
    assert [opener.returncode for opener in openers] == [0] * 8, answers
    assert len({out for out, _ in answers}) == 1


def test_a_store_whose_creation_is_cut_off_is_created_by_whoever_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "_alembic_tmp_" in statement:
            raise KeyboardInterrupt

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    event.listen(Engine, "after_cursor_execute", cut_off)
    with pytest.raises(KeyboardInterrupt):
        Store("test")
    event.remove(Engine, "after_cursor_execute", cut_off)
    assert Store("test").experiment_id


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table runs (name text)")
        connection.executemany("insert into runs values (?)", [(str(n) * 9,) for n in range(5000)])
        connection.commit()
    return path.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:3] + b"?" + content[4:], id="another signature"),
        pytest.param(lambda content: content[: len(content) // 2], id="half"),
        pytest.param(lambda content: content[:9000] + bytes(9000) + content[18000:], id="zeros"),
        pytest.param(lambda content: b"name,status\n" * 900, id="text"),
        pytest.param(lambda content: b"", id="empty"),
    ],
)
def test_a_damaged_store_is_refused_at_once_in_a_line_that_helps(
    database: bytes, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "mlflow.db"
    require_sound(f"sqlite:///{path}")  # none yet
    path.write_bytes(database)
    require_sound(f"sqlite:///{path}")
    path.write_bytes(damage(database))
    refused = pytest.raises(
        ColorizerError, match=r"is damaged .*: move it away and run `make sync`"
    )
    with refused:
        require_sound(f"sqlite:///{path}")
    with refused, open_registry(f"sqlite:///{path}"):
        pass
    path.unlink()
    path.mkdir()
    with pytest.raises(ColorizerError, match="is damaged"):
        require_sound(f"sqlite:///{path}")


def test_a_store_that_another_process_writes_is_sound(database: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_bytes(database)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("begin exclusive")
        require_sound(f"sqlite:///{path}")


def test_flatten_names_leaves_by_their_path() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": [2]}) == {"a.b.c": 1, "d": [2]}
