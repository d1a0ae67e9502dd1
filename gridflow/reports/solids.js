/* Surfaces in three dimensions. */

class Solid {
  constructor(item) {
    this.item = item;
    this.chart = byId("solid-" + item.run);
  }

  async load() {
    const { vertices, faces, counts, lengths } = this.item.surfaces;
    this.Plotly = await plotly;
    const [places, corners] = [await positionsOf(vertices), new Uint32Array(await unpack(faces))];
    let [vertex, face] = [0, 0];
    this.meshes = counts.map(([nodes, triangles]) => {
      const mesh = { x: [], y: [], z: [], i: [], j: [], k: [] };
      for (let at = 0; at < nodes; at += 1, vertex += 1) {
        ["x", "y", "z"].forEach((axis, number) => mesh[axis].push(places[3 * vertex + number] * lengths[number]));
      }
      for (let at = 0; at < triangles; at += 1, face += 1) {
        ["i", "j", "k"].forEach((corner, number) => mesh[corner].push(corners[3 * face + number]));
      }
      return mesh;
    });
  }

  draw() {
    const mesh = this.meshes[this.item.which[player.frame]];
    const { muted, line } = theme.now;
    const axis = (number, name) => ({
      range: [0, this.item.surfaces.lengths[number]], title: { text: name }, color: muted, gridcolor: line, nticks: 4,
      showbackground: false, showspikes: false,
    });
    const trace = {
      type: "mesh3d", ...mesh, color: OUTLINE, opacity: 1, flatshading: false, hoverinfo: "skip",
      lighting: { ambient: 0.55, diffuse: 0.7, specular: 0.15, roughness: 0.7 },
      lightposition: { x: 300, y: -400, z: 800 },
    };
    const layout = {
      ...chartLayout(), margin: { l: 0, r: 0, t: 0, b: 0 }, uirevision: "kept",
      scene: {
        aspectmode: "data", xaxis: axis(0, "x"), yaxis: axis(1, "y"), zaxis: axis(2, "z"),
        camera: { eye: { x: 1.6, y: -1.7, z: 1.05 } },
      },
    };
    this.Plotly.react(this.chart, [trace], layout, CHART);
  }
}
