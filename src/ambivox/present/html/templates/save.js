"use strict";
// Saving from the page: nothing here leaves the machine.
function saveFile(name, type, content) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name.replace(/[^\w.-]+/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// Text that a spreadsheet would run as a formula gets a quote before it, as in the exports of ambivox.
function csvCell(value) {
  const text = typeof value === "string" ? value.replace(/^([=+\-@\t\r])/, "'$1") : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csv = (rows) => rows.map((row) => row.map(csvCell).join(",") + "\r\n").join("");
