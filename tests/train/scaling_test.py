#!/usr/bin/env python3
"""The scaling study's tool: the law it fits, what it refuses, and a toy study that is stopped and goes on."""
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

STARLING = sys.argv.pop(1)
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "recipes" / "scaling.py"
spec = importlib.util.spec_from_file_location("scaling", SCRIPT)
scaling = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scaling)


class Law(unittest.TestCase):
    def runs(self, alpha, beta, noise=0.0):
        runs = []
        for i, parameters in enumerate((1e6, 3e6, 1e7)):
            for j, work in enumerate((1e14, 4e14, 1.6e15)):
                samples = work / (240 * parameters)
                loss = 0.3 + 40 * parameters ** -alpha + 25 * samples ** -beta
                runs.append({"parameters": parameters, "samples": samples, "work": work, "size": str(parameters),
                             "loss": loss + noise * (-1) ** (i + j)})
        return runs

    def test_finds_the_law_that_there_is(self):
        law = scaling.law_of(self.runs(0.34, 0.52))
        self.assertEqual((law["alpha"], law["beta"]), (0.34, 0.52))
        for key, value in (("E", 0.3), ("A", 40), ("B", 25)):
            self.assertAlmostEqual(law[key], value, delta=1e-3 * value)
        self.assertLess(law["residual"], 1e-6)
        self.assertAlmostEqual(law["best_parameters_grow_by"], 0.52 / 0.86)
        self.assertEqual(law["interval"]["beta"], [0.52, 0.52])

    def test_says_how_unsure_it_is(self):
        law = scaling.law_of(self.runs(0.34, 0.52, noise=0.01))
        self.assertGreater(law["residual"], 0.003)
        low, high = law["interval"]["beta"]
        self.assertLess(low, high)
        self.assertLess(low, 0.52 + 0.2)
        self.assertGreater(high, 0.52 - 0.2)


class Study(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.room.name)

    def tearDown(self):
        self.room.cleanup()

    def starling(self, *words):
        subprocess.run([STARLING, *words], check=True, capture_output=True)

    def command(self, *words):
        return [sys.executable, str(SCRIPT), "--starling", STARLING, "--vae", str(self.folder / "vae" / "vae"), "--out",
                str(self.folder / "study"), "--recipe", str(self.folder / "transformer.json"), *words]

    def study(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False)

    def write_recipes(self):
        clips = {"width": 32, "height": 32, "frames": 5, "batch": 2}
        (self.folder / "vae.json").write_text(json.dumps(
            {"part": "vae", **clips, "crop": 16, "channels": 8, "steps": 2, "warmup_steps": 1, "decay_steps": 1}))
        (self.folder / "transformer.json").write_text(json.dumps(
            {"part": "transformer", **clips, "vocabulary": 300, "text_length": 80, "first_latent_clips": 4,
             "latent_clips": 8, "latent_clips_per_step": 0}))

    def test_makes_every_run_once_and_plots_them(self):
        self.write_recipes()
        self.starling("train", "vae", "--out", str(self.folder / "vae"), "--recipe", str(self.folder / "vae.json"),
                      "--quiet")
        words = ("--sizes", "1x1,2x1", "--budgets", "1e9,2e9,4e9")
        stopped = subprocess.Popen(self.command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        first = self.folder / "study" / "1x1-work" / "result.json"
        while not first.exists() and stopped.poll() is None:
            time.sleep(0.01)
        os.killpg(stopped.pid, signal.SIGKILL)
        stopped.wait()
        made = self.study(*words)
        self.assertEqual(made.returncode, 0, made.stderr)
        study = json.loads((self.folder / "study" / "scaling.json").read_text())
        self.assertEqual(len(study["runs"]), 6)
        work = {run["size"]: run["work"] // run["steps"] for run in study["runs"]}
        self.assertLess(work["1x1"], work["2x1"])
        for run in study["runs"]:
            budget = min((1e9, 2e9, 4e9), key=lambda one: abs(one - run["work"]))
            self.assertEqual(run["steps"], max(2, round(budget / work[run["size"]])))
            self.assertEqual(run["samples"], 2 * run["steps"])
            self.assertGreater(run["loss"], 0)
        page = xml.etree.ElementTree.parse(self.folder / "study" / "scaling.svg").getroot()
        self.assertEqual(len(page.findall("{http://www.w3.org/2000/svg}circle")), 6)
        again = self.study(*words)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(json.loads((self.folder / "study" / "scaling.json").read_text()), study)

    def test_refuses_with_a_sentence(self):
        self.write_recipes()
        for words, why in ((("--sizes", "4", "--budgets", "1e9"), "is no list of different sizes"),
                           (("--sizes", "0x2", "--budgets", "1e9"), "is no list of different sizes"),
                           (("--sizes", "1x1,1x1", "--budgets", "1e9"), "is no list of different sizes"),
                           (("--sizes", "1x1", "--budgets", "-1"), "is no list of different budgets"),
                           (("--sizes", "1x1", "--budgets", "nan"), "is no list of different budgets"),
                           (("--sizes", "1x1", "--budgets", "1e9"), "is no autoencoder's folder")):
            refused = self.study(*words)
            self.assertEqual(refused.returncode, 1, words)
            self.assertIn(why, refused.stderr)
            self.assertEqual(len(refused.stderr.splitlines()), 1, refused.stderr)


if __name__ == "__main__":
    unittest.main()
