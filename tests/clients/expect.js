// Tests for node: each is reported as a line `ok NAME` or `not ok NAME: WHY`, which run.py counts. Equal means deeply and strictly equal.
'use strict';
const assert = require('node:assert');

const same = (found, wanted) => assert.deepStrictEqual(found, wanted);

const refused = async (words, promise) => {
  await assert.rejects(promise, (error) => {
    assert.ok(String(error.message).includes(words), `refused with ${error.message}, wanted ${words}`);
    return true;
  });
};

// Addresses of the nodes, from the command line.
const nodes = process.argv.slice(2).map((text) => {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
});

const run = async (tests) => {
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`not ok ${name}: ${String(error.stack).replaceAll('\n', ' | ')}`);
    }
  }
  // A client that still tries to connect would keep the process.
  process.exit(0);
};

module.exports = { assert, same, refused, nodes, run };
