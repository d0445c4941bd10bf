"""The mark of a result: its metadata say that its colors are invented, by what, and from what."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from PIL import Image

from colorizer.photo.identify import HEAD, identify
from colorizer.photo.orientation import info_bytes
from colorizer.photo.xmp import (
    EVENT,
    IPTC_EXTENSION,
    RDF,
    REFERENCE,
    XMP,
    XMP_MM,
    Packet,
    text_fields,
)
from colorizer.version import __version__

ENHANCED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
"""IPTC's term for what an algorithm has altered, "Algorithmically-altered media"."""

TOOL = "colorizer"

SOURCE_TYPE = f"{IPTC_EXTENSION}DigitalSourceType"
CREATOR_TOOL = f"{XMP}CreatorTool"
DERIVED_FROM = f"{XMP_MM}DerivedFrom"
HISTORY = f"{XMP_MM}History"


@dataclass(frozen=True)
class Mark:
    """What a result says of how it was made.

    Attributes:
        software: this tool, its version and the model.
        source: the digest of the file that was colored, as `digest` gives it; "" if it was none.
        parameters: what else decides the colors, such as "strength 1.3"; or "".
    """

    software: str
    source: str
    parameters: str = ""

    @classmethod
    def of(cls, data: bytes, model: str, parameters: str = "") -> "Mark":
        """Return the mark of what a model makes of a file.

        Args:
            data: the file; b"" if there is none.
            model: its name, and what tells it from others of that name.
            parameters: as the attribute.
        """
        return cls(f"{TOOL} {__version__} ({model})", digest(data) if data else "", parameters)

    def write(self, xmp: bytes, former_software: str = "") -> bytes:
        """Return an XMP packet with the mark, and all else that it held.

        What the mark takes the place of moves to `xmpMM:History`.

        Args:
            xmp: a packet, or b"".
            former_software: what EXIF says that the photograph was made by.

        Raises:
            XmpError: if the packet is damaged.
        """
        packet = Packet(xmp)
        tools = dict.fromkeys(filter(None, (former_software, packet.get(CREATOR_TOOL))))
        kind = packet.get(SOURCE_TYPE).replace(ENHANCED, "")
        former = {"softwareAgent": ", ".join(tools), "parameters": kind}
        document = packet.get(f"{XMP_MM}DocumentID")
        packet.replace(SOURCE_TYPE, ENHANCED)
        packet.replace(CREATOR_TOOL, self.software)
        derived = {"instanceID": self.source, "documentID": document}
        if any(derived.values()):
            _fill(packet.replace(DERIVED_FROM), REFERENCE, derived)
        history = packet.find(HISTORY)
        if history is None or not len(history):
            history = packet.replace(HISTORY)
            SubElement(history, f"{RDF}Seq")
        events = history[0]
        known = {text for event in _events(history) for text in event.values()}
        if set(filter(None, former.values())) - known:
            _fill(SubElement(events, f"{RDF}li"), EVENT, {"action": "created", **former})
        made = {"softwareAgent": self.software, "parameters": self.parameters}
        _fill(SubElement(events, f"{RDF}li"), EVENT, {"action": "edited", **made})
        return packet.to_bytes()


def digest(data: bytes) -> str:
    """Return what tells a file from all others: "sha256:" and the digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_mark(file: Path | bytes) -> Mark | None:
    """Return the mark of a result; None of a file that has none, or is no picture.

    No pixels are decoded.

    Args:
        file: its path or its bytes.

    Raises:
        OSError: if it cannot be read.
    """
    try:
        with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as data:
            plain = identify(data.read(HEAD)).format in ("JXL", "PDF")
            data.seek(0)
            packet = Packet(_plain_xmp(data.read()) if plain else _xmp(Image.open(data)))
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception:  # Pillow's plugins raise nearly anything on damaged files
        return None
    software = packet.get(CREATOR_TOOL)
    if not software.startswith(f"{TOOL} "):
        return None
    derived = packet.find(DERIVED_FROM)
    source = "" if derived is None else text_fields(derived, REFERENCE).get("instanceID", "")
    events = _events(packet.find(HISTORY))
    ours = [event for event in events if event.get("softwareAgent") == software]
    return Mark(software, source, ours[-1].get("parameters", "") if ours else "")


def _plain_xmp(data: bytes) -> bytes:
    """Return the first packet that lies uncompressed in a file of any kind."""
    begin, end = data.find(b"<x:xmpmeta"), data.find(b"</x:xmpmeta>")
    return data[begin : end + len(b"</x:xmpmeta>")] if 0 <= begin < end else b""


def _xmp(image: Image.Image) -> bytes:
    said = getattr(image, "tag_v2", {}).get(700, b"")  # a TIFF file's, before it is loaded
    return said if isinstance(said, bytes) and said else info_bytes(image, "xmp")


def _fill(element: Element, namespace: str, fields: dict[str, str]) -> None:
    """Make a structure of texts; empty ones are left out."""
    element.set(f"{RDF}parseType", "Resource")
    for name, text in fields.items():
        if text:
            SubElement(element, namespace + name).text = text


def _events(history: Element | None) -> list[dict[str, str]]:
    """Return what a history says of each event."""
    found = () if history is None else history.iter(f"{RDF}li")
    return [text_fields(event, EVENT) for event in found]
