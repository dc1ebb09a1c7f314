// Sends a file in parts by the tus protocol: a lost connection costs one part, and a page that is loaded
// again goes on where the last one ended.
const PART_BYTES = 8 << 20;
const DELAYS_SECONDS = [1, 2, 4, 8, 15, 30, 60, 60, 60, 60];

// What the site says of a refusal; an empty object if the answer is none of the site's.
function refusalOf(answer) {
  try {
    return JSON.parse(answer.getBody());
  } catch {
    return {};
  }
}

// Whether a failure is over in a moment: a lost connection, a site that is away, a part that it still writes. Other
// conflicts last: the competition was paused or has ended.
function isPassing(answer) {
  const status = answer ? answer.getStatus() : 0;
  if (status === 409) return refusalOf(answer).code === "wrong_offset";
  return !status || [423, 429, 502, 503, 504].includes(status);
}

// `sent` becomes the key of the upload. It fails with the sentence of a refusal, or an empty one. `isSignedOut`: the
// session has ended meanwhile.
function sendInParts(file, { address, token, purpose, onProgress, onWait }) {
  const endpoint = new URL(address, location.href).href;
  let isCancelled = false;
  let isSecond = false;
  let upload;

  const sent = new Promise((resolve, reject) => {
    const options = {
      endpoint,
      onProgress,
      chunkSize: PART_BYTES,
      headers: { "X-CSRFToken": token },
      metadata: { filename: file.name, purpose },
      fingerprint: async () => ["featherweight", file.name, file.size, file.lastModified, endpoint].join(" "),
      removeFingerprintOnSuccess: true,
      retryDelays: DELAYS_SECONDS.map((seconds) => 1000 * seconds),
      // From here on no failure may begin another upload: what has come would be lost.
      onUploadUrlAvailable: () => (upload.options.endpoint = null),
      onShouldRetry: ({ originalResponse }, attempt) => {
        if (isCancelled || !isPassing(originalResponse)) return false;
        onWait(DELAYS_SECONDS[attempt]);
        return true;
      },
      onSuccess: () => resolve(upload.url.split("/").at(-1)),
      onError: ({ originalResponse }) => {
        const isForgotten = originalResponse?.getStatus() === 404 && upload.options.endpoint === null;
        if (isForgotten && !isSecond) {
          isSecond = true;
          return begin();
        }
        if (originalResponse?.getStatus() === 401) return reject(Object.assign(new Error(), { isSignedOut: true }));
        reject(new Error(isPassing(originalResponse) ? "" : refusalOf(originalResponse).detail ?? ""));
      },
    };
    function begin(previous) {
      upload = new tus.Upload(file, options);
      if (previous) {
        upload.resumeFromPreviousUpload(previous);
        upload.options.endpoint = null;
      }
      upload.start();
    }
    upload = new tus.Upload(file, options);
    upload.findPreviousUploads().then((found) => isCancelled || begin(found.at(-1)));
  });

  function cancel() {
    isCancelled = true;
    upload.abort(true).catch(() => {}); // without a line it expires by itself
  }
  return { sent, cancel };
}
