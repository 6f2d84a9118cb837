// What must hold of a report in a browser: `node check.mjs CHROMIUM FOLDER [SCREENSHOTS]`; FOLDER has one.html, library.html and hostile.html.
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, folder, screenshots] = process.argv.slice(2);
const MOST_BYTES = 3_000_000;
const MOST_MS = 3_000; // The aim is 1,000; a busy machine must not fail the gate.
const LEAST_CONTRAST = 4.5;
const LEAST_CHART_TEXT_PX = 11;
const MOST_PAGES = 10;

const failures = [];
const check = (holds, message) => {
  if (!holds) {
    failures.push(message);
    console.log(`FAILED: ${message}`);
  }
};

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** Opens a report; what it loads and what it complains of are failures. */
async function open(name, options = {}) {
  // Without motion, what is pointed at stays where it was found.
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const label = `${name} at ${options.viewport?.width ?? 1440}${options.colorScheme ? `, ${options.colorScheme}` : ""}`;
  const url = pathToFileURL(join(folder, name)).href;
  page.on("console", (message) => check(!["error", "warning"].includes(message.type()), `${label}: console: ${message.text()}`));
  page.on("pageerror", (error) => check(false, `${label}: ${error}`));
  page.on("request", (request) => check(request.url() === url || request.url() === "data:,", `${label}: it asks for ${request.url()}`));
  await page.goto(url, { waitUntil: "load" });
  return { page, label, close: () => context.close() };
}

const shoot = async (page, name, fullPage = true) => {
  if (!screenshots) return;
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage });
};

/** What to ship, and what fails or grows, are visible without scrolling; the rest of the page is closed. */
async function startsWithTheDecision({ page, label }) {
  const found = await page.evaluate(() => ({
    bottom: Math.max(...[...document.querySelectorAll(".ship [data-situation]")].slice(0, 4).map((card) => card.getBoundingClientRect().bottom)),
    cards: document.querySelectorAll(".ship [data-situation]").length,
    open: document.querySelectorAll("details[open]").length,
    height: innerHeight,
  }));
  check(found.cards >= 4 && found.bottom <= found.height, `${label}: what to ship ends at ${found.bottom} px of ${found.height}`);
  check(found.open === 0, `${label}: ${found.open} parts are open`);
}

const openParts = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((part) => { part.open = true; }));

/** Texts of charts are as large as other small print. */
async function chartsAreLegible({ page, label }) {
  const least = await page.evaluate(() => Math.min(...[...document.querySelectorAll(".chart svg text")].filter((text) => text.getBoundingClientRect().width > 0).map((text) => {
    const svg = text.ownerSVGElement;
    return parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  })));
  console.log(`${label}: the smallest text of a chart has ${least.toFixed(1)} px`);
  check(least >= LEAST_CHART_TEXT_PX, `${label}: a chart has text of ${least} px`);
}

/** On paper, a page is a summary. */
async function printsShort({ page, label }, path) {
  const pdf = await page.pdf({ path, format: "A4", margin: { top: "12mm", bottom: "12mm", left: "12mm", right: "12mm" }, printBackground: true });
  const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
  console.log(`${label}: ${pages} pages on paper`);
  check(pages > 0 && pages <= MOST_PAGES, `${label}: ${pages} pages on paper`);
}

async function nothingOverflows({ page, label }) {
  const width = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  check(width[0] <= width[1], `${label}: ${width[0]} px of content in ${width[1]} px`);
}

async function timeToShow({ page, label }) {
  const times = await page.evaluate(async () => {
    const paint = await new Promise((resolve) => {
      new PerformanceObserver((list) => list.getEntriesByName("first-contentful-paint").forEach((entry) => resolve(entry.startTime))).observe({ type: "paint", buffered: true });
      setTimeout(() => resolve(Infinity), 10_000);
    });
    return [paint, performance.getEntriesByType("navigation")[0].loadEventEnd];
  });
  console.log(`${label}: first paint after ${Math.round(times[0])} ms, loaded after ${Math.round(times[1])} ms`);
  check(Math.max(...times) <= MOST_MS, `${label}: shown after ${Math.max(...times)} ms`);
}

