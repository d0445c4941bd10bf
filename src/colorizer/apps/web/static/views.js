// The three views of a photograph: behind a curtain, by several models, and for painting.

import { draw } from "./painting.js";
import { address, show } from "./requests.js";
import { $, change, state } from "./state.js";
import { lay, visiblePart } from "./zoom.js";

const CAPTION = 40; // CSS pixels below a picture that stands beside others

export function renderView(photo) {
  const ratio = photo.size[0] / photo.size[1];
  $("stage").style.setProperty("--ratio", ratio);
  if (state.view === "models") renderModels(photo, ratio);
  lay();
  if (state.view === "slider") {
    showWhole($("before"), photo, address(photo, "before"));
    const sure = state.sure && !photo.copied[state.tone];
    showWhole($("after"), photo, address(photo, sure ? "confidence" : "after"), !sure);
  } else if (state.view === "paint") {
    showWhole($("painted"), photo, address(photo, "after"));
    draw(photo);
  }
}

/** Show a photograph, and over it the visible part in its own pixels where that is finer. */
function showWhole(image, photo, url, fine = true) {
  show(image, photo, url);
  const detail = image.nextElementSibling;
  const part = fine ? visiblePart(photo) : null;
  detail.hidden = !part;
  if (part) show(detail, photo, `${url}&part=${part}`);
}

/** Lay a part over the photograph once it has come. */
export function placeDetail({ target: detail }) {
  if (!detail.matches(".detail") || !detail.dataset.shown) return;
  const [left, top, width, height] = new URLSearchParams(detail.dataset.shown.split("?")[1]).get("part").split(",");
  const [across, down] = detail.photo.size;
  Object.assign(detail.style, {
    left: `${100 * left / across}%`, top: `${100 * top / down}%`,
    width: `${100 * width / across}%`, height: `${100 * height / down}%`,
  });
}

function renderModels(photo, ratio) {
  const wanted = state.models.filter(({ name }) => state.compared.includes(name));
  const titles = new Map([["", "before"], ...wanted.map(({ name, label }) => [name, label])]);
  for (const figure of [...$("models").children]) {
    if (titles.has(figure.dataset.model)) continue;
    for (const image of figure.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    figure.remove();
  }
  $("models").style.setProperty("--columns", columns(titles.size, ratio));
  for (const [place, [name, label]] of [...titles].entries()) {
    const known = [...$("models").children].find((one) => one.dataset.model === name);
    const figure = known ?? makeFigure(name, label);
    const there = $("models").children[place] ?? null;
    if (figure !== there) $("models").insertBefore(figure, there);
  }
  lay();
  for (const figure of $("models").children) {
    const { model } = figure.dataset;
    showWhole(figure.querySelector("img"), photo, model ? address(photo, "after", model) : address(photo, "before"));
  }
}

/** Return the number of columns in which pictures of a ratio of width to height are largest. */
function columns(count, ratio) {
  const { clientWidth: width, clientHeight: height } = $("models");
  const across = (number) => Math.min(width / number, (height / Math.ceil(count / number) - CAPTION) * ratio);
  return [...Array(count).keys()].map((place) => place + 1).reduce((best, one) => (across(one) > across(best) ? one : best), 1);
}

function makeFigure(name, label) {
  const figure = $("compared-one").content.firstElementChild.cloneNode(true);
  figure.dataset.model = name;
  figure.querySelector("img").alt = label;
  figure.querySelector("figcaption").prepend(label);
  const button = figure.querySelector("button");
  if (name) {
    button.setAttribute("aria-label", `Use ${label}`);
    button.addEventListener("click", () => change({ model: name, view: "slider" }));
  } else {
    button.remove();
  }
  return figure;
}
