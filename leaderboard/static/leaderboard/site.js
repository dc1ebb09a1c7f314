// A page that shows a new token answers a form. To load it again must not make another token.
if (document.querySelector(".new-token")) history.replaceState(null, "", location.href);

// Tabs that show the current one, copy buttons, a spoken word when a submission's state changes.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  tab.parentElement.scrollLeft = tab.offsetLeft - 48;
}

// The profile offers the time zone of the browser.
const offer = document.querySelector("#own-zone");
if (offer) {
  const chosen = document.querySelector("#time_zone");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  offer.querySelector("span").textContent = zone;
  offer.hidden = chosen.value === zone || ![...chosen.options].some((one) => one.value === zone);
  offer.querySelector("button").addEventListener("click", () => {
    chosen.value = zone;
    chosen.form.requestSubmit();
  });
}

// Each command of a page gets a button that copies it.
function offerCopies() {
  for (const said of document.querySelectorAll("pre.command, .recipe pre")) {
    if (said.parentElement.classList.contains("copyable")) continue;
    const box = document.createElement("div");
    box.className = "copyable";
    said.replaceWith(box);
    box.append(said, document.querySelector("#copying").content.cloneNode(true));
  }
}
offerCopies();

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copied]");
  if (!button) return;
  const { copy, copied } = button.dataset;
  const source = copy ? document.querySelector(copy) : button.parentElement.querySelector("pre");
  source.select ? source.select() : getSelection().selectAllChildren(source);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
  } catch {
    document.execCommand("copy"); // a page without https has no clipboard
  }
  button.querySelector("span").textContent = copied;
});

document.addEventListener("htmx:afterSwap", () => {
  offerCopies();
  const spoken = document.querySelector("#spoken");
  const said = document.querySelector("#verdict [data-spoken]")?.dataset.spoken;
  if (spoken && said && spoken.textContent !== said) spoken.textContent = said;
});
