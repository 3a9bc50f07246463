"""What a gateway must bear: hostile.py URL PID FOLDER, of one that runs without keys, its process and its folder.

Each thing is tried against the server as a process; after each it must answer, and at the end have leaked nothing.
"""
import base64
import concurrent.futures
import http.client
import json
import os
import pathlib
import resource
import socket
import struct
import sys
import time
import zlib

URL, PID, FOLDER = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
HOST, PORT = URL.removeprefix("http://").split(":")
SMALL = {"prompt": "a red ball", "size": "32x32", "num_frames": 9, "steps": 3}
MOST_MEMORY = 3 << 30


def ask(method, path, body=b"", kind="application/json", timeout=60):
    connection = http.client.HTTPConnection(HOST, int(PORT), timeout=timeout)
    connection.request(method, path, body, {"Content-Type": kind} if body else {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def submit(video):
    return ask("POST", "/v1/videos", json.dumps(video))


def refused(answer, *statuses):
    status, text = answer
    assert status in statuses, (status, text[:300])
    error = json.loads(text)["error"]
    assert error["message"] and set(error) == {"message", "type", "param", "code"}, error


def raw(text, wait=5):
    """What the server says to these bytes, until it closes or says no more."""
    with socket.create_connection((HOST, int(PORT)), timeout=wait) as line:
        try:
            line.sendall(text)
            said = b""
            while piece := line.recv(65536):
                said += piece
        except (ConnectionError, TimeoutError):
            pass
        return said


def peak_memory():
    status = pathlib.Path(f"/proc/{PID}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def zeros(count, pieces):
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(count)) for _ in range(pieces)) + packer.flush()


def png(width, height, rows, beside=b""):
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + beside + chunk(b"IDAT", zeros(1 + 3 * width, rows)) + chunk(b"IEND", b""))


def from_picture(picture):
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    return submit({**SMALL, "input_reference": {"image_url": url}})


def zip_bombs():
    refused(from_picture(png(60000, 60000, 10)), 400)  # more than any picture may have
    refused(from_picture(png(8192, 8192, 8192)), 400)
    refused(from_picture(png(0, 8, 0)), 400)
    packed = zeros(1 << 20, 512)
    before, begun = peak_memory(), time.monotonic()
    for beside in (chunk(b"zTXt", b"x\0\0" + packed), chunk(b"iTXt", b"x\0\1\0\0\0" + packed), chunk(b"iCCP", b"x\0\0" + packed)):
        assert from_picture(png(32, 32, 32, beside))[0] == 200
    assert peak_memory() - before < 64 << 20, peak_memory() - before
    assert time.monotonic() - begun < 10
    largest = png(8192, 4800, 4800)  # 118 MB of black in 120 KB: allowed, so that it is the most that one can ask for
    assert len(largest) < 1 << 20
    with concurrent.futures.ThreadPoolExecutor(16) as crowd:
        for status, text in crowd.map(from_picture, [largest] * 16):
            assert status in (200, 503), (status, text[:300])
            if status == 503:
                refused((status, text), 503)
    assert peak_memory() < MOST_MEMORY, peak_memory()


def many_zeros(mebibytes):
    """A stream that becomes so many, made of one piece again and again; without an end."""
    packer = zlib.compressobj(9)
    first = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (mebibytes - 1)


def box(kind, *contents):
    data = b"".join(contents)
    return struct.pack(">I", 8 + len(data)) + kind + data


def endless_files():
    before, begun = peak_memory(), time.monotonic()
    # 10 GiB behind the one pixel that there is.
    pixel = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
             + chunk(b"IDAT", many_zeros(10 << 10)) + chunk(b"IEND", b""))
    # A table of contents of 2 GiB.
    film = (box(b"ftyp", b"qt  ", bytes(4)) + box(b"moov", box(b"cmov", box(b"dcom", b"zlib"),
            box(b"cmvd", struct.pack(">I", 2047 << 20), many_zeros(2047)))))
    for file in (pixel, film):
        assert len(file) < 12 << 20
        refused(from_picture(file), 400)
    assert peak_memory() - before < 256 << 20, peak_memory() - before
    assert time.monotonic() - begun < 120


def slow_clients():
    lines = [socket.create_connection((HOST, int(PORT))) for _ in range(500)]
    for line in lines:
        line.sendall(b"POST /v1/videos HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Le")
    begun = time.monotonic()
    assert ask("GET", "/v1/videos")[0] == 200
    assert time.monotonic() - begun < 2
    for line in lines:
        line.close()


