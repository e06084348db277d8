// A person with an ordinary message app: nostr-tools, NIP-17, and nothing that knows of p2p.
//
//   node person.mjs <folder of node_modules> <relay> <agent's key in hex>
//
// Publishes where it can be written to (kind 10050) and prints {"ready": <its key>}. A JSON string
// on stdin is sent to the agent, by the relays that the agent's own kind 10050 names; each message
// that arrives is printed as {"from", "kind", "tags", "content"}.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const [modules, relay, agent] = process.argv.slice(2);
const require = createRequire(join(modules, "person.js"));
const WebSocket = require("ws");
const { generateSecretKey, getPublicKey, finalizeEvent, verifyEvent } = require("nostr-tools/pure");
const { wrapEvent, unwrapEvent } = require("nostr-tools/nip17");

const secret = generateSecretKey();
const me = getPublicKey(secret);
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

const socket = new WebSocket(relay);
await new Promise((resolve, reject) => {
  socket.on("open", resolve);
  socket.on("error", reject);
});

const waiting = new Map();
socket.on("message", (data) => {
  const message = JSON.parse(data);
  if (message[0] === "OK") {
    waiting.get(message[1])?.(message);
  } else if (message[0] === "EVENT" && message[1] === "inbox") {
    const rumor = unwrapEvent(message[2], secret);
    say({ from: rumor.pubkey, kind: rumor.kind, tags: rumor.tags, content: rumor.content });
  } else if (message[0] === "EVENT") {
    waiting.get(message[1])?.(message[2]);
  } else if (message[0] === "EOSE") {
    waiting.get(message[1])?.(null);
  }
});

const publish = (event) =>
  new Promise((resolve) => {
    waiting.set(event.id, ([, , taken, why]) => {
      if (!taken) say({ refused: why });
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
await publish(
  finalizeEvent({ kind: 10050, created_at: now(), tags: [["relay", relay]], content: "" }, secret),
);
const backdated = now() - 2 * 24 * 3600 - 3600;
socket.send(JSON.stringify(["REQ", "inbox", { kinds: [1059], "#p": [me], since: backdated }]));

// As an app does: where does the agent want to be written to?
const list = await first("list", { kinds: [10050], authors: [agent] });
const theirs = list && verifyEvent(list) ? list.tags.filter((t) => t[0] === "relay") : [];
if (!theirs.some((t) => t[1].replace(/\/$/, "") === relay)) {
  say({ refused: `the agent's kind 10050 names ${JSON.stringify(theirs)}` });
}
say({ ready: me });

for await (const line of createInterface({ input: process.stdin })) {
  await publish(wrapEvent(secret, { publicKey: agent }, JSON.parse(line)));
}
process.exit(0);
