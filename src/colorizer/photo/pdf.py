"""PDF documents of scans: pages to pictures, and pictures to pages of the same size."""

import io
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any

import pypdfium2
from PIL import Image
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE, FPDF_PAGEOBJ_TEXT

from colorizer.errors import ImageError
from colorizer.photo.tiff_pages import check_count

POINTS = 72  # an inch

SCANNED = 0.5
"""The part of a page with text that a scan covers at least."""

MAX_PIXELS = 100_000_000
"""Of a page; its pictures are made smaller beyond."""

NEARLY = 1 - 5e-5

_one_at_a_time = Lock()  # PDFium is not made for threads


def open_page(data: bytes) -> Image.Image:
    """Return a document's first page as a picture, at its own pictures' resolution."""
    with _one_at_a_time, pypdfium2.PdfDocument(data) as document:
        page = document[0]
        text = any(page.get_objects(filter=[FPDF_PAGEOBJ_TEXT]))
        scale = _scale(page, text=text)
        # a little less, since sizes are rounded up and the page's is not exact
        picture: Image.Image = page.render(scale=scale * NEARLY, may_draw_forms=False).to_pil()
    picture = picture.convert("RGB")
    picture.format = "PDF"
    picture.info |= {"dpi": (POINTS * scale, POINTS * scale), "has_text": text}
    return picture


def measure_page(data: bytes) -> tuple[int, int]:
    """Return the width and height of what `open_page` would return."""
    with _one_at_a_time, pypdfium2.PdfDocument(data) as document:
        page = document[0]
        scale = _scale(page, text=any(page.get_objects(filter=[FPDF_PAGEOBJ_TEXT])))
        width, height = page.get_size()
    return round(width * scale), round(height * scale)


def count_pages(data: bytes) -> int:
    """Return how many pages a document has.

    Raises:
        ImageError: if there are over `tiff_pages.MAX_PAGES`.
    """
    with _one_at_a_time, pypdfium2.PdfDocument(data) as document:
        check_count(len(document))
        return len(document)


def split_pdf(data: bytes) -> Iterator[bytes]:
    """Yield a document for each page of one."""
    for page in range(count_pages(data)):
        out = io.BytesIO()
        with (
            _one_at_a_time,
            pypdfium2.PdfDocument(data) as document,
            pypdfium2.PdfDocument.new() as alone,
        ):
            alone.import_pages(document, [page])
            alone.save(out)
        yield out.getvalue()


def encode_pdf(pages: Iterable[tuple[bytes, tuple[float, float]]]) -> bytes:
    """Encode pictures as the pages of a document.

    Args:
        pages: JPEG files, which are kept as they are, each with its width and height in inches.
    """
    pictures = list(pages)  # made before the lock: to make one may take it
    out = io.BytesIO()
    with _one_at_a_time, pypdfium2.PdfDocument.new() as document:
        for jpeg, size in pictures:
            width, height = (POINTS * inches for inches in size)
            picture = pypdfium2.PdfImage.new(document)
            picture.load_jpeg(io.BytesIO(jpeg), inline=True)
            picture.set_matrix(pypdfium2.PdfMatrix().scale(width, height))
            page = document.new_page(width, height)
            page.insert_obj(picture)
            page.gen_content()
        document.save(out)
    return out.getvalue()


def _scale(page: Any, *, text: bool) -> float:
    """Return how many pixels a point has in the finest picture on a page, which may have text.

    It is less if the page would have over `MAX_PIXELS`.

    Raises:
        ImageError: if the page is no scan.
    """
    found: list[float] = []
    covered = 0.0
    for picture in page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE]):
        left, bottom, right, top = picture.get_bounds()
        across, down = picture.get_px_size()
        if (area := (right - left) * (top - bottom)) > 0:
            found.append((across * down / area) ** 0.5)  # it may lie turned on its page
            covered += area
    width, height = page.get_size()
    if not found or (text and covered < SCANNED * width * height):
        raise ImageError("a PDF page that is no scan: its pictures cover less than half of it")
    return float(min(max(found), (MAX_PIXELS / (width * height)) ** 0.5))
