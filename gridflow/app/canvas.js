// The square on which a density is shown and drawn. It says when it has shown a picture, so that none pile up.
export default {
  template: `
    <div class="torus" :class="{ drawable }">
      <canvas ref="density" class="density" role="img" :aria-label="label"></canvas>
      <canvas ref="ink" class="ink" width="600" height="600"
        @pointerdown="begin" @pointermove="draw" @pointerup="end" @pointercancel="end"></canvas>
      <input ref="file" type="file" accept="image/*" hidden @change="read">
    </div>`,
  props: { drawable: Boolean, erases: Boolean, radius: Number, light: Boolean, label: String },
  methods: {
    show(source) {
      const image = new Image();
      image.onload = () => {
        const canvas = this.$refs.density;
        canvas.width = image.naturalWidth;
        canvas.height = image.naturalHeight;
        canvas.getContext("2d").drawImage(image, 0, 0);
        if (!this.points) this.wipe();
        this.$emit("shown");
      };
      image.src = source;
    },
    wipe() {
      this.$refs.ink.getContext("2d").clearRect(0, 0, 600, 600);
    },
    place(event) {
      const box = this.$refs.ink.getBoundingClientRect();
      const inside = (share) => Math.min(Math.max(share, -0.5), 1.5);
      return [inside((event.clientX - box.left) / box.width), inside(1 - (event.clientY - box.top) / box.height)];
    },
    begin(event) {
      if (!this.drawable || !event.isPrimary) return;
      this.$refs.ink.setPointerCapture(event.pointerId);
      this.points = [];
      this.draw(event);
    },
    draw(event) {
      if (!this.points || this.points.length >= 1000) return;
      const [x, y] = this.place(event);
      const last = this.points.at(-1);
      if (last && Math.hypot(x - last[0], y - last[1]) < 0.003) return;
      this.points.push([x, y]);
      const pen = this.$refs.ink.getContext("2d");
      pen.strokeStyle = this.erases ? "rgba(128,128,128,0.6)" : this.light ? "#fcfdbf" : "#000004";
      pen.lineWidth = 1200 * this.radius;
      pen.lineCap = pen.lineJoin = "round";
      for (const across of [-600, 0, 600])
        for (const up of [-600, 0, 600]) {
          pen.beginPath();
          pen.moveTo(600 * (last ?? [x, y])[0] + across, 600 * (1 - (last ?? [x, y])[1]) + up);
          pen.lineTo(600 * x + across, 600 * (1 - y) + up);
          pen.stroke();
        }
    },
    end() {
      if (!this.points) return;
      this.$emit("stroke", { points: this.points, radius: this.radius, erases: this.erases });
      this.points = null;
    },
    choose() {
      this.$refs.file.click();
    },
    read(event) {
      const [file] = event.target.files;
      event.target.value = "";
      if (!file) return;
      const address = URL.createObjectURL(file);
      const image = new Image();
      image.onload = () => {
        const small = document.createElement("canvas");
        small.width = small.height = 256;
        const pen = small.getContext("2d");
        pen.fillStyle = "white";
        pen.fillRect(0, 0, 256, 256);
        pen.filter = "grayscale(1)";
        pen.drawImage(image, 0, 0, 256, 256);
        URL.revokeObjectURL(address);
        this.$emit("picture", small.toDataURL("image/png"));
      };
      image.onerror = () => this.$emit("picture", "");
      image.src = address;
    },
  },
};
