"""What a killed stage leaves of a long work, so that the next run of the same goes on with it."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xxhash
from filelock import FileLock, Timeout

from colorizer.errors import ColorizerError

PACKAGE = Path(__file__).parents[1]
CODE = ("color", "data", "photo")  # folders of the package that decide what is made of photographs


@contextlib.contextmanager
def unfinished(out: Path, archives: Path, asked: Any) -> Iterator[Path]:
    """Let a file or a folder be made over several runs, each of which may be killed.

    The work lies in a hidden folder beside `out`: DVC removes outs before a stage runs. Of other
    archives, other params or other code it is thrown away.

    Args:
        out: what is made. What has this name is replaced at the end.
        archives: the folder of zip files that it is made of.
        asked: all else that it depends on, as JSON can say it.

    Yields:
        The folder of the work. `out`'s name in it is what becomes `out`.

    Raises:
        ColorizerError: if another process is making it.
    """
    folder = out.with_name(f".{out.name}-{_digest(archives, asked)}")
    for other in set(out.parent.glob(f".{out.name}-*")) - {folder}:
        shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            yield folder
            if out.is_dir():
                shutil.rmtree(out)
            (folder / out.name).replace(out)
            shutil.rmtree(folder)
    except Timeout:
        raise ColorizerError(
            f"another process is making {out}: wait for it, or end it (`ps` shows it)"
        ) from None


def _digest(archives: Path, asked: Any) -> str:
    digest = xxhash.xxh3_64(json.dumps(asked).encode())
    for path in sorted(archives.iterdir()):
        about = path.stat()
        digest.update(f"{path.name} {about.st_size} {about.st_mtime_ns}\n".encode())
    for code in sorted(file for name in CODE for file in (PACKAGE / name).rglob("*.py")):
        digest.update(code.read_bytes())
    return digest.hexdigest()
