/* The densities over time: one slider, a picture for every run. */

const film = dataOf("densities");
const player = { frame: 0, log: false, timer: null, views: [], colors: null };
const OUTLINE = "#4cc9a7"; // the boundary of a hole, as in gridflow's figures
const STEP = 110; // milliseconds from one time to the next

/** The frames of a film as bytes, from differences to the frame before. */
async function framesOf(text, size) {
  const codes = new Uint8Array(await unpack(text));
  for (let at = size; at < codes.length; at += 1) codes[at] += codes[at - size]; // modulo 256
  return codes;
}

/** Positions as shares of the periods, from whole numbers of two bytes. */
async function positionsOf(text) {
  const [low, high] = REACH;
  return Float32Array.from(new Uint16Array(await unpack(text)), (value) => low + (value / 65535) * (high - low));
}

/** A number with some digits, without an exponent where it can be read without. */
const short = (value) => String(Number(value.toPrecision(3)));

/** Write the colours of some codes into the pixels of an image. */
function paint(image, codeAt) {
  const { colors } = player;
  for (let at = 0; at < image.width * image.height; at += 1) {
    const code = codeAt(at);
    if (!code) continue; // no number there, or outside
    const color = 3 * Math.round(((code - 1) * 255) / 254);
    image.data.set([colors[color], colors[color + 1], colors[color + 2], 255], 4 * at);
  }
}

/** What all pictures have: a canvas as wide as its place, in the pixels of the screen. */
class Picture {
  constructor(item) {
    this.item = item;
    this.canvas = byId("film-" + item.run);
    this.when = byId("when-" + item.run);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  async load() {
    const size = this.item.rows * this.item.columns;
    this.linear = await framesOf(this.item.linear, size);
    this.log = this.item.log && (await framesOf(this.item.log, size));
  }

  get codes() {
    const size = this.item.rows * this.item.columns;
    const start = size * this.item.which[player.frame];
    return (player.log ? this.log : this.linear).subarray(start, start + size);
  }

  get aspect() { return 1; }

  draw() {
    this.canvas.style.setProperty("--aspect", this.aspect);
    const width = Math.round(this.canvas.clientWidth * Math.min(window.devicePixelRatio || 1, 2));
    if (!this.loaded || !width) return;
    const height = Math.round(width / this.aspect);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    this.fill(pen, width, height);
    const label = this.item.labels[this.item.which[player.frame]];
    const plane = this.item.at ? this.item.at + ", " : "";
    this.when.textContent = plane + label + (this.item.ended[player.frame] ? " (the end)" : "");
    this.canvas.style.opacity = this.item.ended[player.frame] ? 0.75 : 1;
  }
}

/** A torus of two dimensions, with the boundary of its hole and its particles. */
class Plane extends Picture {
  get aspect() { return this.item.lengths[0] / this.item.lengths[1]; }

  async load() {
    await super.load();
    this.points = this.item.points && (await positionsOf(this.item.points));
    this.dots = this.item.dots && (await positionsOf(this.item.dots));
    let first = 0;
    this.firsts = this.item.lines.map((lines) => {
      const start = first;
      lines.forEach((count) => { first += count; });
      return start;
    });
    this.cells = document.createElement("canvas");
    this.cells.width = this.item.columns;
    this.cells.height = this.item.rows;
  }

