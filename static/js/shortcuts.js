// Single-key shortcuts (WCAG 2.1.4: off while typing, and off for good with <body data-shortcuts="off">).
// Letters act on elements that offer them: data-shortcut="e" on a link or button of the current row or of the page.
import { openDialog } from "./dialogs.js";

let beforeThis = "";

export function enhanceShortcuts() {
  if (document.body.dataset.shortcuts === "off") return;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (act(event)) event.preventDefault();
    beforeThis = event.key === "g" ? "g" : "";
  });
}

function isTyping(element) {
  return element.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], .menu-panel") !== null;
}

function act(event) {
  const { key, target } = event;
  if (beforeThis === "g" && key === "o") return go(document.body.dataset.outboxUrl);
  if (key === "/") return focusFirst("[data-shortcut-search], [data-global-search]");
  if (key === "?") return openDialog("shortcuts");
  if (key === "j" || key === "ArrowDown") return move(1, event);
  if (key === "k" || key === "ArrowUp") return move(-1, event);
  const row = document.querySelector("tr[data-row].is-current");
  if (key === "x" && row) return press(row.querySelector("[data-select-row]"));
  if (key === "Enter" && row && !target.closest("a, button, summary, input:not([data-select-row])")) return press(row.querySelector("a[data-open]")) || go(row.dataset.href);
  if (/^[a-z]$/.test(key)) return press(offer(row, key) ?? offer(document, key));
  return false;
}

const offer = (root, key) => root?.querySelector(`[data-shortcut="${key}"]:not(:disabled)`);

function press(element) {
  if (!element) return false;
  element.click();
  return true;
}

function go(url) {
  if (!url) return false;
  window.location.assign(url);
  return true;
}

function focusFirst(selector) {
  const element = [...document.querySelectorAll(selector)].find((one) => one.offsetParent);
  element?.focus();
  element?.select?.();
  return Boolean(element);
}

function move(step, event) {
  const rows = [...document.querySelectorAll("table[data-rows] tr[data-row]")];
  if (!rows.length || (event.key.startsWith("Arrow") && !document.activeElement.closest("table[data-rows]") && !rows.some((row) => row.classList.contains("is-current")))) return false;
  const index = rows.findIndex((row) => row.classList.contains("is-current"));
  const next = rows[Math.min(rows.length - 1, Math.max(0, index + step))];
  rows.forEach((row) => row.classList.toggle("is-current", row === next));
  const box = next.querySelector("[data-select-row]");
  if (event.shiftKey && box && !box.checked) box.click();
  // The link, not the checkbox before it: Enter on a checkbox would press the first button of the form.
  (next.querySelector("a[data-open]") ?? next.querySelector("a, input") ?? next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  if (document.querySelector("[data-preview-follows]")) press(next.querySelector("a[data-open]"));
  return true;
}
