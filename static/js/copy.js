// [data-copy="text"] or [data-copy-from="id of an element"]: copies and says so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copyFrom);
  const text = source ? (source.value ?? source.textContent.trim()) : button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https there is no clipboard API.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  const label = button.querySelector("[data-copy-label]");
  if (!label || button.dataset.copied) return;
  const before = label.textContent;
  button.dataset.copied = "1";
  label.textContent = button.dataset.copyDone;
  setTimeout(() => {
    label.textContent = before;
    delete button.dataset.copied;
  }, 2000);
});
