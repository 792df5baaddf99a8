// The task page: a draft that is never lost, the lease clock, keys. Fields are answers.js's.

const find = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

const form = find("#eval");
const fields = find("#fields");
const announce = (words) => { find("#announce").textContent = words; };

// --- draft: here first, then on the server, again and again until it is there --------------

const COPY = `draft:${form.dataset.assignment}`;
const SIDE = `envelope:${form.dataset.assignment}`;
const PRIVATE = new Set(["csrfmiddlewaretoken", "revision", "active_seconds"]);
// Said about the answer, sent with it: the server keeps no draft of these.
const ENVELOPE = new Set(["assistance", "assistance_note", "confidence", "is_unclear"]);
let edits = 0;
let sentEdits = 0;
let savedEdits = 0;
let retryIn = 2;
let retryTimer;
let isOver = false;

const typed = () => [...new FormData(form)].filter(([name]) => !PRIVATE.has(name));

function keepCopy() {
  const values = typed().filter(([name]) => !ENVELOPE.has(name));
  const side = typed().filter(([name]) => ENVELOPE.has(name));
  localStorage.setItem(COPY, JSON.stringify({ revision: form.elements.revision.value, values }));
  localStorage.setItem(SIDE, JSON.stringify(side));
}

function fill(values) {
  for (const [name, value] of values) {
    const field = form.elements[name];
    if (!field) continue;
    if (field.type === "checkbox") field.checked = true;
    else field.value = value;
  }
}

function restoreCopy() {
  fill(JSON.parse(localStorage.getItem(SIDE) ?? "[]"));
  const copy = JSON.parse(localStorage.getItem(COPY) ?? "null");
  if (!copy || copy.revision !== form.elements.revision.value) return;
  fill(copy.values);
  edits += 1;
  announce("Unsaved changes from this browser were restored.");
  addEventListener("load", () => window.htmx.trigger(fields, "retry"));
}

function forgetCopies() {
  localStorage.removeItem(COPY);
  localStorage.removeItem(SIDE);
}

function saySave(state, words) {
  const save = find("#save");
  save.dataset.state = state;
  find("[data-words]", save).textContent = words;
}

for (const kind of ["input", "change"]) {
  form.addEventListener(kind, () => { edits += 1; keepCopy(); });
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt === fields) sentEdits = edits;
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, xhr } = event.detail;
  if (elt === form && xhr.status === 204) forgetCopies();
  if (elt !== fields || xhr.status !== 200) return;
  savedEdits = sentEdits;
  retryIn = 2;
  if (savedEdits === edits) localStorage.removeItem(COPY);
});

const REFUSED = {
  401: ["Signed out, kept in this browser", "You were signed out. Your draft is kept in this browser."],
  403: ["Reload, your draft is kept in this browser", "Reload the page. Your draft is kept in this browser."],
};

// Requests wait for one another: an aborted one may have been kept, and its revision would be lost.
for (const kind of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(kind, (event) => {
    if (event.detail.elt !== fields) return;
    const [words, sentence] = REFUSED[event.detail.xhr.status] ?? [
      "Not saved, retrying",
      "The draft could not be saved. It is kept in this browser and will be sent again.",
    ];
    saySave("failed", words);
    announce(sentence);
    clearTimeout(retryTimer);
    if (event.detail.xhr.status === 401) offerSignIn();
    else if (event.detail.xhr.status !== 403) retryTimer = setTimeout(sendDraft, 1000 * retryIn);
    retryIn = Math.min(30, retryIn * 2);
  });
}

const sendDraft = () => window.htmx.trigger(fields, "retry");

function offerSignIn() {
  if (find("#sign-in")) return;
  const link = document.createElement("a");
  Object.assign(link, { id: "sign-in", className: "btn sm", textContent: "Sign in", target: "_blank", href: form.dataset.signIn });
  find("#save").append(link);
}

// Back from signing in in the other tab, or online again: send what is not saved yet.
for (const kind of ["online", "focus"]) {
  addEventListener(kind, () => { if (edits !== savedEdits && !isOver) sendDraft(); });
}
addEventListener("pagehide", () => {
  if (edits !== savedEdits && !isOver) navigator.sendBeacon(fields.getAttribute("hx-post"), new FormData(form));
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-load-theirs]")) {
    localStorage.removeItem(COPY);
    edits = savedEdits;
    location.reload();
  }
  const keep = event.target.closest("[data-keep-mine]");
  if (!keep) return;
  form.elements.revision.value = keep.dataset.keepMine;
  keepCopy();
  sendDraft();
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-leaves]")) forgetCopies();
});

// --- lease: the server's remaining seconds, counted down here ------------------------------

