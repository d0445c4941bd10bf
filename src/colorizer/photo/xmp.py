"""XMP, the metadata packet in a photograph's file: read and changed as RDF.

Properties that are not asked for stay as they are, with their prefixes.

Reference: ISO 16684-1 (2019), XMP.
"""

import io
import json
from collections.abc import Iterator
from typing import Any
from xml.dom import XML_NAMESPACE
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import XMLGenerator

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
XMP_MM = "{http://ns.adobe.com/xap/1.0/mm/}"
REFERENCE = "{http://ns.adobe.com/xap/1.0/sType/ResourceRef#}"
EVENT = "{http://ns.adobe.com/xap/1.0/sType/ResourceEvent#}"
IPTC_EXTENSION = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
NOTE = "{http://ns.adobe.com/xmp/note/}"

PREFIXES = {
    RDF: "rdf",
    XMP: "xmp",
    XMP_MM: "xmpMM",
    REFERENCE: "stRef",
    EVENT: "stEvt",
    IPTC_EXTENSION: "Iptc4xmpExt",
    NOTE: "xmpNote",
}
"""Of the namespaces that are written, each as "{URI}"."""

LARGEST = 1 << 24
"""Bytes; no larger packet is parsed."""

_EMPTY = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF[1:-1]}">'
    '<rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>'
)
_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_END = '\n<?xpacket end="w"?>'


class XmpError(ValueError):
    """The bytes are no XMP packet that can be read."""


class Packet:
    """An XMP packet.

    Names of properties are ElementTree's, "{namespace}name".

    Args:
        data: its bytes; b"" makes an empty one.

    Raises:
        XmpError: if it is damaged, larger than `LARGEST`, or defines entities.
    """

    def __init__(self, data: bytes = b"") -> None:
        if len(data) > LARGEST:
            raise XmpError(f"{len(data):,} bytes; at most {LARGEST:,} are read")
        builder = _Builder()
        text = data.decode(json.detect_encoding(data), errors="replace")  # UTF-8, -16 or -32
        try:
            parser = ElementTree.XMLParser(target=builder)
            parser.feed(text.strip("\ufeff\0 \r\n\t") or _EMPTY)
            self.root: Element = parser.close()
        except ElementTree.ParseError as error:
            raise XmpError(str(error)) from None
        self._prefixes = builder.prefixes
        rdf = self.root if self.root.tag == f"{RDF}RDF" else self.root.find(f"{RDF}RDF")
        if rdf is None:
            raise XmpError("no RDF in it")
        self._rdf = rdf

    def get(self, name: str) -> str:
        """Return the text of a simple property; "" if there is none."""
        for description in self._descriptions():
            text = description.get(name) or description.findtext(name)
            if text:
                return text.strip()
        return ""

    def find(self, name: str) -> Element | None:
        """Return the element of a property, if it is written as one."""
        found = (description.find(name) for description in self._descriptions())
        return next((element for element in found if element is not None), None)

    def remove(self, name: str) -> None:
        """Remove a property wherever it stands."""
        for description in self._descriptions():
            description.attrib.pop(name, None)
            for element in description.findall(name):
                description.remove(element)

    def replace(self, name: str, text: str | None = None) -> Element:
        """Give a property a text or, for a structure, nothing yet; return its element."""
        self.remove(name)
        first = next(self._descriptions(), None)
        if first is None:
            first = ElementTree.SubElement(self._rdf, f"{RDF}Description", {f"{RDF}about": ""})
        element = ElementTree.SubElement(first, name)
        element.text = text
        return element

    def merge(self, other: "Packet") -> None:
        """Add another packet's properties."""
        self._prefixes |= other._prefixes
        self._rdf.extend(list(other._descriptions()))

    def take_largest(self, most: int) -> bytes:
        """Move the largest structures and texts to a packet of their own, which is returned.

        Args:
            most: bytes that are left at most.

        Raises:
            XmpError: if all others are larger still.
        """
        other = Packet()
        other._prefixes = self._prefixes
        (place,) = other._descriptions()
        elements = [
            (len(ElementTree.tostring(element)), parent, element)
            for parent in self._descriptions()
            for element in parent
        ]
        elements.sort(key=lambda one: one[0])
        while (excess := len(self.to_bytes()) - most) > 0:
            if not elements:
                raise XmpError(f"more than {most:,} bytes of simple properties")
            while excess > 0 and elements:
                size, parent, element = elements.pop()
                parent.remove(element)
                place.append(element)
                excess -= size  # a little more than it was
        return other.to_bytes(wrapped=False)

    def to_bytes(self, *, wrapped: bool = True) -> bytes:
        """Return the packet.

        Args:
            wrapped: between the processing instructions by which a packet is found in a file.

        Raises:
            XmpError: if it is nested more deeply than any real one.
        """
        out = io.StringIO()
        writer = XMLGenerator(out, short_empty_elements=True)
        for uri, prefix in self._declared().items():
            writer.startPrefixMapping(prefix, uri)
        try:
            _write(self.root, writer)
        except RecursionError:
            raise XmpError("nested too deeply") from None
        return (_BEGIN + out.getvalue() + _END if wrapped else out.getvalue()).encode()

    def _descriptions(self) -> Iterator[Element]:
        return self._rdf.iterfind(f"{RDF}Description")

    def _declared(self) -> dict[str, str]:
        """Return the prefix of each namespace, none of them twice."""
        wanted = {uri[1:-1]: prefix for uri, prefix in PREFIXES.items()} | self._prefixes
        declared: dict[str, str] = {}
        for uri in {_split(name)[0]: None for name in self._names()}:
            prefix = wanted.get(uri or "") or "ns"
            if prefix in declared.values():
                prefix += str(len(declared))
            if uri and uri != XML_NAMESPACE:
                declared[uri] = prefix
        return declared

    def _names(self) -> Iterator[str]:
        for element in self.root.iter():
            yield element.tag
            yield from element.attrib


def text_fields(element: Element, namespace: str) -> dict[str, str]:
    """Return a structure's texts by their name in a namespace, however it is written."""
    fields: dict[str, str] = {}
    for part in element.iter():
        for name, text in (*part.attrib.items(), (part.tag, (part.text or "").strip())):
            if name.startswith(namespace) and text:
                fields.setdefault(name.removeprefix(namespace), text)
    return fields


class _Builder(ElementTree.TreeBuilder):
    """Builds a tree, and keeps the prefixes that a packet declares."""

    def __init__(self) -> None:
        super().__init__()
        self.prefixes: dict[str, str] = {}

    def start_ns(self, prefix: str, uri: str) -> None:
        """Keep a namespace's first prefix."""
        self.prefixes.setdefault(uri, prefix)

    def doctype(self, *_: Any) -> None:
        """Refuse what XMP has no use for, and what entities without end are made of."""
        raise XmpError("it has a document type")


def _split(name: str) -> tuple[str | None, str]:
    """Return a name's namespace and the name itself."""
    uri, brace, local = name.removeprefix("{").rpartition("}")
    return (uri if brace else None), local


def _write(element: Element, writer: XMLGenerator) -> None:
    name = _split(element.tag)
    attributes: Any = {_split(key): value for key, value in element.attrib.items()}
    writer.startElementNS(name, None, attributes)
    writer.characters(element.text or "")
    for child in element:
        _write(child, writer)
        writer.characters(child.tail or "")
    writer.endElementNS(name, None)