/** The lowest contrast of all visible text, against the nearest background behind it. */
async function readable({ page, label }) {
  const worst = await page.evaluate(() => {
    const parse = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = ([red, green, blue]) => {
      const linear = (byte) => (byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
      return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    };
    const background = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = parse(getComputedStyle(at).backgroundColor);
        if (color.length === 3 || color[3] > 0.5) return color;
      }
      return [255, 255, 255];
    };
    // What a dark page does to charts, as the CSS filter specification has it: invert by an amount, and turn hues by half a circle.
    const filtered = (color, filter) => {
      const amount = Number(filter.match(/invert\(([\d.]+)\)/)?.[1] ?? 0);
      if (!amount) return color;
      const inverted = color.map((byte) => amount * 255 - (2 * amount - 1) * byte);
      const [r, g, b] = [0.213, 0.715, 0.072];
      const rows = [[2 * r - 1, 2 * g, 2 * b], [2 * r, 2 * g - 1, 2 * b], [2 * r, 2 * g, 2 * b - 1]];
      return rows.map((row) => Math.min(255, Math.max(0, row.reduce((sum, share, index) => sum + share * inverted[index], 0))));
    };
    let worst = { contrast: 99 };
    // A text in a chart that lies on a filled mark is read against that.
    const onMark = (text, svg) => {
      const box = text.getBoundingClientRect();
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
      const before = [...svg.querySelectorAll("rect:not(.sheet)")].filter((mark) => mark.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING);
      for (const mark of before.reverse()) {
        const { left, right, top, bottom } = mark.getBoundingClientRect();
        const fill = parse(getComputedStyle(mark).fill);
        if (fill.length === 3 && left <= x && x <= right && top <= y && y <= bottom) return filtered(fill, getComputedStyle(svg).filter);
      }
      return null;
    };
    let texts = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest("script, style, option")) continue;
      const svg = element.closest("svg");
      const style = getComputedStyle(element);
      const ink = svg ? filtered(parse(style.fill), getComputedStyle(svg).filter) : parse(style.color);
      const paper = svg ? onMark(element, svg) ?? background(element) : background(element);
      const [light, dark] = [luminance(ink), luminance(paper)].sort((one, other) => other - one);
      const contrast = (light + 0.05) / (dark + 0.05);
      texts++;
      if (contrast < worst.contrast) worst = { contrast, text: walker.currentNode.textContent.trim().slice(0, 60), ink, paper, chart: svg?.closest("figure").dataset.chart };
    }
    return { ...worst, texts };
  });
  console.log(`${label}: lowest contrast of ${worst.texts} texts is ${worst.contrast.toFixed(2)}, of ${JSON.stringify(worst.text)}`);
  check(worst.texts > 100 && worst.contrast >= LEAST_CONTRAST, `${label}: text that cannot be read: ${JSON.stringify(worst)}`);
}

/** Marks of a contender that take up room, by chart. */
const marks = (page, name) => page.evaluate((name) => {
  const shown = {};
  for (const figure of document.querySelectorAll("figure.chart")) {
    const groups = [...figure.querySelectorAll("[data-contender]")].filter((group) => group.dataset.contender === name);
    if (groups.length) shown[figure.dataset.chart] = groups.filter((group) => group.getBoundingClientRect().width > 0).length;
  }
  return shown;
}, name);

