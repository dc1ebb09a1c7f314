// Quads over time: the ratio by both clocks, disturbed ones, the published interval as a band.
// Teams get a point to each segment instead.
const data = JSON.parse(document.getElementById("measurement-data")?.textContent ?? "null");
const canvas = document.getElementById("measurement-chart");
const words = JSON.parse(document.getElementById("measurement-words")?.textContent ?? "null");
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const ink = tint("--ink-soft");
const colours = { wall: tint("--brand"), cpu: tint("--time"), disturbed: tint("--disturbed"), band: "rgba(224, 138, 30, 0.22)", ratio: tint("--quality-ink") };

// Behind the points: a stripe for each segment, the interval, where measuring began again.
const ground = {
  id: "ground",
  beforeDatasetsDraw(chart) {
    const { ctx, chartArea: area, scales: { x, y } } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(area.left, area.top, area.width, area.height);
    ctx.clip();
    data.segments.forEach((segment, index) => {
      const next = data.segments[index + 1];
      const left = index ? x.getPixelForValue((data.segments[index - 1].to + segment.from) / 2) : area.left;
      const right = next ? x.getPixelForValue((segment.to + next.from) / 2) : area.right;
      ctx.fillStyle = index % 2 ? tint("--surface") : tint("--track");
      ctx.fillRect(left, area.top, right - left, area.height);
    });
    if (data.band) {
      const [top, middle, bottom] = [data.band.high, data.band.ratio, data.band.low].map((one) => y.getPixelForValue(one));
      ctx.fillStyle = colours.band;
      ctx.fillRect(area.left, top, area.width, Math.max(2, bottom - top));
      ctx.strokeStyle = colours.ratio;
      ctx.lineWidth = 1.5;
      ctx.beginPath();
      ctx.moveTo(area.left, middle);
      ctx.lineTo(area.right, middle);
      ctx.stroke();
    }
    ctx.fillStyle = ink;
    ctx.font = "11px system-ui, sans-serif";
    data.parts.forEach(({ name, from }, index) => {
      const left = index ? x.getPixelForValue(from - (data.unit === "segment" ? 0.5 : 1)) : area.left;
      if (index) {
        ctx.strokeStyle = ink;
        ctx.lineWidth = 1;
        ctx.setLineDash([4, 4]);
        ctx.beginPath();
        ctx.moveTo(left, area.top);
        ctx.lineTo(left, area.bottom);
        ctx.stroke();
        ctx.setLineDash([]);
      }
      ctx.fillText(name, left + 5, area.top + 13);
    });
    ctx.restore();
  },
};

if (data && canvas) {
  const last = data.segments.at(-1)?.to ?? 1;
  const bySegment = data.unit === "segment";
  new Chart(canvas, {
    type: "scatter",
    data: {
      datasets: [
        { label: bySegment ? words.mean : data.wall.length ? words.corrected : words.counted, data: data.counted, pointStyle: "circle", radius: 4.5, hoverRadius: 6.5,
          backgroundColor: colours.wall, borderColor: tint("--surface"), borderWidth: 1 },
        ...(data.wall.length ? [{ label: words.wall, data: data.wall, pointStyle: "circle", radius: 3, hoverRadius: 5,
          backgroundColor: "transparent", borderColor: tint("--plain"), borderWidth: 1.2 }] : []),
        ...(bySegment ? [] : [{ label: words.disturbed, data: data.disturbed, pointStyle: "crossRot", radius: 5.5, hoverRadius: 7.5,
          borderColor: colours.disturbed, borderWidth: 2.5 },
        { label: words.cpu, data: data.cpu, pointStyle: "rectRot", radius: 4, hoverRadius: 6,
          backgroundColor: "transparent", borderColor: colours.cpu, borderWidth: 1.3 }]),
        ...(data.band ? [{ label: words.band, data: [], pointStyle: "rect", backgroundColor: colours.band, borderColor: colours.ratio }] : []),
      ],
    },
    plugins: [ground],
    options: {
      animation: false,
      clip: 8, // the first quad stands on the edge
      maintainAspectRatio: false,
      scales: {
        x: { min: 0, max: bySegment ? last + 1 : Math.ceil(last * 1.02 + 0.2),
             title: { display: true, text: words.x, color: ink },
             ticks: { color: ink, maxTicksLimit: bySegment ? 15 : 9, stepSize: bySegment ? 1 : undefined, callback: (value) => bySegment && (value < 1 || value > last) ? "" : Math.round(value * 10) / 10 }, grid: { display: false } },
        y: { min: data.y[0], max: data.y[1], title: { display: true, text: words.y, color: ink },
             ticks: { color: ink, maxTicksLimit: 8, callback: (value) => value.toFixed(3) }, grid: { color: tint("--grid") } },
      },
      plugins: {
        legend: { labels: { color: tint("--ink"), usePointStyle: true, boxHeight: 8 } },
        tooltip: {
          callbacks: {
            label: ({ raw, dataset }) =>
              filled(words.point, { label: dataset.label, seconds: raw.x.toFixed(1), segment: raw.segment,
                ratio: bySegment ? raw.y : raw.y.toFixed(4) }),
          },
        },
      },
    },
  });
}
