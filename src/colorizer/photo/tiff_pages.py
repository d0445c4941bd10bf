"""The pages of a TIFF file, each as a file of its own."""

import io
from collections.abc import Iterator
from typing import Literal

from PIL import TiffImagePlugin
from PIL.ExifTags import Base

from colorizer.errors import ImageError

MAX_PAGES = 1000
"""Of a file. Pages may share their pixels, so that a small file has any number of large ones."""

REDUCED, MASK = 1, 4  # a page that is a smaller copy of another, or another's opacity


def find_pages(data: bytes) -> dict[int, int]:
    """Find the directories of a TIFF file's pages.

    Smaller copies and masks, which a file may hold of its pages, are left out. Of a file that
    begins with a smaller copy, that is the first page.

    Returns:
        What each page says it is (NewSubfileType), by the place of its directory.

    Raises:
        ImageError: if there are over `MAX_PAGES`.
    """
    file = io.BytesIO(data)
    # the directories alone, since Pillow opens no mask
    page = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if _is_big(data) else 8])
    kinds: dict[int, int] = {}
    while page.next and page.next not in kinds:
        place = page.next
        file.seek(place)
        page.load(file)
        kinds[place] = page.get(Base.NewSubfileType, 0)
        check_count(len(kinds))
    first = next(iter(kinds), 0)
    return {
        place: kind
        for place, kind in kinds.items()
        if place == first or not kind & (REDUCED | MASK)
    }


def check_count(pages: int) -> None:
    """Raise an `ImageError` if these are over `MAX_PAGES`."""
    if pages > MAX_PAGES:
        raise ImageError(f"a file of over {MAX_PAGES:,} pages: split it")


def split_tiff(data: bytes) -> Iterator[bytes]:
    """Yield a TIFF file for each page of one, or the file itself if it has a single page."""
    places = find_pages(data)
    if len(places) < 2:
        yield data
        return
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    start, count, entry, size = (8, 8, 20, 8) if _is_big(data) else (4, 2, 12, 4)
    for place in places:
        page = bytearray(data)
        page[start : start + size] = place.to_bytes(size, order)
        entries = int.from_bytes(page[place : place + count], order)
        end = place + count + entry * entries
        page[end : end + size] = bytes(size)  # no page follows
        yield bytes(page)


def _is_big(data: bytes) -> bool:
    return b"+" in data[2:4]  # BigTIFF, whose places have 8 bytes
