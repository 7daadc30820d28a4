// Row selection: the page checkbox, shift-click ranges, the bulk bar and "all matching" (a scope kept by the server).
let lastIndex = -1;

const scopeOf = (element) => element.closest("form") ?? document;
const rowBoxes = (root) => [...root.querySelectorAll("[data-select-row]")];

export function enhanceSelection() {
  document.addEventListener("click", (event) => {
    const box = event.target.closest("[data-select-row]");
    if (box) selectRange(box, event.shiftKey);
    const all = event.target.closest("[data-select-all]");
    if (all) setScope(scopeOf(all), "all");
    const none = event.target.closest("[data-select-none]");
    if (none) clear(scopeOf(none));
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-select-page], [data-select-row]")) return;
    const root = scopeOf(event.target);
    if (event.target.matches("[data-select-page]")) rowBoxes(root).forEach((box) => (box.checked = event.target.checked));
    setScope(root, "page");
  });
}

function selectRange(box, extend) {
  const boxes = rowBoxes(scopeOf(box));
  const index = boxes.indexOf(box);
  if (extend && lastIndex >= 0) {
    const [from, to] = [Math.min(index, lastIndex), Math.max(index, lastIndex)];
    boxes.slice(from, to + 1).forEach((one) => (one.checked = box.checked));
  }
  lastIndex = index;
}

function setScope(root, scope) {
  const field = root.querySelector("[data-select-scope]");
  if (field) field.value = scope;
  refresh(root);
}

function clear(root) {
  rowBoxes(root).forEach((box) => (box.checked = false));
  setScope(root, "page");
}

/** Called after swaps: counters and bars follow what is checked now. */
export function refreshSelections() {
  document.querySelectorAll("[data-select-bar]").forEach((bar) => refresh(scopeOf(bar)));
}

export function refresh(root) {
  const boxes = rowBoxes(root);
  const checked = boxes.filter((box) => box.checked);
  boxes.forEach((box) => box.closest("tr")?.classList.toggle("is-selected", box.checked));
  const page = root.querySelector("[data-select-page]");
  if (page) {
    page.checked = boxes.length > 0 && checked.length === boxes.length;
    page.indeterminate = checked.length > 0 && checked.length < boxes.length;
  }
  const bar = root.querySelector("[data-select-bar]");
  if (!bar) return;
  const all = bar.querySelector("[data-select-scope]")?.value === "all";
  const count = bar.querySelector("[data-select-count]");
  const matching = Number(count?.dataset.matching || 0);
  const number = new Intl.NumberFormat(document.documentElement.lang).format(all ? matching : checked.length);
  if (count) count.textContent = (all ? count.dataset.textAll : count.dataset.textPage).replace("{n}", number);
  toggle(bar, "[data-select-all]", !all && checked.length > 0 && matching > checked.length);
  toggle(bar, "[data-select-none]", all || checked.length > 0);
  bar.classList.toggle("is-active", all || checked.length > 0);
  bar.querySelectorAll(".bulk-actions button").forEach((button) => (button.disabled = !all && checked.length === 0));
}

function toggle(bar, selector, visible) {
  const element = bar.querySelector(selector);
  if (element) element.hidden = !visible;
}
