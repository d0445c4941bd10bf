"""A picture cut into superpixels, and what each of them looks like."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.fft import fft2, ifft2, next_fast_len
from skimage.feature import daisy
from skimage.filters import gabor_kernel
from skimage.segmentation import slic

SIZE = 150  # pixels of a superpixel, about
COMPACTNESS = 0.1  # of SLIC, for lightness in 0..1
WAVES = [0.4 / np.sqrt(2) ** step for step in range(5)]  # Gabor filters: cycles a pixel
ANGLES = [np.pi * turn / 8 for turn in range(8)]
DAISY_STEP, DAISY_RADIUS = 4, 12  # pixels


@dataclass(frozen=True)
class Superpixels:
    """A picture's superpixels.

    Attributes:
        lab: float32 (3, H, W), the picture; features are of its lightness alone.
        labels: (H, W), each pixel's superpixel, from 0.
        lightness: (H, W), as features see it: `lab`'s, or matched to another picture's.
    """

    lab: NDArray[np.float32]
    labels: NDArray[np.intp]
    lightness: NDArray[np.float32]

    @classmethod
    def cut(
        cls, lab: NDArray[np.float32], lightness: NDArray[np.float32] | None = None
    ) -> "Superpixels":
        """Cut a picture, CIELAB (3, H, W), by its lightness."""
        count = max(2, lab[0].size // SIZE)
        labels = slic(
            lab[0] / 100, count, compactness=COMPACTNESS, start_label=0, channel_axis=None
        )
        _, labels = np.unique(labels, return_inverse=True)
        return cls(lab, labels.reshape(lab[0].shape), lab[0] if lightness is None else lightness)

    def means(self, planes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Average planes, (C, H, W), over each superpixel: (N, C)."""
        flat, sizes = self.labels.ravel(), np.bincount(self.labels.ravel())
        sums = [np.bincount(flat, plane.ravel()) for plane in planes]
        return np.asarray(np.stack(sums, axis=1) / sizes[:, None], np.float32)

    @cached_property
    def colors(self) -> NDArray[np.float32]:
        """Return the mean a* and b* of each superpixel, (N, 2)."""
        return self.means(self.lab[1:])

    @cached_property
    def centroids(self) -> NDArray[np.intp]:
        """Return row and column of each superpixel's middle, moved into it, (N, 2)."""
        grid = np.indices(self.labels.shape)
        middles = self.means(grid.astype(np.float32))
        away = np.square(grid - middles[self.labels].transpose(2, 0, 1)).sum(0).ravel()
        order = np.lexsort((away, self.labels.ravel()))
        _, firsts = np.unique(self.labels.ravel()[order], return_index=True)
        return np.stack(np.unravel_index(order[firsts], self.labels.shape), axis=1)

    @cached_property
    def features(self) -> dict[str, NDArray[np.float32]]:
        """Return the features by name, each (N, C)."""
        level = self.lightness / 100
        gray = self.means(self.lightness[None])
        spread = np.sqrt((self.means(np.square(self.lightness)[None]) - gray**2).clip(min=0))
        return {
            "gabor": self.means(gabor_magnitudes(level)),
            "daisy": self.means(daisy_planes(level)),
            "intensity": np.hstack([gray, self._around(gray)]),
            "deviation": np.hstack([spread, self._around(spread)]),
        }

    def _around(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Average values, (N, 1), over each superpixel's neighbors."""
        below = self.labels[:-1].ravel(), self.labels[1:].ravel()
        beside = self.labels[:, :-1].ravel(), self.labels[:, 1:].ravel()
        first, second = np.concatenate([below, beside], axis=1)
        ones = np.ones(len(first), bool)
        touching = sparse.coo_matrix((ones, (first, second)), (len(values),) * 2).tocsr()
        touching = (touching + touching.T).astype(bool).astype(float)
        touching.setdiag(0)
        counts = np.asarray(touching.sum(1)).clip(min=1)
        return np.asarray(touching @ values / counts, np.float32)


def gabor_magnitudes(level: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the magnitudes of a picture's Gabor responses: 5 scales by 8 angles, (40, H, W)."""
    kernels = [gabor_kernel(wave, angle) for wave in WAVES for angle in ANGLES]
    margin = max(max(kernel.shape) for kernel in kernels) // 2
    padded = np.pad(level - level.mean(), margin, mode="reflect")
    shape = [next_fast_len(side) for side in padded.shape]
    spectrum = fft2(padded, shape)
    found = np.empty((len(kernels), *level.shape), np.float32)
    for plane, kernel in zip(found, kernels, strict=True):
        top, left = (margin + side // 2 for side in kernel.shape)
        response = ifft2(spectrum * fft2(kernel, shape))
        plane[:] = np.abs(response[top : top + len(level), left : left + level.shape[1]])
    return found


def daisy_planes(level: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return a picture's DAISY descriptors at every pixel, (C, H, W)."""
    padded = np.pad(level, DAISY_RADIUS, mode="reflect")
    found = daisy(padded, step=DAISY_STEP, radius=DAISY_RADIUS, rings=2, histograms=6)
    rows = np.minimum(np.arange(level.shape[0]) // DAISY_STEP, found.shape[0] - 1)
    columns = np.minimum(np.arange(level.shape[1]) // DAISY_STEP, found.shape[1] - 1)
    return np.asarray(found[rows][:, columns].transpose(2, 0, 1), np.float32)
