// A step of the way shows the tab of the form in which it is done.
document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-tab]");
  if (!step) return;
  const tabs = document.querySelector("[x-data*=activeFieldsetTab]");
  if (step.dataset.tab !== "general" && tabs && window.Alpine)
    window.Alpine.$data(tabs).activeFieldsetTab = step.dataset.tab;
  const target = step.dataset.tab === "general" ? document.querySelector("fieldset") : tabs;
  target?.scrollIntoView({ behavior: "smooth", block: "start" });
  target?.querySelector("input:not([type=hidden]), select, textarea")?.focus({ preventScroll: true });
});

// The theme calls each scrolled part alike. Before it does, each gets the name of what it shows.
document.addEventListener("DOMContentLoaded", () => {
  for (const part of document.querySelectorAll("[data-simplebar]"))
    part.dataset.simplebarAriaLabel = part.closest("nav")?.getAttribute("aria-label") ?? document.title.trim();
});
