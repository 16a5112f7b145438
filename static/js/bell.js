// The bell: asks every half minute, while somebody looks, how many notices are unread.
(() => {
  const EVERY_MS = 30_000;
  const bells = () => document.querySelectorAll("[data-bell]");
  if (!bells().length) return;
  let asked = Date.now();

  async function ask() {
    if (document.hidden) return;
    asked = Date.now();
    try {
      // Who has been signed out is sent to another page: nothing for the bell.
      const answer = await fetch(bells()[0].dataset.bell, { redirect: "manual", headers: { "HX-Request": "true" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-bell]");
      if (!fresh) return;
      for (const old of bells()) {
        if (old.outerHTML !== fresh.outerHTML) {
          old.setAttribute("aria-label", fresh.getAttribute("aria-label"));
          old.title = fresh.title;
          old.innerHTML = fresh.innerHTML; // the link stays, and so does the focus
        }
      }
    } catch {
      // No network: the next time.
    }
  }

  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - asked > EVERY_MS) ask();
  });
})();
