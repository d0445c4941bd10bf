"""Camera raw files, developed by LibRaw to 16 bits in sRGB."""

from typing import Any, BinaryIO, cast

import rawpy

from colorizer.photo.depth import DeepFile, Samples


class RawFile(DeepFile):
    """A camera's raw file, opened as by Pillow; LibRaw turns it upright."""

    format = "RAW"

    def _open(self) -> None:
        assert self.fp is not None
        self.raw: Any = rawpy.imread(cast(BinaryIO, self.fp))
        self._size = self.raw.sizes.width, self.raw.sizes.height
        self._mode = "RGB"

    def samples(self) -> Samples:
        """Develop the picture: the camera's white balance, sRGB's curve, no automatic lightness."""
        levels = self.raw.postprocess(
            use_camera_wb=True,
            no_auto_bright=True,
            adjust_maximum_thr=0,  # white is what the file says, not what is brightest in it
            output_bps=16,
            gamma=(2.4, 12.92),
        )
        return Samples(levels, "rgb", "camera raw of 16 bits")
