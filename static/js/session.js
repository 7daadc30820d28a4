// The end of a session: a warning before it, and what was typed kept in this tab and offered again after the sign-in.
// Never kept: passwords and forms that ask for one, codes, files, hidden fields. Ends with the tab (sessionStorage).
import { openDialog } from "./dialogs.js";

const STORE = "crm-mail-kept";
const ALIVE = "crm-mail-alive";
const KEPT_FOR = 12 * 3600 * 1000;
const here = () => location.pathname + location.search;
const body = document.body;

const read = () => {
  try {
    return JSON.parse(sessionStorage.getItem(STORE));
  } catch {
    return null;
  }
};
const write = (kept) => {
  try {
    if (kept) sessionStorage.setItem(STORE, JSON.stringify(kept));
    else sessionStorage.removeItem(STORE);
  } catch {
    /* a full or forbidden store: the page works without it */
  }
};

const posted = () => [...document.querySelectorAll("form")].filter((form) => form.getAttribute("method")?.toLowerCase() === "post");
const isPrivate = (form) => form.dataset.keep === "no" || form.querySelector('input[type="password"], [autocomplete="one-time-code"]');
const fields = (form) => [...form.elements].filter((one) => one.name && one.matches("input, select, textarea") && !["hidden", "file", "submit", "button", "image", "reset"].includes(one.type));
const valueOf = (one) => (one.matches('[type="checkbox"], [type="radio"]') ? one.checked : one.multiple ? [...one.selectedOptions].map((option) => option.value) : one.value);
const isChanged = (one) => {
  if (one.matches('[type="checkbox"], [type="radio"]')) return one.checked !== one.defaultChecked;
  if (one.matches("select")) return [...one.options].some((option) => option.selected !== option.defaultSelected) && one.selectedIndex > 0;
  return one.value !== one.defaultValue;
};

/** Keep what was typed into these forms; `state` is "sent" until the sign-in page shows that it was not taken. */
function keep(forms, state) {
  const all = posted();
  const kept = forms
    .filter((form) => !isPrivate(form) && fields(form).some(isChanged))
    .map((form) => ({ at: all.indexOf(form), action: form.getAttribute("action") ?? "", values: fields(form).map((one) => [one.name, one.type, one.value, valueOf(one)]) }));
  if (kept.length) write({ path: here(), user: body.dataset.sessionUser ?? "", when: Date.now(), state, forms: kept });
}

function putBack(kept) {
  const all = posted();
  for (const { at, action, values } of kept.forms) {
    const form = all[at]?.getAttribute("action") === (action || null) || (all[at] && action === "") ? all[at] : all.find((one) => one.getAttribute("action") === action);
    if (!form) continue;
    const left = fields(form);
    for (const [name, type, own, value] of values) {
      const isTick = type === "checkbox" || type === "radio";
      const index = left.findIndex((one) => one.name === name && one.type === type && (!isTick || one.value === own));
      if (index < 0) continue;
      const [one] = left.splice(index, 1);
      if (isTick) one.checked = value;
      else if (one.multiple) [...one.options].forEach((option) => (option.selected = value.includes(option.value)));
      else one.value = value;
      one.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
}

function offer() {
  const kept = read();
  if (!kept) return;
  const isOver = Date.now() - kept.when > KEPT_FOR || kept.user !== (body.dataset.sessionUser ?? "");
  if (kept.state !== "kept" || isOver) return write(null); // it was taken, or it is somebody else's
  const box = document.getElementById("kept-form");
  if (kept.path !== here() || !box) return;
  box.hidden = false;
  box.querySelector("[data-kept-back]").addEventListener("click", () => {
    putBack(kept);
    write(null);
    box.hidden = true;
  });
  box.querySelector("[data-kept-drop]").addEventListener("click", () => {
    write(null);
    box.hidden = true;
  });
}

/** The sign-in page: what was just sent was not taken; after the sign-in the same page comes again. */
function atSignIn(form) {
  const kept = read();
  if (!kept || Date.now() - kept.when > KEPT_FOR) return;
  write({ ...kept, state: "kept" });
  const address = new URL(form.getAttribute("action") || location.href, location.href);
  if (!address.searchParams.get("next")) {
    address.searchParams.set("next", kept.path);
    form.setAttribute("action", address.pathname + address.search);
  }
  document.querySelectorAll("[data-kept-note]").forEach((note) => (note.hidden = false));
}

let last = Date.now();
let isEnded = false;

function alive() {
  last = Date.now();
  try {
    localStorage.setItem(ALIVE, String(last));
  } catch {
    /* other tabs are then not told */
  }
}

function end(dialog) {
  if (isEnded) return;
  isEnded = true;
  keep(posted(), "kept");
  delete body.dataset.unsaved;
  dialog.querySelectorAll("[data-session-before]").forEach((one) => (one.hidden = true));
  dialog.querySelectorAll("[data-session-after]").forEach((one) => (one.hidden = false));
  dialog.querySelector("a[data-session-after]").href = `/login?next=${encodeURIComponent(here())}`;
  if (!dialog.open) openDialog(dialog.id);
}

async function stay(dialog) {
  const headers = { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]')?.content ?? "", Accept: "application/json" };
  const answer = await fetch(body.dataset.sessionStay, { method: "POST", headers }).catch(() => null);
  if (answer?.ok) {
    alive();
    dialog.close();
  } else if (answer) end(dialog);
}

function watch(dialog, seconds) {
  const lasts = (seconds > 180 ? seconds - 60 : seconds * 0.8) * 1000; // the server notes a request within a minute
  const warned = Math.min(120_000, lasts / 4);
  const look = () => {
    const left = last + lasts - Date.now();
    if (left <= 0) end(dialog);
    else if (left <= warned && !dialog.open && !document.querySelector("dialog[open]")) openDialog(dialog.id);
  };
  alive();
  window.setInterval(look, Math.min(5000, lasts / 20));
  document.addEventListener("visibilitychange", look);
  document.addEventListener("htmx:afterRequest", (event) => event.detail.successful && alive());
  window.addEventListener("storage", (event) => {
    if (event.key !== ALIVE || isEnded) return;
    last = Math.max(last, Number(event.newValue) || 0);
    dialog.close();
  });
  dialog.querySelector("[data-session-stay]").addEventListener("click", () => stay(dialog));
}

export function enhanceSession() {
  const signIn = document.querySelector("form[data-sign-in]");
  if (signIn) return atSignIn(signIn);
  const dialog = document.getElementById("session-end");
  if (!dialog || !body.dataset.sessionSeconds) return;
  offer();
  document.addEventListener("submit", (event) => keep([event.target], "sent"), true);
  watch(dialog, Number(body.dataset.sessionSeconds));
}
