// Line numbers beside a code field; without JavaScript the field alone is there.
document.querySelectorAll("[data-code-field]").forEach((box) => {
  const numbers = box.querySelector("pre");
  const field = box.querySelector("textarea");
  let shown = 0;

  const count = () => {
    const lines = field.value.split("\n").length;
    if (lines !== shown) {
      numbers.textContent = Array.from({ length: lines }, (_, place) => place + 1).join("\n");
      shown = lines;
    }
    numbers.scrollTop = field.scrollTop;
  };

  const follow = new ResizeObserver(() => {
    numbers.style.height = `${field.offsetHeight}px`;
    count();
  });
  field.addEventListener("input", count);
  field.addEventListener("scroll", count);
  follow.observe(field);
  count();
});
