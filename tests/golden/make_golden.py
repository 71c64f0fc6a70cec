#!/usr/bin/python3
"""Writes gru.txt: outputs and gradients of PyTorch's GRU, in double precision, for the tests of core/cell_gru.c.

Needs Debian's python3-torch; the tests need only the file. usage: /usr/bin/python3 make_golden.py > gru.txt
Tensors are written in the layout of cell_gru.c: W [I][3H] in the order n r z, U [H][3H] in the order r z n, b as W, c as U."""
import torch

GATE = {"r": 0, "z": 1, "n": 2}  # PyTorch stacks r, z, n


def put(name, tensor):
    rows = tensor.reshape(-1, tensor.shape[-1])
    print(name, rows.shape[0], rows.shape[1])
    for row in rows:
        print(" ".join(f"{x:.12g}" for x in row.tolist()))


def columns(weight, order, hidden):
    """[3H][X] stacked r z n → [X][3H] in the given order."""
    return torch.cat([weight[GATE[g] * hidden:(GATE[g] + 1) * hidden].T for g in order], 1)


def case(number, batch, steps, inputs, hidden, layers):
    torch.manual_seed(number)
    gru = torch.nn.GRU(inputs, hidden, layers).double()
    x = torch.randn(steps, batch, inputs, dtype=torch.double, requires_grad=True)
    h0 = torch.randn(layers, batch, hidden, dtype=torch.double, requires_grad=True)
    dy = torch.randn(steps, batch, hidden, dtype=torch.double)
    y, _ = gru(x, h0)
    (y * dy).sum().backward()
    print("case", batch, steps, inputs, hidden, layers)
    put("x", x.detach())
    put("dy", dy)
    put("y", y.detach())
    put("dx", x.grad)
    for i in range(layers):
        put("h0", h0[i].detach())
        put("dh0", h0.grad[i])
        for kind, get in (("", lambda p: p.detach()), ("d", lambda p: p.grad)):
            p = {n: get(getattr(gru, f"{n}_l{i}")) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
            put(kind + "W", columns(p["weight_ih"], "nrz", hidden))
            put(kind + "U", columns(p["weight_hh"], "rzn", hidden))
            put(kind + "b", columns(p["bias_ih"][:, None], "nrz", hidden))
            put(kind + "c", columns(p["bias_hh"][:, None], "rzn", hidden))


for number, shape in enumerate([(1, 1, 1, 1, 1), (3, 5, 4, 6, 1), (2, 9, 3, 17, 1), (4, 6, 5, 7, 2), (2, 4, 2, 5, 3)]):
    case(number, *shape)
print("end 0 0")
