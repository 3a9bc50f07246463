#!/usr/bin/env python3
"""What a gateway bears: bench/gateway.py [--starling PROGRAM] [--folder FOLDER] [--queued N] [--soak SECONDS] [--check].

Starts `starling serve` with the bundled model in FOLDER (a temporary one), asks it on loopback, with wrk (Debian's
package) and, where requests come at a steady rate, starling_bench_reads, and prints one table and one line of JSON:
  - GET /v1/videos/{id} from 200 connections, at 10,000 /s, while a video is made, and how much slower that is made than
    the one just before that nobody asked about: at the median of pairs; and than one while the client's share of the
    cores was taken, in the same rhythm, and nothing was asked: what the answers alone make of it;
  - the same as fast as it goes;
  - POST /v1/videos while N (10,000) wait and one is made;
  - the server's memory while videos are asked for, looked at, listed and deleted for SECONDS (60).
--check ends with 1 when memory grew in the soak or an answer was no 2xx: what holds on a machine that is busy too.
Server, client and the making of videos share all cores.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
CONNECTIONS = 200
RATE = 10_100  # requests a second, due at even intervals, answered or not
PAIRS = 7  # of videos made alone and with requests
SUBMITTERS, SUBMITTER_PACE_MS = 16, 15
FILLERS, FILLER_PACE_MS = 64, 30
VIDEO = {"prompt": "a red ball bounces on green ground", "size": "128x128", "num_frames": 33, "steps": 6, "seed": 7}
LONG = {**VIDEO, "steps": 1000}
MOST_GROWTH = 16 * 2**20
SOAK_REST, SOAK_LOOKS = 0.05, 12  # seconds between a visitor's rounds; how often memory is looked at

LUA = """
function delay() return %d end
function done(summary, latency)
  local failed = summary.errors
  io.write(string.format('{"requests":%%d,"seconds":%%.3f,"p50":%%.3f,"p99":%%.3f,"max":%%.3f,"errors":%%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    latency.max / 1000, failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
"""
POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[%s]]
"""


class Server:
    def __init__(self, program, folder):
        self.errors = open(folder / "log", "w")
        self.process = subprocess.Popen(
            [program, "serve", "--local", "--most-seconds", "0", "--listen", "127.0.0.1:0", "--json"],
            env={**os.environ, "STARLING_HOME": str(folder / "home")},
            stdout=subprocess.PIPE, stderr=self.errors, text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit("starling serve did not begin: see " + str(folder / "log"))
        self.url = json.loads(line)["url"]
        self.address = self.url.removeprefix("http://")

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request(method, path, json.dumps(body) if body else None,
                           {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            sys.exit(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def submit(self, video):
        return self.ask("POST", "/v1/videos", video)["id"]

    def until(self, video, wanted):
        while True:
            status = self.ask("GET", "/v1/videos/" + video)["status"]
            if status in wanted:
                return
            time.sleep(0.02)

    def cpu(self):
        """Seconds of processor time of all threads that answer, and of those that make videos."""
        answer = made = 0.0
        tick = os.sysconf("SC_CLK_TCK")
        for thread in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                fields = (thread / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            used = (int(fields[11]) + int(fields[12])) / tick
            if int(fields[16]) > 0:  # makers and checkers give way: they are niced
                made += used
            else:
                answer += used
        return answer, made

    def memory(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.errors.close()


def start_reads(program, server, video, seconds):
    port = server.address.rpartition(":")[2]
    return subprocess.Popen([program, port, "/v1/videos/" + video, str(RATE), str(CONNECTIONS), str(seconds)],
                            stdout=subprocess.PIPE, text=True)


def wrk(server, path, connections, seconds, pace=0, body=None, folder=None):
    script = folder / "wrk.lua"
    text = LUA % pace
    if pace == 0:
        text = text.partition("end\n")[2]
    script.write_text((POST % json.dumps(body) if body else "") + text)
    run = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), server.url + path],
                         capture_output=True, text=True, check=True)
    return json.loads(run.stdout.strip().splitlines()[-1])


def make(server):
    """Seconds that one video takes."""
    video = server.submit(VIDEO)
    server.until(video, ["in_progress"])
    begun = time.monotonic()
    server.until(video, ["completed"])
    return time.monotonic() - begun, video


def measure_reads(server, folder, program):
    alone, beside, loaded, loads = [], [], [], []
    _, video = make(server)  # what is planned once
    first = json.loads(start_reads(program, server, video, 2).communicate()[0])
    share = 1e3 * first["cpu"] / first["seconds"]  # microseconds of each millisecond
    for _ in range(PAIRS):
        alone.append(make(server)[0])
        seconds = max(2, round(1.3 * statistics.median(alone) + 1))
        client = subprocess.Popen([program, str(seconds), str(share)])
        time.sleep(0.3)
        beside.append(make(server)[0])
        client.wait()
        before = server.cpu()[0]
        client = start_reads(program, server, video, seconds)
        time.sleep(0.3)
        loaded.append(make(server)[0])
        result = json.loads(client.communicate()[0])
        result["server_cpu"] = server.cpu()[0] - before
        share = 1e3 * result["cpu"] / result["seconds"]
        loads.append(result)

    def median(figure):
        return statistics.median(figure(load) for load in loads)

    most = wrk(server, "/v1/videos/" + video, CONNECTIONS, 5, folder=folder)
    return {
        "reads_per_second": median(lambda load: load["requests"] / load["seconds"]),
        "reads_p50_ms": median(lambda load: load["p50"]), "reads_p99_ms": median(lambda load: load["p99"]),
        "video_alone_s": statistics.median(alone), "video_with_reads_s": statistics.median(loaded),
        "video_slower": statistics.median(after / before for before, after in zip(alone, loaded)) - 1,
        "video_slower_by_client": statistics.median(after / before for before, after in zip(alone, beside)) - 1,
        "video_slower_by_answers": statistics.median(after / before for before, after in zip(beside, loaded)) - 1,
        "server_share_of_cores": median(lambda load: load["server_cpu"] / load["seconds"]) / os.cpu_count(),
        "client_share_of_cores": median(lambda load: load["cpu"] / load["seconds"]) / os.cpu_count(),
        "most_reads_per_second": most["requests"] / most["seconds"], "most_reads_p99_ms": most["p99"],
        "errors": sum(load["errors"] for load in loads) + most["errors"],
    }


def synced_write(folder):
    """Milliseconds of a write of 4 KiB that lasts, at the median."""
    times = []
    with open(folder / "synced", "wb") as file:
        for _ in range(100):
            begun = time.monotonic()
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
            times.append(1000 * (time.monotonic() - begun))
    return statistics.median(times)


def measure_submissions(server, folder, queued):
    server.submit(LONG)
    waiting = 0
    while waiting < queued:
        filled = wrk(server, "/v1/videos", FILLERS, 1, FILLER_PACE_MS, VIDEO, folder)
        waiting += filled["requests"]
        if filled["errors"]:
            sys.exit("the queue could not be filled: " + json.dumps(filled))
    result = wrk(server, "/v1/videos", SUBMITTERS, 5, SUBMITTER_PACE_MS, VIDEO, folder)
    return {"queued": waiting, "submissions_per_second": result["requests"] / result["seconds"],
            "submissions_p50_ms": result["p50"], "submissions_p99_ms": result["p99"],
            "synced_write_ms": synced_write(folder), "errors": result["errors"]}


def measure_soak(server, seconds):
    """Memory after a quarter of the time, when all that is kept is there, and at its end."""
    _, made = make(server)
    server.submit(LONG)
    ends = time.monotonic() + seconds
    failed, asked = [], []

    def visit():
        connection = http.client.HTTPConnection(server.address, timeout=60)
        count = 0

        def ask(method, path, body=None, headers=None):
            nonlocal count
            count += 1
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else headers or {})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 500:
                failed.append((method, path, answer.status))
            return answer.status, text

        own = []
        while time.monotonic() < ends:
            status, text = ask("POST", "/v1/videos", json.dumps(VIDEO))
            if status == 200:
                own.append(json.loads(text)["id"])
            ask("GET", "/v1/videos?limit=20")
            ask("POST", "/v1/videos", '{"prompt": 1, "size": "1x"}')
            ask("GET", "/openapi.json")
            ask("GET", f"/v1/videos/{made}/content?variant=spritesheet", headers={"Range": "bytes=100-4195"})
            ask("GET", f"/v1/videos/{made}/events")
            for video in own[-3:]:
                ask("GET", "/v1/videos/" + video)
            while len(own) > 100:
                ask("DELETE", "/v1/videos/" + own.pop(0))
            time.sleep(SOAK_REST)
        asked.append(count)

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    memory = []
    for i in range(SOAK_LOOKS):
        time.sleep(max(0, ends - seconds + seconds * (i + 1) / SOAK_LOOKS - time.monotonic()))
        memory.append(server.memory())
    for thread in threads:
        thread.join()
    return {"soak_seconds": seconds, "soak_requests": sum(asked), "memory_early": memory[SOAK_LOOKS // 4 - 1],
            "memory_late": memory[-1], "memory": memory, "errors": len(failed)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--starling", default=str(HERE.parent / "build/release/starling"))
    arguments.add_argument("--folder")
    arguments.add_argument("--queued", type=int, default=10_000)
    arguments.add_argument("--soak", type=int, default=60)
    arguments.add_argument("--check", action="store_true")
    options = arguments.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: cmake/install_packages.sh bench")
    reads = pathlib.Path(options.starling).parent / "bench/starling_bench_reads"
    if not reads.exists():
        sys.exit(f"{reads} is missing: build it with -DSTARLING_BENCH=ON")
    figures = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as room:
        for name, measure in (("reads", lambda server, folder: measure_reads(server, folder, reads)),
                              ("submissions", lambda server, folder: measure_submissions(server, folder, options.queued)),
                              ("soak", lambda server, folder: measure_soak(server, options.soak))):
            folder = pathlib.Path(room) / name
            folder.mkdir()
            server = Server(options.starling, folder)
            try:
                figures[name] = measure(server, folder)
            finally:
                server.end()
    report(figures)
    soak = figures["soak"]
    grown = soak["memory_late"] - soak["memory_early"]
    if options.check and (grown > MOST_GROWTH or any(part["errors"] for part in figures.values())):
        sys.exit(f"memory grew by {grown} bytes, and {sum(part['errors'] for part in figures.values())} answers failed")


def report(figures):
    reads, submissions, soak = figures["reads"], figures["submissions"], figures["soak"]
    rows = [
        (f"GET /v1/videos/{{id}}, {CONNECTIONS} connections, a video on its way", f"{reads['reads_per_second']:.0f} /s"),
        ("  p50, p99", f"{reads['reads_p50_ms']:.2f} ms, {reads['reads_p99_ms']:.2f} ms"),
        ("  the video alone, and meanwhile", f"{reads['video_alone_s']:.2f} s, {reads['video_with_reads_s']:.2f} s: "
                                             f"{100 * reads['video_slower']:+.1f} %"),
        ("  by the client's share of the cores, and by the answers beside it",
         f"{100 * reads['video_slower_by_client']:+.1f} %, {100 * reads['video_slower_by_answers']:+.1f} %"),
        ("  of all cores: the server's answers, the client",
         f"{100 * reads['server_share_of_cores']:.1f} %, {100 * reads['client_share_of_cores']:.1f} %"),
        ("  as fast as it goes, nothing made", f"{reads['most_reads_per_second']:.0f} /s, "
                                               f"p99 {reads['most_reads_p99_ms']:.2f} ms"),
        (f"POST /v1/videos, {SUBMITTERS} connections, {submissions['queued']} waiting, one made",
         f"{submissions['submissions_per_second']:.0f} /s"),
        ("  p50, p99", f"{submissions['submissions_p50_ms']:.1f} ms, {submissions['submissions_p99_ms']:.1f} ms"),
        ("  a synced write of 4 KiB by itself", f"{submissions['synced_write_ms']:.2f} ms"),
        (f"memory after a quarter of {soak['soak_seconds']} s of use, and at its end",
         f"{soak['memory_early'] / 2**20:.0f} MiB, {soak['memory_late'] / 2**20:.0f} MiB"),
    ]
    for what, figure in rows:
        print(f"{what:<72} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
