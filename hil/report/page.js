"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const matrix = document.getElementById("matrix");
  const details = document.getElementById("details");
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 640, HEIGHT = 200, LEFT = 78, BOTTOM = 22, TOP = 12;

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function shape(parent, name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  const day = (minutes) => new Date(minutes * 60000).toISOString().slice(0, 10);
  const digits = (value) => Number(value.toPrecision(4)).toString();

  function drawTrend(cell) {
    const figure = details.querySelector(".trend");
    figure.querySelector("svg")?.remove();
    const caption = figure.querySelector("figcaption");
    if (cell.trend.length < 2) {
      caption.textContent = cell.unit === "instructions"
        ? "No trend: this core is emulated without a time model."
        : "No trend yet: one night was measured.";
      return;
    }
    const values = cell.trend.map((point) => point[1]);
    const all = cell.baseline_ms === null ? values : [...values, cell.baseline_ms];
    let low = Math.min(...all), high = Math.max(...all);
    const room = Math.max((high - low) * 0.1, high * 0.005);
    low -= room;
    high += room;
    const first = cell.trend[0][0], last = cell.trend[cell.trend.length - 1][0];
    const x = (minutes) => LEFT + (WIDTH - LEFT - 8) * (minutes - first) / Math.max(last - first, 1);
    const y = (ms) => TOP + (HEIGHT - TOP - BOTTOM) * (high - ms) / (high - low);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `median latency over ${values.length} nights`);
    for (let step = 0; step <= 3; step++) {
      const ms = low + (high - low) * step / 3;
      shape(svg, "path", {class: "grid", d: `M${LEFT} ${y(ms)}H${WIDTH - 8}`});
      shape(svg, "text", {x: LEFT - 6, y: y(ms) + 4, "text-anchor": "end"}, `${digits(ms)} ms`);
    }
    shape(svg, "text", {x: LEFT, y: HEIGHT - 6}, day(first));
    shape(svg, "text", {x: WIDTH - 8, y: HEIGHT - 6, "text-anchor": "end"}, day(last));
    if (cell.baseline_ms !== null) {
      const level = y(cell.baseline_ms);
      shape(svg, "path", {class: "base", d: `M${LEFT} ${level}H${WIDTH - 8}`});
      shape(svg, "text", {x: LEFT + 4, y: level - 4}, `baseline ${data.baseline}`);
    }
    const line = cell.trend.map(([minutes, ms]) => `${x(minutes).toFixed(1)},${y(ms).toFixed(1)}`);
    shape(svg, "polyline", {points: line.join(" ")});
    const end = cell.trend[cell.trend.length - 1];
    shape(svg, "circle", {cx: x(end[0]), cy: y(end[1]), r: 3});
    figure.prepend(svg);
    caption.textContent = `Median latency of ${values.length} nights (${cell.evidence})`;
  }

  function drawOps(cell) {
    const figure = details.querySelector(".ops");
    const bars = figure.querySelector(".bars");
    bars.replaceChildren();
    if (cell.ops.length === 0) {
      figure.querySelector("figcaption").textContent = "No ops: this run was not profiled.";
      return;
    }
    figure.querySelector("figcaption").textContent =
      `${cell.unit} of each op (${cell.evidence}); the line is the baseline's`;
    const most = Math.max(...cell.ops.flatMap((op) => [op[2], op[3] ?? 0]), 1);
    for (const [index, kind, cycles, before] of cell.ops) {
      const bar = element("div", undefined, "bar");
      const fill = element("i", undefined, before !== null && cycles > before ? "slower" : "");
      fill.style.width = `${100 * cycles / most}%`;
      bar.append(fill);
      let text = cycles.toLocaleString("en");
      if (before !== null) {
        const mark = element("u");
        mark.style.left = `calc(${100 * before / most}% - 1px)`;
        bar.append(mark);
        if (before > 0 && cycles !== before) {
          const percent = 100 * (cycles / before - 1);
          text += ` (${percent > 0 ? "+" : ""}${percent.toFixed(1)} %)`;
        }
      }
      bars.append(element("span", `${index} ${kind}`), bar, element("span", text));
    }
  }

  function open(button) {
    const cell = data.cells[Number(button.dataset.cell)];
    for (const other of matrix.querySelectorAll("[aria-pressed]")) other.removeAttribute("aria-pressed");
    button.setAttribute("aria-pressed", "true");
    details.querySelector("h2").textContent = cell.name;
    details.querySelector(".reasons").replaceChildren(...cell.reasons.map((line) => element("li", line)));
    details.querySelector(".facts").replaceChildren(...cell.facts.map(([name, value]) => {
      const row = element("tr");
      row.append(element("th", name), element("td", value));
      return row;
    }));
    drawTrend(cell);
    drawOps(cell);
    details.hidden = false;
    details.scrollIntoView({block: "nearest"});
  }

  matrix.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-cell]");
    if (button) open(button);
  });

  const filter = document.getElementById("filter");
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("input", () => {
    const wanted = new FormData(filter);
    const model = wanted.get("model").trim().toLowerCase();
    const board = wanted.get("board");
    const differing = wanted.get("differing") !== null;
    for (const field of matrix.querySelectorAll("[data-board]")) {
      field.hidden = board !== "" && field.dataset.board !== board;
    }
    for (const button of matrix.querySelectorAll("button")) {
      button.hidden = differing && button.dataset.status === "same";
    }
    for (const row of matrix.tBodies[0].rows) {
      const shown = row.querySelector("td:not([hidden]) button:not([hidden])") !== null;
      row.hidden = !shown || !row.dataset.model.toLowerCase().includes(model);
    }
  });
})();
