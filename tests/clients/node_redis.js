// node-redis, which speaks RESP3 if asked, plain and as a cluster.
'use strict';
const { createClient, createCluster } = require('redis');
const { same, refused, nodes, run } = require('./expect.js');

const url = (node) => `redis://${node.host}:${node.port}`;

const plain = (RESP) => async () => {
  const client = createClient({ url: url(nodes[RESP % nodes.length]), RESP });
  client.on('error', () => {});
  await client.connect();
  const key = `nr:${RESP}`;
  same(await client.set(key, 'v', { expiration: { type: 'EX', value: 100 }, condition: 'NX' }), 'OK');
  same(await client.get(key), 'v');
  same(await client.get('nr:absent'), null);
  same(await client.incr(`${key}:n`), 1);
  same(await client.mGet([key, 'nr:absent']), ['v', null]);
  same(await client.persist(key), 1);
  same(await client.ttl(key), -1);
  same((await client.configGet('maxmemory')).maxmemory, '0');
  const found = [];
  for await (const page of client.scanIterator({ MATCH: `${key}*`, COUNT: 1000 })) found.push(...page);
  same(found.sort(), [key, `${key}:n`]);
  same(await client.rPush(`${key}:list`, ['a', 'b']), 2);
  same(await client.lRange(`${key}:list`, 0, -1), ['a', 'b']);
  await refused('ERR not supported yet: BLPOP', client.blPop(`${key}:list`, 1));
  await client.close();
};

run({
  'plain, RESP2': plain(2),
  'plain, RESP3': plain(3),
  'cluster': async () => {
    const cluster = createCluster({ rootNodes: [{ url: url(nodes[2]) }] });
    cluster.on('error', () => {});
    await cluster.connect();
    same(cluster.masters.length, 3);
    const keys = Array.from({ length: 100 }, (_, i) => `nrc:${i}`);
    same(await Promise.all(keys.map((key) => cluster.set(key, key))), keys.map(() => 'OK'));
    same(await Promise.all(keys.map((key) => cluster.get(key))), keys);
    await cluster.close();
  },
});
