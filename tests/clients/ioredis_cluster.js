// ioredis's Cluster: it learns who leads what from any one node, and goes there.
'use strict';
const Redis = require('ioredis');
const { assert, same, refused, nodes, run } = require('./expect.js');

const cluster = new Redis.Cluster([nodes[1]], { redisOptions: { maxRetriesPerRequest: 1 } });

run({
  'it finds all nodes as masters': async () => {
    await cluster.ping();
    const names = cluster.nodes('master').map((node) => `${node.options.host}:${node.options.port}`);
    same(names.sort(), nodes.map((node) => `${node.host}:${node.port}`).sort());
    same(cluster.nodes('slave').length, 0);
  },
  'keys of all slots': async () => {
    const keys = Array.from({ length: 200 }, (_, i) => `ioc:${i}`);
    same(await Promise.all(keys.map((key) => cluster.set(key, key))), keys.map(() => 'OK'));
    same(await Promise.all(keys.map((key) => cluster.get(key))), keys);
    same(await cluster.incr('ioc:n'), 1);
    same(await cluster.expire('ioc:n', 100), 1);
    same(await cluster.del('ioc:n'), 1);
  },
  'several keys of one slot': async () => {
    same(await cluster.mset('{ioc}a', '1', '{ioc}b', '2'), 'OK');
    same(await cluster.mget('{ioc}a', '{ioc}b', '{ioc}absent'), ['1', '2', null]);
    same(await cluster.rename('{ioc}a', '{ioc}c'), 'OK');
  },
  'pipeline over one slot': async () => {
    const line = cluster.pipeline();
    for (let i = 0; i < 50; i += 1) line.set(`{ioc}${i}`, i).get(`{ioc}${i}`);
    same(await line.exec(), Array.from({ length: 100 }, (_, i) => [null, i % 2 === 0 ? 'OK' : String((i - 1) / 2)]));
  },
  'a name with a level': async () => {
    for (let i = 0; i < 20; i += 1) {
      same(await cluster.call('SET@sequential', `ioc:level:${i}`, `${i}`), 'OK');
      same(await cluster.call('GET@linearizable', `ioc:level:${i}`), `${i}`);
      // ioredis sends what it does not know to any node: another connection, so another session, which may not have seen it yet.
      const seen = await cluster.call('GET@sequential', `ioc:level:${i}`);
      assert.ok(seen === null || seen === `${i}`, `sequential: ${seen}`);
    }
    same(await cluster.call('SET@eventual', 'ioc:level:weak', 'w'), 'OK');
    await refused('LEVEL', cluster.call('GETDEL@eventual', 'ioc:level:1'));
  },
  'each node answers for any key': async () => {
    for (const node of cluster.nodes('master')) same(await node.get('ioc:7'), 'ioc:7');
    same(await cluster.sadd('ioc:set', 'a'), 1);
    same(await cluster.smembers('ioc:set'), ['a']);
    await refused('ERR not supported yet: PFADD', cluster.pfadd('ioc:hll', 'a'));
  },
});
