// The page: photographs in, looked at in three views, painted on, and out again at full size.

const $ = (id) => document.getElementById(id);

const SWATCHES = {
  "skin, light": "#e0ac8a", "skin, dark": "#8d5b3c", "hair, brown": "#5b3a22", "hair, blond": "#d0ab62",
  "sky": "#7fb2e5", "water": "#3f7f96", "grass": "#6d9a3a", "leaves, dark": "#3c6433",
  "wood": "#9a6a3a", "brick": "#a5503c", "sand": "#d8c08e", "no colour": "#808080",
  "red": "#c8282d", "orange": "#e27a1e", "yellow": "#e8c630", "green": "#2f9a4e",
  "blue": "#2f55b5", "purple": "#7b3f98",
};

const state = {
  photos: [],
  current: null,
  view: "slider",
  models: [],
  model: null,
  compared: new Set(),
  strength: 1,
  colour: "#b5784f",
  strokes: new Map(), // of a photograph's id: what was painted here, and what was painted before this page was opened
};

const current = () => state.photos.find((photo) => photo.id === state.current);

// ---- requests

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, options);
  } catch {
    throw new Error("colorizer has ended: start it again by `colorizer web`");
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.message ?? `${answer.status} ${answer.statusText}`);
  }
  return answer;
}

const say = (text) => { $("message").textContent = text; };

function address(photo, what, model = state.model) {
  const query = new URLSearchParams({ model, strength: state.strength, revision: photo.revision });
  return `/api/photos/${photo.id}/${what}?${query}`;
}

/** Show a picture: one request at a time for each place, and of several wishes the last. */
async function show(image, url) {
  image.wanted = url;
  if (image.asking) return;
  image.asking = true;
  while (image.wanted !== image.dataset.shown) {
    const wanted = image.wanted;
    image.classList.add("busy");
    try {
      const next = URL.createObjectURL(await (await ask(wanted)).blob());
      const before = image.src;
      image.src = next;
      await image.decode();
      URL.revokeObjectURL(before);
      if (image.failed) say("");
      image.failed = false;
    } catch (error) {
      image.failed = image.wanted === wanted; // else nobody waits for it any more
      if (image.failed) say(error.message);
    }
    image.dataset.shown = wanted;
  }
  image.classList.remove("busy");
  image.asking = false;
}

// ---- photographs in

async function add(files) {
  const failed = [];
  for (const [number, file] of files.entries()) {
    say(`${file.name} (${number + 1} of ${files.length}) …`);
    try {
      const url = `/api/photos?${new URLSearchParams({ name: file.name })}`;
      const photo = await (await ask(url, { method: "POST", body: file })).json();
      state.photos.push(photo);
      if (state.photos.length === 1 || number === 0) choose(photo.id);
    } catch (error) {
      failed.push(`${file.name}: ${error.message}`);
    }
    render();
  }
  say(failed.join("\n"));
}

/** Return what was dropped, folders to their depths; of those only what is called like a photograph. */
async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const found = items.map((item) => {
    const entry = item.webkitGetAsEntry();
    return entry ? within(entry) : [item.getAsFile()];
  });
  return (await Promise.all(found)).flat();
}

async function within(entry, inFolder = false) {
  if (entry.isFile) {
    const known = state.suffixes.some((suffix) => entry.name.toLowerCase().endsWith(suffix));
    return inFolder && !known ? [] : [await new Promise((done, fail) => entry.file(done, fail))];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) { // a reader gives a hundred at a time
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    found.push(...some);
  }
  found.sort((a, b) => a.name.localeCompare(b.name));
  return (await Promise.all(found.map((inner) => within(inner, true)))).flat();
}

function listen() {
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
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    add(await dropped(event.dataTransfer));
  });
}

async function remove() {
  const gone = current();
  await ask(`/api/photos/${gone.id}`, { method: "DELETE" }).catch((error) => say(error.message));
  const place = state.photos.indexOf(gone);
  state.photos.splice(place, 1);
  choose((state.photos[place] ?? state.photos.at(-1))?.id ?? null);
}

function choose(id) {
  state.current = id;
  const photo = current();
  if (photo && !state.strokes.has(id)) recall(photo);
  render();
}

// ---- views

