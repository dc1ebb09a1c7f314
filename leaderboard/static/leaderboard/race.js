const showLatest = () => {
  for (const box of document.querySelectorAll(".race-scroll")) box.scrollLeft = box.scrollWidth;
};
showLatest(); // names of teams stand at the end of their lines
document.addEventListener("htmx:afterSettle", showLatest);
// A slider beside the field for a date and a time; each moves the other. Both are in the competition's zone.
const form = document.querySelector(".race-tools");
if (form) {
  const [field, slider] = [form.querySelector("#as_of"), form.querySelector("#as_of-slide")];
  const read = (text) => Date.parse(`${text}Z`);
  const [first, last] = [read(field.min), read(field.max)];
  const show = () => {
    slider.value = (1000 * (read(field.value) - first)) / (last - first);
  };
  slider.hidden = false;
  form.classList.add("has-script");
  show();
  form.addEventListener("input", (event) => {
    if (event.target !== slider) return show();
    field.value = new Date(first + (slider.value / 1000) * (last - first)).toISOString().slice(0, 16);
  }, true);
}