async function switches({ page, label }) {
  const button = page.locator('[data-toggle="dlmalloc"]');
  const before = await marks(page, "dlmalloc");
  check(Object.keys(before).length > 0 && Object.values(before).every((count) => count > 0), `${label}: marks of dlmalloc: ${JSON.stringify(before)}`);
  await button.click();
  const after = await marks(page, "dlmalloc");
  check(Object.values(after).every((count) => count === 0), `${label}: dlmalloc is off, and still in ${JSON.stringify(after)}`);
  check(await button.getAttribute("aria-pressed") === "false", `${label}: the switch does not say that it is off`);
  check(await page.locator('tr[data-contender="dlmalloc"]').first().isHidden(), `${label}: its row is still there`);
  check(Object.values(await marks(page, "talc")).every((count) => count > 0), `${label}: another contender went, too`);
  await page.locator("#show-all").click();
  check(JSON.stringify(await marks(page, "dlmalloc")) === JSON.stringify(before), `${label}: it does not come back`);
  await button.focus();
  await page.keyboard.press("Space");
  check(Object.values(await marks(page, "dlmalloc")).every((count) => count === 0), `${label}: the keyboard does not switch`);
  await page.keyboard.press("Space");
}

async function tooltips({ page, label }) {
  const tip = page.locator("#tip");
  const heading = page.locator('thead button[data-def="overhead"]').first();
  const settled = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await heading.evaluate((heading) => heading.scrollIntoView({ block: "center" }));
  await settled();
  await heading.hover();
  check(await tip.isVisible() && (await tip.textContent()).includes("max H / max R"), `${label}: no definition on hover`);
  await page.mouse.move(2, 2);
  check(await tip.isHidden(), `${label}: the definition stays`);
  await page.keyboard.press("Tab");
  await heading.focus();
  await page.evaluate(() => scrollTo(0, 0));
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Tab");
  await settled();
  check(await tip.isVisible(), `${label}: no definition on focus by keyboard`);
  await page.keyboard.press("Escape");
  check(await tip.isHidden(), `${label}: Escape does not put the definition away`);
  // Of every chart that has marks with tooltips, one.
  for (const figure of await page.locator("figure.chart:has([data-tip])").all()) {
    const chart = await figure.getAttribute("data-chart");
    const place = await figure.evaluate((figure) => {
      for (const mark of figure.querySelectorAll("[data-tip]")) {
        mark.scrollIntoView({ block: "center" });
        // A line's box is mostly empty: look along its diagonals for a point that is on the mark.
        const box = mark.getBoundingClientRect();
        for (let share = 0.02; share < 1; share += 0.02) {
          for (const down of [share, 1 - share, 0.5]) {
            const [x, y] = [box.left + share * box.width, box.top + down * box.height];
            if (document.elementFromPoint(x, y)?.closest("[data-tip]") === mark) return { x, y, text: mark.dataset.tip };
          }
        }
      }
      return null;
    });
    if (!place) {
      check(false, `${label}: ${chart}: no mark with a tooltip can be pointed at`);
      continue;
    }
    await settled();
    await page.mouse.move(place.x, place.y);
    const shown = await tip.textContent();
    check(await tip.isVisible() && shown.includes(place.text), `${label}: ${chart}: tooltip ${JSON.stringify(place.text)}, shown ${JSON.stringify(shown)}`);
    const box = await tip.boundingBox();
    const size = page.viewportSize();
    check(box && box.x >= 0 && box.y >= 0 && box.x + box.width <= size.width + 1, `${label}: ${chart}: the tooltip leaves the window`);
  }
}

/** Bytes just below 1,024 of a unit have four digits, and no exponent. The page reads its data at the first use, so they are changed before. */
async function largeFigures({ page, label }) {
  const trace = page.locator(".trace").first();
  const read = await trace.evaluate((trace) => {
    const source = trace.querySelector("script.timeline");
    const timeline = JSON.parse(source.textContent);
    const live = timeline.live.map(() => 1000.6 * 1024 * 1024 / timeline.unit);
    const before = source.textContent;
    source.textContent = JSON.stringify({ ...timeline, live });
    trace.querySelector('input[type="range"]').dispatchEvent(new Event("input", { bubbles: true }));
    source.textContent = before;
    return trace.querySelector("output").textContent;
  });
  check(read.includes("live 1,001 MiB"), `${label}: the slider reads ${JSON.stringify(read)}`);
}

