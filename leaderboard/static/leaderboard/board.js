// A row under the pointer shows its team on the plot, and a team on the plot shows its row.
const lit = (event) => {
  const here = event.target.closest?.(".board tr[id], .plot-point[id]");
  for (const one of document.querySelectorAll(".is-lit")) one.classList.remove("is-lit");
  if (!here) return;
  const [, key] = here.id.split("-");
  for (const one of [`team-${key}`, `point-${key}`]) document.getElementById(one)?.classList.add("is-lit");
};
document.addEventListener("pointerover", lit);
document.addEventListener("focusin", lit);

// The bar of the own team hides while the team's row is in sight.
const bar = document.querySelector(".own-row");
const own = bar && document.querySelector(".board .mine");
if (own) new IntersectionObserver(([row]) => bar.classList.toggle("is-idle", row.isIntersecting), { threshold: 0.5 }).observe(own);

// Zoom: the plot is a drawing, so its view box is made smaller about its middle, and moved by dragging.
const plot = document.querySelector("svg.plot");
const whole = plot?.getAttribute("viewBox").split(" ").map(Number);
const zoom = (factor) => {
  const [x, y, width, height] = plot.getAttribute("viewBox").split(" ").map(Number);
  const wide = Math.min(whole[2], width * factor);
  const high = Math.min(whole[3], height * factor);
  const inside = (at, size, most) => Math.max(0, Math.min(at, most - size));
  plot.setAttribute("viewBox", [inside(x + (width - wide) / 2, wide, whole[2]), inside(y + (height - high) / 2, high, whole[3]), wide, high].join(" "));
};
for (const button of document.querySelectorAll(".plot-zoom button")) {
  button.addEventListener("click", () => zoom(Number(button.value)));
}
document.querySelector(".plot-zoom")?.removeAttribute("hidden");
plot?.addEventListener("pointermove", (event) => {
  if (event.buttons !== 1) return;
  const [x, y, width, height] = plot.getAttribute("viewBox").split(" ").map(Number);
  const scale = width / plot.clientWidth;
  const inside = (at, size, most) => Math.max(0, Math.min(at, most - size));
  plot.setAttribute("viewBox", [inside(x - event.movementX * scale, width, whole[2]), inside(y - event.movementY * scale, height, whole[3]), width, height].join(" "));
});
