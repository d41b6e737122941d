"""NumPy twin of the photon transport: the oracle it is tested against, by statistics.

The same physics by another way: all histories advance together; free paths are drawn for the densest
material and some collisions are then taken for none (Woodcock et al. 1965), so that no distance to a
surface is measured; scattering angles are drawn evenly and kept by their chance. The random numbers are
NumPy's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .photons import (
    N_COLUMN,
    N_LINE,
    N_SLOT,
    PEAKS,
    PhotonMaterials,
    PhotonSetup,
    PhotonTally,
    node_energies_kev,
)

__all__ = ["transport_photons"]

_REST_KEV, _HC = 510.99895, 12.398420
#: As in photons.h: least photon energy, least energy of an electron that leaks or radiates, least energy
#: of a radiated photon, keV.
_LOW, _ELECTRON, _BREMS = 2.0, 100.0, 30.0


class _Photons(NamedTuple):
    """Photons under way: positions and directions (n, 3), energies, histories, untouched source photons."""

    p: NDArray[np.float64]
    d: NDArray[np.float64]
    e: NDArray[np.float64]
    history: NDArray[np.int64]
    is_source: NDArray[np.bool_]

    def of(self, which: NDArray[np.bool_]) -> _Photons:
        return _Photons(
            self.p[which], self.d[which], self.e[which], self.history[which], self.is_source[which]
        )


def transport_photons(
    setup: PhotonSetup, energy_kev: float, edges_kev: NDArray[np.float64], *, n_histories: int, seed: int
) -> PhotonTally:
    """Twin of :func:`screening.kernels.transport_photons`.

    Parameters
    ----------
    setup : PhotonSetup
        Bodies and source.
    energy_kev : float
        Energy of the source photons, keV.
    edges_kev : ndarray of shape (n_bin + 1,), float64
        Edges of the histogram, keV.
    n_histories : int
        Source photons.
    seed : int
        Seed.

    Returns
    -------
    PhotonTally
        Counts.
    """
    return _Run(setup, energy_kev, n_histories, seed).tally(edges_kev)


class _Run:
    def __init__(self, setup: PhotonSetup, energy_kev: float, n_histories: int, seed: int) -> None:
        self.setup, self.energy, self.n = setup, energy_kev, n_histories
        self.rng = np.random.default_rng(seed)
        self.deposit = np.zeros(n_histories)
        self.left_kev = self.out_kev = self.leaked_kev = 0.0
        self.n_uncollided = 0
        self.out: list[NDArray[np.float64]] = []
        self.waiting: list[_Photons] = [self._source()]
        while self.waiting:
            photons = self.waiting.pop()
            while photons.e.size:
                photons = self._step(photons)

    def tally(self, edges: NDArray[np.float64]) -> PhotonTally:
        peaks = np.zeros(len(PEAKS), np.int64)
        mean = np.zeros(len(PEAKS))
        setup = self.setup
        if setup.crystal >= 0:
            scored = self.deposit[self.deposit > 0]
            lost = self.energy - scored
            kinds = [
                np.abs(lost) < 1e-6,
                *_is_line(setup.materials, [int(setup.material[setup.crystal])], lost),
                np.abs(lost - _REST_KEV) < 1e-6,
                np.abs(lost - 2 * _REST_KEV) < 1e-6,
                np.abs(scored - _REST_KEV) < 1e-6,
            ]
            order: tuple[int, ...] = (0, 5, 3, 4, 1, 2)
            values = lost
        else:
            scored = np.concatenate([np.zeros(0), *self.out])
            lines = _is_line(setup.materials, [int(m) for m in setup.material if m >= 0], scored)
            never = np.zeros(scored.size, bool)
            kinds = [
                np.abs(scored - self.energy) < 1e-6,
                *lines,
                never,
                never,
                np.abs(scored - _REST_KEV) < 1e-6,
            ]
            order, values = (0, 5, 1, 2), scored
        free = np.ones(scored.size, bool)
        for k in order:
            which = kinds[k] & free
            peaks[k] = which.sum()
            mean[k] = values[which].mean() if which.any() and not (setup.crystal < 0 and k in (0, 5)) else 0.0
            free &= ~which
        inside = (scored >= edges[0]) & (scored <= edges[-1])
        place = np.searchsorted(edges, scored[free & inside], side="right") - 1
        histogram = np.bincount(np.minimum(place, edges.size - 2), minlength=edges.size - 1)
        energy = np.array([self.n * self.energy, self.left_kev, self.out_kev, self.leaked_kev])
        n_outside = int((free & ~inside).sum())
        return PhotonTally(self.n, histogram, peaks, mean, scored.size, self.n_uncollided, n_outside, energy)

    def _source(self) -> _Photons:
        setup, n, rng = self.setup, self.n, self.rng
        outer = setup.bounds_cm[-1]
        p, d = np.zeros((n, 3)), np.zeros((n, 3))
        if setup.source == "centre":
            d = self._isotropic(n)
        elif setup.source == "surface":
            d = self._turn(np.tile([0.0, 0.0, 1.0], (n, 1)), rng.random(n))
            p[:, 2] = outer[2]
        else:
            face = setup.bounds_cm[setup.crystal]
            p[:, :2] = self._on_face(n)
            p[:, 2] = face[2]
            if setup.source == "parallel":
                d[:, 2] = 1.0
                p[:, 2] = outer[2]
            elif setup.source == "isotropic":
                d = self._turn(np.tile([0.0, 0.0, 1.0], (n, 1)), np.sqrt(rng.random(n)))
                p -= 2 * (outer[:2].sum() + outer[3] - outer[2]) * d
            else:
                drop = face[2] - outer[2] + setup.distance_cm
                # Uniform on the face, kept by cos^3: uniform in solid angle.
                again = np.ones(n, bool)
                while again.any():
                    p[again, :2] = self._on_face(int(again.sum()))
                    cosine = drop / np.sqrt((p[:, :2] ** 2).sum(axis=1) + drop**2)
                    again[again] = rng.random(int(again.sum())) > cosine[again] ** 3
                d = p - [0.0, 0.0, face[2] - drop]
                d /= np.linalg.norm(d, axis=1)[:, None]
                # To the plane before the housing.
                p -= d * ((face[2] - outer[2]) / d[:, 2])[:, None]
        return _Photons(p, d, np.full(n, self.energy), np.arange(n), np.ones(n, bool))

    def _on_face(self, n: int) -> NDArray[np.float64]:
        face = self.setup.bounds_cm[self.setup.crystal]
        if self.setup.shape == "box":
            return np.asarray((2 * self.rng.random((n, 2)) - 1) * face[:2])
        radius, angle = face[0] * np.sqrt(self.rng.random(n)), 2 * np.pi * self.rng.random(n)
        return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])

    def _isotropic(self, n: int) -> NDArray[np.float64]:
        d = self.rng.normal(size=(n, 3))
        return np.asarray(d / np.linalg.norm(d, axis=1)[:, None])

    def _turn(self, d: NDArray[np.float64], cosine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Directions at an angle to others: along them, and across in a random direction."""
        across = np.cross(d, self._isotropic(len(d)))
        across /= np.linalg.norm(across, axis=1)[:, None]
        sine = np.sqrt(np.maximum(1 - cosine**2, 0.0))
        return d * cosine[:, None] + across * sine[:, None]

    def _region(self, p: NDArray[np.float64]) -> NDArray[np.int64]:
        """Innermost body of each point; the number of bodies outside all."""
        found = np.full(len(p), len(self.setup.bounds_cm))
        for k in range(len(self.setup.bounds_cm) - 1, -1, -1):
            b = self.setup.bounds_cm[k]
            if self.setup.shape == "sphere":
                inside = (p**2).sum(axis=1) < b[0] ** 2
            else:
                inside = (p[:, 2] > b[2]) & (p[:, 2] < b[3])
                if self.setup.shape == "box":
                    inside &= (np.abs(p[:, :2]) < b[:2]).all(axis=1)
                else:
                    inside &= (p[:, :2] ** 2).sum(axis=1) < b[0] ** 2
            found[inside] = k
        return found

    def _rows(self, material: NDArray[np.int64], energy: NDArray[np.float64]) -> NDArray[np.float64]:
        nodes = node_energies_kev()
        node = np.clip(np.searchsorted(nodes, energy, side="right") - 1, 0, nodes.size - 2)
        share = ((energy - nodes[node]) / (nodes[node + 1] - nodes[node]))[:, None]
        table = self.setup.materials.table
        return np.asarray(table[material, node] * (1 - share) + table[material, node + 1] * share)

    def _step(self, photons: _Photons) -> _Photons:
        """Move all to their next collision, real or not; returns those still under way."""
        kinds = np.unique(self.setup.material[self.setup.material >= 0])
        most = np.max([self._rows(np.full(photons.e.size, k), photons.e)[:, 0] for k in kinds], axis=0)
        p = photons.p + photons.d * (self.rng.exponential(size=most.size) / most)[:, None]
        photons = photons._replace(p=p)
        region = self._region(p)
        outer = self.setup.bounds_cm[-1]
        middle = np.array([0, 0, 0 if self.setup.shape == "sphere" else (outer[2] + outer[3]) / 2])
        is_gone = (region == len(self.setup.bounds_cm)) & (((p - middle) * photons.d).sum(axis=1) > 0)
        if self.setup.source == "surface":
            is_gone = region == len(self.setup.bounds_cm)
        elif self.setup.source == "isotropic":
            reach = np.linalg.norm(np.abs(p - middle), axis=1)
            is_gone &= reach > np.sqrt(outer[0] ** 2 + outer[1] ** 2 + (outer[3] - outer[2]) ** 2)
        self._leave(photons.of(is_gone))
        photons, region = photons.of(~is_gone), region[~is_gone]
        within = region < len(self.setup.bounds_cm)
        material = np.where(within, self.setup.material[np.minimum(region, len(self.setup.material) - 1)], -1)
        rows = self._rows(np.maximum(material, 0), photons.e)
        is_real = (material >= 0) & (self.rng.random(material.size) * most[~is_gone] < rows[:, 0])
        collided = photons.of(is_real)._replace(is_source=np.zeros(int(is_real.sum()), bool))
        after = self._collide(collided, region[is_real], material[is_real], rows[is_real])
        rest = photons.of(~is_real)
        return _Photons(*(np.concatenate(pair) for pair in zip(rest, after, strict=True)))

    def _leave(self, photons: _Photons) -> None:
        self.out_kev += float(photons.e.sum())
        self.n_uncollided += int(photons.is_source.sum())
        if self.setup.crystal < 0:
            scored = ~photons.is_source
            if self.setup.source == "surface":
                scored &= photons.d[:, 2] < 0
            self.out.append(photons.e[scored])

    def _collide(
        self,
        photons: _Photons,
        region: NDArray[np.int64],
        material: NDArray[np.int64],
        rows: NDArray[np.float64],
    ) -> _Photons:
        choice = self.rng.random(photons.e.size)
        kind = (choice[:, None] >= rows[:, 1:4]).sum(axis=1)
        kind[(kind == 3) & (photons.e <= 2 * _REST_KEV)] = 2
        d, e = photons.d.copy(), photons.e.copy()
        for k, act in enumerate((self._photo, self._compton, self._rayleigh, self._pair)):
            which = kind == k
            if which.any():
                d[which], e[which] = act(photons.of(which), region[which], material[which], rows[which])
        is_low = (e > 0) & (e < _LOW)
        self._keep(e[is_low], photons.history[is_low], region[is_low])
        return photons._replace(d=d, e=e).of(e >= _LOW)

    def _keep(
        self, energy: NDArray[np.float64], history: NDArray[np.int64], region: NDArray[np.int64]
    ) -> None:
        self.left_kev += float(energy.sum())
        in_crystal = region == self.setup.crystal
        np.add.at(self.deposit, history[in_crystal], energy[in_crystal])

    def _send(self, at: _Photons, d: NDArray[np.float64], e: NDArray[np.float64]) -> None:
        if e.size:
            self.waiting.append(_Photons(at.p, d, e, at.history, np.zeros(e.size, bool)))

    def _photo(
        self,
        photons: _Photons,
        region: NDArray[np.int64],
        material: NDArray[np.int64],
        rows: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        materials, n = self.setup.materials, photons.e.size
        slot = (self.rng.random(n)[:, None] >= rows[:, 4 : 4 + N_SLOT]).sum(axis=1)
        has_line = slot < N_SLOT
        slot = np.minimum(slot, N_SLOT - 1)
        pick = (self.rng.random(n)[:, None] >= materials.line_cum[material, slot]).sum(axis=1)
        line = np.where(has_line, materials.line_kev[material, slot, np.minimum(pick, N_LINE - 1)], 0.0)
        line[(line <= _LOW) | (line > photons.e)] = 0.0
        sent = line > 0
        self._send(photons.of(sent), self._isotropic(int(sent.sum())), line[sent])
        kinetic = photons.e - line
        self._electrons(photons, region, material, self._ahead(photons.d, kinetic), kinetic)
        return photons.d, np.zeros(n)

    def _compton(
        self,
        photons: _Photons,
        region: NDArray[np.int64],
        material: NDArray[np.int64],
        rows: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        alpha, x0 = photons.e / _REST_KEV, self.setup.materials.binding[material]
        cosine, again = np.zeros(alpha.size), np.ones(alpha.size, bool)
        while again.any():
            a, n = alpha[again], int(again.sum())
            trial = 2 * self.rng.random(n) - 1
            p = 1 / (1 + a * (1 - trial))
            x = a * _REST_KEV / _HC * np.sqrt((1 - trial) / 2)
            # Klein and Nishina over its value ahead, times the scattering function.
            chance = p**2 * (p + 1 / p - 1 + trial**2) / 2 * x / (x + x0[again])
            kept = self.rng.random(n) < chance
            cosine[np.flatnonzero(again)[kept]] = trial[kept]
            again[np.flatnonzero(again)[kept]] = False
        left = photons.e / (1 + alpha * (1 - cosine))
        out = self._turn(photons.d, cosine)
        electron = photons.e[:, None] * photons.d - left[:, None] * out
        electron /= np.maximum(np.linalg.norm(electron, axis=1), 1e-300)[:, None]
        self._electrons(photons, region, material, electron, photons.e - left)
        return out, left

    def _rayleigh(
        self,
        photons: _Photons,
        region: NDArray[np.int64],
        material: NDArray[np.int64],
        rows: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        scale = (photons.e / _HC) ** 2 / self.setup.materials.form[material]
        cosine, again = np.zeros(scale.size), np.ones(scale.size, bool)
        while again.any():
            s, n = scale[again], int(again.sum())
            trial = 1 - 2 / s * (1 / (1 - self.rng.random(n) * s / (1 + s)) - 1)
            kept = self.rng.random(n) < (1 + trial**2) / 2
            cosine[np.flatnonzero(again)[kept]] = trial[kept]
            again[np.flatnonzero(again)[kept]] = False
        return self._turn(photons.d, cosine), photons.e

    def _pair(
        self,
        photons: _Photons,
        region: NDArray[np.int64],
        material: NDArray[np.int64],
        rows: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        n = photons.e.size
        both = photons.e - 2 * _REST_KEV
        part = both * self.rng.random(n)
        for kinetic in (part, both - part):
            self._electrons(photons, region, material, self._ahead(photons.d, kinetic), kinetic)
        d = self._isotropic(n)
        for sign in (1.0, -1.0):
            self._send(photons, sign * d, np.full(n, _REST_KEV))
        return photons.d, np.zeros(n)

    def _ahead(self, d: NDArray[np.float64], kinetic: NDArray[np.float64]) -> NDArray[np.float64]:
        speed = np.sqrt(np.maximum(1 - 1 / (1 + kinetic / _REST_KEV) ** 2, 0.0))
        x = 2 * self.rng.random(kinetic.size) - 1
        return self._turn(d, (x + speed) / (1 + speed * x))

    def _electrons(
        self,
        photons: _Photons,
        region: NDArray[np.int64],
        material: NDArray[np.int64],
        d: NDArray[np.float64],
        kinetic: NDArray[np.float64],
    ) -> None:
        rows = self._rows(material, np.maximum(kinetic, 1.0))
        assert rows.shape[1] == N_COLUMN  # noqa: S101 - the columns are addressed by number
        left = kinetic.copy()
        is_fast = kinetic > _ELECTRON
        number = np.where(is_fast, self.rng.poisson(np.maximum(-np.log(rows[:, 8]), 0.0)), 0)
        while (number > 0).any():
            which = number > 0
            k = np.zeros(kinetic.size)
            again = which.copy()
            while again.any():
                n = int(again.sum())
                trial = _BREMS * (kinetic[again] / _BREMS) ** self.rng.random(n)
                kept = self.rng.random(n) < 1 - trial / kinetic[again]
                k[np.flatnonzero(again)[kept]] = trial[kept]
                again[np.flatnonzero(again)[kept]] = False
            sent = which & (k < left)
            self._send(photons.of(sent), self._ahead(d[sent], kinetic[sent]), k[sent])
            left[sent] -= k[sent]
            number -= which
        may_leak = is_fast & (region == self.setup.crystal)
        if may_leak.any():
            self._leak(photons.p, d, rows[:, 7], may_leak, left)
        self._keep(left, photons.history, region)

    def _leak(
        self,
        p: NDArray[np.float64],
        d: NDArray[np.float64],
        path: NDArray[np.float64],
        may_leak: NDArray[np.bool_],
        left: NDArray[np.float64],
    ) -> None:
        """Halve the path until the surface is found; what is left of it leaves, in `left`."""
        crystal = self.setup.crystal
        ends = self._region(p + d * path[:, None]) != crystal
        # A thin wall that is crossed and entered again counts as left, as in the kernel.
        for part in (0.25, 0.5, 0.75):
            ends |= self._region(p + d * (part * path)[:, None]) != crystal
        which = may_leak & ends
        low, high = np.zeros(int(which.sum())), np.ones(int(which.sum()))
        for _ in range(40):
            middle = (low + high) / 2
            inside = self._region(p[which] + d[which] * (middle * path[which])[:, None]) == crystal
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        gone = left[which] * (1 - low) ** 0.75
        left[which] -= gone
        self.leaked_kev += float(gone.sum())


def _is_line(
    materials: PhotonMaterials, which: list[int], energy: NDArray[np.float64]
) -> list[NDArray[np.bool_]]:
    """Whether energies are K alpha, and K beta, lines of some materials."""
    lines = materials.line_kev[which]
    found = []
    for part in (lines[:, :, :2].ravel(), lines[:, :, 2:].ravel()):
        wanted = part[part > 0]
        found.append(np.asarray((np.abs(energy[:, None] - wanted) < 1e-6).any(axis=1)))
    return found
