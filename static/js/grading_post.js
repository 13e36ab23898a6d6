/* Posts a part of the scorecard: with the form's token, fetched anew where signing in elsewhere changed it. */

const TOKEN = "csrfmiddlewaretoken";

/* Resolves to the answer, or to null where no answer came. A sign-in page in its place has `isSignedOut`. */
export async function post(form, url, fields, headers) {
  const body = new URLSearchParams(fields);
  let answer = await sent(url, body, headers, form);
  if (answer?.status === 403 && (await renewToken(form))) {
    answer = await sent(url, body, headers, form);
  }
  return answer;
}

async function sent(url, body, headers, form) {
  body.set(TOKEN, form.elements[TOKEN].value);
  try {
    const answer = await fetch(url, { method: "POST", body, headers, keepalive: document.hidden });
    const text = await answer.text();
    return { status: answer.status, isSignedOut: answer.redirected, text };
  } catch {
    return null;
  }
}

async function renewToken(form) {
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector(`#${form.id} input[name=${TOKEN}]`)?.value;
    if (token) form.elements[TOKEN].value = token;
    return Boolean(token) && !answer.redirected;
  } catch {
    return false;
  }
}
