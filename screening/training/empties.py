"""Train the loaded-or-empty model: a small network on hull maps, from the simulator and a seed.

Pictures are simulated at a quarter of the size, with noise between that of the mean of so many pixels
and that of one: the network reads a map of 64 x 256 cells, so that nothing is lost, and thousands of
scenes fit into minutes.
What the card reports is measured on scenes of other settings (one scanner, one container length that
training never saw), and again on full-size pictures through the whole analysis.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from screening.classifiers import ModelCard, write_card
from screening.radiography.empty import FEATURE_VERSION, MAP_SHAPE, excess_areal_density, hull_map
from screening.radiography.planes import correct_plane, most_penetrating
from screening.radiography.see import plane_density, plane_maps
from screening.records import ContainerBox, LineCalibration, Radiograph, sha256_hex
from screening.simulation.radiographs import RadiographRecipe, compose, container_boxes, simulate_radiograph
from screening.simulation.radiographs.cargo import CARGO_KINDS
from screening.simulation.radiographs.scanner import expose

from .export import onnx_bytes

__all__ = ["FALSE_ALARM_RATE", "Labelled", "draw_maps", "train"]

#: Share of empties that the operating point lets raise an alarm (both scores together).
FALSE_ALARM_RATE = 0.007

CONFIDENCE = 0.95
HIDDEN_KG = (5.0, 10.0, 20.0, 50.0)
VERSION = "1.0.0"


class Labelled(NamedTuple):
    """Maps with their truth.

    Attributes
    ----------
    maps : ndarray of shape (n, 3, 64, 256), float32
        Hull maps.
    is_loaded : ndarray of shape (n,), bool
        Truth.
    """

    maps: NDArray[np.float32]
    is_loaded: NDArray[np.bool_]


class _Plan(NamedTuple):
    """Settings of one split: never the same seeds, and more variety in the test."""

    stream: int
    scanners: tuple[str, ...]
    lengths: tuple[str, ...]
    scales: tuple[float, ...]


_SEEN_SCANNERS = ("single", "dual", "vacis-co", "vacis-cs")
_TRAIN = _Plan(1, _SEEN_SCANNERS, ("20", "40", "2x20"), (3.5, 4.0, 4.5))
_VALIDATION = _Plan(2, _SEEN_SCANNERS, ("20", "40", "2x20"), (3.5, 4.0, 4.5))
_TEST = _Plan(3, (*_SEEN_SCANNERS, "linac-9", "linac-9"), ("20", "40", "45", "45"), (3.0, 3.7, 5.0))


def draw_maps(recipe: RadiographRecipe, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """Simulate one picture and return the map of each container in it.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate; only its most penetrating energy is exposed.
    rng : numpy.random.Generator
        Scene, scanner and noise.

    Returns
    -------
    list of ndarray of shape (3, 64, 256), float32
        From left to right.
    """
    composition = compose(recipe, rng)
    # the mean over scale^2 pixels keeps its level and loses noise; lines average along the motion. Between
    # that and no averaging at all lie scanners of every pixel size
    scale = recipe.scale ** rng.choice([1.0, 1.0, 0.5, 0.0])
    scanner = composition.scanner._replace(
        energies=composition.scanner.energies[:1],
        gain=composition.scanner.gain / scale**2,
        electronic_sigma=composition.scanner.electronic_sigma / scale,
        line_sigma=composition.scanner.line_sigma / scale**0.5,
    )
    counts = expose(composition.scene, scanner, rng)
    radiograph = Radiograph(
        raw=counts.raw,
        energies=scanner.energies,
        calibration=LineCalibration(
            dark=counts.dark,
            air=counts.air,
            electronic_sigma=scanner.electronic_sigma,
            gain=scanner.gain,
            scatter_floor=scanner.scatter_floor * rng.uniform(0.9, 1.3),
        ),
        reference=counts.reference,
        is_dark_subtracted=scanner.is_dark_subtracted,
    )
    plane = correct_plane(radiograph, 0)
    density, variance = plane_density(plane)
    if density is None:
        raise ValueError(f"no steel curve for {plane.label!r}")
    # the model is told the noise of a full-size pixel, as the analysis will
    variance = variance * np.float32(scale**2)
    n_row, n_column = plane.neg_log.shape
    is_live = _with_gaps(plane.is_live, rng)
    maps = []
    for box in container_boxes(composition):
        # the analysis finds hulls to a pixel or two
        jitter = rng.integers(-1, 2, 4)
        hull = ContainerBox(
            row0=int(np.clip(box["row0"] + jitter[0], 0, n_row - 8)),
            col0=int(np.clip(box["col0"] + jitter[1], 0, n_column - 8)),
            row1=int(np.clip(box["row1"] + jitter[2], 8, n_row)),
            col1=int(np.clip(box["col1"] + jitter[3], 8, n_column)),
            complete=bool(box["complete"]),
        )
        one = hull_map(density, variance, is_live, hull)
        one[1] /= np.float32(scale)
        maps.append(one)
    return maps


def _with_gaps(is_live: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Lose a few lines and pixels of some pictures: a gap must not read as a load."""
    live = is_live.copy()
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 5))):
            start = int(rng.integers(0, live.shape[1]))
            live[:, start : start + int(rng.integers(1, 4))] = False
    if rng.random() < 0.2:
        row, column = (int(rng.integers(0, size)) for size in live.shape)
        live[row : row + 4, column : column + 3] = False
    return live


