// Sliders and milliseconds beside the fields; each moves the others. The server computes the score.
const form = document.querySelector(".try-fields");
const pace = Number(form?.dataset.pace) * 1000;
const field = (id) => document.getElementById(id);
const show = (source) => {
  if (field("ms") && source !== "ms") field("ms").value = (field("ratio").value * pace).toPrecision(3);
  for (const slider of form.querySelectorAll("[data-for]")) {
    if (slider !== source) slider.value = field(slider.dataset.for).value;
  }
};
if (form) {
  for (const one of form.querySelectorAll("[hidden]")) one.hidden = false;
  form.classList.add("has-script");
  show();
  form.addEventListener("input", (event) => {
    if (event.target.dataset.for) field(event.target.dataset.for).value = event.target.value;
    if (event.target.id === "ms" && pace) field("ratio").value = (event.target.value / pace).toFixed(4);
    show(event.target.id === "ms" ? "ms" : event.target);
  }, true);
}
