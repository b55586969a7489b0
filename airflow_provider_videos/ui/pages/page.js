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

  const NOTHING_SENT = {
    401: "You are logged out. Nothing was sent: log in, and reload this page.",
    403: "Airflow does not let you answer this request.",
    404: "This request is not there any more. Nothing was sent.",
  };
  const valueOf = (param) => (param && typeof param === "object" ? param.value : param);

  const showPart = (box, name, text) => {
    for (const part of [".choices", ".again", ".told"]) box.querySelector(part).hidden = part !== name;
    box.classList.toggle("answered", name === ".told");
    if (!text) return;
    box.querySelector(name === ".again" ? ".again p" : ".told").textContent = text;
    say(text);
  };

  // Whatever led here, one more step is asked for.
  const ask = (box, option, title) => {
    const before = document.activeElement;
    showPart(box, ".again", `${option} “${title}”?`);
    const [yes, no] = ["yes", "no"].map((name) => box.querySelector(`[data-${name}]`));
    yes.textContent = `Yes, ${option.toLowerCase()}`;
    yes.onclick = () => answer(box, option);
    // A key that is held down says yes to nothing.
    yes.onkeydown = (event) => { if (event.repeat) event.preventDefault(); };
    no.onclick = () => {
      showPart(box, ".choices");
      before.focus();
    };
    yes.focus();
  };

  // The answer goes to Airflow's own API, by PATCH and as JSON: no other site can make a browser send that.
  const answer = async (box, option) => {
    showPart(box, ".told", "Sending…");
    // The buttons are gone; the keyboard goes on from the tile.
    (box.closest(".card")?.querySelector("a") || box.querySelector(".told")).focus();
    const { url, video } = box.dataset;
    const common = { mode: "same-origin", redirect: "error", cache: "no-store" };
    let response;
    try {
      response = await fetch(url, { ...common, headers: { Accept: "application/json" } });
      if (!response.ok) throw response;
      const request = await response.json();
      if (request.response_received) {
        const by = request.responded_by_user ? ` by ${request.responded_by_user.name}` : "";
        return showPart(box, ".told", `This was answered before${by}: ${request.chosen_options.join(", ")}. Nothing was sent.`);
      }
      if (valueOf(request.params.video_id) !== video) {
        return showPart(box, ".told", "This request is about another video by now. Nothing was sent: reload this page.");
      }
    } catch {
      const text = response && NOTHING_SENT[response.status];
      return showPart(box, ".told", text || "Airflow does not answer. Nothing was sent: reload this page.");
    }
    const params = { video_id: video };
    for (const field of box.querySelectorAll("textarea")) params[field.name] = field.value;
    let accepted = null;
    try {
      response = await fetch(url, {
        ...common,
        method: "PATCH",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ chosen_options: [option], params_input: params }),
      });
      // A proxy's own 200 is no answer of Airflow's.
      if (response.ok) accepted = (await response.json()).chosen_options;
    } catch { response = { status: 0 }; }
    const unclear = "It is not known whether Airflow accepted the answer: reload this page.";
    showPart(box, ".told", {
      ...NOTHING_SENT,
      200: String(accepted) === option ? { Approve: "Approved.", Reject: "Rejected." }[option] : unclear,
      400: "Airflow refused the answer.",
      409: "Somebody else answered before.",
      422: "Airflow refused the answer.",
    }[response.status] || unclear);
  };

  const prepareAnswer = (box) => {
    const card = box.closest(".card");
    const title = (card ? card.querySelector("a > span") : document.querySelector("h1")).textContent.trim();
    for (const button of box.querySelectorAll("[data-option]")) {
      button.addEventListener("click", () => ask(box, button.dataset.option, title));
    }
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !box.querySelector(".again").hidden) box.querySelector("[data-no]").click();
    });
    if (!card) return;
    const link = card.querySelector("a");
    link.setAttribute("aria-keyshortcuts", "a r");
    link.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.repeat || event.isComposing) return;
      const option = { a: "Approve", r: "Reject" }[event.key];
      if (option && !box.querySelector(".choices").hidden) {
        event.preventDefault();
        ask(box, option, title);
      }
    });
  };

  // Somebody writes a comment, or is about to say yes.
  const isAnswering = () => [...document.querySelectorAll(".answer[data-url]")].some((box) =>
    box.querySelector(".told").hidden && (box.contains(document.activeElement) || !box.querySelector(".again").hidden
    || [...box.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue)));

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
    if (isPlaying || isAnswering() || document.hidden) return;
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
    for (const box of document.querySelectorAll(".answer[data-url]")) prepareAnswer(box);

    etag = document.body.dataset.etag || null;
    const seconds = Number(document.body.dataset.reload);
    if (seconds) setInterval(reloadIfChanged, seconds * 1000, content);
  });
})();
