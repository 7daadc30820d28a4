// <div data-poll="/runs/7/progress" data-poll-seconds="2">: the answer replaces the element (it may stop polling by
// having no data-poll). Slow answers and failures stretch the pause up to 30 s; a hidden tab does not ask.
const LONGEST_SECONDS = 30;

export function enhancePolling(root) {
  const found = [...root.querySelectorAll("[data-poll]")];
  if (root instanceof Element && root.matches("[data-poll]")) found.push(root);
  found.forEach((element) => {
    if (element.dataset.polling) return;
    element.dataset.polling = "yes";
    const seconds = Number(element.dataset.pollSeconds || 2);
    wait(element, seconds, seconds);
  });
}

function wait(element, seconds, normal) {
  window.setTimeout(() => ask(element, seconds, normal), seconds * 1000);
}

async function ask(element, seconds, normal) {
  if (!element.isConnected) return;
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => ask(element, seconds, normal), { once: true });
    return;
  }
  const started = performance.now();
  try {
    const answer = await fetch(element.dataset.poll, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (answer.status === 401 || answer.redirected) return window.location.reload();
    if (answer.status === 204) return wait(element, normal, normal); // nothing new
    if (!answer.ok) throw new Error(String(answer.status));
    const took = (performance.now() - started) / 1000;
    replace(element, await answer.text(), Math.min(LONGEST_SECONDS, Math.max(normal, took * 4)));
  } catch {
    wait(element, Math.min(LONGEST_SECONDS, seconds * 2), normal);
  }
}

function replace(element, html, seconds) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.firstElementChild;
  if (!fresh) return wait(element, seconds, seconds);
  fresh.dataset.polling = "yes"; // keeps the stretched pause instead of starting a new one
  element.replaceWith(fresh);
  window.htmx?.process(fresh);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("htmx:afterSettle", { detail: { elt: fresh } }));
  if (fresh.dataset.poll) wait(fresh, seconds, Number(fresh.dataset.pollSeconds || 2));
}
