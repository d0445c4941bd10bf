"""Coverage-guided fuzzing of what reads files from elsewhere.

    python tests/fuzz.py photo --seconds 600

Needs `pip install atheris` (Linux). Whatever a door raises but a `ColorizerError` of one line, more
than 30 s or 4 GB for one input, or a crash of a library ends it, and leaves the input in `--found`.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

import colorizer.color.lab  # noqa: F401 - its loops are compiled, which instrumented ones are not

del sys.modules["zipfile"]  # so that it is imported anew

with atheris.instrument_imports(include=["colorizer", "PIL", "tifffile", "zipfile", "yaml"]):
    import zipfile

    import yaml

    from colorizer.data import archive as archives
    from colorizer.data.archive import list_members, read_member
    from colorizer.errors import ColorizerError
    from colorizer.methods.hints import Hint, Hints
    from colorizer.params import load_params
    from colorizer.photo.decode import decode_strokes
    from colorizer.photo.marking import Mark
    from colorizer.photo.photofile import PhotoFile
    from hostile_pictures import photograph, save, whole_files

ROOT = Path(__file__).parents[1]
LIMITS = ["-timeout=30", "-rss_limit_mb=4096", "-max_len=100000"]
MARK = Mark.of(b"", "model", {})


def photo(data: bytes, _folder: Path) -> None:
    """Read a picture with all that it says of itself, and write it."""
    for page in PhotoFile.pages(data):
        if page.levels.size < 300_000:
            page.marked(MARK).encode(page.rgb)


def archive(data: bytes, folder: Path) -> None:
    """List an archive and read its members."""
    path = folder / "photos.zip"
    path.write_bytes(data)
    archives._open.cache_clear()
    for name in list_members(path)[0][:100]:
        read_member(path, name)


def hints(data: bytes, _folder: Path) -> None:
    """Read hints as they are typed, and strokes as they are painted."""
    typed, _, painted = data.partition(b"\n")
    points = [Hint.parse(text) for text in typed.decode(errors="replace").split()]
    strokes = decode_strokes(painted) if painted else None
    Hints.collect(points, strokes, height=20, width=30)


def params(data: bytes, folder: Path) -> None:
    """Read a params.yaml."""
    path = folder / "params.yaml"
    path.write_bytes(data)
    load_params(path)


def seeds_of_archives() -> list[bytes]:
    """Return archives of the methods that are read, and of one that is not."""
    made = []
    for method in (*archives.METHODS, zipfile.ZIP_LZMA):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as file:
            file.writestr("a/im1.jpg", b"photograph " * 9)
            file.writestr("../im2.png", b"")
        made.append(buffer.getvalue())
    return made


def seeds_of_hints() -> list[bytes]:
    """Return points and strokes."""
    strokes = save(photograph().resize((30, 20)).convert("RGBA"), "PNG")
    return [b"1,2,#ff8000 3,4,#00ff00", b"1,2,#ff8000\n" + strokes, b"\n" + strokes]


def seeds_of_params() -> list[bytes]:
    """Return the project's own, and its profiles one by one."""
    own = (ROOT / "params.yaml").read_bytes()
    given = yaml.safe_load(own)
    one = [
        given | {"profile": name, "models": list(block["models"])[:1], "profiles": {name: block}}
        for name, block in given["profiles"].items()
    ]
    return [own, *(yaml.safe_dump(part).encode() for part in one)]


DOORS: dict[str, tuple[Callable[[bytes, Path], None], Callable[[], list[bytes]]]] = {
    "photo": (photo, lambda: list(whole_files().values())),
    "archive": (archive, seeds_of_archives),
    "hints": (hints, seeds_of_hints),
    "params": (params, seeds_of_params),
}


def main() -> None:
    """Fuzz a door for some time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("door", choices=DOORS)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--found", type=Path, default=Path("fuzz"))
    given = parser.parse_args()
    given.found.mkdir(parents=True, exist_ok=True)
    door, seeds = DOORS[given.door]
    with tempfile.TemporaryDirectory() as temporary:
        folder, corpus = Path(temporary), Path(temporary, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(seeds()):
            (corpus / str(number)).write_bytes(seed)

        def try_one(data: bytes) -> None:
            try:
                door(data, folder)
            except ColorizerError as error:
                assert len(str(error).splitlines()) == 1, f"several lines: {error}"
            except MemoryError:
                pass

        found = f"-artifact_prefix={given.found}/{given.door}_"
        span = f"-max_total_time={given.seconds}"
        atheris.Setup([sys.argv[0], *LIMITS, found, span, str(corpus)], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
