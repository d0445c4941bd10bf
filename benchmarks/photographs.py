"""The real photographs that everything here is measured on."""

import io
import zipfile
from pathlib import Path

from PIL import Image

SAMPLE = Path(__file__).parents[1] / "sample" / "sample.zip"


def read(archive: Path, count: int, *, side: int = 0) -> list[bytes]:
    """Return photographs in color from a zip archive, from the start again if it has too few.

    Args:
        archive: a zip file of JPEG files.
        count: how many.
        side: bring each one's longer side to so many pixels, at a JPEG quality that brings them
            near MIRFLICKR's (500 pixels, 123 kB on average); 0 leaves them as they are.
    """
    files: list[bytes] = []
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in sorted(opened.namelist()) if name.lower().endswith(".jpg")]
        for name in names[: 2 * count]:
            data = opened.read(name)
            with Image.open(io.BytesIO(data)) as image:
                if image.mode == "RGB":
                    files.append(_enlarged(image, side) if side else data)
    if not files:
        raise SystemExit(f"error: {archive} has no JPEG photographs in color: name another archive")
    return [files[i % len(files)] for i in range(count)]


def write_archive(files: list[bytes], path: Path) -> list[str]:
    """Write photographs into a zip archive; return their ids, as the pipeline names them."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, data in enumerate(files):
            archive.writestr(f"mirflickr/im{number}.jpg", data)
    return [f"{path.name}/mirflickr/im{number}.jpg" for number in range(len(files))]


def enlarge(data: bytes, side: int) -> bytes:
    """Bring a photograph's longer side to so many pixels."""
    with Image.open(io.BytesIO(data)) as image:
        return _enlarged(image, side)


def _enlarged(image: Image.Image, side: int) -> bytes:
    scale = side / max(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(buffer, "jpeg", quality=100)
    return buffer.getvalue()
