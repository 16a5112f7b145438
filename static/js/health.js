// The health board: asks for itself again while somebody looks, keeps what they are doing, and
// shows which stores have become worse since the page was opened.
(() => {
  const EVERY_MS = 15_000;
  const board = () => document.getElementById("health-board");
  if (!board()) return;

  const opened = Number(board().dataset.now);
  const toned = () => new Map([...board().querySelectorAll("tr[id]")].map((row) => [row.id, row.dataset.tone]));
  let asked = Date.now();
  let before = null; // how the rows were, while an answer to our own question is on its way

  function ask() {
    if (document.hidden || board().contains(document.querySelector("[data-sent]"))) return;
    asked = Date.now();
    before = toned();
    htmx.trigger(board(), "refresh");
  }

  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - asked > EVERY_MS) ask();
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const own = before && event.detail.requestConfig && event.detail.requestConfig.triggeringEvent;
    if (!own || own.type !== "refresh") {
      before = null; // a filter or another page: nothing on it has just changed
      return;
    }
    const worse = [...board().querySelectorAll("tr[data-tone=bad]")].filter(
      (row) => before.get(row.id) !== "bad" && (before.has(row.id) || Number(row.dataset.since) >= opened),
    );
    before = null;
    for (const row of worse) row.classList.add("is-new");
    const news = document.getElementById("health-news");
    if (worse.length) news.textContent = worse.length === 1 ? news.dataset.one : news.dataset.many + worse.length;
  });
})();
