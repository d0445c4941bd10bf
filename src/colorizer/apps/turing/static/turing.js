// One person's way through the study: consent, pairs, questions, the end.
// What is answered is on the server; this browser keeps, for each study, only the person's random id,
// and which pair was shown last, so that nobody sees a pair longer by loading the page again.

const SIDES = ["left", "right"];
const GAP = 32; // pixels between the pictures, as in the style sheet
const MARGIN = 16; // pixels on either side
const HALF_A_FRAME = 1000 / 60 / 2; // milliseconds

const find = (id) => document.getElementById(id);

let study; // id, seconds, practice, pairs, size
let ask; // set while a question is open: takes the side that is the answer

// --- what this browser keeps

function storageKey() {
  return `colorizer-turing-${study.id}`;
}

function kept() {
  return JSON.parse(localStorage.getItem(storageKey()) ?? "{}");
}

function keep(news) {
  localStorage.setItem(storageKey(), JSON.stringify({ ...kept(), ...news }));
}

function forget() {
  localStorage.removeItem(storageKey());
}

// How a pair was shown, if it was.
function layoutShown(number) {
  const { shown } = kept();
  return shown?.number === number ? shown.layout : undefined;
}

// --- the server

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(path, options) {
  const response = await fetch(path, { cache: "no-store", ...options }).catch(() => {
    throw new Error("The program does not answer.");
  });
  if (response.ok) return response;
  const { message, detail } = await response.json().catch(() => ({}));
  throw new Refusal(response.status, message ?? detail ?? response.statusText);
}

