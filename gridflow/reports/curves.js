/* The curves of the series. */

const curves = dataOf("curves");
const DASHES = { measured: "solid", second: "dot", law: "dash", linear: "dashdot", bound: "dot" };

/** The traces of a panel in the colours of the theme: by run if there are several, else by what they are. */
function tracesOf(panel) {
  const colors = theme.now;
  return panel.traces.map((trace) => ({
    x: trace.x, y: trace.y, name: trace.told, mode: trace.x.length > 1 ? "lines" : "markers", connectgaps: false,
    line: {
      color: curves.several ? colors.runs[trace.run] : colors[trace.role],
      width: trace.role === "measured" || (trace.role === "second" && !curves.several) ? 2 : 1.4,
      dash: trace.role === "second" && !curves.several ? "solid" : DASHES[trace.role],
    },
    hovertemplate: "%{y:.4g}", legendrank: ["measured", "second"].includes(trace.role) ? 1 : 2,
  }));
}

/** Ticks of a logarithmic axis at powers of ten, six at most, if it has more than one or two of them. */
const ticks = ([low, high]) => (high - low > 1.6 ? { dtick: Math.ceil((high - low) / 6) } : { dtick: "D2" });

/** The layout of a panel: its two scales, from the lower end that it may have. */
function layoutOf(panel) {
  const layout = chartLayout();
  layout.xaxis.title.text = "time";
  layout.xaxis.type = panel.logx && panel.traces.some((trace) => trace.x.some((time) => time > 0)) ? "log" : "linear";
  layout.yaxis.type = panel.logy ? "log" : "linear";
  const [times, values] = ["x", "y"].map((key) => panel.traces.flatMap((trace) => trace[key].filter((value) => value > 0)));
  if (panel.logy && values.length) {
    const [low, high] = [panel.low ?? Math.min(...values), Math.max(...values)].map(Math.log10);
    const margin = 0.05 * (high - low) + 0.02;
    Object.assign(layout.yaxis, { range: [low - margin, high + margin], ...ticks([low, high]) });
  }
  if (layout.xaxis.type === "log") Object.assign(layout.xaxis, ticks([Math.min(...times), Math.max(...times)].map(Math.log10)));
  return layout;
}

if (curves) {
  plotly.then((Plotly) => {
    for (const panel of curves.panels) {
      const chart = byId("chart-" + panel.id);
      const buttons = [...document.querySelectorAll(`[data-panel="${panel.id}"]`)];
      const press = () => buttons.forEach((button) => {
        button.setAttribute("aria-pressed", String(panel["log" + button.dataset.axis]));
      });
      const draw = () => {
        const hidden = (chart.data || []).map((trace) => trace.visible);
        const traces = tracesOf(panel).map((trace, number) => ({ ...trace, visible: hidden[number] ?? true }));
        return Plotly.react(chart, traces, layoutOf(panel), CHART);
      };
      buttons.forEach((button) => button.addEventListener("click", () => {
        const key = "log" + button.dataset.axis;
        panel[key] = !panel[key];
        press();
        draw();
      }));
      press();
      draw();
      theme.watchers.push(draw);
    }
  });
}
