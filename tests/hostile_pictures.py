"""Damaged and hostile picture files, made from the bundled photographs: the same at every call."""

import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageCms

from colorizer.photo.opening import _register_heif, _register_jxl
from colorizer.photo.pdf import encode_pdf
from hostile_bombs import bombs, declared
from made_pictures import linear_dng

SAMPLE = Path(__file__).parents[1] / "sample" / "sample.zip"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='%s'/></x:xmpmeta>" % (
    b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"
)
ENTITIES = b"<!DOCTYPE x [<!ENTITY a0 'ha'>%s]><x>&a9;</x>" % b"".join(
    b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)
)
OUTSIDE = b"<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><x>&f;</x>"


MOST = 200_000  # bytes of a file of the short corpus


@dataclass(frozen=True)
class Hostile:
    """A file that means harm, or was harmed.

    Attributes:
        kind: what is wrong with it.
        name: its file name, no other's.
        data: its bytes.
    """

    kind: str
    name: str
    data: bytes


def corpus() -> Iterator[Hostile]:
    """Yield over 1,000 files, of every kind some."""
    for kind in KINDS:
        yield from _of_kind(kind)


def short_corpus() -> Iterator[Hostile]:
    """Yield a few small files of each kind of `corpus`, and no bombs."""
    for kind in [kind for kind in KINDS if kind != "bombs"]:
        files = [file for file in _of_kind(kind) if len(file.data) < MOST]
        yield from files[:: max(1, len(files) // 8)]


def _of_kind(kind: str) -> Iterator[Hostile]:
    for number, (name, data) in enumerate(KINDS[kind]()):
        yield Hostile(kind, f"{kind}{number:03}_{name}", data)


@cache
def photograph(side: int = 160) -> Image.Image:
    """Return a bundled photograph, made smaller."""
    with zipfile.ZipFile(SAMPLE) as archive:
        data = archive.read("mirflickr/im3.jpg")
        picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.thumbnail((side, side))
    return picture


def save(picture: Image.Image, format: str, **options: Any) -> bytes:
    """Return a picture's file."""
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def tiff(levels: Any, **options: Any) -> bytes:
    """Return a TIFF file."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, levels, metadata=None, **options)
    return buffer.getvalue()


def exif() -> bytes:
    """Return an EXIF block of a few tags."""
    block = Image.Exif()
    block[0x0112], block[0x010F], block[0x8769] = 6, "Maker", {0x9003: "2001:02:03 04:05:06"}
    return block.tobytes()


@cache
def icc() -> bytes:
    """Return a color profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@cache
def whole_files() -> dict[str, bytes]:
    """Return an undamaged file of each kind, by the name that fits it."""
    _register_heif()
    _register_jxl()
    picture = photograph()
    rgb = np.asarray(picture)
    deep = rgb.astype(np.uint16) * 257
    said = {"exif": exif(), "icc_profile": icc(), "xmp": XMP}
    jpeg = save(picture, "JPEG", **said)
    sides = (rgb.shape[1] / 72, rgb.shape[0] / 72)
    psd = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, *rgb.shape[:2], 8, 3) + bytes(12)
    return {
        "baseline.jpg": jpeg,
        "progressive.jpg": save(picture, "JPEG", progressive=True, **said),
        "picture.png": save(picture, "PNG", exif=exif(), icc_profile=icc()),
        "deep.png": imagecodecs.png_encode(deep),
        "picture.tif": save(picture, "TIFF", icc_profile=icc()),
        "deflate.tif": tiff(rgb, compression="zlib", tile=(32, 32)),
        "deep.tif": tiff(deep, photometric="rgb"),
        "picture.webp": save(picture, "WEBP", **said),
        "picture.gif": save(picture.quantize(64), "GIF"),
        "picture.bmp": save(picture, "BMP"),
        "picture.avif": save(picture, "AVIF", speed=10, **said),
        "picture.heic": save(picture, "HEIF", **said),
        "picture.jxl": save(picture, "JXL", exif=exif()),
        "picture.jp2": save(picture, "JPEG2000"),
        "picture.ppm": save(picture, "PPM"),
        "picture.pcx": save(picture, "PCX"),
        "picture.tga": save(picture, "TGA"),
        "picture.psd": psd + b"\0\0" + np.moveaxis(rgb, 2, 0).tobytes(),
        "picture.pdf": encode_pdf([(jpeg, sides)]),
        "picture.dng": linear_dng(rgb / 255.0),
    }


def truncated() -> Iterator[tuple[str, bytes]]:
    """Cut each file at every 5 %."""
    for name, data in whole_files().items():
        for share in range(5, 100, 5):
            yield f"{share:02}_{name}", data[: len(data) * share // 100]


def flipped() -> Iterator[tuple[str, bytes]]:
    """Turn bits of each file, every second time only among its first bytes."""
    for name, data in whole_files().items():
        for seed in range(20):
            chance, wrong = random.Random(seed), bytearray(data)
            end = len(data) if seed % 2 else min(len(data), 512)
            for _ in range(2 ** (seed // 3)):
                wrong[chance.randrange(end)] ^= 1 << chance.randrange(8)
            yield f"{seed:02}_{name}", bytes(wrong)


def misnamed() -> Iterator[tuple[str, bytes]]:
    """Name files like other pictures, and what is no picture like one."""
    files = whole_files()
    suffixes = [name.rpartition(".")[2] for name in files]
    for place, (name, data) in enumerate(files.items()):
        for step in (3, 8, 13):
            yield f"{name}.{suffixes[(place + step) % len(suffixes)]}", data
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("im1.jpg", files["baseline.jpg"])
    others = (
        b"<html>\nNot found</html>",
        archive.getvalue(),
        b"MZ" + bytes(200),
        b"\0\0\0\x18ftyp",
    )
    for place, data in enumerate(others):
        yield f"{place}.jpg", data
        yield f"{place}.tif", data


def empty() -> Iterator[tuple[str, bytes]]:
    """Return nothing, or zeros alone."""
    for name in whole_files():
        yield name, b""
        yield f"zeros_{name}", bytes(1000)


def shapes() -> Iterator[tuple[str, bytes]]:
    """Yield pictures of one pixel, one row or one column."""
    for width, height in ((1, 1), (1, 2), (1, 20_000), (20_000, 1)):
        picture = photograph().resize((width, height))
        for format in ("JPEG", "PNG", "TIFF", "GIF", "BMP", "JPEG2000", "PPM", "WEBP", "AVIF"):
            if format == "WEBP" and max(width, height) > 16_383:
                continue
            suffix = {"JPEG2000": "jp2"}.get(format, format.lower())
            yield f"{width}x{height}.{suffix}", save(picture, format)


def animated() -> Iterator[tuple[str, bytes]]:
    """Yield animations, and files of many pages."""
    for count in (2, 60):
        others = [photograph().point(lambda level, n=n: level ^ n) for n in range(1, count)]
        for format, suffix in (("GIF", "gif"), ("PNG", "png"), ("WEBP", "webp"), ("TIFF", "tif")):
            yield (
                f"{count}.{suffix}",
                save(photograph(), format, save_all=True, append_images=others),
            )


def depths() -> Iterator[tuple[str, bytes]]:
    """Yield pictures of rare depths and colors."""
    picture = photograph()
    rgb, gray = np.asarray(picture), np.asarray(picture.convert("L"))
    lab = picture.convert("LAB")
    yield "lab.tif", save(lab, "TIFF")
    yield "cmyk.jpg", save(picture.convert("CMYK"), "JPEG", icc_profile=icc())
    yield "cmyk.tif", save(picture.convert("CMYK"), "TIFF")
    yield "ycc.tif", save(picture.convert("YCbCr"), "TIFF")
    for mode in ("1", "P", "LA", "RGBA", "I;16"):
        yield f"{mode.replace(';', '')}.png", save(picture.convert("L").convert(mode), "PNG")
    for bits in (np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.float16):
        yield f"{bits.__name__}.tif", tiff(gray.astype(bits))
    unit = rgb / np.float32(255)
    for number in (np.nan, np.inf, -np.inf, 1e30, -1e30):
        wrong = unit.copy()
        wrong[::7] = number
        yield f"{number}.tif", tiff(wrong, photometric="rgb")
        yield f"all_{number}.tif", tiff(np.full_like(unit, number), photometric="rgb")
    yield "unit.tif", tiff(unit, photometric="rgb")
    yield "double.tif", tiff(unit.astype(np.float64), photometric="rgb")
    yield "complex.tif", tiff(gray.astype(np.complex64))
    yield "seven_channels.tif", tiff(np.dstack([gray] * 7), photometric="minisblack")
    yield "deep_alpha.tif", tiff(np.dstack([rgb, gray]).astype(np.uint16), photometric="rgb")


def metadata() -> Iterator[tuple[str, bytes]]:
    """Break EXIF, color profiles and XMP."""
    for seed in range(8):
        chance = random.Random(seed)
        broken = {"exif": bytearray(exif()), "icc_profile": bytearray(icc()), "xmp": bytearray(XMP)}
        for block in broken.values():
            for _ in range(4 << seed % 4):
                block[chance.randrange(6 if seed % 2 else 0, len(block))] = chance.randrange(256)
        for name, block in broken.items():
            yield from _carried(f"{name}{seed}", {name: bytes(block)})
    loop = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    huge = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x0f\x01\x02\0\xff\xff\xff\xff\x08\0\0\0" * 20
    turned = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\xff\xff\0\0\0\0\0\0"
    for name, block in {"loop": loop, "huge": huge, "turned": turned, "cut": exif()[:20]}.items():
        yield from _carried(name, {"exif": block})
    for name, xmp in {"entities": ENTITIES, "outside": OUTSIDE, "deep": b"<a>" * 20_000}.items():
        yield from _carried(name, {"xmp": xmp})
    for name, profile in {"short": icc()[:100], "long": icc() * 20, "zeros": bytes(128)}.items():
        yield from _carried(name, {"icc_profile": profile})


def _carried(name: str, said: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for format, suffix in (("JPEG", "jpg"), ("WEBP", "webp"), ("AVIF", "avif")):
        if format == "AVIF" and "exif" in said:
            continue  # its encoder checks EXIF
        options = {"speed": 10} if format == "AVIF" else {}
        yield f"{name}.{suffix}", save(photograph(), format, **said, **options)


def polyglots() -> Iterator[tuple[str, bytes]]:
    """Yield files that are two at once."""
    files = whole_files()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("../../escaped.txt", "escaped")
    script = b"<script>alert(1)</script><?php system('id'); ?>"
    for name, data in files.items():
        yield f"zip_{name}", data + archive.getvalue()
    yield "html.gif", files["picture.gif"] + script
    yield "pdf.jpg", files["baseline.jpg"] + files["picture.pdf"]
    yield "jpg.pdf", files["picture.pdf"] + files["baseline.jpg"]
    yield "png.jpg", files["picture.png"] + files["baseline.jpg"]
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(script)) + script
    yield "script.jpg", files["baseline.jpg"][:2] + comment + files["baseline.jpg"][2:]
    text = b"tEXtComment\0" + script
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    yield (
        "script.png",
        re.sub(b"....IDAT", lambda m: chunk + m[0], files["picture.png"], count=1, flags=re.DOTALL),
    )


KINDS = {
    "truncated": truncated,
    "flipped": flipped,
    "misnamed": misnamed,
    "empty": empty,
    "shapes": shapes,
    "animated": animated,
    "depths": depths,
    "metadata": metadata,
    "polyglots": polyglots,
    "declared": lambda: declared(whole_files()),
    "bombs": bombs,
}
"""How the files of each kind are made, each with the end of its name."""
