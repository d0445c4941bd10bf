"""The file of MLflow's embedded store: created as a whole, and refused if it is damaged."""

import sqlite3
from contextlib import closing
from pathlib import Path

from colorizer.errors import ColorizerError, one_line
from colorizer.paths import atomic_write

SQLITE = "sqlite:///"


def create(database: Path, artifacts: str) -> None:
    """Create an empty store, unless it is there; a process killed meanwhile leaves none.

    MLflow itself would leave half of the tables, which no later process completes.

    Args:
        database: its file. Only one process may be here at a time.
        artifacts: the URI of the folder that files go to.
    """
    if not database.exists():
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        with atomic_write(database) as new:
            store = SqlAlchemyStore(f"{SQLITE}{new}", artifacts)  # type: ignore[no-untyped-call]
            store.engine.dispose()


def require_sound(address: str) -> None:
    """Refuse a damaged database at once; MLflow would try it for half a minute.

    Args:
        address: MLflow's; a server, and a database that is yet to be made, are not looked at.

    Raises:
        ColorizerError: if the file is damaged, or no file.
    """
    database = Path(address.removeprefix(SQLITE))
    if not address.startswith(SQLITE) or not database.exists():
        return
    found = "it is empty"
    try:
        if database.stat().st_size:
            with closing(sqlite3.connect(database, timeout=0)) as connection:
                (found,) = connection.execute("pragma quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = "ok" if "locked" in str(error) else str(error)
    if found != "ok":
        raise ColorizerError(
            f"{database} is damaged ({one_line(found)}): move it away and run `make sync`, which "
            "logs again what this folder has"
        )
