"use strict";
// One set of listeners for all that handlers write into the page.
(() => {
  const tell = ({ target }) => {
    const token = target.closest?.(".ambivox .token");
    if (token) token.parentElement.nextElementSibling.textContent = token.dataset.told;
  };
  for (const kind of ["mouseover", "focusin", "click"]) document.addEventListener(kind, tell);

  // One stop of the tab key for all tokens of an answer; the arrow keys go from one to the next.
  document.addEventListener("keydown", ({ key, target }) => {
    if (!target.matches?.(".ambivox .token")) return;
    ({ ArrowRight: target.nextElementSibling, ArrowLeft: target.previousElementSibling })[key]?.focus();
  });

  const follow = ({ target }) => {
    const track = target.closest?.(".ambivox.track");
    if (!track) return;
    const at = target.currentTime;
    const window_ = JSON.parse(track.dataset.windows).find(([from, to]) => from <= at && at < to);
    track.querySelector(".cursor").style.left = `${(100 * at) / track.dataset.length}%`;
    track.querySelector(".now").textContent = `at ${at.toFixed(1)} s: ${window_ ? window_[2] : "nothing was read here"}`;
  };
  // Media events do not bubble, but are captured.
  for (const kind of ["timeupdate", "seeked"]) document.addEventListener(kind, follow, true);

  document.addEventListener("click", (event) => {
    const strip = event.target.closest?.(".ambivox .strip");
    if (!strip) return;
    const box = strip.getBoundingClientRect();
    const track = strip.closest(".track");
    track.querySelector("audio").currentTime = ((event.clientX - box.left) / box.width) * track.dataset.length;
  });
})();
