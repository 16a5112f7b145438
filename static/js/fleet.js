// The fleet: counts again every half minute, while somebody looks.
(() => {
  const EVERY_MS = 30_000;
  const boards = () => document.querySelector("[data-fleet]");
  if (!boards()) return;
  let asked = Date.now();

  async function ask() {
    if (document.hidden) return;
    asked = Date.now();
    try {
      // Who has been signed out is sent to another page: the old numbers stay, with their time.
      const answer = await fetch(location.href, { redirect: "manual" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-fleet]");
      if (!fresh) return;
      const links = () => [...boards().querySelectorAll("a")];
      const focused = links().indexOf(document.activeElement);
      boards().replaceWith(fresh);
      if (focused >= 0) links()[focused]?.focus({ preventScroll: true });
    } catch {
      // No network: the next time.
    }
  }

  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - asked > EVERY_MS) ask();
  });
})();
