// A page that shows a new token answers a form. To load it again must not make another token.
if (document.querySelector(".new-token")) history.replaceState(null, "", location.href);

// Tabs that show the current one, copy buttons, a spoken word when a submission's state changes.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  tab.parentElement.scrollLeft = tab.offsetLeft - 48;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.querySelector(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy"); // a page without https has no clipboard
  }
  button.querySelector("span").textContent = button.dataset.copied;
});

document.addEventListener("htmx:afterSwap", () => {
  const spoken = document.querySelector("#spoken");
  const said = document.querySelector("#verdict [data-spoken]")?.dataset.spoken;
  if (spoken && said && spoken.textContent !== said) spoken.textContent = said;
});
