// Entry point. Every module enhances pages that already work without it; see docs/front-end.md for the attributes.
import { announce, toast, toastFromServer } from "./notices.js";
import { enhanceDialogs } from "./dialogs.js";
import { enhanceForms } from "./forms.js";
import { enhanceMenus } from "./menus.js";
import { enhancePolling } from "./polling.js";
import { enhanceSession } from "./session.js";
import { enhanceSelection, refreshSelections } from "./selection.js";
import { enhanceShortcuts } from "./shortcuts.js";
import { enhanceSplit } from "./split.js";

const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrf();
});

// A signed-out session answers 401 to a part of a page: load the whole page, the server shows the sign-in form.
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) window.location.reload();
  else toastFromServer(event.detail.xhr.responseText);
});
document.addEventListener("htmx:sendError", () => toast(document.body.dataset.textOffline, { tone: "danger" }));

// A control that replaces itself keeps the focus when the new one has the same id.
let focusedId = "";
document.addEventListener("htmx:beforeSwap", () => (focusedId = document.activeElement?.id ?? ""));
document.addEventListener("htmx:afterSettle", (event) => {
  if (focusedId && !document.activeElement?.id) document.getElementById(focusedId)?.focus({ preventScroll: true });
  enhance(event.detail.elt ?? document);
});

const within = (root, selector) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];

function enhance(root) {
  within(root, "[data-needs-js]").forEach((element) => (element.hidden = false));
  within(root, "[data-autofocus]")[0]?.focus();
  within(root, "[data-announce]").forEach((element) => announce(element.dataset.announce, element.dataset.announceKey));
  within(root, "[data-toast]").forEach((element) => {
    toast(element.dataset.toast, { tone: element.dataset.tone, undo: element.querySelector("form") });
    element.remove();
  });
  enhancePolling(root);
  enhanceForms(root);
  enhanceSplit(root);
  refreshSelections();
}

document.documentElement.classList.add("has-js");
enhanceDialogs();
enhanceMenus();
enhanceSelection();
enhanceShortcuts();
enhance(document);
enhanceSession();
