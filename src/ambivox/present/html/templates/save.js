"use strict";
// Saving from the page: every picture as SVG, every table as CSV. Nothing here leaves the machine.
function saveFile(name, type, content) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name.trim().replace(/[^\w.-]+/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// Text that a spreadsheet would run as a formula gets a quote before it, as in the exports of ambivox.
function csvCell(value) {
  const text = typeof value === "string" ? value.replace(/^([=+\-@\t\r])/, "'$1") : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csv = (rows) => rows.map((row) => row.map(csvCell).join(",") + "\r\n").join("");

// What stands in a cell, and in small beside it; marks of footnotes are left out.
function cellTexts(cell) {
  const copy = cell.cloneNode(true);
  copy.querySelectorAll("sup").forEach((mark) => mark.remove());
  const detail = copy.querySelector(".detail");
  detail?.remove();
  return [copy.textContent, detail?.textContent ?? ""].map((text) => number(text.trim()));
}

// A number as it is written, so that no quote comes before its sign.
const number = (text) => (/^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : text);

function tableRows(table) {
  const heads = [...table.tHead.rows[0].cells].map((cell) => cellTexts(cell)[0]);
  const lines = [];
  for (const body of table.tBodies) {
    let group = "";
    for (const row of body.rows) {
      if (row.cells[0].className === "group") group = row.cells[0].textContent.trim();
      else lines.push([group, [...row.cells].map(cellTexts)]);
    }
  }
  const detailed = heads.map((_, n) => lines.some(([, cells]) => cells[n]?.[1] !== ""));
  const spread = (group, cells) => [group, ...cells.flatMap(([text, detail], n) => (detailed[n] ? [text, detail] : [text]))];
  const head = ["group", ...heads.flatMap((name, n) => (detailed[n] ? [name, `${name}, beside it`] : [name]))];
  return [head, ...lines.map(([group, cells]) => spread(group, cells))];
}

// The picture as it is on a light page: its colours are attributes, which the style of the page cannot reach in a file.
function svgOf(figure) {
  const svg = figure.querySelector(".wide svg").cloneNode(true);
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of [["width", "100%"], ["height", "100%"], ["fill", "#ffffff"]]) ground.setAttribute(name, value);
  svg.prepend(ground);
  return new XMLSerializer().serializeToString(svg);
}

function offerSaving(element, words, kind, save) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "save";
  button.textContent = kind;
  button.setAttribute("aria-label", `save as ${kind}: ${words}`);
  button.addEventListener("click", save);
  element.after(button);
}

for (const figure of document.querySelectorAll("figure.picture")) {
  const words = figure.dataset.name;
  offerSaving(figure.lastElementChild, words, "SVG", () => saveFile(`${words}.svg`, "image/svg+xml", svgOf(figure)));
}
for (const box of document.querySelectorAll(".box")) {
  const words = box.getAttribute("aria-label");
  offerSaving(box, words, "CSV", () => saveFile(`${words.slice(0, 60)}.csv`, "text/csv", csv(tableRows(box.querySelector("table")))));
}

// On paper nothing can be opened, so all is.
addEventListener("beforeprint", () => document.querySelectorAll("details:not([open])").forEach((part) => ((part.open = true), (part.dataset.printed = ""))));
addEventListener("afterprint", () => document.querySelectorAll("[data-printed]").forEach((part) => ((part.open = false), delete part.dataset.printed)));
