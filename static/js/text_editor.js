// The editor of message texts: the preview follows while somebody types, through a form of its own into the frame.
const editor = document.querySelector("[data-text-editor]");

if (editor) {
  const button = editor.querySelector("[data-preview-part]");
  const form = document.createElement("form");
  form.method = "post";
  form.action = button.formAction;
  form.target = "preview";
  form.hidden = true;
  document.body.append(form);
  let part = "html";
  let waiting = 0;

  const preview = () => {
    form.replaceChildren();
    const values = new FormData(editor);
    values.set("part", part);
    for (const [name, value] of values) {
      const field = document.createElement("textarea");
      field.name = name;
      field.value = value;
      form.append(field);
    }
    form.submit();
  };

  editor.addEventListener("input", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(preview, 600);
  });
  document.querySelector("[data-preview-choice]")?.addEventListener("change", preview);
  editor.querySelectorAll("[data-preview-part]").forEach((one) =>
    one.addEventListener("click", (event) => {
      event.preventDefault();
      part = one.value;
      preview();
    }),
  );
}
