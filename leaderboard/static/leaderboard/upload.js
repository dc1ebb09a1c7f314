// The chosen file is looked at before it is sent. The upload shows its progress and can be cancelled.
const form = document.querySelector("#upload-form");
const TAIL = 4 << 20; // the list of a zip's records stands at its end
const MOST_READ = 32 << 20; // an ONNX file with its weights elsewhere is smaller

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
const sizeOf = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${megabytes(bytes)} MB`);
const textOf = async (blob) => new TextDecoder("latin1").decode(await blob.arrayBuffer());

// The end of a zip with its list of records, without the list of a zip that lies in it uncompressed.
function listIn(tail) {
  const end = "PK\x05\x06";
  return tail.slice(tail.lastIndexOf(end, tail.lastIndexOf(end) - 1) + 1);
}

// The names in the list of a zip's records. Names of 128 bytes and more may come out cut.
function recordsOf(tail) {
  return tail.split("PK\x01\x02").slice(1).map((record) => record.slice(42, 42 + record.charCodeAt(24)));
}

// What a file is by its first bytes, and a zip by the names of its records.
async function kindOf(file) {
  if (!file.size) return "empty";
  const [first, second, third] = new Uint8Array(await file.slice(0, 3).arrayBuffer());
  if (first === 0x50 && second === 0x4b && third === 3) {
    const names = listIn(await textOf(file.slice(Math.max(0, file.size - TAIL))));
    if (names.includes("/constants.pkl")) return "torchscript";
    if (names.includes("/data.pkl")) return "weights";
    if (recordsOf(names).some((name) => /\.(pt|pth|onnx)$/i.test(name))) return "packed";
    return file.size > TAIL ? "" : "zip";
  }
  if (first === 0x80 && second >= 2 && second <= 5) return "pickle";
  if (first === 8 && second >= 3 && second < 128) {
    const isElsewhere = file.size < MOST_READ && (await textOf(file)).includes("\n\x08location\x12");
    return isElsewhere ? "elsewhere" : "onnx";
  }
  return "unknown";
}

if (form) {
  const words = JSON.parse(document.querySelector("#upload-words").textContent);
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const file = form.querySelector("input[type=file]");
  const drop = form.querySelector(".drop");
  const finding = document.querySelector("#finding");
  const refusal = document.querySelector("#refusal");
  const box = document.querySelector("#upload-progress");
  const bar = document.querySelector("#upload-bar");
  const told = document.querySelector("#upload-told");
  const cancel = document.querySelector("#upload-cancel");
  const buttons = form.querySelectorAll(".btn-primary, [name=act]");
  let begun = 0;
  let sending = null;
  let whole = null; // the file that has come, while the site has not answered to its end
  let gathered = null; // what the form says of it

  drop.querySelector(".drop-hint").hidden = false;
  for (const [event, isOver] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    drop.addEventListener(event, (moved) => {
      moved.preventDefault();
      drop.classList.toggle("over", isOver);
    });
  }
  drop.addEventListener("drop", ({ dataTransfer }) => {
    if (!dataTransfer.files.length) return;
    file.files = dataTransfer.files;
    file.dispatchEvent(new Event("change"));
  });

  async function look() {
    const chosen = file.files[0];
    refusal.textContent = finding.textContent = "";
    finding.className = "mb-3";
    drop.classList.remove("ready");
    file.setCustomValidity("");
    if (!chosen) return;
    const values = { name: chosen.name, size: megabytes(chosen.size), limit: Number(form.dataset.maxBytes) / 1e6 };
    if (chosen.size > Number(form.dataset.maxBytes)) {
      file.setCustomValidity(filled(words.too_large, values));
      file.reportValidity();
      return;
    }
    const kind = await kindOf(chosen).catch(() => "");
    if (file.files[0] !== chosen) return; // another file was chosen meanwhile
    const isModel = kind in words.formats;
    const isTaken = isModel && form.dataset.formats.split(" ").includes(kind);
    const title = isModel ? words.formats[kind] : "";
    const looksGood = isTaken || !kind;
    const told = { ...values, kind: title };
    if (looksGood) told.size = sizeOf(chosen.size);
    finding.textContent = filled(looksGood ? words.looks_good : words[isModel ? "not_taken" : kind], told);
    finding.className = looksGood ? "mb-3 good-file" : "mb-3 alert alert-warning";
    drop.classList.toggle("ready", looksGood);
  }
  file.addEventListener("change", look);
  look(); // a browser that comes back to the page keeps the file

  // The file goes in parts first. Then the form is sent without it, and names the upload.
  form.addEventListener("htmx:confirm", (asked) => {
    const chosen = file.files[0];
    if (!chosen || !window.tus?.isSupported) return;
    asked.preventDefault();
    if (sending) return;
    const isTrial = asked.detail.triggeringEvent?.submitter?.name === "act";
    const finish = () => {
      gathered = { upload: whole.upload, act: isTrial ? "try" : "" };
      asked.detail.issueRequest(true);
    };
    if (whole?.chosen === chosen) return finish();
    const able = [...buttons].filter((button) => !button.disabled);
    const lock = (isLocked) => able.forEach((button) => (button.disabled = isLocked));
    let first = null;
    refusal.textContent = "";
    told.textContent = words.begins;
    begun = performance.now();
    box.hidden = cancel.hidden = false;
    lock(true);
    sending = sendFile(chosen, {
      address: form.dataset.uploads,
      storage: form.dataset.storage,
      token: form.querySelector("[name=csrfmiddlewaretoken]").value,
      purpose: isTrial ? "trial" : "submission",
      onProgress: (loaded, total) => tell(loaded, total, (first ??= loaded)),
      onWait: (seconds) => {
        cancel.hidden = false;
        told.textContent = filled(words.waiting, { seconds });
      },
    });
    const end = (sentence) => {
      sending = null;
      lock(false);
      box.hidden = true;
      refusal.textContent = sentence;
    };
    const askToSignIn = () => {
      end(words.signed_out);
      const link = document.createElement("a");
      link.href = form.dataset.signIn;
      link.textContent = words.sign_in;
      refusal.append(" ", link);
    };
    sending.cancelled = () => end(words.cancelled);
    sending.sent.then(
      (upload) => {
        end("");
        whole = { chosen, upload };
        finish();
      },
      ({ message, isSignedOut }) => sending && (isSignedOut ? askToSignIn() : end(message || words.broken)),
    );
  });
  form.addEventListener("htmx:configRequest", ({ detail: { parameters } }) => {
    if (!gathered) return;
    delete parameters.file;
    Object.assign(parameters, gathered);
    gathered = null;
  });

  function tell(loaded, total, first = 0) {
    bar.value = (100 * loaded) / total;
    if (loaded < total && loaded - first < total / 1000) return (told.textContent = words.begins); // too early to guess
    const seconds = ((performance.now() - begun) / 1000) * ((total - loaded) / Math.max(1, loaded - first));
    cancel.hidden = loaded === total;
    told.textContent = filled(loaded === total ? words.checking : words.sending, {
      sent: megabytes(loaded), size: megabytes(total), percent: Math.round(bar.value), seconds: Math.ceil(seconds),
    });
  }

  form.addEventListener("htmx:beforeRequest", () => {
    refusal.textContent = "";
    begun = performance.now();
    box.hidden = cancel.hidden = false;
  });
  form.addEventListener("htmx:xhr:progress", ({ detail: { lengthComputable, loaded, total } }) => {
    if (lengthComputable && total) tell(loaded, total);
  });
  form.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
    box.hidden = true;
    if (xhr.status) whole = null;
  });
  form.addEventListener("htmx:sendError", () => (refusal.textContent = words.broken));
  form.addEventListener("htmx:sendAbort", () => (refusal.textContent = words.cancelled));
  cancel.addEventListener("click", () => {
    if (!sending) return htmx.trigger(form, "htmx:abort");
    sending.cancel();
    sending.cancelled();
  });
}
