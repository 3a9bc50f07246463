#!/usr/bin/env python3
"""Trains transformers of several sizes for several budgets of work, and fits the law that their losses follow.

    recipes/scaling.py --vae models/next/vae --out runs/scaling --sizes 4x4,6x6,8x8 --budgets 3e14,1e15,3e15

A size is BLOCKSxHEADS, a budget the multiply-adds of all steps, counted by the program from the shapes. Each run is a
folder of `starling train transformer` and goes on where it was stopped; what is finished is not made again. Writes
runs/scaling/scaling.json (every run, and the law) and scaling.svg. Needs nothing but Python and the program.

The law is that of Hoffmann et al., "Training compute-optimal large language models", 2022: with N parameters and D
samples the loss is E + A / N^alpha + B / D^beta, by least squares; the intervals leave out one run after the other.
"""
import argparse
import json
import math
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DECAY = 0.2  # of the steps
WARMUP = 0.02
COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"]


class Failed(Exception):
    """One sentence that says what to do."""


def starling(arguments, *command):
    """Runs the program; gives the object on its last line."""
    ran = subprocess.run([arguments.starling, *command, "--threads", str(arguments.threads), "--json"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    lines = ran.stdout.strip().splitlines()
    if ran.returncode != 0 or not lines:
        raise Failed(f"starling {' '.join(command)} failed: {ran.stderr.strip().splitlines()[-1:]}")
    return json.loads(lines[-1])


def write(path, text):
    """A file whole or not at all."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    beside.replace(path)


def recipe_of(arguments, size, steps):
    recipe = json.loads(pathlib.Path(arguments.recipe).read_text())
    blocks, heads = size
    warmup = max(1, round(WARMUP * steps))
    recipe.pop("shapes", None)  # of one shape a step's work is one number
    recipe.update(blocks=blocks, heads=heads, steps=steps, warmup_steps=min(warmup, steps),
                  decay_steps=min(round(DECAY * steps), steps - 1))
    return recipe


def train(arguments, folder, recipe):
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "wanted.json"
    write(file, json.dumps(recipe, indent=2) + "\n")
    for cache in ("latents.bin", "held_out_latents.bin"):  # of the same clips
        have = arguments.out / "cache" / cache
        if have.exists() and not (folder / cache).exists():
            shutil.copyfile(have, folder / cache)
    summary = starling(arguments, "train", "transformer", "--out", str(folder), "--recipe", str(file), "--vae",
                       str(arguments.vae), "--resume", "--quiet")
    if not summary["finished"]:
        raise Failed(f"{folder} was stopped: run this again to go on")
    return summary


def work_of_a_step(arguments, size):
    """Counted by the program, of a run of one step."""
    folder = arguments.out / f"{size[0]}x{size[1]}-work"
    result = folder / "result.json"
    if not result.exists():
        summary = train(arguments, folder, recipe_of(arguments, size, 1))
        write(result, json.dumps(summary))
        (arguments.out / "cache").mkdir(exist_ok=True)
        for cache in ("latents.bin", "held_out_latents.bin"):
            if (folder / cache).exists() and not (arguments.out / "cache" / cache).exists():
                shutil.copyfile(folder / cache, arguments.out / "cache" / cache)
    summary = json.loads(result.read_text())
    return summary["work_per_step"], summary["parameters"]


def measure(arguments, size, budget):
    """One run to its end: what it took and what it came to."""
    work, parameters = work_of_a_step(arguments, size)
    steps = max(2, round(budget / work))
    folder = arguments.out / f"{size[0]}x{size[1]}-{budget:.3g}"
    result = folder / "scaling.json"
    if result.exists():
        run = json.loads(result.read_text())
        if run["steps"] == steps and run["recipe"] == recipe_of(arguments, size, steps):
            return run
        raise Failed(f"{folder} holds another run: name another --out, or remove it")
    recipe = recipe_of(arguments, size, steps)
    summary = train(arguments, folder, recipe)
    run = {"size": f"{size[0]}x{size[1]}", "parameters": parameters, "steps": steps,
           "samples": steps * recipe["batch"] * recipe.get("gradients", 1), "work": steps * work,
           "loss": summary["validation"]["validation_loss"], "recipe": recipe}
    if arguments.clips > 0:
        report = starling(arguments, "evaluate", str(folder / "model"), "--world", str(recipe.get("world", 1)),
                          "--clips", str(arguments.clips))
        run["scores"] = {name: report["scores"][name]["model"] for name in report["scores"]}
        run["of_ceiling"] = report["comparisons"]["model by ceiling"]["overall"]
    write(result, json.dumps(run, indent=2))
    return run


def solve(rows, values):
    """Least squares of at most three unknowns that are not negative, by trying every set of them."""
    best = None
    for chosen in ([0, 1, 2], [0, 1], [0, 2], [1, 2], [0], [1], [2]):
        n = len(chosen)
        matrix = [[sum(row[i] * row[j] for row in rows) for j in chosen] +
                  [sum(row[i] * value for row, value in zip(rows, values))] for i in chosen]
        scale = max(max(abs(x) for x in line) for line in matrix)
        singular = False
        for i in range(n):
            pivot = max(range(i, n), key=lambda r, column=i: abs(matrix[r][column]))
            if abs(matrix[pivot][i]) < 1e-13 * scale:
                singular = True
                break
            matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
            for r in range(n):
                if r != i:
                    factor = matrix[r][i] / matrix[i][i]
                    matrix[r] = [a - factor * b for a, b in zip(matrix[r], matrix[i])]
        if singular:
            continue
        found = [0.0, 0.0, 0.0]
        for i, place in enumerate(chosen):
            found[place] = matrix[i][n] / matrix[i][i]
        if min(found) < 0:
            continue
        error = sum((sum(a * b for a, b in zip(row, found)) - value) ** 2 for row, value in zip(rows, values))
        if best is None or error < best[0]:
            best = (error, found)
    return best


def fit(runs):
    """E, A, alpha, B, beta: the exponents from a grid, a coarse one first, the rest by least squares."""
    losses = [run["loss"] for run in runs]
    middle = [math.exp(sum(math.log(run[key]) for run in runs) / len(runs)) for key in ("parameters", "samples")]

    def best_of(alphas, betas):
        best = None
        for alpha in alphas:
            first = [(run["parameters"] / middle[0]) ** -alpha for run in runs]
            for beta in betas:
                rows = [(1.0, a, (run["samples"] / middle[1]) ** -beta) for a, run in zip(first, runs)]
                solved = solve(rows, losses)
                if solved is not None and (best is None or solved[0] < best[0]):
                    best = (solved[0], alpha, beta, solved[1])
        return best

    coarse = [round(0.04 + 0.1 * i, 2) for i in range(15)]
    best = best_of(coarse, coarse)
    around = [[round(at + 0.01 * i, 2) for i in range(-10, 11) if at + 0.01 * i > 0.005] for at in best[1:3]]
    error, alpha, beta, (floor, a, b) = best_of(*around)
    return {"E": floor, "A": a * middle[0] ** alpha, "alpha": alpha, "B": b * middle[1] ** beta, "beta": beta,
            "residual": math.sqrt(error / len(runs))}


def law_of(runs):
    law = fit(runs)
    others = [fit(runs[:i] + runs[i + 1:]) for i in range(len(runs))]
    law["interval"] = {key: [min(one[key] for one in others), max(one[key] for one in others)]
                       for key in ("E", "alpha", "beta")}
    # With work that is proportional to N times D, the least loss of a budget is at N growing by this power of it.
    law["best_parameters_grow_by"] = law["beta"] / (law["alpha"] + law["beta"])
    return law


def predicted(law, parameters, samples):
    return law["E"] + law["A"] * parameters ** -law["alpha"] + law["B"] * samples ** -law["beta"]


def svg(runs, law):
    width, height, left, top, right, bottom = 720, 440, 70, 30, 20, 50
    works = [math.log10(run["work"]) for run in runs]
    losses = [run["loss"] for run in runs]
    low_x, high_x = min(works) - 0.1, max(works) + 0.1
    margin = 0.1 * (max(losses) - min(losses)) + 1e-3
    low_y, high_y = min(losses) - margin, max(losses) + margin

    def x(work):
        return left + (work - low_x) / (high_x - low_x) * (width - left - right)

    def y(loss):
        return top + (high_y - loss) / (high_y - low_y) * (height - top - bottom)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
           'font-size="13">', f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<clipPath id="c"><rect x="{left}" y="{top}" width="{width - left - right}" '
           f'height="{height - top - bottom}"/></clipPath>']
    for i in range(5):
        loss = low_y + (high_y - low_y) * i / 4
        out.append(f'<line x1="{left}" x2="{width - right}" y1="{y(loss):.1f}" y2="{y(loss):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:.3f}</text>')
        work = low_x + (high_x - low_x) * i / 4
        out.append(f'<text x="{x(work):.1f}" y="{height - bottom + 20}" text-anchor="middle">{10 ** work:.1e}</text>')
    out.append(f'<text x="{(left + width - right) / 2}" y="{height - 10}" text-anchor="middle">'
               'multiply-adds of training</text>')
    out.append(f'<text x="16" y="{(top + height - bottom) / 2}" text-anchor="middle" '
               f'transform="rotate(-90 16 {(top + height - bottom) / 2})">validation loss</text>')
    for i, size in enumerate(dict.fromkeys(run["size"] for run in runs)):
        colour = COLOURS[i % len(COLOURS)]
        mine = [run for run in runs if run["size"] == size]
        per_sample = mine[0]["work"] / mine[0]["samples"]
        curve = []
        for k in range(61):
            work = low_x + (high_x - low_x) * k / 60
            loss = predicted(law, mine[0]["parameters"], 10 ** work / per_sample)
            curve.append(f"{x(work):.1f},{y(loss):.1f}")
        out.append(f'<polyline points="{" ".join(curve)}" fill="none" stroke="{colour}" clip-path="url(#c)"/>')
        for run in mine:
            out.append(f'<circle cx="{x(math.log10(run["work"])):.1f}" cy="{y(run["loss"]):.1f}" r="4" '
                       f'fill="{colour}"/>')
        out.append(f'<text x="{width - right - 8}" y="{top + 18 + 18 * i}" text-anchor="end" fill="{colour}">'
                   f'{size}, {mine[0]["parameters"] / 1e6:.2f} M parameters</text>')
    return "\n".join(out) + "\n</svg>\n"


def read_list(text, read, what):
    try:
        values = [read(word) for word in text.split(",")]
    except ValueError:
        values = []
    if not values or len(set(values)) != len(values):
        raise Failed(f"'{text}' is no list of different {what}")
    return values


def read_size(word):
    blocks, heads = (int(number) for number in word.split("x"))
    if blocks < 1 or heads < 1:
        raise ValueError
    return blocks, heads


def read_budget(word):
    budget = float(word)
    if not 0 < budget < 1e24:
        raise ValueError
    return budget


def run_all(arguments):
    sizes = read_list(arguments.sizes, read_size, "sizes such as 4x4,6x6")
    budgets = read_list(arguments.budgets, read_budget, "budgets such as 1e14,3e14")
    if not pathlib.Path(arguments.starling).exists():
        raise Failed(f"{arguments.starling} is not there: build it with ./run --build, or name it with --starling")
    if not (arguments.vae / "config.json").exists():
        raise Failed(f"{arguments.vae} is no autoencoder's folder: give one with --vae")
    arguments.out.mkdir(parents=True, exist_ok=True)
    runs = []
    for budget in sorted(budgets):
        for size in sizes:
            runs.append(measure(arguments, size, budget))
            print(f"{runs[-1]['size']}  {runs[-1]['work']:.3g} multiply-adds  {runs[-1]['steps']} steps  "
                  f"loss {runs[-1]['loss']:.4f}", file=sys.stderr, flush=True)
    law = law_of(runs) if len(runs) >= 6 else None
    write(arguments.out / "scaling.json", json.dumps({"runs": runs, "law": law}, indent=2) + "\n")
    if law is None:
        print("fewer than six runs fit no law", file=sys.stderr)
        return
    write(arguments.out / "scaling.svg", svg(runs, law))
    print(f"loss = {law['E']:.4f} + {law['A']:.4g} / N^{law['alpha']} + {law['B']:.4g} / D^{law['beta']}, "
          f"residual {law['residual']:.4f}; {arguments.out / 'scaling.svg'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vae", type=pathlib.Path, required=True, help="folder of the trained autoencoder")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the runs")
    parser.add_argument("--sizes", required=True, help="BLOCKSxHEADS, with commas between them")
    parser.add_argument("--budgets", required=True, help="multiply-adds, with commas between them")
    parser.add_argument("--recipe", default=str(ROOT / "recipes" / "next-transformer-1.json"))
    parser.add_argument("--clips", type=int, default=0, help="captions to score each model by; 0: none")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--starling", default=str(ROOT / "build" / "release" / "starling"))
    try:
        run_all(parser.parse_args())
    except (Failed, OSError, KeyError, json.JSONDecodeError) as error:
        print(f"scaling: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
