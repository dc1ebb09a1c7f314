function showTab(name) {
  const tabs = document.querySelector("[x-data*=activeFieldsetTab]");
  if (name !== "general" && tabs && window.Alpine) window.Alpine.$data(tabs).activeFieldsetTab = name;
  const target = name === "general" ? document.querySelector("fieldset") : tabs;
  target?.scrollIntoView({ behavior: "smooth", block: "start" });
  target?.querySelector("input:not([type=hidden]), select, textarea")?.focus({ preventScroll: true });
}

// A step of the way shows the tab of the form in which it is done.
document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-tab]");
  if (step) showTab(step.dataset.tab);
});

// So does an address that ends with the name of a tab.
document.addEventListener("alpine:initialized", () => {
  const name = decodeURIComponent(window.location.hash.slice(1));
  if (name && document.querySelector(`.fieldset-${CSS.escape(name)}`)) showTab(name);
});

// The theme calls each scrolled part alike. Before it does, each gets the name of what it shows.
document.addEventListener("DOMContentLoaded", () => {
  for (const part of document.querySelectorAll("[data-simplebar]")) {
    const heading = document.getElementById(part.closest("fieldset[aria-labelledby]")?.getAttribute("aria-labelledby"));
    const button = part.closest("#changelist-filter") && document.querySelector("[aria-controls=changelist-filter]");
    part.dataset.simplebarAriaLabel =
      part.closest("nav")?.getAttribute("aria-label") ??
      (button?.firstChild.textContent.trim() || heading?.innerText.trim() || document.title.trim());
  }
});
