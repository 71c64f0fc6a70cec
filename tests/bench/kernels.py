#!/usr/bin/python3
"""The numeric core beside PyTorch and beside this machine's sgemm, in turn, medians; writes the table to tests/bench/RESULTS.md.

usage: kernels.py BUILD_FOLDER [ROUNDS] [SECONDS]"""
import datetime
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKS = [("A", "gru", 50, 2, 60, 1, 32), ("B", "gru", 64, 1, 168, 24, 64), ("C", "gru", 128, 2, 168, 48, 128)]


def out(command, **environment):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **environment}).stdout


def number(text, unit):
    return float(re.search(r"([\d.]+) " + unit, text).group(1))


def peer_environment():
    flags = Path("/proc/cpuinfo").read_text()
    return {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "SkylakeX" if "avx512vl" in flags else "Haswell"}


def main():
    build, rounds, seconds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5, sys.argv[3] if len(sys.argv) > 3 else "3"
    ours, peers, flops, sgemm = {}, {}, {}, []
    for _ in range(rounds):
        sgemm.append(float(out([f"{build}/bench-sgemm"])))
        for name, *work in WORKS:
            for threads in (1, 2):
                arguments = [str(x) for x in work] + [str(threads), seconds]
                mine = out([f"{build}/bench-train", *arguments])
                ours.setdefault((name, threads), []).append(number(mine, "windows/s"))
                flops.setdefault((name, threads), []).append(number(mine, "GFLOP/s"))
                peers.setdefault((name, threads), []).append(number(out(["/usr/bin/python3", str(HERE / "torch_train.py"), *arguments], **peer_environment()), "windows/s"))
    limit = statistics.median(sgemm)
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text()).group(1)
    lines = ["# Training beside PyTorch", "", f"{datetime.date.today()}, {model}, {os.cpu_count()} cores; medians of {rounds} runs of {seconds} s in turn; univariate input, MSE, clip, Adam.",
             f"sgemm 1024³ on one core: {limit:.0f} GFLOP/s. `make bench` writes this file.", "",
             "| work | threads | windows/s | PyTorch | ratio | GFLOP/s | of sgemm |", "| --- | --- | --- | --- | --- | --- | --- |"]
    shapes = {name: f"{cell} H{h} L{layers} W{w} K{k} B{b}" for name, cell, h, layers, w, k, b in WORKS}
    for (name, threads), rates in ours.items():
        mine, peer, rate = statistics.median(rates), statistics.median(peers[name, threads]), statistics.median(flops[name, threads])
        lines.append(f"| {name}: {shapes[name]} | {threads} | {mine:,.0f} | {peer:,.0f} | {mine / peer:.1f}× | {rate:.0f} | {rate / limit / threads:.2f} |")
    lines += ["", "| forecast of one window | µs | series/s in batches of 256 |", "| --- | --- | --- |"]
    for name, cell, hidden, layers, window, _, _ in WORKS[:3]:
        text = out([f"{build}/bench-infer", cell, str(hidden), str(layers), str(window), "256"])
        lines.append(f"| {name}: {cell} H{hidden} L{layers} W{window} | {number(text, 'us'):.0f} | {number(text, 'series/s'):,.0f} |")
    lines += ["", "| kernels of another family, B, 1 thread | windows/s | of PyTorch |", "| --- | --- | --- |"]
    for family in ("avx2", "portable"):
        rate = number(out([f"{build}/bench-train", *[str(x) for x in WORKS[1][1:]], "1", seconds], FC_KERNEL=family), "windows/s")
        lines.append(f"| {family} | {rate:,.0f} | {rate / statistics.median(peers['B', 1]):.1f}× |")
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
