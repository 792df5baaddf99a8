// Fields of an answer: scales, sliders that start unset, counters, the two answers on a phone.
// No module imports another: hashed file names would break the import. Others tell it "answers:show".

const find = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const form = find("#eval");

function showScale(scale) {
  const chosen = find("input:checked", scale);
  find("[data-verdict]", scale).textContent = chosen ? chosen.dataset.label : "Not rated yet";
  if (!find("label.a", scale)) return;
  for (const answer of all(".ans")) {
    const leads = chosen && (answer.classList.contains("A") ? chosen.value < 0 : chosen.value > 0);
    answer.toggleAttribute("data-lead", Boolean(leads));
  }
}

function showSlider(range) {
  const row = range.closest(".sl");
  const stored = find("input[type=hidden]", row).value;
  const isSet = stored !== "";
  if (isSet) range.value = stored;
  row.toggleAttribute("data-set", isSet);
  const share = (range.value - range.min) / (range.max - range.min);
  row.style.setProperty("--fill", isSet ? `${share * 100}%` : "0%");
  find("output", row).textContent = isSet ? range.value : "–";
  range.setAttribute("aria-valuetext", isSet ? `${range.value} of ${range.max}` : "not rated");
  for (const rated of all("[data-rated]")) {
    rated.textContent = `${all(".sl[data-set]", form).length} of ${all(".sl", form).length} rated`;
  }
}

function touchSlider(range) {
  find("input[type=hidden]", range.closest(".sl")).value = range.value;
  showSlider(range);
}

function showMeter(area) {
  const least = Number(area.dataset.min);
  const length = area.value.trim().length;
  const left = find(`[data-left="${area.id}"]`);
  const meter = find(`[data-meter="${area.id}"]`);
  meter.hidden = !least;
  meter.style.setProperty("--v", `${least ? Math.min(100, (100 * length) / least) : 0}%`);
  meter.classList.toggle("ok", length >= least);
  left.textContent = length >= least ? (length ? `${length} characters` : "") : `${least - length} more characters`;
}

function showAll() {
  all("input[type=range]", form).forEach(showSlider);
  all("[data-scale]", form).forEach(showScale);
  all("textarea[data-min]", form).forEach(showMeter);
}

if (form) {
  form.addEventListener("input", (event) => {
    if (event.target.type === "range") touchSlider(event.target);
    if (event.target.type === "radio") all("[data-scale]", form).forEach(showScale);
    if (event.target.matches("textarea[data-min]")) showMeter(event.target);
  });
  form.addEventListener("pointerup", (event) => {
    // A click on the middle does not fire "input", because the value does not change.
    if (event.target.type !== "range") return;
    touchSlider(event.target);
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  });
  form.addEventListener("answers:show", showAll);
  // Tab indents in code; Esc leaves the field, so the keyboard is never caught.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey || !event.target.matches("[data-code]")) return;
    event.preventDefault();
    event.target.setRangeText("    ", event.target.selectionStart, event.target.selectionEnd, "end");
    event.target.dispatchEvent(new Event("input", { bubbles: true }));
  });
  showAll();
}

document.addEventListener("answers:side", (event) => showSide(event.detail));

function showSide(side) {
  const answers = find(".answers");
  if (!answers) return;
  answers.dataset.show = side;
  for (const button of all("[data-tab]")) button.setAttribute("aria-pressed", button.dataset.tab === side);
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-tab]");
  if (tab) showSide(tab.dataset.tab);
  const source = event.target.closest("[data-source]");
  if (!source) return;
  const answer = source.closest(".ans");
  const isHidden = find(".source", answer).toggleAttribute("hidden");
  find(".prose", answer).toggleAttribute("hidden", !isHidden);
  source.setAttribute("aria-pressed", !isHidden);
});

showSide("A");
