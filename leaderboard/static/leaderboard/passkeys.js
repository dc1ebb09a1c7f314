// Says in the page why the browser refused a passkey; django-allauth tells only the console.
const refusals = { SecurityError: "security", NotAllowedError: "refused", InvalidStateError: "known" };
document.addEventListener("allauth.error", ({ detail }) => {
  const box = document.querySelector("#passkey-refused");
  const why = window.PublicKeyCredential ? refusals[detail.exception.name] : "security"; // hidden from http:
  box.textContent = box.dataset[why || "other"];
  document.querySelector(".card-body").append(box); // the page of signing in includes it outside its card
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" });
});
