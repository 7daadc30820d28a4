// Native <dialog>: data-dialog-open="id" opens, data-dialog-close closes; the focus goes back to the opener.
let opener = null;

export function openDialog(id, from = document.activeElement) {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement)) return false;
  opener = from;
  if (dialog.open) dialog.close();
  dialog.showModal();
  dialog.querySelector("[autofocus]")?.focus();
  return true;
}

export function enhanceDialogs() {
  document.addEventListener("click", (event) => {
    const open = event.target.closest("[data-dialog-open]");
    if (open && openDialog(open.dataset.dialogOpen, open)) event.preventDefault();
    const close = event.target.closest("[data-dialog-close]");
    if (close) close.closest("dialog")?.close();
    if (event.target instanceof HTMLDialogElement && event.target.open && !event.target.dataset.keep) {
      const box = event.target.getBoundingClientRect();
      const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (!inside && event.detail > 0) event.target.close();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target.matches?.("a[role=button]")) {
      event.preventDefault();
      event.target.click();
    }
  });
  document.addEventListener("close", (event) => {
    if (!(event.target instanceof HTMLDialogElement)) return;
    const menu = opener?.closest?.("details[data-menu]");
    (menu ? menu.querySelector("summary") : opener)?.focus?.();
    opener = null;
  }, true);
  // Rendered open by the server (works without JavaScript): make it modal.
  document.querySelectorAll("dialog[open]").forEach((dialog) => openDialog(dialog.id, null));
  // Content that htmx loads into a dialog opens it: <div id="…" data-dialog-open-after-swap> inside the dialog.
  document.addEventListener("htmx:afterSwap", (event) => {
    const dialog = event.target.closest?.("dialog");
    if (dialog && !dialog.open) openDialog(dialog.id);
  });
}