async function timeCursor({ page, label }, within = ".trace") {
  const trace = page.locator(within).first();
  const charts = await trace.evaluate((trace) => new Set([...trace.querySelectorAll('[data-axis="events"]')].map((plot) => plot.closest("figure").dataset.chart)).size);
  check(charts > 0, `${label}: no chart over time`);
  const figure = trace.locator('figure.chart:has([data-axis="events"])').first();
  await figure.evaluate((figure) => figure.scrollIntoView({ block: "center" }));
  const lines = () => trace.evaluate((trace) => [...trace.querySelectorAll("line.cursor")].map((line) => [line.closest("figure").dataset.chart, +line.getAttribute("x1")]));
  const point = async (share) => {
    const at = await figure.evaluate((figure, share) => {
      const plot = figure.querySelector('[data-axis="events"]');
      const svg = plot.ownerSVGElement;
      const box = svg.getBoundingClientRect();
      const scale = box.width / svg.viewBox.baseVal.width;
      const { x0, x1, y0, y1 } = plot.dataset;
      return { x: box.left + scale * (+x0 + share * (x1 - x0)), y: box.top + scale * (+y0 + 0.1 * (y1 - y0)) };
    }, share);
    await page.mouse.move(at.x, at.y);
    return lines();
  };
  const [early, late] = [await point(0.25), await point(0.75)];
  check(new Set(early.map(([chart]) => chart)).size === charts, `${label}: ${charts} charts over time, cursors in ${JSON.stringify(early)}`);
  check(early.every(([, x], index) => x < late[index][1]), `${label}: cursors do not move: ${JSON.stringify([early, late])}`);
  const read = await page.locator("#tip").textContent();
  check(/event [\d,]+/.test(read) && read.includes("dlmalloc") && read.includes("live"), `${label}: the cursor reads ${JSON.stringify(read)}`);
  const slider = trace.locator('input[type="range"]').first();
  await slider.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  check((await lines()).every(([, x], index) => x < early[index][1]), `${label}: the slider does not move the cursors`);
  check((await trace.locator("output").first().textContent()).includes("live"), `${label}: the slider reads nothing`);
}

async function sorting({ page, label }) {
  const table = page.locator("table.sortable", { hasText: "Memory" }).first();
  const button = table.locator('thead button[data-def="peak"]');
  const column = async () => table.evaluate((table) => {
    const index = [...table.tHead.rows[0].cells].findIndex((cell) => cell.querySelector('[data-def="peak"]'));
    return [...table.tBodies[0].rows].map((row) => row.cells[index].dataset.v ?? null);
  });
  for (const [direction, sign] of [["ascending", 1], ["descending", -1]]) {
    await button.click();
    const values = await column();
    const known = values.filter((value) => value !== null).map(Number);
    const sorted = [...known].sort((one, other) => sign * (one - other));
    check(known.length > 2 && JSON.stringify(known) === JSON.stringify(sorted), `${label}: not ${direction}: ${values}`);
    check(values.slice(known.length).every((value) => value === null), `${label}: unknown figures are not last: ${values}`);
    check(await button.locator("..").getAttribute("aria-sort") === direction, `${label}: aria-sort is not ${direction}`);
  }
}

