"""Whether the file of MLflow's embedded store is sound."""

import sqlite3
from contextlib import closing
from pathlib import Path

from colorizer.errors import ColorizerError, one_line

SQLITE = "sqlite:///"


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
    try:
        with closing(sqlite3.connect(database, timeout=0)) as connection:
            (found,) = connection.execute("pragma quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = "ok" if "locked" in str(error) else str(error)
    if found != "ok":
        raise ColorizerError(
            f"{database} is damaged ({one_line(found)}): move it away and run `make sync`, which "
            "logs again what this folder has"
        )
