// Sends a file in parts to the object storage of the site. The site signs an address for each part.
// Where the storage cannot be reached, the parts go to the site.
const ATTEMPTS_WITHOUT_ANSWER = 2;

class Passing extends Error {} // over in a moment, perhaps
class NoAnswer extends Passing {}

const isDirect = (file, { storage }) => Boolean(storage && window.crypto?.subtle && file.size);
const sendFile = (file, how) => (isDirect(file, how) ? sendDirectly : sendInParts)(file, how);
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function sha256(blob) {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// As of `sendInParts`: `sent` becomes the key of the upload, or fails with the sentence of a refusal.
function sendDirectly(file, how) {
  const { address, token, purpose, onProgress, onWait } = how;
  const place = ["featherweight-direct", file.name, file.size, file.lastModified, address, purpose].join(" ");
  let upload = localStorage.getItem(place);
  let putting = null;
  let instead = null; // what sends the file to the site
  let isCancelled = false;

  async function ask(method, path, body, headers = {}) {
    const told = { "X-CSRFToken": token, "Tus-Resumable": "1.0.0", "Content-Type": "application/json", ...headers };
    const answer = await fetch(path, { method, headers: told, body: body && JSON.stringify(body) }).catch(() => {
      throw new NoAnswer("");
    });
    if (answer.ok) return answer;
    if ([423, 429, 502, 503, 504].includes(answer.status)) throw new Passing("");
    const { detail } = await answer.json().catch(() => ({ detail: "" }));
    throw Object.assign(new Error(detail), { status: answer.status });
  }

  async function begin() {
    const word = (name, value) => `${name} ${btoa(String.fromCharCode(...new TextEncoder().encode(value)))}`;
    const metadata = [word("filename", file.name), word("purpose", purpose), "direct"].join(",");
    const answer = await ask("POST", address, null, { "Upload-Length": String(file.size), "Upload-Metadata": metadata });
    upload = answer.headers.get("Location");
    localStorage.setItem(place, upload);
    return answer.json();
  }

  async function found() {
    try {
      return upload ? await (await ask("GET", upload)).json() : await begin();
    } catch (error) {
      if (error.status !== 404) throw error;
      upload = null; // it is forgotten
      return begin();
    }
  }

  async function sendPart(number, blob, before) {
    const wanted = [{ number, sha256: await sha256(blob) }];
    const [signed] = await (await ask("POST", `${upload}/parts`, { parts: wanted })).json();
    await new Promise((resolve, reject) => {
      putting = new XMLHttpRequest();
      putting.open("PUT", signed.url);
      for (const [name, value] of Object.entries(signed.headers)) putting.setRequestHeader(name, value);
      putting.upload.onprogress = ({ loaded }) => onProgress(Math.min(before + loaded, file.size), file.size);
      putting.onload = () => (putting.status === 200 ? resolve() : reject(new Passing("")));
      putting.onerror = () => reject(new NoAnswer(""));
      putting.onabort = () => reject(new Error(""));
      putting.send(blob);
    });
  }

  async function patiently(act) {
    for (let attempt = 0; ; attempt++) {
      try {
        return await act(attempt);
      } catch (error) {
        if (isCancelled || !(error instanceof Passing) || attempt === DELAYS_SECONDS.length) throw error;
        onWait(DELAYS_SECONDS[attempt]);
        await pause(DELAYS_SECONDS[attempt]);
        if (isCancelled) throw error;
      }
    }
  }

  // Whether all parts have come; false if the storage cannot be reached from here.
  async function sendParts({ part_bytes: size, parts }) {
    const there = new Set(parts);
    const blobs = Array.from({ length: Math.ceil(file.size / size) }, (_, index) =>
      file.slice(index * size, (index + 1) * size, "application/octet-stream"),
    );
    let come = blobs.reduce((sum, blob, index) => sum + (there.has(index + 1) ? blob.size : 0), 0);
    for (const [index, blob] of blobs.entries()) {
      if (there.has(index + 1)) continue;
      const isSent = await patiently(async (attempt) => {
        try {
          await sendPart(index + 1, blob, come);
        } catch (error) {
          if (error instanceof NoAnswer && !come && attempt + 1 >= ATTEMPTS_WITHOUT_ANSWER) return false;
          throw error;
        }
        return true;
      });
      if (!isSent) return false;
      come += blob.size;
      onProgress(come, file.size);
    }
    return true;
  }

  async function send() {
    const { direct } = await patiently(found);
    if (isCancelled) throw new Error("");
    if (!direct || !(await sendParts(direct))) {
      forget();
      instead = sendInParts(file, how);
      return instead.sent;
    }
    localStorage.removeItem(place);
    return upload.split("/").at(-1);
  }

  function forget() {
    localStorage.removeItem(place);
    if (upload) ask("DELETE", upload).catch(() => {}); // without a line it expires by itself
  }

  function cancel() {
    isCancelled = true;
    putting?.abort();
    instead ? instead.cancel() : forget();
  }
  return { sent: send(), cancel };
}
