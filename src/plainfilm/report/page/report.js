/* SPDX-License-Identifier: MIT
 * The images of report.html: filters, sorting, a wall that draws only the rows in view, and one image with its
 * explanation. The data come from classic scripts beside the page, so that it opens from a disk without a server.
 * Every text of the data is set as textContent; nothing is parsed as HTML.
 */
"use strict";

const table = { size: 0, hasFiles: false, texts: {}, coded: {}, numbers: {} };
const chunks = new Map(); // number of a data file -> its content
const DATA_ROWS = 500;

/* Called by report-index-NNNN.js. */
function addIndex(chunk) {
  for (const [name, values] of Object.entries(chunk.texts)) append(table.texts, name, values);
  for (const [name, values] of Object.entries(chunk.numbers)) append(table.numbers, name, values);
  for (const [name, column] of Object.entries(chunk.coded)) {
    const target = (table.coded[name] ??= { values: [], codes: new Map(), rows: [] });
    const codes = column.values.map((value) => {
      if (!target.codes.has(value)) target.codes.set(value, target.values.push(value) - 1);
      return target.codes.get(value);
    });
    for (const row of column.rows) target.rows.push(codes[row]);
  }
  table.size += chunk.size;
  table.hasFiles ||= chunk.has_files;
}

/* Called by report-data-NNNN.js. */
function addData(chunk) {
  chunks.set(chunk.number, chunk);
}

function append(columns, name, values) {
  const column = (columns[name] ??= []);
  for (const value of values) column.push(value);
}

