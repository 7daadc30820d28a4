// The review page: a click anywhere on a row opens it beside the list; on narrow screens it opens as a page.
const wide = window.matchMedia("(min-width: 992px)");
const pane = document.getElementById("pane");
let opened = false;
const rowOf = (id) => document.getElementById(`row-${id}`);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-open]");
  // Narrow: htmx must not see the click, the browser follows the link.
  if (link && !wide.matches) event.stopPropagation();
}, true);

document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-row]");
  if (row && !event.target.closest("a, button, input, label, summary") && !String(window.getSelection())) {
    row.querySelector("a[data-open]")?.click();
  }
  const close = event.target.closest("[data-close-pane]");
  if (close && pane) {
    event.preventDefault();
    const row = document.querySelector("tr.is-current a[data-open]");
    pane.replaceChildren();
    opened = false;
    window.history.replaceState(null, "", close.href);
    row?.focus();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    if (event.target.closest?.("input, textarea, select")) return;
    pane?.querySelector("[data-close-pane]")?.click();
  }
});

// What the pane shows is the current row; when the list does not have it any more, the list is loaded again.
function follow() {
  const shown = pane?.querySelector("[data-message]");
  if (!shown) return;
  if (!wide.matches) shown.removeAttribute("data-preview-follows");
  const row = rowOf(shown.dataset.message);
  document.querySelectorAll("tr[data-row]").forEach((one) => one.classList.toggle("is-current", one === row));
  // The list and the preview fill the window as soon as a message is open.
  if (wide.matches && !opened) document.querySelector(".split-review")?.scrollIntoView({ block: "start" });
  opened = true;
  if (row) row.scrollIntoView({ block: "nearest" });
}
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== pane && event.target !== pane) return;
  pane.scrollTop = 0;
  follow();
  const shown = pane.querySelector("[data-message]");
  if (shown && !rowOf(shown.dataset.message) && shown.dataset.listUrl) window.location.assign(shown.dataset.listUrl);
  keepFocus();
});

// What had the focus may be gone with the swap (a form that was saved, a button, a row): the current row takes it.
function keepFocus() {
  if (document.activeElement && document.activeElement !== document.body) return;
  (document.querySelector("tr.is-current a[data-open]") ?? pane).focus({ preventScroll: true });
}
follow();

// Dialogs repeat how many messages are meant, and ask the server how many the action would touch.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (!opener) return;
  const count = document.querySelector("[data-select-count]")?.textContent.trim() ?? "";
  document.querySelectorAll("[data-selected-here]").forEach((one) => (one.textContent = count));
  const asks = document.getElementById(opener.dataset.dialogOpen)?.querySelector("[data-affected]");
  if (asks) window.htmx?.trigger(asks, "count");
});

// A menu of actions is closed by choosing one: a download leaves the page as it is.
document.addEventListener("click", (event) => {
  const menu = event.target.closest(".menu-up .menu-item")?.closest("details");
  if (menu) menu.open = false;
});
