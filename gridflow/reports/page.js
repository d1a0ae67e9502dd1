"use strict";
/* The page itself: its data, its colours, and what all sections have in common. */

const REACH = [-0.2, 1.2]; // as in base.py
const byId = (id) => document.getElementById(id);

/** The data of a section, or null if the report does not have it. */
const dataOf = (kind) => {
  const element = byId("data-" + kind);
  return element && JSON.parse(element.textContent);
};

/** Bytes from base64 of a zlib stream. */
async function unpack(text) {
  const packed = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** Tell the reader, in one line, what does not work. */
function complain(line) {
  byId("trouble").textContent = line;
  byId("trouble").hidden = false;
}

const theme = {
  colors: dataOf("page"),
  watchers: [],
  get name() {
    const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    return document.documentElement.dataset.theme || (dark ? "dark" : "light");
  },
  get now() { return this.colors[this.name]; },
  show(name) {
    document.documentElement.dataset.theme = name;
    this.told();
  },
  told() { this.watchers.forEach((draw) => draw()); },
};

byId("theme").addEventListener("click", () => theme.show(theme.name === "dark" ? "light" : "dark"));
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme.told());
let beforePrint = "";
window.addEventListener("beforeprint", () => {
  beforePrint = theme.name;
  theme.show("light");
});
window.addEventListener("afterprint", () => theme.show(beforePrint));

document.querySelectorAll(".copy").forEach((button) => button.addEventListener("click", async () => {
  const source = byId(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch { // a page from a file may not be allowed to: select the text instead
    window.getSelection().selectAllChildren(source);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}));

/** Plotly, once its text is unpacked. */
const plotly = (async () => {
  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(await unpack(byId("plotly").textContent));
  document.head.append(script);
  return window.Plotly;
})();
plotly.catch(() => complain("This browser is too old to unpack the curves; one from 2023 or later is needed."));

/** The layout that all charts share, in the colours of the theme. */
function chartLayout() {
  const { text, muted, line } = theme.now;
  const axis = {
    gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: line, automargin: true, exponentformat: "power",
    tickfont: { color: muted, size: 12 }, title: { font: { color: muted, size: 12 }, standoff: 6 },
  };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif", size: 12, color: text },
    margin: { l: 56, r: 10, t: 8, b: 40 },
    legend: { orientation: "h", y: -0.16, yanchor: "top", x: 0, font: { size: 12 }, itemwidth: 36 },
    hovermode: "x unified", hoverlabel: { bgcolor: theme.now.card, bordercolor: line, font: { color: text } },
    xaxis: structuredClone(axis), yaxis: structuredClone(axis),
  };
}

const CHART = { displaylogo: false, displayModeBar: false, responsive: true };