(() => {
  const FILTERS = {
    status: "Status", suspects: "Suspect", findings: "Finding", modality: "Modality", body_part: "Body part",
    view_position: "View", laterality: "Side", manufacturer: "Manufacturer", look: "Look", voi: "VOI", split: "Split",
  };
  const SORTS = {
    suspects: "suspects first", table: "order of the table", file_name: "file name", mean: "mean level",
    entropy: "entropy", black_fraction: "share of black", white_fraction: "share of white",
    padding_fraction: "share of padding", width: "width", height: "height", voi_center: "window center",
    voi_width: "window width", low: "value that is black", high: "value that is white",
  };
  const SEVERAL = ["findings", "suspects"]; // columns whose values are lists, joined by ;
  const TILE = 100, OVERSCAN = 3, MOST_LOADS = 6;
  const BROWSER_IMAGE = /\.(png|jpe?g|webp)$/i;

  const byId = (id) => document.getElementById(id);
  const viewport = byId("viewport"), content = byId("wall-content"), form = byId("filters"), detail = byId("detail");
  let order = [];     // the rows of the table that are shown, in their order
  let active = 0;     // position in `order`
  let marks = new Set();
  const tiles = new Map(); // position -> element
  const loads = new Set();

  const text = (name, row) => {
    const column = table.coded[name];
    return column ? column.values[column.rows[row]] : table.texts[name][row];
  };
  const listOf = (name, row) => text(name, row).split(";").filter(Boolean);
  const number = (name, row) => table.numbers[name][row];
  const words = (code) => code.replaceAll("_", " ");

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  // ---- filters -------------------------------------------------------------------------------------------------

  function values(name) {
    const column = table.coded[name];
    const counts = new Map();
    for (const code of column.rows) counts.set(code, (counts.get(code) ?? 0) + 1);
    const totals = new Map();
    for (const [code, count] of counts) {
      const whole = column.values[code];
      for (const value of SEVERAL.includes(name) ? whole.split(";") : [whole]) {
        totals.set(value, (totals.get(value) ?? 0) + count);
      }
    }
    return [...totals].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 500);
  }

  function addSelect(name, title, options) {
    const select = element("select", { id: `filter-${name}`, name });
    for (const [value, label] of options) select.append(element("option", { value }, label));
    form.append(element("label", { for: select.id }, title, select));
  }

  function buildFilters() {
    const search = element("input", { type: "search", id: "filter-search", name: "search", autocomplete: "off" });
    form.append(element("label", { for: search.id }, "Search", search));
    const labels = Object.keys(table.coded).filter((name) => name.startsWith("label_"));
    const titles = { ...FILTERS, ...Object.fromEntries(labels.map((name) => [name, words(name)])) };
    for (const [name, title] of Object.entries(titles)) {
      if (!table.coded[name] || table.coded[name].values.length < 2 && name !== "status") continue;
      const options = values(name).map(([value, count]) => [`=${value}`, `${value || "(none)"} (${count})`]);
      addSelect(name, title, [["", "all"], ...options]);
    }
    addSelect("duplicate", "Duplicate", [["", "all"], ["yes", "duplicates"], ["no", "without duplicates"]]);
    addSelect("marked", "Marked", [["", "all"], ["yes", "marked"], ["no", "not marked"]]);
    addSelect("sort", "Sort by", Object.entries(SORTS));
    addSelect("direction", "Direction", [["up", "ascending"], ["down", "descending"]]);
    form.append(element("button", { type: "reset" }, "Reset"));
  }

  function isChosen() {
    const tests = [];
    for (const [name, column] of Object.entries(table.coded)) {
      const wanted = form.elements[name]?.value;
      if (!wanted) continue;
      const value = wanted.slice(1), several = SEVERAL.includes(name);
      const fits = column.values.map((whole) => (several ? whole.split(";").includes(value) : whole === value));
      tests.push((row) => fits[column.rows[row]]);
    }
    const duplicate = form.elements.duplicate.value, marked = form.elements.marked.value;
    if (duplicate) tests.push((row) => (text("duplicate_of", row) !== "") === (duplicate === "yes"));
    if (marked) tests.push((row) => marks.has(table.texts.source[row]) === (marked === "yes"));
    const searched = form.elements.search.value.trim().toLowerCase();
    if (searched) tests.push(matches(searched));
    return (row) => tests.every((test) => test(row));
  }

  function matches(searched) {
    const fitting = Object.entries(table.coded).filter(([name]) => name !== "duplicate_of").map(([, column]) => {
      const fits = column.values.map((value) => value.toLowerCase().includes(searched));
      return fits.includes(true) ? (row) => fits[column.rows[row]] : null;
    }).filter(Boolean);
    const { file_name: names, source: sources } = table.texts;
    return (row) => names[row].toLowerCase().includes(searched) || sources[row].toLowerCase().includes(searched) ||
      fitting.some((test) => test(row));
  }

  function sortKeys(name) {
    if (table.numbers[name]) return table.numbers[name];
    const column = table.coded.suspects;
    const weights = column ? column.values.map((value) => (value ? -value.split(";").length : 0)) : [];
    return column ? column.rows.map((code) => weights[code]) : [];
  }

  function sortRows(rows) {
    const name = form.elements.sort.value, sign = form.elements.direction.value === "down" ? -1 : 1;
    if (name === "table") return sign > 0 ? rows : rows.reverse();
    if (name === "file_name") {
      const names = table.texts.file_name;
      return rows.sort((a, b) => sign * (names[a] < names[b] ? -1 : names[a] > names[b] ? 1 : a - b));
    }
    const keys = sortKeys(name);
    const missing = (row) => keys[row] === null; // images without a value come last, whatever the direction
    return rows.sort((a, b) => missing(a) - missing(b) || sign * (keys[a] - keys[b]) || a - b);
  }

  function applyFilters() {
    const chosen = isChosen(), rows = [];
    for (let row = 0; row < table.size; row++) if (chosen(row)) rows.push(row);
    order = sortRows(rows);
    active = 0;
    viewport.scrollTop = 0;
    byId("count").textContent = `${order.length.toLocaleString("en")} of ${table.size.toLocaleString("en")} images`;
    redraw();
  }

  // ---- the wall ------------------------------------------------------------------------------------------------

  const columnsInView = () => Math.max(1, Math.floor(content.clientWidth / TILE));

  function redraw() {
    for (const tile of tiles.values()) tile.remove();
    tiles.clear();
    draw();
  }

  function draw() {
    const columns = columnsInView();
    content.style.height = `${Math.ceil(order.length / columns) * TILE}px`;
    const first = Math.max(0, Math.floor(viewport.scrollTop / TILE) - OVERSCAN) * columns;
    const last = Math.ceil((viewport.scrollTop + viewport.clientHeight) / TILE + OVERSCAN) * columns;
    const shown = new Set([active]);
    for (let position = first; position < Math.min(last, order.length); position++) shown.add(position);
    for (const [position, tile] of tiles) if (!shown.has(position)) { tile.remove(); tiles.delete(position); }
    for (const position of [...shown].sort((a, b) => a - b)) {
      if (position >= order.length) continue;
      const tile = tiles.get(position) ?? addTile(position);
      tile.style.transform = `translate(${(position % columns) * TILE}px, ${Math.floor(position / columns) * TILE}px)`;
    }
    if (order.length) viewport.setAttribute("aria-activedescendant", `tile-${active}`);
    else viewport.removeAttribute("aria-activedescendant");
    load();
  }

  function addTile(position) {
    const row = order[position];
    const tile = element("div", { class: "tile", role: "option", id: `tile-${position}`, "data-row": row },
      element("img", { alt: "", decoding: "async" }));
    tile.setAttribute("aria-setsize", order.length);
    tile.setAttribute("aria-posinset", position + 1);
    tiles.set(position, tile);
    describe(position);
    content.append(tile);
    showThumbnail(tile.firstChild, row);
    return tile;
  }

  /* Alternative text: what the image is, and nothing that names the patient. */
  function alternative(row) {
    const parts = ["modality", "body_part", "view_position", "laterality"].map((name) => text(name, row));
    const suspects = listOf("suspects", row).map(words);
    return [parts.filter(Boolean).join(" ") || "image", text("status", row),
      ...(suspects.length ? [`suspect: ${suspects.join(", ")}`] : []),
      ...(marks.has(table.texts.source[row]) ? ["marked for exclusion"] : [])].join(", ");
  }

  function describe(position) {
    const tile = tiles.get(position), row = order[position];
    if (!tile) return;
    const isMarked = marks.has(table.texts.source[row]);
    tile.setAttribute("aria-label", alternative(row));
    tile.setAttribute("aria-selected", String(isMarked));
    tile.className = ["tile", position === active && "active", isMarked && "marked",
      text("suspects", row) && "suspect", text("status", row) === "repaired" && "repaired"].filter(Boolean).join(" ");
    tile.title = table.texts.file_name[row];
  }

  // ---- data files, loaded when an image in view needs them -----------------------------------------------------

  const chunkOf = (row) => Math.floor(row / DATA_ROWS) + 1;
  const dataOf = (row) => chunks.get(chunkOf(row))?.rows[row % DATA_ROWS];

  function load() {
    const needed = [...tiles.keys()].map((position) => chunkOf(order[position]));
    if (detail.open) needed.unshift(chunkOf(order[active]));
    for (const chunk of new Set(needed)) {
      if (loads.size >= MOST_LOADS) return;
      if (!chunks.has(chunk) && !loads.has(chunk)) loadChunk(chunk);
    }
  }

  function loadChunk(chunk) {
    const script = element("script", { src: `report-data-${String(chunk).padStart(4, "0")}.js` });
    const end = () => {
      script.remove();
      loads.delete(chunk);
      if (!chunks.has(chunk)) chunks.set(chunk, { texts: [], headers: [], facts: [], rows: [] }); // the file is missing
      for (const [position, tile] of tiles) showThumbnail(tile.firstChild, order[position]);
      if (detail.open && chunkOf(order[active]) === chunk) showDetail();
      load();
    };
    script.onload = script.onerror = end;
    loads.add(chunk);
    document.head.append(script);
  }

  function thumbnail(row) {
    const data = dataOf(row);
    if (!data?.[1]) return null;
    const header = chunks.get(chunkOf(row)).headers[data[0]];
    return `data:image/jpeg;base64,${btoa(atob(header) + atob(data[1]))}`;
  }

  function showThumbnail(image, row) {
    if (image.src) return;
    const address = thumbnail(row);
    if (address) image.src = address;
  }

  // ---- one image -----------------------------------------------------------------------------------------------

  function open(position) {
    if (!order.length) return;
    move(position);
    showDetail();
    if (!detail.open) detail.showModal();
    load();
  }

  function showDetail() {
    const row = order[active], name = table.texts.file_name[row];
    const image = element("img", { alt: alternative(row), class: "large" });
    const fallback = () => { image.onerror = null; image.src = thumbnail(row) ?? "data:,"; };
    image.onerror = fallback;
    if (table.hasFiles && BROWSER_IMAGE.test(name) && !name.includes(".tar/")) image.src = name.split("/").map(encodeURIComponent).join("/");
    else fallback();
    const mark = element("button", { type: "button", "aria-pressed": String(marks.has(table.texts.source[row])) },
      "Mark for exclusion (x)");
    mark.onclick = () => toggle(active);
    const close = element("button", { type: "button" }, "Close (Esc)");
    close.onclick = () => detail.close();
    const title = element("h2", { id: "detail-title" }, element("bdi", {}, name));
    const position = `${(active + 1).toLocaleString("en")} of ${order.length.toLocaleString("en")}`;
    const bar = element("div", { class: "toolbar" }, step("Previous", -1), step("Next", 1), mark, close,
      element("span", { class: "quiet" }, position));
    const aside = element("div", { class: "explanation", tabindex: "0", role: "region", "aria-label": "Explanation" },
      ...explanation(row));
    const focused = detail.contains(document.activeElement) ? document.activeElement.textContent : "";
    detail.replaceChildren(title, bar, element("div", { class: "columns" }, element("figure", {}, image), aside));
    [...detail.querySelectorAll("button")].find((button) => button.textContent === focused)?.focus();
  }

  function step(label, distance) {
    const button = element("button", { type: "button" }, label);
    button.disabled = active + distance < 0 || active + distance >= order.length;
    button.onclick = () => open(active + distance);
    return button;
  }

  function explanation(row) {
    const data = dataOf(row);
    if (!data) return [element("p", {}, "Loading the explanation")];
    const chunk = chunks.get(chunkOf(row));
    const [, , low, high, counts, levels, steps, findings, facts] = data;
    const textsOf = (numbers) => numbers.map((index) => chunk.texts[index]);
    return [
      ...(counts ? [chart(low, high, bytes(counts), bytes(levels))] : []),
      ...suspectParagraph(row),
      element("h3", {}, "What was done"),
      steps.length ? element("ol", {}, ...steps.map((numbers) => stepItem(...textsOf(numbers))))
        : element("p", {}, "The steps are in `plainfilm explain` of the source."),
      element("h3", {}, "Findings"),
      findings.length ? element("ul", {}, ...findings.map((numbers) => {
        const [code, detailText] = textsOf(numbers);
        return element("li", {}, element("strong", {}, code), detailText ? `: ${detailText}` : "");
      })) : element("p", {}, "None."),
      element("h3", {}, "Values"),
      facts.length ? factTable(row, chunk, textsOf(facts)) : "",
    ];
  }

  function suspectParagraph(row) {
    const suspects = listOf("suspects", row).map(words);
    return suspects.length ? [element("p", { class: "note" }, `Look at this image: ${suspects.join(", ")}.`)] : [];
  }

  function stepItem(name, does, attribute, reason) {
    const item = element("li", {}, element("strong", {}, name), `: ${does}`);
    if (attribute) item.append(element("div", { class: "quiet" }, `from ${attribute}`));
    if (reason) item.append(element("div", { class: "quiet" }, `because ${reason}`));
    return item;
  }

  function factTable(row, chunk, facts) {
    const pairs = [["source", table.texts.source[row]]];
    for (const name of Object.keys(table.coded)) pairs.push([name, text(name, row)]);
    for (const name of Object.keys(table.numbers)) pairs.push([name, number(name, row)]);
    chunk.facts.forEach((name, index) => pairs.push([name, facts[index]]));
    const rows = pairs.filter(([, value]) => value !== "" && value !== null).map(([name, value]) =>
      element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, element("bdi", {}, String(value)))));
    return element("table", { class: "list" }, element("tbody", {}, ...rows));
  }

  const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

  /* The histogram of the values as bars, and the curve that maps them to levels: black at the bottom, white at the top. */
  function chart(low, high, counts, levels) {
    const WIDTH = 384, HEIGHT = 120;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const draw = (tag, attributes) => {
      const node = document.createElementNS(svg.namespaceURI, tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      svg.append(node);
    };
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("role", "img");
    const falls = levels.length && levels[0] > levels[levels.length - 1];
    svg.setAttribute("aria-label", `Histogram of values from ${low} to ${high}` +
      (levels.length ? `; the mapping curve ${falls ? "falls: small values are white" : "rises: small values are black"}` : ""));
    const width = WIDTH / counts.length;
    counts.forEach((count, index) => {
      const height = (count / 255) * (HEIGHT - 4);
      draw("rect", { x: index * width, y: HEIGHT - height, width: width - 0.5, height, class: "bar" });
    });
    const points = [...levels].map((level, index) => `${(index + 0.5) * width},${2 + (HEIGHT - 4) * (1 - level / 255)}`);
    if (points.length) draw("polyline", { points: points.join(" "), class: "curve" });
    const caption = element("figcaption", {}, element("span", {}, String(low)),
      element("span", {}, levels.length ? "stored values, and the level of each" : "levels"), element("span", {}, String(high)));
    return element("figure", { class: "chart" }, svg, caption);
  }

  // ---- movement and marks --------------------------------------------------------------------------------------

  function move(position) {
    const earlier = active, columns = columnsInView();
    active = Math.min(Math.max(position, 0), order.length - 1);
    const top = Math.floor(active / columns) * TILE;
    if (top < viewport.scrollTop) viewport.scrollTop = top;
    if (top + TILE > viewport.scrollTop + viewport.clientHeight) viewport.scrollTop = top + TILE - viewport.clientHeight;
    draw();
    describe(earlier);
    describe(active);
  }

  function toggle(position) {
    const source = table.texts.source[order[position]];
    if (!marks.delete(source)) marks.add(source);
    for (const shown of tiles.keys()) describe(shown);
    saveMarks();
    if (detail.open) showDetail();
  }

  const storageKey = `plainfilm marks ${location.pathname}`;

  function saveMarks() {
    byId("download").disabled = byId("unmark").disabled = !marks.size;
    byId("download").textContent = marks.size ? `Download ${marks.size} ${marks.size === 1 ? "mark" : "marks"} (CSV)` : "Download marks (CSV)";
    try { localStorage.setItem(storageKey, JSON.stringify([...marks])); } catch { /* marks last as long as the page */ }
  }

  function loadMarks() {
    try { marks = new Set(JSON.parse(localStorage.getItem(storageKey)) ?? []); } catch { marks = new Set(); }
    const sources = new Set(table.texts.source);
    for (const source of marks) if (!sources.has(source)) marks.delete(source);
    saveMarks();
  }

  /* The spelling of the tables: RFC 4180, and `'` before a text that a spreadsheet would run as a formula. */
  function cell(value) {
    const safe = /^'*[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  function download() {
    const lines = ["source", ...[...marks].sort().map(cell)];
    const address = URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
    element("a", { href: address, download: "exclude.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !order.length) return;
    const columns = columnsInView(), page = Math.max(1, Math.floor(viewport.clientHeight / TILE)) * columns;
    const targets = {
      ArrowRight: active + 1, ArrowLeft: active - 1, ArrowDown: active + columns, ArrowUp: active - columns,
      PageDown: active + page, PageUp: active - page, Home: 0, End: order.length - 1,
    };
    const isInside = detail.open;
    if (isInside && !["ArrowRight", "ArrowLeft", "x"].includes(event.key)) return;
    if (event.key === "x" || (event.key === " " && !isInside)) toggle(active);
    else if (event.key === "Enter") open(active);
    else if (event.key in targets) isInside ? open(Math.min(Math.max(targets[event.key], 0), order.length - 1)) : move(targets[event.key]);
    else return;
    event.preventDefault();
  }

  function start() {
    buildFilters();
    loadMarks();
    let timer = 0;
    const later = () => { clearTimeout(timer); timer = setTimeout(applyFilters, 120); };
    form.addEventListener("input", later);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", later);
    let isDrawing = false;
    viewport.addEventListener("scroll", () => {
      if (!isDrawing) requestAnimationFrame(() => { isDrawing = false; draw(); });
      isDrawing = true;
    }, { passive: true });
    viewport.addEventListener("keydown", onKey);
    detail.addEventListener("keydown", onKey);
    detail.addEventListener("close", () => viewport.focus());
    content.addEventListener("click", (event) => {
      const tile = event.target.closest(".tile");
      if (tile) open(Number(tile.id.slice(5)));
    });
    new ResizeObserver(draw).observe(viewport);
    byId("download").onclick = download;
    byId("unmark").onclick = () => { marks.clear(); saveMarks(); applyFilters(); };
    document.addEventListener("click", (event) => {
      const { column, value } = event.target.dataset ?? {};
      const select = column && form.elements[column];
      if (!select) return;
      form.reset();
      select.value = `=${value}`;
      applyFilters();
      byId("wall-title").scrollIntoView();
      viewport.focus({ preventScroll: true });
    });
    applyFilters();
  }

  document.addEventListener("DOMContentLoaded", start);
})();
