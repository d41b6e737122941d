"""A small convolutional network as the second judge of patches (PyTorch, extra train)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["network_scores"]

N_EPOCH, BATCH, LEARNING_RATE = 12, 64, 2e-3


def network_scores(
    depth: NDArray[np.float16],
    is_second: NDArray[np.bool_],
    fold: NDArray[np.int64],
    seed: int,
    step: Callable[[int], None],
) -> NDArray[np.float64]:
    """Return out-of-fold scores of a network that sees -ln T.

    Parameters
    ----------
    depth : ndarray of shape (n, n_energy, 64, 64), float16
        -ln T of each patch.
    is_second : ndarray of shape (n,), bool
        Which set it is of.
    fold : ndarray of shape (n,)
        Fold of each patch.
    seed : int
        Seed of weights, batches and flips.
    step : callable
        Called with 1 after each fold.

    Returns
    -------
    ndarray of shape (n,), float64
        Higher means more like the second set; NaN where a fold could not be trained.
    """
    import torch
    from torch import nn

    torch.set_num_threads(1)
    pictures = torch.from_numpy(depth.astype(np.float32))
    # structure at full scale, and noise around the patch's own level enlarged
    level = pictures.median(dim=3, keepdim=True).values.median(dim=2, keepdim=True).values
    inputs = torch.cat([pictures / 4.0, ((pictures - level) * 10.0).clamp(-3.0, 3.0)], dim=1)
    target = torch.from_numpy(is_second.astype(np.float32))
    score = np.full(fold.size, np.nan)
    for k in np.unique(fold):
        train, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        if len(set(is_second[train])) < 2:
            continue
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for n_in, n_out in ((inputs.shape[1], 16), (16, 24), (24, 32), (32, 32)):
            layers += [
                nn.Conv2d(n_in, n_out, 3, padding=1),
                nn.BatchNorm2d(n_out),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        model = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(32, 1)
        )
        optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=1e-3)
        loss = nn.BCEWithLogitsLoss()
        rng = np.random.default_rng([seed, int(k)])
        model.train()
        for _ in range(N_EPOCH):
            order = rng.permutation(train)
            for start in range(0, order.size - 1, BATCH):
                part = order[start : start + BATCH]
                if part.size < 2:
                    continue
                batch = inputs[part]
                if rng.random() < 0.5:  # the motion has no direction of its own; up and down have
                    batch = batch.flip(3)
                optimiser.zero_grad()
                loss(model(batch).squeeze(1), target[part]).backward()
                optimiser.step()
        model.eval()
        with torch.no_grad():
            score[test] = torch.cat(
                [model(inputs[test[i : i + 256]]).squeeze(1) for i in range(0, test.size, 256)]
            ).numpy()
        step(1)
    return score
