"use strict";
// Pictures are written for a light page; on a dark one these colours change, and those of data stay.
const ON_DARK = { "#1a1a1a": "#e6e6e6", "#ffffff": "#15171a", "#e6e6e6": "#33383e", "#4d4d4d": "#c2c2c2" };
const dark = matchMedia("screen and (prefers-color-scheme: dark)");
const recoloured = (value) => (Array.isArray(value) ? value.map(recoloured) : (ON_DARK[value] ?? value));
const themed = (key, value) => (dark.matches && key.endsWith("color") ? recoloured(value) : value);
function drawAll() {
  for (const element of document.querySelectorAll("[data-figure]")) {
    const figure = JSON.parse(document.getElementById(element.dataset.figure).textContent, themed);
    Plotly.react(element, figure.data, figure.layout, { responsive: true, displayModeBar: false });
  }
  for (const swatch of document.querySelectorAll(".legend i")) {
    swatch.dataset.light ??= swatch.style.background;
    swatch.style.background = dark.matches ? swatch.dataset.light.replace("rgb(77, 77, 77)", "#c2c2c2") : swatch.dataset.light;
  }
}
drawAll();
dark.addEventListener("change", drawAll);
