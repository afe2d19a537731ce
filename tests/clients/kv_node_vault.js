// The life of a path, driven by node-vault as its users have it.
// Usage: node kv_node_vault.js URL SERVICE, with VAULT_TOKEN and NODE_PATH in the environment.

const assert = require("node:assert");
const vault = require("node-vault");

const [url, service] = process.argv.slice(2);
const client = (token, more) => vault({ endpoint: url, token, ...more });
const good = client(process.env.VAULT_TOKEN);
const data = `secret/data/${service}`;
const metadata = `secret/metadata/${service}`;

async function refused(status, call, word = "") {
  const error = await call().then(
    () => assert.fail("not refused"),
    (error) => error,
  );
  assert.strictEqual(error.response && error.response.statusCode, status, String(error));
  assert.ok(error.message.includes(word), `${error.message} lacks ${word}`);
}

async function life() {
  // Who asks, and whether the server is well.
  assert.strictEqual((await good.tokenLookupSelf()).data.type, "service");
  assert.strictEqual((await good.health()).sealed, false);
  assert.strictEqual((await good.status()).sealed, false);
  assert.strictEqual((await good.initialized()).initialized, true);
  await refused(403, () => client("mj_agent_nobody").tokenLookupSelf(), "permission denied");

  // Written, read, written again.
  await refused(404, () => good.read(data));
  const first = await good.write(data, { options: { cas: 0 }, data: { user: "robot", key: "not-a-real-key" } });
  assert.strictEqual(first.data.version, 1);
  const read = await good.read(data);
  assert.deepStrictEqual(read.data.data, { user: "robot", key: "not-a-real-key" });
  assert.strictEqual((await good.write(data, { data: { user: "robot", key: "second" } })).data.version, 2);
  const late = { options: { cas: 1 }, data: { user: "late" } };
  await refused(400, () => good.write(data, late), "check-and-set parameter did not match the current version");
  assert.strictEqual((await good.read(`${data}?version=1`)).data.data.key, "not-a-real-key");
  const patched = await good.update(data, { data: { key: "third" } });
  assert.strictEqual(patched.data.version, 3);
  assert.deepStrictEqual((await good.read(data)).data.data, { user: "robot", key: "third" });

  // Which paths there are.
  assert.ok((await good.list("secret/metadata")).data.keys.includes(service));
  const plain = client(process.env.VAULT_TOKEN, { noCustomHTTPVerbs: true });
  assert.ok((await plain.list("secret/metadata/")).data.keys.includes(service));

  // Deleted, undeleted, destroyed.
  await good.delete(data);
  await refused(404, () => good.read(data));
  await good.write(`secret/undelete/${service}`, { versions: [3] });
  assert.strictEqual((await good.read(data)).data.data.key, "third");
  await good.write(`secret/destroy/${service}`, { versions: [2] });
  const known = (await good.read(metadata)).data;
  assert.strictEqual(known.current_version, 3);
  assert.strictEqual(known.versions["2"].destroyed, true);
  await good.write(metadata, { custom_metadata: { owner: "ops" } });
  assert.deepStrictEqual((await good.read(metadata)).data.custom_metadata, { owner: "ops" });
  await good.delete(metadata);
  await refused(404, () => good.read(metadata));
  console.log("the whole life of a path");
}

life().catch((error) => {
  console.error(error);
  process.exit(1);
});
