"""TIFF files of over 8 bits, floats and odd depths, which Pillow reads to 8 bits or not at all."""

import io
import logging
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL.ExifTags import Base
from tifffile import EXTRASAMPLE, PHOTOMETRIC, SAMPLEFORMAT, TiffFile, TiffPage

from colorizer.errors import ImageError
from colorizer.photo.depth import DeepFile, Samples

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it cannot read, it raises too

SPACES: dict[int, tuple[Literal["gray", "rgb", "cmyk"], int]] = {
    PHOTOMETRIC.MINISWHITE: ("gray", 1),
    PHOTOMETRIC.MINISBLACK: ("gray", 1),
    PHOTOMETRIC.RGB: ("rgb", 3),
    PHOTOMETRIC.SEPARATED: ("cmyk", 4),
}
"""What the colors are, and how many channels they take."""

GIBI = 1 << 30
MAX_BYTES = 3 * GIBI
"""Of a picture's levels: `decode.MAX_PIXELS` of four channels of floats."""

KINDS = {
    SAMPLEFORMAT.UINT: "unsigned integers",
    SAMPLEFORMAT.INT: "signed integers",
    SAMPLEFORMAT.IEEEFP: "floats",
}

OPACITY: dict[int, Literal["apart", "multiplied"]] = {
    EXTRASAMPLE.UNASSALPHA: "apart",
    EXTRASAMPLE.ASSOCALPHA: "multiplied",
}


class DeepTiff(DeepFile):
    """The first page of a TIFF file, opened as by Pillow; its pixels are in `samples`."""

    format = "TIFF"

    def _open(self) -> None:
        assert self.fp is not None
        self.page: Any = TiffFile(self.fp).pages.first
        self._size = self.page.imagewidth, self.page.imagelength
        self._mode = "RGB"
        self.info |= {"icc_profile": self.page.iccprofile or b""}
        tags = self.page.tags
        said = tags.valueof(Base.Orientation, 1)
        self.orientation = said if said in range(1, 9) else 1
        if tags.valueof(Base.ResolutionUnit) in (2, 3) and Base.XResolution in tags:
            self.info["dpi"] = self.page.get_resolution(2)  # an inch

    def samples(self) -> Samples:
        """Return the picture's samples, as they lie in the file.

        Raises:
            ImageError: if it is of a kind of color that is not read.
        """
        page = self.page
        uniform = isinstance(page.bitspersample, int) and page.sampleformat in KINDS
        if page.photometric not in SPACES or not uniform:
            kind = getattr(page.photometric, "name", page.photometric)
            raise ImageError(f"a TIFF of {page.bitspersample} bits in {kind}: save it as RGB")
        if page.axes not in ("YX", "SYX", "YXS"):
            raise ImageError(f"a TIFF page of the axes {page.axes}: expected rows and columns")
        if page.nbytes > MAX_BYTES:
            raise ImageError(
                f"a TIFF of {page.nbytes / GIBI:,.0f} GiB of levels; at most {MAX_BYTES / GIBI:g} "
                f"are decoded: it has {page.samplesperpixel:,} channels"
            )
        space, colors = SPACES[page.photometric]
        said = list(enumerate(page.extrasamples, colors))
        opacity = [(place, OPACITY[kind]) for place, kind in said if kind in OPACITY][:1]
        kept = [*range(colors), *(place for place, _ in opacity)]
        levels = _channels_last(page)
        black, white = _range(page)
        return Samples(
            levels if levels.shape[2] == len(kept) else levels[..., kept],
            space,
            depth(page),
            black=black,
            white=white,
            opacity=opacity[0][1] if opacity else "none",
            negative=page.photometric == PHOTOMETRIC.MINISWHITE,
            profile=self.info["icc_profile"],
        )


def open_deep_tiff(data: bytes) -> DeepTiff | None:
    """Open a TIFF file if its first page is of a depth that Pillow does not read, or None."""
    try:
        with TiffFile(io.BytesIO(data)) as file:
            page = file.pages.first
            shallow = page.bitspersample in (1, 2, 4, 8) and page.sampleformat == SAMPLEFORMAT.UINT
    except Exception:  # Pillow says what is wrong
        return None
    return None if shallow else DeepTiff(io.BytesIO(data))


def depth(page: TiffPage) -> str:
    """Return what a page says of its numbers, in words."""
    kind = KINDS.get(SAMPLEFORMAT(page.sampleformat), "numbers")
    return f"{kind} of {page.bitspersample} bits"


def _channels_last(page: TiffPage) -> NDArray[Any]:
    """Return a page's levels, (H, W, C)."""
    levels: NDArray[Any] = page.asarray()
    if page.axes == "YX":
        return levels[..., None]
    return levels if page.axes == "YXS" else np.ascontiguousarray(levels.transpose(1, 2, 0))


def _range(page: TiffPage) -> tuple[float, float | None]:
    """Return the levels of black and white that a page says, or of its depth."""
    tags = page.tags
    if page.sampleformat == SAMPLEFORMAT.UINT:
        full = (1 << page.bitspersample) - 1
        for tag in (Base.SMaxSampleValue, Base.MaxSampleValue):
            said = _number(tags, tag, max)
            # another number is the picture's own highest level
            if said is not None and said < full and said in {(1 << n) - 1 for n in range(8, 32)}:
                return 0, said
        return 0, full
    white = _number(tags, Base.SMaxSampleValue, max)
    if white is None or (page.sampleformat == SAMPLEFORMAT.IEEEFP and white <= 1):
        return 0, None
    return _number(tags, Base.SMinSampleValue, min) or 0, white


def _number(tags: Any, tag: int, choose: Any) -> float | None:
    """Return a tag's only or chosen number, None if there is none."""
    said = tags.valueof(tag)
    if said is None:
        return None
    return float(choose(said) if isinstance(said, tuple) else said)
