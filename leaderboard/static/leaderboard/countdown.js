// The countdowns of a page go on while it is open.
const count = () => {
  for (const one of document.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.floor((Date.parse(one.dataset.until) - Date.now()) / 60000));
    const parts = [Math.floor(left / 1440), Math.floor(left / 60) % 24, left % 60];
    one.querySelectorAll("b").forEach((figure, at) => {
      figure.textContent = at ? String(parts[at]).padStart(2, "0") : parts[at];
    });
    one.classList.toggle("is-near", parts[0] < 1);
  }
};
count();
setInterval(count, 5000);