def forms():
    head = b"POST /v1/videos HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=B\r\n"
    part = b'--B\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n'
    # Less than was said comes, more than was said, no end, an end before the beginning.
    raw(head + b"Content-Length: 100000\r\n\r\n" + part)
    raw(head + b"Content-Length: 5\r\n\r\n" + part + b"--B--\r\n")
    for body in (part, b"--B--\r\n" + part, part * 100_000, part[:-4] * 3,
                 b'--B\r\nContent-Disposition: form-data; name="' + b"[" * 5000 + b'"\r\n\r\nx\r\n--B--\r\n',
                 b"--B\r\n" + b"X-Header: y\r\n" * 100_000 + b"\r\n\r\n--B--\r\n"):
        refused(ask("POST", "/v1/videos", body, "multipart/form-data; boundary=B"), 400)
    refused(ask("POST", "/v1/videos", bytes(17 << 20), "multipart/form-data; boundary=B"), 413)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "image/png", "application/json+x", "multipart/mixed"):
        refused(ask("POST", "/v1/videos", json.dumps(SMALL), kind), 415)


def paths():
    before = {path for path in FOLDER.rglob("*") if "videos/" not in str(path)}
    for path in ("..", "../keys", "..%2f..%2fjobs.sqlite", "%2e%2e%2fjobs.sqlite", "..%5cjobs.sqlite", "%00", "a%00b",
                 "....//jobs.sqlite", "/etc/passwd", "video_../../x", "lock", "~", "%c0%ae%c0%ae", "x" * 4000):
        for tail in ("", "/content", "/events"):
            said = raw(f"GET /v1/videos/{path}{tail} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            assert said.split(b" ")[1] in (b"400", b"404"), (path, said[:200])
    for name in ("../../escaped.png", "/tmp/escaped.png", "a\\..\\escaped.png", "%2e%2e/escaped.png"):
        body = (f'--B\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; '
                f'name="input_reference"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n').encode()
        ask("POST", "/v1/videos", body + png(16, 16, 16) + b"\r\n--B--\r\n", "multipart/form-data; boundary=B")
    after = {path for path in FOLDER.rglob("*") if "videos/" not in str(path)}
    assert {path.name for path in after - before} <= {"jobs.sqlite-wal", "jobs.sqlite-shm"}, after - before
    assert not pathlib.Path("/tmp/escaped.png").exists()


def deletions():
    videos = [json.loads(submit({**SMALL, "steps": 100})[1])["id"] for _ in range(20)]
    with concurrent.futures.ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda video: ask("DELETE", "/v1/videos/" + video)[0], videos * 8))
    assert answers.count(200) == len(videos) and answers.count(404) == 7 * len(videos), answers
    for video in videos:
        assert ask("GET", "/v1/videos/" + video)[0] == 404


def clear():
    for video in json.loads(ask("GET", "/v1/videos?limit=100")[1])["data"]:
        ask("DELETE", "/v1/videos/" + video["id"])


def full_disk():
    clear()
    waiting = [json.loads(submit({**SMALL, "steps": 20})[1])["id"] for _ in range(3)]
    resource.prlimit(PID, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    refused(submit(SMALL), 503)
    refused(from_picture(png(32, 32, 32)), 503)
    refused(ask("DELETE", "/v1/videos/" + waiting[2]), 503)
    assert ask("GET", "/v1/videos/" + waiting[0])[0] == 200
    time.sleep(1)
    resource.prlimit(PID, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    waiting.append(json.loads(submit(SMALL)[1])["id"])
    failed = []
    for video in waiting:
        for _ in range(3000):
            found = json.loads(ask("GET", "/v1/videos/" + video)[1])
            if found["status"] in ("completed", "failed"):
                break
            time.sleep(0.02)
        if found["status"] != "completed":
            failed.append(found)
    # What was being written meanwhile may have failed, and says why. What only waited is made.
    assert len(failed) <= 1 and all(video["error"]["code"] == "io" for video in failed), failed


for attack in (zip_bombs, endless_files, slow_clients, forms, paths, deletions, full_disk):
    begun = time.monotonic()
    descriptors = len(os.listdir(f"/proc/{PID}/fd"))
    attack()
    status, _ = ask("GET", "/v1/videos")
    assert status == 200, attack.__name__
    print(f"{attack.__name__}: {time.monotonic() - begun:.1f} s")
print(f"it still answers; at most {peak_memory() >> 20} MiB of memory")
