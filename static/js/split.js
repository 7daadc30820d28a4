// The split review page: <div class="split" data-split="review"> with a <div class="split-handle" role="separator">.
// The width is kept per browser; arrow keys move the handle, so dragging is never needed.
const KEY = "crm-mail-split-";

export function enhanceSplit(root) {
  root.querySelectorAll("[data-split]").forEach((split) => {
    const handle = split.querySelector(".split-handle");
    if (!handle || handle.dataset.ready) return;
    handle.dataset.ready = "yes";
    const set = (percent) => {
      const value = Math.round(Math.min(75, Math.max(30, percent)));
      split.style.setProperty("--split", `${value}%`);
      handle.setAttribute("aria-valuenow", String(value));
      try { localStorage.setItem(KEY + split.dataset.split, String(value)); } catch { /* private windows */ }
    };
    let kept = null;
    try { kept = localStorage.getItem(KEY + split.dataset.split); } catch { /* private windows */ }
    if (kept) set(Number(kept));
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      const box = split.getBoundingClientRect();
      const drag = (moved) => set(((moved.clientX - box.left) / box.width) * 100);
      handle.addEventListener("pointermove", drag);
      handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", drag), { once: true });
    });
    handle.addEventListener("keydown", (event) => {
      const now = Number(handle.getAttribute("aria-valuenow") || 55);
      if (event.key === "ArrowLeft") set(now - 5);
      else if (event.key === "ArrowRight") set(now + 5);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  });
}
