"""The alert stream of one edge over a broker's double: what it asks, sends, refuses and cuts."""
import json
import threading
import time

import pytest

from http_rig import SITE, SITES, TOKEN, Rig
from sse import Stream
from stores import until


class Feed:
    """The answers of a queries worker: alerts by seq, complete up to .horizon."""

    def __init__(self):
        self.alerts, self.horizon, self.page, self.lock = {}, 1000, 200, threading.Lock()
        self.asked = []

    def add(self, *seqs, text="x"):
        with self.lock:
            for seq in seqs:
                self.alerts[seq] = json.dumps({"seq": seq, "text": text})
            self.horizon = max([self.horizon, *seqs])

    def __call__(self, plain):
        with self.lock:
            self.asked.append(plain.get("after"))
            if "after" not in plain:
                return {"status": 200, "events": [], "next": self.horizon, "more": False}
            found = sorted(s for s in self.alerts if plain["after"] < s <= self.horizon)[:self.page]
            more = len(found) == self.page
            return {"status": 200, "events": [[s, self.alerts[s]] for s in found],
                    "next": found[-1] if more else self.horizon, "more": more}


@pytest.fixture(scope="module")
def rig():
    with Rig(stream_interval="50ms", max_streams="5") as rig:
        yield rig


@pytest.fixture
def feed(rig):
    until("earlier streams to end", 5, lambda: rig.metric("sluice_edge_streams") == 0)
    rig.broker.reply = Feed()
    rig.broker.records.clear()
    return rig.broker.reply


def test_head_and_first_id(rig, feed):
    with Stream(rig.port, SITE) as s:
        assert s.status == 200 and s.headers["content-type"] == "text/event-stream"
        assert s.headers["connection"] == "close" and "content-length" not in s.headers
        assert s.headers["cache-control"] == "no-store"
        assert s.begin() == 1000
        feed.add(1001, 1003)
        assert [s.next()["seq"], s.next()["seq"]] == [1001, 1003]
        feed.add(1004, text="Grüße: a: b")
        assert s.next()["text"] == "Grüße: a: b"
    assert rig.broker.records[0].plain == {"kind": "feed", "studies": ["NCT007"]}
    a = rig.request("HEAD", "/api/v1/alerts/stream", token=SITE)
    assert a.status == 200 and a.headers["Content-Type"] == "text/event-stream"


def test_resume(rig, feed):
    feed.add(*range(1001, 1031))
    feed.page = 7
    with Stream(rig.port, SITE, last=1005) as s:
        assert s.begin() == 1005
        assert [s.next()["seq"] for _ in range(25)] == list(range(1006, 1031))
    with Stream(rig.port, SITE, last=0) as s:
        assert [s.begin()] + [s.next()["seq"] for _ in range(30)] == [0, *range(1001, 1031)]
    for bad in ("x", "-1", "1.5", "99999999999999999999", "1 2"):
        with Stream(rig.port, SITE, last=bad) as s:
            assert s.status == 400


def test_streams_share_one_feed(rig, feed):
    with Stream(rig.port, SITE) as first:
        first.begin()
        with Stream(rig.port, SITE, last=0) as late, Stream(rig.port, SITE) as second:
            assert late.begin() == 0 and second.begin() == 1000
            feed.add(1001)
            assert [s.next()["seq"] for s in (first, second, late)] == [1001] * 3
            feed.asked.clear()
            until("some rounds", 5, lambda: len(feed.asked) >= 4)
            began, n = time.monotonic(), len(feed.asked)
            until("more rounds", 5, lambda: len(feed.asked) >= n + 6)
            assert time.monotonic() - began > 0.2  # three feeds would take a third of the time
            feed.add(1002)
            assert [s.next()["seq"] for s in (first, second, late)] == [1002] * 3
        feed.add(1003)
        assert first.next()["seq"] == 1003


def test_other_studies_have_a_feed_of_their_own(rig, feed):
    with Stream(rig.port, SITE) as one, Stream(rig.port, SITES) as two, Stream(rig.port, SITES, query="?study=B") as three:
        for s in (one, two, three):
            s.begin()
        asked = {tuple(r.plain["studies"]) for r in rig.broker.records}
        assert asked == {("NCT007",), ("A", "B"), ("B",)}
    with Stream(rig.port, SITES, query="?study=C") as s:
        assert s.status == 404


def test_a_database_set_back_is_followed(rig, feed):
    """After a restore transaction numbers begin lower: the stream goes back with them."""
    with Stream(rig.port, SITE, last=5000) as s:
        assert s.begin() == 5000
        feed.add(1001)
        assert s.next()["seq"] == 1001


def test_nobody_answers(rig, feed):
    rig.broker.reply = None
    with Stream(rig.port, SITE) as s:
        assert s.status == 503 and s.headers["content-type"] == "application/problem+json"
    rig.broker.reply = "silent"
    began = time.monotonic()
    with Stream(rig.port, SITE, last=7) as s:
        assert s.status == 503 and 0.9 < time.monotonic() - began < 2
    for broken in ({"status": 200}, {"status": 200, "next": 1, "more": False, "events": [[1, "a\nb"]]},
                   {"status": 200, "next": 1, "more": False, "events": [[1]]},
                   {"status": 200, "next": 1, "more": False, "events": [[1, "{}"]] * 201}):
        rig.broker.reply = broken
        with Stream(rig.port, SITE, last=0) as s:
            assert s.status == 503, broken


