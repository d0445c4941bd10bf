// The page: photographs looked at in three views, and out again at full size.

import { listenForPhotos } from "./arriving.js";
import { listenToGestures } from "./gestures.js";
import { listenForLike, renderLike } from "./likeness.js";
import { listenToPointer } from "./likely.js";
import { canUndo, deliver, isPainted, listenToBrush, recall } from "./painting.js";
import { address, ask, look, save, say, unsay } from "./requests.js";
import { $, change, current, onChange, recollect, remember, state } from "./state.js";
import { renderStrip } from "./strip.js";
import { placeDetail, renderView } from "./views.js";
import { watchWindow } from "./zoom.js";

const SWATCHES = {
  "skin, light": "#e0ac8a", "skin, dark": "#8d5b3c", "hair, brown": "#5b3a22", "hair, blond": "#d0ab62",
  "sky": "#7fb2e5", "water": "#3f7f96", "grass": "#6d9a3a", "leaves, dark": "#3c6433",
  "wood": "#9a6a3a", "brick": "#a5503c", "sand": "#d8c08e", "no color": "#808080",
  "red": "#c8282d", "orange": "#e27a1e", "yellow": "#e8c630", "green": "#2f9a4e",
  "blue": "#2f55b5", "purple": "#7b3f98",
};

const COMPARED = 4; // models that stand side by side at first
const NO_MODEL = "none"; // painted colors alone

function render() {
  const photo = current();
  $("welcome").hidden = Boolean(photo);
  $("desk").hidden = !photo;
  renderStrip();
  if (!photo) return;
  recall(photo).catch((error) => say(error.message));
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== state.view;
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", button.dataset.view === state.view);
  }
  for (const field of document.querySelectorAll("[data-for]")) {
    field.hidden = !field.dataset.for.split(" ").includes(state.view);
  }
  renderControls(photo);
  renderView(photo);
}

// ---- controls

function renderControls(photo) {
  $("model").value = state.model;
  $("strength").value = state.strength;
  $("strength").disabled = state.model === NO_MODEL && state.view !== "models";
  $("shown-strength").textContent = `${state.strength.toFixed(2)} ×`;
  $("color").value = state.color;
  for (const button of $("swatches").children) {
    button.setAttribute("aria-pressed", button.dataset.color === state.color);
  }
  $("undo").disabled = !canUndo(photo);
  $("clear").disabled = !isPainted(photo);
  $("download-all").hidden = state.photos.length < 2;
  $("download-all").textContent = `Download all ${state.photos.length}`;
  $("tone").checked = state.tone === "keep";
  $("restore").checked = state.restore !== "";
  $("sure").checked = state.sure;
  renderLike();
  $("force").checked = photo.forced;
  $("kept").hidden = !photo.forced && !photo.copied[state.tone];
  $("why-kept").textContent = photo.kind === "color" ? `It is in color already (${photo.reason}).` : "It is a toned print.";
  const { label } = state.models.find(({ name }) => name === state.model);
  const how = photo.copied[state.tone] ? "stays as it is." : `${state.restore && "restored and "}colored by ${label}${state.like ? `, like ${state.like.name}` : ""}.${sayDoubt(photo)}${sayLosses(photo)}`;
  $("facts").textContent = `${photo.name}, ${photo.size.join(" × ")} pixels, ${how}`;
}

function sayDoubt({ kind, reason, doubtful }) {
  return doubtful && kind !== "color" ? ` It may be in color (${reason}): look at it.` : "";
}

/** Say what only the original keeps, such as a phone's video. */
function sayLosses({ losses }) {
  return losses.length ? ` The result loses its ${losses.join(" and its ")}, which the original keeps.` : "";
}

function makeControls() {
  for (const input of document.querySelectorAll("[data-add]")) input.accept = ["image/*", ...state.suffixes].join();
  for (const { name, label } of state.models) {
    $("model").add(new Option(label, name));
    $("compared").append(makeChoice(name, label));
  }
  for (const [name, color] of Object.entries(SWATCHES)) $("swatches").append(makeSwatch(name, color));
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => change({ view: button.dataset.view }));
  }
  $("model").addEventListener("change", (event) => change({ model: event.target.value }));
  $("strength").addEventListener("input", (event) => change({ strength: Number(event.target.value) }));
  $("tone").addEventListener("change", (event) => change({ tone: event.target.checked ? "keep" : "remove" }));
  $("restore").addEventListener("change", (event) => change({ restore: event.target.checked ? "light" : "" }));
  $("sure").addEventListener("change", (event) => change({ sure: event.target.checked }));
  $("force").addEventListener("change", (event) => force(event.target.checked).catch((error) => say(error.message)));
  $("color").addEventListener("input", (event) => change({ color: event.target.value }));
  $("strokes").addEventListener("change", (event) => $("canvas").classList.toggle("unseen", !event.target.checked));
  $("remove").addEventListener("click", remove);
  $("download").addEventListener("click", download);
  $("download-all").addEventListener("click", downloadAll);
}

/** Color the photograph although it would stay as it is, or no longer. */
async function force(forced) {
  const photo = current();
  Object.assign(photo, await (await ask(`/api/photos/${photo.id}/forced?forced=${forced}`, { method: "PUT" })).json());
  change();
}

function makeChoice(name, label) {
  const line = document.createElement("label");
  line.className = "choice";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = state.compared.includes(name);
  box.addEventListener("change", () => {
    const others = state.compared.filter((one) => one !== name);
    change({ compared: box.checked ? [...others, name] : others });
  });
  line.append(box, label);
  return line;
}

function makeSwatch(name, color) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = name;
  button.setAttribute("aria-label", name);
  button.style.background = color;
  button.dataset.color = color;
  button.addEventListener("click", () => change({ color }));
  return button;
}

function download() {
  const photo = current();
  finish($("download"), [photo], address(photo, "file"), `${photo.name} in full size …`);
}

function downloadAll() {
  const { length: count } = state.photos;
  finish($("download-all"), state.photos, `/api/archive?${look({ count })}`, `${count} photographs in full size …`);
}

/** Save a file on this machine once the server knows all that was painted; meanwhile the button waits. */
async function finish(button, photos, url, doing) {
  button.disabled = true;
  say(doing);
  try {
    await Promise.all(photos.map(deliver));
    await save(url);
    unsay(doing);
  } catch (error) {
    say(error.message);
  }
  button.disabled = false;
}

async function remove(event) {
  if (event.detail === 2) return; // the second half of a double click is of another photograph
  const gone = current();
  if (isPainted(gone) && !confirm(`Remove ${gone.name} with what is painted on it?`)) return;
  const place = state.photos.indexOf(gone);
  state.photos.splice(place, 1);
  change({ current: (state.photos[place] ?? state.photos.at(-1))?.id ?? null });
  await ask(`/api/photos/${gone.id}`, { method: "DELETE" }).catch((error) => say(error.message));
}

// ---- begin

async function open() {
  Object.assign(state, await (await ask("/api/session")).json());
  state.compared = state.models.map(({ name }) => name).filter((name) => name !== NO_MODEL).slice(0, COMPARED);
  recollect();
  makeControls();
  change();
}

onChange(render);
listenToBrush();
listenToPointer();
listenForLike();
listenToGestures();
watchWindow();
$("stage").addEventListener("load", placeDetail, true);
const ready = open();
listenForPhotos(ready);
ready.catch((error) => say(error.message));
addEventListener("pagehide", remember);
$("dismiss").addEventListener("click", () => say(""));