def train(
    out_dir: Path,
    *,
    seed: int,
    quick: bool = False,
    progress: Callable[[str], object] | None = None,
) -> ModelCard:
    """Train, measure and write the model with its card.

    Parameters
    ----------
    out_dir : Path
        Receives ``model.onnx`` and ``card.toml``.
    seed : int
        Seed of everything random.
    quick : bool, default False
        A fiftieth of the data: shows that it works, not how well.
    progress : callable, optional
        Called with one line now and then.

    Returns
    -------
    ModelCard
        The card as written.
    """
    say = progress or (lambda _text: None)
    part = 0.02 if quick else 1.0
    say("simulating training scenes")
    training = _draw_set(_TRAIN, seed, round(3500 * part), round(3500 * part), hidden_share=0.35)
    say("simulating validation scenes")
    validation = _draw_set(_VALIDATION, seed, round(4500 * part), round(150 * part), hidden_share=0.3)
    say(f"fitting on {training.maps.shape[0]} containers")
    network = _fit(training, seed=seed, epochs=3 if quick else 6, say=say)
    thresholds = _thresholds(network, validation)
    say("thresholds " + ", ".join(f"{name} {value:.4g}" for name, value in thresholds.items()))
    found = _alarms(network, thresholds, validation.maps[validation.is_loaded])
    say(f"loads and hidden loads of the validation split that alarm: {found.mean():.3f}")
    say("measuring on scenes of other settings")
    performance = _measure(network, thresholds, seed, part)
    out_dir.mkdir(parents=True, exist_ok=True)
    data = _export(network)
    (out_dir / "model.onnx").write_bytes(data)
    card = _card(data, seed, thresholds, performance, training, validation, quick=quick)
    return write_card(out_dir / "card.toml", card)


def _draw_set(plan: _Plan, seed: int, n_empty: int, n_loaded: int, *, hidden_share: float) -> Labelled:
    maps: list[NDArray[np.float32]] = []
    labels: list[bool] = []
    for is_loaded, wanted in ((False, n_empty), (True, n_loaded)):
        index, before = 0, len(labels)
        while len(labels) - before < wanted:
            rng = np.random.default_rng(np.random.SeedSequence([seed, plan.stream, int(is_loaded), index]))
            index += 1
            is_hidden = is_loaded and rng.random() < hidden_share
            recipe = _recipe(plan, rng, is_loaded=is_loaded, is_hidden=is_hidden)
            found = draw_maps(recipe, rng)
            # a hidden load is in the first container of a picture alone
            found = found[:1] if is_hidden else found
            maps += found
            labels += [is_loaded] * len(found)
    return Labelled(np.stack(maps), np.array(labels))


def _recipe(
    plan: _Plan, rng: np.random.Generator, *, is_loaded: bool, is_hidden: bool, **fixed: Any
) -> RadiographRecipe:
    fields: dict[str, Any] = {
        "kind": "hidden" if is_hidden else "loaded" if is_loaded else "empty",
        "scanner": str(rng.choice(plan.scanners)),
        "length": str(rng.choice(plan.lengths)),
        "is_high_cube": bool(rng.random() < 0.5),
        "scale": float(rng.choice(plan.scales)),
        "has_defects": False,
    }
    if is_loaded and not is_hidden:
        fields["cargo"] = str(rng.choice(sorted(CARGO_KINDS)))
    if is_hidden:
        fields["hidden_material"] = str(rng.choice(["organic", "steel", "lead"]))
        fields["hidden_mass_kg"] = float(np.exp(rng.uniform(np.log(5.0), np.log(80.0))))
    return RadiographRecipe(**{**fields, **fixed})


