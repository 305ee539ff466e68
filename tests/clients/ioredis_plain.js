// ioredis at one node after the other.
'use strict';
const Redis = require('ioredis');
const { assert, same, refused, nodes, run } = require('./expect.js');

const clients = nodes.map((node) => new Redis({ ...node, maxRetriesPerRequest: 1 }));
const [a, b, c] = clients;

run({
  'strings': async () => {
    same(await a.set('io:s', 'v'), 'OK');
    same(await b.get('io:s'), 'v');
    same(await c.get('io:absent'), null);
    same(await a.append('io:s', 'w'), 2);
    same(await a.strlen('io:s'), 2);
    same(await a.getrange('io:s', 0, 0), 'v');
    same(await a.setrange('io:s', 1, 'x'), 2);
    same(await a.getset('io:s', 'new'), 'vx');
    same(await a.getdel('io:s'), 'new');
    same(await a.setnx('io:s', '1'), 1);
    same(await a.set('io:s', '2', 'NX'), null);
    same(await a.set('io:s', '2', 'EX', 100, 'XX', 'GET'), '1');
    same(await a.call('SET', 'io:s', '3', 'IFEQ', '2'), 'OK');
    same(await a.getex('io:s', 'PERSIST'), '3');
    same(await a.setex('io:s', 100, '4'), 'OK');
    same(await a.psetex('io:s', 100000, '4'), 'OK');
  },
  'bytes': async () => {
    const value = Buffer.from([0, 255, 13, 10]);
    same(await a.set('io:b', value), 'OK');
    same(await b.getBuffer('io:b'), value);
  },
  'numbers': async () => {
    same(await a.incr('io:n'), 1);
    same(await b.incrby('io:n', 9), 10);
    same(await c.decr('io:n'), 9);
    same(await a.decrby('io:n', 10), -1);
    same(await a.incrbyfloat('io:f', 1.5), '1.5');
    await a.set('io:word', 'w');
    await refused('ERR value is not an integer or out of range', a.incr('io:word'));
  },
  'several keys': async () => {
    const pairs = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`io:m:${i}`, String(i)]));
    same(await a.mset(pairs), 'OK');
    same(await b.mget(...Object.keys(pairs), 'io:absent'), [...Object.values(pairs), null]);
    same(await c.exists(...Object.keys(pairs)), 50);
    same(await a.del(...Object.keys(pairs)), 50);
    same(await a.msetnx('{io}a', '1', '{io}b', '2'), 1);
    await refused('CROSSSLOT', a.msetnx('io:x', '1', 'io:y', '2'));
    same(await a.rename('{io}a', '{io}c'), 'OK');
    same(await a.copy('{io}c', '{io}d'), 1);
  },
  'expiry': async () => {
    await a.set('io:e', 'v');
    same(await a.ttl('io:e'), -1);
    same(await a.pexpire('io:e', 100), 1);
    await new Promise((resolve) => setTimeout(resolve, 150));
    for (const client of clients) same(await client.get('io:e'), null);
    same(await a.ttl('io:e'), -2);
  },
  'pipeline': async () => {
    const line = b.pipeline();
    for (let i = 0; i < 200; i += 1) line.set(`io:p:${i}`, i).get(`io:p:${i}`);
    const answers = await line.exec();
    same(answers, Array.from({ length: 400 }, (_, i) => [null, i % 2 === 0 ? 'OK' : String((i - 1) / 2)]));
  },
  'scan stream': async () => {
    const found = [];
    for await (const page of c.scanStream({ match: 'io:p:*', count: 100 })) found.push(...page);
    same(found.sort(), Array.from({ length: 200 }, (_, i) => `io:p:${i}`).sort());
  },
  'a level, and a session that goes from one connection to another': async () => {
    same(await a.call('SET@sequential', 'io:level', 'v'), 'OK');
    same(await b.call('SESSION', 'RESUME', await a.call('SESSION', 'TOKEN')), 'OK');
    same(await b.call('GET@sequential', 'io:level'), 'v');
    same(await c.call('CONSISTENCY', 'sequential'), 'OK');
    same(await c.call('CONSISTENCY'), 'sequential');
    await refused('LEVEL', a.call('GET@strong', 'io:level'));
  },
  'server': async () => {
    same(await a.ping(), 'PONG');
    same(await a.echo('hello'), 'hello');
    assert.ok((await a.info()).includes('redis_mode:cluster'));
    assert.ok((await a.dbsize()) >= 200);
    same((await a.config('GET', 'maxmemory'))[0], 'maxmemory');
    same(await a.call('WITH', 'io:w', 'linearizable', 'ID', 'io:1', 'DO', 'INCR', 'io:w'), 1);
    same(await b.call('WITH', 'io:w', 'linearizable', 'ID', 'io:1', 'DO', 'INCR', 'io:w'), 1);
    same(await a.hset('io:h', { f: 'v', g: 'w' }), 2);
    same(await b.hgetall('io:h'), { f: 'v', g: 'w' });
    same(await a.zadd('io:z', 1.5, 'm'), 1);
    same(await b.zrange('io:z', 0, -1, 'WITHSCORES'), ['m', '1.5']);
    await refused('ERR not supported yet: XADD', a.xadd('io:x', '*', 'f', 'v'));
  },
});
