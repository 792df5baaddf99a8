// On every page. No module imports another: hashed file names would break the import.

const root = document.documentElement;

function remember(name, value) {
  document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`;
}

// The server reads both cookies into <html>, so there is no flash and no inline script.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-set]");
  if (!button) return;
  root.dataset.theme = button.dataset.themeSet;
  remember("theme", button.dataset.themeSet);
  for (const other of document.querySelectorAll("[data-theme-set]")) {
    other.setAttribute("aria-pressed", other === button);
  }
});

// WCAG 2.1.4: single-key shortcuts can be switched off.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-shortcuts-set]")) return;
  root.dataset.shortcuts = event.target.checked ? "on" : "off";
  remember("shortcuts", root.dataset.shortcuts);
});

// A sheet stays open beside the work; every other dialog is modal.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.open);
    if (dialog.matches(".sheet")) dialog.show();
    else dialog.showModal();
  }
  event.target.closest("[data-close]")?.closest("dialog").close();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") event.target.closest("dialog.sheet")?.close();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// Instants are written in UTC; here they become the reader's own time, and say UTC when pointed at.
const DATE = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };

function localise(from) {
  for (const time of from.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    const style = { ...DATE };
    if (at.getFullYear() !== new Date().getFullYear()) style.year = "numeric";
    if (time.dataset.local === "seconds") style.second = "2-digit";
    time.title = time.textContent;
    time.textContent = at.toLocaleString("en-GB", style);
    time.removeAttribute("data-local");
  }
}

localise(document);

// A row of tabs that is wider than a phone begins where one is.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  tab.parentNode.scrollLeft = tab.offsetLeft - tab.parentNode.offsetLeft - 16;
}
document.addEventListener("htmx:afterSettle", (event) => localise(event.detail.elt.parentNode ?? document));

// An error summary that arrives takes the focus, so that it is read and its links are next.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.matches?.("[role=alert][tabindex='-1']")) event.detail.elt.focus();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  document.getElementById("announce").textContent = "Copied.";
});