function render() {
  const photo = current();
  $("welcome").hidden = Boolean(photo);
  $("desk").hidden = !photo;
  if (!photo) return;
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== state.view;
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", button.dataset.view === state.view);
  }
  for (const field of document.querySelectorAll("[data-for]")) {
    field.hidden = !field.dataset.for.split(" ").includes(state.view);
  }
  renderPhotos();
  renderControls(photo);
  ({ slider: renderSlider, models: renderModels, paint: renderPaint })[state.view](photo);
}

function renderSlider(photo) {
  [$("before").width, $("before").height] = photo.shown; // keeps the place while it loads
  show($("before"), `/api/photos/${photo.id}/before`);
  show($("after"), address(photo, "after"));
}

function renderModels(photo) {
  const wanted = state.models.filter(({ name }) => state.compared.has(name));
  const titles = new Map([["", "before"], ...wanted.map(({ name, label }) => [name, label])]);
  for (const figure of [...$("models").children]) {
    if (!titles.has(figure.dataset.model)) figure.remove();
  }
  for (const [name, label] of titles) {
    let figure = [...$("models").children].find((one) => one.dataset.model === name);
    if (!figure) {
      figure = makeFigure(name, label);
    }
    $("models").append(figure);
    [figure.firstChild.width, figure.firstChild.height] = photo.shown;
    show(figure.firstChild, name ? address(photo, "after", name) : `/api/photos/${photo.id}/before`);
  }
}

function makeFigure(name, label) {
  const figure = document.createElement("figure");
  figure.dataset.model = name;
  figure.append(new Image(), document.createElement("figcaption"));
  figure.firstChild.alt = label;
  figure.lastChild.append(label);
  if (name) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Use";
    button.setAttribute("aria-label", `Use ${label}`);
    button.addEventListener("click", () => {
      state.model = $("model").value = name;
      state.view = "slider";
      render();
    });
    figure.lastChild.append(button);
  }
  return figure;
}

function renderPaint(photo) {
  [$("painted").width, $("painted").height] = photo.shown;
  show($("painted"), address(photo, "after"));
  draw(photo);
}

function renderPhotos() {
  const nav = $("photos");
  const known = new Map([...nav.querySelectorAll("button")].map((button) => [button.dataset.id, button]));
  for (const photo of state.photos) {
    if (!known.has(photo.id)) nav.insertBefore(makeThumbnail(photo), nav.lastElementChild);
    known.delete(photo.id);
  }
  for (const gone of known.values()) gone.remove();
  for (const button of nav.querySelectorAll("button")) {
    button.setAttribute("aria-current", button.dataset.id === state.current);
  }
}

function makeThumbnail(photo) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = photo.name;
  button.dataset.id = photo.id;
  button.addEventListener("click", () => choose(photo.id));
  const image = new Image();
  image.loading = "lazy";
  image.src = `/api/photos/${photo.id}/before`;
  image.alt = photo.name;
  [image.width, image.height] = photo.shown;
  button.append(image);
  return button;
}

function renderControls(photo) {
  $("shown-strength").textContent = `${state.strength.toFixed(2)} ×`;
  $("download").href = address(photo, "file");
  $("download-all").hidden = state.photos.length < 2;
  $("download-all").textContent = `Download all ${state.photos.length}`;
  $("download-all").href = `/api/archive?${new URLSearchParams({ model: state.model, strength: state.strength })}`;
  const strokes = state.strokes.get(photo.id);
  $("undo").disabled = !strokes?.list.length;
  $("clear").disabled = !strokes?.list.length && !strokes?.before;
  const { label } = state.models.find(({ name }) => name === state.model);
  const anew = photo.in_colour ? " It is in colour, and coloured anew by its lightness." : "";
  $("facts").textContent = `${photo.name}, ${photo.size.join(" × ")} pixels, coloured by ${label}.${anew}`;
}

