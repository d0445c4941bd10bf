// The photograph in color that the others shall look like.

import { ask, say, unsay } from "./requests.js";
import { $, change, state } from "./state.js";

/** Listen for a photograph that is chosen, or dropped on its place. */
export function listenForLike() {
  $("choose-like").addEventListener("change", ({ target }) => {
    take(target.files[0]);
    target.value = "";
  });
  $("like").addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (!file) return; // the page says what was dropped instead
    event.preventDefault();
    event.stopPropagation(); // it is no photograph to be colored
    document.body.classList.remove("dropping");
    take(file);
  });
  $("unlike").addEventListener("click", () => change({ like: null }));
}

async function take(file) {
  if (!file) return;
  const doing = `${file.name} …`;
  say(doing);
  try {
    const { id } = await (await ask("/api/likes", { method: "POST", body: file })).json();
    change({ like: { id, name: file.name } });
    unsay(doing);
  } catch (error) {
    say(`${file.name}: ${error.message}`);
  }
}

export function renderLike() {
  const { like } = state;
  $("like-name").textContent = like?.name ?? "Choose or drop a photograph in color";
  $("unlike").hidden = $("liked").hidden = !like;
  if (like && $("liked").dataset.id !== like.id) {
    $("liked").dataset.id = like.id;
    $("liked").src = `/api/likes/${like.id}`;
  }
}
