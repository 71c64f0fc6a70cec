#!/usr/bin/python3
"""PyTorch's side of bench-train: windows a second through forward, backward through time, clipping to 1 and Adam, on the same shapes.

usage: torch_train.py CELL HIDDEN LAYERS WINDOW HORIZON BATCH THREADS SECONDS"""
import sys
import time

import torch

cell, hidden, layers, window, horizon, batch, threads, seconds = sys.argv[1], *map(int, sys.argv[2:9])
torch.set_num_threads(threads)
torch.set_flush_denormal(True)
torch.manual_seed(0)
recurrent = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM, "rnn": torch.nn.RNN}[cell](1, hidden, layers)
head = torch.nn.Linear(hidden, horizon)
parameters = [*recurrent.parameters(), *head.parameters()]
optimizer, loss = torch.optim.Adam(parameters, 1e-3), torch.nn.MSELoss()
x, y = torch.randn(window, batch, 1), torch.randn(batch, horizon)


def step():
    optimizer.zero_grad(set_to_none=True)
    loss(head(recurrent(x)[0][-1]), y).backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()


step(), step()
start, steps = time.perf_counter(), 0
while time.perf_counter() - start < seconds:
    step()
    steps += 1
print(f"torch {torch.__version__} {cell} H{hidden} L{layers} W{window} K{horizon} B{batch} threads={threads}: "
      f"{steps * batch / (time.perf_counter() - start):.0f} windows/s")
