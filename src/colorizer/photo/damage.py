"""Finds dust, hairs and scratches on a scan, by what they look like beside their surroundings."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

LEAST = 14  # levels that damage differs by from what is around it
TEXTURE = 4  # times the usual difference around: in foliage nothing is taken for dust
UNEVEN = 0.35  # of its difference; what surroundings may vary by, so that eyes and edges are none
HAIR = 12  # times as long as a speck is wide

FINEST = 700  # pixels of the shorter side; on fewer, ropes and whiskers look like scratches
STRAIGHT = 0.3  # of the shorter side; no shorter line is a scratch
DARKER = 0.5  # of a scratch's length passes what is darker
COVERED = 0.8  # of that stands out on both sides
MOST = 6  # straight light lines; of more, they are what the photograph is of


def find_damage(gray: Gray) -> Gray:
    """Find small spots and hairs, light and dark, and long straight light scratches.

    Args:
        gray: uint8 (H, W), 0..255, at about 1,500 pixels on the shorter side at most.

    Returns:
        uint8 (H, W), 1 where there is damage, a pixel around it included, or else 0.
    """
    size = _odd(min(gray.shape) / 150)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    light = cv2.morphologyEx(gray, cv2.MORPH_TOPHAT, element)
    dark = cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, element)
    usual = cv2.medianBlur(cv2.max(light, dark), min(255, 6 * size + 1))
    least = cv2.add(cv2.multiply(usual, TEXTURE), LEAST)
    found = _find_scratches(gray)
    for difference in (light, dark):
        _mark_specks(gray, difference, least, size=size, found=found)
    return found


def _odd(size: float) -> int:
    return max(3, round(size)) | 1


def _mark_specks(gray: Gray, difference: Gray, least: Gray, *, size: int, found: Gray) -> None:
    """Mark in `found` what is small, clear of everything else, and differs by the least."""
    candidates = (difference > least // 2).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(candidates, connectivity=8)
    clear = np.zeros(count, bool)
    clear[labels[difference > least]] = True
    around = np.ones((size, size), np.uint8)
    for label in np.flatnonzero(clear[1:]) + 1:
        x, y, width, height, area = boxes[label]
        if not _is_small(max(width, height), area, size):
            continue
        edge = size // 2 + 2
        part = (
            slice(max(0, y - edge), y + height + edge),
            slice(max(0, x - edge), x + width + edge),
        )
        speck = (labels[part] == label).astype(np.uint8)
        wider = cv2.dilate(speck, np.ones((3, 3), np.uint8))
        ring = gray[part][cv2.dilate(wider, around) > wider]
        low, middle, high = np.percentile(ring, (10, 50, 90))
        if high - low <= UNEVEN * abs(np.median(gray[part][speck > 0]) - middle):
            found[part] |= wider


def _is_small(length: int, area: int, size: int) -> bool:
    """Return whether a spot is a speck, or as thin as a hair."""
    return area <= 1.5 * size**2 or (length <= HAIR * size and area <= length * (size / 2 + 1))


def _find_scratches(gray: Gray) -> Gray:
    """Return 1 where there is a scratch, uint8 (H, W): long, straight, and light on either side."""
    shorter = min(gray.shape)
    if shorter < FINEST:
        return np.zeros_like(gray)
    size = _odd(shorter / 300)
    element = np.ones((size, size), np.uint8)
    light = cv2.morphologyEx(gray, cv2.MORPH_TOPHAT, element)
    usual = cv2.medianBlur(light, min(255, 12 * size + 1))
    least = cv2.add(cv2.multiply(usual, 3), 10)
    clear = ((light > least) & (gray >= np.median(gray))).astype(np.uint8)
    length = STRAIGHT * shorter
    lines = cv2.HoughLinesP(
        clear, 1, np.pi / 720, round(0.4 * length), minLineLength=length, maxLineGap=shorter / 12
    )
    drawn = np.zeros_like(gray)
    for x0, y0, x1, y1 in () if lines is None else lines.reshape(-1, 4).tolist():
        if _stands_out(gray, (x0, y0), (x1, y1), beside=size // 2 + 2):
            cv2.line(drawn, (x0, y0), (x1, y1), 1, max(3, size // 2 | 1))
    scratches = drawn & (light > least // 2).astype(np.uint8)
    scratches &= _straight_ones(drawn, 3 * size + 3)
    wider: Gray = cv2.dilate(scratches, element[:3, :3])
    return wider


def _stands_out(gray: Gray, start: Any, end: Any, *, beside: int) -> bool:
    """Return whether a line is lighter than both its sides, which look alike, on its way."""
    along = np.subtract(end, start)
    length = int(np.hypot(*along))
    across = np.array((-along[1], along[0])) / length
    places = np.array(start) + np.linspace(0, 1, length)[:, None] * along

    def levels(*offsets: int) -> NDArray[np.int_]:
        at = np.rint(places + np.array(offsets)[:, None, None] * across).astype(int)
        x, y = np.moveaxis(at, -1, 0)
        height, width = gray.shape
        found: NDArray[np.int_] = gray[y.clip(0, height - 1), x.clip(0, width - 1)].astype(int)
        return found

    left = np.median(levels(-beside, -beside - 1, -beside - 2), axis=0)
    right = np.median(levels(beside, beside + 1, beside + 2), axis=0)
    middle, sides = levels(-1, 0, 1).max(axis=0), np.maximum(left, right)
    seen = (middle - sides > 10) & (np.abs(left - right) < 0.5 * (middle - sides))
    darker = sides < np.median(middle) - 20  # elsewhere, a scratch cannot be seen
    return bool(darker.mean() >= DARKER and seen[darker].mean() >= COVERED)


def _straight_ones(drawn: Gray, width: int) -> Gray:
    """Return the lines that meet no others at an angle; none if there are more than `MOST`."""
    count, labels = cv2.connectedComponents(drawn)
    kept = np.zeros(count, np.uint8)
    for label in range(1, count if count - 1 <= MOST else 1):
        points = cv2.findNonZero((labels == label).astype(np.uint8))
        kept[label] = min(cv2.minAreaRect(points)[1]) <= width
    lines: Gray = kept[labels]
    return lines
