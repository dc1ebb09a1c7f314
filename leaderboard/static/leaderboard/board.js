// Quality against time ratio: teams with error bars, the Pareto front, the reference, lines of equal score.
const canvas = document.getElementById("board-chart");
const words = JSON.parse(document.getElementById("board-words")?.textContent ?? "null");
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const ink = tint("--ink-soft");
// The reader's own team is larger and has another colour.
const of = (others, own) => ({ raw }) => (canvas.dataset.team && raw?.team === canvas.dataset.team ? own : others);

// Writes each line's score on the line, where no team stands near, with a rim that keeps it readable.
const contourNames = {
  id: "contourNames",
  afterDatasetsDraw(chart) {
    const { ctx, chartArea: area } = chart;
    const taken = [0, 1].flatMap((index) => chart.getDatasetMeta(index).data.map(({ x, y }) => ({ x, y })));
    const room = (spot) => Math.min(...taken.map(({ x, y }) => Math.hypot((x - spot.x) / 2, y - spot.y)));
    const isInside = ({ x, y }) => x > area.left + 18 && x < area.right - 18 && y > area.top + 12 && y < area.bottom - 12;
    ctx.save();
    Object.assign(ctx, { font: "11px system-ui, sans-serif", fillStyle: ink, strokeStyle: tint("--surface"),
      lineWidth: 4, lineJoin: "round", textAlign: "center", textBaseline: "middle" });
    chart.data.datasets.forEach((dataset, index) => {
      if (dataset.score === undefined) return;
      const spots = chart.getDatasetMeta(index).data.filter(isInside);
      if (!spots.length) return;
      const spot = spots.reduce((best, one) => (room(one) > room(best) ? one : best));
      const name = dataset.score.toFixed(1);
      ctx.strokeText(name, spot.x, spot.y);
      ctx.fillText(name, spot.x, spot.y);
      taken.push({ x: spot.x, y: spot.y });
    });
    ctx.restore();
  },
};

async function draw() {
  const answer = await fetch(canvas.dataset.figures);
  if (!answer.ok) return;
  const data = await answer.json();
  new Chart(canvas, {
    type: "scatterWithErrorBars",
    data: {
      datasets: [
        { label: words.teams, data: data.points, backgroundColor: of(tint("--brand"), tint("--time")), radius: of(5, 8), hoverRadius: of(7, 10), clip: 8,
          errorBarColor: tint("--brand"), errorBarWhiskerColor: tint("--brand"), errorBarLineWidth: 1.5, errorBarWhiskerSize: 7 },
        { label: words.reference, data: data.reference ? [data.reference] : [], pointStyle: "rectRot", clip: 8,
          backgroundColor: tint("--quality"), borderColor: tint("--quality-ink"), radius: 8, hoverRadius: 9,
          errorBarColor: tint("--quality-ink"), errorBarWhiskerColor: tint("--quality-ink"), errorBarLineWidth: 1.5, errorBarWhiskerSize: 7 },
        { label: words.front, type: "line", pointStyle: "line", data: data.front, stepped: "before", borderColor: tint("--brand"),
          borderWidth: 1.5, borderDash: [5, 4], pointRadius: 0, pointHitRadius: 0 },
        ...data.contours.map(({ score, line }, index) => ({
          label: index ? "" : words.equal, type: "line", pointStyle: "line", data: line, score, borderColor: tint("--contour"),
          borderWidth: 1, pointRadius: 0, pointHitRadius: 0, order: 9,
        })),
      ],
    },
    plugins: [contourNames],
    options: {
      animation: false,
      maintainAspectRatio: false,
      scales: {
        x: { min: data.x[0], max: data.x[1], title: { display: true, text: words.x, color: ink },
             ticks: { color: ink, callback: (value) => Number(value.toFixed(2)) }, grid: { color: tint("--grid") } },
        y: { min: data.y[0], max: data.y[1], title: { display: true, text: words.y, color: ink },
             ticks: { color: ink, callback: (value) => Number(value.toFixed(2)) }, grid: { color: tint("--grid") } },
      },
      plugins: {
        legend: { labels: { color: tint("--ink"), usePointStyle: true, filter: ({ text }) => text } },
        tooltip: {
          filter: ({ raw }) => raw.team,
          callbacks: {
            label: ({ raw }) => filled(words.point, {
              team: raw.team,
              score: `${raw.score.toFixed(4)} ± ${raw.halfWidth.toFixed(4)}`,
              quality: raw.y.toFixed(4),
              ratio: raw.xMax ? `${raw.x.toFixed(3)} ± ${((raw.xMax - raw.xMin) / 2).toFixed(3)}` : raw.x.toFixed(3),
            }),
          },
        },
      },
    },
  });
}

if (canvas) draw();
