// What the page knows, and who is told when that changes.

/** Return an element by its id. */
export const $ = (id) => document.getElementById(id);

export const state = {
  photos: [], // as the server describes them
  refused: [], // files that it could not read: their names, and why
  suffixes: [], // of pictures' files
  likes: [], // ids of photographs that others may look like
  head: 0, // bytes of a file by which the server tells what it is
  models: [], // their names and labels
  current: null, // the id of the photograph that is looked at
  view: "slider",
  model: null,
  compared: [], // names of models
  strength: 1,
  tone: "remove", // or "keep": what becomes of toned prints
  restore: "", // or "light": what is mended before coloring
  like: null, // the photograph in color that they shall look like: its id and name
  sure: false, // whether how sure the model is stands in place of the colors
  color: "#b5784f",
};

const KEPT = ["current", "view", "model", "compared", "strength", "tone", "restore", "like", "color"];

export const current = () => state.photos.find((photo) => photo.id === state.current);

/** Call `render` after every change. */
export function onChange(render) {
  document.addEventListener("change-of-state", render);
}

/** Change what the page knows, and show it. */
export function change(news = {}) {
  Object.assign(state, news);
  document.dispatchEvent(new Event("change-of-state"));
}

/** Keep, for when the page is loaded again, what the person has chosen. */
export function remember() {
  const kept = Object.fromEntries(KEPT.map((name) => [name, state[name]]));
  sessionStorage.setItem("colorizer", JSON.stringify(kept));
}

/** Take up what was chosen when the page was last here, if that is offered now. */
export function recollect() {
  Object.assign(state, JSON.parse(sessionStorage.getItem("colorizer") ?? "{}"));
  const names = state.models.map(({ name }) => name);
  if (!names.includes(state.model)) state.model = names[0];
  if (!state.likes.includes(state.like?.id)) state.like = null;
  if (!current()) state.current = state.photos.at(-1)?.id ?? null;
}