async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return (await request(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

async function get(path) {
  return (await request(path)).json();
}

// --- what is on the page

function show(section) {
  for (const other of document.querySelectorAll("main > section")) {
    other.hidden = other.id !== section;
  }
}

function write(texts) {
  for (const [name, text] of Object.entries(texts)) {
    for (const place of document.querySelectorAll(`[data-text="${name}"]`)) place.textContent = text;
  }
}

function count(number, thing) {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

function clicked(id) {
  show(find(id).closest("section").id);
  find(id).focus({ preventScroll: true });
  return new Promise((done) => find(id).addEventListener("click", done, { once: true }));
}

function showProgress(number) {
  const practice = number <= study.practice;
  const of = practice ? study.practice : study.pairs;
  const at = practice ? number : number - study.practice;
  find("progress").textContent = practice ? `Practice: ${at} of ${of}` : `${at} of ${of}`;
  find("bar").max = of;
  find("bar").value = at - 1;
}

function say(text) {
  find("say").textContent = text;
}

function label(left, right) {
  [left, right].forEach((text, place) => {
    find(SIDES[place]).querySelector("span").textContent = text;
  });
}

// --- pictures

const ahead = new Map(); // a pair's address -> promise of its two pictures

function load(person, number) {
  const address = `/api/people/${person}/pictures/${number}`;
  if (!ahead.has(address)) {
    const pair = Promise.all(SIDES.map((side) => loadOne(`${address}/${side}`)));
    pair.catch(() => ahead.delete(address)); // asked for again when it is needed
    ahead.set(address, pair);
  }
  return ahead.get(address);
}

async function loadOne(address) {
  return URL.createObjectURL(await (await request(address)).blob());
}

function frame() {
  return new Promise((done) => requestAnimationFrame(done));
}

async function wait(seconds) {
  const until = performance.now() + 1000 * seconds - HALF_A_FRAME;
  while (performance.now() < until) await frame();
}

async function expose(pictures) {
  await frame();
  for (const picture of pictures) picture.hidden = false; // on the screen with this frame
  await wait(study.seconds);
  for (const picture of pictures) picture.hidden = true;
}

function chooseLayout() {
  const fits = document.documentElement.clientWidth >= 2 * study.size + GAP + 2 * MARGIN;
  return fits ? "beside" : "in turn";
}

function arrange(layout, asked) {
  const inTurn = layout === "in turn";
  document.body.classList.toggle("in-turn", inTurn);
  for (const side of SIDES) {
    find(side).classList.toggle("asked", asked);
    find(side).hidden = inTurn && !asked && side === "right";
  }
}

// Shows a pair for its time, and returns how.
async function showPair(person, number) {
  const urls = await load(person, number);
  const pictures = SIDES.map((side) => find(`${side}-picture`));
  const layout = chooseLayout();
  arrange(layout, false);
  label("", "");
  say("");
  show("pair");
  find("frames").scrollIntoView({ block: "center" });
  pictures.forEach((picture, place) => (picture.src = urls[place]));
  await Promise.all(pictures.map((picture) => picture.decode()));
  await wait(study.seconds / 2); // empty frames, to look at
  keep({ shown: { number, layout } });
  if (layout === "beside") {
    await expose(pictures);
  } else {
    for (const picture of pictures) {
      for (const side of SIDES) find(side).hidden = !find(side).contains(picture);
      await expose([picture]);
      await wait(study.seconds / 4);
    }
  }
  for (const picture of pictures) picture.removeAttribute("src");
  for (const url of urls) URL.revokeObjectURL(url);
  return layout;
}

// --- the question

async function question(layout) {
  arrange(layout, true);
  label(...(layout === "beside" ? ["Left", "Right"] : ["The first", "The second"]));
  say("Which one was the fake?");
  for (const side of SIDES) find(side).disabled = false;
  const started = performance.now();
  const side = await new Promise((done) => (ask = done));
  ask = undefined;
  const seconds = (performance.now() - started) / 1000;
  for (const each of SIDES) find(each).disabled = true;
  label("", "");
  say("");
  return { side, layout, seconds };
}

async function feedback(right, answer) {
  const names = answer.layout === "beside" ? ["left", "right"] : ["first", "second"];
  const fake = SIDES.indexOf(answer.side) ^ (right ? 0 : 1);
  label(...(fake === 0 ? ["fake", "original"] : ["original", "fake"]));
  say(`${right ? "Right" : "Wrong"}: the ${names[fake]} one was the fake.`);
  find("next").hidden = false;
  await clicked("next");
  find("next").hidden = true;
}

// --- the way

async function take(person, number) {
  showProgress(number);
  const before = layoutShown(number);
  if (before) show("pair");
  const layout = before ?? (await showPair(person, number));
  if (number < study.practice + study.pairs) load(person, number + 1).catch(() => {});
  const answer = await question(layout);
  const reply = await post(`/api/people/${person}/answers/${number}`, answer);
  if (reply.right !== undefined) await feedback(reply.right, answer);
  return reply.number;
}

async function getReady(number, resumed) {
  const left = study.practice + study.pairs + 1 - number;
  const practice = number <= study.practice;
  const title = practice ? "First, some practice" : "Now it counts";
  const first = practice
    ? `${count(study.practice, "pair")}. After each you are told whether you were right.`
    : `${count(study.pairs, "pair")}. From here on you are not told whether you were right.`;
  write({
    "ready-title": resumed ? "Welcome back" : title,
    "ready-text": resumed ? `${count(left, "pair")} to go.` : first,
  });
  find("go").textContent = resumed ? "Go on" : "Show the first pair";
  await clicked("go");
}

async function consent() {
  const time = study.seconds === 1 ? "one second" : `${study.seconds} seconds`;
  const pairs = count(study.pairs, "pair");
  write({
    how:
      chooseLayout() === "beside"
        ? `Each pair is shown for ${time}.`
        : `The two are shown one after the other, each for ${time}.`,
    long: study.practice
      ? `First ${count(study.practice, "pair")} for practice, then ${pairs} that count.`
      : `There are ${pairs}.`,
  });
  await clicked("agree");
  const { person } = await post("/api/people");
  keep({ person });
  return person;
}

// The person of this browser and the next pair; a new person if there is none.
async function arrive() {
  const { person } = kept();
  if (person !== undefined) {
    try {
      return await get(`/api/people/${person}`);
    } catch (error) {
      if (error.status !== 404) throw error;
      forget(); // of another study
    }
  }
  return { person: await consent(), number: 1 };
}

async function walk() {
  const known = kept().person !== undefined;
  let { person, number } = await arrive();
  const total = study.practice + study.pairs;
  const first = number;
  while (number <= total) {
    const turn = number === 1 || number === study.practice + 1;
    if (!layoutShown(number) && (turn || (known && number === first))) await getReady(number, !turn);
    number = await take(person, number);
  }
  await clicked("another");
  forget();
}

// In two tabs a person would see pairs twice, or not at all.
function walkAlone() {
  return navigator.locks.request(storageKey(), { ifAvailable: true }, (lock) => {
    if (!lock) throw new Error("The study is open in another tab or window: go on there, or close it.");
    return walk();
  });
}

async function run() {
  for (;;) {
    try {
      study = await get("/api/study");
      await walkAlone();
    } catch (error) {
      write({ trouble: error.message });
      find("anew").hidden = error.status !== 400; // what is missing may never come back
      await Promise.race([clicked("anew").then(forget), clicked("again")]);
    }
  }
}

for (const side of SIDES) find(side).addEventListener("click", () => ask?.(side));
document.addEventListener("keydown", (event) => {
  const side = { ArrowLeft: "left", ArrowRight: "right" }[event.key];
  const shortcut = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey; // the browser's
  if (side && ask && !event.repeat && !shortcut) {
    event.preventDefault();
    ask(side);
  }
});
run();