// ---- one trace ----
for (const width of [1440, 375]) {
  for (const colorScheme of ["light", "dark"]) {
    const opened = await open("one.html", { viewport: { width, height: width === 375 ? 812 : 900 }, colorScheme, hasTouch: width === 375 });
    await startsWithTheDecision(opened);
    await shoot(opened.page, `one-${width}-${colorScheme}-fold`, false);
    await openParts(opened.page);
    await nothingOverflows(opened);
    await chartsAreLegible(opened);
    await readable(opened);
    await shoot(opened.page, `one-${width}-${colorScheme}`);
    if (width === 375) {
      await opened.page.locator('thead button[data-def="overhead"]').first().tap();
      check(await opened.page.locator("#tip").isVisible(), `${opened.label}: no definition on tap`);
    }
    await opened.close();
  }
}
const one = await open("one.html");
await timeToShow(one);
await printsShort(one, screenshots && join(screenshots, "one.pdf"));
await openParts(one.page);
await switches(one);
await tooltips(one);
await timeCursor(one);
await shoot(one.page, "one-cursor", false);
await sorting(one);
await one.close();
const unread = await open("one.html");
await largeFigures(unread);
await unread.close();

// ---- the library ----
const bytes = statSync(join(folder, "library.html")).size;
console.log(`library.html: ${bytes.toLocaleString("en")} bytes`);
check(bytes <= MOST_BYTES, `library.html has ${bytes} bytes, more than ${MOST_BYTES}`);
for (const width of [1440, 375]) {
  const library = await open("library.html", { viewport: { width, height: width === 375 ? 812 : 900 } });
  if (width === 1440) await timeToShow(library);
  await startsWithTheDecision(library);
  await nothingOverflows(library);
  await chartsAreLegible(library);
  await shoot(library.page, `library-${width}`);
  await library.page.locator("#winners > summary").click();
  await library.page.locator('table a[href^="#trace-"]').nth(3).click();
  check(await library.page.locator("details.trace").nth(3).evaluate((trace) => trace.open), `${library.label}: a link does not open its trace`);
  await library.page.locator("#open-all").click();
  await library.page.waitForFunction(() => !document.querySelector("script.packed"));
  const charts = await library.page.locator("details.trace").evaluateAll((all) => all.map((trace) => trace.querySelectorAll("figure.chart").length));
  check(charts.length > 20 && charts.every((count) => count === charts[0] && count > 0), `${library.label}: charts of the traces: ${charts}`);
  await nothingOverflows(library);
  if (width === 1440) await timeCursor(library, "details.trace >> nth=2");
  check(await library.page.locator("details.trace:not([open])").count() === 0, `${library.label}: not all are open`);
  await library.close();
}
const printed = await open("library.html");
await printsShort(printed, screenshots && join(screenshots, "library.pdf"));
await printed.page.waitForTimeout(3_000); // The charts are unpacked when there is time.
await printed.page.evaluate(() => document.querySelectorAll("details.trace")[1].open = true);
await printed.page.emulateMedia({ media: "print" });
await printed.page.evaluate(() => dispatchEvent(new Event("beforeprint")));
check(await printed.page.locator(".on-paper").isVisible(), "paper does not say that it is a summary");
check(await printed.page.locator("details.trace").first().isHidden(), "printing shows a trace that is closed");
check(await printed.page.locator("details.trace").nth(1).locator("figure.chart").first().isVisible(), "printing leaves the charts of an open trace packed");
check(await printed.page.locator(".switches").first().isHidden(), "printing keeps the controls");
await printed.close();

// ---- names that mean harm ----
const hostile = await open("hostile.html");
check(await hostile.page.evaluate(() => globalThis.pwned === undefined && document.images.length === 0), "a trace's name was taken for markup");
check((await hostile.page.locator("details.trace h3").first().textContent()).startsWith("<img src=x"), "the trace's name is not shown as it is");
await hostile.page.locator("#open-all").click();
await hostile.page.waitForFunction(() => !document.querySelector("script.packed"));
check(await hostile.page.evaluate(() => globalThis.pwned === undefined && document.images.length === 0), "a name in a chart was taken for markup");
await nothingOverflows(hostile);
await hostile.close();

await browser.close();
console.log(failures.length ? `${failures.length} checks failed` : "all checks passed");
process.exit(failures.length ? 1 : 0);
