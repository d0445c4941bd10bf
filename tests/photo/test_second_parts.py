"""Files that hold more than a picture: what becomes of the rest is said."""

import io
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from colorizer.inference.recolor_file import Options, colorize_data
from colorizer.methods.hints import Hint
from colorizer.photo.boxes import box
from colorizer.photo.photofile import PhotoFile
from colorizer.photo.second_parts import find_second_parts

SMALL: NDArray[np.uint8] = np.random.RandomState(7).randint(0, 256, (48, 64, 3), dtype=np.uint8)
VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42\0\0\0\x08mdat"
ISO_GAIN_MAP = b"\xff\xe2\0\x20urn:iso:std:iso:ts:21496:-1\0\0\0"
PHONE = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"
xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"
GCamera:MotionPhotoVersion="1" GCamera:MotionPhotoPresentationTimestampUs="5"
xmlns:Container="http://ns.google.com/photos/1.0/container/"
xmlns:Item="http://ns.google.com/photos/1.0/container/item/"
xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"><Container:Directory><rdf:Seq>
<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Map" Item:Length="9"/></rdf:li>
</rdf:Seq></Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>"""
MICRO_VIDEO = PHONE.replace(b"MotionPhoto", b"MicroVideo").replace(b"hdr-gain-map", b"nothing")
VIDEO_WORDS, GAIN_MAP = "motion photo's video", "gain map"


def save(format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(SMALL).save(buffer, format, **options)
    return buffer.getvalue()


def views(count: int) -> bytes:
    return save("MPO", save_all=True, append_images=[Image.fromarray(SMALL)] * (count - 1))


def losses(data: bytes) -> tuple[str, ...]:
    return PhotoFile.parse(data).losses()


def test_gain_map_and_video_of_a_phone_are_named_and_no_longer_claimed() -> None:
    file = PhotoFile.parse(save("JPEG", xmp=PHONE) + save("JPEG") + VIDEO)
    assert file.losses() == (VIDEO_WORDS, GAIN_MAP)
    written = file.encode(SMALL)
    assert losses(written) == ()
    said = Image.open(io.BytesIO(written)).info["xmp"]
    assert b'dc:format="image/jpeg"' in said
    assert not any(word in said for word in (b"hdrgm", b"GCamera", b"Container"))


def test_message_says_what_a_result_loses_in_one_line() -> None:
    hint = Options(hints=(Hint(1, 1, (200, 30, 30)),))
    data = save("JPEG", xmp=PHONE) + VIDEO
    said = "loses its motion photo's video and its gain map, which the original keeps"
    assert colorize_data(data, None, hint).message == said
    assert colorize_data(save("JPEG"), None, hint).message == ""
    copied = colorize_data(data, None, Options())
    assert (copied.data == data, "loses" in copied.message) == (True, False)
    rewritten = colorize_data(data, None, Options(format="PNG"))
    assert rewritten.message.endswith(f"--force colors it; {said}")


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (save("JPEG", xmp=MICRO_VIDEO) + VIDEO, (VIDEO_WORDS,)),
        (save("JPEG") + b"MotionPhoto_Data" + VIDEO, (VIDEO_WORDS,)),
        (save("JPEG", extra=ISO_GAIN_MAP), (GAIN_MAP,)),
        (views(2), ("second picture",)),
        (views(3), ("2 further pictures",)),
        (bytes(imagecodecs.avif_encode(SMALL.astype(np.uint16), bitspersample=10)), ("10 bits",)),
        (bytes(imagecodecs.avif_encode(SMALL)), ()),
    ],
    ids=["MicroVideo", "Samsung", "ISO 21496-1", "MPF", "MPF of 3", "AVIF of 10 bits", "AVIF"],
)
def test_second_parts_are_named(data: bytes, named: tuple[str, ...]) -> None:
    assert losses(data) == named


def test_previews_of_cameras_are_no_loss() -> None:
    image: Any = Image.open(io.BytesIO(views(2)))
    image.mpinfo[0xB002][1]["Attribute"]["MPType"] = "Large Thumbnail (VGA Equivalent)"
    assert list(find_second_parts(image, b"")) == []


def test_second_parts_of_heic_are_named() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    heif = pillow_heif.from_pillow(Image.fromarray(SMALL))
    heif.add_from_pillow(Image.fromarray(255 - SMALL))
    heif.save(buffer := io.BytesIO())
    data = buffer.getvalue() + box(b"mpvd", VIDEO)
    assert losses(data) == (VIDEO_WORDS, "second picture")
    image = Image.open(io.BytesIO(data))
    image.info |= {"aux": {"urn:com:apple:photo:2020:aux:hdrgainmap": [1]}, "depth_images": [2]}
    assert list(find_second_parts(image, b""))[:2] == [GAIN_MAP, "depth map"]


def test_gain_maps_of_jpeg_xl_and_avif_are_named() -> None:
    pytest.importorskip("pillow_jxl")
    jxl = bytes(imagecodecs.jpegxl_encode(SMALL, usecontainer=True)) + box(b"jhgm", bytes(9))
    assert losses(jxl) == (GAIN_MAP,)
    avif = save("AVIF")
    size = int.from_bytes(avif[:4], "big")
    branded = box(b"ftyp", avif[8:size] + b"tmap") + avif[size:]
    assert list(find_second_parts(Image.open(io.BytesIO(avif)), branded)) == [GAIN_MAP]
