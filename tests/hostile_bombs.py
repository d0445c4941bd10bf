"""Small files that claim, or become, enormous pictures."""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
import tifffile
from PIL import Image

SIZES = ((0, 0), (1, 65_500), (30_000, 30_000), (65_535, 65_535), (2**31 - 1, 2**31 - 1))
"""Widths and heights that are claimed; of formats of 16 bits modulo 65,536."""

MEBI = 1 << 20


def declared(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Let small files claim other sizes.

    Args:
        files: undamaged ones, by name.
    """
    for width, height in SIZES:
        said = f"{width}x{height}"
        sides = struct.pack(">II", width, height)
        low = struct.pack(">HH", height % 65_536, width % 65_536)
        yield f"{said}.png", _patch_png(files["picture.png"], sides)
        jpeg = files["baseline.jpg"]
        yield f"{said}.jpg", _patch(jpeg, jpeg.index(b"\xff\xc0") + 5, low)
        little = struct.pack("<HH", width % 65_536, height % 65_536)
        yield f"{said}.gif", _patch(files["picture.gif"], 6, little)
        yield f"{said}.bmp", _patch(files["picture.bmp"], 18, struct.pack("<II", width, height))
        yield f"{said}.psd", _patch(files["picture.psd"], 14, struct.pack(">II", height, width))
        for name in ("picture.tif", "deep.tif", "deflate.tif", "picture.dng"):
            yield f"{said}_{name}", _patch_tiff(files[name], width, height)
        for name in ("picture.avif", "picture.heic"):
            place = files[name].index(b"ispe") + 8
            yield f"{said}_{name}", _patch(files[name], place, sides)
        jp2 = files["picture.jp2"]
        yield f"{said}.jp2", _patch(jp2, jp2.index(b"\xff\x4f\xff\x51") + 8, sides)
        yield f"{said}.ppm", b"P6 %d %d 255\n" % (width, height)
        yield f"{said}.tga", _patch(files["picture.tga"], 12, little)
        pdf = files["picture.pdf"]
        box = b"/MediaBox[0 0 %d %d]" % (width, height)
        start = pdf.index(b"/MediaBox")
        yield f"{said}.pdf", pdf[:start] + box + pdf[pdf.index(b"]", start) + 1 :]


def bombs() -> Iterator[tuple[str, bytes]]:
    """Yield small files that become large where they are read."""
    yield "allowed.png", png(13_000, 13_000)
    yield "refused.png", png(14_000, 14_000)
    yield "interlaced.png", png(8_000, 8_000, interlaced=True)
    for kind, body in (
        (b"iCCP", b"x\0\0"),
        (b"zTXt", b"Comment\0\0"),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0"),
    ):
        packed = zlib.compress(bytes(200 * MEBI), 9)
        yield f"{kind.decode()}.png", png(8, 8, chunk(kind, body + packed))
        many = chunk(kind, body + zlib.compress(bytes(MEBI // 2), 9)) * 500
        yield f"many_{kind.decode()}.png", png(8, 8, many)
    white = np.broadcast_to(np.uint8(255), (8_000, 8_000))
    for compression in ("zlib", "lzma", "packbits"):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, white, compression=compression, rowsperstrip=500, metadata=None)
        yield f"{compression}.tif", buffer.getvalue()
    yield "strips.tif", _patch_tiff(_small_tiff(), 40_000, 4_000)
    yield "pages.tif", _many_pages(20_000)
    yield "circle.tif", _many_pages(3, circle=True)
    buffer = io.BytesIO()
    blank = Image.new("L", (8_000, 8_000), 255)
    blank.save(buffer, "GIF")
    yield "large.gif", buffer.getvalue()
    frames = [Image.new("L", (4, 4), n % 256) for n in range(3_000)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    yield "frames.gif", buffer.getvalue()
    buffer = io.BytesIO()
    Image.new("L", (8_000, 8_000), 255).save(buffer, "JPEG", progressive=True)
    jpeg = buffer.getvalue()
    yield "large.jpg", jpeg
    last = jpeg.rindex(b"\xff\xda")
    yield "scans.jpg", jpeg[:-2] + jpeg[last:-2] * 200 + jpeg[-2:]


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, chunks: bytes = b"", *, interlaced: bool = False) -> bytes:
    """Return a whole, white PNG file of one bit a pixel, with more chunks."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, interlaced)
    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * -(-width // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height + height * interlaced))
    end = chunk(b"IDAT", pixels + packer.flush()) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + end


def _patch(data: bytes, place: int, new: bytes) -> bytes:
    return data[:place] + new + data[place + len(new) :]


def _patch_png(data: bytes, sides: bytes) -> bytes:
    header = b"IHDR" + sides + data[24:29]
    return _patch(data, 12, header + struct.pack(">I", zlib.crc32(header)))


def _patch_tiff(data: bytes, width: int, height: int) -> bytes:
    """Replace ImageWidth and ImageLength of a little-endian file's first page."""
    wrong = bytearray(data)
    place = int.from_bytes(data[4:8], "little")
    for entry in range(
        place + 2, place + 2 + 12 * int.from_bytes(data[place : place + 2], "little"), 12
    ):
        tag = int.from_bytes(data[entry : entry + 2], "little")
        if tag in (256, 257):
            side = (width, height)[tag - 256]
            wrong[entry + 2 : entry + 12] = struct.pack("<HII", 4, 1, side)
    return bytes(wrong)


def _small_tiff() -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((8, 8), np.uint8), metadata=None)
    return buffer.getvalue()


def _many_pages(count: int, *, circle: bool = False) -> bytes:
    """Return a TIFF of many pages that share one picture; the last is followed by the first."""
    entries = (
        (256, 8),
        (257, 8),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, 8),
        (279, 64),
    )
    size, start = 2 + 12 * len(entries) + 4, 8 + 64
    parts = [b"II*\0", struct.pack("<I", start), b"\x80" * 64]
    for page in range(count):
        follows = start + size * (page + 1) if page < count - 1 else circle * start
        parts.append(struct.pack("<H", len(entries)))
        parts += [struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries]
        parts.append(struct.pack("<I", follows))
    return b"".join(parts)
