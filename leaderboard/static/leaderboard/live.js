// The tab's title follows the evaluation. A browser's notice at its end, only where a person asked for one.
const verdict = document.querySelector("#verdict");
const button = document.querySelector("#notify");
const name = document.title;
let wanted = false;

function follow() {
  const headline = verdict.querySelector("[data-headline]")?.dataset.headline;
  if (headline) document.title = `${headline} · ${name}`;
  if (verdict.querySelector(".live")) return;
  if (button) button.hidden = true;
  cheer(verdict.querySelector(".cheer"));
  if (!wanted) return;
  wanted = false;
  try {
    new Notification(button.dataset.title, { body: verdict.querySelector("[data-spoken]")?.dataset.spoken ?? headline });
  } catch {
    // Browsers of telephones take notices from service workers only. The title says it, too.
  }
}

// Feathers fall where a verdict that was waited for is a reason to be glad.
function cheer(box) {
  for (let at = 0; box && at < 28; at++) {
    const feather = document.createElement("i");
    feather.style.setProperty("--at", `${(at * 37) % 100}%`);
    feather.style.setProperty("--later", `${(at * 7) % 10}00ms`);
    feather.style.setProperty("--paint", ["#f5cf62", "#8fe3d2", "#ffffff", "#e08a1e"][at % 4]);
    box.append(feather);
  }
}

if (verdict?.querySelector(".live")) {
  if (button && "Notification" in window && Notification.permission !== "denied") button.hidden = false;
  button?.addEventListener("click", async () => {
    wanted = (await Notification.requestPermission()) === "granted";
    button.querySelector("span").textContent = wanted ? button.dataset.on : button.dataset.off;
    button.disabled = true;
  });
  verdict.addEventListener("htmx:afterSwap", follow);
  follow();
}
