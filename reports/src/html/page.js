"use strict";
// What moves on the page: tooltips, switches, the time cursor, sorting. Without it definitions, and the charts and tables
// of a page on one trace, are still there.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const tip = document.getElementById("tip");

  // ---- tooltips: on hover, focus and tap; Escape hides them ----

  const tipText = (element) => element.dataset.tip ?? document.getElementById("def-" + element.dataset.def)?.textContent ?? "";
  const target = (event) => event.target.closest?.("[data-tip], [data-def]");

  function place(x, y) {
    const box = tip.getBoundingClientRect();
    const left = x + 14 + box.width > innerWidth - 8 ? x - box.width - 14 : x + 14;
    const top = y + 18 + box.height > innerHeight - 8 ? y - box.height - 12 : y + 18;
    tip.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
  }
  let focused = null;
  function show(content, x, y) {
    tip.replaceChildren(...content);
    tip.hidden = false;
    focused = null;
    place(x, y);
  }
  function beside(element) {
    const box = element.getBoundingClientRect();
    show([tipText(element)], box.left, box.bottom - 10);
    focused = element;
  }
  const hide = () => { tip.hidden = true; focused = null; };

  document.addEventListener("pointermove", (event) => {
    const content = [];
    const marked = target(event);
    if (marked) content.push(tipText(marked));
    const reading = pointCursor(event);
    if (reading) content.push(reading);
    if (content.length && content[0] !== "") show(content, event.clientX, event.clientY);
    else if (event.pointerType === "mouse" && !focused) hide();
  });
  document.addEventListener("pointerdown", (event) => {
    const marked = target(event);
    if (event.pointerType === "mouse") return;
    if (marked) show([tipText(marked)], event.clientX, event.clientY);
    else hide();
  });
  document.addEventListener("focusin", (event) => {
    const marked = target(event);
    if (!marked || !event.target.matches(":focus-visible")) return;
    beside(marked);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  // Focus itself may scroll the page.
  document.addEventListener("scroll", () => focused ? beside(focused) : hide(), { passive: true, capture: true });
  // For screen readers: a control points to its definition.
  function describe(root) {
    for (const element of all("[data-def]", root)) {
      if (document.getElementById("def-" + element.dataset.def)) element.setAttribute("aria-describedby", "def-" + element.dataset.def);
    }
  }
  describe(document);

  // ---- switches: which contenders are shown, in all charts and tables ----

  const hidden = new Set();
  const rules = document.head.appendChild(document.createElement("style"));
  const toggles = all("[data-toggle]");
  const showAll = document.getElementById("show-all");
  function applyHidden() {
    rules.textContent = [...hidden].map((name) => `[data-contender="${CSS.escape(name)}"]{display:none!important}`).join("\n");
    for (const button of toggles) button.setAttribute("aria-pressed", String(!hidden.has(button.dataset.toggle)));
    showAll.hidden = hidden.size === 0;
  }
  for (const button of toggles) {
    button.addEventListener("click", () => {
      const name = button.dataset.toggle;
      if (!hidden.delete(name)) hidden.add(name);
      applyHidden();
    });
  }
  showAll?.addEventListener("click", () => { hidden.clear(); applyHidden(); toggles[0]?.focus(); });

  // ---- the time cursor: one event, in all charts of a trace over events ----

  const traces = new Map();
  function traceOf(section) {
    if (traces.has(section)) return traces.get(section);
    const source = section.querySelector("script.timeline");
    const timeline = source ? JSON.parse(source.textContent) : null;
    if (timeline) {
      timeline.events = [];
      let event = 0;
      for (const [step, count] of timeline.steps) for (let index = 0; index < count; index++) timeline.events.push(event += step);
    }
    const plots = all('[data-axis="events"]', section).map((group) => {
      const { x0, x1, y0, y1, from, to, scale } = group.dataset;
      return { svg: group.ownerSVGElement, x0: +x0, x1: +x1, y0: +y0, y1: +y1, from: +from, to: +to, log: scale === "log", line: null };
    });
    const found = { section, timeline, plots, slider: section.querySelector('input[type="range"]'), output: section.querySelector("output") };
    traces.set(section, found);
    return found;
  }
  const shareOf = (plot, event) => plot.log ? Math.log(event / plot.from) / Math.log(plot.to / plot.from) : (event - plot.from) / (plot.to - plot.from);
  const eventAt = (plot, share) => plot.log ? plot.from * (plot.to / plot.from) ** share : plot.from + share * (plot.to - plot.from);

  function moveCursor(trace, event) {
    for (const plot of trace.plots) {
      if (!plot.line) {
        plot.line = document.createElementNS("http://www.w3.org/2000/svg", "line");
        plot.line.setAttribute("class", "cursor");
        plot.line.setAttribute("y1", plot.y0);
        plot.line.setAttribute("y2", plot.y1);
        plot.svg.append(plot.line);
      }
      const x = plot.x0 + Math.min(1, Math.max(0, shareOf(plot, event))) * (plot.x1 - plot.x0);
      plot.line.setAttribute("x1", x);
      plot.line.setAttribute("x2", x);
    }
  }
  const bytes = (count) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (count >= 1024 && unit < 4) { count /= 1024; unit++; }
    return (count >= 100 || Number.isInteger(count) ? Math.round(count).toLocaleString("en") : count.toPrecision(3)) + " " + units[unit];
  };
  // The bytes live and committed at an event, largest first.
  function reading(timeline, event) {
    let index = timeline.events.findIndex((end) => end >= event);
    if (index < 0) index = timeline.events.length - 1;
    const rows = timeline.committed.filter(([name]) => !hidden.has(name)).map(([name, changes]) => {
      let units = 0;
      for (let at = 0; at < changes.length && changes[at] <= index; at += 2) units = changes[at + 1];
      return [name, units * timeline.unit];
    });
    rows.sort((one, other) => other[1] - one[1]);
    rows.push(["live", timeline.live[index] * timeline.unit]);
    return { index, rows };
  }
  function element(name, text, parent) {
    const made = document.createElement(name);
    made.textContent = text;
    parent?.append(made);
    return made;
  }
  // Moves the cursor to the pointer where it is over a plot of events; returns the figures there, if there are any.
  function pointCursor(event) {
    const svg = event.target.closest?.(".chart svg");
    const section = svg?.closest(".trace");
    if (!section) return null;
    const trace = traceOf(section);
    const box = svg.getBoundingClientRect();
    const view = svg.viewBox.baseVal;
    const x = (event.clientX - box.left) / box.width * view.width;
    const y = (event.clientY - box.top) / box.height * view.height;
    const over = trace.plots.find((plot) => plot.svg === svg && x >= plot.x0 && x <= plot.x1 && y >= Math.min(plot.y0, plot.y1) && y <= Math.max(plot.y0, plot.y1));
    if (!over) return null;
    const at = Math.round(eventAt(over, (x - over.x0) / (over.x1 - over.x0)));
    moveCursor(trace, at);
    if (!trace.timeline) return null;
    const { index, rows } = reading(trace.timeline, at);
    trace.slider.value = index;
    const table = document.createElement("table");
    element("caption", "event " + at.toLocaleString("en") + ", committed", table);
    for (const [name, count] of rows) {
      const row = element("tr", "", table);
      element("th", name, row);
      element("td", bytes(count), row);
    }
    return table;
  }
  document.addEventListener("input", (event) => {
    const section = event.target.closest?.(".trace");
    if (!section || event.target.type !== "range") return;
    const trace = traceOf(section);
    const at = trace.timeline.events[event.target.value];
    moveCursor(trace, at);
    const { rows } = reading(trace.timeline, at);
    const said = rows.flatMap(([name, count], place) => [(place ? ", " : ": ") + name + " ", element("b", bytes(count))]);
    trace.output.replaceChildren("event " + at.toLocaleString("en"), ...said);
  });

  // ---- sorting: rows without a figure come last in either direction ----

  document.addEventListener("click", (event) => {
    const heading = event.target.closest?.(".sortable thead button")?.parentElement;
    if (!heading) return;
    const table = heading.closest("table");
    const column = [...heading.parentElement.children].indexOf(heading);
    const ascending = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of all("thead th", table)) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const text = "text" in event.target.closest("button").dataset;
    const key = (row) => text ? row.children[column].textContent : row.children[column].dataset.v;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [key(row), row]);
    const known = rows.filter(([value]) => value !== undefined && value !== "");
    const unknown = rows.filter(([value]) => value === undefined || value === "");
    known.sort(([one], [other]) => text ? one.localeCompare(other, "en", { numeric: true }) : one - other);
    if (!ascending) known.reverse();
    body.append(...known.concat(unknown).map(([, row]) => row));
  });

  // ---- folded traces and parts, and their packed charts and tables ----

  const folded = () => all("#traces details");
  const packed = all("script.packed").map((script) => ({ script, html: null, unpacked: null }));
  function unpack(part) {
    part.unpacked ??= (async () => {
      try {
        const bytes = Uint8Array.from(atob(part.script.textContent), (letter) => letter.charCodeAt(0));
        part.html = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
      } catch (error) {
        part.html = "<p>This browser cannot unpack charts and tables. Browsers since 2023 can.</p>";
      }
    })();
    return part.unpacked;
  }
  function insert(part) {
    if (part.html === null || !part.script) return;
    const place = part.script.parentElement;
    part.script.outerHTML = part.html;
    part.script = null;
    describe(place);
  }
  for (const part of packed) {
    part.script.closest("details").addEventListener("toggle", async ({ target }) => {
      if (!target.open) return;
      await unpack(part);
      insert(part);
    });
  }
  // All are unpacked when the browser is idle, so that opening does not wait.
  const later = globalThis.requestIdleCallback ?? ((work) => setTimeout(work, 200));
  function unpackNext() {
    const next = packed.find((part) => !part.unpacked);
    if (next) unpack(next).then(() => later(unpackNext));
  }
  addEventListener("load", () => later(unpackNext));

  function openTarget() {
    const place = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!place) return;
    for (let at = place.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
    place.scrollIntoView();
  }
  addEventListener("hashchange", openTarget);
  openTarget();
  const openAll = document.getElementById("open-all");
  openAll?.addEventListener("click", () => {
    const open = folded().some((trace) => !trace.open);
    for (const trace of folded()) trace.open = open;
    openAll.textContent = open ? "Close all" : "Open all";
  });
  // What is open is printed, its charts too.
  addEventListener("beforeprint", () => packed.filter((part) => part.script?.closest("details").open).forEach(insert));
})();
