// A question of a test by keyboard: digits choose, Ctrl or Cmd with Enter answers.

const form = document.querySelector("#question");

function choose(key) {
  const input = form.querySelector(`[data-key="${key}"]`);
  if (!input) return false;
  input.click();
  input.focus({ preventScroll: true });
  return true;
}

document.addEventListener("keydown", (event) => {
  if ((event.metaKey || event.ctrlKey) && event.key === "Enter") {
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey || event.repeat) return;
  if (document.documentElement.dataset.shortcuts === "off" || document.querySelector("dialog:modal")) return;
  if (/^[1-9]$/.test(event.key) && choose(event.key)) event.preventDefault();
});
