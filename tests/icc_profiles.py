"""ICC profiles made by hand, for the tests (ICC.1:2001)."""

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Primaries = Mapping[str, tuple[float, float, float]]

SRGB = {
    "r": (0.4361, 0.2225, 0.0139),
    "g": (0.3851, 0.7169, 0.0971),
    "b": (0.1431, 0.0606, 0.7139),
}
"""XYZ of the primaries, adapted to illuminant D50; so are the others."""

ADOBE_RGB = {
    "r": (0.6097, 0.3111, 0.0195),
    "g": (0.2053, 0.6257, 0.0609),
    "b": (0.1492, 0.0632, 0.7446),
}
PROPHOTO = {
    "r": (0.7977, 0.2880, 0.0),
    "g": (0.1352, 0.7119, 0.0),
    "b": (0.0313, 0.0001, 0.8249),
}
DISPLAY_P3 = {
    "r": (0.5151, 0.2412, -0.0011),
    "g": (0.2920, 0.6922, 0.0419),
    "b": (0.1571, 0.0666, 0.7841),
}


def profile(space: bytes, tags: Mapping[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    """Return an ICC profile of a scanner."""
    white = struct.pack(">3i", 63190, 65536, 54061)
    said = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(79),
        b"wtpt": b"XYZ \0\0\0\0" + white,
        **tags,
    }
    table, values, start = b"", b"", 132 + 12 * len(said)
    for name, value in said.items():
        table += name + struct.pack(">II", start + len(values), len(value))
        values += value + bytes(-len(value) % 4)
    size = start + len(values)
    heading = struct.pack(">I4xI4s4s4s12x4s", size, 0x02400000, b"scnr", space, connection, b"acsp")
    heading += bytes(28) + white
    return heading.ljust(128, b"\0") + struct.pack(">I", len(said)) + table + values


def gamma(exponent: float) -> bytes:
    """Return a curve of a profile."""
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * exponent))


def rgb_profile(curve: bytes, columns: str = "rgb", primaries: Primaries = SRGB) -> bytes:
    """Return a profile of primaries, or of these swapped, with a curve."""
    tags = {}
    for name, column in zip("rgb", columns, strict=True):
        fixed = struct.pack(">3i", *(round(65536 * value) for value in primaries[column]))
        tags |= {f"{name}XYZ".encode(): b"XYZ \0\0\0\0" + fixed, f"{name}TRC".encode(): curve}
    return profile(b"RGB ", tags)


def srgb_curve(levels: int) -> bytes:
    """Return sRGB's curve, as a profile's table."""
    light = linear(np.arange(levels) / (levels - 1))
    return b"curv\0\0\0\0" + struct.pack(
        f">I{levels}H", levels, *(65535 * light).round().astype(int)
    )


def cmyk_profile(ink: tuple[int, int, int]) -> bytes:
    """Return a profile in which anything but bare paper is one color, in 8-bit CIELAB."""
    corners = b"".join(bytes(ink) if corner else bytes([255, 128, 128]) for corner in range(16))
    matrix = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + 4 * straight + corners + 3 * straight
    return profile(b"CMYK", {b"A2B0": table}, b"Lab ")


def linear(level: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the light of sRGB's levels, both 0..1 (IEC 61966-2-1)."""
    return np.where(level > 0.04045, ((level + 0.055) / 1.055) ** 2.4, level / 12.92)


def encoded(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return sRGB's levels of light, both 0..1."""
    return np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
