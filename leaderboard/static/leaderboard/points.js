// A card beside a point of the plot: its lines are those of the point's title, which is the browser's own tooltip
// without scripts. Pointer, touch and arrow keys show it; Escape hides it.
const drawing = document.querySelector("svg.plot");
const card = document.querySelector(".point-card");
const ways = card?.querySelector(".point-ways");
const points = [...(drawing?.querySelectorAll(".plot-point") ?? [])];
const lines = new Map();
for (const one of points) {
  const title = one.querySelector("title");
  lines.set(one, title.textContent.split("\n").map((line) => line.trim()).filter(Boolean));
  one.setAttribute("aria-label", lines.get(one).join(", "));
  title.remove(); // else the browser shows it over the card
}
let shown;
let leaving;

function show(point) {
  clearTimeout(leaving);
  if (point === shown) return;
  shown = point;
  const [team, ...facts] = lines.get(point);
  const line = (kind, text) => Object.assign(document.createElement(kind), { textContent: text });
  card.replaceChildren(line("strong", team), ...facts.map((fact) => line("p", fact)), ways);
  const [row, page] = ways.querySelectorAll("a");
  row.href = point.getAttribute("href");
  page.href = `${card.dataset.teams}${point.getAttribute("href").split("#team-")[1]}/`;
  card.hidden = false;
  place(point);
}

// Above the point, below it where there is no room, and within the plot's box.
function place(point) {
  const box = card.parentElement.getBoundingClientRect();
  const mark = point.querySelector("circle").getBoundingClientRect();
  const middle = mark.x + mark.width / 2 - box.x;
  const above = mark.y - box.y - card.offsetHeight - 4;
  card.style.left = `${Math.max(0, Math.min(middle - card.offsetWidth / 2, box.width - card.offsetWidth))}px`;
  card.style.top = `${above >= 0 ? above : mark.bottom - box.y + 4}px`;
}

function hide() {
  shown = undefined;
  card.hidden = true;
}

function pointOf(event) {
  return event.target.closest?.(".plot-point");
}

if (card && points.length) {
  const box = card.parentElement;
  box.addEventListener("pointerover", (event) => {
    if (pointOf(event) && event.pointerType !== "touch") show(pointOf(event));
    else if (card.contains(event.target)) clearTimeout(leaving);
  });
  box.addEventListener("pointerout", () => {
    clearTimeout(leaving); // time to reach the card
    if (!box.contains(document.activeElement)) leaving = setTimeout(hide, 300);
  });
  box.addEventListener("focusin", (event) => pointOf(event) && show(pointOf(event)));
  box.addEventListener("focusout", (event) => box.contains(event.relatedTarget) || hide());
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  // A finger cannot point without a tap: the tap shows the card, whose links lead on.
  let kind = "mouse";
  document.addEventListener("pointerdown", (event) => {
    kind = event.pointerType;
    if (!pointOf(event) && !card.contains(event.target)) hide();
  });
  box.addEventListener("click", (event) => {
    if (kind !== "touch" || !pointOf(event)) return;
    event.preventDefault();
    show(pointOf(event));
  });
  // One stop of the Tab key for the whole plot; arrow keys go from left to right.
  const across = [...points].sort((one, other) => at(one) - at(other));
  across[0].setAttribute("tabindex", "0");
  drawing.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = across[across.indexOf(pointOf(event)) + step];
    if (!next) return;
    event.preventDefault();
    for (const one of across) one.setAttribute("tabindex", one === next ? "0" : "-1");
    next.focus();
  });
}

function at(point) {
  return Number(point.querySelector("circle").getAttribute("cx"));
}
