// Runs before the first paint: the chosen theme, else the system's. Charts take their colours here.
const system = matchMedia("(prefers-color-scheme: dark)");
const tint = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function chosenTheme() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // a browser that keeps nothing
  }
}

function applyTheme() {
  document.documentElement.dataset.bsTheme = chosenTheme() ?? (system.matches ? "dark" : "light");
}

applyTheme();
system.addEventListener("change", applyTheme);

document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector(".themes");
  if (!form) return;
  form.hidden = false;
  const current = chosenTheme() ?? "system";
  for (const button of form.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", button.value === current);
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest(".themes button");
  if (!button) return;
  try {
    if (button.value === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", button.value);
  } catch {
    return;
  }
  if (document.querySelector("canvas")) location.reload(); // a chart keeps the colours it was drawn in
  else {
    applyTheme();
    for (const one of document.querySelectorAll(".themes button")) one.setAttribute("aria-pressed", one === button);
  }
});
