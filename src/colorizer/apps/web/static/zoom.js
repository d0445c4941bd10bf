// How the photograph lies in its window: fitted, or enlarged to its own pixels and beyond.

import { $, change, current } from "./state.js";

const BEYOND = 8; // screen pixels of one of the photograph's own, at most
const AT_LEAST = 4; // times the fitted size, of a small photograph
const SHARP = 1.1; // screen pixels of one that is there, beyond which more are asked for
const SETTLED = 150; // ms without a change

// Times the fitted size, and the point in the window's middle in shares of the photograph; then, in CSS pixels from the
// window's corner: the window's sides, the photograph's corner and sides.
const lie = { photo: null, zoom: 1, middle: [0.5, 0.5], window: [0, 0], corner: [0, 0], sheet: [0, 0] };

let settling = null;

export const isEnlarged = () => lie.zoom > 1;

/** Return the window of the view that is open; of several, which are alike, the first. */
const openWindow = () => document.querySelector(".view:not([hidden]) .window");

/** Return how large a screen's pixel makes the photograph, times the fitted size: its own pixels. */
export const ownPixels = () => lie.zoom * lie.photo.size[0] / (lie.sheet[0] * devicePixelRatio);

const limit = () => Math.max(AT_LEAST, BEYOND * ownPixels());

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Lay the photograph that is looked at into the window, whatever their sizes are now. */
export function lay() {
  const photo = current();
  const window = openWindow();
  if (!photo || !window?.clientWidth) return;
  if (photo !== lie.photo) Object.assign(lie, { photo, zoom: 1, middle: [0.5, 0.5] });
  lie.window = [window.clientWidth, window.clientHeight];
  const fitted = Math.min(...lie.window.map((length, side) => length / photo.size[side]));
  lie.sheet = photo.size.map((length) => length * fitted * lie.zoom);
  lie.corner = lie.sheet.map((length, side) => {
    const free = lie.window[side] - length;
    return free >= 0 ? free / 2 : clamp(lie.window[side] / 2 - lie.middle[side] * length, free, 0);
  });
  lie.middle = lie.corner.map((corner, side) => (lie.window[side] / 2 - corner) / lie.sheet[side]);
  show();
}

/** Return where the photograph's visible part begins and ends, from left to right or from top to bottom. */
const seen = (side) => [Math.max(0, lie.corner[side]), Math.min(lie.window[side], lie.corner[side] + lie.sheet[side])];

function show() {
  const [from, to] = seen(0);
  const lengths = {
    left: lie.corner[0], top: lie.corner[1], width: lie.sheet[0], height: lie.sheet[1], "seen-left": from, "seen-width": to - from,
  };
  for (const [name, length] of Object.entries(lengths)) $("stage").style.setProperty(`--${name}`, `${length}px`);
  $("stage").classList.toggle("enlarged", isEnlarged());
  $("smaller").disabled = $("fit").disabled = !isEnlarged();
  $("larger").disabled = lie.zoom >= limit();
  $("zoomed").textContent = `${Math.round(100 / ownPixels() * lie.zoom)} %`;
}

/** Show the photograph at a multiple of its fitted size; what lies under a point of the window stays there. */
export function zoomTo(zoom, point = lie.window.map((length) => length / 2)) {
  if (!lie.photo) return;
  const share = point.map((place, side) => (place - lie.corner[side]) / lie.sheet[side]);
  const larger = clamp(zoom, 1, limit()) / lie.zoom;
  lie.middle = share.map((at, side) => at + (lie.window[side] / 2 - point[side]) / (lie.sheet[side] * larger));
  lie.zoom *= larger;
  lay();
  askForDetail();
}

export const zoomBy = (factor, point) => zoomTo(lie.zoom * factor, point);

/** Move the photograph by CSS pixels. */
export function panBy(...way) {
  lie.middle = lie.middle.map((middle, side) => middle - way[side] / lie.sheet[side]);
  lay();
  askForDetail();
}

function askForDetail() {
  clearTimeout(settling);
  settling = setTimeout(change, SETTLED);
}

/** Return how far a place is from the left to the right end of what is visible, 0..1. */
export function shareOfSeen(x) {
  const [from, to] = seen(0);
  return clamp((x - from) / (to - from), 0, 1);
}

/**
 * Return what is visible, as left,top,width,height in the photograph's own pixels, if the picture that is shown at first
 * is too coarse for it; or else null.
 */
export function visiblePart(photo) {
  const coarse = lie.sheet[0] * devicePixelRatio > SHARP * photo.shown[0] && photo.shown[0] < photo.size[0];
  if (photo !== lie.photo || !isEnlarged() || !coarse) return null;
  const ends = [0, 1].map((side) => {
    const pixels = seen(side).map((place) => (place - lie.corner[side]) / lie.sheet[side] * photo.size[side]);
    return [Math.floor(pixels[0]), Math.min(photo.size[side], Math.ceil(pixels[1]))];
  });
  return [...ends.map(([from]) => from), ...ends.map(([from, to]) => to - from)];
}

/** Keep the photograph in place when its window changes. */
export function watchWindow() {
  new ResizeObserver(() => {
    lay();
    askForDetail();
  }).observe($("stage"));
}