const CIRCLE = 2 * Math.PI * 8;
const WARN_AT = [300, 60, 0];
let leaseEnds = 0;
let lastSecondsLeft = Infinity;
let activeAt = performance.now();
let activeSinceBeat = 0;

function readLease() {
  leaseEnds = performance.now() + 1000 * find("#lease").dataset.left;
  lastSecondsLeft = Infinity;
  showLease();
}

function showLease() {
  const lease = find("#lease");
  if (!lease) return;
  const left = Math.max(0, Math.ceil((leaseEnds - performance.now()) / 1000));
  find("b", lease).textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  const ring = find(".fg", lease);
  ring.style.strokeDasharray = CIRCLE;
  ring.style.strokeDashoffset = CIRCLE * (1 - Math.min(1, left / lease.dataset.total));
  lease.dataset.state = left === 0 ? "over" : left <= 300 ? "low" : "ok";
  const crossed = WARN_AT.find((mark) => left <= mark && lastSecondsLeft > mark && lastSecondsLeft !== Infinity);
  if (crossed === 0) announce("The time is over. Your draft is saved.");
  else if (crossed) announce(`${crossed / 60} minutes left. Press Extend for more time.`);
  lastSecondsLeft = left;
}

for (const kind of ["pointerdown", "keydown", "scroll", "wheel"]) {
  addEventListener(kind, () => { activeAt = performance.now(); }, { capture: true, passive: true });
}
// Reading is work: five quiet minutes still count, as in the pay rules.
const isActive = () => document.visibilityState === "visible" && performance.now() - activeAt < 300_000;
setInterval(() => {
  showLease();
  if (!isActive()) return;
  form.elements.active_seconds.value = Number(form.elements.active_seconds.value) + 1;
  activeSinceBeat += 1;
  find("#beat-seconds").value = activeSinceBeat;
}, 1000);
setInterval(() => {
  if (isActive() && find("#lease") && !isOver) window.htmx.trigger("#lease", "beat");
}, 30_000);

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id === "lease") { activeSinceBeat = 0; readLease(); }
  if (event.detail.elt.id === "save" && event.detail.elt.dataset.state === "over") endWork();
});

// The seat is gone: what was typed stays readable and copyable.
function endWork() {
  isOver = true;
  announce(find("#save [data-words]").textContent);
  for (const field of all("textarea, input[type=text]", form)) field.readOnly = true;
  for (const field of all("select, input[type=radio], input[type=checkbox], input[type=range], [type=submit]", form)) field.disabled = true;
}

// --- keys -----------------------------------------------------------------------------------

function set(input, value) {
  if (input.type === "range") input.value = value;
  else input.checked = true;
  for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
}

function choose(key) {
  const group = document.activeElement?.closest("fieldset");
  const within = group && find("[data-key]", group) ? group : find("[data-keys]", form);
  const radio = within && find(`[data-key="${key}"]`, within);
  if (!radio) return;
  set(radio);
  radio.focus({ preventScroll: true });
}

const showSide = (side) => {
  document.dispatchEvent(new CustomEvent("answers:side", { detail: side }));
  find(`.ans.${side}`)?.scrollIntoView({ block: "start" });
};
const KEYS = {
  "?": () => find("#shortcuts").showModal(),
  g: () => { const sheet = find("#guidelines"); if (sheet.open) sheet.close(); else sheet.show(); },
  s: () => find("#skip")?.showModal(),
  e: () => { if (find("#lease")?.dataset.state === "low") find("#extend").click(); },
  r: () => find("[data-reason]", form)?.focus(),
  c: () => all("input[type=range]").find((range) => !range.closest(".sl").hasAttribute("data-set"))?.focus(),
  p: () => { const prompt = find(".prompt"); if (prompt) prompt.open = !prompt.open; },
  a: () => showSide("A"),
  b: () => showSide("B"),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("textarea, select, input:not([type=radio], [type=range], [type=checkbox])");
  if ((event.metaKey || event.ctrlKey) && event.key === "Enter") {
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  if (event.key === "Escape" && isTyping) {
    event.target.blur();
    return;
  }
  if (isTyping || event.metaKey || event.ctrlKey || event.altKey || event.repeat) return;
  if (document.documentElement.dataset.shortcuts === "off" || find("dialog:modal")) return;
  const isDigit = /^[1-9]$/.test(event.key);
  const onSlider = event.target.type === "range";
  if (isDigit && onSlider && Number(event.key) > Number(event.target.max)) return;
  const act = isDigit ? () => (onSlider ? set(event.target, event.key) : choose(event.key)) : KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});

restoreCopy();
form.dispatchEvent(new Event("answers:show"));
if (find("#lease")) readLease();
