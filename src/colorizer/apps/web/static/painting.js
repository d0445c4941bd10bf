// Strokes on photographs: painted here, kept by the server.

import { ask, say } from "./requests.js";
import { $, change, current, state } from "./state.js";

const CLEARED = "cleared"; // among the strokes: what came before does not count

const THINNEST = 2; // pixels of a stroke, that it covers some wholly

const all = new WeakMap(); // of a photograph: what was painted here, and what was before this page was opened

let stroke = null; // the one that is being painted, and its photograph

export const isPainting = () => stroke !== null;

function strokesOf(photo) {
  if (!all.has(photo)) all.set(photo, { list: [], before: null, recalled: null, changed: false, told: null });
  return all.get(photo);
}

/** Return the strokes that count. */
function visible(photo) {
  const { list, before } = strokesOf(photo);
  const from = list.lastIndexOf(CLEARED) + 1;
  return { before: from ? null : before, list: list.slice(from) };
}

export function isPainted(photo) {
  const { before, list } = visible(photo);
  return Boolean(before) || list.length > 0;
}

export const canUndo = (photo) => strokesOf(photo).list.length > 0;

/** Fetch, once, what was painted on a photograph before this page was opened, or in another one. */
export function recall(photo) {
  const strokes = strokesOf(photo);
  strokes.recalled ??= fetchStrokes(photo, strokes).catch((error) => {
    strokes.recalled = null;
    throw error;
  });
  return strokes.recalled;
}

async function fetchStrokes(photo, strokes) {
  if (!photo.painted) return;
  const painted = await (await ask(`/api/photos/${photo.id}/strokes`)).blob();
  strokes.before = painted.size ? await createImageBitmap(painted) : null;
  change();
}

export function draw(photo, canvas = $("canvas")) {
  [canvas.width, canvas.height] = photo.shown;
  const pen = canvas.getContext("2d");
  const { before, list } = visible(photo);
  if (before) pen.drawImage(before, 0, 0);
  pen.lineCap = pen.lineJoin = "round";
  for (const { color, size, points } of list) {
    pen.strokeStyle = pen.fillStyle = color;
    pen.lineWidth = size;
    pen.beginPath();
    pen.arc(...points[0], size / 2, 0, 2 * Math.PI); // a line without length is not drawn
    pen.fill();
    pen.beginPath();
    pen.moveTo(...points[0]);
    for (const point of points) pen.lineTo(...point);
    pen.stroke();
  }
}

export function listenToBrush() {
  const canvas = $("canvas");
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ];
  };
  const isOurs = (event) => stroke?.pointer === event.pointerId; // a second finger paints nothing
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || stroke) return;
    canvas.setPointerCapture(event.pointerId);
    const size = Math.max(THINNEST, (Number($("brush").value) * canvas.width) / canvas.clientWidth); // as wide as it looks
    const photo = current();
    stroke = { photo, pointer: event.pointerId, color: state.color, size, points: [place(event)] };
    strokesOf(photo).list.push(stroke);
    draw(photo);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!isOurs(event)) return;
    stroke.points.push(place(event));
    draw(stroke.photo);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (!isOurs(event)) return;
      const { photo } = stroke;
      stroke = null;
      tell(photo);
    });
  }
  $("undo").addEventListener("click", undo);
  $("clear").addEventListener("click", () => {
    strokesOf(current()).list.push(CLEARED);
    tell(current());
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "z" && (event.ctrlKey || event.metaKey) && state.view === "paint" && current()) {
      event.preventDefault();
      undo();
    }
  });
}

/** Take back the stroke that is being painted. */
export function abandon() {
  if (!stroke) return;
  const { photo } = stroke;
  strokesOf(photo).list.pop();
  stroke = null;
  draw(photo);
}

function undo() {
  const photo = current();
  if (stroke || !canUndo(photo)) return;
  strokesOf(photo).list.pop();
  tell(photo);
}

function tell(photo) {
  strokesOf(photo).changed = true;
  change();
  deliver(photo).catch((error) => say(error.message));
}

/** Tell the server what is painted now; while that is under way, only what is painted last is told next. */
export function deliver(photo) {
  const strokes = strokesOf(photo);
  strokes.told ??= deliverAll(photo, strokes).finally(() => { strokes.told = null; });
  return strokes.told;
}

async function deliverAll(photo, strokes) {
  await recall(photo); // or what was painted earlier would be lost
  while (strokes.changed && state.photos.includes(photo)) {
    strokes.changed = false;
    try {
      const url = `/api/photos/${photo.id}/strokes?revision=${photo.revision}`;
      const options = isPainted(photo) ? { method: "PUT", body: await toPng(photo) } : { method: "DELETE" };
      Object.assign(photo, await (await ask(url, options)).json());
    } catch (error) {
      strokes.changed = true; // still to be told
      if (!state.photos.includes(photo)) return;
      if (error.status !== 409) throw error;
      await recallAnew(photo); // of another window, below what is painted here
    }
    change();
  }
}

async function recallAnew(photo) {
  Object.assign(photo, await (await ask(`/api/photos/${photo.id}`)).json());
  Object.assign(strokesOf(photo), { before: null, recalled: null });
  await recall(photo);
}

function toPng(photo) {
  const canvas = document.createElement("canvas"); // the one on the page may show another photograph by now
  draw(photo, canvas);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