function makeControls() {
  for (const { name, label } of state.models) {
    $("model").add(new Option(label, name));
    const line = document.createElement("label");
    line.className = "choice";
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = name;
    box.checked = state.compared.has(name);
    box.addEventListener("change", () => {
      state.compared[box.checked ? "add" : "delete"](name);
      render();
    });
    line.append(box, label);
    $("compared").append(line);
  }
  for (const [name, colour] of Object.entries(SWATCHES)) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = name;
    button.setAttribute("aria-label", name);
    button.style.background = colour;
    button.addEventListener("click", () => dip(colour));
    button.dataset.colour = colour;
    $("swatches").append(button);
  }
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => { state.view = button.dataset.view; render(); });
  }
  $("model").addEventListener("change", (event) => { state.model = event.target.value; render(); });
  $("strength").addEventListener("input", (event) => { state.strength = Number(event.target.value); render(); });
  $("divide").addEventListener("input", (event) => { $("slider").style.setProperty("--at", `${event.target.value}%`); });
  $("colour").addEventListener("input", (event) => dip(event.target.value));
  $("strokes").addEventListener("change", (event) => $("canvas").classList.toggle("unseen", !event.target.checked));
  $("undo").addEventListener("click", undo);
  $("clear").addEventListener("click", clear);
  $("remove").addEventListener("click", remove);
  dip(state.colour);
}

function dip(colour) {
  state.colour = colour;
  $("colour").value = colour;
  for (const button of $("swatches").children) button.setAttribute("aria-pressed", button.dataset.colour === colour);
}

// ---- painting

/** Fetch what was painted on a photograph before this page was opened. */
async function recall(photo) {
  const strokes = { list: [], before: null };
  state.strokes.set(photo.id, strokes);
  if (!photo.painted) return;
  const answer = await ask(`/api/photos/${photo.id}/strokes`);
  strokes.before = await createImageBitmap(await answer.blob());
  render();
}

function draw(photo, canvas = $("canvas")) {
  [canvas.width, canvas.height] = photo.shown;
  const pen = canvas.getContext("2d");
  const strokes = state.strokes.get(photo.id);
  if (strokes.before) pen.drawImage(strokes.before, 0, 0);
  pen.lineCap = pen.lineJoin = "round";
  for (const { colour, size, points } of strokes.list) {
    pen.strokeStyle = colour;
    pen.lineWidth = size;
    pen.beginPath();
    pen.moveTo(...points[0]);
    for (const point of points) pen.lineTo(...point);
    pen.stroke();
  }
}

function listenToBrush() {
  const canvas = $("canvas");
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ];
  };
  let stroke = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    const size = (Number($("brush").value) * canvas.width) / canvas.clientWidth; // as wide as it looks
    stroke = { colour: state.colour, size, points: [place(event)] };
    state.strokes.get(state.current).list.push(stroke);
    draw(current());
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    stroke.points.push(place(event));
    draw(current());
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (stroke) send(current());
      stroke = null;
    });
  }
}

function undo() {
  state.strokes.get(state.current).list.pop();
  send(current());
}

function clear() {
  Object.assign(state.strokes.get(state.current), { list: [], before: null });
  send(current());
}

/** Tell what is painted now; while that is under way, only what is painted last is told next. */
async function send(photo) {
  const strokes = state.strokes.get(photo.id);
  strokes.changed = true;
  render();
  if (strokes.sending) return;
  strokes.sending = true;
  while (strokes.changed) {
    strokes.changed = false;
    try {
      const url = `/api/photos/${photo.id}/strokes`;
      const painted = strokes.list.length || strokes.before;
      const options = painted ? { method: "PUT", body: await toPng(photo) } : { method: "DELETE" };
      Object.assign(photo, await (await ask(url, options)).json());
    } catch (error) {
      say(error.message);
    }
    render();
  }
  strokes.sending = false;
}

function toPng(photo) {
  const canvas = document.createElement("canvas"); // the one on the page may show another photograph by now
  draw(photo, canvas);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

// ---- begin

async function begin() {
  listen();
  listenToBrush();
  try {
    const studio = await (await ask("/api/studio")).json();
    Object.assign(state, studio);
    state.model = studio.models[0].name;
    state.compared = new Set(studio.models.slice(0, -1).slice(0, 4).map(({ name }) => name));
    for (const input of document.querySelectorAll("[data-add]")) input.accept = studio.suffixes.join();
    makeControls();
    choose(studio.photos.at(-1)?.id ?? null);
  } catch (error) {
    say(error.message);
  }
}

begin();
