"use strict";
(() => {
  const root = document.documentElement;
  const isFramed = window.parent !== window;
  root.classList.toggle("framed", isFramed);

  // A frame may show a video on the full screen only if that was allowed before its page was loaded.
  const frame = isFramed && window.frameElement;
  if (frame && !frame.allowFullscreen) {
    frame.allowFullscreen = true;
    location.reload();
  }

  // Airflow keeps the colours that somebody chose under this name.
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const applyTheme = () => {
    let theme = null;
    try { theme = localStorage.getItem("theme"); } catch { /* The browser keeps nothing for this site. */ }
    root.dataset.theme = theme === "dark" || theme === "light" ? theme : system.matches ? "dark" : "light";
  };
  applyTheme();
  system.addEventListener("change", applyTheme);
  window.addEventListener("storage", applyTheme);

  const TIME = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    timeZoneName: "short" };

  const say = (text) => { document.querySelector(".spoken").textContent = text; };

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      // Without https, or inside a frame, there is only the old way.
      const area = document.createElement("textarea");
      area.value = button.dataset.copy;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };

  // Airflow's frame around a tab opens no windows and lets nobody leave it; its page does.
  const openOutside = (link) => {
    const outside = window.parent.document.createElement("a");
    Object.assign(outside, { href: link.href, target: link.target, rel: "noopener noreferrer" });
    if (link.hasAttribute("download")) outside.download = "";
    outside.click();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy");
    if (button) copy(button);
    const link = event.target.closest("a[target]");
    if (link && isFramed) {
      event.preventDefault();
      openOutside(link);
    }
  });

  const showFailure = (video) => {
    video.hidden = true;
    video.nextElementSibling.hidden = false;
  };

  const prepareCard = (card, cards) => {
    const video = card.querySelector("video");
    card.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = cards[cards.indexOf(card) + step];
      if (next) {
        event.preventDefault();
        next.querySelector("a").focus();
      }
    });
    if (!video) return;
    const play = () => video.play().catch(() => {});
    if (window.matchMedia("(prefers-reduced-motion: no-preference)").matches) {
      card.addEventListener("mouseenter", play);
      card.addEventListener("mouseleave", () => video.pause());
      card.querySelector("a").addEventListener("focus", play);
      card.querySelector("a").addEventListener("blur", () => video.pause());
    }
    new IntersectionObserver(([seen], observer) => {
      if (!seen.isIntersecting) return;
      video.preload = "metadata";
      observer.disconnect();
    }, { rootMargin: "200px" }).observe(video);
  };

  // Loading a page anew takes the focus away, and what is being read aloud: so only one that is not the same any more.
  let etag = null;
  const reloadIfChanged = async (before) => {
    const isPlaying = [...document.querySelectorAll("video")].some((video) => !video.paused);
    if (isPlaying || document.hidden) return;
    let text;
    try {
      const answer = await fetch(location.href, { headers: etag ? { "If-None-Match": etag } : {} });
      if (answer.status === 304) return;
      text = await answer.text();
      etag = answer.headers.get("ETag");
    } catch { return; /* Airflow may be starting anew. */ }
    // The rest has styles of another nonce. What vendors say is no markup, so the last one is the page's own.
    const source = text.slice(text.lastIndexOf("<main"), text.lastIndexOf("</main>"));
    const main = new DOMParser().parseFromString(source, "text/html").querySelector("main");
    if (main && main.innerHTML !== before) location.reload();
  };

  document.addEventListener("DOMContentLoaded", () => {
    const content = document.querySelector("main").innerHTML;
    for (const moment of document.querySelectorAll("time")) {
      moment.title = moment.textContent;
      moment.textContent = new Date(moment.dateTime).toLocaleString(undefined, TIME);
    }
    for (const video of document.querySelectorAll("video")) {
      if (video.error) showFailure(video);
      video.addEventListener("error", () => showFailure(video));
    }
    const cards = [...document.querySelectorAll(".card")];
    for (const card of cards) prepareCard(card, cards);

    etag = document.body.dataset.etag || null;
    const seconds = Number(document.body.dataset.reload);
    if (seconds) setInterval(reloadIfChanged, seconds * 1000, content);
  });
})();
