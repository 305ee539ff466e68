"""CLUSTER SLOTS, SHARDS and NODES tell the same map: every slot once, and each node only as the primary of what it leads."""

import json
import time

from expect import holds, same
from wire import Wire

SLOTS = 16_384


def slots_of(ranges):
    return [slot for first, last in ranges for slot in range(first, last + 1)]


def by_slots(wire):
    found = {}
    for first, last, *nodes in wire.do("CLUSTER", "SLOTS"):
        same(len(nodes), 1)
        host, port, node_id = nodes[0][:3]
        found.setdefault((host.decode(), port, node_id.decode()), []).append((first, last))
    return found


def by_shards(wire):
    found = {}
    for row in wire.do("CLUSTER", "SHARDS"):
        shard = dict(zip(row[::2], row[1::2]))
        same(len(shard[b"nodes"]), 1)
        node = dict(zip(shard[b"nodes"][0][::2], shard[b"nodes"][0][1::2]))
        same(node[b"role"], b"master")
        same(node[b"health"], b"online")
        bounds = shard[b"slots"]
        name = (node[b"ip"].decode(), node[b"port"], node[b"id"].decode())
        found.setdefault(name, []).extend(zip(bounds[::2], bounds[1::2]))
    return found


def by_nodes(wire):
    found = {}
    for line in wire.do("CLUSTER", "NODES").decode().splitlines():
        node_id, address, flags, primary, _ping, _pong, _epoch, state, *ranges = line.split()
        host, port = address.split("@")[0].rsplit(":", 1)
        holds("master" in flags.split(",") and primary == "-" and state == "connected", f"not a primary that is up: {line}")
        bounds = [(int(first), int(last or first)) for first, _, last in (text.partition("-") for text in ranges)]
        found[(host, int(port), node_id)] = bounds
    return found


def owners(ranges_by_node):
    owner = {}
    for node, ranges in ranges_by_node.items():
        for slot in slots_of(ranges):
            holds(slot not in owner, f"slot {slot} has two owners")
            owner[slot] = node
    return owner


def settled(cluster):
    """The owner of each slot, once all nodes and formats tell the same and leaders are spread: they still move just after the start."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        maps = []
        for node in range(3):
            with Wire(cluster.resp(node)) as wire:
                maps += [owners(by_slots(wire)), owners(by_shards(wire)), owners(by_nodes(wire))]
        counts = sorted(list(maps[0].values()).count(node) for node in set(maps[0].values()))
        # 32 shards of 512 slots: 10 or 11 for each node.
        if all(found == maps[0] for found in maps) and counts == [10 * 512, 11 * 512, 11 * 512]:
            return maps[0]
        time.sleep(0.5)
    raise AssertionError(f"the nodes do not come to one map with spread leaders; slots by node: {counts}")


def test_every_slot_has_one_owner_and_leaders_are_spread(cluster):
    owner = settled(cluster)
    same(sorted(owner), list(range(SLOTS)))
    addresses = {(host, port) for host, port, _ in owner.values()}
    same(addresses, {cluster.resp(node) for node in range(3)})


def test_the_owner_is_the_leader_that_where_names(cluster):
    owner = settled(cluster)
    with Wire(cluster.resp(0)) as wire:
        for i in range(20):
            key = f"topology:{i}"
            where = json.loads(wire.do("QUARTET", "WHERE", key))
            same(wire.do("CLUSTER", "KEYSLOT", key), where["slot"])
            host, port, _ = owner[where["slot"]]
            same([node["resp"] for node in cluster.nodes if node["id"] == where["leader"]], [f"{host}:{port}"])
            same(len(where["replicas"]), 3)


def test_each_node_marks_itself(cluster):
    for node in range(3):
        with Wire(cluster.resp(node)) as wire:
            own = [line for line in wire.do("CLUSTER", "NODES").decode().splitlines() if "myself" in line]
            same(len(own), 1)
            same(own[0].split()[0].encode(), wire.do("CLUSTER", "MYID"))
            holds(own[0].split()[1].startswith("{}:{}@".format(*cluster.resp(node))), own[0])


def test_info_says_that_all_is_well(cluster):
    with Wire(cluster.resp(1)) as wire:
        lines = dict(line.split(":", 1) for line in wire.do("CLUSTER", "INFO").decode().splitlines())
        same(lines["cluster_state"], "ok")
        same(lines["cluster_slots_assigned"], str(SLOTS))
        same(lines["cluster_known_nodes"], "3")


def test_slots_of_keys_and_keys_of_slots(cluster):
    with Wire(cluster.resp(2)) as wire:
        # The check value of CRC16/XMODEM, and the example of Redis's specification.
        same(wire.do("CLUSTER", "KEYSLOT", "123456789"), 0x31C3)
        same(wire.do("CLUSTER", "KEYSLOT", "{user1000}.following"), wire.do("CLUSTER", "KEYSLOT", "user1000"))
        slot = wire.do("CLUSTER", "KEYSLOT", "{topology}")
        for name in "abc":
            wire.do("SET", "{topology}" + name, "v")
        same(wire.do("CLUSTER", "COUNTKEYSINSLOT", slot), 3)
        same(sorted(wire.do("CLUSTER", "GETKEYSINSLOT", slot, 10)), [b"{topology}a", b"{topology}b", b"{topology}c"])
        same(len(wire.do("CLUSTER", "GETKEYSINSLOT", slot, 2)), 2)
