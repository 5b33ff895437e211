// Answers the Basic challenge of the configured proxy, and of nobody else, with the signed-in account's e-mail.

/** Requests that were answered once: a second challenge means a refused credential, and must not loop. */
const answered = new Set();

chrome.webRequest.onAuthRequired.addListener(
  (details, respond) => {
    answer(details).then(respond, () => respond({ cancel: true }));
  },
  { urls: ["<all_urls>"] },
  ["asyncBlocking"],
);

for (const event of [chrome.webRequest.onCompleted, chrome.webRequest.onErrorOccurred])
  event.addListener(({ requestId }) => answered.delete(requestId), { urls: ["<all_urls>"] });

async function answer({ isProxy, challenger, requestId }) {
  const { proxyHost, proxyPort = 443, orgKey, userEmail } = await chrome.storage.managed.get();
  if (!isProxy || challenger.host !== proxyHost || challenger.port !== proxyPort) return {};
  if (answered.has(requestId)) return { cancel: true };
  answered.add(requestId);
  const { email } = await chrome.identity.getProfileUserInfo({ accountStatus: "ANY" });
  const username = email || userEmail;
  return username && orgKey ? { authCredentials: { username, password: orgKey } } : { cancel: true };
}
