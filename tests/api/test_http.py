"""HTTP itself, on raw sockets: what is refused and with which words, keep-alive, escapes, methods, types, unknown parameters."""

import gzip
import json
import socket
import threading
import time

import pytest

from forecastd_process import daily, refused


def exchange(daemon, request, seconds=10):
    """Sends bytes and reads until the peer closes or the answer is whole; the raw answer."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=seconds) as s:
        s.sendall(request)
        return read_answer(s)


def read_answer(s, head=False):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = s.recv(65536)
        if not piece:
            return data
        data += piece
    top, _, body = data.partition(b"\r\n\r\n")
    length = next((int(x.split(b":")[1]) for x in top.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
    while len(body) < length and not head:
        piece = s.recv(65536)
        if not piece:
            break
        body += piece
    return top + b"\r\n\r\n" + body


def status(answer):
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer.split()[1])


BODY = b'{"start":"2026-01-01","step":"1h","values":[1]}'
POST = b"POST /v1/series/raw/points HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

BAD_HEADS = {
    "two content lengths": POST + b"Content-Length: 47\r\nContent-Length: 47\r\n\r\n" + BODY,
    "two unlike content lengths": POST + b"Content-Length: 47\r\nContent-Length: 5\r\n\r\n" + BODY,
    "length and chunked": POST + b"Content-Length: 47\r\nTransfer-Encoding: chunked\r\n\r\n2f\r\n" + BODY + b"\r\n0\r\n\r\n",
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\nContent-Length: 47\r\n\r\n" + BODY,
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "method of odd letters": b"FOO;: /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in the path": b"GET /v1/series/a%00b HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad escape in the path": b"GET /v1/series/a%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "cut escape in the path": b"GET /v1/series/a%2 HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad escape in the query": b"GET /v1/series?match=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "invalid UTF-8 in the path": b"GET /v1/series/a%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    "negative length": POST + b"Content-Length: -1\r\n\r\n",
    "length of words": POST + b"Content-Length: many\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_HEADS)
def test_bad_heads_are_400(daemon, name):
    answer = exchange(daemon, BAD_HEADS[name])
    assert status(answer) == 400, answer[:300]
    assert daemon.get("/healthz").status_code == 200
    refused(daemon.get("/v1/series/raw"), 404, "unknown_series")


def test_keep_alive(daemon):
    """Many requests of all kinds over one connection; an error does not end it."""
    daemon.load("keep", daily(48))
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as s:
        for i in range(30):
            s.sendall(b"GET /v1/series/keep/forecast?horizon=%d HTTP/1.1\r\nHost: x\r\n\r\n" % (i % 3 + 1))
            assert status(read_answer(s)) == 200
            s.sendall(b"GET /v1/series/none HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status(read_answer(s)) == 404
            s.sendall(POST + b"Content-Length: 47\r\n\r\n" + BODY)
            assert status(read_answer(s)) == 200
            s.sendall(b"HEAD /v1/series/keep HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status(read_answer(s, head=True)) == 200
    daemon.delete("/v1/series/raw")


def test_pipelined_and_in_pieces(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        data = b""
        while data.count(b"HTTP/1.1 200") < 5:
            piece = s.recv(65536)
            assert piece, data
            data += piece
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as s:
        for byte in POST + b"Content-Length: 47\r\n\r\n" + BODY:
            s.sendall(bytes([byte]))
        assert status(read_answer(s)) == 200
    daemon.delete("/v1/series/raw")


def test_chunked_body(daemon):
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(BODY[i:i + 7]), BODY[i:i + 7]) for i in range(0, len(BODY), 7)) + b"0\r\n\r\n"
    assert status(exchange(daemon, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)) == 200
    daemon.delete("/v1/series/raw")


def test_expect_continue(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as s:
        s.sendall(POST + b"Content-Length: 47\r\nExpect: 100-continue\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 100")
        s.sendall(BODY)
        assert status(read_answer(s)) == 200
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as s:
        s.sendall(POST + b"Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")
        assert status(read_answer(s)) == 413  # before a byte of it was sent
    daemon.delete("/v1/series/raw")


def test_half_a_body_stores_nothing(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as s:
        s.sendall(POST + b"Content-Length: 47\r\n\r\n" + BODY[:-5])
        s.shutdown(socket.SHUT_WR)
        s.settimeout(2)
        try:
            s.recv(1000)
        except TimeoutError:
            pass
    refused(daemon.get("/v1/series/raw"), 404, "unknown_series")


def test_escapes_reach_the_id(daemon):
    assert status(exchange(daemon, POST.replace(b"raw", b"a%2Fb%3Fc") + b"Content-Length: 47\r\n\r\n" + BODY)) == 200
    assert [s["id"] for s in daemon.get("/v1/series").json()["series"] if "/" in s["id"]] == ["a/b?c"]
    assert status(exchange(daemon, b"GET /v1/series/a/b HTTP/1.1\r\nHost: x\r\n\r\n")) == 404
    assert status(exchange(daemon, b"GET /v1/%73eries/a%2fb%3fc/points?limit=%31 HTTP/1.1\r\nHost: x\r\n\r\n")) == 200
    daemon.delete("/v1/series/a%2Fb%3Fc")


def test_a_plus_in_a_query_time_is_an_offset(daemon):
    daemon.load("plus", daily(48))
    for spelled in ("2026-01-01T02:00:00+01:00", "2026-01-01T02:00:00%2B01:00"):
        got = daemon.get(f"/v1/series/plus/points?limit=1&start={spelled}").json()
        assert got["timestamps"] == ["2026-01-01T01:00:00Z"]


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/series/", "/v1/series/a/", "/v1/nothing", "/v2/series", "/v1//series", "/v1/series/a/b/c",
                                  "/healthz/"])
def test_unknown_paths(daemon, path):
    refused(daemon.get(path), 404, "unknown_path")


@pytest.mark.parametrize("method, path, allow", [
    ("PATCH", "/v1/series/a", {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}), ("POST", "/v1/jobs", {"GET", "HEAD", "OPTIONS"}),
    ("DELETE", "/healthz", {"GET", "HEAD", "OPTIONS"}),
    ("GET", "/v1/forecast", {"POST", "OPTIONS"}), ("GET", "/v1/points", {"POST", "OPTIONS"}), ("PUT", "/v1/models",
                                                                                               {"GET", "HEAD", "POST", "OPTIONS"}),
])
def test_405_names_what_is_allowed(daemon, method, path, allow):
    reply = daemon.call(method, path)
    refused(reply, 405, "method_not_allowed", method)
    assert {m.strip() for m in reply.headers["Allow"].split(",")} == allow


def test_406(daemon):
    daemon.load("types", daily(48))
    for path in ("/v1/series/types/forecast", "/v1/series/types/points"):
        refused(daemon.get(path, headers={"Accept": "image/png"}), 406, "not_acceptable", "text/csv")
        refused(daemon.get(path, headers={"Accept": "application/json;q=0, text/csv;q=0"}), 406, "not_acceptable")
        assert daemon.get(path, headers={"Accept": "text/*;q=0.5, image/png"}).headers["Content-Type"].startswith("text/csv")
        assert daemon.get(path, headers={"Accept": "text/csv;q=0.5, application/json;q=0.4"}).headers["Content-Type"].startswith("text/csv")
        assert daemon.get(path, headers={"Accept": "*/*"}).headers["Content-Type"].startswith("application/json")


def test_415_says_which_header_to_send(daemon):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        refused(daemon.post("/v1/series/raw/points", BODY, headers={"Content-Type": kind}), 415, "unsupported_media_type", "Content-Type",
                "application/json")
    refused(daemon.post("/v1/models", b"a,b", headers={"Content-Type": "text/csv"}), 415, "unsupported_media_type", "application/json")
    assert daemon.post("/v1/series/raw/points", BODY, headers={"Content-Type": 'Application/JSON; charset="utf-8"'}).status_code == 200
    daemon.delete("/v1/series/raw")


@pytest.mark.parametrize("path", ["/v1/series?colour=red", "/v1/jobs?colour=red", "/v1/models?colour=red", "/healthz?colour=red"])
def test_unknown_query_parameter(daemon, path):
    refused(daemon.get(path), 422, "unknown_parameter", "colour")


def test_query_parameter_twice(daemon):
    refused(daemon.get("/v1/series?limit=1&limit=2"), 422, "duplicate_parameter", "limit")


def test_gzip_bomb(daemon):
    """A megabyte that inflates to a gigabyte is refused at the limit, not after."""
    bomb = gzip.compress(b"0" * (1 << 20), 9)
    body = bomb * 1000
    begun = time.monotonic()
    refused(daemon.post("/v1/series/raw/points", body, headers={"Content-Encoding": "gzip"}), 413, "body_too_large")
    assert time.monotonic() - begun < 10


def test_options(daemon):
    reply = daemon.call("OPTIONS", "/v1/series/a")
    assert reply.status_code in (200, 204) and "PUT" in reply.headers["Allow"]


def test_many_connections_at_once(daemon):
    """200 clients, a request each at the same moment: all are answered."""
    daemon.load("crowd", daily(48))
    results, barrier = [], threading.Barrier(200)

    def one():
        barrier.wait()
        results.append(status(exchange(daemon, b"GET /v1/series/crowd/forecast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", seconds=30)))

    threads = [threading.Thread(target=one) for _ in range(200)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [200] * 200


def test_a_client_that_leaves_does_no_harm(daemon):
    daemon.load("leave", daily(24 * 30))
    for i in range(50):
        s = socket.create_connection(("127.0.0.1", daemon.port), timeout=10)
        s.sendall(b"GET /v1/series/leave/forecast?horizon=%d HTTP/1.1\r\nHost: x\r\n\r\n" % (1000 + i))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # close sends a reset
        s.close()
    assert len(daemon.get("/v1/series/leave/forecast?horizon=1000").json()["forecast"]) == 1000


def test_health_and_metrics(daemon):
    assert daemon.get("/healthz").status_code == 200
    assert daemon.get("/readyz").status_code == 200
    reply = daemon.get("/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain") and "ETag" not in reply.headers
    names = {line.split("{")[0].split(" ")[0] for line in reply.text.splitlines() if line and not line.startswith("#")}
    assert all(n.startswith(("forecastd_", "process_")) for n in names) and len(names) > 10
    for line in reply.text.splitlines():
        if line and not line.startswith("#"):
            float(line.rsplit(" ", 1)[1])


def test_problem_documents_are_json_in_utf8(daemon):
    reply = daemon.get("/v1/series/%C3%A4%22%5C")
    assert "ä\"\\" in json.loads(reply.content.decode("utf-8"))["detail"]
