// The linking wizard: secrets can be looked at, buttons say that they wait, names are filled in.
(() => {
  // [data-reveal] on a password field: a button that shows what was pasted.
  const icon = (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    const known = document.querySelector("svg.icon use");
    const file = known ? known.getAttribute("href").split("#")[0] : "";
    use.setAttribute("href", `${file}#${name}`);
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    svg.append(use);
    return svg;
  };
  for (const field of document.querySelectorAll("input[data-reveal]")) {
    const box = document.createElement("span");
    box.className = "reveal";
    field.replaceWith(box);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-quiet btn-icon";
    button.title = field.dataset.reveal;
    button.setAttribute("aria-label", button.title);
    button.setAttribute("aria-pressed", "false");
    button.append(icon("eye"));
    button.addEventListener("click", () => {
      const shown = field.type === "password";
      field.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
    });
    box.append(field, button);
  }

  // [data-busy="words"] on a submit button: says that the platform is being asked.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.defaultPrevented || !button || !button.dataset.busy) return;
    button.dataset.words = button.innerHTML;
    button.textContent = button.dataset.busy;
    button.classList.add("is-busy");
  });
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("[data-words]")) {
      button.innerHTML = button.dataset.words;
      button.classList.remove("is-busy");
      delete button.dataset.words;
    }
  });

  // [data-fill="id of a field"]: put the button's value there instead of sending the form.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    const field = button && document.getElementById(button.dataset.fill);
    if (!field) return;
    event.preventDefault();
    field.value = button.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
})();
