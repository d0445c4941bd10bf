// Photographs in: chosen, or dropped with the folders that they are in.

import { isPainting } from "./painting.js";
import { ask, say, unsay } from "./requests.js";
import { change, current, state } from "./state.js";

const NAMED = 5; // of the files that failed

let arriving; // what was added before: one after the other
let waiting = 0;
let failed = []; // said once nothing waits any more

/** Listen for photographs; they are taken in once `ready` is fulfilled. */
export function listenForPhotos(ready) {
  arriving = ready.catch(() => {}); // which is said already
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-add]")) return;
    add([...event.target.files]);
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
    if (items.length) add(items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile())); // gone after this event
  });
}

function add(dropped) {
  waiting += 1;
  const taken = arriving.then(() => takeIn(dropped)).catch((error) => failed.push(error.message));
  arriving = taken.then(() => {
    waiting -= 1;
    if (waiting || !failed.length) return;
    const more = failed.length > NAMED ? [`and ${failed.length - NAMED} more`] : [];
    say([...failed.slice(0, NAMED), ...more].join("\n"));
    failed = [];
  });
}

/** Take in files, and what is in folders. */
async function takeIn(dropped) {
  const files = (await Promise.all(dropped.map((one) => filesOf(one)))).flat();
  if (!files.length && !failed.length) failed.push(`no photographs there: expected ${state.suffixes.join(", ")}`);
  let chosen = false; // which of them is looked at
  for (const [number, file] of files.entries()) {
    const doing = `${file.name} (${number + 1} of ${files.length}) …`;
    say(doing);
    try {
      const photo = await upload(file);
      state.photos.push(photo);
      change(!current() || (!chosen && !isPainting()) ? { current: photo.id } : {});
      chosen = true;
    } catch (error) {
      failed.push(`${file.name}: ${error.message}`);
      if (error.status === 0) break; // nor will the others get there
    }
    unsay(doing);
  }
}

async function upload(file) {
  const reader = file.stream().getReader(); // of a file that is gone, a request would say nothing
  await reader.read().catch(() => { throw new Error("cannot be read: it has changed or gone"); });
  reader.cancel();
  const url = `/api/photos?${new URLSearchParams({ name: file.name })}`;
  return (await ask(url, { method: "POST", body: file })).json();
}

/** Return a file, or those of a folder to its depths: what is called like a photograph, and not hidden. */
async function filesOf(dropped, inFolder = false) {
  if (dropped instanceof File) return [dropped];
  if (inFolder && dropped.name.startsWith(".")) return [];
  try {
    if (!dropped.isFile) {
      const inside = await entriesOf(dropped);
      return (await Promise.all(inside.map((one) => filesOf(one, true)))).flat();
    }
    const known = state.suffixes.some((suffix) => dropped.name.toLowerCase().endsWith(suffix));
    return inFolder && !known ? [] : [await new Promise((done, fail) => dropped.file(done, fail))];
  } catch (error) {
    failed.push(`${dropped.name}: ${error.message}`);
    return [];
  }
}

async function entriesOf(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) { // a reader gives a hundred at a time
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return found.sort((a, b) => a.name.localeCompare(b.name));
    found.push(...some);
  }
}
