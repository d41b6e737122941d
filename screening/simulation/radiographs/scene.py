"""Fan-beam scenes: bodies of known shape, traced exactly into areal density per pixel.

One line of a line scanner sees one plane across the motion, and in that plane a fan of rays from the
source to the detector column. So a body's chord depends on the ray's slope and on the position along
the motion apart, and boxes, cylinders and ellipsoids have closed forms. Axes, metres: x from source to
detector (0: centre plane of the container), y along the motion, z up (0: road or top of the rail).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bodies import Body, Span, Triple, ball, box, cylinder, rotation_matrix, sheet, tube_axes
from .geometry import FanGeometry, Region
from .meshes import Mesh, closed_mesh
from .objects import SceneObject
from .tracing import Placed, material_of, trace_into, union_of

__all__ = ["FanGeometry", "Region", "Scene", "SceneObject"]

#: Nothing is denser (osmium 22.6 g/cm3).
MAX_DENSITY_G_CM3 = 23.0


class Scene:
    """Bodies in the beam, traced exactly into the areal density of each material in each pixel.

    Bodies are collected, and traced together when a plane is first asked for.

    Parameters
    ----------
    geometry : FanGeometry
        Source and pixels.

    Attributes
    ----------
    geometry : FanGeometry
        Source and pixels.
    """

    def __init__(self, geometry: FanGeometry) -> None:
        self.geometry = geometry
        self._placed: list[Placed] = []
        self._materials: dict[str, int] = {}
        self._open: list[SceneObject] = []
        self._objects: list[SceneObject] = []
        self._planes = np.zeros((0, *geometry.shape), dtype=np.float32)
        self._n_traced = 0
        self._shown: tuple[int, dict[str, NDArray[np.float32]]] | None = None

    @property
    def areal_density(self) -> dict[str, NDArray[np.float32]]:
        """Areal density along the ray by material, g/cm2, (n_row, n_column); read-only, never negative."""
        self._trace()
        if self._shown is None or self._shown[0] != self._n_traced:
            planes = np.maximum(self._planes, np.float32(0.0))
            planes.setflags(write=False)
            self._shown = (self._n_traced, {name: planes[k] for name, k in self._materials.items()})
        return dict(self._shown[1])

    @property
    def materials(self) -> tuple[str, ...]:
        """The materials seen in the picture, in the order in which they were added."""
        return tuple(self._materials)

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        """The objects labelled so far, in order."""
        return tuple(self._objects)

    def total(self) -> NDArray[np.float32]:
        """Return the areal density of everything.

        Returns
        -------
        ndarray of shape (n_row, n_column), float32
            g/cm2 along the ray.
        """
        result = np.zeros(self.geometry.shape, dtype=np.float32)
        for plane in self.areal_density.values():
            result += plane
        return result

    def stack(
        self, line_shift: float = 0.0, row_shift: float = 0.0, parts: tuple[int, int] = (1, 1)
    ) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """Return the planes of all materials, of parts of a pixel and between lines too.

        Parameters
        ----------
        line_shift : float, default 0.0
            How far after its line each pulse comes, in lines, -1 to 1.
        row_shift : float, default 0.0
            How far below its row each ray passes, in rows, -1 to 1.
        parts : tuple of int, default (1, 1)
            Parts of a row and of a line, one of which is averaged over.

        Returns
        -------
        names : tuple of str
            Materials.
        planes : ndarray of shape (n_material, n_row, n_column), float32
            g/cm2 along the ray; may hold rounding below zero; not to be changed.

        Raises
        ------
        ValueError
            If a shift or a number of parts is out of its range.
        """
        for name, value in (("line_shift", line_shift), ("row_shift", row_shift)):
            if not -1.0 <= value <= 1.0:
                raise ValueError(f"{name} must be -1 to 1, got {value!r}")
        if min(parts) < 1:
            raise ValueError(f"parts must be positive, got {parts!r}")
        names = self.materials
        if line_shift == row_shift == 0.0 and parts == (1, 1):
            self._trace()
            planes = self._planes.view()
        else:
            planes = np.zeros((len(names), *self.geometry.shape), dtype=np.float32)
            rays = self.geometry.rays(line_shift, row_shift, parts)
            trace_into(planes, self._placed, self._materials, rays)
        planes.setflags(write=False)
        return names, planes

    @contextmanager
    def labelled(self, label: str, kind: str) -> Iterator[SceneObject]:
        """Collect what is added inside of the block as one object too.

        Parameters
        ----------
        label, kind : str
            What it is called.

        Yields
        ------
        SceneObject
            The object; complete once the block has ended.
        """
        one = SceneObject(self.geometry, label, kind)
        self._objects.append(one)
        self._open.append(one)
        try:
            yield one
        finally:
            self._open.remove(one)

    def box(
        self,
        material: str,
        density_g_cm3: float,
        x: Span,
        y: Span,
        z: Span,
        *,
        profile: NDArray[np.float64] | None = None,
        rotation: ArrayLike | None = None,
    ) -> Region | None:
        """Add a box.

        Parameters
        ----------
        material : str
            Name of the material.
        density_g_cm3 : float
            Mean density; negative to hollow out a body.
        x, y, z : tuple of float
            Its extent along each axis, m.
        profile : ndarray of shape (n_column,), float64, optional
            Relative thickness along the motion; of an upright box only.
        rotation : array_like of shape (3, 3), float64, optional
            Rotation about its centre.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.

        Raises
        ------
        ValueError
            If the material is unknown or a value is out of its range.
        """
        if profile is not None:
            profile = np.asarray(profile, dtype=np.float64)
            if rotation is not None:
                raise ValueError("a profile is for upright boxes only")
            if profile.shape != self.geometry.shape[1:] or not np.isfinite(profile).all():
                raise ValueError(f"profile needs shape {self.geometry.shape[1:]} and finite values")
        return self._place(material, density_g_cm3, box(x, y, z, rotation), profile=profile)

    def cylinder(
        self,
        material: str,
        density_g_cm3: float,
        axis: str,
        centre: Triple,
        radius_m: float,
        length_m: float,
        *,
        rotation: ArrayLike | None = None,
    ) -> Region | None:
        """Add a cylinder.

        Parameters
        ----------
        material : str
            Name of the material.
        density_g_cm3 : float
            Mean density; negative to hollow out a body.
        axis : {"x", "y", "z"}
            Direction of its axis, before any rotation.
        centre : tuple of float
            Its centre, m.
        radius_m, length_m : float
            Its size, m.
        rotation : array_like of shape (3, 3), float64, optional
            Rotation about its centre.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.
        """
        return self._place(material, density_g_cm3, cylinder(axis, centre, radius_m, length_m, rotation))

    def ellipsoid(
        self,
        material: str,
        density_g_cm3: float,
        centre: Triple,
        half_axes: Triple,
        *,
        rotation: ArrayLike | None = None,
    ) -> Region | None:
        """Add an ellipsoid.

        Parameters
        ----------
        material : str
            Name of the material.
        density_g_cm3 : float
            Mean density; negative to hollow out a body.
        centre, half_axes : tuple of float
            Its centre and half axes along x, y, z, m.
        rotation : array_like of shape (3, 3), float64, optional
            Rotation about its centre.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.
        """
        return self._place(material, density_g_cm3, ball(centre, half_axes, rotation))

    def tube(
        self,
        material: str,
        density_g_cm3: float,
        start: Triple,
        end: Triple,
        outer_m: float,
        inner_m: float = 0.0,
    ) -> Region | None:
        """Add a pipe between two points.

        Parameters
        ----------
        material : str
            Name of the material.
        density_g_cm3 : float
            Mean density of the wall; negative to hollow out a body.
        start, end : tuple of float
            Middle of its ends, m.
        outer_m, inner_m : float
            Outer and inner radius; inner 0 for a rod.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.

        Raises
        ------
        ValueError
            If the inner radius is negative or not below the outer one, or as for any body.
        """
        if not 0.0 <= inner_m < outer_m:
            raise ValueError(f"inner radius must be 0 to below the outer {outer_m!r} m, got {inner_m!r} m")
        centre, length, turn = tube_axes(start, end)
        # sampled as finely as its wall asks for, inside and outside alike
        thinnest = (min(4.0 * (outer_m - inner_m), 2.0 * outer_m, length),) * 2
        outer = cylinder("z", centre, outer_m, length, turn)._replace(thinnest_m=thinnest)
        region = self._place(material, density_g_cm3, outer)
        if inner_m > 0 and region is not None:
            inner = cylinder("z", centre, inner_m, length, turn)._replace(thinnest_m=thinnest)
            self._place(material, -density_g_cm3, inner)
        return region

    def sheet(
        self,
        material: str,
        density_g_cm3: float,
        x: Span,
        y: Span,
        z: Span,
        *,
        thickness_m: float,
        period_m: float,
        depth_m: float,
        along: str,
        flat_share: float = 0.52,
    ) -> Region | None:
        """Add trapezoidal sheet, as containers have for walls and roof.

        Parameters
        ----------
        material : str
            Name of the material.
        density_g_cm3 : float
            Density of the metal.
        x, y, z : tuple of float
            Its extent, m. The sheet lies about the middle of the thinnest extent.
        thickness_m : float
            Thickness of the metal.
        period_m, depth_m : float
            Period of the corrugation, and the distance of its two levels.
        along : {"x", "y", "z"}
            Direction in which levels and slopes follow each other; they begin with a level.
        flat_share : float, default 0.52
            Share of the two levels in a period; the default is that of ISO side walls as commonly built
            (72 + 70 of 278 mm).

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.
        """
        pieces = sheet(
            x, y, z, thickness_m=thickness_m, period_m=period_m, depth_m=depth_m, along=along,
            flat_share=flat_share,
        )  # fmt: skip
        return union_of([self._place(material, density_g_cm3, piece) for piece in pieces])

    def mesh(
        self,
        material: str,
        density_g_cm3: float,
        vertices: ArrayLike,
        triangles: ArrayLike,
        *,
        centre: Triple,
        rotation: ArrayLike | None = None,
        scale: float = 1.0,
    ) -> Region | None:
        """Add a closed triangle mesh.

        Parameters
        ----------
        material : str
            Name of the material.
        density_g_cm3 : float
            Density; negative to hollow out a body.
        vertices : array_like of shape (n_vertex, 3), float64
            Corners, m, about the mesh's own origin.
        triangles : array_like of shape (n_triangle, 3), int
            Corners of each triangle, all in one sense.
        centre : tuple of float
            Where the mesh's origin is put, m.
        rotation : array_like of shape (3, 3), float64, optional
            Rotation about the mesh's origin.
        scale : float, default 1.0
            Factor on its size.

        Returns
        -------
        Region or None
            Window it is seen in; None if outside the picture.

        Raises
        ------
        ValueError
            If the mesh is not closed, or a value is out of its range.
        """
        if not (math.isfinite(scale) and scale > 0 and all(math.isfinite(c) for c in centre)):
            raise ValueError(f"scale must be positive and centre finite, got {scale!r}, {centre!r}")
        one = closed_mesh(vertices, triangles)
        turn = np.eye(3) if rotation is None else rotation_matrix(rotation)
        one = one._replace(vertices_m=one.vertices_m @ (scale * turn.T) + np.asarray(centre))
        return self._place(material, density_g_cm3, None, mesh=one)

    def _place(
        self,
        material: str,
        density_g_cm3: float,
        body: Body | None,
        *,
        mesh: Mesh | None = None,
        profile: NDArray[np.float64] | None = None,
    ) -> Region | None:
        material_of(material)
        if not (math.isfinite(density_g_cm3) and abs(density_g_cm3) <= MAX_DENSITY_G_CM3):
            raise ValueError(
                f"density must be at most {MAX_DENSITY_G_CM3:g} g/cm3 either way, got {density_g_cm3!r}"
            )
        if body is not None:
            spans = [(c - h, c + h) for c, h in zip(body.centre, body.half, strict=True)]
        elif mesh is not None:
            low, high = mesh.vertices_m.min(axis=0).tolist(), mesh.vertices_m.max(axis=0).tolist()
            spans = list(zip(low, high, strict=True))
        region = self.geometry.window_of(spans[0], spans[1], spans[2])
        if region is None:
            return None
        placed = Placed(material, float(density_g_cm3), body, mesh, profile, region)
        self._materials.setdefault(material, len(self._materials))
        self._placed.append(placed)
        for one in self._open:
            one.add(placed)
        return region

    def _trace(self) -> None:
        if self._n_traced == len(self._placed):
            return
        n_new = len(self._materials) - len(self._planes)
        if n_new:
            fresh = np.zeros((n_new, *self.geometry.shape), dtype=np.float32)
            self._planes = np.concatenate([self._planes, fresh])
        trace_into(self._planes, self._placed[self._n_traced :], self._materials, self.geometry.rays())
        self._n_traced = len(self._placed)