  fill(pen, width, height) {
    const { rows, columns, lines, which, count } = this.item;
    const codes = this.codes;
    const small = this.cells.getContext("2d");
    const image = small.createImageData(columns, rows);
    paint(image, (at) => codes[(rows - 1 - Math.floor(at / columns)) * columns + (at % columns)]);
    small.putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = width < columns;
    pen.drawImage(this.cells, 0, 0, width, height);
    const frame = which[player.frame];
    if (this.dots) {
      pen.fillStyle = "#8ec5ff";
      const size = Math.max(2, width / 300);
      for (let at = 2 * count * frame; at < 2 * count * (frame + 1); at += 2) {
        pen.fillRect(this.dots[at] * width - size / 2, (1 - this.dots[at + 1]) * height - size / 2, size, size);
      }
    }
    let at = 2 * this.firsts[frame];
    pen.strokeStyle = OUTLINE;
    pen.lineWidth = Math.max(1.5, width / 350);
    for (const points of lines[frame]) {
      pen.beginPath();
      for (let point = 0; point < points; point += 1, at += 2) {
        pen.lineTo(this.points[at] * width, (1 - this.points[at + 1]) * height);
      }
      pen.stroke();
    }
  }
}

/** The sphere: a map in the Mollweide projection, or a globe that turns. */
class Sphere extends Picture {
  constructor(item) {
    super(item);
    this.globe = false;
    this.turn = [0.5, 0.4]; // longitude and latitude of the middle of the globe
    const button = document.querySelector(`[data-globe="${item.run}"]`);
    button.addEventListener("click", () => {
      this.globe = !this.globe;
      button.setAttribute("aria-pressed", String(this.globe));
      this.cellOf = null;
      this.draw();
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.globe || !event.buttons) return;
      const scale = Math.PI / this.canvas.clientWidth;
      const latitude = this.turn[1] + event.movementY * scale;
      this.turn = [this.turn[0] - event.movementX * scale, Math.max(-1.5, Math.min(1.5, latitude))];
      this.cellOf = null;
      this.draw();
    });
  }

  get aspect() { return this.globe ? 1 : 2; }

  /** The cell in a direction of some colatitude and longitude. */
  cell(theta, phi) {
    const { edges, rows, columns } = this.item;
    let low = 0;
    for (let high = rows; high - low > 1;) {
      const middle = (low + high) >> 1;
      if (edges[middle] <= theta) low = middle; else high = middle;
    }
    const along = Math.round((phi * columns) / (2 * Math.PI)) % columns;
    return low * columns + (along + columns) % columns;
  }

  /** The direction seen at a place of the map, from −1 to 1 along both axes; null outside. */
  onMap(x, y) {
    const t = Math.asin(y);
    const longitude = (Math.PI * x) / Math.cos(t);
    if (Math.abs(longitude) > Math.PI) return null;
    return [Math.acos((2 * t + Math.sin(2 * t)) / Math.PI), longitude];
  }

  /** The same on the globe. */
  onGlobe(x, y) {
    const depth = 1 - x * x - y * y;
    if (depth < 0) return null;
    const z = Math.sqrt(depth);
    const [sin, cos] = [Math.sin(this.turn[1]), Math.cos(this.turn[1])];
    return [Math.acos(y * cos + z * sin), this.turn[0] + Math.atan2(x, z * cos - y * sin)];
  }

  fill(pen, width, height) {
    if (!this.cellOf || this.cellOf.length !== width * height) {
      this.cellOf = new Int32Array(width * height).fill(-1);
      for (let at = 0; at < width * height; at += 1) {
        const x = (2 * (at % width) + 1) / width - 1;
        const y = 1 - (2 * Math.floor(at / width) + 1) / height;
        const seen = this.globe ? this.onGlobe(x, y) : this.onMap(x, y);
        if (seen) this.cellOf[at] = this.cell(seen[0], seen[1]);
      }
    }
    const { codes, cellOf } = this;
    const image = pen.createImageData(width, height);
    paint(image, (at) => (cellOf[at] < 0 ? 0 : codes[cellOf[at]]));
    pen.putImageData(image, 0, 0);
    pen.strokeStyle = theme.now.muted;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.ellipse(width / 2, height / 2, width / 2 - 1, height / 2 - 1, 0, 0, 2 * Math.PI);
    pen.stroke();
  }
}

/** All densities on lines, in one chart. */
class Lines {
  constructor(items) {
    this.items = items;
    this.chart = byId("film-line");
  }