def _fit(data: Labelled, *, seed: int, epochs: int, say: Callable[[str], object]) -> Any:
    """Fit the network on one thread, so that the same seed gives the same weights."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    network = _network()
    maps = torch.from_numpy(data.maps)
    labels = torch.from_numpy(data.is_loaded.astype(np.float32))
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    batch = min(32, maps.shape[0])
    steps = max(maps.shape[0] // batch, 1) * epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=steps)
    loss_of = torch.nn.BCEWithLogitsLoss()
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        network.train()
        order = torch.randperm(maps.shape[0], generator=generator)
        total = 0.0
        for k in range(maps.shape[0] // batch):
            chosen = order[k * batch : (k + 1) * batch]
            part = maps[chosen]
            # a container may stand either way round
            if int(torch.randint(0, 2, (1,), generator=generator)):
                part = torch.flip(part, dims=(3,))
            optimiser.zero_grad()
            loss = loss_of(network.logit(part), labels[chosen])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        say(f"epoch {epoch + 1} of {epochs}: loss {total / max(maps.shape[0] // batch, 1):.4f}")
    network.eval()
    return network


def _network() -> Any:
    """Return the network: four strided convolutions, mean and maximum over the hull, one layer."""
    import torch
    from torch import nn

    class LoadedOrEmpty(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers: list[nn.Module] = []
            before = 3
            for width in (12, 20, 28, 32):
                layers += [
                    nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(),
                ]
                before = width
            self.layers = nn.Sequential(*layers)
            self.head = nn.Sequential(nn.Linear(2 * before, 24), nn.ReLU(), nn.Linear(24, 1))

        def logit(self, hull: torch.Tensor) -> torch.Tensor:
            # walls are 3 g/cm2 and cargo 100: a logarithm brings both into the same range
            density = torch.asinh(hull[:, 0:1] / 2.0)
            error = torch.log1p(hull[:, 1:2])
            seen = self.layers(torch.cat([density, error, hull[:, 2:3]], dim=1))
            pooled = torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1)
            answer: torch.Tensor = self.head(pooled)[:, 0]
            return answer

        def forward(self, hull: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(self.logit(hull))

    return LoadedOrEmpty()


def _scores(network: Any, maps: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the network's and the explicit score of each map."""
    import torch

    with torch.no_grad():
        parts = [network(torch.from_numpy(maps[k : k + 64])).numpy() for k in range(0, len(maps), 64)]
    return np.concatenate(parts).astype(np.float64), np.array([excess_areal_density(one) for one in maps])


def _thresholds(network: Any, validation: Labelled) -> dict[str, float]:
    """Return both thresholds: one quantile for both, so that either alarm together stays at the rate."""
    empties = validation.maps[~validation.is_loaded]
    loaded, excess = _scores(network, empties)
    allowed = int(FALSE_ALARM_RATE * len(empties))
    for quantile in np.linspace(1.0 - FALSE_ALARM_RATE, 1.0, 201):
        first = float(np.quantile(loaded, quantile, method="higher"))
        second = float(np.quantile(excess, quantile, method="higher"))
        if int(((loaded > first) | (excess > second)).sum()) <= allowed:
            break
    # at or above a threshold is an alarm: step past the empties that were allowed to stay below; the
    # network's is kept off the ends, where a float32 has no room
    return {
        "loaded": float(np.clip(np.nextafter(np.float32(first), np.float32(2.0)), 1e-4, 1.0 - 1e-4)),
        "excess_g_cm2": round(second + 1e-4, 4),
    }


def _alarms(network: Any, thresholds: dict[str, float], maps: NDArray[np.float32]) -> NDArray[np.bool_]:
    loaded, excess = _scores(network, maps)
    return np.asarray((loaded >= thresholds["loaded"]) | (excess >= thresholds["excess_g_cm2"]))


def _measure(network: Any, thresholds: dict[str, float], seed: int, part: float) -> list[dict[str, Any]]:
    test = _draw_set(_TEST, seed + 1000, round(2000 * part), round(2150 * part), hidden_share=0.0)
    alarms = _alarms(network, thresholds, test.maps)
    where = "simulated test split: other seeds, with a scanner and a length that training never saw"
    rows = [
        _figure("false alarm rate on empties", alarms[~test.is_loaded], where),
        _figure("detection of ordinary loads", alarms[test.is_loaded], where),
    ]
    _, excess = _scores(network, test.maps)
    alone = excess >= thresholds["excess_g_cm2"]
    rows.append(_figure("false alarm rate on empties, explicit score alone", alone[~test.is_loaded], where))
    rows.append(_figure("detection of ordinary loads, explicit score alone", alone[test.is_loaded], where))
    whole = "simulated full-size pictures of the test split, hulls found by the analysis"
    for kind, metric in (("empty", "false alarm rate on empties"), ("loaded", "detection of ordinary loads")):
        maps = [
            one
            for index in range(max(round((80 if kind == "empty" else 40) * part), 4))
            for one in _full_size_maps(_TEST, seed + 3000, index, is_loaded=kind == "loaded")
        ]
        rows.append(_figure(f"{metric}, full size", _alarms(network, thresholds, np.stack(maps)), whole))
    for material in ("organic", "steel", "lead"):
        for mass in HIDDEN_KG:
            maps = []
            for index in range(max(round(50 * part), 4)):
                rng = np.random.default_rng(
                    np.random.SeedSequence([seed + 2000, "osl".index(material[0]), int(mass * 10), index])
                )
                recipe = _recipe(
                    _TEST, rng, is_loaded=True, is_hidden=True, hidden_material=material, hidden_mass_kg=mass
                )
                maps += draw_maps(recipe, rng)[:1]
            found = _alarms(network, thresholds, np.stack(maps))
            rows.append(_figure(f"detection of {mass:g} kg of {material} hidden in an empty", found, where))
    return rows


