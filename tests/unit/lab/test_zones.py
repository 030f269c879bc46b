"""The lab's data and the zones made from them."""

from lab import send, topology, zones


def test_every_address_is_used_once() -> None:
    numbers = [number for host in topology.HOSTS for number in host.numbers]
    assert len(numbers) == len(set(numbers))
    assert topology.GATEWAY not in numbers


def test_token_and_zone_ids_look_like_cloudflares() -> None:
    assert len(topology.CLOUDFLARE_TOKEN) >= 40
    for number in topology.CLOUDFLARE_ZONES.values():
        assert len(number) == 32
        int(number, 16)


def test_children_come_before_their_parents() -> None:
    order = {zone: place for place, zone in enumerate(zones.ZONES)}
    for parent, children in zones.CHILDREN.items():
        assert all(order[child] < order[parent] for child in children)


def test_root_delegates_and_carries_the_children_s_ds() -> None:
    text = zones.zone_file(".", "test. DS 1 13 2 aa\n")
    assert "test. NS ns.test.\n" in text
    assert "test. DS 1 13 2 aa\n" in text
    assert "ns.test. A 198.18.77.53\n" in text


def test_pointers_name_the_exchangers() -> None:
    assert "11.77.18.198.in-addr.arpa. PTR mx1.example.test.\n" in zones.zone_file(
        topology.REVERSE4
    )
    assert "PTR mx2.example.test.\n" in zones.zone_file(topology.REVERSE6)


def test_messages_are_told_apart() -> None:
    first, second = send.Message("a@sender.test", "b@example.test"), send.Message("a", "b")
    assert first.message_id != second.message_id
    assert f"Message-ID: {first.message_id}\n" in first.text()
