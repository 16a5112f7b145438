// Access to stores: one box ticks the page, and says how many stores are ticked.
(() => {
  const form = document.querySelector(".bindings-form");
  if (!form) return;
  const all = form.querySelector("[data-tick-all]");
  const boxes = [...form.querySelectorAll("input[name=store]")];
  const told = form.querySelector("[data-ticked-count]");

  function count() {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
    told.textContent = ticked === 1 ? told.dataset.one : ticked ? told.dataset.many + ticked : "";
  }

  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    count();
  });
  form.addEventListener("change", count);
  count();
})();
