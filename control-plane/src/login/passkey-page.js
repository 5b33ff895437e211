/** The forms that use a passkey: asks the server what to ask the browser, and brings it the answer. */

const { PublicKeyCredential: passkeys } = globalThis;
const able = typeof passkeys?.parseRequestOptionsFromJSON === "function";

const ceremonies = {
  get: (options) => navigator.credentials.get({ publicKey: passkeys.parseRequestOptionsFromJSON(options) }),
  create: (options) =>
    navigator.credentials.create({ publicKey: passkeys.parseCreationOptionsFromJSON(options) }),
};

for (const form of able ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void run(form);
  });
}

async function run(form) {
  const { passkey, begin, finish } = form.dataset;
  const notice = form.querySelector("[role=alert]");
  const button = form.querySelector("button");
  notice.textContent = "";
  button.disabled = true;
  try {
    const options = await post(begin, {});
    const credential = await ceremonies[passkey](options);
    const { location } = await post(finish, {
      ...Object.fromEntries(new FormData(form)),
      credential: credential.toJSON(),
    });
    globalThis.location.assign(location);
  } catch (error) {
    notice.textContent = wordsFor(error);
    button.disabled = false;
  }
}

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.title);
  return document;
}

/** The browser's own words for a person who changed their mind are of no use to them. */
function wordsFor(error) {
  if (error.name === "NotAllowedError")
    return "Nothing was done: the request was cancelled or took too long.";
  if (error.name === "InvalidStateError") return "This device has a passkey for this account already.";
  return error.message;
}
