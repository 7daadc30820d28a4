// The polite live region and the toasts (short notices, with Undo where the server offers it).
const said = new Map();
const waiting = [];
let timer = 0;

/** Says a text to screen readers. With a key, a repeated text is said once. */
export function announce(text, key) {
  if (!text || (key && said.get(key) === text)) return;
  if (key) said.set(key, text);
  const region = document.getElementById("live");
  if (!region) return;
  waiting.push(text);
  window.clearTimeout(timer);
  timer = window.setTimeout(() => (region.textContent = waiting.splice(0).join(". ")), 100);
}

/** Shows a notice. `undo` is a <form> (POST, with its token) whose button becomes Undo; `tone` colours it. */
export function toast(text, { tone = "info", undo = null, seconds = 8 } = {}) {
  const list = document.getElementById("toasts");
  if (!list || !text) return;
  const words = document.body.dataset;
  const box = document.createElement("div");
  box.className = `toast-box toast-box-${tone}`;
  const label = document.createElement("p");
  label.textContent = text;
  box.append(label);
  if (undo) {
    const form = undo.cloneNode(true);
    form.hidden = false;
    if (!form.querySelector("button")) form.append(button("btn btn-sm", words.textUndo, "submit"));
    box.append(form);
  }
  const close = button("btn btn-icon", "×");
  close.setAttribute("aria-label", words.textClose);
  close.addEventListener("click", () => box.remove());
  box.append(close);
  const time = performance.now();
  earlier(list, time).forEach((one) => one.remove());
  box.dataset.shownAt = time;
  list.append(box);
  window.htmx?.process(box);
  announce(text);
  let life = window.setTimeout(() => box.remove(), seconds * 1000);
  const hold = () => window.clearTimeout(life);
  box.addEventListener("pointerenter", hold);
  box.addEventListener("focusin", hold);
  box.addEventListener("pointerleave", () => !undo && tone !== "danger" && (life = window.setTimeout(() => box.remove(), seconds * 1000)));
  if (undo || tone === "danger") hold(); // what can be acted on, or went wrong, stays until it is closed
}

// A new notice takes the place of those before it: an old Undo would mean something else. What went wrong stays.
const earlier = (list, time) => [...list.querySelectorAll(".toast-box:not(.toast-box-danger)")].filter((one) => time - one.dataset.shownAt > 400);

/** Shows the sentence of an error answer of the server (errors/_fragment.html), or a general one. */
export function toastFromServer(html) {
  const page = new DOMParser().parseFromString(html ?? "", "text/html");
  const text = page.querySelector("[data-error-text]")?.textContent.trim();
  toast(text || document.body.dataset.textFailed, { tone: "danger" });
}

function button(className, text, type = "button") {
  const element = document.createElement("button");
  element.type = type;
  element.className = className;
  element.textContent = text;
  return element;
}
