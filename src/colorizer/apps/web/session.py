"""The photographs on the page and their colors; knows nothing of HTTP."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath

from colorizer.apps.web.coloring import THUMBNAIL, Coloring
from colorizer.apps.web.look import Look, Size, parse_part
from colorizer.apps.web.photograph import Photograph, store
from colorizer.apps.web.zip_stream import extend_stem, stream_zip
from colorizer.color.recoloring import recolor
from colorizer.errors import ColorizerError
from colorizer.inference.options import Options
from colorizer.inference.plan import USUAL
from colorizer.inference.recolor_file import make_mark
from colorizer.methods.hints import Hints
from colorizer.photo.decode import decode_strokes
from colorizer.photo.encode import encode
from colorizer.photo.photofile import PhotoFile
from colorizer.photo.pixels import shrink
from colorizer.photo.restoration import restore
from colorizer.photo.signatures import SUFFIXES


class OutdatedError(ColorizerError):
    """The page shows an outdated state."""


class Session:
    """The photographs on the page, and their results.

    Args:
        models: see `Coloring`.
        folder: an empty folder for copies of the photographs' files.

    Raises:
        ColorizerError: if one of `models` is missing.
    """

    def __init__(self, models: Sequence[str], folder: Path) -> None:
        self.coloring = Coloring(models)
        self.photos: Mapping[str, Photograph] = {}  # replaced, never changed: others go through it
        self._folder = folder
        self._one_change_at_a_time = threading.Lock()

    def add(self, name: str, data: bytes) -> tuple[list[Photograph], list[str]]:
        """Add a file's photographs, of which it has one or several pages.

        Args:
            name: the file's name.
            data: the file's bytes, in a format that `decode` reads.

        Returns:
            photographs: of the pages that can be read.
            reasons: why others cannot.

        Raises:
            ImageError: if none can be read.
            ColorizerError: if it is no picture, or there is no room to keep it.
        """
        with self.coloring.one_large_at_a_time:
            photos, reasons = store(name, data, self._folder)
        with self._one_change_at_a_time:
            self.photos = {**self.photos, **{photo.id: photo for photo in photos}}
        return photos, reasons

    def get(self, photo_id: str) -> Photograph:
        """Return a photograph.

        Raises:
            ColorizerError: if it was removed, or was never here.
        """
        try:
            return self.photos[photo_id]
        except KeyError:
            raise ColorizerError("this photograph is not here any more: add it again") from None

    def remove(self, photo_id: str) -> None:
        """Remove a photograph, and its file with the last of its pages."""
        with self._one_change_at_a_time:
            photo = self.get(photo_id)
            file = photo.file
            self.photos = {key: photo for key, photo in self.photos.items() if key != photo_id}
            photo.preview.unlink(missing_ok=True)
            if all(photo.file != file for photo in self.photos.values()):
                file.unlink(missing_ok=True)

    def force(self, photo_id: str, forced: bool) -> Photograph:
        """Color a photograph although it is in color already, or no longer."""
        photo = self.get(photo_id)
        photo.forced = forced
        return photo

    def paint(self, photo_id: str, strokes: bytes | None, revision: int) -> Photograph:
        """Replace the strokes on a photograph.

        Args:
            photo_id: the photograph's id.
            strokes: a PNG file; None removes the strokes.
            revision: the photograph's revision that the painter saw.

        Raises:
            ColorizerError: if the strokes are no picture of the size shown, or nothing is painted.
            OutdatedError: if the strokes were replaced meanwhile.
        """
        photo = self.get(photo_id)
        hints = None
        if strokes is not None:
            width, height = photo.shown
            hints = Hints.collect([], decode_strokes(strokes), height=height, width=width)
        with self._one_change_at_a_time:
            if revision != photo.revision:
                raise OutdatedError(f"{photo.name} was painted on in another window meanwhile")
            photo.strokes, photo.hints, photo.revision = strokes, hints, revision + 1
        return photo

    def show(
        self, photo_id: str, look: Look | None = None, *, size: Size = "preview", part: str = ""
    ) -> bytes:
        """Return a photograph as a JPEG file.

        Args:
            photo_id: the photograph's id.
            look: how it is colored; None as it was.
            size: of the picture.
            part: what to show in the photograph's own pixels, as `parse_part` takes it; "" for all,
                at the size.

        Raises:
            ColorizerError: if there is no such photograph, model or part.
        """
        photo = self.get(photo_id)
        if part:
            picture = self.coloring.draw_part(photo, look, parse_part(part, photo.size))
        else:
            picture = self.coloring.draw(photo, look, size)
        return encode(picture, format="jpeg")

    def show_like(self, like: str) -> bytes:
        """Return a photograph that others shall look like as a small JPEG file.

        Raises:
            ColorizerError: if it is not here.
        """
        (found,) = self.coloring.get_likes(like)
        return encode(shrink(found.rgb, THUMBNAIL / max(found.rgb.shape[:2])), format="jpeg")

    def show_confidence(self, photo_id: str, look: Look) -> bytes:
        """Return how sure the model is as a JPEG file, white where it is.

        Raises:
            ColorizerError: if there is no such photograph or model, or it does not say.
        """
        return encode(self.coloring.draw_confidence(self.get(photo_id), look), format="jpeg")

    def palette(self, photo_id: str, look: Look, x: int, y: int) -> list[str]:
        """Return the likely colors of a pixel, as `Coloring.palette`.

        Raises:
            ColorizerError: if there is no such photograph, model or pixel.
        """
        return self.coloring.palette(self.get(photo_id), look, x, y)

    def finish(self, photo_id: str, look: Look) -> tuple[str, bytes]:
        """Return the name and bytes of a photograph's file in color, at full size, with metadata.

        Of a photograph that is copied they are the original's.

        Raises:
            ColorizerError: see `show`.
        """
        photo = self.get(photo_id)
        if photo.is_copied(look.tone):
            return photo.name, photo.read()
        ab = self.coloring.colors(photo, look)
        with self.coloring.one_large_at_a_time:
            file = PhotoFile.parse(photo.read())
            strokes = None if photo.strokes is None else decode_strokes(photo.strokes)
            options = Options(
                strength=look.strength,
                strokes=strokes,
                restore=look.restore,
                like=self.coloring.get_likes(look.like),
            )
            mark = make_mark(photo.read_file(), self.coloring.colorizer(look.model), options)
            levels = restore(file.levels) if look.restore else file.levels
            data = file.marked(mark).encode(recolor(levels, ab))
        return extend_stem(_rename(photo.name, file.format_written), "_colorized"), data

    def finish_all(self, look: Look, count: int) -> Iterator[bytes]:
        """Return all photographs' files in color as a zip archive, in parts.

        The archive lists photographs that cannot be finished in `zip_stream.FAILED`.

        Args:
            look: how they are colored.
            count: the number of photographs that the page shows.

        Raises:
            OutdatedError: if there are more or fewer.
        """
        if count != len(self.photos):
            raise OutdatedError(
                f"this page shows {count} photographs, and there are {len(self.photos)}: load it "
                "again"
            )
        return stream_zip(
            (photo.name, partial(self.finish, photo.id, look)) for photo in self.photos.values()
        )


def _rename(name: str, format: str) -> str:
    """Return a file's name with a suffix that promises the format."""
    promised = SUFFIXES.get(PurePath(name).suffix.lower())
    if promised == format:
        return name
    return (PurePath(name).stem if promised else name) + USUAL[format]
