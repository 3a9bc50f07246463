#!/usr/bin/env python3
"""What a gateway bears: bench/gateway.py [--starling PROGRAM] [--folder FOLDER] [--queued N] [--soak SECONDS] [--check].

Starts `starling serve` with the bundled model in FOLDER (a temporary one), asks it with wrk (Debian's package) on
loopback, and prints one table and one line of JSON:
  - GET /v1/videos/{id} from 200 connections, at 10,000 /s, while a video is made, and how much slower that is made;
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
PACE_MS = 17  # between an answer and the next request of a connection: 200 of them ask 10,000 times a second and more
SUBMITTERS, SUBMITTER_PACE_MS = 16, 15
FILLERS, FILLER_PACE_MS = 64, 30
VIDEO = {"prompt": "a red ball bounces on green ground", "size": "128x128", "num_frames": 33, "steps": 6, "seed": 7}
LONG = {**VIDEO, "steps": 1000}
MOST_GROWTH = 16 * 2**20

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
            [program, "serve", "--local", "--listen", "127.0.0.1:0", "--json"],
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


def measure_reads(server, folder):
    alone, loaded, loads = [], [], []
    _, video = make(server)  # what is planned once
    for _ in range(3):
        alone.append(make(server)[0])
        seconds = max(3, round(statistics.median(alone)) + 2)
        result = {}
        before = server.cpu()[0]
        client = os.times().children_user + os.times().children_system
        thread = threading.Thread(target=lambda: result.update(
            wrk(server, "/v1/videos/" + video, CONNECTIONS, seconds, PACE_MS, folder=folder)))
        thread.start()
        time.sleep(0.3)
        loaded.append(make(server)[0])
        thread.join()
        result["server_cpu"] = server.cpu()[0] - before
        result["client_cpu"] = os.times().children_user + os.times().children_system - client
        loads.append(result)
    load = sorted(loads, key=lambda one: one["p99"])[1]
    rate = load["requests"] / load["seconds"]
    most = wrk(server, "/v1/videos/" + video, CONNECTIONS, 5, folder=folder)
    return {
        "reads_per_second": rate, "reads_p50_ms": load["p50"], "reads_p99_ms": load["p99"],
        "video_alone_s": statistics.median(alone), "video_with_reads_s": statistics.median(loaded),
        "video_slower": statistics.median(loaded) / statistics.median(alone) - 1,
        "server_share_of_cores": load["server_cpu"] / load["seconds"] / os.cpu_count(),
        "client_share_of_cores": load["client_cpu"] / load["seconds"] / os.cpu_count(),
        "most_reads_per_second": most["requests"] / most["seconds"], "most_reads_p99_ms": most["p99"],
        "errors": sum(one["errors"] for one in loads) + most["errors"],
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
    server.submit(LONG)
    ends = time.monotonic() + seconds
    failed = []

    def visit():
        connection = http.client.HTTPConnection(server.address, timeout=60)

        def ask(method, path, body=None):
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
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
            for video in own[-3:]:
                ask("GET", "/v1/videos/" + video)
            while len(own) > 100:
                ask("DELETE", "/v1/videos/" + own.pop(0))

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 4)
    early = server.memory()
    for thread in threads:
        thread.join()
    return {"soak_seconds": seconds, "memory_early": early, "memory_late": server.memory(), "errors": len(failed)}


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
    figures = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as room:
        for name, measure in (("reads", lambda server, folder: measure_reads(server, folder)),
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
