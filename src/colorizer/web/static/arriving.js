// Photographs in: chosen, or dropped with the folders that they are in.

import { isPainting } from "./painting.js";
import { Ended, ask, say } from "./requests.js";
import { change, state } from "./state.js";

/** Listen for photographs; they are taken in once `ready` is fulfilled. */
export function listenForPhotos(ready) {
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-add]")) return;
    add([...event.target.files], ready);
    event.target.value = "";
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    add(items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile()), ready); // gone after this event
  });
}

/** Take in files, and what is in folders. */
async function add(dropped, ready) {
  const failed = [];
  let first = true;
  try {
    await ready;
    const files = (await Promise.all(dropped.map((one) => filesOf(one)))).flat();
    if (!files.length) failed.push(`no photographs there: expected ${state.suffixes.join(", ")}`);
    for (const [number, file] of files.entries()) {
      say(`${file.name} (${number + 1} of ${files.length}) …`);
      try {
        const photo = await upload(file);
        state.photos.push(photo);
        change(first && !isPainting() ? { current: photo.id } : {});
        first = false;
      } catch (error) {
        if (error instanceof Ended) throw error;
        failed.push(`${file.name}: ${error.message}`);
      }
    }
  } catch (error) {
    failed.push(error.message);
  }
  say(failed.join("\n"));
}

async function upload(file) {
  const url = `/api/photos?${new URLSearchParams({ name: file.name })}`;
  return (await ask(url, { method: "POST", body: file })).json();
}

/** Return a file, or those of a folder to its depths: what is called like a photograph, and not hidden. */
async function filesOf(dropped, inFolder = false) {
  if (dropped instanceof File) return [dropped];
  if (inFolder && dropped.name.startsWith(".")) return [];
  if (dropped.isFile) {
    const known = state.suffixes.some((suffix) => dropped.name.toLowerCase().endsWith(suffix));
    return inFolder && !known ? [] : [await new Promise((done, fail) => dropped.file(done, fail))];
  }
  const reader = dropped.createReader();
  const found = [];
  for (;;) { // a reader gives a hundred at a time
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    found.push(...some);
  }
  found.sort((a, b) => a.name.localeCompare(b.name));
  return (await Promise.all(found.map((inner) => filesOf(inner, true)))).flat();
}
