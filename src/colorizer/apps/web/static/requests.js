// What the page asks of the server, and what it says when that fails.

import { $, state } from "./state.js";

/** What the server answers instead, or that it is not there any more: then the status is 0. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, options);
  } catch {
    throw new Refusal(0, "colorizer has ended: start it again by `colorizer web`");
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Refusal(answer.status, said.message ?? `${answer.status} ${answer.statusText}`);
  }
  return answer;
}

export async function askForFile(url) {
  const answer = await ask(url);
  const file = await answer.blob().catch(() => { throw new Error("the answer broke off: try again"); });
  return { file, name: answer.headers.get("Content-Disposition")?.split("''")[1] };
}

export const say = (text) => { $("message").textContent = text; };

/** Take back what was said, unless something else was said since. */
export const unsay = (text) => { if ($("message").textContent === text) say(""); };

/** Return how photographs are to be colored, as a query. */
export function look(more, model = state.model) {
  const { strength, tone, restore, like } = state;
  return new URLSearchParams({ model, strength, tone, restore, like: like?.id ?? "", ...more });
}

/** Return the address of a photograph as it was, or of what becomes of it. */
export function address(photo, what, model) {
  if (what === "before") return `/api/photos/${photo.id}/before?`;
  const { revision, forced } = photo;
  return `/api/photos/${photo.id}/${what}?${look({ revision, forced }, model)}`;
}

/** Show a picture of a photograph: one request at a time for each place, and of several wishes the last. */
export async function show(image, photo, url) {
  image.wanted = url;
  if (image.photo !== photo) {
    image.photo = photo;
    blank(image); // rather than another photograph
  }
  if (image.asking) return;
  image.asking = true;
  while (image.wanted !== image.dataset.shown) {
    const { wanted, photo: of } = image;
    image.classList.add("busy");
    try {
      const { file } = await askForFile(wanted);
      if (image.photo === of) await put(image, file, wanted);
      unsay(image.failure);
      image.failure = null;
    } catch (error) {
      if (image.wanted !== wanted) continue; // nobody waits for it any more
      image.failure = error.message;
      say(error.message);
      blank(image);
      break; // what is wanted next, if it is the same, is another try
    }
  }
  image.classList.remove("busy");
  image.asking = false;
}

async function put(image, file, url) {
  const before = image.src;
  image.src = URL.createObjectURL(file);
  image.dataset.shown = url;
  await image.decode();
  URL.revokeObjectURL(before);
}

/** Leave the place of a photograph empty. */
function blank(image) {
  URL.revokeObjectURL(image.src);
  const [width, height] = image.photo.shown;
  image.src = `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"/>`;
  image.dataset.shown = "";
}

/** Save a file of the server's on this machine. */
export async function save(url) {
  const { file, name } = await askForFile(url);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = decodeURIComponent(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // once it is written
}
