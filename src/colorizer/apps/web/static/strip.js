// The strip: every photograph as it comes out, with a mark on what was copied, is doubtful, or failed.

import { askForFile, address } from "./requests.js";
import { $, change, state } from "./state.js";

const tiles = new Map(); // of photographs: id -> button
const inSight = new Set(); // ids of those whose tile is near the strip's visible part

let coloring = false; // one tile at a time, so that the photograph on the stage need not wait for many

const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    inSight[isIntersecting ? "add" : "delete"](target.dataset.id);
  }
  colorTiles();
}, { root: $("photos"), rootMargin: "300px" });

export function renderStrip() {
  const gone = new Map(tiles);
  for (const photo of state.photos) {
    if (!tiles.has(photo.id)) tiles.set(photo.id, makeTile(photo));
    gone.delete(photo.id);
    renderTile(photo, tiles.get(photo.id));
  }
  for (const [id, tile] of gone) {
    sight.unobserve(tile);
    URL.revokeObjectURL(tile.firstChild.src);
    tile.remove();
    tiles.delete(id);
    inSight.delete(id);
  }
  renderRefused();
  tellOfCurrent();
  colorTiles();
}

function makeTile(photo) {
  const tile = makeButton();
  tile.dataset.id = photo.id;
  tile.addEventListener("click", () => change({ current: photo.id }));
  const image = new Image();
  image.src = `/api/photos/${photo.id}/before?size=thumbnail`;
  image.alt = "";
  [image.width, image.height] = photo.shown;
  tile.prepend(image);
  $("photos").insertBefore(tile, $("photos").querySelector(".refused, label"));
  sight.observe(tile);
  return tile;
}

function makeButton() {
  const button = document.createElement("button");
  button.type = "button";
  const mark = document.createElement("span");
  mark.className = "mark";
  button.append(mark);
  for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => tell(button.title));
  for (const event of ["pointerleave", "blur"]) button.addEventListener(event, tellOfCurrent);
  return button;
}

function tell(text) {
  $("told").textContent = text;
}

function tellOfCurrent() {
  tell(tiles.get(state.current)?.title ?? "");
}

function renderTile(photo, tile) {
  const [mark, reason] = markOf(photo, tile);
  label(tile, photo.name, mark, reason);
  tile.setAttribute("aria-current", photo.id === state.current);
}

function label(tile, name, mark, reason) {
  tile.title = reason ? `${name}: ${reason}` : name;
  tile.setAttribute("aria-label", tile.title);
  tile.querySelector(".mark").textContent = mark;
}

/** Return the word on a tile, and why it is there. */
function markOf(photo, tile) {
  if (tile.failure) return ["failed", tile.failure];
  if (photo.copied[state.tone]) {
    return ["copied", photo.kind === "color" ? `in color already (${photo.reason}), so it was copied` : "a toned print, so it was copied"];
  }
  return photo.doubtful ? ["look", `was colored but may be in color (${photo.reason}): look at it`] : ["", ""];
}

function renderRefused() {
  const places = new Set(state.refused);
  for (const tile of $("photos").querySelectorAll(".refused")) {
    if (!places.delete(tile.file)) tile.remove();
  }
  for (const file of places) {
    const tile = makeButton();
    tile.className = "refused";
    tile.file = file;
    tile.prepend(file.name);
    label(tile, file.name, "failed", `${file.reason}. Click to take it off`);
    tile.addEventListener("click", () => {
      change({ refused: state.refused.filter((one) => one !== file) });
    });
    $("photos").insertBefore(tile, $("photos").lastElementChild);
  }
}

async function colorTiles() {
  if (coloring) return;
  coloring = true;
  const urlOf = (photo) => `${address(photo, "after")}&size=thumbnail`;
  for (;;) {
    const photo = state.photos.find((one) => inSight.has(one.id) && tiles.get(one.id)?.asked !== urlOf(one));
    if (!photo) break;
    await color(photo, tiles.get(photo.id), urlOf(photo));
  }
  coloring = false;
}

async function color(photo, tile, url) {
  tile.asked = url;
  try {
    const { file } = await askForFile(url);
    const before = tile.firstChild.src;
    tile.firstChild.src = URL.createObjectURL(file);
    URL.revokeObjectURL(before);
    tile.failure = null;
  } catch (error) {
    tile.failure = error.message;
  }
  renderTile(photo, tile);
  tellOfCurrent();
}