  async load() {
    this.Plotly = await plotly;
    this.values = [];
    for (const item of this.items) this.values.push(new Float32Array(await unpack(item.values)));
    let [low, high] = film.linear;
    for (const value of this.items.flatMap((item) => item.target)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    this.range = [low < 0 ? 1.05 * low : 0, 1.05 * high];
  }

  draw() {
    const colors = theme.now;
    const several = this.items.length > 1;
    const traces = [];
    const shapes = [];
    this.items.forEach((item, number) => {
      const color = several ? colors.runs[item.run] : colors.measured;
      const frame = item.which[player.frame];
      const y = this.values[number].subarray(frame * item.x.length, (frame + 1) * item.x.length);
      traces.push({ x: item.x, y: Array.from(y), name: item.told || "density", line: { color, width: 2 } });
      if (number === 0 || String(item.target) !== String(this.items[0].target)) {
        const dashed = { color: several && number ? color : colors.law, width: 1.2, dash: "dash" };
        traces.push({ x: item.x, y: item.target, name: "target", line: dashed });
      }
      for (let at = 0; at < item.holes[frame].length; at += 2) {
        const [x0, x1] = item.holes[frame].slice(at, at + 2);
        shapes.push({
          type: "rect", xref: "x", yref: "paper", x0, x1, y0: 0, y1: 1, layer: "below",
          fillcolor: several ? color : OUTLINE, opacity: 0.15, line: { width: 0 },
        });
      }
    });
    const layout = chartLayout();
    layout.xaxis.title.text = "x";
    layout.xaxis.range = [0, Math.max(...this.items.map((item) => item.length))];
    layout.yaxis.type = player.log ? "log" : "linear";
    layout.yaxis.range = player.log ? [Math.log10(film.log[0]), Math.log10(1.1 * this.range[1])] : this.range;
    layout.shapes = shapes;
    layout.hovermode = "closest";
    for (const trace of traces) Object.assign(trace, { mode: "lines", hovertemplate: "%{y:.4g}" });
    this.Plotly.react(this.chart, traces, layout, CHART);
    const label = this.items[0].labels[this.items[0].which[player.frame]];
    byId("told-line").textContent = several ? film.label : `${film.label}, ${label}`;
  }
}

/** Show one of the times everywhere. */
function showFrame(frame) {
  player.frame = Math.max(0, Math.min(film.times.length - 1, frame));
  byId("frame").value = player.frame;
  const time = `t = ${short(film.times[player.frame])}`;
  byId("time").textContent = time;
  byId("frame").setAttribute("aria-valuetext", time);
  player.views.forEach((view) => view.draw());
}

function play(wanted) {
  clearInterval(player.timer);
  player.timer = null;
  if (wanted) {
    if (player.frame === film.times.length - 1) showFrame(0);
    player.timer = setInterval(() => {
      showFrame(player.frame + 1);
      if (player.frame === film.times.length - 1) play(false);
    }, STEP);
  }
  byId("play").textContent = wanted ? "Pause" : "Play";
  byId("play").setAttribute("aria-pressed", String(Boolean(wanted)));
}

/** The colour bar of the scale that is shown. */
function showBar() {
  const bar = byId("bar");
  if (!bar) return;
  const ends = player.log ? film.log : film.linear;
  const stops = [];
  for (let at = 0; at < 256; at += 15) stops.push(`rgb(${player.colors.slice(3 * at, 3 * at + 3).join(",")})`);
  bar.children[0].textContent = `${film.label}  ${short(ends[0])}`;
  bar.children[1].style.background = `linear-gradient(to right, ${stops.join(",")})`;
  bar.children[2].textContent = short(ends[1]) + (player.log ? ", logarithmic" : "");
}

async function showFilms() {
  const kinds = { plane: Plane, sphere: Sphere };
  const lines = film.films.filter((item) => item.shape === "line");
  player.colors = new Uint8Array(await unpack(film.colors));
  const views = film.films.filter((item) => item.shape !== "line").map((item) => new kinds[item.shape](item));
  if (lines.length) views.push(new Lines(lines));
  for (const item of film.films) if (item.surfaces) views.push(new Solid(item));
  for (const view of views) {
    await view.load();
    view.loaded = true;
    player.views.push(view);
  }
  byId("frame").addEventListener("input", (event) => { play(false); showFrame(Number(event.target.value)); });
  byId("play").addEventListener("click", () => play(!player.timer));
  byId("logscale").addEventListener("click", (event) => {
    player.log = !player.log;
    event.currentTarget.setAttribute("aria-pressed", String(player.log));
    showBar();
    showFrame(player.frame);
  });
  byId("player").addEventListener("keydown", (event) => {
    const button = event.target.tagName === "BUTTON";
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (event.key === " " && !button) play(!player.timer);
    else if (step) { play(false); showFrame(player.frame + step); }
    else return;
    event.preventDefault();
  });
  theme.watchers.push(() => showFrame(player.frame));
  showBar();
  showFrame(0);
  document.documentElement.dataset.ready = "yes";
}

document.addEventListener("DOMContentLoaded", () => {
  if (film) showFilms().catch((error) => complain(`The densities cannot be shown: ${error.message}`));
});
