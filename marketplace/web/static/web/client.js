// Review by keyboard: J and K move, O opens, A approves, C, P and X open their forms.

const all = (selector) => [...document.querySelectorAll(selector)];

function move(step) {
  const rows = all("[data-row]");
  if (!rows.length) return false;
  const here = rows.indexOf(document.activeElement);
  rows[Math.min(rows.length - 1, Math.max(0, here + step))].focus();
  return true;
}

function press(key) {
  const target = document.querySelector(`[data-hotkey="${key}"]`);
  if (!target) return false;
  if (target.tagName !== "SUMMARY") {
    target.click();
    return true;
  }
  const details = target.parentElement;
  details.open = true;
  details.querySelector("textarea, select, input:not([type=hidden])").focus();
  return true;
}

const LIST = { j: () => move(1), k: () => move(-1), o: () => document.activeElement.matches("[data-row]") && document.activeElement.click() };

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches("textarea, input, select")) {
    event.target.blur();
    return;
  }
  if (event.target.matches("textarea, select, input:not([type=checkbox])")) return;
  if (event.metaKey || event.ctrlKey || event.altKey || event.repeat) return;
  if (document.documentElement.dataset.shortcuts === "off" || document.querySelector("dialog:modal")) return;
  const key = event.key.toLowerCase();
  if (press(key) || LIST[key]?.()) event.preventDefault();
});
