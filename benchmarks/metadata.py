"""What is kept of the metadata of real cameras, format by format, as exiftool sees it.

    python benchmarks/metadata.py FOLDER [--model shipped] [--list]

FOLDER holds JPEG files of cameras, such as t/images in the source of exiftool (Debian's source
package libimage-exiftool-perl). exiftool copies all that it knows of each onto a bundled photograph
in gray, in each format; colorize colors it; exiftool reads both. `--list` names each tag that is
lost or changed.
"""

import io
import json
import re
import subprocess
import tempfile
from base64 import b64decode
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import photographs
import typer
from PIL import Image

from colorizer import Colorizer
from colorizer.inference.options import Options
from colorizer.inference.recolor_file import colorize_data

FORMATS = {"jpg": "JPEG", "png": "PNG", "tif": "TIFF", "webp": "WEBP", "avif": "AVIF"}

STORAGE = re.compile(
    r"^(SourceFile|File|System|ExifTool|Composite|ICC|JFIF|RIFF|PNG:|Meta|QuickTime|MPF|APP14)"
    r"|^(PNG-pHYs|IFD0|SubIFD\d?):(Image(Width|Height)|BitsPerSample|Compression"
    r"|PhotometricInterpretation|Strip|RowsPerStrip|SamplesPerPixel|PlanarConfiguration|Predictor"
    r"|ExtraSamples|SampleFormat|[XY]Resolution|ResolutionUnit|PixelUnits|PixelsPerUnit|YCbCr"
    r"|ReferenceBlackWhite|FillOrder|Subfile|Tile|Transfer|Jpg|ColorMap)"
)
"""Tags that say how pixels are stored or are computed from others, and those of profiles."""

REASONS = {
    r":Software$|:CreatorTool$|DigitalSourceType|DerivedFrom|History|XMPToolkit": "the mark",
    r"^(?!IFD1).*:Orientation$": "the picture is upright now",
    r"ColorSpace$|ColorMode$|ICCProfileName$|InteropIndex$"
    r"|WhitePoint$|PrimaryChromaticities$": "the colors are sRGB now",
    r"Thumbnail|^IFD1": "the thumbnail is made anew",
}
"""Why what matches is changed, or lost together with what it was about."""


def main(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    model: Annotated[str, typer.Option(help="as of colorize")] = "shipped",
    list: Annotated[bool, typer.Option("--list", help="name what is lost or changed")] = False,
) -> None:
    """Print a table: camera, tags before, and those kept, changed and lost by format."""
    colorizer = Colorizer.load(model)
    cameras = sorted(folder.glob("*.jpg"))
    rows: dict[str, list[str]] = {camera.stem: [] for camera in cameras}
    why: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        for suffix, format in FORMATS.items():
            before, after = Path(temporary, f"before-{suffix}"), Path(temporary, f"after-{suffix}")
            _graft(cameras, before, suffix)
            after.mkdir()
            for path in sorted(before.iterdir()):
                result = colorize_data(path.read_bytes(), colorizer, Options(force=True))
                (after / path.name).write_bytes(result.data)
            old, new = _read(before), _read(after)
            for name, tags in old.items():
                lost, changed = _compare(tags, new[name])
                kept = len(tags) - len(lost) - len(changed)
                rows[name].append(f"{len(tags)} / {kept} / {len(changed)} / {len(lost)}")
                for word, found in (("lost", lost), ("changed", changed)):
                    for tag in found:
                        why[f"{format} {word}: {_reason(tag)}"] += 1
                        if list:
                            print(
                                format, name, word, tag, _short(tags, tag), _short(new[name], tag)
                            )
            print(f"{format}: {_thumbnails(before, after)}")
    print(f"\n| camera | {' | '.join(FORMATS.values())} |\n|--|{len(FORMATS) * '--:|'}")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")
    print("\neach: tags before / kept / changed / lost\n")
    for reason, count in sorted(why.items()):
        print(f"{count:6} {reason}")


def _graft(cameras: list[Path], folder: Path, suffix: str) -> None:
    """Make a gray photograph of a format for each camera, with all that exiftool copies."""
    folder.mkdir()
    with Image.open(io.BytesIO(photographs.read(photographs.SAMPLE, 1)[0])) as image:
        gray = image.convert("L").convert("RGB")
    for camera in cameras:
        gray.save(folder / f"{camera.stem}.{suffix}")
    tags = ["-all:all", "-unsafe", "-thumbnailimage", "-photoshopthumbnail", "-iptc:all"]
    source = f"{cameras[0].parent}/%f.jpg"
    _exiftool("-m", "-overwrite_original", "-tagsFromFile", source, *tags, folder)


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    """Return all tags of a folder's files by file and tag, but for those of `STORAGE`."""
    said = json.loads(_exiftool("-j", "-a", "-n", "-G1", "-u", folder))
    return {
        Path(file["SourceFile"]).stem: {
            tag: value for tag, value in file.items() if not STORAGE.search(tag)
        }
        for file in said
    }


def _compare(old: dict[str, Any], new: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the tags that are lost, and those with another value."""
    lost = [tag for tag in old if tag not in new]
    return lost, [tag for tag in old if tag in new and new[tag] != old[tag]]


def _reason(tag: str) -> str:
    found = (reason for pattern, reason in REASONS.items() if re.search(pattern, tag))
    return next(found, f"unexplained, {tag.partition(':')[0]}")


def _thumbnails(before: Path, after: Path) -> str:
    """Say how many thumbnails there were, and how many are in color now."""
    old, new = (
        [_color_range(file[tag]) for file in _read_binary(folder) for tag in file if "Thumb" in tag]
        for folder in (before, after)
    )
    return f"{len(old)} readable thumbnails, then {len(new)}, {sum(c > 20 for c in new)} in color"


def _read_binary(folder: Path) -> list[dict[str, str]]:
    tags = ["-ThumbnailImage", "-PhotoshopThumbnail"]
    found: list[dict[str, str]] = json.loads(_exiftool("-j", "-b", *tags, folder))
    return found


def _color_range(base64: str) -> int:
    """Return how far apart a thumbnail's levels of Cb or Cr lie; -1 if it is no picture."""
    try:
        with Image.open(io.BytesIO(b64decode(base64.removeprefix("base64:")))) as image:
            ranges = image.convert("YCbCr").getextrema()[1:]
    except (OSError, ValueError):
        return -1
    return max(high - low for low, high in ranges)


def _short(tags: dict[str, Any], tag: str) -> str:
    return repr(tags.get(tag))[:60]


def _exiftool(*arguments: str | Path) -> bytes:
    command = ["exiftool", "-q", "-q", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False).stdout


if __name__ == "__main__":
    typer.run(main)