def test_an_open_stream_outlives_an_outage(rig, feed):
    with Stream(rig.port, SITE) as s:
        s.begin()
        rig.broker.reply = None
        feed.add(1001, 1002)
        asked = len(rig.broker.records)
        until("the edge to ask in vain", 5, lambda: len(rig.broker.records) > asked + 1)
        rig.broker.reply = feed
        assert [s.next()["seq"], s.next()["seq"]] == [1001, 1002]


def test_streams_are_bounded(rig, feed):
    open_ = [Stream(rig.port, SITE) for _ in range(5)]
    try:
        assert [s.status for s in open_] == [200] * 5
        with Stream(rig.port, SITE) as s:
            assert s.status == 503
        assert rig.metric("sluice_edge_streams") == 5
        open_.pop().close()
        until("its place to be free", 5, lambda: rig.metric("sluice_edge_streams") == 4)
        with Stream(rig.port, SITE) as s:
            assert s.status == 200
    finally:
        for s in open_:
            s.close()


def test_a_slow_reader_is_cut_and_misses_nothing(rig, feed):
    feed.page = 50  # an answer has 256 KiB at most
    cut = rig.metric("sluice_edge_streams_cut_total")
    with Stream(rig.port, SITE) as quick, Stream(rig.port, SITE, receive_buffer=4096) as slow:
        first = [quick.begin(), slow.begin()][1]
        sent = 1000
        while rig.metric("sluice_edge_streams_cut_total") == cut:
            assert sent < 6000, "not cut"
            feed.add(*range(sent + 1, sent + 51), text="y" * 2000)
            assert [quick.next()["seq"] for _ in range(50)] == list(range(sent + 1, sent + 51))
            sent += 50
        seen = []
        try:
            while (alert := slow.next()) is not None:
                seen.append(alert["seq"])
        except (ConnectionResetError, json.JSONDecodeError, ValueError, AssertionError):
            pass  # it ended within a line
        last = seen[-1] if seen else first
        assert seen == list(range(1001, last + 1)) and last < sent
    with Stream(rig.port, SITE, last=last) as s:
        s.begin()
        assert [s.next()["seq"] for _ in range(sent - last)] == list(range(last + 1, sent + 1))


def test_who_catches_up_slowly_is_not_cut(rig, feed):
    """A long absence is sent as fast as the reader takes it."""
    cut = rig.metric("sluice_edge_streams_cut_total")
    feed.add(*range(1001, 3001), text="z" * 500)  # more than an edge keeps for one stream
    feed.page = 100
    with Stream(rig.port, SITE, last=1000, receive_buffer=4096) as s:
        s.begin()
        until("the edge to wait for the reader", 5, lambda: len(feed.asked) > 1)
        assert [s.next()["seq"] for _ in range(2000)] == list(range(1001, 3001))
    assert rig.metric("sluice_edge_streams_cut_total") == cut


def test_what_a_client_sends_meanwhile_is_ignored(rig, feed):
    with Stream(rig.port, SITE) as s:
        s.begin()
        s.socket.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 5000)
        feed.add(1001)
        assert s.next()["seq"] == 1001


def test_roles(rig, feed):
    with Stream(rig.port, TOKEN) as s:
        assert s.status == 403
    with Stream(rig.port, "unknown") as s:
        assert s.status == 401
    assert rig.broker.records == []


def test_heartbeats():
    """Comments while nothing happens, an id where the cursor moved on, and an end for who reads nothing."""
    with Rig(stream_interval="20ms", stream_heartbeat="100ms") as rig:
        feed = rig.broker.reply = Feed()
        with Stream(rig.port, SITE) as s:
            s.begin()
            s.block()
            s.block()
            assert s.comments == 2
            feed.horizon = 1500
            until("the new id", 5, lambda: s.block().get("id") == "1500")
            feed.add(1501)
            assert s.next()["seq"] == 1501
        with Stream(rig.port, SITE) as quick, Stream(rig.port, SITE, receive_buffer=4096) as s:
            quick.begin()
            s.begin()
            cut, sent = rig.metric("sluice_edge_streams_cut_total"), 1501
            while rig.metric("sluice_edge_streams_cut_total") == cut:  # the kernel's buffers are full at some time
                assert sent < 4000, "not cut"
                feed.add(*range(sent + 1, sent + 21), text="y" * 4000)
                assert [quick.next()["seq"] for _ in range(20)] == list(range(sent + 1, sent + 21))
                sent += 20
                beats = quick.comments
                until("two heartbeats", 5, lambda: quick.block() is not None and quick.comments >= beats + 2)
        assert rig.metric("sluice_edge_streams_cut_total") == cut + 1


def test_draining_ends_streams():
    with Rig(stream_interval="50ms") as rig:
        rig.broker.reply = Feed()
        with Stream(rig.port, SITE) as s:
            s.begin()
            rig.edges[0].popen.terminate()
            assert s.next() is None
        assert rig.edges[0].wait() == 0