def _full_size_maps(plan: _Plan, seed: int, index: int, *, is_loaded: bool) -> list[NDArray[np.float32]]:
    """Return the maps of a full-size picture as the analysis makes them, hulls found and not given."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, plan.stream, int(is_loaded), index]))
    recipe = _recipe(plan, rng, is_loaded=is_loaded, is_hidden=False, scale=1.0, has_defects=True)
    scan, _ = simulate_radiograph(recipe, int(rng.integers(0, 2**31)))
    radiograph = scan.payload
    if not isinstance(radiograph, Radiograph):
        raise TypeError(f"expected a Radiograph, got {type(radiograph).__name__}")
    plane = correct_plane(radiograph, most_penetrating(radiograph.energies))
    return list(plane_maps(plane, radiograph.pitch_mm)[1])


def _figure(metric: str, hits: NDArray[np.bool_], data: str) -> dict[str, Any]:
    """Return one figure with its exact (Clopper-Pearson) interval."""
    n, k = int(hits.size), int(hits.sum())
    tail = (1.0 - CONFIDENCE) / 2.0
    low = float(stats.beta.ppf(tail, k, n - k + 1)) if k > 0 else 0.0
    high = float(stats.beta.ppf(1.0 - tail, k + 1, n - k)) if k < n else 1.0
    return {
        "metric": metric,
        "value": round(k / n, 5),
        "low": round(low, 5),
        "high": round(high, 5),
        "confidence": CONFIDENCE,
        "n": n,
        "data": data,
    }


def _export(network: Any) -> bytes:
    import torch

    example = torch.zeros(2, 3, *MAP_SHAPE)
    return onnx_bytes(network, example, inputs=["hull"], outputs=["loaded"], max_batch=64)


def _card(
    data: bytes,
    seed: int,
    thresholds: dict[str, float],
    performance: list[dict[str, Any]],
    training: Labelled,
    validation: Labelled,
    *,
    quick: bool,
) -> dict[str, Any]:
    n_empty = int((~validation.is_loaded).sum())
    return {
        "name": "empties",
        "version": VERSION + ("-quick" if quick else ""),
        "description": "Is a container loaded or empty? A small convolutional network on a map of its hull.",
        "sha256": sha256_hex(data),
        "feature_version": FEATURE_VERSION,
        "inputs": {
            "hull": {
                "shape": ["batch", 3, *MAP_SHAPE],
                "units": "g/cm2, g/cm2, 1",
                "meaning": "steel-equivalent areal density, its standard error, share not seen",
            }
        },
        "outputs": {"loaded": {"shape": ["batch"], "units": "1", "meaning": "score that a load is there"}},
        "labels": ["loaded"],
        "thresholds": thresholds,
        "operating_point": (
            f"alarm when either score reaches its threshold; together {100 * FALSE_ALARM_RATE:g} % of "
            f"{n_empty} simulated empties of the validation split"
        ),
        "training": {
            "recipe": f"screening train empties --seed {seed}" + (" --quick" if quick else ""),
            "seed": seed,
            "data": (
                f"{training.maps.shape[0]} simulated containers, half of them empty; "
                "6 MV, Co-60 and Cs-137, 20 and 40 ft, standard and high cube, rail and road"
            ),
            "split": "by seed stream; the test adds a 9 MV scanner and 45 ft containers",
        },
        "performance": performance,
        "domain": (
            "General-purpose containers of 20, 40 and 45 ft, standard and high, on rail wagons and "
            "trailers, whole in the picture, seen from the side by a calibrated 4 to 9 MV, Co-60 or "
            "Cs-137 line scanner. All figures are on simulated pictures; none is a claim on a real scanner."
        ),
        "known_failures": [
            "Reefers, flat racks, open tops and tanks were not simulated: their structure reads as a load.",
            "Residual dunnage and straps of a few kilograms were not simulated either; they may alarm.",
            "Hidden loads under 5 kg were not measured; simulated walls are cleaner than worn ones.",
            "Thresholds come from simulation: a scanner's own clean traffic must set them before LOW counts.",
        ],
    }
