// Photographs in: chosen, pasted, or dropped with the folders that they are in.

import { isPainting } from "./painting.js";
import { ask, say, unsay } from "./requests.js";
import { change, current, state } from "./state.js";

const LINK = "a link, and this page fetches nothing from elsewhere: save the picture (right click on it), then drop its file here";
const TEXT = "text, no picture: copy a picture or its file";

const GONE = "cannot be read: it has changed or gone";

let arriving; // what was added before: one after the other
let waiting = 0;
let failed = []; // names and reasons, said once nothing waits any more

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
    bring(event.dataTransfer, "What was dropped");
  });
  document.addEventListener("paste", (event) => bring(event.clipboardData, "What was pasted"));
  document.addEventListener("dragstart", (event) => event.preventDefault()); // or it could be dropped here
}

/** Take in what was dropped or pasted; what holds no file is said. */
function bring({ items, types }, what) {
  const files = [...items].filter((item) => item.kind === "file");
  const dropped = files.map((item) => item.webkitGetAsEntry() ?? item.getAsFile()); // gone after this event
  if (dropped.some(Boolean)) add(dropped.filter(Boolean));
  else say(`${what} is ${["text/html", "text/uri-list"].some((type) => types.includes(type)) ? LINK : TEXT}.`);
}

function add(dropped) {
  waiting += 1;
  const taken = arriving.then(() => takeIn(dropped)).catch((error) => fail("", error.message));
  arriving = taken.then(() => {
    waiting -= 1;
    if (waiting || !failed.length) return;
    say(failed.map(({ names, reason }) => [names.join(", "), reason].filter(Boolean).join(": ")).join("\n"));
    failed = [];
  });
}

/** Note why a file was not taken in; files with the same reason are said in one line. */
function fail(name, reason) {
  const same = failed.find((one) => one.reason === reason);
  if (same) same.names.push(name);
  else failed.push({ names: name ? [name] : [], reason });
}

/** Take in files, and what is in folders. */
async function takeIn(dropped) {
  const files = (await Promise.all(dropped.map((one) => filesOf(one)))).flat();
  if (!files.length && !failed.length) fail("", "nothing is in there");
  let chosen = false; // which of them is looked at
  for (const [number, file] of files.entries()) {
    const doing = `${file.name} (${number + 1} of ${files.length}) …`;
    say(doing);
    try {
      const { photos, reasons } = await upload(file);
      state.photos.push(...photos);
      change(!current() || (!chosen && !isPainting()) ? { current: photos[0].id } : {});
      chosen = true;
      for (const reason of reasons) refuse(file, reason);
    } catch (error) {
      refuse(file, error.message, [400, 413].includes(error.status));
      if (error.status === 0) break; // nor will the others get there
    }
    unsay(doing);
  }
}

/** Say why a file was not taken in, and show it in the strip. */
function refuse({ name }, reason, shown = true) {
  fail(name, reason);
  if (shown) change({ refused: [...state.refused, { name, reason }] });
}

async function upload(file) {
  const kind = await (await ask("/api/kind", { method: "POST", body: await headOf(file) })).json();
  if (!kind.is_picture) throw new Error(`${kind.name}, no photograph`); // before all of a long one is sent
  const url = `/api/photos?${new URLSearchParams({ name: file.name })}`;
  return (await ask(url, { method: "POST", body: file })).json();
}

async function headOf(file) {
  const reader = file.stream().getReader();
  const { value = new Uint8Array() } = await reader.read().catch(() => { throw new Error(GONE); });
  reader.cancel();
  return value.slice(0, state.head);
}

/** Return a file, or those of a folder to its depths, but for hidden ones. */
async function filesOf(dropped, inFolder = false) {
  if (dropped instanceof File) return [dropped];
  if (inFolder && dropped.name.startsWith(".")) return said(dropped, "hidden, so not taken");
  try {
    if (dropped.isFile) return [await new Promise((done, fail) => dropped.file(done, fail))];
    const inside = await entriesOf(dropped);
    return (await Promise.all(inside.map((one) => filesOf(one, true)))).flat();
  } catch (error) {
    return said(dropped, error.message);
  }
}

function said({ name }, reason) {
  fail(name, reason);
  return [];
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
