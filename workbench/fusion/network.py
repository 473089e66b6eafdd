"""The learned fusion of the blueprint: a small network over every modality's features, with masks and modality dropout.

Trained in torch, used in numpy: the live path needs no torch. The input is each modality's features (standardised on the
training rows, 0 where masked) and one flag a modality that says whether it is there. The network is a hidden layer beside
a straight linear path, several times over: each member stops early on its own share of the training persons, so all
persons teach some member, and no rows beyond those of `fit` are needed to know when to stop.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.contracts import EMOTION_MODALITIES
from workbench.errors import SettingsError
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.calibration import softmax
from workbench.fusion.occlusion import shares
from workbench.fusion.strategy import Bools, Floats, Strategy

if TYPE_CHECKING:
    import torch

Ints = NDArray[np.int64]
Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Hyperparameters:
    """What a sweep may vary.

    Parameters
    ----------
    hidden : int
        Units of the hidden layer.
    members : int
        Networks whose probabilities are averaged; at least 2, each leaves out one share of the persons.
    epochs, patience : int
        At most so many passes; training ends when no member came near its best for `patience` passes.
    tolerance : float
        Nats. A member keeps its last state whose held-out loss is within this of its best: later states, at a smaller
        step size, average better with the other members than the first best does.
    batch : int
        Rows a step.
    rate, decay : float
        Step size and weight decay of AdamW (Loshchilov & Hutter 2019); the step size falls along a cosine.
    dropout : float
        On the hidden layer, in [0, 1).
    modality_dropout : float
        Chance that a training row loses a source or one of its further feature blocks, in [0, 1): teaches to do without (Neverova
        et al. 2016).
    balanced : bool
        Weight classes by inverse frequency.
    """

    hidden: int = 32
    members: int = 8
    epochs: int = 40
    patience: int = 10
    tolerance: float = 0.005
    batch: int = 1024
    rate: float = 1e-2
    decay: float = 1e-3
    dropout: float = 0.2
    modality_dropout: float = 0.2
    balanced: bool = True

    def __post_init__(self) -> None:
        if self.members < 2 or min(self.hidden, self.epochs, self.patience, self.batch) < 1:
            raise SettingsError("network: members must be at least 2; hidden, epochs, patience and batch at least 1")
        if not (0 <= self.dropout < 1 and 0 <= self.modality_dropout < 1 and self.rate > 0 and self.decay >= 0):
            raise SettingsError("network: dropouts lie in [0, 1), rate is above 0, decay at least 0")


@dataclass(frozen=True)
class Block:
    """One modality's place in the input: its standardisation and which source it is lost with."""

    name: str
    source: str
    mean: list[float]
    scale: list[float]


