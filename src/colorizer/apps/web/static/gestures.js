// Wheel, keys, buttons, fingers and mouse: zoom, move the photograph, draw the curtain.

import { abandon } from "./painting.js";
import { $, state } from "./state.js";
import { isEnlarged, ownPixels, panBy, shareOfSeen, zoomBy, zoomTo } from "./zoom.js";

const STEP = 1.5; // of a key or button
const CLOSER = 2.5; // times the fitted size, by a double click on a photograph whose own pixels show already
const NEAR = 24; // CSS pixels beside the divider that still take it
const FAR = 60; // CSS pixels by an arrow key

const fingers = new Map(); // that touch the photograph: pointer id -> place in the window
let dragged = null; // what a pointer moves: its id, last place, and what is done with it

export function listenToGestures() {
  const stage = $("stage");
  stage.addEventListener("wheel", turn, { passive: false });
  stage.addEventListener("pointerdown", press, { capture: true });
  stage.addEventListener("pointermove", move);
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, release);
  stage.addEventListener("dblclick", enlargeOrFit);
  stage.addEventListener("touchstart", (event) => {
    if (event.touches.length > 1 && event.target.closest(".window")) event.preventDefault(); // or the page would scroll
  }, { passive: false });
  stage.addEventListener("mousedown", (event) => {
    if (event.button === 1) event.preventDefault(); // or it would begin to scroll by itself
  });
  document.addEventListener("keydown", pressKey);
  $("larger").addEventListener("click", () => zoomBy(STEP));
  $("smaller").addEventListener("click", () => zoomBy(1 / STEP));
  $("fit").addEventListener("click", () => zoomTo(1));
  $("divide").addEventListener("input", drawCurtain);
}

/** Return where an event is in its window, in CSS pixels; null if it is in none. */
function placeOf(event, window = event.target.closest?.(".window")) {
  if (!window) return null;
  const box = window.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function turn(event) {
  const place = placeOf(event);
  if (!place || (event.deltaY > 0 && !isEnlarged() && !event.ctrlKey)) return; // then the page scrolls
  event.preventDefault();
  const [x, y] = [event.deltaX, event.deltaY].map((way) => way * (event.deltaMode ? 16 : 1)); // of lines
  if (event.shiftKey || Math.abs(x) > Math.abs(y)) panBy(-(x || y), x ? -y : 0);
  else zoomBy(Math.exp(-y * (event.ctrlKey ? 0.01 : 0.002)), place); // ctrl: two fingers on a touchpad
}

function press(event) {
  const place = placeOf(event);
  if (!place) return;
  if (event.pointerType === "touch") fingers.set(event.pointerId, place);
  if (fingers.size > 1) {
    abandon(); // what the first finger began
    dragged = null;
    event.stopPropagation();
    return;
  }
  const moves = event.button === 1 || event.shiftKey || (state.view !== "paint" && isEnlarged() && !isOnDivider(place));
  if (moves) event.stopPropagation();
  else if (state.view !== "slider" || event.button !== 0) return;
  const window = event.target.closest(".window");
  window.setPointerCapture(event.pointerId);
  dragged = { pointer: event.pointerId, window, place, moves };
  if (!moves) drawCurtainTo(place);
}

function isOnDivider([x]) {
  const box = $("divider").getBoundingClientRect();
  const left = $("divider").closest(".window").getBoundingClientRect().left;
  return state.view === "slider" && Math.abs(x - (box.left + box.width / 2 - left)) < NEAR;
}

function move(event) {
  if (fingers.size > 1) pinch(event);
  if (dragged?.pointer !== event.pointerId) return;
  const place = placeOf(event, dragged.window);
  if (dragged.moves) panBy(place[0] - dragged.place[0], place[1] - dragged.place[1]);
  else drawCurtainTo(place);
  dragged.place = place;
}

/** Keep what lies under two fingers under them. */
function pinch(event) {
  if (!fingers.has(event.pointerId)) return;
  const before = [...fingers.values()].slice(0, 2);
  fingers.set(event.pointerId, placeOf(event, $("stage").querySelector(".view:not([hidden]) .window")));
  const after = [...fingers.values()].slice(0, 2);
  const middle = ([a, b]) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const apart = ([a, b]) => Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]));
  const [from, to] = [middle(before), middle(after)];
  zoomBy(apart(after) / apart(before), from); // first: what is fitted cannot be moved
  panBy(to[0] - from[0], to[1] - from[1]);
}

function release(event) {
  fingers.delete(event.pointerId);
  if (dragged?.pointer === event.pointerId) dragged = null;
}

function enlargeOrFit(event) {
  const place = placeOf(event);
  if (!place || state.view === "paint") return;
  zoomTo(isEnlarged() ? 1 : Math.max(ownPixels(), CLOSER), place);
}

function drawCurtainTo([x]) {
  $("divide").value = 100 * shareOfSeen(x);
  $("divide").focus({ preventScroll: true });
  drawCurtain();
}

function drawCurtain() {
  $("slider").style.setProperty("--at", $("divide").value / 100);
}

function pressKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches?.("select, input:not([type=range], [type=checkbox])")) return;
  const moved = { ArrowLeft: [FAR, 0], ArrowRight: [-FAR, 0], ArrowUp: [0, FAR], ArrowDown: [0, -FAR] }[event.key];
  if (moved && isEnlarged() && event.target.matches?.(".window")) panBy(...moved);
  else if ("+=".includes(event.key)) zoomBy(STEP);
  else if (event.key === "-") zoomBy(1 / STEP);
  else if (event.key === "0") zoomTo(1);
  else if (event.key === "1") zoomTo(ownPixels());
  else return;
  event.preventDefault();
}
