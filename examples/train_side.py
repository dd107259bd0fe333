# SPDX-License-Identifier: MIT
"""Train a small network to tell the side of synthetic hands, which a marker shows. `python train_side.py FOLDER`"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader

import plainfilm
from plainfilm.demo.series import RadiographSeries, write_series
from plainfilm.torch import ImageDataset, worker_init


def hands(folder: Path, seeds: range) -> ImageDataset:
    """Draw 32 radiographs for each seed, convert them, and open the images with their side as class."""
    for seed in seeds:
        list(write_series(RadiographSeries(seed, rows=160, columns=128), range(1, 33), folder / "films" / str(seed)))
    plainfilm.convert(folder / "films", folder / "pictures", size="64x64", fit="pad", jobs=2)
    return ImageDataset(folder / "pictures", label="laterality")


def main(folder: Path) -> None:
    torch.manual_seed(0)
    train, test = hands(folder / "train", range(1, 9)), hands(folder / "test", range(101, 104))
    layers = [nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 5, stride=2), nn.ReLU(), nn.MaxPool2d(2)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(576, len(train.classes)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    loader = DataLoader(train, 16, True, num_workers=2, worker_init_fn=worker_init, persistent_workers=True)
    for images, sides in (batch for _ in range(15) for batch in loader):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images / 255 - 0.3), sides).backward()
        optimizer.step()
    right = [model(images / 255 - 0.3).argmax(1) == sides for images, sides in DataLoader(test, 16)]
    print(f"accuracy on {len(test)} films of other hands: {torch.cat(right).float().mean():.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
