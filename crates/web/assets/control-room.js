// Keeps the control room up to date and lets the keyboard judge. Every page works without it.
"use strict";

(() => {
  document.documentElement.classList.add("scripted");
  const room = document.getElementById("room");
  const list = document.getElementById("alert-list");
  const numbers = new Intl.NumberFormat("en-GB");

  // On a focused alert 1, 2 and 3 press its buttons and N goes to the next that waits.
  document.addEventListener("keydown", (event) => {
    const alert = event.target.closest?.("article.alert");
    if (!alert || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.key === "n" || event.key === "N") {
      const waiting = [...document.querySelectorAll("article.alert.waiting")];
      const after = waiting.find((other) => alert.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);
      focusOn(after ?? waiting[0]);
    } else {
      [...alert.querySelectorAll("button")].find((button) => button.getAttribute("aria-keyshortcuts") === event.key)?.click();
    }
  });

  if (location.hash.startsWith("#alert-")) focusOn(document.getElementById(location.hash.slice(1)));
  if (!room) return;

  // Pictures and counters stream only while somebody looks: a browser allows one server about six streams at once.
  const pictures = [...document.querySelectorAll("img.live-picture")];
  const motion = document.getElementById("motion");
  let moving = pictures.some((picture) => !picture.src.endsWith("/still.jpg"));
  if (moving && matchMedia("(prefers-reduced-motion: reduce)").matches) setMotion(false);
  motion?.addEventListener("click", (event) => {
    event.preventDefault();
    setMotion(!moving);
  });

  let events = null;
  let alerts = { waiting: shown("waiting"), total: shown("total") };
  let alertsKey = null;
  let refreshing = false;
  let refreshAgain = false;
  document.addEventListener("visibilitychange", watch);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", watch);
  watch();

  function watch() {
    if (document.hidden) {
      stop();
    } else if (!events) {
      if (moving) setMotion(true);
      events = new EventSource("/control-room/events");
      events.addEventListener("snapshot", (event) => show(JSON.parse(event.data)));
    }
  }

  function stop() {
    events?.close();
    events = null;
    if (moving) pictures.forEach((picture) => picture.removeAttribute("src"));
  }

  function setMotion(move) {
    moving = move;
    for (const picture of pictures) {
      const address = `/control-room/view/${picture.dataset.camera}${move ? "" : "/still.jpg"}`;
      if (picture.getAttribute("src") !== address) picture.src = address;
    }
    if (motion) motion.textContent = move ? "Hold the picture" : "Let the picture move";
  }

  function show(snapshot) {
    if (snapshot.stage !== room.dataset.stage || snapshot.state !== room.dataset.state) {
      stop();
      location.reload();
      return;
    }
    for (const [key, count] of Object.entries(snapshot.counts)) {
      const place = room.querySelector(`[data-count="${key}"]`);
      if (place) place.textContent = numbers.format(count);
    }
    snapshot.cameras.forEach((camera, index) => {
      const place = room.querySelector(`[data-health="${index}"]`);
      if (!place) return;
      if (place.textContent !== camera.words) place.textContent = camera.words;
      place.classList.toggle("ailing", camera.ailing);
    });
    const now = snapshot.alerts;
    const key = JSON.stringify(now);
    const known = alertsKey ?? (now.waiting === alerts.waiting && now.total === alerts.total ? key : null);
    if (key !== known) refresh();
    if (now.total > alerts.total) announce(now.waiting);
    document.title = document.title.replace(/^(\(\d+\) )?/, now.waiting ? `(${now.waiting}) ` : "");
    alerts = now;
    alertsKey = key;
  }

  function announce(waiting) {
    const sentence = waiting === 1 ? "1 alert waits for a judgement." : `${waiting} alerts wait for a judgement.`;
    document.getElementById("announcement").textContent = `New alert. ${sentence}`;
  }

  async function refresh() {
    if (refreshing) {
      refreshAgain = true;
      return;
    }
    refreshing = true;
    do {
      refreshAgain = false;
      try {
        const answer = await fetch(`/control-room/alerts?page=${room.dataset.page}`);
        if (answer.ok) merge(new DOMParser().parseFromString(await answer.text(), "text/html"));
      } catch {
        // The server is gone or restarting; the next event asks again.
        alertsKey = null;
      }
    } while (refreshAgain);
    refreshing = false;
  }

  // Cards that did not change stay the very same, so that their pictures are not opened (and the opening recorded) anew,
  // and neither focus nor the place on the screen is lost.
  function merge(fresh) {
    const active = list.contains(document.activeElement) ? document.activeElement : null;
    const anchor = active?.closest("article.alert") ?? firstVisible();
    const top = anchor?.getBoundingClientRect().top;
    const parts = [...fresh.body.children].map((part) => {
      const old = part.id && document.getElementById(part.id);
      return old && old.dataset.state === part.dataset.state ? old : document.adoptNode(part);
    });
    list.replaceChildren(...parts);
    const place = anchor && document.getElementById(anchor.id);
    if (place) scrollBy(0, place.getBoundingClientRect().top - top);
    if (active) (active.isConnected ? active : place)?.focus({ preventScroll: true });
  }

  function firstVisible() {
    const cards = [...list.querySelectorAll("article.alert")];
    const first = cards.find((card) => card.getBoundingClientRect().bottom > 0);
    return first === cards[0] && first?.getBoundingClientRect().top > 0 ? null : first;
  }

  function shown(what) {
    return Number(list.querySelector(".standing").dataset[what]);
  }

  function focusOn(alert) {
    alert?.focus({ preventScroll: true });
    alert?.scrollIntoView({ block: "nearest" });
  }
})();
