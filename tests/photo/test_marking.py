import io
import struct
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from PIL.ExifTags import IFD, Base

from colorizer.photo.marking import ENHANCED, Mark, digest, read_mark
from colorizer.photo.metadata import Metadata
from colorizer.photo.photofile import FORMATS, NO_METADATA, PhotoFile
from colorizer.photo.xmp import Packet, XmpError

SMALL: NDArray[np.uint8] = np.random.RandomState(7).randint(0, 256, (6, 9, 3), dtype=np.uint8)
MARK = Mark("colorizer 9.8.7 (flagship 0123456789ab)", digest(b"a scan"), "strength 1.3")
HOLD_MARKS = sorted({*FORMATS.values()} - NO_METADATA - {"JXL", "PDF"})
PRINT = "http://cv.iptc.org/newscodes/digitalsourcetype/print"
PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
  xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:box="http://example.org/box/"
  xmp:CreatorTool="VueScan 9" xmpMM:DocumentID="uuid:1" box:note="on the back:&#xA;&lt;Jos\xe9&gt;">
<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Alt><rdf:li xml:lang="de">M\xfcnchen
</rdf:li></rdf:Alt></dc:title></rdf:Description>
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<Iptc4xmpExt:DigitalSourceType>{PRINT}</Iptc4xmpExt:DigitalSourceType></rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
BOX = "{http://example.org/box/}"


def photo(**options: Any) -> PhotoFile:
    buffer = io.BytesIO()
    Image.fromarray(SMALL).save(buffer, "PNG", **options)
    return PhotoFile.parse(buffer.getvalue())


def load(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", HOLD_MARKS)
def test_every_format_bears_the_mark(format: str, depth: type) -> None:
    marked = photo().marked(MARK).encode(SMALL.astype(depth), format)
    assert read_mark(marked) == MARK
    assert load(marked).getexif()[Base.Software] == MARK.software
    assert Packet(load(marked).info["xmp"]).get(f"{EXT}DigitalSourceType") == ENHANCED
    assert read_mark(photo().encode(SMALL, format)) is None


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16-be", "utf-16-le", "utf-32-le"])
def test_the_mark_joins_what_xmp_said(code: str) -> None:
    marked = MARK.write(PACKET.encode(code) + bytes(40))
    packet = Packet(marked)
    assert packet.get(f"{BOX}note") == "on the back:\n<José>"
    assert b"box:note=" in marked
    assert marked.startswith(b'<?xpacket begin="\xef\xbb\xbf" id=')
    assert marked.endswith(b'<?xpacket end="w"?>')
    kept = ElementTree.fromstring(marked).find(".//{*}title//{*}li")
    assert kept is not None
    assert (kept.text, list(kept.attrib.values())) == ("München\n", ["de"])
    assert marked.count(b"DigitalSourceType>") == 2


def test_what_the_mark_takes_the_place_of_moves_to_the_history() -> None:
    packet = MARK.write(PACKET.encode(), "Epson Scan")
    twice = Mark("colorizer 10 (model1)", "sha256:2", "").write(packet, MARK.software)
    for marked, events in ((packet, 2), (twice, 3)):
        text = marked.decode()
        assert text.count("<stEvt:action>") == events
        assert text.count("Epson Scan, VueScan 9</stEvt:softwareAgent>") == 1
        assert text.count(f"{PRINT}</stEvt:parameters>") == 1
        assert text.count("<stRef:documentID>uuid:1</stRef:documentID>") == 1


@pytest.mark.parametrize(
    "damage",
    [
        b"junk",
        PACKET.encode()[:400],
        PACKET.replace("xmlns:box=", "xmlns:bax=").encode(),
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + PACKET.encode()[61:],
        b"<a>" * 5000 + b"</a>" * 5000,
        PACKET.encode()[61:-19].replace(b"\n</rdf:li>", b"<a>" * 5000 + b"</a>" * 5000),
    ],
    ids=["junk", "cut", "prefix", "no RDF", "document type", "deep", "deep text"],
)
def test_damaged_xmp_is_replaced_with_a_word(damage: bytes) -> None:
    with pytest.raises(XmpError):
        MARK.write(damage)
    marked = Metadata(xmp=damage).marked(MARK)
    assert Packet(marked.xmp).get(f"{EXT}DigitalSourceType") == ENHANCED
    assert marked.lost == ("damaged XMP",)


def test_rdf_may_be_the_root_and_be_empty() -> None:
    bare = b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
    assert b"<r:RDF" in MARK.write(bare)
    assert Packet(MARK.write(bare)).get(f"{EXT}DigitalSourceType") == ENHANCED


def test_prefixes_of_several_namespaces_stay_apart() -> None:
    other = '<rdf:Alt xmlns:xmp="urn:other" xmlns="urn:third" xmp:a="b" c="d"><e/>'
    marked = ElementTree.fromstring(MARK.write(PACKET.replace("<rdf:Alt>", other).encode()))
    element = marked.find(".//{*}Alt[@{urn:other}a='b'][@c='d']")
    assert element is not None
    assert element.find("{urn:third}e") is not None
    assert marked.find(".//{http://ns.adobe.com/xap/1.0/}CreatorTool") is not None


@pytest.mark.parametrize("order", "<>")
def test_software_joins_exif_and_all_else_stays_where_it_is(order: str) -> None:
    block = Image.Exif()
    block.endian = order
    block[Base.Make], block[Base.Software] = "Leica", "Epson Scan"
    block.get_ifd(IFD.Exif)[Base.MakerNote] = b"a maker's notes, which only the maker can read"
    before = photo(exif=block.tobytes())
    after = PhotoFile.parse(before.marked(MARK).encode(SMALL))
    said = Image.Exif()
    said.load(after.metadata.exif)
    assert (said[Base.Make], said[Base.Software]) == ("Leica", MARK.software)
    assert said.get_ifd(IFD.Exif)[Base.MakerNote].startswith(b"a maker's")
    start = struct.calcsize("8x")
    assert after.metadata.exif[start : len(before.metadata.exif)] == before.metadata.exif[start:]
    assert b"Epson Scan" in after.metadata.xmp


def test_damaged_files_bear_no_mark() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("XML:com.adobe.xmp", "a text of that name")
    buffer = io.BytesIO()
    Image.fromarray(SMALL).save(buffer, "PNG", pnginfo=info)
    marked = photo().marked(MARK).encode(SMALL)
    for data in (b"", b"junk", marked[:50], buffer.getvalue()):
        assert read_mark(data) is None


def test_missing_file_is_no_unmarked_one(tmp_path: Any) -> None:
    (tmp_path / "result.png").write_bytes(photo().marked(MARK).encode(SMALL))
    assert read_mark(tmp_path / "result.png") == MARK
    with pytest.raises(FileNotFoundError):
        read_mark(tmp_path / "none.png")
