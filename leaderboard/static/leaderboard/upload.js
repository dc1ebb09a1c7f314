// A bar for the upload, and a word about a file that is too large before it is sent.
const form = document.querySelector("#upload-form");

if (form) {
  const file = form.querySelector("input[type=file]");
  const box = document.querySelector("#upload-progress");
  const bar = document.querySelector("#upload-bar");
  const percent = document.querySelector("#upload-percent");

  file.addEventListener("change", () => {
    const most = Number(form.dataset.maxBytes);
    const size = file.files[0]?.size ?? 0;
    const words = form.dataset.tooLarge.replace("{size}", (size / 1e6).toFixed(1)).replace("{limit}", most / 1e6);
    file.setCustomValidity(size > most ? words : "");
    file.reportValidity();
  });

  form.addEventListener("htmx:beforeRequest", () => {
    document.querySelector("#refusal").textContent = "";
    box.hidden = false;
  });
  form.addEventListener("htmx:xhr:progress", ({ detail }) => {
    if (!detail.lengthComputable) return;
    bar.value = (100 * detail.loaded) / detail.total;
    percent.textContent = `${Math.round(bar.value)} %`;
  });
  form.addEventListener("htmx:afterRequest", () => (box.hidden = true));
  form.addEventListener("htmx:sendError", () => {
    document.querySelector("#refusal").textContent = form.dataset.broken;
  });
}
