// Filters that submit themselves, copy buttons, forms that are sent once, a warning before losing edits.
let typing = 0;

function submitSoon(form, wait) {
  window.clearTimeout(typing);
  typing = window.setTimeout(() => form.requestSubmit(), wait);
}

/** Per-element set-up, repeated after each swap. */
export function enhanceForms(root) {
  root.querySelectorAll("[data-autosubmit-button]").forEach((button) => (button.hidden = true));
  root.querySelectorAll("[data-show-password]").forEach((button) => (button.hidden = false));
}

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (event.target.dataset.autosubmit !== undefined || (form?.dataset.autosubmit !== undefined && event.target.type !== "search")) {
    submitSoon(form, 0);
  }
});
document.addEventListener("input", (event) => {
  const form = event.target.form;
  // Only where htmx swaps a part: reloading the whole page while somebody types would lose the caret.
  if (form?.dataset.autosubmit !== undefined && event.target.type === "search" && form.hasAttribute("hx-get")) submitSoon(form, 400);
});

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const source = copy.dataset.copy.startsWith("#") ? document.querySelector(copy.dataset.copy) : null;
    await navigator.clipboard.writeText(source ? (source.value ?? source.textContent.trim()) : copy.dataset.copy);
    const { toast } = await import("./notices.js");
    toast(document.body.dataset.textCopied, { tone: "success", seconds: 3 });
  }
  const eye = event.target.closest("[data-show-password]");
  if (eye) {
    const input = document.getElementById(eye.dataset.showPassword);
    input.type = input.type === "password" ? "text" : "password";
    eye.setAttribute("aria-pressed", String(input.type === "text"));
  }
});

// Two clicks are one submit; the server is idempotent as well. Released when the page comes back from history.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  window.setTimeout(() => delete form.dataset.sent, 5000);
  delete document.body.dataset.unsaved;
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// <form data-guard>: leaving with edits asks first.
document.addEventListener("input", (event) => {
  if (event.target.form?.dataset.guard !== undefined) document.body.dataset.unsaved = "yes";
});
window.addEventListener("beforeunload", (event) => {
  if (document.body.dataset.unsaved) event.preventDefault();
});
