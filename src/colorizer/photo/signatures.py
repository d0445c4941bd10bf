"""The first bytes of picture formats, and of what else lies in folders of photographs."""

from dataclasses import dataclass

RAW_SUFFIXES = (
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf "
    ".raw .rw2 .rwl .sr2 .srf .srw .x3f"
)

SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".mpo": "JPEG",
    ".png": "PNG",
    ".apng": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".dib": "BMP",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".hif": "HEIF",
    ".jxl": "JXL",
    ".jp2": "JPEG2000",
    ".j2k": "JPEG2000",
    ".jpf": "JPEG2000",
    ".jpx": "JPEG2000",
    ".pbm": "PPM",
    ".pgm": "PPM",
    ".ppm": "PPM",
    ".pnm": "PPM",
    ".psd": "PSD",
    ".psb": "PSD",
    ".pdf": "PDF",
    ".pcx": "PCX",
    ".tga": "TGA",
    ".qoi": "QOI",
} | dict.fromkeys(
    RAW_SUFFIXES.split(),
    "RAW",
)
"""File names that promise a picture, and of which format."""


@dataclass(frozen=True)
class Kind:
    """What a file is.

    Attributes:
        name: in plain words, such as "a JPEG picture" or "a video".
        format: a picture's: Pillow's name for it, or "RAW", "PDF", "JXL" or "HEIF"; None if the
            file is no picture, or a picture that nothing here can read.
    """

    name: str
    format: str | None = None


def _picture(format: str, name: str = "") -> Kind:
    return Kind(f"a {name or format} picture", format)


EMPTY = Kind("empty")
UNKNOWN = Kind("of no kind that is known")
TEXT = Kind("a text")
TIFF = _picture("TIFF")
BMP, PNM, PCX = _picture("BMP"), _picture("PPM", "PNM"), _picture("PCX")
AVIF, HEIF = _picture("AVIF"), _picture("HEIF")
RAW = Kind("a camera's raw picture", "RAW")
VIDEO, SOUND, ARCHIVE, PROGRAM = map(Kind, ("a video", "a sound", "an archive", "a program"))
DOCUMENT, DATABASE = Kind("an office document"), Kind("a database")
ICON, METAFILE = Kind("an icon"), Kind("a drawing of lines")

SIGNATURES: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\xff\xd8\xff", _picture("JPEG")),
    (0, b"\x89PNG\r\n\x1a\n", _picture("PNG")),
    (0, b"GIF8", _picture("GIF")),
    (0, b"8BPS", Kind("a Photoshop picture", "PSD")),
    (0, b"%PDF-", Kind("a PDF document", "PDF")),
    (0, b"\xff\x0a", _picture("JXL", "JPEG XL")),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", _picture("JXL", "JPEG XL")),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", _picture("JPEG2000", "JPEG 2000")),
    (0, b"\xff\x4f\xff\x51", _picture("JPEG2000", "JPEG 2000")),
    (0, b"qoif", _picture("QOI")),
    (0, b"DDS ", _picture("DDS")),
    (0, b"\x01\xda\0\x01\0", _picture("SGI")),
    (0, b"\x01\xda\x01\x01\0", _picture("SGI")),
    (0, b"\x59\xa6\x6a\x95", Kind("a Sun raster picture", "SUN")),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIRS", RAW),
    (0, b"MMOR", RAW),
    (0, b"IIU\0", RAW),
    (0, b"\0MRM", RAW),
    (0, b"FOVb", RAW),
    (6, b"HEAPCCDR", RAW),
    (8, b"CR\2\0", RAW),
    (0, b"II*\0", TIFF),
    (0, b"MM\0*", TIFF),
    (0, b"II+\0\x08\0\0\0", TIFF),
    (0, b"MM\0+\0\x08\0\0", TIFF),
    # pictures that nothing here reads
    (0, b"\0\0\1\0", ICON),
    (0, b"\0\0\2\0", ICON),
    (0, b"icns", ICON),
    (0, b"II\xbc\1", Kind("a JPEG XR picture, which is not read")),
    (0, b"v/1\1", Kind("an OpenEXR picture, which is not read")),
    (0, b"#?RADIANCE", Kind("a Radiance picture, which is not read")),
    (0, b"gimp xcf", Kind("a GIMP picture, which is not read")),
    (0, b"AT&TFORM", Kind("a DjVu document, which is not read")),
    (128, b"DICM", Kind("a DICOM picture, which is not read")),
    (0, b"\xd7\xcd\xc6\x9a", METAFILE),
    (0, b"%!PS", METAFILE),
    (0, b"\xc5\xd0\xd3\xc6", METAFILE),
    # what else lies in folders of photographs
    (0, b"\x1aE\xdf\xa3", VIDEO),
    (0, b"\0\0\1\xba", VIDEO),
    (0, b"\0\0\1\xb3", VIDEO),
    (0, b"FLV\1", VIDEO),
    (0, b"0&\xb2u\x8ef\xcf\x11", VIDEO),
    *((4, box, VIDEO) for box in (b"moov", b"mdat", b"wide", b"skip")),
    (0, b"OggS", SOUND),
    (0, b"ID3", SOUND),
    (0, b"\xff\xfb", SOUND),
    (0, b"fLaC", SOUND),
    (0, b"PK\3\4", Kind("a zip archive")),
    (0, b"PK\5\6", Kind("a zip archive")),
    (0, b"\x1f\x8b", ARCHIVE),
    (0, b"BZh", ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (0, b"\xfd7zXZ\0", ARCHIVE),
    (0, b"\x28\xb5\x2f\xfd", ARCHIVE),
    (0, b"Rar!\x1a\7", ARCHIVE),
    (257, b"ustar", ARCHIVE),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", DOCUMENT),
    (0, b"{\\rtf", DOCUMENT),
    (0, b"MZ", PROGRAM),
    (0, b"\x7fELF", PROGRAM),
    (0, b"SQLite format 3\0", DATABASE),
    (0, b"\0\0\0\1Bud1", Kind("a folder's settings")),
    (0, b"\0\5\x16\7", Kind("a file's attributes")),
)

RIFF = {b"WEBP": _picture("WEBP", "WebP"), b"AVI ": VIDEO, b"WAVE": SOUND}

BRANDS = {b"avif": AVIF, b"avis": AVIF, b"crx ": RAW, b"M4A ": SOUND} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIF
)
"""Of ISO base media files, ISO/IEC 14496-12; whatever else has a brand is a video."""