@dataclass
class Learned:
    """The learned strategy.

    Parameters
    ----------
    sources : mapping
        Modality → source; modalities of one source (a face's probabilities and its strengths) are dropped together. A
        modality that is not named is a source of its own.
    seed : int
    hyper : Hyperparameters
    blocks, arrays, temperature
        The fitted state; `fit` fills it.
    """

    name: ClassVar[str] = "learned"
    sources: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    hyper: Hyperparameters = Hyperparameters()
    blocks: list[Block] = field(default_factory=list)
    arrays: Arrays = field(default_factory=dict)
    temperature: float = 1.0
    history: list[dict[str, float]] = field(default_factory=list, compare=False)

    def fit(self, batch: ModalityBatch, labels: NDArray[np.int64], persons: NDArray[Any] | None = None) -> Learned:
        """Train on rows of training persons.

        Parameters
        ----------
        batch : ModalityBatch
        labels : ndarray of int, shape (n,)
        persons : ndarray, shape (n,), optional
            Who each row is from: a member stops early on persons that it does not learn from. Without it every row
            counts as a person of its own, and stopping is optimistic.
        """
        self.blocks = [_block(n, self.sources.get(n, n), batch.features[n], batch.masks[n]) for n in sorted(batch.features)]
        share = person_shares(np.arange(len(labels)) if persons is None else persons, self.hyper.members, self.seed)
        classes = max(int(labels.max()) + 1, *(b.shape[1] for n, b in batch.features.items() if n in EMOTION_MODALITIES), 2)
        usable = np.any([batch.masks[b.name] for b in self.blocks], axis=0)
        _Trainer(self, self._input(batch)[usable], labels[usable], share[usable], classes).run()
        return self

    def _input(self, batch: ModalityBatch) -> NDArray[np.float32]:
        n = len(batch)
        parts, flags = [], []
        for block in self.blocks:
            there = batch.masks[block.name] if block.name in batch else np.zeros(n, bool)
            values = batch.features[block.name] if block.name in batch else np.zeros((n, len(block.mean)))
            if values.shape[1] != len(block.mean):
                raise SettingsError(f"fusion: {block.name} has {values.shape[1]} features, the network learned from {len(block.mean)}")
            parts.append(np.where(there[:, None], (values - block.mean) / block.scale, 0.0))
            flags.append(there.astype(float))
        return np.hstack([*parts, np.stack(flags, axis=1)]).astype(np.float32)

    def predict(self, batch: ModalityBatch) -> Floats:
        if not self.arrays:
            raise SettingsError(f"fusion.strategy: {self.name} has not been fitted; give the file that `workbench fusion fit` wrote")
        x = self._input(batch)
        probs = softmax(forward(self.arrays, x).astype(np.float64) / self.temperature).mean(axis=0)
        probs[~x[:, -len(self.blocks) :].any(axis=1)] = np.nan
        return probs

    def weights(self, batch: ModalityBatch) -> dict[str, Floats]:
        return shares(self.predict, [b.name for b in self.blocks if b.name in batch], batch)

    def to_dict(self) -> dict[str, Any]:
        return {
            "sources": self.sources,
            "seed": self.seed,
            "hyper": asdict(self.hyper),
            "blocks": [asdict(b) for b in self.blocks],
            "arrays": {k: {"shape": list(a.shape), "float32": base64.b64encode(a.tobytes()).decode()} for k, a in self.arrays.items()},
            "temperature": self.temperature,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Strategy:
        """From `to_dict`; keys that are absent take the defaults, keys of other strategies are left alone.

        Raises
        ------
        SettingsError
            If a hyperparameter is not known or impossible.
        """
        hyper = dict(values.get("hyper", {}))
        if unknown := set(hyper) - {f.name for f in fields(Hyperparameters)}:
            raise SettingsError(f"network: unknown hyperparameter {', '.join(sorted(unknown))}")
        arrays = {
            k: np.frombuffer(base64.b64decode(a["float32"]), np.float32).reshape(a["shape"]) for k, a in values.get("arrays", {}).items()
        }
        return cls(
            dict(values.get("sources", {})),
            values.get("seed", 0),
            Hyperparameters(**hyper),
            [Block(**b) for b in values.get("blocks", [])],
            arrays,
            values.get("temperature", 1.0),
        )


def _block(name: str, source: str, values: Floats, mask: Bools) -> Block:
    rows = values[mask]
    if len(rows) == 0:
        raise SettingsError(f"fusion: {name} is masked in every training row; leave it out")
    scale = rows.std(axis=0)
    return Block(name, source, rows.mean(axis=0).tolist(), np.where(scale > 1e-9, scale, 1.0).tolist())


def person_shares(persons: NDArray[Any], shares: int, seed: int) -> Ints:
    """Which share each row belongs to, 0 to `shares` - 1: all rows of a person to the same one."""
    names, row = np.unique(persons, return_inverse=True)
    if len(names) < shares:
        raise SettingsError(f"fusion: {len(names)} training persons are too few for {shares} members; lower network members")
    place = np.random.default_rng(seed).permutation(len(names)) % shares
    return place[row].astype(np.int64)


def forward(arrays: Mapping[str, NDArray[np.float32]], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits of every member, shape (members, n, k)."""
    hidden = np.maximum(x @ arrays["in"] + arrays["in_bias"], 0.0)
    return hidden @ arrays["out"] + arrays["out_bias"] + x @ arrays["skip"]


class _Trainer:
    """Trains all members at once: their weights are one tensor with the member as first axis."""

    def __init__(self, model: Learned, x: NDArray[np.float32], y: Ints, share: Ints, classes: int) -> None:
        import torch

        self.model, self.hyper = model, model.hyper
        self.generator = torch.Generator().manual_seed(model.seed)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(np.asarray(y, dtype=np.int64))
        self.learns = torch.from_numpy(share[None, :] != np.arange(self.hyper.members)[:, None])
        frequency = np.bincount(y, minlength=classes) / len(y)
        weight = np.where(frequency > 0, 1 / np.maximum(classes * frequency, 1e-9), 0.0) if self.hyper.balanced else np.ones(classes)
        self.class_weight = torch.from_numpy(weight.astype(np.float32))
        left = [(~learns).nonzero()[:, 0] for learns in self.learns]  # padded with -1: the persons are not of one size
        self.left = torch.nn.utils.rnn.pad_sequence(left, batch_first=True, padding_value=-1)
        self.spans = self._spans()
        self.parameters = self._initial(x.shape[1], classes)

    def _spans(self) -> list[list[int]]:
        """Input columns, flags included, of what may be lost: each source, and each track that is not its source's own."""
        columns: dict[str, list[int]] = {}
        further: list[list[int]] = []
        at, features = 0, sum(len(b.mean) for b in self.model.blocks)
        for i, block in enumerate(self.model.blocks):
            own = [*range(at, at + len(block.mean)), features + i]
            columns.setdefault(block.source, []).extend(own)
            further += [own] if block.name != block.source else []
            at += len(block.mean)
        return [*columns.values(), *further]

    def _initial(self, features: int, classes: int) -> dict[str, torch.Tensor]:
        import torch

        m, h = self.hyper.members, self.hyper.hidden

        def normal(*shape: int, scale: float) -> torch.Tensor:
            return (torch.randn(*shape, generator=self.generator) * scale).requires_grad_()

        return {
            "in": normal(m, features, h, scale=features**-0.5),
            "in_bias": torch.zeros(m, 1, h, requires_grad=True),
            "out": normal(m, h, classes, scale=0.1 * h**-0.5),
            "out_bias": torch.zeros(m, 1, classes, requires_grad=True),
            "skip": torch.zeros(m, features, classes, requires_grad=True),
        }

    def _logits(self, x: torch.Tensor, training: bool) -> torch.Tensor:
        import torch

        p = self.parameters
        hidden = torch.relu(x @ p["in"] + p["in_bias"])
        if training and self.hyper.dropout:
            kept = torch.rand(hidden.shape, generator=self.generator) >= self.hyper.dropout
            hidden = hidden * kept / (1 - self.hyper.dropout)
        return hidden @ p["out"] + p["out_bias"] + x @ p["skip"]

    def _drop_sources(self, x: torch.Tensor) -> torch.Tensor:
        """Take one source from some rows, never the only one that is there."""
        import torch

        chosen = torch.randint(len(self.spans), (len(x),), generator=self.generator)
        hit = torch.rand(len(x), generator=self.generator) < self.hyper.modality_dropout
        out = x.clone()
        for i, columns in enumerate(self.spans):
            others = [c for j, span in enumerate(self.spans) if j != i for c in span]
            rows = hit & (chosen == i) & x[:, others].abs().sum(dim=1).gt(0)
            out[rows.nonzero(), columns] = 0.0
        return out

    def _loss(self, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Log-loss of every member and row, shape (members, rows)."""
        import torch

        flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.repeat(len(logits)), reduction="none")
        return flat.view(len(logits), -1)

    def run(self) -> None:
        import torch

        h = self.hyper
        optimiser = torch.optim.AdamW(list(self.parameters.values()), lr=h.rate, weight_decay=h.decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, h.epochs)
        best = torch.full((h.members,), torch.inf)
        kept = {k: p.detach().clone() for k, p in self.parameters.items()}
        stale = 0
        for epoch in range(h.epochs):
            order = torch.randperm(len(self.y), generator=self.generator)
            total = 0.0
            for rows in order.split(h.batch):
                x = self._drop_sources(self.x[rows]) if h.modality_dropout and len(self.spans) > 1 else self.x[rows]
                weight = self.learns[:, rows] * self.class_weight[self.y[rows]]
                loss = (self._loss(self._logits(x, True), self.y[rows]) * weight).mean(dim=1).sum()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total += float(loss.detach()) / h.members * len(rows)
            schedule.step()
            held = self._held_out()
            near = held < best + h.tolerance
            best = torch.minimum(best, held)
            for k, p in self.parameters.items():
                kept[k][near] = p.detach()[near]
            self.model.history.append({"epoch": epoch, "train_loss": total / len(self.y), "held_out_loss": float(held.mean())})
            stale = 0 if near.any() else stale + 1
            if stale >= h.patience:
                break
        self.model.arrays = {k: p.numpy().astype(np.float32) for k, p in kept.items()}
        self.model.temperature = self._temperature()

    def _held_out(self) -> torch.Tensor:
        """Log-loss of every member on the persons that it leaves out, shape (members,)."""
        import torch

        with torch.no_grad():
            logits, y = self._logits(self.x[self.left], False), self.y[self.left].where(self.left >= 0, -1)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=-1, reduction="none")
            return loss.view(y.shape).sum(dim=1) / (y >= 0).sum(dim=1)

    def _temperature(self) -> float:
        """One temperature for all members, fitted on predictions of the member that did not learn from the row."""
        from scipy.optimize import minimize_scalar

        logits = forward(self.model.arrays, self.x.numpy()).astype(np.float64)
        left, row = np.nonzero(~self.learns.numpy())
        z, y = logits[left, row], self.y.numpy()[row]

        def loss(log_t: float) -> float:
            return float(-np.log(np.maximum(softmax(z / np.exp(log_t))[np.arange(len(y)), y], 1e-300)).mean())

        return float(np.exp(minimize_scalar(loss, bounds=(-1.5, 1.5), method="bounded").x))
