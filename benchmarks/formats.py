"""Formats and depths, from a real photograph: what comes out, how near, with which metadata.

python benchmarks/formats.py [--photo mirflickr/im2.jpg]
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import imagecodecs
import numpy as np
import photographs
import pillow_heif
import pillow_jxl  # noqa: F401  # registers itself with Pillow
import tifffile
import typer
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.kernels import KAPPA, RGB_TO_XYZ, linear_light
from colorizer.color.recoloring import recolor
from colorizer.errors import ColorizerError
from colorizer.photo.decode import decode
from colorizer.photo.photofile import PhotoFile

COLORS = np.array([[[12.0]], [[25.0]]], np.float32)  # ab of a result, the same everywhere

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><!--kept--></x:xmpmeta>"


def main(photo: str = "mirflickr/im2.jpg") -> None:
    """Print the table of formats and depths."""
    with zipfile.ZipFile(photographs.SAMPLE) as archive:
        rgb = decode(archive.read(photo)).rgb
    print("| file | bits | read as | written as | bits | largest error of L* | mean | EXIF | XMP |")
    print("|---|--:|---|---|--:|--:|--:|---|---|")
    for name, bits, make in files(rgb):
        print(row(name, bits, make()))


def files(rgb: NDArray[np.uint8]) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """Yield names, depths, and what makes a file of each."""
    gray, deep = rgb[..., 1], rgb.astype(np.uint16) * 257
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    said = {"exif": exif.tobytes(), "xmp": XMP}
    for format in ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "GIF", "JPEG2000", "PPM"):
        kept = said if format in ("JPEG", "PNG", "WEBP", "AVIF") else {}
        yield format, "8", lambda f=format, k=kept: save(gray, f, **k)
    for bits in (8, 10, 12, 14, 16):
        levels = np.rint(gray / 255 * (2**bits - 1)).astype(f"u{2 if bits > 8 else 1}")
        yield "TIFF, gray", str(bits), lambda v=levels, b=bits: tiff(v, bitspersample=b)
    for bits in (10, 12, 14, 16):
        levels = np.rint(rgb / 255 * (2**bits - 1)).astype(np.uint16)
        yield "TIFF, RGB", str(bits), lambda v=levels, b=bits: tiff(v, bitspersample=b)
    for dtype in ("uint32", "float16", "float32"):
        scale = 2**32 - 1 if dtype == "uint32" else 1
        yield "TIFF, RGB", dtype, lambda d=dtype, s=scale: tiff((rgb / 255 * s).astype(d))
    yield "TIFF, over 1", "float32", lambda: tiff((rgb / 100).astype("float32"))
    yield "TIFF, 12 bits in 16", "16", lambda: tiff(rgb.astype(np.uint16) * 16)
    yield "PNG, RGB", "16", lambda: bytes(imagecodecs.png_encode(deep))
    with_alpha = np.dstack([deep[..., 1], np.full(gray.shape, 65535, np.uint16)])
    yield "PNG, gray and opacity", "16", lambda: bytes(imagecodecs.png_encode(with_alpha))
    pillow_heif.register_heif_opener(thumbnails=False)
    yield "HEIC", "8", lambda: save(rgb, "HEIF", quality=95, **said)
    yield "JPEG XL", "8", lambda: save(rgb, "JXL", lossless=True, **said)
    light = np.rint(linear_light(255)[rgb] * 65535).astype(np.uint16)
    yield "JPEG XL, linear", "16", lambda: bytes(imagecodecs.jpegxl_encode(light, lossless=True))
    yield "PDF", "8", lambda: save(rgb, "PDF", resolution=300)


def row(name: str, bits: str, data: bytes) -> str:
    """Return a line of the table."""
    try:
        file = PhotoFile.parse(data)
    except ColorizerError as error:
        return f"| {name} | {bits} | refused: {error} | | | | | | |"
    kind = "gray" if file.single_channel else "RGB"
    new = recolor(file.levels, COLORS)
    again = PhotoFile.parse(file.encode(new))
    error = np.abs(lightness(file.levels) - lightness(again.levels))
    before, after = file.metadata, again.metadata
    exif, xmp = (
        ("kept" if word in now else "lost") if word in then else ""
        for word, then, now in (
            (b"Maker", before.exif, after.exif),
            (b"kept", before.xmp, after.xmp),
        )
    )
    read, written = (8 * one.levels.itemsize for one in (file, again))
    return (
        f"| {name} | {bits} | {read} bits, {kind} | {file.format_written} | {written} "
        f"| {error.max():.4f} | {error.mean():.5f} | {exif} | {xmp} |"
    )


def lightness(levels: NDArray[Any]) -> NDArray[np.float64]:
    """Return L* in float64."""
    top = np.iinfo(levels.dtype).max
    share = (levels if levels.ndim == 3 else np.dstack([levels] * 3)) / top
    light = np.where(share > 0.04045, ((share + 0.055) / 1.055) ** 2.4, share / 12.92)
    y = light @ np.array(RGB_TO_XYZ[1])
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 116 * KAPPA * y)


def save(pixels: NDArray[Any], format: str, **options: Any) -> bytes:
    """Write a file by Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def tiff(levels: NDArray[Any], **options: Any) -> bytes:
    """Write a TIFF file."""
    buffer = io.BytesIO()
    photometric = "rgb" if levels.ndim == 3 else "minisblack"
    tags = [(271, "s", 0, "Maker", True), (700, "B", len(XMP), XMP, True)]
    options |= {"extratags": tags, "metadata": None}
    tifffile.imwrite(buffer, levels, photometric=photometric, **options)
    return buffer.getvalue()


if __name__ == "__main__":
    typer.run(main)
