"""How many scans a progressive JPEG takes: each costs as much as the whole picture."""

import re

MAX_SCANS = 100
"""Programs write some 10. A small file of thousands would be decoded for hours."""

EOI, SOS = 0xD9, 0xDA

MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
"""Those inside of a scan's data are left out: stuffed zeros, and RST0 to RST7."""


def count_scans(data: bytes) -> int:
    """Count the scans of a JPEG file's first picture.

    Reference: ITU-T T.81, B.1.
    """
    place, scans = 2, 0
    while (found := MARKER.search(data, place)) and found[0][-1] != EOI:
        scans += found[0][-1] == SOS
        length = int.from_bytes(data[found.end() : found.end() + 2], "big")
        place = found.end() + max(length, 2)
    return scans
