// People with an ordinary message app: nostr-tools, NIP-17, NIP-44, NIP-59, and nothing that knows
// of p2p. One is the owner of the agent where a test wants one; the other is not.
//
//   node person.mjs <folder of node_modules> <relay> <agent's key in hex>
//
// Both publish where they can be written to (kind 10050); then it prints
// {"ready": <key>, "other": <key>}. A line of JSON on stdin is said to the agent, by the relays that
// the agent's own kind 10050 names:
//
//   {"text": "…"}             what is said, as kind 14; with
//   "by": "other"             by the other one;
//   "reply": <id>, "q": <id>  as a reply to that message, by tag `e` or `q`;
//   "at": <seconds>           written then;
//   "posing": true            sealed by the other one, and the first one's name on it;
//   "room": true              to a room with the other one in it.
//   {"again": <id>}           the same rumor once more, in a new wrap.
//
// {"said": <rumor id>} is printed when a relay took it. Each message that arrives is printed as
// {"to", "id", "from", "kind", "tags", "content"}.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const [modules, relay, agent] = process.argv.slice(2);
const require = createRequire(join(modules, "person.js"));
const WebSocket = require("ws");
const { generateSecretKey, getPublicKey, finalizeEvent, verifyEvent } = require("nostr-tools/pure");
const { createRumor, createSeal, createWrap, unwrapEvent } = require("nostr-tools/nip59");

const secrets = { me: generateSecretKey(), other: generateSecretKey() };
const keys = { me: getPublicKey(secrets.me), other: getPublicKey(secrets.other) };
const print = (value) => process.stdout.write(JSON.stringify(value) + "\n");

const socket = new WebSocket(relay);
await new Promise((resolve, reject) => {
  socket.on("open", resolve);
  socket.on("error", reject);
});

const waiting = new Map();
const seen = new Set();
socket.on("message", (data) => {
  const message = JSON.parse(data);
  if (message[0] === "OK") {
    waiting.get(message[1])?.(message);
  } else if (message[0] === "EVENT" && message[1] in secrets) {
    const to = message[1];
    const { id, pubkey: from, kind, tags, content } = unwrapEvent(message[2], secrets[to]);
    // As an app does: the same message in another wrap is the same message.
    if (!seen.has(to + id)) print({ to, id, from, kind, tags, content });
    seen.add(to + id);
  } else if (message[0] === "EVENT") {
    waiting.get(message[1])?.(message[2]);
  } else if (message[0] === "EOSE") {
    waiting.get(message[1])?.(null);
  }
});

const publish = (event) =>
  new Promise((resolve) => {
    waiting.set(event.id, ([, , taken, why]) => {
      if (!taken) print({ refused: why });
      resolve(taken);
    });
    socket.send(JSON.stringify(["EVENT", event]));
  });

const first = (id, filter) =>
  new Promise((resolve) => {
    waiting.set(id, resolve);
    socket.send(JSON.stringify(["REQ", id, filter]));
  });

const now = () => Math.floor(Date.now() / 1000);
const backdated = now() - 2 * 24 * 3600 - 3600;
for (const who of ["me", "other"]) {
  const list = { kind: 10050, created_at: now(), tags: [["relay", relay]], content: "" };
  await publish(finalizeEvent(list, secrets[who]));
  socket.send(JSON.stringify(["REQ", who, { kinds: [1059], "#p": [keys[who]], since: backdated }]));
}

// As an app does: where does the agent want to be written to?
const list = await first("list", { kinds: [10050], authors: [agent] });
const theirs = list && verifyEvent(list) ? list.tags.filter((t) => t[0] === "relay") : [];
if (!theirs.some((t) => t[1].replace(/\/$/, "") === relay)) {
  print({ refused: `the agent's kind 10050 names ${JSON.stringify(theirs)}` });
}
print({ ready: keys.me, other: keys.other });

const written = new Map();
const write = ({ text, by = "me", reply, q, at = now(), posing, room }) => {
  const tags = [["p", agent]];
  if (room) tags.push(["p", keys.other]);
  if (reply) tags.push(["e", reply]);
  if (q) tags.push(["q", q]);
  const rumor = createRumor({ kind: 14, created_at: at, tags, content: text }, secrets[by]);
  const sealed = { rumor, by: posing ? "other" : by };
  written.set(rumor.id, sealed);
  return sealed;
};

for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  const { rumor, by } = said.again ? written.get(said.again) : write(said);
  if (await publish(createWrap(createSeal(rumor, secrets[by], agent), agent))) {
    print({ said: rumor.id });
  }
}
process.exit(0);
