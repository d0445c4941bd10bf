// The likely colors of the point under the pointer, most likely first, for the brush to take.

import { isPainting } from "./painting.js";
import { ask, look, say } from "./requests.js";
import { $, change, current } from "./state.js";

const REST = 150; // ms that the pointer stays before the server is asked

let resting = null;
let newest = 0; // of several questions, the last one's answer is shown

export function listenToPointer() {
  const canvas = $("canvas");
  canvas.addEventListener("pointermove", (event) => {
    clearTimeout(resting);
    if (isPainting()) return;
    const box = canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * canvas.width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * canvas.height);
    resting = setTimeout(() => suggest(x, y).catch((error) => say(error.message)), REST);
  });
  canvas.addEventListener("pointerleave", () => clearTimeout(resting)); // the colors stay, to be taken
}

async function suggest(x, y) {
  const number = ++newest;
  const photo = current();
  const colors = await (await ask(`/api/photos/${photo.id}/palette?${look({ x, y })}`)).json();
  if (number !== newest || photo !== current()) return;
  $("likely").replaceChildren(...colors.map(makeSwatch));
  $("likely-hint").textContent = colors.length
    ? `Likely colors of the point at ${x}, ${y}, most likely first.`
    : "This model does not say which colors are likely.";
}

function makeSwatch(color, place) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = `likely color ${place + 1}`;
  button.setAttribute("aria-label", button.title);
  button.style.background = color;
  button.addEventListener("click", () => change({ color }));
  return button;
}
