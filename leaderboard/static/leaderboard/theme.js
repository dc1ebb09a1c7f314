// Runs before the first paint: the chosen theme, else the system's. Charts take their colours here.
const system = matchMedia("(prefers-color-scheme: dark)");
const tint = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// What the person has saved counts before what this browser keeps.
function chosenTheme() {
  const saved = document.documentElement.dataset.theme;
  if (saved) return saved;
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
  const theme = button.value === "system" ? "" : button.value;
  const address = button.closest(".themes").dataset.save;
  if (address) {
    document.documentElement.dataset.theme = theme;
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    fetch(address, { method: "POST", headers: { "X-CSRFToken": token }, body: new URLSearchParams({ theme }), keepalive: true });
  }
  if (document.querySelector("canvas")) location.reload(); // a chart keeps the colours it was drawn in
  else {
    applyTheme();
    for (const one of document.querySelectorAll(".themes button")) one.setAttribute("aria-pressed", one === button);
  }
});
